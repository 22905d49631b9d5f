"""The marks of all images of an import, read one image at a time and counted."""

from collections import Counter
from functools import partial

from app.importing.formats.layout import Layout
from app.importing.item import Item
from app.importing.marks import Marked, counted, read_marks
from app.importing.photographs import mask_size, upright_mask
from app.importing.sources import Source


class MarkReader:
    def __init__(
        self, source: Source, layout: Layout, max_pixels: int, *, guidance: bool, turn_masks: bool = False
    ) -> None:
        """`guidance`: whether the marks train the model, and do not only measure it. What is refused goes
        into `layout`. `turn_masks`: whether masks of photographs with an EXIF orientation are in unturned
        pixels, where their size does not tell.
        """
        self._source = source
        self._layout = layout
        self._max_pixels = max_pixels
        self._guidance = guidance
        self._turn_masks = turn_masks
        self._turned = 0
        self._unclear: list[str] = []
        self._images = 0
        self._kinds: Counter[str] = Counter()
        self._cut_off = 0

    def read(self, item: Item, size: tuple[int, int], orientation: int = 1) -> dict[str, Marked]:
        """By class. `size`: (width, height) of its image, which is taken without the refused marks;
        `orientation`: EXIF, of its file.
        """
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
                label.marks,
                size,
                self._source.read if orientation == 1 else partial(self._mask, size, orientation),
                self._max_pixels,
                guidance=self._guidance,
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
        if self._turned:
            notes.append(
                f"Masks turned with their photograph, as its EXIF orientation says: {self._turned:,}."
            )
        if self._unclear and not self._turn_masks:
            notes.append(
                "Masks of photographs with an EXIF orientation, taken as upright because their size does not "
                f"tell: {len(self._unclear):,}, e.g. {self._unclear[0]}. Look at one; if it is turned, "
                "import again with “Masks are in unturned pixels”."
            )
        return notes

    def _mask(self, size: tuple[int, int], orientation: int, path: str) -> bytes:
        """A mask file of a photograph that a camera held sideways or mirrored, in upright pixels."""
        data = self._source.read(path)
        of_mask = mask_size(data, self._max_pixels)
        swaps = orientation >= 5
        if of_mask != size and not (swaps and of_mask == size[::-1]):
            return data  # refused for its size
        if swaps and size[0] != size[1]:
            turn = of_mask != size
        else:
            turn = self._turn_masks
            self._unclear.append(path)
        self._turned += turn
        return upright_mask(data, self._max_pixels, orientation) if turn else data

    def _count(self, by_class: dict[str, Marked]) -> None:
        kinds = sum((marked.kinds for marked in by_class.values()), Counter[str]())
        self._images += bool(kinds)
        self._kinds += kinds
        self._cut_off += sum(marked.cut_off for marked in by_class.values())
