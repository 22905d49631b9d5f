"""How much of the objects do attention maps cover? `python -m benchmarks.localisation_cues --data FOLDER`.

Localisation cues as in section 4 of the paper, judged against masks of pixels. FOLDER is VOC's in short:
images/*.jpg, annotations/*.xml (the classes that each image shows) and masks/*.png (palette, 255 void) for
some. As in the paper, training knows which classes each image shows and the cues are asked for those; masks
are given as guidance to some images only. Cross-validation: an image's cues come from a model that was
trained with the masks of the other folds, never its own.

Two baselines need no maps: *nothing* labels every pixel background, *whole image* labels every pixel with the
image's only class, or the most frequent of its classes.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from benchmarks.report import environment, mean, print_table, write_json
from benchmarks.segmentation_sets import CLASSES, labels_named, mask_png
from benchmarks.timing import Rival, alternating_medians
from gain_core.dataset.feature_cache import FeatureStore
from gain_core.dataset.sample import AlsoShown, Sample
from gain_core.explain.gradcam import explain, explain_features
from gain_core.explain.localisation import (
    CueConfig,
    Overlap,
    cue_labels,
    cue_overlap,
    labels_png,
    read_labels,
)
from gain_core.models.classifier import Classifier, ModelSpec, build_classifier, default_spec
from gain_core.training.config import TrainConfig
from gain_core.training.objectives import OBJECTIVES
from gain_core.training.trainer import train

FORMS = ("none", "gainext", "signed", "guided")
_IMAGES = 8  # explained at once where the time is taken


@dataclass(frozen=True, slots=True)
class Picture:
    """One photograph with its classes; `mask`: labels (H, W) uint8, None without a mask."""

    path: Path
    labels: tuple[int, ...]
    mask: np.ndarray | None

    @property
    def sample(self) -> Sample:
        """Without guidance, in the training split."""
        first, *others = self.labels
        key = sha256(self.path.read_bytes()).hexdigest()
        return Sample(key, self.path, first, "train", also=tuple(AlsoShown(label) for label in others))

    @property
    def guided(self) -> Sample:
        """With the mask of each class as *look here*."""
        sample, mask = self.sample, self.mask
        if mask is None:
            return sample
        also = tuple(replace(shown, look=mask_png(mask == shown.label + 1)) for shown in sample.also)
        return replace(sample, look=mask_png(mask == sample.label + 1), also=also)


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one way to make cues, over all images with a mask."""

    name: str
    overlaps: tuple[Overlap, ...]  # one for each seed
    seconds: float  # of training and explaining, all folds and seeds
    empty: int = 0  # maps that are zero everywhere: the model has no evidence for a class that is there

    @property
    def row(self) -> dict[str, str]:
        classes = [[iou for iou in overlap.iou[1:] if iou is not None] for overlap in self.overlaps]
        return {
            "cues": self.name,
            "mIoU": mean([overlap.mean_iou for overlap in self.overlaps], spread=True),
            "background": mean([overlap.iou[0] for overlap in self.overlaps]),
            "classes alone": mean([sum(shares) / len(shares) for shares in classes]),
            "empty maps": str(self.empty),
            "seconds": f"{self.seconds:.0f}",
        }


def main(arguments: Sequence[str] | None = None) -> None:
    options = read_options(arguments)
    pictures = read_pictures(options.data)
    judged = [picture for picture in pictures if picture.mask is not None]
    results = [_yardstick("nothing", judged), _yardstick("whole image", judged)]
    natural = default_spec(options.backbone, CLASSES, options.image_size, multi_label=True)
    specs = [replace(natural, output_stride=stride) for stride in options.strides]
    with tempfile.TemporaryDirectory(prefix="refocus-cues-") as folder:
        store = FeatureStore(Path(folder))
        for spec in specs:
            results += [_cross_validated(pictures, spec, form, store, options) for form in options.forms]
    print(
        f"\n{options.data.name}: {len(judged)} masks, {len(pictures)} images, {options.folds} folds, "
        f"{options.seeds} seeds, {options.backbone} at {options.image_size} px; figures in %"
    )
    print_table([result.row for result in results])
    speed = _explain_ms(specs)
    print_table([{"stride": stride, "ms to explain an image": f"{ms:.1f}"} for stride, ms in speed.items()])
    if options.json:
        write_json(options.json, as_json(results, speed, pictures, options))


def read_pictures(folder: Path) -> list[Picture]:
    pictures = []
    for path in sorted((folder / "images").iterdir()):
        labels = labels_named(folder / "annotations" / f"{path.stem}.xml")
        mask = folder / "masks" / f"{path.stem}.png"
        pictures.append(Picture(path, labels, read_labels(mask) if mask.exists() else None))
    return pictures


