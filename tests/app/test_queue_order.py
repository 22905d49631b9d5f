"""The order of the queue while somebody works through it."""

from pathlib import Path

from app.services import annotation, labels, library, queue
from app.workspace import Workspace
from db import library as rows
from db import splits
from db.records import ImageRecord, RegionRecord
from tests.app.material import photograph, zipped
from tests.db.build import statements

BOX = RegionRecord("box", "look_here", ((2.0, 3.0), (10.0, 9.0)))
_PLACES = (("train", "boat/1"), ("train", "car/1"), ("validation", "boat/2"), ("validation", "car/2"))


def test_the_queue_goes_round_forwards_and_stops_at_its_start() -> None:
    assert queue.neighbour([7, 8, 9], 7, 1) == 8
    assert queue.neighbour([7, 8, 9], 9, 1) == 7  # after the last one comes the first
    assert queue.neighbour([7, 8, 9], 8, -1) == 7
    assert queue.neighbour([7, 8, 9], 7, -1) is None
    assert queue.neighbour([7], 7, 1) is None
    assert queue.neighbour([7, 8], 5, 1) == 7  # one that is not in the queue
    assert queue.neighbour([7, 8], 5, -1) is None
    assert queue.neighbour([], 5, 1) is None


def test_a_page_asks_for_its_rows_in_two_statements(ws: Workspace, images: list[ImageRecord]) -> None:
    ids = queue.order(ws, images[0].project_id, None)
    with statements(ws.database) as seen:
        queue.read(ws, None, ids[2:5], ["boat", "car"])
    assert len(seen) == 2  # the images with their labels, and what is predicted for them


def test_a_held_order_loses_what_left_the_queue_and_begins_anew_when_something_came(
    ws: Workspace, images: list[ImageRecord]
) -> None:
    project_id = images[0].project_id
    held = queue.order(ws, project_id, None)[::-1]
    assert queue.kept_order(ws, project_id, "train", held, None) == held
    assert queue.kept_order(ws, project_id, "train", held, frozenset(held[:2])) == held[:2]
    assert queue.kept_order(ws, project_id, "train", held[1:], None) is None
    assert queue.kept_order(ws, project_id, "validation", held, None) == ()


def test_every_change_of_what_the_queue_shows_gives_the_project_another_revision(
    ws: Workspace, tmp_path: Path
) -> None:
    files = {f"{split}/{label}.png": photograph(n) for n, (split, label) in enumerate(_PLACES)}
    report = library.import_zip(ws, "b", zipped(tmp_path / "b.zip", files))
    images = {
        (image.split, image.class_position): image
        for image in rows.list_images(ws.database, report.project_id)
    }
    seen = []

    def revisions() -> tuple[int, int]:
        project = rows.get_project(ws.database, report.project_id)
        return project.label_revision, project.review_revision

    boat, other = images["train", 0], images["validation", 0]
    seen.append(revisions())
    annotation.save(ws, boat.id, boat.class_id, [BOX])
    seen.append(revisions())
    annotation.skip(ws, boat.id)
    seen.append(revisions())
    labels.change_label(ws, boat, images["train", 1].class_id)
    seen.append(revisions())
    splits.move_to_training(ws.database, other.id)
    seen.append(revisions())
    splits.move_back(ws.database, other.id)
    seen.append(revisions())
    assert seen == [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (3, 2)]
