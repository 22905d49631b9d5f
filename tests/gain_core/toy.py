"""A data set and a network so small that training takes a second: one coloured cell of sixteen is the object.

Class 0 has a red object, class 1 a green one. The shortcut is the ground: grey for class 0, blue for class 1,
in every training image; in the other splits it is as often the other way round.
"""

import hashlib
import io
from dataclasses import replace
from pathlib import Path
from random import Random

import torch
from PIL import Image
from torch import nn

from gain_core.dataset.sample import Sample, Split
from gain_core.models.backbones import Parts
from gain_core.models.classifier import Classifier, ModelSpec
from gain_core.segmentation.network import Segmenter

SIZE = 64
CELL = 16
OBJECT = ((210, 40, 40), (40, 210, 40))
GROUND = ((90, 90, 90), (70, 70, 160))
CLASSES = ("red", "green")


def toy_model(seed: int = 0, norm: bool = False, drop: float = 0.0) -> Classifier:
    """Trunk: the mean colour of each of the 4×4 cells. Neck: one 1×1 convolution."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        trunk = nn.Sequential(nn.AvgPool2d(CELL), nn.Conv2d(3, 3, 1))
        trunk[1].load_state_dict({"weight": torch.eye(3)[..., None, None], "bias": torch.zeros(3)})
        neck = nn.Sequential(nn.Conv2d(3, 24, 1), nn.BatchNorm2d(24) if norm else nn.Identity(), nn.ReLU())
        neck.append(nn.Dropout(drop))
        spec = ModelSpec("toy", CLASSES, image_size=SIZE, mean=(0.4, 0.4, 0.4), std=(0.25, 0.25, 0.25))
        return Classifier(spec, Parts(trunk, neck, nn.Sequential(), 24)).eval()


def toy_segmenter(seed: int = 0) -> Segmenter:
    """The toy's trunk and neck, whose map has 4×4 places, and a small head for labels of places."""
    toy = toy_model(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        parts = Parts(toy.trunk, toy.neck, nn.Sequential(), 24)  # type: ignore[arg-type]
        return Segmenter(toy.spec, parts, channels=16, dropout=0.0).eval()


def draw(folder: Path, name: str, label: int, ground: int, cell: int) -> tuple[Path, bytes]:
    """The file of one image, and the PNG of its object's mask."""
    picture = Image.new("RGB", (SIZE, SIZE), GROUND[ground])
    mask = Image.new("1", (SIZE, SIZE))
    left, top = cell % 4 * CELL, cell // 4 * CELL
    box = (left, top, left + CELL, top + CELL)
    picture.paste(OBJECT[label], box)
    mask.paste(1, box)
    path = folder / f"{name}.png"
    picture.save(path)
    buffer = io.BytesIO()
    mask.save(buffer, "PNG")
    return path, buffer.getvalue()


def toy_samples(folder: Path, train: int = 24, other: int = 16, guided: int = 8) -> list[Sample]:
    """`train` biased images, the first `guided` with masks; `other` unbiased ones per other split."""
    random = Random(0)
    samples = []
    counts: dict[Split, int] = {"train": train, "validation": other, "test": other}
    for split, count in counts.items():
        for number in range(count):
            label = number % 2
            ground = label if split == "train" else number // 2 % 2
            path, mask = draw(folder, f"{split}-{number}", label, ground, random.randrange(16))
            key = hashlib.sha256(f"{path.name}".encode() + path.read_bytes()).hexdigest()
            look = mask if split == "train" and number < guided else None
            samples.append(Sample(key, path, label, split, look=look, name=f"{split}/{number}.png"))
    return samples


def ignoring(samples: list[Sample]) -> list[Sample]:
    """The same samples, guided by *ignore this* alone: on what was the object."""
    return [replace(sample, look=None, ignore=sample.look) for sample in samples]


def worst_group(probabilities: list[tuple[float, ...]], samples: list[Sample]) -> float:
    """Accuracy of the worst of the four groups (label, ground) of test images, in [0, 1]."""
    groups: dict[tuple[int, int], list[bool]] = {}
    tested = [(s, p) for s, p in zip(samples, probabilities, strict=True) if s.split == "test"]
    for number, (sample, p) in enumerate(tested):
        groups.setdefault((sample.label, number // 2 % 2), []).append((p[1] > 0.5) == (sample.label == 1))
    return min(sum(flags) / len(flags) for flags in groups.values())
