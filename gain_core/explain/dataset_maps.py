"""Where a model looks in each of many photographs: from files to stored maps and statistics.

Files are decoded by threads while the model works, a frozen copy explains them a few at a time, and what is
done is kept: after an interruption only the rest is computed.
"""

import csv
import hashlib
import io
import itertools
import json
import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from gain_core.atomic import write_atomically
from gain_core.distributed import current_ranks
from gain_core.errors import InputError
from gain_core.events import Phase
from gain_core.explain.gradcam import attention_maps, attention_weights, evidence_maps
from gain_core.imaging.pictures import open_rgb
from gain_core.models.classifier import PIECE, Classifier, ModelSpec, preprocess, weights_sha256
from gain_core.models.inference import frozen

_SHELF = 64  # images whose maps share a file, and are lost together when the work is interrupted
_AHEAD = 32  # images read before the model asks for them
_FORMAT = "refocus-maps-2"  # change it whenever the same model and files would give other maps or statistics


@dataclass(frozen=True, slots=True)
class MapStatistics:
    """What a model says of one file, and how its attention to that class is spread."""

    file: str
    predicted: str  # the most probable class
    probability: float  # of that class, in [0, 1]
    highest: float  # of that class's map, >= 0, not scaled
    area: float  # share of the map above 20 % of its highest place, in [0, 1]: the paper's localisation cue
    row: float  # centre of the attention in [0, 1] from the top; 0.5 when there is none
    column: float  # from the left


@dataclass(frozen=True, slots=True)
class Refused:
    """A file without a map, and why."""

    file: str
    reason: str


@dataclass(frozen=True, slots=True)
class DatasetMaps:
    """All files in the order given, those that could be read and the others."""

    images: tuple[MapStatistics, ...]
    refused: tuple[Refused, ...]


