"""The grid of maps in a real browser: by mouse, and by keyboard alone."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from app.services import annotation
from tests.app.seeded import Seeded
from tests.hand import canvas, images_to_draw_on
from tests.live_server import LiveServer, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """One for all tests here: each takes back what it does."""
    with running(tmp_path_factory.mktemp("grid")) as live:
        yield live


@pytest.fixture(scope="module")
def project(server: LiveServer) -> Iterator[Seeded]:
    with images_to_draw_on(server) as seeded:
        yield seeded


def tiles(page: Page, server: LiveServer, project: Seeded) -> Locator:
    """With all maps."""
    page.goto(f"{server.url}/annotate?project={project.project_id}&view=grid")
    shown = page.locator(".tile .pick")
    expect(shown).to_have_count(9)
    expect(page.locator(".tile img:visible")).to_have_count(9)
    return shown


def note(page: Page) -> Locator:
    return page.locator(".note [role=status]")


def guided(project: Seeded) -> int:
    images = project.images()
    return sum(annotation.load(project.ws, image.id, image.class_id) is not None for image in images)


@pytest.mark.browser
def test_a_range_is_answered_with_one_key_and_undone_with_another(
    server: LiveServer, page: Page, project: Seeded
) -> None:
    shown = tiles(page, server, project)
    shown.nth(1).click()
    shown.nth(4).click(modifiers=["Shift"])
    expect(page.locator(".pick[aria-pressed=true]")).to_have_count(4)

    page.keyboard.press("w")
    expect(note(page)).to_contain_text("answered “wrong place”.")
    answered = guided(project)
    assert answered > 0
    expect(page.locator(".mark:visible")).to_have_count(answered)
    # What could not be answered, because an untrained model may have an empty map, stays selected.
    expect(page.locator(".pick[aria-pressed=true]")).to_have_count(4 - answered)

    page.keyboard.press("z")
    expect(note(page)).to_contain_text("no longer answered “wrong place”.")
    assert guided(project) == 0
    expect(page.locator(".mark:visible")).to_have_count(0)


@pytest.mark.browser
def test_the_grid_can_be_used_by_keyboard_alone_and_opens_an_image(
    server: LiveServer, page: Page, project: Seeded
) -> None:
    tiles(page, server, project)
    page.keyboard.press("ArrowDown")  # to the first image
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(page.locator(".pick[aria-pressed=true]")).to_have_count(4)
    page.keyboard.press("k")
    expect(note(page)).to_have_text("4 images moved to the end.")
    page.keyboard.press("Control+a")
    expect(page.get_by_role("button", name="Select none")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("z")
    expect(note(page)).to_have_text("Undone: 4 images no longer moved to the end.")

    opened = page.locator(".tile .pick:focus").locator("..").get_attribute("data-image")
    page.keyboard.press("Enter")
    canvas(page)
    expect(page).to_have_url(re.compile(rf"image={opened}\b"))
