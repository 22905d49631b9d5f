"""The picture that annotations were made on, beside the photograph as it is stored: other size, or unturned.

A photograph is stored upright, as its EXIF orientation says. Some tools annotate its pixels as the file has
them, and some a smaller copy.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from gain_core.imaging.raster import Mask, Point

TURNS = {  # what makes a picture with this EXIF orientation upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SWAPPED = 5  # from this orientation on, width and height change places
_ASPECT = 0.01  # by so much may the ratio of two sizes differ that are one picture, rounded to pixels

Size = tuple[int, int]  # (width, height)


@dataclass(frozen=True, slots=True)
class Frame:
    size: Size  # of the annotated picture
    upright: Size  # of the stored photograph
    orientation: int = 1  # the EXIF orientation by which the annotated picture is turned; 1: not
    unclear: bool = False  # sizes do not tell whether it is turned

    @property
    def scaled(self) -> bool:
        return self.size not in (self.upright, self.upright[::-1])

    @property
    def same(self) -> bool:
        """Whether annotations can be taken as they are."""
        return self.orientation == 1 and not self.scaled

    def point(self, x: float, y: float) -> Point:
        """In pixels of the stored photograph, of a point in pixels of the annotated picture."""
        width, height = self.size
        x, y = {
            2: (width - x, y),
            3: (width - x, height - y),
            4: (x, height - y),
            5: (y, x),
            6: (height - y, x),
            7: (height - y, width - x),
            8: (y, width - x),
        }.get(self.orientation, (x, y))
        width, height = self.size[::-1] if self.orientation >= SWAPPED else self.size
        return x * self.upright[0] / width, y * self.upright[1] / height

    def mask(self, mask: Mask) -> Mask:
        """(height, width) of the stored photograph, of one of the annotated picture."""
        picture = Image.fromarray(mask)
        if self.orientation != 1:
            picture = picture.transpose(TURNS[self.orientation])
        return np.asarray(picture.resize(self.upright, Image.Resampling.NEAREST))


def frame_of(annotated: Size | None, upright: Size, orientation: int, *, turned: bool) -> Frame | None:
    """The picture that annotations of this size were made on; None where none of the size can be.

    annotated: None: nobody said. orientation: EXIF, of the photograph's file. turned: whether annotations are
    in unturned pixels where their size does not tell.
    """
    unturned = upright[::-1] if orientation >= SWAPPED else upright
    fits_upright = annotated is None or alike(annotated, upright)
    fits_unturned = annotated is None or alike(annotated, unturned)
    if not (fits_upright or fits_unturned):
        return None
    unclear = orientation != 1 and fits_upright and fits_unturned
    if orientation != 1 and fits_unturned and (turned or not fits_upright):
        return Frame(annotated or unturned, upright, orientation, unclear)
    return Frame(annotated or upright, upright, 1, unclear)


def alike(first: Size, second: Size) -> bool:
    """Whether both are one picture at two sizes, each rounded to whole pixels."""
    ratio = first[0] * second[1] / (first[1] * second[0])
    scales = [((side - 0.5) / other, (side + 0.5) / other) for side, other in zip(first, second, strict=True)]
    return abs(ratio - 1) <= _ASPECT and max(low for low, _ in scales) <= min(high for _, high in scales)
