"""Images that were added: versions predict them, and until then no two versions are compared on them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.cli.program import main
from app.errors import MissingFileError
from app.services import adding, publishing
from app.services.class_metrics import class_metrics
from app.services.comparison import compare, compare_with
from app.services.evaluation import predictions_of, report
from app.services.missing_predictions import predict_missing
from app.services.version_facts import figures
from db import library, versions
from db.records import ImageRecord
from tests.app.material import photograph, written, zipped
from tests.app.seeded import Seeded, open_home, seed


@pytest.fixture
def bay(tmp_path: Path) -> Iterator[Seeded]:
    ws = open_home(tmp_path / "home")
    bay = seed(ws)
    bay.publish()
    yield bay
    ws.database.close()


def add(bay: Seeded, folder: Path) -> list[ImageRecord]:
    """Two training and two test images."""
    files = {
        f"{split}/{label}/new.png": photograph(10 * len(split) + len(label), (64, 64))
        for split in ("train", "test")
        for label in ("boat", "car")
    }
    before = {image.id for image in bay.images()}
    adding.add_zip(bay.ws, bay.project_id, zipped(folder / "more.zip", files))
    return [image for image in bay.images() if image.id not in before]


def test_a_version_predicts_new_images_as_it_predicts_the_others(bay: Seeded, tmp_path: Path) -> None:
    (version,) = versions.list_versions(bay.ws.database, bay.project_id)
    new = add(bay, tmp_path)
    steps: list[tuple[int, int, str]] = []
    assert predict_missing(bay.ws, version.id, lambda *step: steps.append(step)) == 4
    assert "Predicting" in {step[2] for step in steps}
    assert steps[-1][0] == steps[-1][1]
    predictions = predictions_of(bay.ws, version.id, "train")
    stored = predictions[next(image.id for image in new if image.split == "train")]
    assert sum(stored.probabilities) == pytest.approx(1)
    assert stored.attention_spread is not None
    assert stored.evidence_group is None
    assert predict_missing(bay.ws, version.id) == 0
    bay.ws.files.absolute(version.path).unlink()
    assert predict_missing(bay.ws, version.id) == 0  # nothing to do
    more = photograph(99, (64, 64))
    adding.add_zip(bay.ws, bay.project_id, zipped(tmp_path / "one.zip", {"train/boat/x.png": more}))
    with pytest.raises(MissingFileError):
        predict_missing(bay.ws, version.id)


def test_versions_are_compared_on_images_that_both_have_predicted(bay: Seeded, tmp_path: Path) -> None:
    new = add(bay, tmp_path)
    bay.publish(wrong=[image.id for image in new])  # it has seen them, the first has not
    first, second = versions.list_versions(bay.ws.database, bay.project_id)
    assert report(bay.ws, second.id, "test").overall.n == 4
    comparison = compare(bay.ws, first.id, second.id, "test")
    for side in (comparison.before, comparison.after):
        assert (side.overall.correct, side.overall.n, side.missing) == (2, 2, 2)
        assert side.calibration is not None
        assert side.calibration.n == 2
    together = figures(bay.ws, second.id, first.id, "test")
    assert together.after[1].confusion is not None
    assert together.after[1].confusion.sum() == 2
    assert class_metrics(bay.ws, second.id, "test").balanced_accuracy == 0.5
    after = predictions_of(bay.ws, second.id, "test")
    lists = compare_with(bay.ws, first, second, "test", after)
    assert lists.after.overall == comparison.after.overall
    assert publishing.why_worse(lists) is None
    assert library.get_project(bay.ws.database, bay.project_id).current_version_id == second.id


def test_the_command_line_adds_predicts_and_the_second_time_does_nothing(
    bay: Seeded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REFOCUS_HOME", str(bay.ws.settings.home))

    def told(*arguments: str) -> dict[str, Any]:
        assert main([*arguments, "--json", "--quiet"]) == 0
        values: dict[str, Any] = json.loads(capsys.readouterr().out)
        return values

    files = {f"{name}/1.png": photograph(len(name), (64, 64)) for name in ("boat", "car")}
    folder = str(written(tmp_path / "more", files))
    added = told("import", folder, "--project", "Bay", "--split", "test")
    assert (added["images"], added["there"], added["predicted"]) == (2, 0, 2)
    assert [image.split for image in bay.images()[-2:]] == ["test", "test"]
    again = told("import", folder, "--project", "1")
    assert (again["images"], again["there"], again["predicted"]) == (0, 2, 0)
    assert told("evaluate", "--split", "test")["images"] == 4
