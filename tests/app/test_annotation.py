"""The queue, and keeping what was drawn."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.drawing.regions import rasterise
from app.errors import DrawingError
from app.services import annotation, library
from app.workspace import Workspace
from db import library as rows
from db import runs, versions
from db.errors import ConflictError, NotFoundError
from db.records import ImageRecord, RegionRecord
from db.versions import NewPrediction
from tests.app.material import fresh_workspace, photograph, zipped

BOX = RegionRecord("box", "look_here", ((2.0, 3.0), (10.0, 9.0)))
STROKE = RegionRecord("brush", "ignore_this", ((12.5, 4.5), (20.0, 12.0)), 3.0)


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return fresh_workspace(tmp_path)


@pytest.fixture
def images(ws: Workspace, tmp_path: Path) -> list[ImageRecord]:
    """Six training images of 24 × 16 pixels: three boats, three cars."""
    files = {
        f"train/{label}/{n}.png": photograph(10 * n + len(label))
        for label in ("boat", "car")
        for n in range(3)
    }
    report = library.import_zip(ws, "a", zipped(tmp_path / "a.zip", files))
    return rows.list_images(ws.database, report.project_id)


def published(ws: Workspace, project_id: int, predictions: list[NewPrediction]) -> int:
    run = runs.request_run(ws.database, project_id, "quick", {}, None)
    claimed = runs.claim(ws.database, "test", 60)
    assert claimed is not None
    assert claimed.lease_token is not None
    return runs.finish_with_version(
        ws.database, run.id, claimed.lease_token, "runs/x.safetensors", "0" * 64, "", predictions
    ).id


def test_the_queue_puts_confident_mistakes_first_and_handled_images_last(
    ws: Workspace, images: list[ImageRecord]
) -> None:
    boats, cars = images[:3], images[3:]
    version_id = published(
        ws,
        images[0].project_id,
        [
            NewPrediction(boats[0].id, 0, 1, (0.4, 0.6)),  # wrong, not sure
            NewPrediction(boats[1].id, 0, 1, (0.1, 0.9)),  # wrong and sure of it
            NewPrediction(boats[2].id, 0, 1, (0.01, 0.99)),  # wrong, but guided already
            NewPrediction(cars[0].id, 1, 1, (0.05, 0.95), attention_spread=0.7),  # right
            NewPrediction(cars[1].id, 1, 1, (0.45, 0.55)),  # right, skipped
        ],  # the last car was never looked at
    )
    annotation.save(ws, boats[2].id, boats[2].class_id, [BOX])
    annotation.skip(ws, cars[1].id)
    items = annotation.queue(ws, images[0].project_id, version_id)
    assert [(item.image.id, item.reason) for item in items] == [
        (boats[1].id, "Predicted car, 90 %."),
        (boats[0].id, "Predicted car, 60 %."),
        (cars[0].id, "Correct, 95 %. Its evidence is spread over most of the picture."),
        (cars[2].id, "No model version has looked at it."),
        (boats[2].id, "Guided. Predicted car, 99 %."),
        (cars[1].id, "Skipped. Correct, 55 %."),
    ]
    assert items[0].probability_true == 0.1
    assert [item.guided for item in items] == [False, False, False, False, True, False]
    annotation.unskip(ws, cars[1].id)
    assert annotation.queue(ws, images[0].project_id, version_id)[3].image.id == cars[1].id


def test_doubtful_labels_say_why_and_keep_their_place(ws: Workspace, images: list[ImageRecord]) -> None:
    boats, cars = images[:3], images[3:]
    version_id = published(
        ws,
        images[0].project_id,
        [
            NewPrediction(boats[0].id, 0, 1, (0.4, 0.6)),
            NewPrediction(boats[1].id, 0, 0, (0.9, 0.1), label_rival=1, label_doubt=0.9),
            NewPrediction(boats[2].id, 0, 0, (0.7, 0.3), label_rival=1, label_doubt=0.7),  # not enough
            NewPrediction(cars[0].id, 1, 0, (0.95, 0.05), label_rival=0, label_doubt=0.8),
        ],
    )
    items = annotation.queue(ws, images[0].project_id, version_id)
    assert [(item.image.id, item.reason, item.doubtful) for item in items[:4]] == [
        (boats[0].id, "Predicted car, 60 %.", False),
        (
            cars[0].id,
            "Predicted boat, 95 %. 80 % of the images most like it are boat: a wrong label?",
            True,
        ),
        (
            boats[1].id,
            "Correct, 90 %. 90 % of the images most like it are car: a wrong label?",
            True,
        ),
        (boats[2].id, "Correct, 70 %.", False),
    ]
    annotation.skip(ws, boats[1].id)
    annotation.save(ws, cars[0].id, cars[0].class_id, [BOX])
    assert not any(item.doubtful for item in annotation.queue(ws, images[0].project_id, version_id))


def test_right_images_with_the_widest_attention_come_first_and_classes_take_turns(
    ws: Workspace, images: list[ImageRecord]
) -> None:
    boats, cars = images[:3], images[3:]
    spreads = zip(images, [0.2, 0.9, 0.4, 0.1, 0.05, 0.8], strict=True)
    version_id = published(
        ws,
        images[0].project_id,
        [
            NewPrediction(
                image.id, image.class_position, image.class_position, (0.5, 0.5), attention_spread=spread
            )
            for image, spread in spreads
        ],
    )
    items = annotation.queue(ws, images[0].project_id, version_id)
    expected = [boats[1], cars[2], boats[2], cars[0], boats[0], cars[1]]
    assert [item.image.id for item in items] == [image.id for image in expected]


def test_in_the_queue_of_a_fresh_project_classes_take_turns_in_the_order_of_the_import(
    ws: Workspace, images: list[ImageRecord]
) -> None:
    items = annotation.queue(ws, images[0].project_id, None)
    turns = zip(images[:3], images[3:], strict=True)
    assert [item.image.id for item in items] == [image.id for turn in turns for image in turn]
    assert {item.predicted for item in items} == {None}
    assert annotation.queue(ws, images[0].project_id, None, split="test") == []


def test_the_queue_of_an_unknown_version_shows_no_predictions(
    ws: Workspace, images: list[ImageRecord]
) -> None:
    assert versions.list_predictions(ws.database, 99) == []
    assert annotation.queue(ws, images[0].project_id, 99)[0].predicted is None


def test_saved_regions_come_back_and_rebuild_their_masks(ws: Workspace, images: list[ImageRecord]) -> None:
    image = images[0]
    saved = annotation.save(ws, image.id, image.class_id, [BOX, STROKE], expected_revision=0)
    loaded = annotation.load(ws, image.id, image.class_id)
    assert saved == loaded
    assert loaded is not None
    assert loaded.regions == (BOX, STROKE)
    for mask, png in zip(
        rasterise(loaded.regions, (24, 16)), (loaded.look_png, loaded.ignore_png), strict=True
    ):
        assert mask is not None
        assert png is not None
        with Image.open(io.BytesIO(png)) as stored:
            assert (stored.mode, stored.size) == ("1", (24, 16))
            assert (np.asarray(stored) == np.asarray(mask)).all()
    with Image.open(io.BytesIO(loaded.look_png or b"")) as look:
        assert np.asarray(look).sum() == 8 * 6


def test_saving_without_regions_removes_the_guidance(ws: Workspace, images: list[ImageRecord]) -> None:
    image = images[0]
    annotation.save(ws, image.id, image.class_id, [BOX])
    assert annotation.save(ws, image.id, image.class_id, []) is None
    assert annotation.load(ws, image.id, image.class_id) is None


def test_a_save_over_somebody_elses_is_refused_and_keeps_theirs(
    ws: Workspace, images: list[ImageRecord]
) -> None:
    image = images[0]
    theirs = annotation.save(ws, image.id, image.class_id, [STROKE], expected_revision=0)
    with pytest.raises(ConflictError, match="changed in another window"):
        annotation.save(ws, image.id, image.class_id, [BOX], expected_revision=0)
    assert annotation.load(ws, image.id, image.class_id) == theirs
    assert theirs is not None
    assert annotation.save(ws, image.id, image.class_id, [BOX], expected_revision=theirs.revision) is not None


@pytest.mark.parametrize(
    ("region", "message"),
    [
        (RegionRecord("box", "look_here", ((30.0, 3.0), (40.0, 9.0))), "shapes that miss"),
        (RegionRecord("box", "look_here", ((2.0, 3.0),)), "two opposite corners"),
        (RegionRecord("brush", "look_here", ((2.0, 3.0),)), "a width"),
        (RegionRecord("brush", "look_here", (), 3.0), "with points"),
        (RegionRecord("polygon", "look_here", ((2.0, 3.0), (float("nan"), 4.0), (5.0, 5.0))), "in pixels"),
        (RegionRecord("polygon", "look_here", ((2.0, 3.0), (3.0, 4.0))), "shapes that miss"),
    ],
)
def test_a_region_that_is_no_shape_on_the_image_is_refused(
    ws: Workspace, images: list[ImageRecord], region: RegionRecord, message: str
) -> None:
    with pytest.raises(DrawingError, match=message):
        annotation.save(ws, images[0].id, images[0].class_id, [region])
    assert annotation.load(ws, images[0].id, images[0].class_id) is None


def test_an_unknown_image_or_a_class_of_another_project_is_refused(
    ws: Workspace, images: list[ImageRecord]
) -> None:
    with pytest.raises(NotFoundError):
        annotation.save(ws, 999, images[0].class_id, [BOX])
    with pytest.raises(NotFoundError):
        annotation.save(ws, images[0].id, 999, [BOX])


def test_a_mask_becomes_polygons_that_rebuild_it(ws: Workspace, images: list[ImageRecord]) -> None:
    truth = np.zeros((16, 24), dtype=np.bool_)
    truth[2:12, 4:20] = True
    truth[5:8, 8:12] = False  # a hole
    truth[14:16, 0:3] = True  # a second part
    saved = annotation.mask_guidance(ws, images[0].id, images[0].class_id, Image.fromarray(truth))
    assert [region.shape for region in saved.regions] == ["polygon", "polygon"]
    with Image.open(io.BytesIO(saved.look_png or b"")) as look:
        assert (np.asarray(look) == truth).all()


def test_a_mask_of_another_size_or_without_an_object_is_refused(
    ws: Workspace, images: list[ImageRecord]
) -> None:
    image = images[0]
    annotation.save(ws, image.id, image.class_id, [BOX])
    with pytest.raises(DrawingError, match="24×16 pixels"):
        annotation.mask_guidance(ws, image.id, image.class_id, Image.new("1", (16, 24), 1))
    with pytest.raises(DrawingError, match="marked pixels"):
        annotation.mask_guidance(ws, image.id, image.class_id, Image.new("1", (24, 16)))
    assert annotation.load(ws, image.id, image.class_id) is not None  # what was there is untouched


def test_the_queue_goes_round_forwards_and_stops_at_its_start() -> None:
    assert annotation.neighbour([7, 8, 9], 7, 1) == 8
    assert annotation.neighbour([7, 8, 9], 9, 1) == 7  # after the last one comes the first
    assert annotation.neighbour([7, 8, 9], 8, -1) == 7
    assert annotation.neighbour([7, 8, 9], 7, -1) is None
    assert annotation.neighbour([7], 7, 1) is None
    assert annotation.neighbour([7, 8], 5, 1) == 7  # one that is not in the queue
    assert annotation.neighbour([7, 8], 5, -1) is None
    assert annotation.neighbour([], 5, 1) is None
