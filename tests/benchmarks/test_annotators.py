"""Simulated people, on a folder of four photographs with masks."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.services import annotation, library
from app.services.effort import Kind
from benchmarks.annotators import guide, in_order, judged
from db import annotations
from db.records import Role
from tests.app.material import fresh_workspace, index, photograph, written
from tests.app.seeded import Seeded

SIZE = (24, 16)
EVERYWHERE = (0, 0, 24, 16)
CORNER = (0, 0, 1, 1)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Seeded]:
    """Boats that fill their photographs, cars of one pixel."""
    files = {
        "index.csv": index(
            "file,label,split,mask",
            *(f"{n}.png,{'boat' if n < 2 else 'car'},train,mask{n}.png" for n in range(4)),
        )
    }
    for n in range(4):
        files[f"{n}.png"] = photograph(n, SIZE)
        files[f"mask{n}.png"] = mask_file(EVERYWHERE if n < 2 else CORNER)
    ws = fresh_workspace(tmp_path)
    report = library.import_folder(ws, "toy", written(tmp_path / "toy", files), trusted=True)
    yield Seeded(ws, report.project_id)
    ws.database.close()


def mask_file(object_at: tuple[int, int, int, int]) -> bytes:
    mask = Image.new("1", SIZE)
    mask.paste(1, object_at)
    buffer = BytesIO()
    mask.save(buffer, "PNG")
    return buffer.getvalue()


def test_a_place_is_right_when_at_least_half_of_it_lies_on_the_object() -> None:
    mask = np.array([[True, True, False, False]])
    assert judged(np.array([[True, True, False, False]]), mask) == "right"
    assert judged(np.array([[False, True, True, False]]), mask) == "right"
    assert judged(np.array([[False, True, True, True]]), mask) == "wrong"
    assert judged(np.array([[False, False, False, False]]), mask) == "wrong"


def test_answers_go_by_the_mask_and_are_saved_as_the_app_saves_them(project: Seeded) -> None:
    version = project.publish()

    guide(project.ws, version, project.images("train"), "answer")

    roles: list[Role] = []
    for image in project.images("train"):
        stored = annotation.load(project.ws, image.id, image.class_id)
        assert stored is not None
        roles += {region.role for region in stored.regions}
    assert roles == ["look_here", "look_here", "ignore_this", "ignore_this"]


@pytest.mark.parametrize(("kind", "shape"), [("box", "box"), ("mask", "polygon")])
def test_guiding_anew_leaves_no_other_guidance(project: Seeded, kind: Kind, shape: str) -> None:
    version = project.publish()
    guide(project.ws, version, project.images("train"), "answer")

    guide(project.ws, version, project.images("train")[:1], kind)

    (left,) = annotations.list_guidance(project.ws.database, project.project_id)
    assert [(region.shape, region.role) for region in left.regions] == [(shape, "look_here")]
    assert left.image_id == project.images("train")[0].id


def test_in_balanced_order_the_classes_take_turns(project: Seeded) -> None:
    images = in_order(project.ws, project.publish(), "balanced", seed=0)
    assert [image.class_position for image in images] == [0, 1, 0, 1]
