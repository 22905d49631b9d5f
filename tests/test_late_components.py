"""Components whose code comes later than newer data for them, in a real browser: a first visit, a slow line.

Streamlit then runs the cleanup of the first call after the second one has begun.
"""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.app.seeded import Seeded
from tests.hand import (
    choose,
    drag,
    heading,
    images_to_draw_on,
    kept,
    link_to,
    look_for_an_image,
    says,
    shows,
    still,
)
from tests.live_server import LiveServer, running

BOX = ((0.1, 0.1), (0.3, 0.3))
CODE_WAITS = """
window.codeWaits = []
const Usual = window.Blob
window.Blob = class extends Usual {
  constructor(parts, options) {
    const wait = "if (window.codeWaits) await new Promise((go) => window.codeWaits.push(go))\\n"
    super(options?.type === "text/javascript" ? [wait, ...parts] : parts, options)
  }
}
"""
COUNTS_KEY_LISTENERS = """
window.keyListeners = new Set()
const { addEventListener, removeEventListener } = window
window.addEventListener = function (name, heard, ...more) {
  if (name === "keydown") window.keyListeners.add(heard)
  addEventListener.call(window, name, heard, ...more)
}
window.removeEventListener = function (name, heard, ...more) {
  if (name === "keydown") window.keyListeners.delete(heard)
  removeEventListener.call(window, name, heard, ...more)
}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with running(tmp_path_factory.mktemp("late")) as live:
        yield live


@pytest.fixture(scope="module")
def project(server: LiveServer) -> Iterator[Seeded]:
    with images_to_draw_on(server) as seeded:
        yield seeded


@pytest.fixture
def page(page: Page) -> Page:
    page.add_init_script(CODE_WAITS)
    return page


def until_idle(page: Page) -> None:
    """The server has sent what the page shows."""
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_visible()


def code_comes(page: Page) -> None:
    """The code that waits, and from now on all code at once."""
    waited = page.evaluate("[codeWaits, window.codeWaits = null][0].map((go) => go())")
    assert waited


@pytest.mark.browser
def test_a_grid_shows_all_maps_and_hears_its_keys(server: LiveServer, page: Page, project: Seeded) -> None:
    page.goto(f"{server.url}/annotate?project={project.project_id}&view=grid")
    expect(page.locator(".board .tiles")).to_be_attached()
    page.wait_for_timeout(2_000)  # newer data: maps are being made
    until_idle(page)
    code_comes(page)
    expect(page.locator(".tile img:visible")).to_have_count(9)
    page.locator(".tile .pick").nth(1).click()
    page.keyboard.press("k")
    says(page, "1 image moved to the end.")
    page.keyboard.press("z")
    says(page, "Undone")
    look_for_an_image(page)


@pytest.mark.browser
def test_a_canvas_draws_once_and_hears_its_keys(server: LiveServer, page: Page, project: Seeded) -> None:
    first, second = project.images()[:2]
    page.goto(f"{server.url}/annotate?project={project.project_id}&image={first.id}")
    expect(page.locator("canvas.shapes")).to_be_attached()
    choose(page, "car")  # newer data: the map of another class
    page.wait_for_timeout(300)
    until_idle(page)
    code_comes(page)
    shows(page, first)
    drag(page, *BOX)
    page.keyboard.press("Control+z")  # the key of the canvas, while it has no newer data
    still(page)
    assert kept(project, first) == ()
    choose(page, "boat")
    drag(page, *BOX)
    drag(page, (0.5, 0.5), (0.8, 0.8))
    still(page)
    assert len(kept(project, first)) == 2
    page.keyboard.press("ArrowRight")
    shows(page, second)
    look_for_an_image(page)


@pytest.mark.browser
def test_nothing_hears_the_keys_of_a_page_that_was_left(
    server: LiveServer, page: Page, project: Seeded
) -> None:
    page.add_init_script(COUNTS_KEY_LISTENERS)
    page.goto(f"{server.url}/models?project={project.project_id}")
    expect(heading(page, "Models")).to_be_visible()
    until_idle(page)
    usual = page.evaluate("keyListeners.size")
    link_to(page, "Annotate").click()
    expect(page.locator("canvas.shapes")).to_be_attached()
    choose(page, "car")
    page.wait_for_timeout(300)
    until_idle(page)
    code_comes(page)
    shows(page, project.images()[0])
    assert page.evaluate("keyListeners.size") > usual
    link_to(page, "Models").click()
    expect(heading(page, "Models")).to_be_visible()
    page.wait_for_function("usual => keyListeners.size === usual", arg=usual)


@pytest.mark.browser
def test_a_click_on_a_page_counts_when_the_code_of_the_page_before_comes_then(
    server: LiveServer, page: Page, project: Seeded
) -> None:
    page.goto(f"{server.url}/?project={project.project_id}")
    expect(heading(page, "Bay")).to_be_visible()
    page.wait_for_function("codeWaits.length > 0")
    with server.held_up():
        link_to(page, "Train").click()
        code_comes(page)  # the film strip would tell how large the window is
        page.wait_for_timeout(500)
    expect(heading(page, "Train")).to_be_visible()
    page.wait_for_timeout(500)
    expect(heading(page, "Train")).to_be_visible()
    expect(page).to_have_url(re.compile("/train"))
