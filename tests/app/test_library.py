"""The library: demo, overview, thumbnails, deletion."""

import io
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.demo import project
from app.errors import ImportCancelledError, MissingFileError, ServiceError
from app.services import annotation, library
from app.workspace import Workspace
from db import library as rows
from db import runs
from db.errors import NotFoundError
from db.records import SPLITS
from gain_core.dataset.feature_cache import FeatureStore
from gain_core.dataset.sample import Sample
from tests.app.material import erase, fresh_workspace, photograph, stored_files, two_classes, zipped
from tests.gain_core.toy import toy_model


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return fresh_workspace(tmp_path)


@pytest.fixture
def small_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project, "TRAIN_PER_CLASS", 2)
    monkeypatch.setattr(project, "PER_GROUP", {})


@pytest.mark.usefixtures("small_demo")
def test_the_demo_keeps_the_place_and_the_mask_of_every_object(ws: Workspace) -> None:
    report = library.create_demo(ws)
    overview = library.overview(ws, report.project_id)
    assert [item.name for item in overview.classes] == ["boat", "car", "house", "buoy"]
    assert overview.counts == {"train": (2,) * 4, "validation": (0,) * 4, "test": (0,) * 4}
    assert overview.groups == {"place": {"grass": 3, "sand": 3, "sea": 2}}
    assert overview.n_masks == overview.n_images == report.accepted == 8
    assert (overview.n_guided, overview.n_refused, overview.project.source) == (0, 0, "demo")
    for image in rows.list_images(ws.database, report.project_id):
        mask = library.open_mask(ws, image)
        assert mask is not None
        assert (mask.mode, mask.size) == ("1", library.open_image(ws, image).size)
        assert 0.03 < np.asarray(mask).mean() < 0.10


@pytest.mark.usefixtures("small_demo")
def test_a_second_demo_gets_a_name_of_its_own_and_the_same_images(ws: Workspace) -> None:
    first, second = library.create_demo(ws), library.create_demo(ws)
    assert [project.name for project in rows.list_projects(ws.database)] == ["Harbour demo", "Harbour demo 2"]
    images = [rows.list_images(ws.database, report.project_id) for report in (first, second)]
    assert [image.sha256 for image in images[0]] == [image.sha256 for image in images[1]]


@pytest.mark.usefixtures("small_demo")
def test_cancelling_the_demo_leaves_nothing(ws: Workspace) -> None:
    def stop(done: int, total: int, text: str) -> None:
        if done == 3:
            raise ImportCancelledError(f"stopped at {done} of {total}: {text}")

    with pytest.raises(ImportCancelledError, match="3 of 8"):
        library.create_demo(ws, stop)
    assert stored_files(ws) == []
    assert rows.list_projects(ws.database) == []


def test_an_overview_of_a_project_that_is_gone_says_so(ws: Workspace) -> None:
    with pytest.raises(NotFoundError):
        library.overview(ws, 7)


def test_an_overview_counts_every_split_even_an_empty_one(ws: Workspace, tmp_path: Path) -> None:
    files = {**two_classes("train/"), "train/boat/bad.png": b"x"}
    report = library.import_zip(ws, "a", zipped(tmp_path / "a.zip", files))
    overview = library.overview(ws, report.project_id)
    assert tuple(overview.counts) == SPLITS
    assert overview.counts == {"train": (2, 2), "validation": (0, 0), "test": (0, 0)}
    assert overview.n_refused == 1
    assert report.notes == ("There are no validation and no test images.",)


def test_a_thumbnail_keeps_the_aspect_and_is_made_once(ws: Workspace, tmp_path: Path) -> None:
    files = {**two_classes(), "car/wide.png": photograph(9, (400, 100))}
    report = library.import_zip(ws, "a", zipped(tmp_path / "a.zip", files))
    [image] = [
        item for item in rows.list_images(ws.database, report.project_id) if item.name == "car/wide.png"
    ]
    first = library.thumbnail(ws, image, 80)
    with Image.open(io.BytesIO(first)) as small:
        assert (small.format, small.size) == ("JPEG", (80, 20))
    ws.files.image(image.sha256, image.suffix).unlink()
    assert library.thumbnail(ws, image, 80) == first
    with pytest.raises(MissingFileError, match=r"car/wide\.png"):
        library.thumbnail(ws, image, 81)
    with pytest.raises(MissingFileError, match=r"car/wide\.png"):
        library.open_image(ws, image)
    kept = ws.files.thumbnail(image.sha256, 80)
    assert [path for path in kept.parent.parent.parent.rglob("*") if path.is_file()] == [kept]


