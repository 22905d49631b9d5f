"""Retrains by outlines that nobody drew, as the page asks for them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.errors import ServiceError
from app.services import training
from app.workspace import Workspace
from db import runs
from db.library import create_project
from db.new_images import NewImage, NewLabel
from gain_core.training.objectives import Automatic
from tests.app.seeded import open_home

BOAT, CAR = NewLabel(0), NewLabel(1)


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    workspace = open_home(tmp_path)
    yield workspace
    workspace.database.close()


def project(ws: Workspace, *labels: tuple[NewLabel, ...]) -> int:
    """A project with a model and one training image for each of `labels`: its id."""
    images = [
        NewImage(f"{n}.png", f"{n:064x}", ".png", 8, 8, "train", shown) for n, shown in enumerate(labels)
    ]
    several = any(len(shown) > 1 for shown in labels)
    made = create_project(
        ws.database, "P", "upload", "resnet18", 96, ["boat", "car"], images, [], multi_label=several
    )
    training.request_first_model(ws, made.id)
    run = runs.claim(ws.database, "test", 60.0)
    assert run is not None
    token = run.lease_token or ""
    runs.finish_with_version(ws.database, run.id, token, "model.safetensors", "f" * 64, "", [])
    return made.id


def test_guessed_outlines_need_no_drawing(ws: Workspace) -> None:
    run = training.request_retrain(ws, project(ws, (BOAT,), (CAR,)), "quick", objective="automatic")
    spec = training.build_spec(ws, run)
    assert isinstance(spec.config.objective, Automatic)
    assert training.version_note(spec) == "Quick retrain, guessed outlines"


def test_guessed_outlines_are_refused_where_images_have_several_labels(ws: Workspace) -> None:
    project_id = project(ws, (BOAT, CAR), (CAR,), (BOAT,))
    with pytest.raises(ServiceError, match="one label each"):
        training.request_retrain(ws, project_id, "quick", objective="automatic")
