"""The real program, started the way a stranger starts it: from somewhere else, on an empty data folder."""

import socket
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.live_server import LiveServer

PAGES = ("Library", "Annotate", "Train", "Compare", "Models")

pytestmark = [pytest.mark.browser, pytest.mark.processes]


def test_the_server_answers_on_this_machine_only(server: LiveServer) -> None:
    assert server.healthy()
    # All of 127.0.0.0/8 is this machine, but only a server that listens everywhere answers on this address.
    with pytest.raises(OSError, match=r"."), socket.create_connection(("127.0.0.2", server.port), timeout=3):
        pass


def test_every_page_opens_on_an_empty_data_folder_without_an_error_and_asks_nobody_else(
    server: LiveServer, page: Page
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(server.url)
    links = page.get_by_test_id("stSidebarNavLink")
    expect(links).to_have_count(len(PAGES), timeout=120_000)
    for name in PAGES:
        links.filter(has_text=name).click()
        expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
        expect(page.get_by_role("heading").first).to_be_visible()
        expect(page.get_by_test_id("stException")).to_have_count(0)
    assert server.complaints() == []
    assert (server.home / "refocus.db").is_file()
    # Photographs may be private: nothing comes from another machine, and nothing goes there.
    assert {url for url in asked if not url.startswith((server.url, "data:", "blob:"))} == set()


def test_the_first_visit_starts_one_trainer_which_leaves_after_the_server(
    server: LiveServer, page: Page
) -> None:
    page.goto(server.url)
    expect(page.get_by_test_id("stSidebarNavLink").first).to_be_visible(timeout=120_000)
    _wait_until(lambda: server.trainers() != [], "expected a trainer after the first visit, got none")

    server.stop()

    _wait_until(
        lambda: server.trainers() == [], "expected the trainer to leave with the last server, it stayed"
    )


def _wait_until(condition: Callable[[], bool], otherwise: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.2)
