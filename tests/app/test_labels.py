from collections.abc import Iterator
from pathlib import Path

import pytest

from app.services import annotation, labels, training
from app.services.labels import ChangedLabel
from app.workspace import Workspace
from db import annotations, library, runs
from db.errors import ConflictError
from db.records import ImageRecord
from tests.app import seeded as seeds
from tests.app.seeded import Seeded
from tests.app.views.pages import BOX


@pytest.fixture
def bay(tmp_path: Path) -> Iterator[Seeded]:
    """Boats and cars in turn."""
    ws: Workspace = seeds.open_home(tmp_path)
    yield seeds.seed(ws)
    ws.database.close()


def car_id(bay: Seeded) -> int:
    return library.list_classes(bay.ws.database, bay.project_id)[1].id


def now(bay: Seeded, image: ImageRecord) -> ImageRecord:
    return library.get_image(bay.ws.database, image.id)


def test_changed_labels_are_listed_and_written_out(bay: Seeded) -> None:
    boat = bay.images("train")[0]
    assert labels.changed_labels(bay.ws, bay.project_id) == []
    labels.change_label(bay.ws, boat, car_id(bay))
    changes = labels.changed_labels(bay.ws, bay.project_id)
    assert changes == [ChangedLabel(now(bay, boat), was="boat", now="car")]
    assert labels.as_csv(changes) == b"file,split,imported_label,label\n000.png,train,boat,car\n"


def test_a_label_that_somebody_else_changed_is_not_changed_from_an_old_page(bay: Seeded) -> None:
    boat = bay.images("train")[0]
    labels.change_label(bay.ws, boat, car_id(bay))
    with pytest.raises(ConflictError):
        labels.change_label(bay.ws, boat, car_id(bay))


def test_the_next_training_learns_the_new_label_and_follows_what_was_drawn(bay: Seeded) -> None:
    bay.publish()
    boat = bay.images("train")[0]
    annotation.save(bay.ws, boat.id, boat.class_id, [BOX])
    labels.change_label(bay.ws, boat, car_id(bay))
    assert annotations.count_guided_images(bay.ws.database, bay.project_id) == 1

    training.request_retrain(bay.ws, bay.project_id, "quick")
    run = runs.claim(bay.ws.database, "tester", 60.0)
    assert run is not None
    sample = training.build_spec(bay.ws, run).samples[0]

    assert (sample.name, sample.label, sample.guided) == (boat.name, 1, True)
