"""The map of images: where each lies, what is known of it, and an area of it as a queue."""

from pathlib import Path

import numpy as np
import pytest

from app.jobs import prepare_run, preparing
from app.jobs.preparing import Request
from app.services import image_map
from app.services.image_map import LAYOUTS, Area, area_of, facts, images_in, read_places, write_places
from db import splits
from tests.app.seeded import Seeded, open_home, seed

EVERYWHERE = ((-1e4, -1e4), (1e4, -1e4), (1e4, 1e4), (-1e4, 1e4))


@pytest.fixture
def bay(tmp_path: Path) -> Seeded:
    return seed(open_home(tmp_path), per_split=(9, 4, 3))


def place(bay: Seeded, folder: Path) -> None:
    """Training images in a row from (0, 0) on, by id; validation images above."""
    images = [image for image in bay.images() if image.split != "test"]
    folder.mkdir(parents=True, exist_ok=True)
    points = [(number, int(image.split == "validation")) for number, image in enumerate(images)]
    ids = np.array([image.id for image in images])
    write_places(folder, "pca", ids, np.array(points, dtype=np.float32), len(ids))


def test_every_training_and_validation_image_has_a_place_in_both_layouts(bay: Seeded) -> None:
    request = Request("map", bay.project_id, bay.publish().id)

    prepare_run.carry_out(bay.ws, request)

    made = preparing.status(bay.ws, request)
    assert made.status == "done", made.message
    expected = {image.id for image in bay.images() if image.split != "test"}
    for layout in LAYOUTS:
        places = read_places(made.folder, layout)
        assert set(places.ids.tolist()) == expected
        assert places.whole
        assert np.isfinite(places.points).all()
        assert len(np.unique(places.points, axis=0)) > 1


def test_an_image_whose_file_is_gone_has_no_place_and_keeps_no_other_from_it(bay: Seeded) -> None:
    gone = bay.images("train")[3]
    bay.ws.files.image(gone.sha256, gone.suffix).unlink()
    request = Request("map", bay.project_id, bay.publish().id)

    prepare_run.carry_out(bay.ws, request)

    made = preparing.status(bay.ws, request)
    assert made.status == "done", made.message
    places = read_places(made.folder, "tsne")
    assert set(places.ids.tolist()) == {
        image.id for image in bay.images() if image.split != "test" and image.id != gone.id
    }
    assert places.asked == 13  # so that nobody is asked to add it


def test_the_map_grows_and_says_so_until_all_images_have_their_place(
    bay: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_map, "FIRST", 1)
    monkeypatch.setattr(image_map, "SHOW_SECONDS", -1.0)
    monkeypatch.setattr(image_map, "FITTED", 4)
    monkeypatch.setattr("gain_core.analysis.predict._BATCH", 4)
    folder = preparing.folder_of(bay.ws, Request("map", bay.project_id, bay.publish().id))
    seen: list[tuple[int, bool]] = []

    def look(done: int, total: int, doing: str) -> None:
        if (folder / "pca.npz").is_file():
            places = read_places(folder, "pca")
            seen.append((len(places.ids), places.whole))

    folder.mkdir(parents=True)
    image_map.make_map(bay.ws, bay.project.current_version_id or 0, folder, look)

    assert seen == [(4, False), (8, False), (12, False), (13, True)]


def test_what_is_known_follows_labels_and_splits_of_now(bay: Seeded, tmp_path: Path) -> None:
    wrong = bay.images("train")[2]
    version = bay.publish(wrong=[wrong.id])
    place(bay, tmp_path / "map")
    gone = bay.images("validation")[0]
    splits.move_images(bay.ws.database, bay.project_id, [gone.id], "test")

    known = facts(bay.ws, bay.project_id, version.id, tmp_path / "map", "pca")

    ids = known.places.ids.tolist()
    assert ids == sorted(image.id for image in bay.images() if image.split != "test")
    assert gone.id not in ids
    at = ids.index(wrong.id)
    assert known.places.points[at].tolist() == [2, 0]
    assert (known.label[at], known.predicted[at], known.right[at]) == (0, 1, 0)
    assert known.right.sum() == len(ids) - 1
    assert known.confidence[at] == pytest.approx(0.9)
    assert known.training.sum() == 9


def test_an_image_that_the_version_has_not_looked_at_is_on_the_map_too(bay: Seeded, tmp_path: Path) -> None:
    place(bay, tmp_path / "map")
    known = facts(bay.ws, bay.project_id, 10**6, tmp_path / "map", "pca")
    assert set(known.right.tolist()) == {-1}
    assert np.isnan(known.confidence).all()


def test_an_area_holds_all_images_in_it_and_an_address_gives_the_same(bay: Seeded, tmp_path: Path) -> None:
    wrong = bay.images("train")[1]
    version = bay.publish(wrong=[wrong.id])
    place(bay, tmp_path / "map")
    known = facts(bay.ws, bay.project_id, version.id, tmp_path / "map", "pca")

    area = area_of(version.id, "pca", (-0.5, 3.5, 3.5, -0.5), (-0.5, -0.5, 0.5, 0.5))
    assert area is not None
    inside = images_in(known, area)

    assert inside.image_ids == {image.id for image in bay.images("train")[:4]}
    assert (inside.images, inside.training, inside.wrong) == (4, 4, 1)
    assert inside.sentence == "4 images from an area of the map, 1 of them predicted wrong."
    again = Area.from_code(area.code)
    assert again == area
    assert images_in(known, Area(version.id, "pca", EVERYWHERE)).images == len(known.places.ids)


def test_a_long_line_is_told_in_few_corners_that_hold_the_same(bay: Seeded) -> None:
    turns = np.linspace(0, 2 * np.pi, 2_000)
    area = area_of(7, "tsne", (30 * np.cos(turns)).tolist(), (30 * np.sin(turns)).tolist())
    assert area is not None
    assert len(area.corners) == image_map.CORNERS
    assert len(area.code) < 1_000
    radii = [float(np.hypot(*corner)) for corner in area.corners]
    assert min(radii) > 29.9
    assert area_of(7, "tsne", (1.0, 2.0), (1.0, 2.0)) is None


@pytest.mark.parametrize(
    "code",
    [
        "",
        "12-s-0",
        "1~tsne",
        "1~umap~0,0~1,0~1,1",
        "x~tsne~0,0~1,0~1,1",
        "1~tsne~0,0~1,0~a,1",
        "1~tsne~0,0~1,0~nan,1",
        "1~tsne~0,0~1,0~1",
        "1~tsne~0,0~1,0~1,1,1",
        "9" * 30 + "~tsne~0,0~1,0~1,1",
    ],
)
def test_what_is_no_code_of_an_area_is_none(code: str) -> None:
    assert Area.from_code(code) is None
