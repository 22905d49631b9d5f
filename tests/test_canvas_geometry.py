"""The canvas's geometry, in a browser and without a server: what holds for any image, zoom and screen."""

import random
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from app.components.annotate.canvas import script

EXPORTS = (
    "fitted, zoomed, panned, within, toImage, toPlace, shifted, stretched, boundsOf, boundsAfter, isMeant, "
    "regionAt, simplified, holds, HANDLES, distanceToLine"
)
SIZES = ((6000, 4000), (4000, 6000), (12000, 300), (300, 12000), (64, 64), (1, 1), (5, 3000))
ROOMS = ((486, 396), (1100, 1000), (350, 396), (807.5, 596.25))


@pytest.fixture(scope="module")
def geometry(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Calls a function of the front end: geometry("fitted", [3, 2], [30, 30])."""
    page = browser.new_page()
    page.set_content("<p>geometry</p>")
    page.evaluate(
        """async (text) => {
          const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }))
          window.geometry = await import(url)
        }""",
        f"{script()}\nexport {{ {EXPORTS} }}",
    )
    yield page
    page.close()


def call(page: Page, calls: list[list[Any]]) -> list[Any]:
    """[name, argument, ...] each: what they give."""
    result: list[Any] = page.evaluate(
        "(calls) => calls.map(([name, ...values]) => window.geometry[name](...values))", calls
    )
    return result


def some_views(chance: random.Random) -> list[tuple[list[int], list[float], list[Any]]]:
    """(image size, room, steps of wheel and hand) of many looks at images."""
    looks = []
    for _ in range(60):
        size, room = list(chance.choice(SIZES)), list(chance.choice(ROOMS))
        steps = [
            [chance.choice([0.5, 0.8, 1.25, 3, 40]), [chance.random() * room[0], chance.random() * room[1]]]
            for _ in range(5)
        ]
        looks.append((size, room, steps))
    return looks


LOOK = """(looks) => looks.map(([size, room, steps]) => {
  const g = window.geometry
  let view = g.fitted(size, room)
  let worst = 0
  for (const [factor, place] of steps) {
    const before = g.toImage(view, place)
    view = g.zoomed(view, view.scale * factor, place, size, room)
    for (const at of [[0, 0], place, room]) {
      const back = g.toPlace(view, g.toImage(view, at))
      worst = Math.max(worst, Math.abs(back[0] - at[0]), Math.abs(back[1] - at[1]))
    }
    view = g.panned(view, place[0] - room[0] / 2, place[1] - room[1] / 2, size, room)
  }
  return { view, worst, far: g.toPlace(view, size) }
})"""


def test_every_place_comes_back_and_no_image_gets_lost(geometry: Page) -> None:
    looks = some_views(random.Random(0))
    for (size, room, _), seen in zip(looks, geometry.evaluate(LOOK, looks), strict=True):
        assert seen["worst"] < 1e-6
        view, far = seen["view"], seen["far"]
        assert view["x"] < room[0]
        assert view["y"] < room[1]
        assert far[0] > 0
        assert far[1] > 0
        for axis, start in enumerate((view["x"], view["y"])):
            if size[axis] * view["scale"] <= room[axis]:
                assert start + size[axis] * view["scale"] / 2 == pytest.approx(room[axis] / 2)


def test_zooming_keeps_the_point_under_the_pointer(geometry: Page) -> None:
    size, room = [6000, 4000], [486.0, 396.0]
    chance = random.Random(1)
    for _ in range(30):
        place = [chance.uniform(100, 386), chance.uniform(150, 250)]
        (view,) = call(geometry, [["fitted", size, room]])
        (point,) = call(geometry, [["toImage", view, place]])
        (closer,) = call(geometry, [["zoomed", view, chance.uniform(0.2, 16), place, size, room]])
        (there,) = call(geometry, [["toPlace", closer, point]])
        assert there == pytest.approx(place, abs=49)  # at an edge of the image less is possible
        if 1000 < point[0] < 5000 and 1000 < point[1] < 3000:
            assert there == pytest.approx(place, abs=1e-6)


@pytest.mark.parametrize("ratio", [1, 1.5, 2, 3])
@pytest.mark.parametrize("size", SIZES)
def test_a_box_of_20_pixels_is_hit_to_one_pixel_once_pixels_are_as_large_as_a_pointer_step(
    geometry: Page, size: tuple[int, int], ratio: float
) -> None:
    """A pointer moves in whole pixels of the screen, `ratio` of them per CSS pixel."""
    chance = random.Random(2)
    for room in ROOMS:
        left = chance.uniform(0, max(0, size[0] - 20))
        top = chance.uniform(0, max(0, size[1] - 20))
        box = [left, top, min(size[0], left + 20), min(size[1], top + 20)]
        middle = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]
        (view,) = call(geometry, [["fitted", size, room]])
        (place,) = call(geometry, [["toPlace", view, middle]])
        (view,) = call(geometry, [["zoomed", view, chance.uniform(1, 16), place, size, room]])
        corners = call(geometry, [["toPlace", view, box[:2]], ["toPlace", view, box[2:]]])
        hit = [[round(value * ratio) / ratio for value in corner] for corner in corners]
        drawn = call(geometry, [["toImage", view, corner] for corner in hit])
        assert [value for corner in drawn for value in corner] == pytest.approx(box, abs=1)


def test_moving_and_stretching_stay_on_the_image_and_keep_the_other_sides(geometry: Page) -> None:
    chance = random.Random(3)
    for _ in range(40):
        points = [[chance.uniform(0, 300), chance.uniform(0, 200)] for _ in range(chance.randint(2, 9))]
        region = {"shape": "polygon", "role": "look_here", "points": points}
        dx, dy = chance.uniform(-500, 500), chance.uniform(-500, 500)
        moved, (left, top, right, bottom) = call(
            geometry, [["shifted", region, dx, dy, [300, 200]], ["boundsOf", points]]
        )
        (after,) = call(geometry, [["boundsOf", moved["points"]]])
        assert after[0] >= -1e-9
        assert after[1] >= -1e-9
        assert after[2] <= 300 + 1e-9
        assert after[3] <= 200 + 1e-9
        assert (after[2] - after[0], after[3] - after[1]) == pytest.approx((right - left, bottom - top))
        handle, at = chance.randrange(8), [chance.uniform(-50, 350), chance.uniform(-50, 250)]
        (bounds,) = call(geometry, [["boundsAfter", [left, top, right, bottom], handle, at, [300, 200]]])
        (wider,) = call(geometry, [["stretched", region, [left, top, right, bottom], bounds]])
        (seen,) = call(geometry, [["boundsOf", wider["points"]]])
        x, y = sorted([bounds[0], bounds[2]]), sorted([bounds[1], bounds[3]])
        assert seen == pytest.approx([x[0], y[0], x[1], y[1]], abs=1e-6)


def test_what_is_smaller_than_eight_screen_pixels_is_a_click_at_every_zoom(geometry: Page) -> None:
    for scale in (0.08, 1, 16):
        for side, meant in ((7.9, False), (8.1, True)):
            box = [[100, 100], [100 + side / scale, 100 + side / scale]]
            line = [[100, 100], [100 + side / scale, 100]]
            given = call(geometry, [["isMeant", "box", box, scale], ["isMeant", "brush", line, scale]])
            assert given == [meant, meant]
    assert call(geometry, [["isMeant", "box", [[5, 5], [500, 5]], 1]]) == [False]


def test_the_smaller_of_two_regions_is_picked_and_a_stroke_only_on_its_line(geometry: Page) -> None:
    large = {"shape": "box", "points": [[0, 0], [200, 150]]}
    small = {"shape": "polygon", "points": [[50, 50], [100, 50], [75, 100]]}
    stroke = {"shape": "brush", "points": [[220, 20], [280, 20]], "width": 10}
    regions = [small, large, stroke]
    places = [[75, 60], [20, 20], [250, 23], [250, 60], [75, 140]]
    assert call(geometry, [["regionAt", regions, place, 1] for place in places]) == [0, 1, 2, -1, 1]


def test_a_line_with_fewer_points_stays_where_it_was(geometry: Page) -> None:
    chance = random.Random(4)
    for _ in range(20):
        line = [[0.0, 0.0]]
        for _ in range(200):
            line.append([line[-1][0] + chance.uniform(-3, 5), line[-1][1] + chance.uniform(-4, 4)])
        (short,) = call(geometry, [["simplified", line, 0.5]])
        assert short[0] == line[0]
        assert short[-1] == line[-1]
        worst = geometry.evaluate(
            """([line, short]) => Math.max(...line.map((point) => Math.min(...short.slice(1).map(
              (end, n) => window.geometry.distanceToLine(point, short[n], end)))))""",
            [line, short],
        )
        assert worst <= 0.5 + 1e-9
