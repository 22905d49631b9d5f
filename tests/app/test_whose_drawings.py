"""Whose drawings train, are exported, counted and measured with, in a project where two people have drawn."""

import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from app.drawing.several_people import mask_of
from app.exporting import coco, drawings
from app.exporting.guided_images import load
from app.services import annotation, map_figures, training, version_facts, whose_drawings
from app.services.lessons import lessons
from app.services.people import RoleNeededError
from app.services.report_sections import what_was_drawn
from app.services.run_spec import RunSpec
from app.services.training import TrainingRefusedError
from app.workspace import Workspace
from db import runs, users
from db.people import LATEST, UserRole, Whose
from db.records import ImageRecord, RegionRecord
from tests.app.seeded import Seeded

LEFT = RegionRecord("box", "look_here", ((0.0, 0.0), (32.0, 32.0)))
MIDDLE = RegionRecord("box", "look_here", ((16.0, 0.0), (48.0, 32.0)))
EVEN = np.ones((4, 4), dtype=np.float32)


def person(ws: Workspace, name: str, role: UserRole) -> Workspace:
    user = users.meet(ws.database, f"idp {name}", name, "")
    users.set_role(ws.database, user.id, role)
    return ws.used_by(replace(user, role=role))


@pytest.fixture
def mara(seeded: Seeded) -> Workspace:
    return person(seeded.ws, "Mara", "maintainer")


@pytest.fixture
def drawn_on(seeded: Seeded, mara: Workspace) -> ImageRecord:
    """Mara drew on two images, and Jan, later, on the first of them, which is the one returned."""
    seeded.publish()
    both, hers = seeded.images("train")[:2]
    annotation.save(mara, both.id, both.class_id, [LEFT])
    annotation.save(mara, hers.id, hers.class_id, [MIDDLE])
    annotation.save(person(seeded.ws, "Jan", "annotator"), both.id, both.class_id, [MIDDLE])
    return both


def choices(ws: Workspace) -> dict[str, Whose]:
    jan = next(user for user in users.list_users(ws.database) if user.name == "Jan")
    return {
        "latest": LATEST,
        "union": Whose("union"),
        "intersection": Whose("intersection"),
        "person": Whose("person", jan.id),
    }


def columns(png: bytes | None) -> tuple[int, int] | None:
    """The first marked column and the one behind the last."""
    mask = mask_of(png)
    if mask is None:
        return None
    marked = np.flatnonzero(mask.any(axis=0))
    return int(marked[0]), int(marked[-1]) + 1


EXPECTED: dict[str, tuple[tuple[int, int], int, str]] = {  # columns of the image of both, images guided, note
    "latest": ((16, 48), 2, "Quick retrain, 2 guided images"),
    "union": ((0, 48), 2, "Quick retrain, 2 guided images (everything that anybody marked)"),
    "intersection": ((16, 32), 2, "Quick retrain, 2 guided images (only what everybody marked)"),
    "person": ((16, 48), 1, "Quick retrain, 1 guided image (only Jan's drawings)"),
}


@pytest.mark.parametrize("rule", EXPECTED)
def test_a_run_learns_from_those_who_counted_when_it_was_asked_for(
    seeded: Seeded, mara: Workspace, drawn_on: ImageRecord, rule: str
) -> None:
    whose_drawings.choose(mara, seeded.project_id, choices(mara)[rule])
    run = training.request_retrain(mara, seeded.project_id, "quick")
    whose_drawings.choose(mara, seeded.project_id, choices(mara)["union"])  # too late for this run
    claimed = runs.claim(mara.database, "tester", 60.0)
    assert claimed is not None
    assert claimed.id == run.id
    spec = RunSpec.from_json(training.build_spec(mara, claimed).to_json())
    by_name = {sample.name: sample for sample in spec.samples}
    looked_at, guided, note = EXPECTED[rule]
    assert columns(by_name[drawn_on.name].look) == looked_at
    assert sum(sample.guided for sample in spec.samples) == guided
    assert training.version_note(spec) == note


@pytest.mark.parametrize("rule", EXPECTED)
def test_exports_figures_and_reports_use_the_same_and_say_so(
    seeded: Seeded, mara: Workspace, drawn_on: ImageRecord, rule: str
) -> None:
    whose_drawings.choose(mara, seeded.project_id, choices(mara)[rule])
    project, (looked_at, guided, note) = seeded.project, EXPECTED[rule]
    exported = load(mara, project.id)
    with zipfile.ZipFile(io.BytesIO(drawings.pack(exported))) as archive:
        assert columns(archive.read(f"look_here/{drawn_on.name}.png")) == looked_at
        told = json.loads(archive.read("drawings.json"))
    assert told.get("drawings_of", "latest") == rule
    assert len(told["images"]) == guided
    with zipfile.ZipFile(io.BytesIO(coco.pack(exported))) as archive:
        boxes = {
            item["image_id"]: item["bbox"]
            for item in json.loads(archive.read("instances.json"))["annotations"]
        }
    left, _, width, _ = boxes[drawn_on.id]
    assert (left, left + width) == looked_at

    figures = map_figures.map_figures(mara, drawn_on, EVEN, project.whose)
    assert figures.drawn
    assert figures.inside == pytest.approx((looked_at[1] - looked_at[0]) / 64 / 2)

    facts = version_facts.version_facts(mara, project.current_version_id or 0)
    assert sum(of_class.look_here for of_class in facts.guided.values()) == guided
    sentence = str(what_was_drawn(facts)[0])
    words = note.partition("(")[2].rstrip(")")
    assert facts.drawings_of == words
    assert words in sentence


def test_a_retrain_of_a_person_who_drew_nothing_is_refused_with_their_name(
    seeded: Seeded, mara: Workspace, drawn_on: ImageRecord
) -> None:
    ada = person(seeded.ws, "Ada", "annotator")
    chosen = Whose("person", ada.user.id)
    whose_drawings.choose(mara, seeded.project_id, chosen)
    with pytest.raises(TrainingRefusedError, match="In this project only Ada's drawings train"):
        training.request_retrain(mara, seeded.project_id, "quick")
    assert lessons(mara, seeded.project_id, chosen).guided_training == 0


def test_an_annotator_does_not_choose(seeded: Seeded) -> None:
    jan = person(seeded.ws, "Jan", "annotator")
    with pytest.raises(RoleNeededError, match="Only a maintainer can choose whose drawings train"):
        whose_drawings.choose(jan, seeded.project_id, Whose("union"))
    assert seeded.project.whose == LATEST
