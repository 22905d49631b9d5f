"""How quickly the map of images answers with 100,000 images, in a real browser on a real server.

    python -m benchmarks.map_of_images --json OUT

The project is made by `benchmarks.large_project`; the images' places are seeded: forty heaps of different
size, and images between them. Timed in the browser, from the click until the page shows its result and is at
rest: *draw*, from another view of Annotate to the whole map, the first time and again; *colour*, another
colour for all points; *lasso*, from letting go of the mouse until the page says how many images are inside;
*hover*, from the pointer on a point until its picture with its map is beside it. Then *make*: the time of PCA
and t-SNE of so many images by seeded features, without computing features.
"""

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from playwright.async_api import Page, async_playwright

from app.jobs import preparing
from app.jobs.preparing import Request
from app.services.image_map import FITTED, write_places
from app.settings import Settings
from app.workspace import open_workspace
from benchmarks.interaction import VIEWPORT, summary
from benchmarks.large_project import make_large_project
from benchmarks.live_pages import timed
from benchmarks.live_server import ARGUMENTS, Server, browser_command, serving
from benchmarks.report import environment, say
from db import library
from db.records import ProjectRecord
from gain_core.analysis.image_layout import arranged, principal_axes

CHART = "document.querySelector('.st-key-annotate_map_chart .js-plotly-plot .main-svg')"
SAYS = "document.body.innerText.includes({words})"
TO_MAP = ".st-key-annotate_view button:nth-of-type(3)"
HEAPS = 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", type=Path, required=True, help="file for the figures")
    parser.add_argument("--images", type=int, default=118_000, help="in the project; 85 % are on the map")
    parser.add_argument("--times", type=int, default=10, help="of each kind")
    parser.add_argument("--features", type=int, default=1280, help="of an image, for the time of PCA")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        project = make_large_project(home, options.images, own_files=10)
        on_map = _put_places(home, project)
        with serving(home, Path(folder)) as server:
            taken = asyncio.run(_measure(server, options.times))
    figures: dict[str, Any] = {name: summary(times) for name, times in taken.items()}
    figures |= {"images": on_map, "make_seconds": _make(on_map, options.features)}
    say(json.dumps(figures, indent=1))
    options.json.write_text(json.dumps({"environment": environment(), **figures}, indent=1), "utf-8")


def _put_places(home: Path, project: ProjectRecord) -> int:
    """Seeded places as the files that the app reads; how many."""
    ws = open_workspace(Settings(home=home))
    try:
        images = library.list_images(ws.database, project.id)
        ids = np.array([image.id for image in images if image.split != "test"], dtype=np.int64)
        random = np.random.default_rng(0)
        heap = random.choice(HEAPS, len(ids), p=random.dirichlet(np.full(HEAPS, 0.6)))
        middles = random.uniform(-60, 60, (HEAPS, 2))
        points = middles[heap] + random.normal(0, 3, (len(ids), 2))
        points[::50] = random.uniform(-70, 70, points[::50].shape)
        folder = preparing.folder_of(ws, Request("map", project.id, project.current_version_id or 0))
        folder.mkdir(parents=True)
        for layout in ("pca", "tsne"):
            write_places(folder, layout, ids, points.astype(np.float32), len(ids))
        preparing.write_state(folder, {"status": "done"})
        return len(ids)
    finally:
        ws.database.close()


async def _measure(server: Server, times: int) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {
        name: [] for name in ("first_draw_ms", "draw_ms", "colour_ms", "lasso_ms", "hover_ms")
    }
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=browser_command(), args=list(ARGUMENTS))
        page = await browser.new_page(viewport=VIEWPORT)  # type: ignore[arg-type]
        page.set_default_timeout(300_000)
        for number in range(times):
            await page.goto(f"{server.url}/annotate")
            await timed(page, "", "find('canvas.shapes[data-ready]')")
            name = "draw_ms" if number else "first_draw_ms"
            taken[name].append(
                await timed(page, TO_MAP, f"{CHART} && {SAYS.format(words=repr('are drawn'))}")
            )
            await page.wait_for_timeout(700)
            taken["colour_ms"].append(await _colour(page, "Class"))
            await page.wait_for_timeout(700)
            taken["lasso_ms"].append(await _lasso(page, number))
            await page.wait_for_timeout(700)
            taken["hover_ms"].append(await _hover(page))
            say(", ".join(f"{name}: {values[-1]:.0f}" for name, values in taken.items() if values))
        await browser.close()
    return taken


