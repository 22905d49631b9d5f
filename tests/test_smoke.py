"""The real program, started the way a stranger starts it: from somewhere else, on an empty data folder."""

import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.services import library, training
from app.settings import Settings
from app.workspace import open_workspace
from db import library as projects
from db import runs
from tests import photographs
from tests.live_server import LiveServer

PAGES = ("Library", "Annotate", "Train", "Compare", "Models")

pytestmark = [pytest.mark.browser, pytest.mark.processes]


def test_an_empty_data_folder_is_served_to_this_machine_alone_and_leaves_with_its_trainer(
    server: LiveServer, page: Page
) -> None:
    _answers_on_this_machine_only(server)
    _every_page_opens_and_asks_nobody_else(server, page)
    _one_trainer_leaves_after_the_server(server)


def _answers_on_this_machine_only(server: LiveServer) -> None:
    assert server.healthy()
    # All of 127.0.0.0/8 is this machine, but only a server that listens everywhere answers on this address.
    with pytest.raises(OSError, match=r"."), socket.create_connection(("127.0.0.2", server.port), timeout=3):
        pass


def _every_page_opens_and_asks_nobody_else(server: LiveServer, page: Page) -> None:
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


def _one_trainer_leaves_after_the_server(server: LiveServer) -> None:
    _wait_until(lambda: server.trainers() != [], "expected a trainer after the first visit, got none")

    server.stop()

    _wait_until(
        lambda: server.trainers() == [], "expected the trainer to leave with the last server, it stayed"
    )


def test_a_project_takes_another_name_and_is_deleted_on_its_page(
    server: LiveServer, page: Page, tmp_path: Path
) -> None:
    photographs.write_zip(tmp_path / "photographs.zip")
    ws = open_workspace(Settings(home=server.home))
    try:
        other, project = (
            library.import_zip(ws, name, tmp_path / "photographs.zip").project_id for name in ("Bay", "Boats")
        )
        page.goto(f"{server.url}/?project={project}")
        expect(page.get_by_role("heading", name="Boats")).to_be_visible(timeout=120_000)
        _settled(page)
        page.get_by_role("button", name="Rename").click()
        dialog = page.get_by_role("dialog")
        name = dialog.get_by_label("Name")
        expect(name).to_have_value("Boats")
        name.fill("Bay")
        name.press("Enter")
        expect(dialog).to_contain_text("A project named 'Bay' exists. Choose another name.")
        name.fill(" Marina *1* www.evil.example ")
        name.press("Enter")
        expect(dialog).to_have_count(0)
        expect(page.get_by_role("heading", name="Marina *1*")).to_be_visible()
        assert projects.get_project(ws.database, project).name == "Marina *1* www.evil.example"
        expect(page.locator("a[href*='evil.example']")).to_have_count(0)

        _settled(page)
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
        expect(dialog).to_have_count(0)
        _settled(page)
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(page.get_by_role("heading", name="Bay")).to_be_visible()
        expect(page.get_by_text(re.compile(r"Marina \*1\* .* is in the bin\."))).to_be_visible()
        assert [one.id for one in projects.list_projects(ws.database)] == [other]
    finally:
        ws.database.close()
    assert server.complaints() == []


def _settled(page: Page) -> None:
    """All of the page is drawn: a click while it is drawn for the first time can be lost."""
    expect(page.get_by_role("navigation", name="Pagination")).to_be_visible()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def test_a_run_goes_on_when_the_server_is_killed_and_another_one_shows_it(
    server: LiveServer, page: Page, tmp_path: Path
) -> None:
    page.goto(server.url)
    expect(page.get_by_test_id("stSidebarNavLink").first).to_be_visible(timeout=120_000)
    photographs.write_zip(tmp_path / "photographs.zip")
    ws = open_workspace(Settings(home=server.home))
    try:
        project = library.import_zip(ws, "Boats", tmp_path / "photographs.zip").project_id
        run = training.request_first_model(ws, project, steps=2)
        _wait_until(
            lambda: runs.get_run(ws.database, run.id).status == "running",
            "expected the run to begin",
            seconds=120,
        )
        with _held(server):  # or it might be done before another server shows it
            os.kill(server.pid, signal.SIGKILL)
            server.stop()
            server.start()
            page.goto(f"{server.url}/train")
            expect(page.get_by_test_id("stMain").get_by_test_id("stProgress")).to_be_visible(timeout=120_000)
        _wait_until(
            lambda: runs.get_run(ws.database, run.id).status == "published",
            "expected the run to be published",
            seconds=120,
        )
        assert runs.get_run(ws.database, run.id).attempt == 1  # its trainer never noticed
    finally:
        ws.database.close()


@contextmanager
def _held(server: LiveServer) -> Iterator[None]:
    """The process that trains stands still; its trainer goes on."""
    held = [
        pid for pid in server.trainers() if b"app.jobs.train_run" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    assert held
    for pid in held:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in held:
            os.kill(pid, signal.SIGCONT)


def _wait_until(condition: Callable[[], bool], otherwise: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.2)
