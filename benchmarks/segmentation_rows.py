"""The rows of `benchmarks.segmentation`: from one source of cues to a segmentation network's figures."""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import Tensor

from benchmarks.segmentation_sets import Collection, Photograph, masked_share
from gain_core.dataset.reading import label_rows, picture_of, pixels_of
from gain_core.explain.localisation import CueConfig, Overlap, cue_labels, cue_overlap
from gain_core.models.classifier import Classifier, default_spec
from gain_core.models.spec import ModelSpec
from gain_core.segmentation.config import SegmentConfig
from gain_core.segmentation.cues import SOURCES, CueTraining
from gain_core.segmentation.dense_crf import CrfConfig
from gain_core.segmentation.network import Segmenter, build_segmenter
from gain_core.segmentation.predict import pixel_labels
from gain_core.segmentation.sec import Seeded, train_segmenter
from gain_core.segmentation.seeds import least_salient, mask_seeds, saliency, seed_labels
from gain_core.training.config import TrainConfig

# Of each row: its name in the table, its source of cues and the share of training masks that this may use.
ROWS: dict[str, tuple[str, str, float]] = {
    "grad_cam": ("CAM, Grad-CAM", "grad_cam", 0.0),  # with pooling and a linear head their cues are the same
    "hide_and_seek": ("Hide-and-Seek", "hide_and_seek", 0.0),
    "adversarial_erasing": ("adversarial erasing", "adversarial_erasing", 0.0),
    "two_phase": ("two-phase learning", "two_phase", 0.0),
    "gain": ("GAIN", "gain", 0.0),
    **{
        f"gainext_{percent}": (f"GAINext, {percent} % masks", "gainext", percent / 100)
        for percent in (1, 2, 5, 10)
    },
}
FLOOR, CEILING = "floor", "ceiling"
# The same network trained on these shares of the training masks and on nothing else: GAINext's controls.
MASKS_ALONE = {"masks_2": 0.02, "masks_10": 0.10, CEILING: 1.0}
TITLES = {
    FLOOR: "floor: whole image is its class",
    **{key: row[0] for key, row in ROWS.items()},
    "masks_2": "2 % masks alone",
    "masks_10": "10 % masks alone",
    CEILING: "ceiling: all masks",
}
_IMAGES = 16  # read at once


@dataclass(frozen=True, slots=True)
class Task:
    """What all rows of one seed share."""

    collection: Collection
    options: argparse.Namespace
    seed: int

    @property
    def spec(self) -> ModelSpec:
        natural = default_spec(
            self.options.backbone,
            self.collection.classes,
            self.options.image_size,
            multi_label=self.collection.several_labels,
        )
        return replace(natural, output_stride=self.options.stride)

    @property
    def training(self) -> CueTraining:
        """A classifier's maps have stride 16, as in the paper (14×14 at 224 px), whatever SEC's have."""
        options = self.options
        coarse = replace(self.spec, output_stride=16)
        if options.preset == "paper":
            paper = TrainConfig.paper(len(self.collection.of("train")), self.seed)
            return CueTraining(replace(coarse, head="paper"), paper, device=options.device)
        config = replace(
            TrainConfig.full_default("none", self.seed),
            steps=options.cue_steps,
            batch_size=options.cue_batch,
            guided_batch_size=options.cue_guided_batch,
            learning_rate=options.cue_rate,
            learning_rate_decay="cosine",
            calibrate=False,
            smallest_crop=1.0,
            colour_jitter=0.0,
        )
        return CueTraining(coarse, config, device=options.device)

    @property
    def config(self) -> SegmentConfig:
        options = self.options
        if options.preset == "paper":
            return SegmentConfig.sec(self.seed)
        return replace(
            SegmentConfig.small(options.steps, self.seed), frozen_convolutions=options.frozen_convolutions
        )


def measured(task: Task, row: str) -> dict[str, Any]:
    """One row of one seed, but the floor: its cues, then SEC trained on them, judged on the test images."""
    photographs = task.collection.of("train")
    segmenter = build_segmenter(task.spec, seed=task.seed, channels=task.options.channels)
    size = segmenter.map_size
    config = task.config
    result: dict[str, Any] = {}
    if row in MASKS_ALONE:
        positions = masked_share(photographs, MASKS_ALONE[row], task.seed)
        photographs = [photographs[position] for position in positions]
        labels = 1 + len(task.collection.classes)
        seeds = [mask_seeds(photograph.mask(), size, labels) for photograph in photographs]
        config = replace(config, expansion=0.0, boundary=0.0)
    else:
        started = time.monotonic()
        guided = guided_positions(task, row, photographs)
        maps = cue_maps(task, row, photographs, guided)
        result["cue_seconds"] = round(time.monotonic() - started, 1)
        overlap, empty = judged_cues(task, photographs, maps, guided)
        result |= {"cues": overlap.mean_iou, "empty_maps": empty}
        seeds = seeds_of(task, photographs, maps, size)
    samples = [photograph.sample() for photograph in photographs]
    training = [Seeded(sample, own) for sample, own in zip(samples, seeds, strict=True)]
    for _ in train_segmenter(segmenter, training, config, task.options.device):
        pass
    return result | judged(task, segmenter)


