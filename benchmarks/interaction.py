"""How long a click takes on a project of 100,000 images, in a real browser on a real server.

    python -m benchmarks.interaction --json OUT

The project is made by `benchmarks.large_project`; what is said there about its files is true of the figures.
Each figure is the time in the browser from the click until the page shows its result, has loaded its pictures
and is at rest. One person: *next* image, a box drawn (*stroke*, from letting go of the mouse until the page
says that there is one region; *counterfactual*, until it says what the model makes of this region alone, and
of the image without it), the map of another class (*class switch*), *save* (Save and next), and the pages
Library, Annotate and Compare, each reached from another page. The server's memory is read after `--looks`
different images. Then twenty people press Next every two to four seconds: one in the browser, who is timed
(*twenty sessions*), and nineteen without one (`benchmarks.sessions`), whose times end when they have received
the page and its pictures (*other sessions*). Last, the twenty sit at twenty windows of one browser, on the
server's own cores (*twenty windows*): most of that time the browser draws.

Aims: next p50 <= 300 ms and p95 <= 700; counterfactual p50 <= 500 ms; a page's p95 <= 1,000 ms; twenty
people's p95 <= 2,500 ms without an error; no save lost; the server below 1,500 MB.
"""

import argparse
import asyncio
import json
import math
import random
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright
from playwright.async_api import Error as PlaywrightError

from benchmarks.large_project import make_large_project
from benchmarks.live_pages import STROKE_ENDED, listen, timed
from benchmarks.live_server import ARGUMENTS, Server, browser_command, serving
from benchmarks.report import environment, print_table, say
from benchmarks.sessions import People, join
from db.annotations import count_guided_images
from db.engine import Database
from db.records import ProjectRecord

