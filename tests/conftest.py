"""Fixtures that start real things: a server with a fresh data folder, a browser page."""

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from benchmarks.live_server import ARGUMENTS
from tests import postgresql
from tests.browser import find_browser
from tests.live_server import LiveServer

# As app/.streamlit/config.toml, which Streamlit reads for a server alone: a page that a test runs in its own
# process would record each command and look for bare expressions, a tenth of its time.
os.environ |= {"STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false", "STREAMLIT_RUNNER_MAGIC_ENABLED": "false"}

PATIENCE = 60_000  # milliseconds for one thing on the page to happen, on two cores that others use too
# These files take longest, the longest first. They begin first, or one core would work alone at the end.
LONGEST = (
    *("test_story.py", "test_own_model_story.py", "app/test_own_models.py", "app/test_train_run.py"),
    *("test_smoke.py", "app/test_command_line.py", "app/test_random_kills.py", "app/test_worker.py"),
    *("app/test_launch.py", "test_canvas.py", "gain_core/test_fast_path.py", "gain_core/test_inference.py"),
    *(
        "app/test_control.py",
        "gain_core/test_gpu.py",
        "app/views/test_annotate.py",
        "benchmarks/test_timing.py",
    ),
    *("gain_core/test_distributed.py", "gain_core/test_wrapped.py", "benchmarks/test_speed_rows.py"),
    *("benchmarks/test_sessions.py", "app/test_model_bundle.py", "gain_core/test_backbones.py"),
)
_REPORT = pytest.StashKey[pytest.TestReport]()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are cores: many tests wait for servers and for other processes."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the files (stable: tests of one file stay together, in their order)."""
    begin = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}
    missing = [str(path) for path in begin if not path.is_file()]
    if missing:
        raise pytest.UsageError(f"tests/conftest.py names files that are not there: {missing}")
    items.sort(key=lambda item: begin.get(item.path, len(begin)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember whether the test itself failed, so that fixtures can keep evidence."""
    report = yield
    if report.when == "call":
        item.stash[_REPORT] = report
    return report


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[postgresql.Server]:
    """One for a process of tests; where PostgreSQL is not installed, what needs it is skipped."""
    programs = postgresql.find_programs()
    if programs is None:
        pytest.skip(postgresql.MISSING)
    with postgresql.serving(programs) as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    """Of the database: a test that uses it, through `database_url` or otherwise, is for both."""
    return str(request.param)


@pytest.fixture
def database_url(engine: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """As REFOCUS_DATABASE_URL: a database with all tables and no rows, or empty for SQLite."""
    if engine == "sqlite":
        yield ""
    else:
        with request.getfixturevalue("postgresql_server").database() as url:
            yield url


@pytest.fixture
def environment() -> dict[str, str]:
    """Further settings of the server."""
    return {}


@pytest.fixture
def server(
    tmp_path: Path, environment: dict[str, str], request: pytest.FixtureRequest
) -> Iterator[LiveServer]:
    """A running server on a fresh data folder; a failed test prints where its logs are."""
    live = LiveServer(
        home=tmp_path / "home",
        folder=tmp_path / "elsewhere",
        environment={"REFOCUS_IDLE_EXIT_SECONDS": "2", **environment},
    )
    try:
        live.start()
        yield live
    finally:
        live.close()
        if _failed(request.node):
            print(f"\nServer log: {live.log}\n{live.log_tail()}\nData folder: {live.home}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for a file of tests. None found is an error, not a skip: `make test` installs one."""
    executable = find_browser()
    if executable is None:
        pytest.fail("no Chromium or Chrome found: run `make test`, or `python -m tests.browser`")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def browser_window(browser: Browser) -> BrowserContext:
    """One for a file of tests: it reads and compiles Streamlit's scripts once, which takes half of a page's
    time. What outlives a page in it is the width of Streamlit's sidebar.
    """
    return browser.new_context(viewport={"width": 1280, "height": 800})


@pytest.fixture
def page(browser_window: BrowserContext, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A fresh browser page of 1280×800; a failed test leaves a screenshot."""
    opened = browser_window.new_page()
    opened.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    yield opened
    if _failed(request.node):
        shot = tmp_path / "failure.png"
        opened.screenshot(path=shot, full_page=True)
        print(f"\nScreenshot: {shot}")
    opened.close()


def _failed(item: pytest.Item) -> bool:
    report = item.stash.get(_REPORT, None)
    return report is not None and report.failed
