"""Keeping what was drawn."""

import io

import numpy as np
import pytest
from PIL import Image

from app.drawing.regions import rasterise
from app.errors import DrawingError
from app.services import annotation
from app.workspace import Workspace
from db.errors import ConflictError, NotFoundError
from db.records import ImageRecord, RegionRecord

BOX = RegionRecord("box", "look_here", ((2.0, 3.0), (10.0, 9.0)))
STROKE = RegionRecord("brush", "ignore_this", ((12.5, 4.5), (20.0, 12.0)), 3.0)


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
