"""Outlines are proposed from colours first, and by a network once there are enough drawings to learn from."""

import csv
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.drawing.regions import rasterise
from app.jobs import prepare_run, preparing
from app.jobs.preparing import Request
from app.services import annotation, proposing, whose_drawings
from app.services.project_masks import write_masks
from db.people import LATEST, Whose
from db.records import ImageRecord, RegionRecord
from gain_core.guidance import outline_network
from tests.app.seeded import Seeded, open_home, seed
from tests.app.test_whose_drawings import person


@pytest.fixture
def bay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seeded:
    monkeypatch.setattr(proposing, "LEAST", 5)  # the pictures are simple
    return seed(open_home(tmp_path), per_split=(9, 2, 2))


@pytest.fixture
def _few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """For networks whose proposals nobody looks at."""
    monkeypatch.setattr(outline_network, "_STEPS", 5)


def outline_of(image: ImageRecord) -> RegionRecord:
    """Around the box or disc that `seeded.photograph` draws."""
    corner = 8.0 + int(image.name[:3]) % 20
    return RegionRecord("box", "look_here", ((corner, corner), (corner + 24, corner + 24)))


def draw(bay: Seeded, count: int) -> None:
    for image in bay.images("train")[:count]:
        annotation.save(bay.ws, image.id, image.class_id, [outline_of(image)])


def learn(bay: Seeded) -> None:
    request = Request("outlines", bay.project_id, 0)
    prepare_run.carry_out(bay.ws, request)
    assert preparing.status(bay.ws, request).status == "done"


def overlap(one: RegionRecord, other: tuple[RegionRecord, ...], image: ImageRecord) -> float:
    masks = [rasterise(regions, (image.width, image.height))[0] for regions in ((one,), other)]
    first, second = (np.asarray(mask) > 0 for mask in masks)
    return float((first & second).sum() / (first | second).sum())


def test_a_network_learns_once_there_are_enough_outlines_and_then_proposes(bay: Seeded) -> None:
    last = bay.images("train")[-1]
    draw(bay, 4)
    assert not proposing.is_due(bay.ws, bay.project_id)
    assert proposing.propose(bay.ws, last, "look_here").outlines == 0
    draw(bay, 5)
    assert proposing.is_due(bay.ws, bay.project_id)

    learn(bay)

    proposal = proposing.propose(bay.ws, last, "look_here")
    assert proposal.outlines == 5
    assert overlap(outline_of(last), proposal.regions, last) > 0.6
    assert {region.role for region in proposal.regions} == {"look_here"}


@pytest.mark.usefixtures("_few_steps")
def test_it_learns_again_when_there_are_half_as_many_more(bay: Seeded) -> None:
    draw(bay, 5)
    learn(bay)
    draw(bay, 7)
    assert not proposing.is_due(bay.ws, bay.project_id)
    draw(bay, 8)
    assert proposing.is_due(bay.ws, bay.project_id)
    learn(bay)
    assert proposing.propose(bay.ws, bay.images("train")[-1], "look_here").outlines == 8
    assert [path.name for path in bay.ws.files.prepared(bay.project_id).glob("outlines/*.onnx")] == [
        "learned-from-8.onnx"
    ]


def test_only_the_drawings_that_count_are_learned_from(bay: Seeded) -> None:
    draw(bay, 6)
    mara = person(bay.ws, "Mara", "maintainer")
    whose_drawings.choose(mara, bay.project_id, Whose("person", mara.user.id))
    assert not proposing.is_due(bay.ws, bay.project_id)
    whose_drawings.choose(mara, bay.project_id, LATEST)
    assert proposing.is_due(bay.ws, bay.project_id)


def test_answers_and_what_is_to_be_ignored_teach_no_outline(bay: Seeded) -> None:
    for image in bay.images("train"):
        region = outline_of(image)
        if image.class_position:
            annotation.save(bay.ws, image.id, image.class_id, [region], answered=True)
        else:
            ignored = RegionRecord(region.shape, "ignore_this", region.points)
            annotation.save(bay.ws, image.id, image.class_id, [ignored])
    assert not proposing.is_due(bay.ws, bay.project_id)


@pytest.mark.usefixtures("_few_steps")
def test_an_image_whose_file_is_gone_is_left_out_and_a_damaged_network_is_as_none(bay: Seeded) -> None:
    draw(bay, 6)
    gone, last = bay.images("train")[0], bay.images("train")[-1]
    bay.ws.files.image(gone.sha256, gone.suffix).unlink()
    learn(bay)
    assert proposing.propose(bay.ws, last, "look_here").outlines == 6
    (network,) = bay.ws.files.prepared(bay.project_id).glob("outlines/*.onnx")
    network.rename(network.with_name("learned-from-7.onnx"))
    network.with_name("learned-from-7.onnx").write_bytes(b"half a file")
    assert proposing.propose(bay.ws, last, "look_here").outlines == 0


def test_masks_of_all_images_are_what_was_drawn_and_else_what_is_proposed(
    bay: Seeded, tmp_path: Path
) -> None:
    draw(bay, 2)
    answered = bay.images("train")[2]
    annotation.save(bay.ws, answered.id, answered.class_id, [outline_of(answered)], answered=True)
    gone = bay.images("test")[0]
    bay.ws.files.image(gone.sha256, gone.suffix).unlink()

    counts = write_masks(bay.ws, bay.project_id, tmp_path / "masks.zip", lambda *_: None)

    assert counts.drawn == 2
    assert counts.without >= 1
    assert counts.drawn + counts.proposed + counts.without == len(bay.images())
    with zipfile.ZipFile(tmp_path / "masks.zip") as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("index.csv").decode())))
        of_file = {row["file"]: row for row in rows}
        document = json.loads(archive.read("instances.json"))
        first = bay.images("train")[0]
        with Image.open(io.BytesIO(archive.read(of_file[first.name]["mask"]))) as mask:
            assert mask.mode == "P"
            labels = np.asarray(mask)
    (left, top), (right, bottom) = outline_of(first).points
    expected = np.zeros_like(labels)
    expected[int(top) : int(bottom), int(left) : int(right)] = first.class_position + 1
    np.testing.assert_array_equal(labels, expected)
    assert of_file[first.name]["outline"] == "drawn"
    assert of_file[answered.name]["outline"] != "drawn"
    assert (of_file[gone.name]["mask"], of_file[gone.name]["outline"]) == ("", "")
    assert len(document["images"]) == counts.drawn + counts.proposed
    assert {item["image_id"] for item in document["annotations"]} == {
        item["id"] for item in document["images"]
    }
    assert sorted(tmp_path.glob("*masks*")) == [tmp_path / "masks.zip"]
