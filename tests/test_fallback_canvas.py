"""streamlit-drawable-canvas, for `REFOCUS_CANVAS=drawable`, in a real browser."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.settings import Settings
from app.workspace import open_workspace
from db import annotations
from tests.app.seeded import seed
from tests.hand import FALLBACK, choose, click, drag, says, show
from tests.live_server import LiveServer


@pytest.mark.browser
def test_the_fallback_draws_takes_back_and_saves(page: Page, tmp_path: Path) -> None:
    server = LiveServer(
        home=tmp_path / "home",
        folder=tmp_path / "elsewhere",
        environment={"REFOCUS_CANVAS": "drawable", "REFOCUS_TRAINS": "nothing"},
    )
    ws = open_workspace(Settings(home=server.home))
    seeded = seed(ws)
    seeded.publish()
    image = seeded.images("train")[0]
    try:
        server.start()
        show(page, server, image)
        expect(page.locator(FALLBACK)).to_have_count(1)
        drag(page, (0.1, 0.1), (0.3, 0.3))
        says(page, "1 region, not saved yet")
        choose(page, "Polygon")
        says(page, "End on the first corner.")
        click(page, (0.5, 0.5), (0.9, 0.5), (0.9, 0.9))
        says(page, "2 regions, not saved yet")
        page.keyboard.press("Control+z")
        says(page, "1 region, not saved yet")
        page.keyboard.press("s")
        says(page, f"{image.name}: 1 region saved.")
    finally:
        server.close()
    (saved,) = annotations.list_guidance(ws.database, seeded.project_id)
    ws.database.close()
    assert [region.shape for region in saved.regions] == ["box"]
