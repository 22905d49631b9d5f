"""The marks of all images of an import, read one image at a time and counted."""

from collections import Counter

from app.importing.formats.layout import Layout
from app.importing.item import Item
from app.importing.marks import Marked, counted, read_marks
from app.importing.sources import Source


class MarkReader:
    def __init__(self, source: Source, layout: Layout, max_pixels: int, *, guidance: bool) -> None:
        """`guidance`: whether the marks train the model, and do not only measure it. What is refused goes
        into `layout`."""
        self._source = source
        self._layout = layout
        self._max_pixels = max_pixels
        self._guidance = guidance
        self._images = 0
        self._kinds: Counter[str] = Counter()
        self._cut_off = 0

    def read(self, item: Item, size: tuple[int, int]) -> dict[str, Marked]:
        """By class. `size`: (width, height) of its image, which is taken without the refused marks."""
        labels = [label for label in item.labels if label.marks]
        if labels and item.annotated_size not in (None, size):
            width, height = item.annotated_size or size
            self._layout.refuse(
                item.name,
                f"Its annotations are for {width}×{height} pixels, and it has {size[0]}×{size[1]}: it was "
                "taken without them.",
            )
            return {}
        by_class = {}
        for label in labels:
            marked = read_marks(
                label.marks, size, self._source.read, self._max_pixels, guidance=self._guidance
            )
            for mask, reason in marked.refused:
                where = (
                    f"Its image {item.name} was taken without it." if mask else "It was taken without that."
                )
                self._layout.refuse(mask or item.name, f"{reason} {where}")
            by_class[label.name] = marked
        self._count(by_class)
        return by_class

    def notes(self) -> list[str]:
        """Sentences about all that was read."""
        notes = []
        if self._images and self._guidance:
            notes.append(f"Used as guidance: {counted(self._kinds)} on {self._images:,} images.")
        elif self._kinds.keys() - {"mask"}:
            notes.append(f"Used for evaluation only: {counted(self._kinds)} on {self._images:,} images.")
        if self._cut_off:
            notes.append(f"Cut off at the border of their image: {self._cut_off:,} of them.")
        return notes

    def _count(self, by_class: dict[str, Marked]) -> None:
        kinds = sum((marked.kinds for marked in by_class.values()), Counter[str]())
        self._images += bool(kinds)
        self._kinds += kinds
        self._cut_off += sum(marked.cut_off for marked in by_class.values())
