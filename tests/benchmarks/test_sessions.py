"""Sessions without a browser do what a person does: they go from image to image, and say when one fails."""

import asyncio
from pathlib import Path

import pytest

from benchmarks.large_project import make_large_project
from benchmarks.live_server import serving
from benchmarks.sessions import People, join

pytestmark = pytest.mark.processes


def test_three_people_walk_through_the_queue_until_they_rest(tmp_path: Path) -> None:
    make_large_project(tmp_path / "home", 60, own_files=4)

    async def work(url: str) -> tuple[list[str], list[float], int]:
        people = await join(url, 3)
        first = people[0].query
        together = People(people, moment=0.0, pause=(0.0, 0.1))
        await asyncio.sleep(2.0)
        taken, failed = await together.rest()
        return [first, people[0].query], taken, failed

    with serving(tmp_path / "home", tmp_path) as server:
        (first, last), taken, failed = asyncio.run(work(server.url))
        assert server.errors() == 0

    assert failed == 0
    assert len(taken) >= 3
    assert all(ms > 0 for ms in taken)
    assert first.startswith("project=1&image=")
    assert first != last
