"""A hand on the drawing canvas, in a real browser. Places are shares of the canvas, (x, y) in [0, 1]."""

import re
from collections.abc import Sequence

from playwright.sync_api import Locator, Page, expect

Place = tuple[float, float]


def canvas(page: Page) -> Locator:
    """The canvas, once the page is laid out."""
    found = page.locator("canvas.upper-canvas")
    expect(found).to_have_count(1)
    expect(found).to_be_visible()
    frame = None
    while frame != (frame := found.bounding_box()):
        page.wait_for_timeout(500)
    found.scroll_into_view_if_needed()
    return found


def drag(page: Page, *places: Place) -> None:
    """Press at the first place, pass the others, and let go at the last."""
    first, *others = _on_page(page, places)
    page.mouse.move(*first)
    page.mouse.down()
    for place in others:
        page.mouse.move(*place, steps=8)
    page.mouse.up()


def click(page: Page, *places: Place) -> None:
    """One after the other, at the pace of a hand."""
    for x, y in _on_page(page, places):
        page.mouse.click(x, y)
        page.wait_for_timeout(300)


def choose(page: Page, name: str) -> None:
    """One choice of a segmented control or of pills."""
    main = page.get_by_test_id("stMain")
    label = re.compile(rf"\b{name}( \d+)?$")  # an icon's name may stand before it, a count behind it
    main.get_by_role("radio", name=label).or_(main.get_by_role("button", name=label)).first.click()


def _on_page(page: Page, places: Sequence[Place]) -> list[Place]:
    frame = canvas(page).bounding_box()
    assert frame is not None
    return [(frame["x"] + x * frame["width"], frame["y"] + y * frame["height"]) for x, y in places]
