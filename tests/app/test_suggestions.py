"""Suggestions about a real project: half of its boats come from another folder than everything else."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.errors import MissingFileError
from app.jobs import prepare_run, preparing
from app.jobs.preparing import Request
from app.services import annotation, labels
from app.services.suggestions import find, read, without_classes
from db import library
from db.records import RegionRecord
from tests.app.seeded import CLASSES, Seeded, open_home, seed

BOX = RegionRecord("box", "look_here", ((8.0, 8.0), (40.0, 40.0)))


@pytest.fixture
def bay(tmp_path: Path) -> Seeded:
    return seed(open_home(tmp_path), per_split=(32, 8, 4))


def frame_boats(bay: Seeded) -> None:
    """Every file is written anew as coarse noise; boats have a black border."""
    for number, image in enumerate(bay.images()):
        noise = np.random.default_rng(number).integers(60, 255, (8, 8, 3)).astype(np.uint8)
        picture = Image.fromarray(noise).resize((64, 64))
        if image.class_position == 0:
            picture.paste((0, 0, 0), (0, 0, 64, 3))
            picture.paste((0, 0, 0), (0, 61, 64, 64))
        picture.save(bay.ws.files.image(image.sha256, image.suffix))


def test_a_planted_border_is_suggested_with_its_images_and_what_the_model_says(
    bay: Seeded, tmp_path: Path
) -> None:
    frame_boats(bay)
    version = bay.publish()
    steps: list[tuple[int, int, str]] = []

    find(bay.ws, version.id, tmp_path / "found", lambda *step: steps.append(step))

    best = read(tmp_path / "found")[0]
    looked_at = bay.images("train")
    assert "16 of 16 images of “" in best.sentence
    assert "0 of 16 other images do too. Unlikely by chance: p < 0.001" in best.evidence
    assert "of these 16 when only the outer rim is left" in best.evidence
    assert {image.class_position for image in looked_at if image.id in best.image_ids} in ({0}, {1})
    assert best.images == 16
    assert [step[0] for step in steps] == [0, 16]


def test_nothing_is_suggested_where_nothing_goes_with_a_class(bay: Seeded, tmp_path: Path) -> None:
    for number, image in enumerate(bay.images()):
        noise = np.random.default_rng(number).integers(0, 255, (8, 8, 3)).astype(np.uint8)
        Image.fromarray(noise).resize((64, 64)).save(bay.ws.files.image(image.sha256, image.suffix))

    find(bay.ws, bay.publish().id, tmp_path / "found", lambda *_: None)

    assert read(tmp_path / "found") == ()


def test_a_file_that_is_gone_is_named(bay: Seeded, tmp_path: Path) -> None:
    image = bay.images("train")[0]
    bay.ws.files.image(image.sha256, image.suffix).unlink()

    with pytest.raises(MissingFileError, match=image.name):
        find(bay.ws, bay.publish().id, tmp_path / "found", lambda *_: None)


def test_drawing_and_relabelling_do_not_have_shortcuts_looked_for_again(bay: Seeded) -> None:
    request = Request("shortcuts", bay.project_id, bay.publish().id)
    prepare_run.carry_out(bay.ws, request)
    assert preparing.status(bay.ws, request).status == "done"

    image = bay.images("train")[0]
    annotation.save(bay.ws, image.id, image.class_id, (BOX,))
    assert preparing.status(bay.ws, request).status == "done"

    cars = library.list_classes(bay.ws.database, bay.project_id)[1]
    labels.change_label(bay.ws, image, cars.id)
    assert preparing.status(bay.ws, request).status == "done"  # who works through one is not thrown out of it


def test_a_group_that_the_model_gets_wrong_is_suggested_with_its_validation_and_training_images(
    tmp_path: Path,
) -> None:
    ws = open_home(tmp_path)
    bay = seed(ws, per_split=(12, 120, 0), place_of=lambda number: "land" if number % 6 < 2 else "water")
    on_land = [image for image in bay.images() if image.groups["place"] == "land"]
    boats = [image for image in on_land if image.class_position == 0]
    wrong = [image for image in boats if image.split == "validation"][:16]
    version = bay.publish(wrong=[image.id for image in wrong])

    find(ws, version.id, tmp_path / "found", lambda *_: None)

    (group,) = read(tmp_path / "found")
    assert group.sentence == (
        "Of 20 validation images of “boat” with place “land” 4 are predicted right (20 %); "
        "of the 40 others 40 (100 %)."
    )
    assert group.evidence == "Unlikely by chance: p < 0.001, corrected for 4 tests."
    assert (group.kind, group.images, group.training) == ("group", len(boats), len(boats) - 20)
    assert set(group.image_ids[:16]) == {image.id for image in wrong}
    ws.database.close()


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("train/boat/0001.jpg", "0001.jpg"),
        ("web/Boat/boat_7.jpg", "web/_7.jpg"),
        ("boat.jpg", ".jpg"),
        ("train/boats_1.jpg", "boats_1.jpg"),
        ("clinic a/scan_7.png", "clinic a/scan_7.png"),
    ],
)
def test_folders_and_names_that_say_the_class_are_no_property(name: str, left: str) -> None:
    assert without_classes(name, CLASSES) == left


def test_the_longest_class_name_is_taken_off_however_its_words_are_joined() -> None:
    classes = ("car", "cart", "red fox")
    assert without_classes("train/cart/cart_001.jpg", classes) == "_001.jpg"
    assert without_classes("red_fox-2.jpg", classes) == "-2.jpg"
