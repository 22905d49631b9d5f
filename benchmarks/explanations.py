"""Which explanation is to be trusted here? `python -m benchmarks.explanations --data FOLDER --json OUT`.

A first model is trained on the labels alone, as the app does (quick mode); `--guided` trains it with the
masks of all training images as *look here*. Then every method of `gain_core.explain` explains the same test
images, drawn at random from those that have a mask and that the model predicts right, for their class:

- *pointing*: the highest place of the map lies on the object; *energy*: share of the map on the object.
- *deletion*: area under the class's probability while the highest places are greyed first; low is good.
  *insertion*: while they are uncovered first in a blurred image; high is good.
- *faithfulness*: insertion − deletion, in [−1, 1]. The rows are ranked by it.

Deletion and insertion say what the model uses, wherever that is. Pointing and energy say it only of a model
that looks at the object: on a biased model a good map points at the shortcut. Two yardsticks know nothing of
the model: *centre* is highest in the middle of the image, *random* anywhere.

Intervals of 95 %: Wilson for pointing, Student's t for means, paired by image for differences from Grad-CAM.
FOLDER as for `benchmarks.segmentation`.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from benchmarks.drawing_adds import interval
from benchmarks.report import environment, print_table, say, write_json
from benchmarks.segmentation_sets import Collection, Photograph, read_collection
from gain_core.dataset.feature_cache import FeatureStore
from gain_core.errors import InputError
from gain_core.explain.methods import METHODS, GradCam
from gain_core.explain.methods.method import Numbers
from gain_core.imaging.evidence_levels import share_inside
from gain_core.imaging.pictures import open_rgb
from gain_core.metrics import wilson_interval
from gain_core.metrics_of_maps import deletion, insertion, points_inside
from gain_core.models.classifier import DEFAULT_BACKBONE, Classifier, build_classifier, default_spec
from gain_core.models.spec import pixels
from gain_core.training.config import TrainConfig
from gain_core.training.trainer import train

YARDSTICKS = ("centre", "random")
MEANS = ("energy", "deletion", "insertion", "faithfulness")


@dataclass(frozen=True, slots=True)
class Measured:
    """One map of one image."""

    image: str  # file name
    method: str
    pointing: bool
    energy: float
    deletion: float
    insertion: float
    seconds: float

    @property
    def faithfulness(self) -> float:
        return self.insertion - self.deletion


def main(arguments: Sequence[str] | None = None) -> None:
    options = read_options(arguments)
    torch.set_num_threads(options.threads)
    collection = read_collection(options.data)
    model = trained(collection, options)
    chosen = predicted_right(model, collection.of("test"), options)
    say(f"{len(chosen)} images of {options.data.name}")
    measured: list[Measured] = []
    refused: dict[str, str] = {}
    for number, photograph in enumerate(chosen):
        say(f"{number + 1} of {len(chosen)}: {photograph.path.name}")
        for name in (*METHODS, *YARDSTICKS):
            if name in refused:
                continue
            try:
                measured.append(measure(model, photograph, name, number))
            except InputError as error:
                refused[name] = str(error)
    rows = [row_of(name, measured) for name in dict.fromkeys(item.method for item in measured)]
    rows.sort(key=lambda row: row["faithfulness"]["mean"], reverse=True)
    trained_on = "all masks" if options.guided else "labels"
    print(f"\n{options.data.name}: {len(chosen)} test images predicted right, model trained on {trained_on}")
    print_table([as_text(row) for row in rows])
    for name, sentence in refused.items():
        print(f"{name}: {sentence}")
    write_json(
        options.json,
        {
            "environment": environment(),
            "settings": {
                "data": options.data.name,
                "guided": options.guided,
                "backbone": options.backbone,
                "images": len(chosen),
                "seed": options.seed,
                "methods": {name: asdict(method) for name, method in METHODS.items()},  # type: ignore[call-overload]
            },
            "rows": rows,
            "refused": refused,
            "images": [{**asdict(item), "faithfulness": item.faithfulness} for item in measured],
        },
    )


def trained(collection: Collection, options: argparse.Namespace) -> Classifier:
    spec = default_spec(
        options.backbone, collection.classes, options.image_size, multi_label=collection.several_labels
    )
    model = build_classifier(spec, seed=options.seed)
    samples = [photograph.sample(with_mask=options.guided) for photograph in collection.of("train")]
    form = TrainConfig.quick_default if options.guided else TrainConfig.first_model
    config = form(seed=options.seed, classes=len(collection.classes))
    say(f"training on {len(samples)} images")
    with tempfile.TemporaryDirectory(prefix="refocus-explanations-") as folder:
        for _ in train(model, samples, config, FeatureStore(Path(folder))):
            pass
    return model


def predicted_right(
    model: Classifier, photographs: Sequence[Photograph], options: argparse.Namespace
) -> list[Photograph]:
    """At random, up to `--images`; with a mask that marks something."""
    chosen: list[Photograph] = []
    order = np.random.default_rng(options.seed).permutation(len(photographs))
    for photograph in (photographs[place] for place in order):
        if len(chosen) == options.images:
            break
        if photograph.mask_path is None or not photograph.object().any():
            continue
        with torch.inference_mode():
            image = torch.from_numpy(pixels(open_rgb(photograph.path), model.spec))[None]
            if int(model(image).argmax()) == photograph.labels[0]:
                chosen.append(photograph)
    return chosen


def measure(model: Classifier, photograph: Photograph, name: str, seed: int) -> Measured:
    image, position = pixels(open_rgb(photograph.path), model.spec), photograph.labels[0]
    began = time.perf_counter()
    attention = map_of(model, image, position, name, seed)
    seconds = time.perf_counter() - began
    inside = photograph.object()

    def probability(images: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            logits = model(torch.from_numpy(images).contiguous(memory_format=torch.channels_last))
            shares = logits.sigmoid() if model.spec.multi_label else logits.softmax(1)
        return shares[:, position].double().numpy()

    return Measured(
        photograph.path.name,
        name,
        bool(points_inside(attention, inside)),
        share_inside(attention, Image.fromarray(inside)) or 0.0,
        deletion(probability, image, attention),
        insertion(probability, image, attention),
        seconds,
    )


def map_of(model: Classifier, image: Numbers, position: int, name: str, seed: int) -> Numbers:
    if name == "centre":
        rows = np.linspace(-1, 1, 28)
        return np.exp(-(rows[:, None] ** 2 + rows**2)).astype(np.float32)
    if name == "random":
        return np.random.default_rng(seed).random((7, 7), dtype=np.float32)
    return METHODS[name].explain(model, image, position, seed)


def row_of(name: str, measured: Sequence[Measured]) -> dict[str, Any]:
    items = [item for item in measured if item.method == name]
    grad_cam = {item.image: item for item in measured if item.method == GradCam.NAME}
    hits = sum(item.pointing for item in items)
    row: dict[str, Any] = {
        "method": name,
        "n": len(items),
        "pointing": {"mean": hits / len(items), "interval": wilson_interval(hits, len(items))},
        "seconds": statistics.median(item.seconds for item in items),
    }
    for figure in MEANS:
        values = [getattr(item, figure) for item in items]
        gained = [getattr(item, figure) - getattr(grad_cam[item.image], figure) for item in items]
        row[figure] = {
            "mean": statistics.fmean(values),
            "interval": interval(values),
            "over_grad_cam": {"mean": statistics.fmean(gained), "interval": interval(gained)},
        }
    return row


def as_text(row: dict[str, Any]) -> dict[str, str]:
    def figure(value: dict[str, Any]) -> str:
        low, high = value["interval"]
        between = "" if low is None else f" ({100 * low:.0f} to {100 * high:.0f})"
        return f"{100 * value['mean']:.1f}{between}"

    return {
        "method": row["method"],
        "n": str(row["n"]),
        **{
            name: figure(row[name])
            for name in ("faithfulness", "insertion", "deletion", "pointing", "energy")
        },
        "over Grad-CAM": figure(row["faithfulness"]["over_grad_cam"]),
        "seconds": f"{row['seconds']:.2f}",
    }


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.explanations",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with masks")
    parser.add_argument("--json", type=Path, required=True, help="file for the figures")
    parser.add_argument("--images", type=int, default=60, help="at most")
    parser.add_argument("--guided", action="store_true", help="train with the masks of all training images")
    parser.add_argument("--backbone", default=DEFAULT_BACKBONE)
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
