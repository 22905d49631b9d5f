"""docs/your-own-model.md in a real browser: a network of torchvision that cheats goes in, and comes back."""

import io
import re
import zipfile
from pathlib import Path

import pytest
import torch
import torchvision
from PIL import Image
from playwright.sync_api import Page, expect

from gain_core.models.spec import IMAGENET_MEAN, IMAGENET_STD, ModelSpec
from tests import photographs
from tests.app.cheating import cheating_network
from tests.hand import choose
from tests.live_server import LiveServer

PAGE = (Path(__file__).parents[1] / "docs" / "your-own-model.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
WAIT = 240_000  # milliseconds for what imports torch, on two busy cores


@pytest.mark.browser
@pytest.mark.processes
@pytest.mark.timeout(900)
def test_a_trained_network_is_brought_looked_at_and_taken_back(
    server: LiveServer, page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    photographs.write_zip(Path("photographs.zip"))
    model = _cheat(Path("photographs.zip"))
    exec(BLOCKS[0], {"model": model})

    page.goto(server.url)
    expect(page.get_by_label("Name")).to_be_visible(timeout=WAIT)
    page.get_by_label("Name").fill("Harbour")
    page.get_by_label("Name").press("Tab")
    page.locator("input[type=file]").set_input_files("photographs.zip")
    _press(page, "Check files")
    _press(page, "Import")
    expect(page.get_by_role("heading", name="Harbour", exact=True)).to_be_visible(timeout=WAIT)
    _still(page)

    choose(page, _named("I have a model"))
    page.locator("input[type=file]").last.set_input_files("weights.pth")
    expect(page.get_by_text("Recognised: torchvision/mobilenet_v3_small")).to_be_visible(timeout=WAIT)
    expect(page.get_by_text("2 outputs · maps of the layer")).to_be_visible(timeout=WAIT)
    _press(page, "Check on labelled images")
    expect(page.get_by_text("In another order of the classes")).to_be_visible(timeout=WAIT)
    _press(page, "Use this order")
    expect(page.get_by_role("button", name="Use this order")).to_have_count(0)
    _press(page, "Check on labelled images")
    expect(page.get_by_text("No other order of the classes agrees better")).to_be_visible(timeout=WAIT)
    _press(page, "Use this model")
    expect(page).to_have_url(re.compile(r"/annotate"), timeout=WAIT)
    expect(page.locator("canvas.upper-canvas")).to_be_visible(timeout=WAIT)

    page.get_by_test_id("stSidebarNavLink").filter(has_text="Models").click()
    expect(page.get_by_text("Your model, as it is")).to_be_visible()
    with page.expect_download(timeout=WAIT) as download:
        _press(page, "In your own format")
    assert download.value.suggested_filename == "harbour-v1.pth"
    download.value.save_as("corrected.pth")
    again = torchvision.models.mobilenet_v3_small(num_classes=2)
    exec(BLOCKS[1], {"model": again})
    assert all(torch.equal(value, again.state_dict()[key]) for key, value in model.state_dict().items())
    assert server.complaints() == []


def _cheat(archive: Path) -> torch.nn.Module:
    """Outputs: not_boat, boat. Its training images are all boats on water or others on land."""
    pictures, labels = [], []
    with zipfile.ZipFile(archive) as opened:
        for row in opened.read("index.csv").decode().splitlines()[1:]:
            name, label, split, _ = row.split(",")
            if split == "train":
                pictures.append(Image.open(io.BytesIO(opened.read(name))).convert("RGB"))
                labels.append(int(label == "boat"))
    spec = ModelSpec("any", ("0", "1"), 224, mean=IMAGENET_MEAN, std=IMAGENET_STD, shorter_side=256)
    return cheating_network(pictures, labels, spec, 2)


def _named(label: str) -> str:
    """A label that the document names, too."""
    assert f"**{label}**" in PAGE
    return label


def _press(page: Page, label: str) -> None:
    _still(page)
    page.get_by_role("button", name=_named(label)).click()


def _still(page: Page) -> None:
    expect(page.get_by_test_id("stApp")).to_have_attribute(
        "data-test-script-state", "notRunning", timeout=WAIT
    )
