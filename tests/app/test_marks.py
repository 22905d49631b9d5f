"""What boxes, polygons, strokes and masks of other tools come to on an image of known size."""

import io
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from app.drawing.regions import MAX_REGIONS, pixel_regions, rasterise
from app.errors import DrawingError, FileRefusedError
from app.importing.marks import Mark, Marked, MaskFile, Outline, count_marks, counted, read_marks
from db.records import RegionRecord
from tests.app.material import encoded
from tests.app.test_masks import blob

SIZE = (20, 12)
BOX = Outline("box", ((2.0, 3.0), (6.25, 5.5)))


def marked(*marks: Mark, files: dict[str, bytes] | None = None, guidance: bool = True) -> Marked:
    def read(path: str) -> bytes:
        if files is None or path not in files:
            raise FileRefusedError("There is no such file.")
        return files[path]

    return read_marks(marks, SIZE, read, 1000, guidance=guidance)


def pixels(png: bytes | None) -> np.ndarray:
    assert png is not None
    return np.asarray(Image.open(io.BytesIO(png)))


def regions(result: Marked) -> tuple[RegionRecord, ...]:
    return () if result.guidance is None else result.guidance.regions


def palette(*rows: tuple[int, ...]) -> bytes:
    picture = Image.fromarray(np.kron(np.array(rows, np.uint8), np.ones((6, 10), np.uint8)))
    picture.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
    return encoded(picture)


def test_a_box_stays_as_it_is_and_its_mask_is_its_pixels() -> None:
    result = marked(BOX)
    assert regions(result) == (RegionRecord("box", "look_here", BOX.points),)
    assert pixels(result.mask).sum() == 4 * 2
    assert result.guidance is not None
    assert (result.guidance.look_png, result.guidance.ignore_png) == (result.mask, None)
    assert (result.kinds, result.cut_off, result.refused) == (Counter(box=1), 0, ())


def test_marks_for_evaluation_give_a_mask_and_no_regions() -> None:
    result = marked(BOX, guidance=False)
    assert result.guidance is None
    assert pixels(result.mask).sum() == 8


def test_what_is_to_be_ignored_is_no_object() -> None:
    ignored = Outline("polygon", ((0, 0), (8, 0), (8, 8)), "ignore_this")
    result = marked(ignored)
    assert result.mask is None
    assert [region.role for region in regions(result)] == ["ignore_this"]


def test_shares_of_the_sides_become_pixels() -> None:
    result = marked(Outline("box", ((0.1, 0.25), (0.5, 0.75)), relative=True))
    assert regions(result)[0].points == ((2, 3), (10, 9))


def test_shapes_are_cut_off_at_the_border_and_counted() -> None:
    result = marked(Outline("box", ((-5, -5), (4, 4))), Outline("box", ((0, 0), (20.5, 12.5))))
    assert regions(result)[0].points == ((0, 0), (4, 4))
    assert result.cut_off == 1  # half a pixel is a tool's rounding


@pytest.mark.parametrize(
    ("mark", "reason"),
    [
        (Outline("box", ((30, 30), (40, 40))), "A box covers no pixel of the image."),
        (Outline("box", ((3, 3), (3, 9))), "A box covers no pixel of the image."),
        (Outline("box", ((3, 3), (3, 3))), "A box covers no pixel of the image."),
        (Outline("brush", ((50, 50),), width=3), "A stroke covers no pixel of the image."),
        (Outline("polygon", ((0, 0), (5, float("nan")), (5, 5))), "coordinate that is no number of pixels"),
        (Outline("box", ((0, 0), (1e300, 5))), "coordinate that is no number of pixels"),
        (Outline("polygon", ((0, 0), (5, 5))), "A polygon has 2 points."),
        (Outline("polygon", ((0, 0),) * 20_001), "A polygon has 20,001 points."),
        (Outline("box", ((0, 0), (5, 5), (6, 6))), "A box has 3 points."),
        (Outline("brush", ((1, 1), (5, 5))), "A stroke has no width."),
        (Outline("brush", ((1, 1), (5, 5)), width=float("nan")), "A stroke has no width."),
    ],
)
def test_a_shape_that_is_none_is_refused_alone(mark: Outline, reason: str) -> None:
    result = marked(mark, BOX)
    assert len(regions(result)) == 1
    [(name, told)] = result.refused
    assert name == ""
    assert reason in told


def test_of_a_mask_with_several_classes_each_takes_its_own_value() -> None:
    files = {"m.png": palette((1, 2), (0, 1))}
    result = marked(MaskFile("m.png", "m.png", index=1), files=files)
    assert regions(result) == (
        RegionRecord("box", "look_here", ((0, 0), (10, 6))),
        RegionRecord("box", "look_here", ((10, 6), (20, 12))),
    )
    by_colour = MaskFile("m.png", "m.png", colour=(0, 128, 0))
    assert regions(marked(by_colour, files=files))[0].points == ((10, 0), (20, 6))


def test_a_mask_says_more_than_a_box() -> None:
    files = {"m.png": palette((1, 0), (0, 0))}
    mask = MaskFile("m.png", "m.png", index=1)
    assert [region.points for region in regions(marked(BOX, mask, files=files))] == [((0, 0), (10, 6))]
    absent = MaskFile("m.png", "m.png", index=7)
    result = marked(BOX, absent, files=files)
    assert [region.points for region in regions(result)] == [BOX.points]
    assert result.refused == (("m.png", "The mask marks no pixel."),)


def test_regions_of_a_mask_cover_exactly_its_pixels() -> None:
    noise = [np.random.default_rng(seed).random((13, 21)) < 0.6 for seed in range(6)]
    for mask in [blob(seed) for seed in range(6)] + noise:
        height, width = mask.shape
        look, _ = rasterise(pixel_regions(mask, "look_here"), (width, height))
        assert (np.asarray(look) == mask).all()


def test_a_mask_of_too_many_specks_is_refused() -> None:
    specks = np.zeros((100, 100), dtype=np.bool_)
    specks[::2, ::2] = True
    with pytest.raises(DrawingError, match=f"at most {MAX_REGIONS} separate parts"):
        pixel_regions(specks, "look_here")
    comb = np.ones((500, 500), dtype=np.bool_)
    comb[1::2, 1:-1] = False
    comb[1::2, 1:-1:2] = True
    with pytest.raises(DrawingError, match="at most 20,000 corners"):
        pixel_regions(comb, "look_here")


def test_kinds_are_counted_in_words() -> None:
    assert counted(count_marks([BOX, BOX, MaskFile("m", "m"), Outline("brush", ())])) == (
        "2 boxes, 1 mask and 1 stroke"
    )
    assert counted(Counter()) == ""
