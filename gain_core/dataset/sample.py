"""What training and prediction are told about one image. Needs no torch: a supervisor may write it down."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Union, get_args

from gain_core.errors import InputError

if TYPE_CHECKING:
    from PIL import Image

Picture = Union["Image.Image", "Callable[[], Image.Image]"]

Split = Literal["train", "validation", "test"]

# Counter-examples: with three or five, a refitted last layer was no better, on some sets worse
# (docs/decisions/0026).
LEAST_TO_REFIT = 10


@dataclass(frozen=True, slots=True)
class AlsoShown:
    """A further class that an image shows, and the guidance for it. Only where classes are independent."""

    label: int  # class position, from 0
    look: bytes | None = None  # 1-bit PNG of the image's size: 1 = look here
    ignore: bytes | None = None  # likewise: 1 = ignore this
    object_mask: Path | None = None  # for evaluation only: training never opens it

    def __post_init__(self) -> None:
        _expect_pngs(f"label {self.label}", self.look, self.ignore)


@dataclass(frozen=True, slots=True)
class Sample:
    """One image with its true class and, for some, guidance for it; with independent classes, more.

    Raises InputError for an unknown split, a key that is no SHA-256, or a mask that is not a file's bytes.
    """

    # SHA-256 of the image file, hex: what its kept features are filed under; empty: they are not kept
    key: str
    path: Path  # of the file; with `picture` it is not opened
    label: int  # class position, from 0
    split: Split
    look: bytes | None = None  # 1-bit PNG of the image's size: 1 = look here
    ignore: bytes | None = None  # likewise: 1 = ignore this
    object_mask: Path | None = None  # for evaluation only: training never opens it
    name: str = ""  # what people call the image, for messages; empty: its path
    also: tuple[AlsoShown, ...] = ()  # multi-label data: every class that the image shows beside `label`
    counter_example: bool = False  # chosen for training because the shortcut fails in it
    picture: Picture | None = None  # an image in memory, or what returns it each time that it is asked

    def __post_init__(self) -> None:
        if self.split not in get_args(Split):
            raise InputError(f"{self.title}: expected a split of {get_args(Split)}, got {self.split!r}")
        if self.key and not re.fullmatch("[0-9a-f]{64}", self.key):
            raise InputError(f"{self.title}: expected the file's SHA-256 as key, got {self.key!r}")
        _expect_pngs(self.title, self.look, self.ignore)
        object.__setattr__(self, "path", Path(self.path))  # text will do

    @classmethod
    def of(
        cls,
        picture: Path | str | Picture,
        label: int,
        split: Split = "train",
        *,
        look: bytes | None = None,
        ignore: bytes | None = None,
        name: str = "",
    ) -> "Sample":
        """A sample without a key, of a file or of an image in memory."""
        if isinstance(picture, str | Path):
            return cls("", Path(picture), label, split, look, ignore, name=name)
        return cls("", Path(), label, split, look, ignore, name=name or "an image", picture=picture)

    @property
    def identity(self) -> str:
        """What tells the image from others as far as anybody knows: its key, else what people call it."""
        return self.key or self.title

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
        """The image once for each class it shows, as if it showed no other: for what is asked per class."""
        return (
            replace(self, also=()),
            *(
                replace(
                    self,
                    label=shown.label,
                    look=shown.look,
                    ignore=shown.ignore,
                    object_mask=shown.object_mask,
                    also=(),
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
