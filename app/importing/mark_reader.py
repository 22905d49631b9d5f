"""The marks of all images of an import, read one image at a time and counted."""

from collections import Counter
from functools import partial

from app.errors import FileRefusedError
from app.importing.formats.layout import Layout
from app.importing.frames import Frame, Size, frame_of
from app.importing.item import Item, ItemLabel
from app.importing.marks import Marked, MaskFile, counted, read_marks
from app.importing.photographs import mask_size, upright_mask
from app.importing.sources import Source

MISFIT = (
    "Its annotations are for {0}×{1} pixels, and it has {2}×{3}, which is another shape: it was taken "
    "without them."
)


class MarkReader:
    def __init__(
        self, source: Source, layout: Layout, max_pixels: int, *, guidance: bool, turn_marks: bool = False
    ) -> None:
        """`guidance`: whether the marks train the model, and do not only measure it. What is refused goes
        into `layout`. `turn_marks`: whether marks on photographs with an EXIF orientation are in unturned
        pixels, where their size does not tell.
        """
        self._source = source
        self._layout = layout
        self._max_pixels = max_pixels
        self._guidance = guidance
        self._turn_marks = turn_marks
        self._turned: set[str] = set()
        self._unclear: set[str] = set()
        self._scaled: dict[str, tuple[Size, Size]] = {}
        self._images = 0
        self._kinds: Counter[str] = Counter()
        self._cut_off = 0

    def read(self, item: Item, size: Size, orientation: int = 1) -> dict[str, Marked]:
        """By class. `size`: (width, height) of its image, which is taken without the refused marks;
        `orientation`: EXIF, of its file.
        """
        labels = [label for label in item.labels if label.marks]
        if not labels:
            return {}
        if self._layout.drawn_to_guide:  # drawn in this program, which shows photographs upright
            orientation = 1
        frame = frame_of(item.annotated_size, size, orientation, turned=self._turn_marks)
        if frame is None:
            self._layout.refuse(item.name, MISFIT.format(*(item.annotated_size or size), *size))
            return {}
        if has_shapes(labels):
            self._remember(item.name, frame)
        by_class = {}
        for label in labels:
            marked = read_marks(
                label.marks,
                size,
                partial(self._mask, item.name, size, orientation),
                self._max_pixels,
                guidance=self._guidance,
                frame=frame,
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
        if self._scaled:
            notes.append(scaled_note(self._scaled))
        if self._turned:
            notes.append(
                "Annotations turned with their photograph, as its EXIF orientation says: on "
                f"{len(self._turned):,} images."
            )
        if self._unclear and not self._turn_marks:
            notes.append(
                "Annotations of photographs with an EXIF orientation, taken as upright because their size "
                f"does not tell: on {len(self._unclear):,} images, e.g. {min(self._unclear)}. Look at one; "
                "if they are turned, import again with “Annotations are in unturned pixels”."
            )
        return notes

    def _mask(self, name: str, size: Size, orientation: int, path: str) -> bytes:
        """A mask file in upright pixels; its own size tells what was annotated."""
        data = self._source.read(path)
        try:
            frame = frame_of(mask_size(data, self._max_pixels), size, orientation, turned=self._turn_marks)
        except FileRefusedError:  # told when it is decoded
            return data
        if frame is None:  # refused for its size
            return data
        self._remember(name, frame)
        return data if frame.orientation == 1 else upright_mask(data, self._max_pixels, frame.orientation)

    def _remember(self, name: str, frame: Frame) -> None:
        if frame.orientation != 1:
            self._turned.add(name)
        if frame.unclear:
            self._unclear.add(name)
        if frame.scaled:
            self._scaled[name] = frame.size, frame.upright

    def _count(self, by_class: dict[str, Marked]) -> None:
        kinds = sum((marked.kinds for marked in by_class.values()), Counter[str]())
        self._images += bool(kinds)
        self._kinds += kinds
        self._cut_off += sum(marked.cut_off for marked in by_class.values())


def has_shapes(labels: list[ItemLabel] | tuple[ItemLabel, ...]) -> bool:
    """Whether any mark is something else than a mask file, whose own size tells more."""
    return any(not isinstance(mark, MaskFile) for label in labels for mark in label.marks)


def scaled_note(scaled: dict[str, tuple[Size, Size]]) -> str:
    """(annotated, stored) size by image."""
    name, (annotated, stored) = next(iter(scaled.items()))
    return (
        f"Annotations made for another size of their image are scaled: on {len(scaled):,} images, e.g. "
        f"{name} from {annotated[0]}×{annotated[1]} to {stored[0]}×{stored[1]}."
    )