def guided_positions(task: Task, row: str, photographs: Sequence[Photograph]) -> set[int]:
    """The photographs whose masks a row may use."""
    share = ROWS[row][2]
    return set(masked_share(photographs, share, task.seed)) if share else set()


def cue_maps(task: Task, row: str, photographs: Sequence[Photograph], guided: set[int]) -> list[Tensor]:
    samples = [photograph.sample(position in guided) for position, photograph in enumerate(photographs)]
    return SOURCES[ROWS[row][1]](samples, task.training)


def judged_cues(
    task: Task, photographs: Sequence[Photograph], maps: Sequence[Tensor], guided: set[int]
) -> tuple[Overlap, int]:
    """Cues as complete labels, all that is no object being background, where training did not see the mask;
    and the number of empty maps.
    """
    classes, threshold = len(task.collection.classes), task.options.foreground_threshold
    config = CueConfig(threshold, threshold)
    overlap, empty = Overlap.nothing(classes), 0
    for position, (photograph, own) in enumerate(zip(photographs, maps, strict=True)):
        empty += int((own.amax((1, 2)) == 0).sum())
        if photograph.mask_path is not None and position not in guided:
            mask = photograph.mask()
            size = (mask.shape[0], mask.shape[1])
            overlap += cue_overlap(cue_labels(own, photograph.labels, size, config), mask, classes)
    return overlap, empty


def seeds_of(
    task: Task, photographs: Sequence[Photograph], maps: Sequence[Tensor], size: tuple[int, int]
) -> list[np.ndarray]:
    options = task.options
    if options.background == "maps":
        config = CueConfig(options.foreground_threshold, options.background_threshold)
        return [
            seed_labels(own, photograph.labels, size, config=config)
            for photograph, own in zip(photographs, maps, strict=True)
        ]
    config = CueConfig(options.foreground_threshold, options.foreground_threshold)
    classifier = task.training.trained([photograph.sample() for photograph in photographs])
    places = [
        place
        for start in range(0, len(photographs), _IMAGES)
        for place in _background(classifier, photographs[start : start + _IMAGES], size)
    ]
    return [
        seed_labels(own, photograph.labels, size, place, config)
        for photograph, own, place in zip(photographs, maps, places, strict=True)
    ]


def _background(classifier: Classifier, chunk: Sequence[Photograph], size: tuple[int, int]) -> Tensor:
    device = next(classifier.parameters()).device
    samples = [photograph.sample() for photograph in chunk]
    images, classes = pixels_of(samples, classifier.spec), label_rows(samples)
    return least_salient(saliency(classifier, images.to(device), classes.to(device)).cpu(), size)


def judged(task: Task, segmenter: Segmenter) -> dict[str, Any]:
    """mIoU and pixel accuracy on the test images without and with CRF, and what they take."""
    classes = len(task.collection.classes)
    plain = refined = Overlap.nothing(classes)
    network_seconds = crf_seconds = 0.0
    photographs = [photograph for photograph in task.collection.of("test") if photograph.mask_path]
    for photograph in photographs:
        picture, mask = picture_of(photograph.sample()), photograph.mask()
        started = time.monotonic()
        probabilities = segmenter.probabilities_of([picture])[0]
        plain += cue_overlap(pixel_labels(probabilities, picture), mask, classes)
        network_seconds += time.monotonic() - started
        started = time.monotonic()
        refined += cue_overlap(pixel_labels(probabilities, picture, CrfConfig()), mask, classes)
        crf_seconds += time.monotonic() - started
    return {
        "plain": plain.mean_iou,
        "plain_accuracy": plain.pixel_accuracy,
        "crf": refined.mean_iou,
        "crf_accuracy": refined.pixel_accuracy,
        "ms_per_image": round(1000 * network_seconds / len(photographs)),
        "crf_ms_per_image": round(1000 * crf_seconds / len(photographs)),
        "iou": {
            "plain": dict(zip(("background", *task.collection.classes), plain.iou, strict=True)),
            "crf": dict(zip(("background", *task.collection.classes), refined.iou, strict=True)),
        },
    }


def floor(task: Task) -> dict[str, Any]:
    classes = len(task.collection.classes)
    overlap = Overlap.nothing(classes)
    for photograph in task.collection.of("test"):
        if photograph.mask_path is not None:
            mask = photograph.mask()
            overlap += cue_overlap(np.full_like(mask, photograph.labels[0] + 1), mask, classes)
    return {"plain": overlap.mean_iou, "plain_accuracy": overlap.pixel_accuracy}
