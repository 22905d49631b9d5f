"""The whole loop on photographs that show several classes: import, first model, draw, retrain, compare."""

from pathlib import Path

import pytest

from app.jobs.attempt_files import AttemptFolder
from app.jobs.execution import execute
from app.jobs.run_result import read_outcome
from app.services import annotation, library, queue, training
from app.services.class_metrics import class_metrics
from app.services.comparison import compare
from app.services.drawing_effect import drawing_effect
from app.settings import Settings
from app.workspace import Workspace, open_workspace
from db import library as rows
from db import runs
from db.records import RunRecord, VersionRecord
from tests.app.voc import ABSENT, CLASSES, SOURCE, write_voc

pytestmark = pytest.mark.skipif(not SOURCE.is_dir(), reason=ABSENT)


def trained(ws: Workspace, run: RunRecord) -> VersionRecord:
    """What the trainer does with a run, in this process."""
    claimed = runs.claim(ws.database, "test", 600.0)
    assert claimed is not None
    assert claimed.id == run.id
    spec = training.build_spec(ws, claimed)
    spec.out_folder.mkdir(parents=True)
    execute(spec, lambda event: None)
    outcome = read_outcome(
        AttemptFolder(ws.files, claimed), rows.list_images(ws.database, run.project_id), multi_label=True
    )
    return runs.finish_with_version(
        ws.database,
        run.id,
        claimed.lease_token or "",
        ws.files.relative(outcome.weights),
        outcome.sha256,
        training.version_note(spec),
        outcome.predictions,
    )


def test_photographs_of_several_classes_go_through_the_whole_loop(tmp_path: Path) -> None:
    ws = open_workspace(Settings(home=tmp_path / "home"))
    report = library.import_folder(ws, "VOC", write_voc(tmp_path / "voc"), trusted=True)
    project_id = report.project_id
    assert rows.get_project(ws.database, project_id).multi_label
    classes = rows.list_classes(ws.database, project_id)
    assert tuple(item.name for item in classes) == CLASSES

    first = trained(ws, training.request_first_model(ws, project_id, steps=10))
    items = queue.whole(ws, project_id, first.id)
    both = next(item.image for item in items if len(item.image.labels) > 1)
    for label in both.labels[:2]:
        mask = library.open_mask(ws, both.seen_as(label.class_id))
        assert mask is not None
        annotation.mask_guidance(ws, both.id, label.class_id, mask)
    second = trained(ws, training.request_retrain(ws, project_id, "quick", steps=10))

    assert {item.reason.split()[0] for item in items} <= {"Missed", "Predicted", "Correct."}
    comparison = compare(ws, first.id, second.id, "validation")
    for figures in (comparison.before, comparison.after):
        assert figures.mean_precision is not None
        assert 0 < figures.mean_precision <= 1
        assert len(figures.precisions) == len(CLASSES)
        assert sum(score.n for _, score in figures.classes) > figures.overall.n  # some count for several
        assert figures.overall.attention_inside is not None
        assert figures.calibration is None
    by_class = class_metrics(ws, second.id, "validation")
    assert by_class.confusion is None
    assert [scores.n for scores in by_class.scores] == [score.n for _, score in comparison.after.classes]
    assert [scores.recall for scores in by_class.scores] == [
        score.accuracy for _, score in comparison.after.classes
    ]
    effect = drawing_effect(comparison)
    assert effect is not None
    assert effect.precision is not None
    ws.database.close()