def explain_files(
    model: Classifier,
    files: Iterable[Path | str],
    folder: Path | str,
    on_progress: Callable[[Phase], None] | None = None,
) -> DatasetMaps:
    """Explain every file for its most probable class; maps and statistics go into `folder`.

    `maps-00000.safetensors` and so on hold `attention` (N, h, w) float32 >= 0 of 64 files each, in order and
    without the refused ones; `statistics.csv` has a row of `MapStatistics` for each and `refused.csv` the
    others. What is there already, of the same model and unchanged files, is not computed again; maps of an
    earlier call with more files are removed. JPEGs are decoded no larger than twice the model's input
    (`open_rgb`). Under torchrun (`ranks.joined`) every process calls it, each explains a share, and all of
    them get everything; `folder` must be one that all see. InputError when a file is missing, `files` is a
    single path or the model's weights are no numbers; OSError when the folder cannot be written.
    """
    if isinstance(files, str | bytes | os.PathLike):  # text would be taken letter by letter
        raise InputError(
            f"expected image files, such as Path(…).glob('*.jpg') gives, got one path: {files!r}"
        )
    model.expect_own_layers()
    identity, paths, folder = weights_sha256(model, repr(model.spec)), [*map(Path, files)], Path(folder)
    shelves = []
    for number, start in enumerate(range(0, len(paths), _SHELF)):
        batch = paths[start : start + _SHELF]
        shelves.append((folder / f"maps-{number:05d}.safetensors", batch, _token(identity, batch)))
    ranks = current_ranks()
    shelves = ranks.share(shelves)
    found = [_kept(path, token) for path, _, token in shelves]
    total = sum(len(batch) for _, batch, _ in shelves)
    missing = [file for (_, batch, _), kept in zip(shelves, found, strict=True) if not kept for file in batch]
    fast = frozen(model) if missing else model
    done: list[DatasetMaps] = []
    with ThreadPoolExecutor(os.cpu_count()) as readers:
        pixels = _decoded(readers, missing, model.spec)
        for (path, batch, token), kept in zip(shelves, found, strict=True):
            if on_progress is not None:
                on_progress(Phase("Explaining images", len(done) * _SHELF, total))
            if kept is None:
                kept, attention = _explain(fast, batch, itertools.islice(pixels, len(batch)))
                _keep(path, token, kept, attention)
            done.append(kept)
    done = ranks.gather(done)
    images = tuple(image for part in done for image in part.images)
    refused = tuple(refusal for part in done for refusal in part.refused)
    if ranks.first:
        count = -(-len(paths) // _SHELF)
        for path in folder.glob("maps-*.safetensors"):
            shelf = re.fullmatch(r"maps-([0-9]{5,})", path.stem)  # any other file is not ours
            if shelf and int(shelf[1]) >= count:
                path.unlink()
        _write_table(folder / "statistics.csv", MapStatistics, images)
        _write_table(folder / "refused.csv", Refused, refused)
    return DatasetMaps(images, refused)


def _decoded(
    readers: ThreadPoolExecutor, files: Sequence[Path], spec: ModelSpec
) -> Iterator[Tensor | InputError]:
    """(3, S, S) of each file in order, or why not; a few are read ahead, so that memory stays small."""

    def read(file: Path) -> Tensor | InputError:
        try:
            return preprocess(open_rgb(file, at_least=2 * spec.image_size), spec)
        except InputError as error:
            return error

    waiting: deque[Future[Tensor | InputError]] = deque()
    for file in files:
        waiting.append(readers.submit(read, file))
        if len(waiting) > _AHEAD:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _explain(
    model: Classifier, files: Sequence[Path], pixels: Iterator[Tensor | InputError]
) -> tuple[DatasetMaps, Tensor]:
    """Statistics and refusals of the files, and attention (N, h, w) of those that could be read."""
    images: list[MapStatistics] = []
    refused: list[Refused] = []
    maps: list[Tensor] = []
    waiting: list[tuple[Path, Tensor]] = []
    at_once = PIECE if next(model.parameters()).device.type == "cpu" else _SHELF
    for read, (file, picture) in enumerate(zip(files, pixels, strict=True), 1):
        if isinstance(picture, InputError):
            refused.append(Refused(str(file), str(picture)))
        else:
            waiting.append((file, picture))
        if waiting and (len(waiting) == at_once or read == len(files)):
            names, batch = zip(*waiting, strict=True)
            probabilities, classes, attention = _most_probable(model, torch.stack(batch))
            images += _statistics(model, names, probabilities, classes, attention)
            maps.append(attention)
            waiting = []
    return DatasetMaps(tuple(images), tuple(refused)), torch.cat(maps) if maps else torch.zeros(0, 1, 1)


def _most_probable(model: Classifier, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """images (B, 3, S, S) -> the highest probability (B,), its class (B,) and that class's map (B, h, w)."""
    place = next(model.parameters()).device
    with torch.no_grad():
        features = model.features(images.to(place, memory_format=torch.channels_last))
        logits = model.head(features)
        scores = logits.sigmoid() if model.spec.multi_label else logits.softmax(1)
        probabilities, classes = scores.max(1)
        if not probabilities.isfinite().all():
            raise InputError(
                "expected a model with weights that are numbers, got probabilities that are none"
            )
        weights = attention_weights(model, features, classes[:, None])
        attention = attention_maps(evidence_maps(features, weights))[:, 0]
        return probabilities.cpu(), classes.cpu(), attention.float().cpu()


def _statistics(
    model: Classifier, files: Sequence[Path], probabilities: Tensor, classes: Tensor, attention: Tensor
) -> Iterator[MapStatistics]:
    total = attention.sum((1, 2))
    highest = attention.amax((1, 2))
    area = (attention > 0.2 * highest[:, None, None]).float().mean((1, 2))
    rows, columns = (
        torch.where(total > 0, (attention.sum(other) * _middles(attention.shape[axis])).sum(1) / total, 0.5)
        for axis, other in ((1, 2), (2, 1))
    )
    figures = torch.stack([probabilities, highest, area, rows, columns], 1).tolist()
    for file, position, (probability, peak, share, row, column) in zip(files, classes, figures, strict=True):
        name = model.spec.classes[int(position)]
        yield MapStatistics(str(file), name, probability, peak, share, row, column)


def _middles(count: int) -> Tensor:
    """The middles of `count` equal cells of [0, 1]."""
    return (torch.arange(count) + 0.5) / count


def _token(identity: str, files: Sequence[Path]) -> str:
    """Says of kept maps what they were made of; a file that was replaced has another time or size."""
    try:
        states = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    except OSError as error:
        raise InputError(f"expected a file, got: {error}") from error
    return hashlib.sha256(repr((_FORMAT, identity, states)).encode(errors="surrogateescape")).hexdigest()


def _keep(path: Path, token: str, kept: DatasetMaps, attention: Tensor) -> None:
    digest = hashlib.sha256(attention.numpy().tobytes()).hexdigest()
    header = {"token": token, "statistics": json.dumps(asdict(kept)), "sha256": digest}
    write_atomically(path, safetensors.torch.save({"attention": attention}, header), durable=False)


def _kept(path: Path, token: str) -> DatasetMaps | None:
    """What was said of these very files by this very model; None when it was not, or is damaged."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            if header.get("token") != token:
                return None
            content = file.get_tensor("attention").numpy().tobytes()
    except (OSError, safetensors.SafetensorError):
        return None
    if hashlib.sha256(content).hexdigest() != header["sha256"]:
        return None
    stored = json.loads(header["statistics"])
    return DatasetMaps(
        tuple(MapStatistics(**image) for image in stored["images"]),
        tuple(Refused(**refusal) for refusal in stored["refused"]),
    )


def _write_table(path: Path, kind: type, rows: Sequence[MapStatistics] | Sequence[Refused]) -> None:
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, [field.name for field in fields(kind)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    write_atomically(path, table.getvalue().encode(errors="surrogateescape"), durable=False)
