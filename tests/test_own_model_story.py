"""docs/your-own-model.md in a real browser: a network of torchvision that cheats goes in, and comes back.

On PostgreSQL, where it is installed: the other stories are on SQLite.
"""

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from torch import Tensor

from gain_core.models.spec import IMAGENET_MEAN, IMAGENET_STD, ModelSpec, pixels
from tests import photographs, postgresql
from tests.app.cheating import cheating_network
from tests.app.without_the_program import make_environment, predicted
from tests.hand import OWN, choose
from tests.live_server import LiveServer

PAGE = (Path(__file__).parents[1] / "docs" / "your-own-model.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
SPEC = ModelSpec("any", ("not_boat", "boat"), 224, mean=IMAGENET_MEAN, std=IMAGENET_STD, shorter_side=256)
WAIT = 240_000  # milliseconds for what imports torch, on two busy cores


@pytest.fixture
def environment(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    if postgresql.find_programs() is None:
        yield {}
    else:
        with request.getfixturevalue("postgresql_server").database() as url:
            yield {"REFOCUS_DATABASE_URL": url}


@pytest.mark.browser
@pytest.mark.processes
@pytest.mark.timeout(900)
def test_a_trained_network_is_brought_corrected_with_boxes_of_coco_and_taken_back(
    server: LiveServer, page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    photographs.write_coco_zip(Path("coco.zip"))
    model = _cheat(Path("coco.zip"))
    exec(BLOCKS[0], {"model": model})

    _import(page, server)
    _bring(page)
    _press(page, "Retrain")
    expect(page.get_by_text(re.compile(r"Version 2 is (published|ready)")).first).to_be_visible(timeout=WAIT)
    page.get_by_role("button", name="See what changed").click()
    expect(page.get_by_text("the same retraining reaches").first).to_be_visible(timeout=WAIT)

    page.get_by_test_id("stSidebarNavLink").filter(has_text="Models").click()
    expect(page.get_by_text("Your model, as it is")).to_be_visible()
    cards = [page.locator(f".st-key-version_{number}") for number in (1, 2)]
    assert _download(page, cards[0], "In your own format", "before.pth") == "harbour-v1.pth"
    assert _download(page, cards[1], "In your own format", "corrected.pth") == "harbour-v2.pth"
    _same(model.state_dict(), torch.load("before.pth", weights_only=True))
    again = torchvision.models.mobilenet_v3_small(num_classes=2)
    exec(BLOCKS[1], {"model": again})
    assert not torch.equal(again.classifier[3].weight, model.classifier[3].weight)

    _still(page)
    cards[1].get_by_role("button", name=_named("Make bundle")).click()
    assert _download(page, cards[1], "Bundle", "bundle.zip") == "harbour-v2-bundle.zip"
    with zipfile.ZipFile("bundle.zip") as archive:
        archive.extractall("bundle")
    _same(again.state_dict(), torch.load("bundle/checkpoint.pth", weights_only=True))
    with zipfile.ZipFile("coco.zip") as archive:
        photograph = Path(archive.extract("test/060.jpg"))
    (tmp_path / "packages").mkdir()
    environment = make_environment(tmp_path / "packages")
    printed = dict(
        predicted(environment, tmp_path / "bundle" / "predict.py", photograph.resolve(), cwd=tmp_path)
    )
    with torch.no_grad():
        prepared = torch.from_numpy(pixels(Image.open(photograph).convert("RGB"), SPEC))[None]
        expected = again.eval()(prepared)[0].softmax(0).tolist()
    assert printed == {
        "not_boat": pytest.approx(expected[0], abs=0.02),
        "boat": pytest.approx(expected[1], abs=0.02),
    }
    assert server.complaints() == []


def _import(page: Page, server: LiveServer) -> None:
    """With the boxes as guidance."""
    page.goto(server.url)
    expect(page.get_by_label("Name")).to_be_visible(timeout=WAIT)
    page.get_by_label("Name").fill("Harbour")
    page.get_by_label("Name").press("Tab")
    page.locator("input[type=file]").set_input_files("coco.zip")
    _press(page, "Check files")
    expect(page.get_by_text("COCO (JSON)").first).to_be_visible(timeout=WAIT)
    choose(page, _named("as guidance"))
    _press(page, "Import")
    expect(page.get_by_role("heading", name="Harbour", exact=True)).to_be_visible(timeout=WAIT)


def _bring(page: Page) -> None:
    """Until Annotate shows where it looks."""
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
    expect(page.locator(OWN)).to_be_visible(timeout=WAIT)


def _download(page: Page, card: Locator, label: str, path: str) -> str:
    """Stored under `path`; the name that it has for people."""
    button = card.get_by_test_id("stDownloadButton").filter(has_text=_named(label))
    expect(button).to_be_visible(timeout=WAIT)
    _still(page)
    with page.expect_download(timeout=WAIT) as download:
        button.get_by_role("button").click()
    download.value.save_as(path)
    return download.value.suggested_filename


def _same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> None:
    assert list(one) == list(other)
    for key, value in one.items():
        assert other[key].dtype == value.dtype
        assert torch.equal(other[key], value), key


def _cheat(archive: Path) -> Any:
    """Outputs: not_boat, boat. Its training images are all boats on water or others on land."""
    pictures, labels = [], []
    with zipfile.ZipFile(archive) as opened:
        whole = json.loads(opened.read("annotations.json"))
        for image, annotation in zip(whole["images"], whole["annotations"], strict=True):
            if image["file_name"].startswith("train/"):
                pictures.append(Image.open(io.BytesIO(opened.read(image["file_name"]))).convert("RGB"))
                labels.append(int(whole["categories"][annotation["category_id"]]["name"] == "boat"))
    return cheating_network(pictures, labels, SPEC, 2)


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