def test_a_thumbnail_that_cannot_be_kept_is_shown_all_the_same(ws: Workspace, tmp_path: Path) -> None:
    report = library.import_zip(ws, "a", zipped(tmp_path / "a.zip", two_classes()))
    image = rows.list_images(ws.database, report.project_id)[0]
    (ws.files.home / "cache").write_text("a file where the folder should be")
    with Image.open(io.BytesIO(library.thumbnail(ws, image, 12))) as small:
        assert (small.format, small.size) == ("JPEG", (12, 8))


def test_deleting_a_project_keeps_the_files_another_one_uses(ws: Workspace, tmp_path: Path) -> None:
    first = library.import_zip(ws, "first", zipped(tmp_path / "a.zip", two_classes()))
    before = stored_files(ws)
    second = library.import_zip(
        ws, "second", zipped(tmp_path / "b.zip", {**two_classes(), "car/3.png": photograph(33)})
    )
    for image in rows.list_images(ws.database, second.project_id):
        library.thumbnail(ws, image)
    erase(ws, second.project_id)
    assert [name for name in stored_files(ws) if not name.startswith("cache/")] == before
    assert len(stored_files(ws)) == len(before) + 4  # thumbnails of the shared ones may stay
    erase(ws, first.project_id)
    assert stored_files(ws) == []
    with pytest.raises(NotFoundError):
        erase(ws, first.project_id)


def test_deleting_a_project_removes_what_was_kept_of_its_images_alone(ws: Workspace, tmp_path: Path) -> None:
    library.import_zip(ws, "first", zipped(tmp_path / "a.zip", two_classes()))
    more = {**two_classes(), "car/3.png": photograph(33)}
    second = library.import_zip(ws, "second", zipped(tmp_path / "b.zip", more))
    images = rows.list_images(ws.database, second.project_id)
    samples = [
        Sample(image.sha256, ws.files.image(image.sha256, image.suffix), image.class_position, image.split)
        for image in images
    ]
    FeatureStore(ws.files.features).get_or_compute(toy_model(), samples)
    erase(ws, second.project_id)
    kept = {path.stem for path in ws.files.features.rglob("*") if path.is_file()}
    assert kept == {image.sha256 for image in images if image.name != "car/3.png"}


def test_a_project_in_training_is_not_deleted(ws: Workspace, tmp_path: Path) -> None:
    report = library.import_zip(ws, "a", zipped(tmp_path / "a.zip", two_classes()))
    runs.request_run(ws.database, report.project_id, "quick", {}, None)
    with pytest.raises(ServiceError, match="Cancel the run"):
        erase(ws, report.project_id)
    assert len(rows.list_images(ws.database, report.project_id)) == 4


def test_the_demo_draws_balanced_guidance_that_covers_the_objects(
    ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project, "TRAIN_PER_CLASS", 3)
    monkeypatch.setattr(project, "PER_GROUP", {"test": 1})
    project_id = library.create_demo(ws).project_id
    drawn = annotation.demo_guidance(ws, project_id, 8)
    images = {image.id: image for image in rows.list_images(ws.database, project_id)}
    assert Counter(images[image_id].class_position for image_id in drawn) == {0: 2, 1: 2, 2: 2, 3: 2}
    assert {images[image_id].split for image_id in drawn} == {"train"}
    for image_id in drawn:
        guidance = annotation.load(ws, image_id, images[image_id].class_id)
        truth = library.open_mask(ws, images[image_id])
        assert guidance is not None
        assert guidance.look_png is not None
        with Image.open(io.BytesIO(guidance.look_png)) as look:
            drawn_mask, known = np.asarray(look), np.asarray(truth)
        assert (drawn_mask & known).sum() / (drawn_mask | known).sum() > 0.97
    assert len(annotation.demo_guidance(ws, project_id, 8)) == 4  # those that had none yet
    assert library.overview(ws, project_id).n_guided == 12


def test_only_the_demo_draws_by_itself(ws: Workspace, tmp_path: Path) -> None:
    report = library.import_zip(ws, "a", zipped(tmp_path / "a.zip", two_classes()))
    with pytest.raises(ServiceError, match="Only the demo"):
        annotation.demo_guidance(ws, report.project_id, 3)
