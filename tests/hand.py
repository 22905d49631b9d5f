"""A hand on the drawing canvas, in a real browser. Places are shares of the photograph, (x, y) in [0, 1]."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from playwright.sync_api import Locator, Page, expect

from app.settings import Settings
from app.workspace import open_workspace
from db import drafts
from db.records import ImageRecord, RegionRecord
from tests.app.seeded import Seeded, seed
from tests.live_server import LiveServer

Place = tuple[float, float]


OWN, FALLBACK = "canvas.shapes[data-ready]", "canvas.upper-canvas"


@contextmanager
def images_to_draw_on(server: LiveServer) -> Iterator[Seeded]:
    """Nine training images and a published version, in the data folder of this server."""
    ws = open_workspace(Settings(home=server.home))
    seeded = seed(ws, per_split=(9, 0, 0))
    seeded.publish()
    yield seeded
    ws.database.close()


def canvas(page: Page) -> Locator:
    """The canvas with its photograph, once the page is laid out."""
    found = page.locator(f"{OWN}, {FALLBACK}")
    expect(found).to_have_count(1)
    expect(found).to_be_visible()
    frame, alike = None, 0
    while alike < 3:
        before, frame = frame, found.bounding_box()
        alike = alike + 1 if frame == before else 0
        page.wait_for_timeout(100)
    found.evaluate("canvas => canvas.scrollIntoView({ block: 'nearest' })")
    return found


def show(page: Page, server: LiveServer, image: ImageRecord) -> None:
    page.goto(f"{server.url}/annotate?project={image.project_id}&image={image.id}")
    shows(page, image)


def shows(page: Page, image: ImageRecord) -> None:
    """Until the canvas is this image's: the address, and words beside the canvas, may be before it."""
    expect(page.locator(f"{OWN}[data-image='{image.id}'], {FALLBACK}")).to_be_visible()
    expect(page.get_by_text(image.name).first).to_be_visible()
    canvas(page)


def link_to(page: Page, name: str) -> Locator:
    """In the sidebar."""
    return page.get_by_test_id("stSidebarNavLink").filter(has_text=name)


def heading(page: Page, name: str) -> Locator:
    return page.get_by_role("heading", name=name, exact=True)


def says(page: Page, words: str) -> None:
    expect(page.get_by_text(words).first).to_be_visible()


def kept(project: Seeded, image: ImageRecord) -> tuple[RegionRecord, ...]:
    """The regions of its unsaved drawing in the database."""
    draft = drafts.get_draft(project.ws.database, image.id, image.class_id)
    return () if draft is None else draft.regions


def still(page: Page) -> None:
    """The server has done all that the canvas told."""
    expect(page.locator(f"{OWN}[data-waits='0']")).to_be_visible()


def look_for_an_image(page: Page) -> None:
    """With the key G; until its field is ready for typing."""
    page.keyboard.press("g")
    page.wait_for_function("document.activeElement.matches('[class*=st-key-annotate_sought_] input')")


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
    left, top, width, height = photograph(page)
    return [(left + x * width, top + y * height) for x, y in places]


def photograph(page: Page) -> tuple[float, float, float, float]:
    """Where the photograph is on the page, also beyond the canvas when it is zoomed: x, y, width, height."""
    found = canvas(page)
    frame = found.bounding_box()
    assert frame is not None
    shown = found.evaluate("canvas => canvas.dataset.photograph")
    if shown is None:  # the fallback canvas is as large as its photograph
        return frame["x"], frame["y"], frame["width"], frame["height"]
    x, y, width, height = map(float, shown.split())
    return frame["x"] + x, frame["y"] + y, width, height
