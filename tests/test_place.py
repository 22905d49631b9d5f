"""The place in the queue in a real browser: by key, by reload, by link."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Dialog, Page, expect

from app.jobs import preparing
from app.jobs.preparing import Request
from app.services.suggestions import FILE, Suggestion
from db import library
from tests.app.seeded import Seeded
from tests.hand import (
    canvas,
    drag,
    heading,
    images_to_draw_on,
    kept,
    link_to,
    look_for_an_image,
    says,
    show,
    shows,
    still,
)
from tests.live_server import LiveServer, running

BOX = ((0.1, 0.1), (0.3, 0.3))
TOOLS = ".stMain button, .stMain canvas, .stMain input"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """One for all tests here."""
    with running(tmp_path_factory.mktemp("place")) as live:
        yield live


@pytest.fixture(scope="module")
def project(server: LiveServer) -> Iterator[Seeded]:
    """Its suggestions are being looked for, and nobody does."""
    with images_to_draw_on(server) as seeded:
        preparing.write_state(suggestions(seeded), {"status": "working", "started": time.time() + 3600})
        yield seeded


def suggestions(project: Seeded) -> Path:
    """The folder for those of the published version."""
    version_id = project.project.current_version_id
    assert version_id is not None
    return preparing.folder_of(project.ws, Request("shortcuts", project.project_id, version_id))


def is_at(page: Page, title: str, name: str) -> None:
    expect(page.get_by_role("heading", name=re.compile(f"^{title}$"))).to_be_visible()
    says(page, f"{name} ·")
    canvas(page)


@pytest.mark.browser
def test_a_save_and_a_reload_leave_the_place_and_the_message_covers_no_tool(
    server: LiveServer, page: Page, project: Seeded
) -> None:
    page.goto(f"{server.url}/annotate?project={project.project_id}&class=boat")
    expect(page.get_by_role("heading", name="Image 1 of 5")).to_be_visible()
    canvas(page)
    drag(page, *BOX)
    says(page, "1 region, not saved yet")
    page.keyboard.press("s")
    toast = page.get_by_test_id("stToast")
    expect(toast).to_be_visible()
    expect(page.get_by_role("heading", name="Image 2 of 5")).to_be_visible()
    overlaps = """(tools, toast) => tools.filter((tool) => {
      const at = tool.getBoundingClientRect()
      return at.left < toast.x + toast.width && at.right > toast.x
        && at.top < toast.y + toast.height && at.bottom > toast.y
    }).map((tool) => tool.textContent)"""
    frame: Any = toast.bounding_box()
    assert page.locator(TOOLS).evaluate_all(overlaps, frame) == []
    name = shown_image(page, project)

    page.reload()

    is_at(page, "Image 2 of 5", name)
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("heading", name="Image 1 of 5")).to_be_visible()
    says(page, "1 region saved")


def shown_image(page: Page, project: Seeded) -> str:
    """The name of the image in the page's address."""
    found = re.search(r"image=(\d+)", page.url)
    assert found is not None
    return library.get_image(project.ws.database, int(found.group(1))).name


@pytest.mark.browser
def test_one_key_opens_a_field_that_leads_to_an_image_by_name_and_what_is_typed_is_no_key(
    server: LiveServer, page: Page, project: Seeded
) -> None:
    first, *_, last = project.images("train")
    show(page, server, first)

    look_for_an_image(page)
    page.keyboard.type(last.name, delay=20)  # a digit would show another map, and a letter choose a tool
    page.keyboard.press("Enter")

    says(page, f"{last.name} ·")
    canvas(page)
    expect(page.get_by_role("button", name="Go", exact=True)).to_have_count(0)  # the field is closed
    look_for_an_image(page)
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_text(f"{last.name} ·")).to_have_count(0)