async def _colour(page: Page, name: str) -> float:
    await page.locator(".st-key-annotate_map_colour").get_by_role("combobox").click()
    option = page.get_by_role("option", name=name, exact=True)
    await option.wait_for()
    before = await page.evaluate("document.querySelector('.legendtext')?.textContent")
    start = time.perf_counter()
    await option.click()
    changed = f"document.querySelector('.legendtext')?.textContent !== {json.dumps(before)}"
    await timed(page, "", changed)
    return 1000 * (time.perf_counter() - start)


async def _lasso(page: Page, number: int) -> float:
    """Around a third of the chart, another one each time."""
    frame = await page.locator(".st-key-annotate_map_chart .js-plotly-plot .nsewdrag").bounding_box()
    if frame is None:
        raise RuntimeError("expected a chart on the page")
    left = frame["x"] + (0.1 + 0.03 * number) * frame["width"]
    right, top = left + 0.4 * frame["width"], frame["y"] + 0.2 * frame["height"]
    bottom = top + 0.6 * frame["height"]
    await page.mouse.move(left, top)
    await page.mouse.down()
    for x, y in ((right, top), (right, bottom), (left, bottom), (left, top + 5)):
        await page.mouse.move(x, y, steps=10)
    await page.mouse.up()
    return await timed(page, "", "document.querySelector('.st-key-annotate_area_grid')")


async def _hover(page: Page) -> float:
    """Along the chart until there is a point under the pointer."""
    frame = await page.locator(".st-key-annotate_map_chart .js-plotly-plot .nsewdrag").bounding_box()
    if frame is None:
        raise RuntimeError("expected a chart on the page")
    picture = "find('.card')?.dataset.image"
    shown = "find('.card') && !find('.card').hidden"
    for step in range(60):
        x = frame["x"] + (0.2 + 0.01 * step) * frame["width"]
        await page.mouse.move(x, frame["y"] + (0.3 + 0.007 * step) * frame["height"])
        await page.wait_for_timeout(120)
        if await page.evaluate(f"(() => {{ const find = {_INSIDE}; return Boolean({shown}) }})()"):
            return 120 + await timed(page, "", picture)
    raise RuntimeError("expected a point on the chart")


_INSIDE = (
    "(selector) => { const inside = (root) => root.querySelector(selector) ?? "
    "[...root.querySelectorAll('*')].reduce((hit, node) => hit ?? (node.shadowRoot && "
    "inside(node.shadowRoot)), null); return inside(document) }"
)


def _make(images: int, features: int) -> dict[str, float]:
    """Seconds of PCA and of t-SNE by seeded features of forty kinds."""
    random = np.random.default_rng(0)
    middles = random.normal(size=(HEAPS, features)).astype(np.float32)
    kinds = random.integers(HEAPS, size=images)
    start = time.perf_counter()
    fitted = middles[kinds[:FITTED]] + random.normal(size=(min(FITTED, images), features)).astype(np.float32)
    axes = principal_axes(fitted)
    pca = time.perf_counter() - start
    noise = random.normal(size=(images, len(axes.directions))).astype(np.float32)
    codes = axes.codes(middles)[kinds] + noise
    start = time.perf_counter()
    arranged(codes)
    return {"pca": round(pca, 1), "tsne": round(time.perf_counter() - start, 1)}


if __name__ == "__main__":
    main()
