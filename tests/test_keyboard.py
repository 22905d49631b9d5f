"""Annotate without a mouse, in a real browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.app.seeded import Seeded
from tests.hand import canvas, images_to_draw_on
from tests.live_server import LiveServer


@pytest.fixture
def project(server: LiveServer) -> Iterator[Seeded]:
    with images_to_draw_on(server) as seeded:
        yield seeded


def focused(page: Page) -> str:
    """The image whose thumbnail has the focus, or nothing."""
    return str(
        page.evaluate("""() => {
          let at = document.activeElement
          while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement
          return at?.dataset?.image ?? ""
        }""")
    )


@pytest.mark.browser
def test_the_queue_is_one_stop_for_tab_and_arrow_keys_go_along_it(
    server: LiveServer, page: Page, project: Seeded
) -> None:
    page.goto(f"{server.url}/annotate?project={project.project_id}")
    canvas(page)
    strip = page.locator(".frames button")
    ids = [strip.nth(n).get_attribute("data-image") for n in range(strip.count())]
    assert len(ids) > 2
    strip.nth(0).focus()
    assert focused(page) == ids[0]

    page.keyboard.press("ArrowRight")
    expect(strip.nth(1)).to_have_attribute("aria-current", "true")
    canvas(page)
    assert focused(page) == ids[1]

    page.keyboard.press("Tab")
    assert focused(page) == ""
    page.keyboard.press("Shift+Tab")
    assert focused(page) == ids[1]
