"""Photographs with their classes, splits and masks of pixels, for `benchmarks.segmentation`."""

import csv
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from gain_core.dataset.sample import AlsoShown, Sample
from gain_core.explain.localisation import read_labels
from gain_core.imaging.pictures import marked
from gain_core.imaging.raster import Mask

CLASSES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train"),
    "tvmonitor",
)
_HELD_OUT = (
    5  # every fifth training image of a class is the validation part; of a set without splits, the test
)


@dataclass(frozen=True, slots=True)
class Photograph:
    """One photograph; `palette`: the mask holds labels as VOC's do, else it is black outside the object."""

    path: Path
    labels: tuple[int, ...]  # class positions, the most frequent first
    split: str  # "train" or "test"
    mask_path: Path | None = None
    palette: bool = True

    def mask(self) -> np.ndarray:
        """(H, W) uint8: 0 background, class position + 1, 255 void. For those with a mask."""
        if self.mask_path is None:
            raise ValueError(f"{self.path}: expected a mask, got none")
        if self.palette:
            return read_labels(self.mask_path)
        with Image.open(self.mask_path) as picture:
            return (marked(picture) * (self.labels[0] + 1)).astype(np.uint8)

    def object(self) -> Mask:
        """(H, W) bool: the pixels of its first class. For those with a mask."""
        inside: Mask = self.mask() == self.labels[0] + 1
        return inside

    def sample(self, with_mask: bool = False) -> Sample:
        """In the training split; with_mask: each class's pixels are what to look at."""
        looks = [self._look(label) if with_mask else None for label in self.labels]
        also = tuple(AlsoShown(label, look) for label, look in zip(self.labels[1:], looks[1:], strict=True))
        return Sample("", self.path, self.labels[0], "train", look=looks[0], also=also)

    def _look(self, label: int) -> bytes | None:
        return mask_png(self.mask() == label + 1)


@dataclass(frozen=True, slots=True)
class Collection:
    """A data set as read from its folder."""

    classes: tuple[str, ...]
    photographs: tuple[Photograph, ...]

    def of(self, split: str) -> list[Photograph]:
        return [photograph for photograph in self.photographs if photograph.split == split]

    @property
    def several_labels(self) -> bool:
        return any(len(photograph.labels) > 1 for photograph in self.photographs)

    def validating(self) -> "Collection":
        """The training images alone, every fifth of a class with a mask as "test": for choosing settings."""
        return replace(self, photographs=_held_out(self.of("train")))


def read_collection(folder: Path) -> Collection:
    """A folder with an index.csv (file, mask, split, label), VOC's own (JPEGImages, …), or VOC's in short:
    images, annotations and masks, without splits.
    """
    if (folder / "index.csv").exists():
        return _indexed(folder)
    if (folder / "JPEGImages").exists():
        return _voc(folder)
    return _voc_in_short(folder)


def _indexed(folder: Path) -> Collection:
    with (folder / "index.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] in ("train", "test")]
    classes = tuple(sorted({row["label"] for row in rows}))
    return Collection(
        classes,
        tuple(
            Photograph(
                folder / row["file"],
                (classes.index(row["label"]),),
                row["split"],
                folder / row["mask"] if row["mask"] else None,
                palette=False,
            )
            for row in rows
        ),
    )


def _voc(folder: Path) -> Collection:
    """Trained on trainaug.txt with SegmentationClassAug where somebody added SBD's masks, else on train.txt.
    Judged on val.txt.
    """
    lists = folder / "ImageSets" / "Segmentation"
    added = (lists / "trainaug.txt").exists()
    masks = folder / ("SegmentationClassAug" if added else "SegmentationClass")
    photographs = []
    for split, name in (("train", "trainaug" if added else "train"), ("test", "val")):
        for stem in (lists / f"{name}.txt").read_text("utf-8").split():
            mask = (folder / "SegmentationClass" if split == "test" else masks) / f"{stem}.png"
            photographs.append(
                Photograph(
                    folder / "JPEGImages" / f"{stem}.jpg",
                    labels_named(folder / "Annotations" / f"{stem}.xml"),
                    split,
                    mask if mask.exists() else None,
                )
            )
    return Collection(CLASSES, tuple(photographs))


def _voc_in_short(folder: Path) -> Collection:
    photographs = []
    for path in sorted((folder / "images").iterdir()):
        mask = folder / "masks" / f"{path.stem}.png"
        labels = labels_named(folder / "annotations" / f"{path.stem}.xml")
        photographs.append(Photograph(path, labels, "train", mask if mask.exists() else None))
    return Collection(CLASSES, _held_out(photographs))


def labels_named(annotation: Path) -> tuple[int, ...]:
    """Classes in a VOC XML, the most frequent first."""
    root = ElementTree.parse(annotation).getroot()
    names = Counter(element.findtext("name", "") for element in root.iter("object"))
    return tuple(CLASSES.index(name) for name, _ in names.most_common())


def _held_out(photographs: Sequence[Photograph]) -> tuple[Photograph, ...]:
    """The same photographs, of those of a class that have a mask every fifth in "test"."""
    seen: defaultdict[int, int] = defaultdict(int)
    divided = []
    for photograph in photographs:
        split = "train"
        if photograph.mask_path is not None:
            seen[photograph.labels[0]] += 1
            split = "test" if seen[photograph.labels[0]] % _HELD_OUT == 0 else "train"
        divided.append(replace(photograph, split=split))
    return tuple(divided)


def masked_share(photographs: Sequence[Photograph], share: float, seed: int) -> list[int]:
    """Positions of those whose masks a method may use: `share` of all that have one, at least one, drawn at
    random, classes in turn.
    """
    dealt = in_turn(photographs, seed)
    return sorted(dealt[: max(1, round(share * len(dealt)))])


def in_turn(photographs: Sequence[Photograph], seed: int) -> list[int]:
    """Positions of those that have a mask, at random, classes in turn."""
    chance = np.random.default_rng(seed)
    pools: defaultdict[int, list[int]] = defaultdict(list)
    for position in chance.permutation(len(photographs)).tolist():
        if photographs[position].mask_path is not None:
            pools[photographs[position].labels[0]].append(position)
    order = [int(label) for label in chance.permutation(sorted(pools))]
    turns = max(map(len, pools.values()), default=0)
    return [pools[label][turn] for turn in range(turns) for label in order if turn < len(pools[label])]


def mask_png(inside: np.ndarray) -> bytes | None:
    """A 1-bit PNG; None for a mask without a pixel: nothing to look at."""
    if not inside.any():
        return None
    buffer = BytesIO()
    Image.fromarray(inside).save(buffer, "PNG")
    return buffer.getvalue()
