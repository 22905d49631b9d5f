"""What training and prediction are told about one image. Needs no torch: a supervisor may write it down."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Split = Literal["train", "validation", "test"]


@dataclass(frozen=True, slots=True)
class Sample:
    """One image with its true class and, for some, guidance for that class."""

    key: str  # SHA-256 of the image file, hex: what its kept features are filed under
    path: Path
    label: int  # class position, from 0
    split: Split
    look: bytes | None = None  # 1-bit PNG of the image's size: 1 = look here
    ignore: bytes | None = None  # likewise: 1 = ignore this
    object_mask: Path | None = None  # for evaluation only: training never opens it
    name: str = ""  # what people call the image, for messages; empty: its path

    @property
    def guided(self) -> bool:
        return self.look is not None or self.ignore is not None

    @property
    def title(self) -> str:
        return self.name or str(self.path)


def guided_training(samples: Sequence[Sample]) -> list[int]:
    """Positions of the training images that carry guidance. Guidance on other splits is for evaluation."""
    return [p for p, sample in enumerate(samples) if sample.split == "train" and sample.guided]