@pytest.mark.browser
def test_the_queue_is_one_stop_for_tab_and_arrow_keys_go_along_it(
    server: LiveServer, page: Page, project: Seeded
) -> None:
    page.goto(f"{server.url}/annotate?project={project.project_id}")
    canvas(page)
    strip = page.locator(".frames button")
    ids = [strip.nth(n).get_attribute("data-image") for n in range(strip.count())]
    assert len(ids) > 2
    strip.nth(0).click()
    expect(strip.nth(0)).to_have_attribute("aria-current", "true")
    canvas(page)
    assert focused(page) == ids[0]

    page.keyboard.press("ArrowRight")
    expect(strip.nth(1)).to_have_attribute("aria-current", "true")
    canvas(page)
    assert focused(page) == ids[1]

    page.keyboard.press("Tab")
    assert focused(page) == ""
    page.keyboard.press("Shift+Tab")
    assert focused(page) == ids[1]


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
def test_suggestions_appear_by_themselves_when_they_are_ready(
    server: LiveServer, page: Page, project: Seeded
) -> None:
    train = project.images("train")
    show(page, server, train[0])
    page.get_by_role("button", name="Possible shortcuts").click()
    says(page, "They appear here when they are ready.")

    folder, ids = suggestions(project), tuple(image.id for image in train[:3])
    suggestion = Suggestion(0, "Three images have a darker outer rim.", "No others do.", ids)
    (folder / FILE).write_text(json.dumps([asdict(suggestion)]))
    preparing.write_state(folder, {"status": "done"})

    says(page, "Three images have a darker outer rim.")  # in the list, which is still open
    says(page, "1 suggested")


@pytest.mark.browser
def test_another_explanation_comes_by_itself_and_stays_for_a_reload_and_the_next_image(
    server: LiveServer, page: Page, project: Seeded
) -> None:
    show(page, server, project.images("train")[0])
    page.get_by_role("button", name="Grad-CAM").click()
    page.get_by_text("Guided backpropagation").click()
    took = page.get_by_text(re.compile(r"^Guided backpropagation, \d+\.\d s\. Edges"))
    expect(took).to_be_visible()
    told = took.inner_text()
    page.reload()
    expect(took).to_have_text(told)
    canvas(page)
    page.keyboard.press("ArrowRight")
    shows(page, project.images("train")[1])
    expect(took).to_be_visible()
    page.keyboard.press("w")  # is about Grad-CAM's map
    says(page, "Answers are about Grad-CAM's map.")
    assert server.complaints() == []


@pytest.mark.browser
@pytest.mark.parametrize("way", ["a link", "Back"])
def test_strokes_are_kept_when_the_page_is_left_before_the_server_knows_of_them(
    server: LiveServer, page: Page, project: Seeded, way: str
) -> None:
    image = project.images("train")[8]
    page.goto(f"{server.url}/train?project={project.project_id}")
    link_to(page, "Annotate").click()
    canvas(page)
    look_for_an_image(page)
    page.keyboard.type(image.name)
    page.keyboard.press("Enter")
    shows(page, image)
    before = len(kept(project, image))
    with server.held_up():
        drag(page, *BOX)
        drag(page, (0.6, 0.6), (0.9, 0.9))  # comes while the server takes up the first
        if way == "Back":
            page.evaluate("history.go(2 - history.length)")  # the first was empty, the second Train
        else:
            link_to(page, "Train").click()
    expect(heading(page, "Train")).to_be_visible()
    assert len(kept(project, image)) == before + 2


@pytest.mark.browser
def test_the_browser_asks_before_it_closes_a_page_whose_strokes_the_server_does_not_know(
    server: LiveServer, page: Page, project: Seeded
) -> None:
    image = project.images("train")[7]
    show(page, server, image)
    with server.held_up():
        drag(page, *BOX)
        with page.expect_event("dialog") as asked:
            page.evaluate("setTimeout(() => location.reload())")
        assert asked.value.type == "beforeunload"
        asked.value.dismiss()
    still(page)
    asked_again: list[Dialog] = []
    page.on("dialog", lambda dialog: asked_again.append(dialog))
    page.reload()
    shows(page, image)
    assert len(kept(project, image)) == 1
    assert asked_again == []
