"""What stands where, in a real browser: nothing that a person needs is out of sight, cut off or askew."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from app.jobs import preparing
from app.jobs.preparing import Request
from app.settings import Settings
from app.workspace import open_workspace
from db.queue_filters import LOOKED_AT
from tests.app.seeded import Seeded, seed
from tests.hand import choose, drag, says, show
from tests.live_server import LiveServer, running

OBJECT, BESIDE = ((0.3, 0.3), (0.7, 0.7)), ((0.05, 0.05), (0.25, 0.2))
PHONE, SMALLEST = {"width": 390, "height": 844}, {"width": 1280, "height": 800}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with running(tmp_path_factory.mktemp("looks")) as live:
        yield live


@pytest.fixture(scope="module")
def project(server: LiveServer) -> Iterator[Seeded]:
    """Two versions, wrong in both splits; shortcuts are being looked for. So all is there that can stand
    beside the heading.
    """
    ws = open_workspace(Settings(home=server.home))
    seeded = seed(ws, per_split=(9, 2, 0))
    seeded.publish()
    version = seeded.publish(seed=1, wrong=[seeded.images(split)[0].id for split in LOOKED_AT])
    folder = preparing.folder_of(ws, Request("shortcuts", seeded.project_id, version.id))
    preparing.write_state(folder, {"status": "working", "started": time.time() + 3600})
    yield seeded
    ws.database.close()


@pytest.mark.browser
def test_what_both_roles_are_worth_stands_in_the_smallest_window(
    server: LiveServer, page: Page, project: Seeded
) -> None:
    page.set_viewport_size(SMALLEST)  # type: ignore[arg-type]
    show(page, server, project.images()[0])
    drag(page, *OBJECT)
    choose(page, "Ignore this")
    drag(page, *BESIDE)
    says(page, "2 regions, not saved yet")

    last = page.get_by_text("With only ignore this")
    expect(last).to_be_visible()
    page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, 0)")
    assert _bottom(last) <= SMALLEST["height"]


@pytest.mark.browser
def test_what_stands_beside_the_heading_is_one_row_and_what_does_not_fit_another(
    server: LiveServer, page: Page, project: Seeded
) -> None:
    show(page, server, project.images()[0])
    look_up, views = (
        page.locator("[class*=st-key-annotate_go_to_] button").first,
        page.locator(".st-key-annotate_view"),
    )
    tools = page.locator(".st-key-annotate_filters_open"), page.locator(".st-key-annotate_groups_open")

    assert _middle(look_up) == pytest.approx(_middle(views), abs=2)
    assert _middle(tools[0]) == pytest.approx(_middle(tools[1]), abs=2)
    assert _middle(tools[0]) - _middle(views) > 20  # at 1280 pixels


@pytest.mark.browser
def test_the_link_that_has_the_focus_is_seen(server: LiveServer, page: Page, project: Seeded) -> None:
    show(page, server, project.images()[0])
    link = page.get_by_test_id("stSidebarNavLink").first
    for _ in range(5):
        page.keyboard.press("Tab")
        if link.evaluate("link => link === document.activeElement"):
            break
    expect(link).to_be_focused()
    assert link.evaluate("link => getComputedStyle(link).outlineStyle") == "solid"


@pytest.mark.browser
@pytest.mark.parametrize("view", ["", "annotate", "train", "compare", "models"])
def test_no_page_is_wider_than_a_phone(server: LiveServer, page: Page, project: Seeded, view: str) -> None:
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.goto(f"{server.url}/{view}?project={project.project_id}")
    main = page.get_by_test_id("stMain")
    expect(main.locator("h2, h3, h4").first).to_be_visible()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    assert main.evaluate("main => main.scrollWidth - main.clientWidth") <= 0


def _middle(element: Locator) -> float:
    frame = element.bounding_box()
    assert frame is not None
    return frame["y"] + frame["height"] / 2


def _bottom(element: Locator) -> float:
    frame = element.bounding_box()
    assert frame is not None
    return frame["y"] + frame["height"]
