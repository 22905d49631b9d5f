"""One image of an import with its labels: what every format yields, whatever its files look like."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.errors import FileRefusedError
from app.importing.marks import Mark
from db.records import Split

MAX_TEXT = 100  # characters of a class name, group name or group value
SEPARATOR = "|"  # between the labels of one image, and between their masks


@dataclass(frozen=True, slots=True)
class ItemLabel:
    """A class that the image shows, and what marks its objects."""

    name: str
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """One image as its format describes it; nothing of its content is known yet."""

    name: str  # as the user knows it
    path: str  # of the file in the source
    labels: tuple[ItemLabel, ...]  # with different names; at least one, except in `Layout.empty`
    split: Split | None = None  # None: to be decided
    groups: Mapping[str, str] = field(default_factory=dict)
    # Columns that are no groups here, because their values differ in every image of the import.
    single: Mapping[str, str] = field(default_factory=dict)
    annotated_size: tuple[int, int] | None = None  # (width, height) of the image that was annotated, if told

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(label.name for label in self.labels)


def short_text(raw: str, what: str) -> str:
    """Raises FileRefusedError for text that is empty, long or cannot be shown."""
    text = raw.strip()
    if not text:
        raise FileRefusedError(f"Its {what} is empty.")
    if len(text) > MAX_TEXT:
        raise FileRefusedError(f"Its {what} is longer than {MAX_TEXT} characters.")
    if not text.isprintable():
        raise FileRefusedError(f"Its {what} has characters that cannot be shown.")
    return text


def class_name(raw: str, what: str) -> str:
    """`short_text`, and without the sign between labels."""
    text = short_text(raw, what)
    if SEPARATOR in text:
        raise FileRefusedError(f"Its {what} contains {SEPARATOR}, which separates labels.")
    return text
