"""What leaves a project whose images show several classes: report, bundle, predict.py, figures."""

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli.program import main
from app.exporting import pdf
from app.services import explanation
from app.services.correction_report import make_report
from app.services.model_bundle import make_bundle
from app.workspace import Workspace
from db.records import ImageRecord, VersionRecord
from tests.app.seeded import open_home
from tests.app.several import CLASSES, make_project, published
from tests.app.without_the_program import make_environment, predicted

Made = tuple[Workspace, list[ImageRecord], VersionRecord, VersionRecord]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """The first version misses cars, the second dogs."""
    ws = open_home(tmp_path_factory.mktemp("home"))
    images = make_project(ws)
    yield ws, images, published(ws, images, missed=1), published(ws, images, missed=2)
    ws.database.close()


def test_a_report_says_which_labels_are_found_and_has_no_group_that_is_none(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws, _, first, second = made
    monkeypatch.setattr(pdf, "BROWSERS", ())
    make_report(ws, first.id, second.id, "validation", tmp_path)
    page = (tmp_path / "report.html").read_text("utf-8")
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    assert "Worst group" not in text
    assert "Accuracy" not in text
    assert "<h2>Calibration</h2>" not in page
    assert "true ↓ predicted →" not in text
    assert "mAP 83 % → 83 % mean over classes" in text
    assert "Weakest class, AP 50 % → 50 % was car, is dog" in text
    assert (
        "Version 1 has all labels right in 50.0 % (95 % interval 15.0 to 85.0 %, n = 4) of the images."
        in text
    )
    assert "Its weakest class is car: average precision 50.0 %, found in 0.0 % (95 % interval" in text
    assert "F1 before after Average precision before after" in text
    assert "car 2 – 100.0 % 0.0 % 100.0 % 0.0 % 100.0 % 50.0 % 100.0 %" in text
    assert "Fixed: boat and car" in text
    assert "Version 1: car (25 %)" in text
    assert "Version 2: car (75 %)" in text


def test_the_bundle_decides_each_class_by_itself(made: Made, tmp_path: Path) -> None:
    ws, images, _, second = made
    make_bundle(ws, second.id, tmp_path / "bundle.zip")
    with zipfile.ZipFile(tmp_path / "bundle.zip") as archive:
        archive.extractall(tmp_path)
    assert json.loads((tmp_path / "classes.json").read_text())["multi_label"] is True
    card = (tmp_path / "MODEL_CARD.md").read_text("utf-8")
    assert "each class by itself" in card
    assert "Worst group" not in card
    assert "| Weakest class, average precision | car: 50.0 % | dog: 50.0 % |" in card
    assert "| dog | 2 | 100.0 % | – | 100.0 % | 0.0 % | 100.0 % | 0.0 % | 100.0 % | 50.0 % |" in card
    image = images[0]
    photo = ws.files.image(image.sha256, image.suffix)
    (tmp_path / "packages").mkdir()
    environment = make_environment(tmp_path / "packages")
    printed = dict(predicted(environment, tmp_path / "predict.py", photo, cwd=tmp_path))
    expected = explanation.attention_for(ws, second, image).probabilities
    assert printed == {
        name: pytest.approx(share, abs=2e-4) for name, share in zip(CLASSES, expected, strict=True)
    }
    assert sum(printed.values()) > 1.05


def test_the_command_line_has_figures_by_class_and_no_worst_group(
    made: Made, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REFOCUS_HOME", str(made[0].settings.home))
    assert main(["evaluate", "--version", "1", "--split", "validation", "--json", "--quiet"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["groups"] == []
    metrics = values["metrics"]
    assert (metrics["worst_group"], metrics["balanced_accuracy"], metrics["calibration_error"]) == (None,) * 3
    assert metrics["accuracy"] == 0.5  # all labels right
    assert metrics["mean_average_precision"] == pytest.approx(5 / 6)
    assert metrics["worst_average_precision"] == 0.5
    assert values["classes"][1] == {
        "class": "car",
        "n": 2,
        "precision": None,
        "recall": 0.0,
        "f1": 0.0,
        "average_precision": 0.5,
    }
    assert main(["evaluate", "--split", "validation", "--fail-below", "worst_average_precision=0.6"]) == 1
    printed = capsys.readouterr().out
    assert "All labels right" in printed
    assert "Weakest class, average precision" in printed
    assert main(["evaluate", "--split", "validation", "--fail-below", "worst_group=0.5"]) == 2


def test_a_group_that_is_recorded_stays_a_group(tmp_path: Path) -> None:
    ws = open_home(tmp_path / "home")
    images = make_project(ws, groups=True)
    first, second = published(ws, images, missed=1), published(ws, images, missed=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pdf, "BROWSERS", ())
        make_report(ws, first.id, second.id, "validation", tmp_path)
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", (tmp_path / "report.html").read_text("utf-8")))
    assert "Version 1: found (95 % interval)" in text
    assert "Worst group 0 % → 0 %" in text
    ws.database.close()
