"""Where a model looks in each of many photographs: from files to stored maps and statistics.

Files are decoded by threads while the model works, and what is done is kept: after an interruption only the
rest is computed.
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
from typing import NamedTuple, Self

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from gain_core.atomic import write_atomically
from gain_core.distributed import current_ranks
from gain_core.errors import InputError
from gain_core.events import Phase
from gain_core.explain.inference import inference_model_of_weights
from gain_core.imaging.pictures import open_rgb
from gain_core.models.classifier import Classifier, weights_sha256
from gain_core.models.inference import (
    EvidenceMaps,
    Numbers,
    cpu_threads,
    probabilities_of,
)
from gain_core.models.onnx_session import OnnxModel
from gain_core.models.spec import PIECE, ModelSpec, pixels

_SHELF = 64  # images whose maps share a file, and are lost together when the work is interrupted
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
    earlier = [_stored(path, token) for path, _, token in shelves]
    total = sum(len(batch) for _, batch, _ in shelves)
    missing = [batch for (_, batch, _), stored in zip(shelves, earlier, strict=True) if not stored]
    done: list[DatasetMaps] = []
    with _Looking(model, identity, missing) as looking:
        for (path, batch, token), maps in zip(shelves, earlier, strict=True):
            if on_progress is not None:
                on_progress(Phase("Explaining images", len(done) * _SHELF, total))
            if maps is None:
                maps, attention = looking.next_shelf(len(batch))
                _store(path, token, maps, attention)
            done.append(maps)
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


class _Looking:
    """Explains shelves of files in order, in as many threads as there are cores, a few pieces ahead.

    On a CPU each thread reads and explains its own piece by itself: nothing waits for anything.
    """

    def __init__(self, model: Classifier, identity: str, shelves: Sequence[Sequence[Path]]) -> None:
        self._threads = cpu_threads()
        self._workers = ThreadPoolExecutor(self._threads)
        self._started: deque[tuple[int, Future[_Piece | _Read]]] = deque()  # images, and what is said of them
        if not shelves:
            return
        self._model = inference_model_of_weights(model, identity)
        # torch has threads of its own: it explains in the caller's, and the workers read alone.
        self._in_workers = isinstance(self._model, OnnxModel)
        at_once = PIECE if next(model.parameters()).device.type == "cpu" else _SHELF
        self._pieces = iter(
            shelf[start : start + at_once] for shelf in shelves for start in range(0, len(shelf), at_once)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._workers.shutdown(cancel_futures=True)

    def next_shelf(self, files: int) -> tuple[DatasetMaps, Numbers]:
        """Statistics and refusals of so many files, and attention (N, h, w) of those that could be read."""
        told: list[_Piece] = []
        while files > 0:
            for piece in itertools.islice(self._pieces, 2 * self._threads + 1 - len(self._started)):
                self._started.append((len(piece), self._workers.submit(self._begin, piece)))
            count, future = self._started.popleft()
            begun = future.result()
            told.append(begun if isinstance(begun, _Piece) else self._explain(begun))
            files -= count
        maps = [piece.attention for piece in told if len(piece.attention)]
        return (
            DatasetMaps(
                tuple(image for piece in told for image in piece.images),
                tuple(refusal for piece in told for refusal in piece.refused),
            ),
            np.concatenate(maps) if maps else np.zeros((0, 1, 1), np.float32),
        )

    def _begin(self, files: Sequence[Path]) -> "_Piece | _Read":
        images: dict[Path, Numbers] = {}
        refused, spec = [], self._model.spec
        for file in files:
            try:
                images[file] = pixels(
                    open_rgb(file, at_least=2 * (spec.shorter_side or spec.image_size)), spec
                )
            except InputError as error:
                refused.append(Refused(str(file), str(error)))
        read = _Read(images, refused)
        return self._explain(read) if self._in_workers else read

    def _explain(self, read: "_Read") -> "_Piece":
        if not read.images:
            return _Piece([], read.refused, np.zeros((0, 1, 1), np.float32))
        maps = self._model.evidence_maps(np.stack(list(read.images.values())))
        probabilities, classes, attention = _most_probable(maps, self._model.spec)
        names = [self._model.spec.classes[position] for position in classes]
        return _Piece(
            [*statistics_of_maps(list(read.images), names, probabilities, attention)], read.refused, attention
        )


class _Read(NamedTuple):
    """A few files, read."""

    images: dict[Path, Numbers]  # each (3, S, S)
    refused: list[Refused]


class _Piece(NamedTuple):
    """What is said of a few files."""

    images: list[MapStatistics]
    refused: list[Refused]
    attention: Numbers  # (N, h, w), in the order of `images`


def _most_probable(maps: EvidenceMaps, spec: ModelSpec) -> tuple[Numbers, NDArray[np.intp], Numbers]:
    """The highest probability (B,), its class (B,) and that class's map (B, h, w) >= 0."""
    scores = probabilities_of(maps.logits, spec.multi_label)
    if not np.isfinite(scores).all():
        raise InputError("expected a model with weights that are numbers, got probabilities that are none")
    classes, images = scores.argmax(1), np.arange(len(scores))
    return scores[images, classes], classes, np.maximum(maps.evidence[images, classes], 0)


def statistics_of_maps(
    files: Sequence[Path], names: Sequence[str], probabilities: np.ndarray, attention: Numbers
) -> Iterator[MapStatistics]:
    """The figures of one map per file. names, probabilities: of the most probable class of each file, (N,);
    attention: (N, h, w) float32 >= 0.
    """
    total = attention.sum((1, 2))
    highest = attention.max((1, 2))
    area = (attention > 0.2 * highest[:, None, None]).mean((1, 2))
    rows, columns = (
        np.divide(
            (attention.sum(other) * _middles(attention.shape[axis])).sum(1),
            total,
            out=np.full(len(total), 0.5),
            where=total > 0,
        )
        for axis, other in ((1, 2), (2, 1))
    )
    figures = np.stack([probabilities, highest, area, rows, columns], 1).tolist()
    for file, name, (probability, peak, share, row, column) in zip(files, names, figures, strict=True):
        yield MapStatistics(str(file), name, probability, peak, share, row, column)


def _middles(count: int) -> NDArray[np.float64]:
    """The middles of `count` equal cells of [0, 1]."""
    middles: NDArray[np.float64] = (np.arange(count) + 0.5) / count
    return middles


def _token(identity: str, files: Sequence[Path]) -> str:
    """Says of kept maps what they were made of; a file that was replaced has another time or size."""
    try:
        states = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    except OSError as error:
        raise InputError(f"expected a file, got: {error}") from error
    return hashlib.sha256(repr((_FORMAT, identity, states)).encode(errors="surrogateescape")).hexdigest()


def _store(path: Path, token: str, maps: DatasetMaps, attention: Numbers) -> None:
    digest = hashlib.sha256(attention.tobytes()).hexdigest()
    header = {"token": token, "statistics": json.dumps(asdict(maps)), "sha256": digest}
    write_atomically(path, safetensors.numpy.save({"attention": attention}, header), durable=False)


def _stored(path: Path, token: str) -> DatasetMaps | None:
    """What was said of these very files by this very model; None when it was not, or is damaged."""
    try:
        with safetensors.safe_open(path, framework="np") as file:
            header = file.metadata() or {}
            if header.get("token") != token:
                return None
            content = file.get_tensor("attention").tobytes()
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
