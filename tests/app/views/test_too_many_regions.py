"""A drawing has a largest number of regions: what would exceed it is told, and nothing of it is lost."""

from app.drawing.regions import MAX_REGIONS
from db.records import RegionRecord
from tests.app.seeded import Seeded
from tests.app.views.pages import drawn, on_canvas, open_page, said, tell

STROKE = {
    "do": "change",
    "add": [{"name": "a-1", "shape": "box", "role": "look_here", "points": [[4, 4], [30, 40]]}],
}
FULL = tuple(
    RegionRecord("box", "look_here", ((n / 10, 2.0), (n / 10 + 2, 62.0))) for n in range(MAX_REGIONS)
)


def test_the_eraser_that_would_leave_too_many_regions_erases_nothing_and_says_so(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = open_page("annotate", drawn(image, *FULL))

    tell(app, {"do": "erase", "points": [[0, 30], [64, 30]], "width": 4})

    assert len(on_canvas(app)["regions"]) == MAX_REGIONS
    assert "The eraser would leave 1000, so nothing is erased." in said(app)
    tell(app, {"do": "undo"})
    assert "nothing is erased" not in said(app)


def test_copies_that_are_too_many_for_the_next_image_are_told_and_nothing_is_lost(seeded: Seeded) -> None:
    seeded.publish()
    first, second = seeded.images("train")[:2]
    app = open_page("annotate", drawn(second, *FULL))
    app.session_state["annotate_image"] = first.id
    app.run()

    tell(app, STROKE, {"do": "copy"})

    assert app.session_state["annotate_image"] == first.id
    assert f"{second.name} would have 501, so nothing is copied." in said(app)
    assert "1 region, not saved yet" in said(app)


def test_an_outline_that_is_one_too_many_waits_until_there_is_room(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = open_page("annotate", drawn(image, *FULL))
    tell(app, {"do": "outline", "role": "look_here", "points": [[4, 4], [60, 60]]})
    guess = on_canvas(app)["guess"]

    tell(app, {"do": "answer", "accepted": True})

    assert on_canvas(app)["guess"] == guess
    assert "Delete some, then use the outline." in said(app)


def test_a_stroke_too_many_is_told_also_when_the_image_was_left_at_once(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = open_page("annotate", drawn(image, *FULL))

    tell(app, STROKE, {"do": "go", "by": 1})

    assert app.session_state["annotate_image"] != image.id
    assert f"A drawing has at most {MAX_REGIONS} regions." in app.toast[0].value
