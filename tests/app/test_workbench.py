"""A thread that makes what a page waits for: the page shown last comes first, and none that is gone."""

import threading
from types import SimpleNamespace

import pytest

from app import workbench
from app.workbench import PATIENCE, REST, Workbench


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(workbench, "time", SimpleNamespace(monotonic=clock.monotonic))
    return clock


class Busy:
    """A bench that works at something until it is let go."""

    def __init__(self) -> None:
        self.bench, self.made = Workbench("test"), list[object]()
        self._go_on, started = threading.Event(), threading.Event()

        def wait() -> None:
            started.set()
            self._go_on.wait(10)

        self.bench.ask("busy", wait)
        assert started.wait(10)

    def ask(self, name: object) -> None:
        self.bench.ask(name, lambda: self.made.append(name))

    def let_go(self) -> None:
        """Until all is made."""
        self._go_on.set()
        while self.bench.waiting:
            threading.Event().wait(0.005)


def test_the_page_shown_last_comes_first_and_in_its_own_order(clock: Clock) -> None:
    busy = Busy()
    for page in ("old", "new"):
        clock.now += 1
        for place in range(3):
            busy.ask((page, place))

    busy.let_go()

    assert busy.made == [(page, place) for page in ("new", "old") for place in range(3)]


def test_what_nobody_asks_for_again_is_not_made(clock: Clock) -> None:
    busy = Busy()
    busy.ask("left")
    busy.ask("stays")
    clock.now += 0.7 * PATIENCE
    busy.ask("stays")
    clock.now += 0.7 * PATIENCE

    busy.let_go()

    assert busy.made == ["stays"]


def test_what_takes_long_is_wanted_until_nobody_asks_again_or_it_is_dropped(clock: Clock) -> None:
    busy = Busy()
    assert busy.bench.is_wanted("busy")
    clock.now += PATIENCE
    assert not busy.bench.is_wanted("busy")
    busy.ask("busy")
    assert busy.bench.is_wanted("busy")
    busy.bench.drop("busy")
    assert not busy.bench.is_wanted("busy")
    busy.bench.drop("never asked for")
    busy.let_go()


def test_why_something_failed_is_told_and_tried_again_only_after_a_rest(clock: Clock) -> None:
    tries: list[int] = []

    def fail() -> None:
        tries.append(1)
        raise OSError("no such file")

    bench = Workbench("test")
    assert bench.ask("gone", fail) is None
    while bench.waiting:
        threading.Event().wait(0.005)

    assert str(bench.ask("gone", fail)) == "no such file"
    assert len(tries) == 1
    clock.now += REST
    assert bench.ask("gone", fail) is None