VIEWPORT = {"width": 1280, "height": 800}
PEOPLE = 20
MOMENT = 0.7  # seconds between a page at rest and the next click
PAUSE = (2.0, 4.0)  # seconds between two clicks of one of the twenty
TITLE = "[...document.querySelectorAll('h4')].find((one) => one.innerText.startsWith('Image '))?.innerText"
MAP = "document.querySelector('img[alt*=\"attention map for\"]')"
CANVAS = (
    "find('canvas.shapes[data-ready]')?.dataset.image === new URLSearchParams(location.search).get('image')"
)
WORTH = "document.body.innerText.includes('With only look here')"
ERRORS = "[data-testid=stException], [data-testid=stAlertContentError]"
NEXT = ".st-key-annotate_next button"
KEYS = (
    *("next_ms", "stroke_ms", "counterfactual_ms", "class_switch_ms", "save_ms"),
    *("library_100k_ms", "annotate_100k_ms", "compare_100k_ms"),
    *("twenty_sessions_ms", "other_sessions_ms", "twenty_windows_ms"),
)
# What a page shows when it is there.
PAGES = {
    "Library": "document.querySelector('.st-key-library_images')",
    "Annotate": f"{CANVAS} && {MAP}",
    "Compare": "document.querySelector('.st-key-compare_filter') && "
    "document.querySelectorAll('img[alt*=\"attention map for\"]').length >= 2",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", type=Path, required=True, help="file for the figures")
    parser.add_argument("--images", type=int, default=100_000, help="in the project")
    parser.add_argument("--clicks", type=int, default=40, help="of each kind on one image")
    parser.add_argument("--visits", type=int, default=12, help="of each page")
    parser.add_argument("--rounds", type=int, default=5, help="clicks in each of the twenty windows")
    parser.add_argument("--alone", action="store_true", help="without the twenty people")
    parser.add_argument("--looks", type=int, default=500, help="images looked at before memory is read")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        project = make_large_project(home, options.images, own_files=options.looks + 2 * options.clicks)
        with serving(home, Path(folder)) as server:
            figures = asyncio.run(_measure(server, project, home, options))
    print_results(figures)
    options.json.write_text(json.dumps({"environment": environment(), **figures}, indent=1), "utf-8")


class Times:
    """What each kind of click took, in milliseconds; what did not come in time is an error."""

    def __init__(self) -> None:
        self.taken: dict[str, list[float]] = defaultdict(list)
        self.errors = 0

    async def add(self, name: str, click: Awaitable[float]) -> None:
        """After a moment, as a person: a page that is drawn still hears from its canvas and its strip."""
        await asyncio.sleep(MOMENT)
        try:
            self.taken[name].append(await click)
        except (TimeoutError, PlaywrightError) as error:
            say(f"{name}: {error}")
            self.errors += 1

    def tell(self, name: str) -> None:
        say(f"{name}: {summary(self.taken[name])}")


def summary(taken: Sequence[float]) -> dict[str, float]:
    """How many, the median and the 95th percentile (nearest rank), in milliseconds."""
    ordered = sorted(taken)
    if not ordered:
        return {"n": 0, "p50": math.inf, "p95": math.inf}
    rank = max(0, -(-95 * len(ordered) // 100) - 1)
    return {"n": len(ordered), "p50": round(statistics.median(ordered)), "p95": round(ordered[rank])}


async def _measure(
    server: Server, project: ProjectRecord, home: Path, options: argparse.Namespace
) -> dict[str, Any]:
    times = Times()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=browser_command(), args=list(ARGUMENTS))
        page = await _opened(browser, server, "annotate")
        say("the first map is there")
        for _ in range(options.clicks):
            await times.add("next_ms", _next(page))
        times.tell("next_ms")
        await _draw(page, options.clicks, times)
        saves = len(times.taken["save_ms"])
        await _visit(page, options.visits, times)
        looked = options.clicks + saves
        while looked < options.looks:
            await times.add("walk_ms", _next(page))
            looked += 1
        server_mb = server.resident_mb
        say(f"{looked} images looked at: {server_mb:.0f} MB")
        errors = await page.locator(ERRORS).count()
        await page.close()
        if not options.alone:
            errors += await _among_others(browser, server, options.clicks, times)
            errors += await _twenty_windows(browser, server, options.rounds, times)
        await browser.close()
    database = Database.open(f"sqlite:///{home / 'refocus.db'}")
    try:
        lost = saves - count_guided_images(database, project.id)
    finally:
        database.close()
    return {
        "images": options.images,
        **{name: summary(times.taken[name]) for name in KEYS if times.taken[name]},
        "errors": errors + times.errors + server.errors(),
        "lost_saves": lost,
        "server_mb": round(server_mb),
    }


async def _opened(browser: Browser, server: Server, page_name: str) -> Page:
    context = await browser.new_context(viewport=VIEWPORT)  # type: ignore[arg-type]
    page = await context.new_page()
    page.set_default_timeout(300_000)
    await page.goto(f"{server.url}/{page_name}")
    await timed(page, "", PAGES["Annotate"])
    if not await page.evaluate(f"{TITLE}?.includes(' of ')"):
        raise RuntimeError("expected the queue on the page")
    return page


async def _next(page: Page) -> float:
    title = await page.evaluate(TITLE)
    return await timed(page, NEXT, f"{TITLE} !== {json.dumps(title)} && {PAGES['Annotate']}")


async def _draw(page: Page, clicks: int, times: "Times") -> None:
    """A class switch, a box and a save on one image after the other."""
    save = "[class*=st-key-annotate_save_next] button"
    await listen(page)
    for _ in range(clicks):
        await times.add("class_switch_ms", _switch(page))
        await times.add("stroke_ms", _box(page, times))
        title = await page.evaluate(TITLE)
        another = f"{TITLE} !== {json.dumps(title)} && {PAGES['Annotate']}"
        await times.add("save_ms", timed(page, save, another))
    for name in ("class_switch_ms", "stroke_ms", "counterfactual_ms", "save_ms"):
        times.tell(name)


async def _switch(page: Page) -> float:
    """To the map of the first class that is not shown."""
    other = "[class*=st-key-annotate_map_of] button:not([aria-checked=true])"
    alt = await page.evaluate(f"{MAP}.alt")
    return await timed(page, other, f"{MAP}?.alt !== {json.dumps(alt)}")


async def _box(page: Page, times: "Times") -> float:
    """The first region of an image; what is said of it is timed from the same letting go."""
    if await page.evaluate(WORTH):
        raise RuntimeError("expected an image without regions")
    canvas = page.locator("canvas.shapes[data-ready]")
    await canvas.scroll_into_view_if_needed()
    frame = await canvas.bounding_box()
    if frame is None:
        raise RuntimeError("expected a canvas on the page")
    left, top, width, height = (frame[name] for name in ("x", "y", "width", "height"))
    await page.mouse.move(left + 0.3 * width, top + 0.3 * height)
    await page.mouse.down()
    await page.mouse.move(left + 0.6 * width, top + 0.6 * height, steps=6)
    await page.mouse.up()
    worth = asyncio.create_task(timed(page, "", WORTH, since=STROKE_ENDED))
    stroke = await timed(page, "", "document.body.innerText.includes('1 region, not saved yet')")
    times.taken["counterfactual_ms"].append(await worth)
    return stroke


async def _visit(page: Page, visits: int, times: "Times") -> None:
    for _ in range(visits):
        for name, there in PAGES.items():
            link = f"[data-testid=stSidebarNavLink][href$='{'/' if name == 'Library' else name.lower()}']"
            await times.add(f"{name.lower()}_100k_ms", timed(page, link, there))
    await timed(page, "[data-testid=stSidebarNavLink][href$=annotate]", PAGES["Annotate"])
    for name in PAGES:
        times.tell(f"{name.lower()}_100k_ms")


async def _among_others(browser: Browser, server: Server, clicks: int, times: "Times") -> int:
    """The clicks of one of twenty people; how many errors any of them has seen."""
    others = People(await join(server.url, PEOPLE - 1), MOMENT, PAUSE)
    page = await _opened(browser, server, "annotate")
    say(f"{PEOPLE} people are there")
    chance = random.Random(PEOPLE)
    for _ in range(clicks):
        await asyncio.sleep(chance.uniform(*PAUSE))
        await times.add("twenty_sessions_ms", _next(page))
    times.taken["other_sessions_ms"], failed = await others.rest()
    for name in ("twenty_sessions_ms", "other_sessions_ms"):
        times.tell(name)
    errors = await page.locator(ERRORS).count()
    await page.close()
    return failed + errors


async def _twenty_windows(browser: Browser, server: Server, rounds: int, times: "Times") -> int:
    """The clicks of all people; how many errors are on their pages at the end."""
    pages = [await _opened(browser, server, "annotate") for _ in range(PEOPLE)]
    say(f"{PEOPLE} windows are open")

    async def works(page: Page, seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(rounds):
            await asyncio.sleep(chance.uniform(*PAUSE))
            await times.add("twenty_windows_ms", _next(page))

    await asyncio.gather(*(works(page, seed) for seed, page in enumerate(pages)))
    times.tell("twenty_windows_ms")
    return sum([await page.locator(ERRORS).count() for page in pages])


def print_results(figures: dict[str, Any]) -> None:
    rows = [
        {"action": name.removesuffix("_ms"), **{key: str(values[key]) for key in ("n", "p50", "p95")}}
        for name, values in figures.items()
        if isinstance(values, dict)
    ]
    print_table(rows)
    print(", ".join(f"{name}: {figures[name]}" for name in ("errors", "lost_saves", "server_mb")))


if __name__ == "__main__":
    main()