def _cross_validated(
    pictures: Sequence[Picture], spec: ModelSpec, form: str, store: FeatureStore, options: argparse.Namespace
) -> Result:
    # The features of the frozen trunk are the same for every form and fold: they are no part of the time.
    store.get_or_compute(build_classifier(spec), [picture.sample for picture in pictures])
    started = time.monotonic()
    overlaps = [Overlap.nothing(len(CLASSES))] * options.seeds
    empty = 0
    folds = 1 if form == "none" else options.folds  # without guidance every fold would be the same training
    for seed, fold in product(range(options.seeds), range(folds)):
        samples, asked = fold_of(pictures, fold, folds)
        model = build_classifier(spec, seed=seed)
        for _ in train(model, samples, _config(form, seed, options), store):
            pass
        for picture, maps in _shown_maps(model, asked, store):
            mask = cast(np.ndarray, picture.mask)
            labels = cue_labels(maps, picture.labels, (mask.shape[0], mask.shape[1]))
            overlaps[seed] += cue_overlap(labels, mask, len(CLASSES))
            empty += int((maps.amax((1, 2)) == 0).sum())
            if options.cues_out:
                out = options.cues_out / f"{form}-stride{spec.output_stride}-seed{seed}"
                out.mkdir(parents=True, exist_ok=True)
                (out / f"{picture.path.stem}.png").write_bytes(labels_png(labels))
    return Result(f"{form}, stride {spec.output_stride}", tuple(overlaps), time.monotonic() - started, empty)


def fold_of(pictures: Sequence[Picture], fold: int, folds: int) -> tuple[list[Sample], list[Picture]]:
    """A fold's training pictures, and the pictures whose cues its model makes.

    The masks of the latter, and no others, are left out of training.
    """
    samples = [p.sample if i % folds == fold else p.guided for i, p in enumerate(pictures)]
    return samples, [picture for picture in pictures[fold::folds] if picture.mask is not None]


def _config(form: str, seed: int, options: argparse.Namespace) -> TrainConfig:
    """The hold and the falling rate are for correcting a model: with them *gainext* had 15 % mIoU for 27."""
    if options.mode == "full":
        return replace(TrainConfig.full_default(form, seed), steps=options.steps)
    config = TrainConfig.quick_default(form, seed)
    return replace(config, steps=options.steps, l2_sp_weight=0.0, learning_rate_decay="none")


def _shown_maps(
    model: Classifier, pictures: Sequence[Picture], store: FeatureStore
) -> Iterator[tuple[Picture, Tensor]]:
    """Each picture with the maps (n, h, w) of the n classes that it shows."""
    features = store.get_or_compute(model, [picture.sample for picture in pictures]).float()
    attention = explain_features(model, features).attention  # (N, 20, h, w)
    for picture, maps in zip(pictures, attention, strict=True):
        yield picture, maps[list(picture.labels)]


def _explain_ms(specs: Sequence[ModelSpec]) -> dict[str, float]:
    """The cost of a map: milliseconds per image, all classes, by output stride."""
    rivals = {str(spec.output_stride): Rival(partial(_explaining, spec)) for spec in specs}
    return {stride: timing.ms / _IMAGES for stride, timing in alternating_medians(rivals, repeats=9).items()}


def _explaining(spec: ModelSpec) -> Callable[[], object]:
    images = torch.randn(_IMAGES, 3, spec.image_size, spec.image_size)
    return partial(explain, build_classifier(spec, "none"), images)


def _yardstick(name: str, pictures: Sequence[Picture]) -> Result:
    counts = Overlap.nothing(len(CLASSES))
    for picture in pictures:
        mask = cast(np.ndarray, picture.mask)
        label = 0 if name == "nothing" else picture.labels[0] + 1
        counts += cue_overlap(np.full_like(mask, label), mask, len(CLASSES))
    return Result(name, (counts,), 0.0)


def as_json(
    results: Sequence[Result],
    speed: dict[str, float],
    pictures: Sequence[Picture],
    options: argparse.Namespace,
) -> dict[str, Any]:
    settings = ("mode", "backbone", "image_size", "folds", "steps", "seeds")
    return {
        "dataset": options.data.name,
        "images": len(pictures),
        "masks": sum(picture.mask is not None for picture in pictures),
        **{name: getattr(options, name) for name in settings},
        "threshold": CueConfig().foreground,
        "environment": environment(),
        "explain_ms_by_stride": {stride: round(ms, 2) for stride, ms in speed.items()},
        "rows": [
            {
                "cues": result.name,
                "mean_iou": [overlap.mean_iou for overlap in result.overlaps],
                "iou": [
                    dict(zip(("background", *CLASSES), overlap.iou, strict=True))
                    for overlap in result.overlaps
                ],
                "empty_maps": result.empty,
                "seconds": round(result.seconds, 1),
            }
            for result in results
        ],
    }


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.localisation_cues", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with images, annotations, masks")
    parser.add_argument("--mode", choices=("quick", "full"), default="quick")
    parser.add_argument("--backbone", default="tf_efficientnet_lite0")
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--strides", type=int, nargs="+", default=[32, 16], help="output strides to compare")
    parser.add_argument("--forms", nargs="+", default=list(FORMS), choices=list(OBJECTIVES))
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--cues-out", type=Path, help="write the cues as palette PNG into this folder")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
