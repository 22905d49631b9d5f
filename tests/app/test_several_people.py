"""What counts where several people have drawn on an image: cases computed by hand, on a picture of 4 × 1."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pytest
from PIL import Image

from app.drawing.regions import mask_png, rasterise
from app.drawing.several_people import combine, mask_of
from db.people import LATEST, Whose
from db.records import GuidanceRecord, RegionRecord, Role

UNION, INTERSECTION = Whose("union"), Whose("intersection")
MARA, JAN, ADA = 2, 3, 4


def drawing(
    person: int, look: str = "....", ignore: str = "....", *, answered: bool = False
) -> GuidanceRecord:
    """`#` is a marked pixel; the later a person's number, the later the drawing."""
    regions: list[RegionRecord] = []
    roles: tuple[tuple[str, Role], ...] = ((look, "look_here"), (ignore, "ignore_this"))
    for pixels, role in roles:
        regions += [
            RegionRecord("box", role, ((float(x), 0.0), (x + 1.0, 1.0)))
            for x, pixel in enumerate(pixels)
            if pixel == "#"
        ]
    moment = datetime(2026, 11, 30, 12, person, tzinfo=UTC)
    pngs = (_png(look), _png(ignore))
    return GuidanceRecord(person, 1, 1, tuple(regions), *pngs, person, moment, answered, person)


def _png(pixels: str) -> bytes | None:
    mask = np.array([[pixel == "#" for pixel in pixels]])
    return mask_png(Image.fromarray(mask)) if mask.any() else None


def seen(guidance: GuidanceRecord | None) -> tuple[str, str] | None:
    """(look here, ignore this) as they train; the regions say the same."""
    if guidance is None:
        return None
    masks = mask_of(guidance.look_png), mask_of(guidance.ignore_png)
    for mask, again in zip(masks, rasterise(guidance.regions, (4, 1)), strict=True):
        assert (mask is None) == (again is None)
        assert mask is None or np.array_equal(mask, np.asarray(again))
    look, ignore = (
        "...." if mask is None else "".join("#" if pixel else "." for pixel in mask[0]) for mask in masks
    )
    return look, ignore


@pytest.mark.parametrize(
    ("drawings", "union", "intersection"),
    [
        pytest.param(
            [drawing(MARA, "##..", "...#"), drawing(JAN, ".##.", "..##")],
            # pixel 2 is Mara's nothing, Jan's both: nobody contradicts anybody else there
            ("###.", "..##"),
            (".#..", "...#"),
            id="each role by itself",
        ),
        pytest.param(
            [drawing(MARA, "###."), drawing(JAN, ignore="..##")],
            ("##..", "...#"),
            ("##..", "...#"),
            id="look here meets ignore this of another person: neither trains there",
        ),
        pytest.param(
            [drawing(MARA, "###."), drawing(JAN, "##..", "...."), drawing(ADA, ignore="..##")],
            ("##..", "...#"),
            ("##..", "...#"),
            id="also where not everybody marked it",
        ),
        pytest.param(
            [drawing(MARA, "##..", ".#.."), drawing(JAN, "#...")],
            ("##..", ".#.."),
            ("#...", ".#.."),
            id="both roles of one person stay, as they do alone",
        ),
        pytest.param(
            [drawing(MARA, "##..", ".#.."), drawing(JAN, ".#..")],
            ("#...", "...."),
            None,
            id="unless another person contradicts",
        ),
        pytest.param(
            [drawing(MARA, "#..."), drawing(JAN, "...#")],
            ("#..#", "...."),
            None,
            id="nothing in common",
        ),
        pytest.param(
            [drawing(MARA, "##.."), drawing(JAN, ignore="##..")],
            None,
            None,
            id="nothing but contradiction",
        ),
        pytest.param([drawing(MARA, "##..")], ("##..", "...."), ("##..", "...."), id="one person"),
        pytest.param([], None, None, id="nobody"),
    ],
)
def test_masks_of_several_people(
    drawings: Sequence[GuidanceRecord],
    union: tuple[str, str] | None,
    intersection: tuple[str, str] | None,
) -> None:
    assert seen(combine(drawings, UNION)) == union
    assert seen(combine(drawings, INTERSECTION)) == intersection


def test_the_order_of_people_matters_to_the_latest_alone() -> None:
    drawings = [drawing(MARA, "##..", "...#"), drawing(JAN, ".##.", "..##"), drawing(ADA, "#..#")]
    for whose in (UNION, INTERSECTION):
        assert seen(combine(drawings[::-1], whose)) == seen(combine(drawings, whose))
    assert combine(drawings, LATEST) is drawings[-1]
    assert combine(drawings[::-1], LATEST) is drawings[0]


def test_a_named_person_counts_whatever_others_do() -> None:
    drawings = [drawing(MARA, "#...", answered=True), drawing(JAN, ".#..")]
    assert combine(drawings, Whose("person", MARA)) is drawings[0]
    assert combine(drawings, Whose("person", ADA)) is None


@pytest.mark.parametrize("whose", [LATEST, UNION, INTERSECTION], ids=lambda whose: whose.rule)
def test_answers_count_only_where_nobody_drew(whose: Whose) -> None:
    drawn, answer = drawing(MARA, "##.."), drawing(JAN, "...#", answered=True)
    assert combine([drawn, answer], whose) is drawn
    assert combine([answer], whose) is answer


def test_answers_alone_are_combined_like_drawings() -> None:
    right = [drawing(MARA, "##..", answered=True), drawing(JAN, ".##.", answered=True)]
    assert combine(right, LATEST) is right[1]
    joined = combine(right, UNION)
    assert seen(joined) == ("###.", "....")
    assert joined is not None
    assert (joined.answered, joined.author_id, joined.guided_at) == (True, None, right[0].guided_at)
    opposite = [right[0], drawing(ADA, ignore="##..", answered=True)]  # of the same map
    assert combine(opposite, UNION) is None


def test_only_a_person_s_rule_names_a_person() -> None:
    with pytest.raises(ValueError, match="expected a person with the rule 'person' alone"):
        Whose("person")
    with pytest.raises(ValueError, match="expected a person with the rule 'person' alone"):
        Whose("union", MARA)


def test_more_parts_than_a_drawing_may_have_are_outlined_all_the_same() -> None:
    dots = np.zeros((80, 80), dtype=np.bool_)
    dots[::2, ::2] = True  # 1,600 parts
    png = mask_png(Image.fromarray(dots))
    of_two = [
        GuidanceRecord(person, 1, 1, (), png, None, person, datetime(2026, 11, 30, tzinfo=UTC), False, person)
        for person in (MARA, JAN)
    ]
    both = combine(of_two, INTERSECTION)
    assert both is not None
    assert both.regions
    mask = mask_of(both.look_png)
    assert mask is not None
    assert np.array_equal(mask, dots)
