"""What training and prediction are told about one image. Needs no torch: a supervisor may write it down."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from gain_core.errors import InputError

Split = Literal["train", "validation", "test"]


@dataclass(frozen=True, slots=True)
class AlsoShown:
    """A further class that an image shows, and the guidance for it. Only where classes are independent."""

    label: int  # class position, from 0
    look: bytes | None = None  # 1-bit PNG of the image's size: 1 = look here
    ignore: bytes | None = None  # likewise: 1 = ignore this

    def __post_init__(self) -> None:
        _expect_pngs(f"label {self.label}", self.look, self.ignore)


@dataclass(frozen=True, slots=True)
class Sample:
    """One image with its true class and, for some, guidance for it; with independent classes, more.

    Raises InputError for an unknown split, a key that is no SHA-256, or a mask that is not a file's bytes.
    """

    key: str  # SHA-256 of the image file, hex: what its kept features are filed under
    path: Path
    label: int  # class position, from 0
    split: Split
    look: bytes | None = None  # 1-bit PNG of the image's size: 1 = look here
    ignore: bytes | None = None  # likewise: 1 = ignore this
    object_mask: Path | None = None  # for evaluation only: training never opens it
    name: str = ""  # what people call the image, for messages; empty: its path
    also: tuple[AlsoShown, ...] = ()  # multi-label data: every class that the image shows beside `label`

    def __post_init__(self) -> None:
        if self.split not in get_args(Split):
            raise InputError(f"{self.title}: expected a split of {get_args(Split)}, got {self.split!r}")
        if not re.fullmatch("[0-9a-f]{64}", self.key):
            raise InputError(f"{self.title}: expected the file's SHA-256 as key, got {self.key!r}")
        _expect_pngs(self.title, self.look, self.ignore)
        object.__setattr__(self, "path", Path(self.path))  # text will do

    @property
    def guided(self) -> bool:
        masks = [
            self.look,
            self.ignore,
            *(mask for shown in self.also for mask in (shown.look, shown.ignore)),
        ]
        return any(mask is not None for mask in masks)

    @property
    def labels(self) -> tuple[int, ...]:
        """All classes that the image shows, `label` first."""
        return (self.label, *(shown.label for shown in self.also))

    @property
    def each_class(self) -> tuple["Sample", ...]:
        """The image once for each class it shows, as if it showed no other: for what is asked per class.

        The object mask is that of `label` and stays with it.
        """
        return (
            replace(self, also=()),
            *(
                replace(
                    self, label=shown.label, look=shown.look, ignore=shown.ignore, object_mask=None, also=()
                )
                for shown in self.also
            ),
        )

    @property
    def title(self) -> str:
        return self.name or str(self.path)


def _expect_pngs(title: str, *masks: bytes | None) -> None:
    for mask in masks:
        if not isinstance(mask, bytes | None):
            raise InputError(f"{title}: expected a mask as the bytes of a PNG, got {mask!r}")


def guided_training(samples: Sequence[Sample]) -> list[int]:
    """Positions of the training images that carry guidance. Guidance on other splits is for evaluation."""
    return [p for p, sample in enumerate(samples) if sample.split == "train" and sample.guided]
