"""What the placebos draw, on photographs of known masks."""

import random

import pytest
from PIL import Image

from app.services import annotation
from benchmarks.annotators import guide_by
from benchmarks.controls import mask_of_another, middle, moved, placebos
from db.records import Role
from tests.app.seeded import Seeded
from tests.benchmarks.conftest import SIZE


def drawn(project: Seeded, name: str, role: Role = "look_here") -> list[list[tuple[float, ...]]]:
    """Left, top, right and bottom of what a placebo draws on each training image, region by region."""
    images = project.images("train")
    draw = placebos(project.ws, project.project_id, 0, role)[name]
    guide_by(project.ws, project.publish(), images, draw)
    boxes = []
    for image in images:
        stored = annotation.load(project.ws, image.id, image.class_id)
        assert stored is not None
        assert {region.role for region in stored.regions} == {role}
        boxes.append(
            [
                (*map(min, zip(*region.points, strict=True)), *map(max, zip(*region.points, strict=True)))
                for region in stored.regions
            ]
        )
    return boxes


def test_the_middle_box_is_half_as_wide_and_half_as_high() -> None:
    assert middle((24, 16)) == (6, 4, 18, 12)
    assert middle((5, 3)) == (1, 1, 4, 2)


def test_a_moved_box_keeps_its_size_and_reaches_every_place_in_the_picture() -> None:
    chance = random.Random(0)
    places = {moved((1, 1, 3, 2), (4, 3), chance) for _ in range(200)}
    assert places == {(x, y, x + 2, y + 1) for x in (0, 1, 2) for y in (0, 1, 2)}


def test_an_object_that_fills_its_picture_cannot_be_moved() -> None:
    assert moved((0, 0, 24, 16), SIZE, random.Random(0)) == (0, 0, 24, 16)


def test_the_free_guess_is_the_same_box_whatever_an_image_shows(project: Seeded) -> None:
    assert drawn(project, "free_guess") == [[(6, 4, 18, 12)]] * 4


@pytest.mark.parametrize("role", ["look_here", "ignore_this"])
def test_a_random_box_has_the_size_of_the_object_and_says_what_the_true_one_says(
    project: Seeded, role: Role
) -> None:
    sizes = [
        (right - left, bottom - top)
        for ((left, top, right, bottom),) in drawn(project, "placebo_random", role)
    ]
    assert sizes == [(24, 16), (24, 16), (1, 1), (1, 1)]


def test_a_mask_of_another_class_is_squashed_to_the_picture(project: Seeded) -> None:
    boat, _, car, _ = project.images("train")
    masked = project.images("train")
    chance = random.Random(0)
    assert mask_of_another(project.ws, boat, masked, chance).getbbox() == (0, 0, 1, 1)  # a car's one pixel
    assert mask_of_another(project.ws, car, masked, chance).getbbox() == (0, 0, *SIZE)


def test_a_mask_that_squashing_leaves_nothing_of_is_not_taken(
    project: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    boat, car, empty = project.images("train")[0], *project.images("train")[2:]

    def opened(_: object, image: object) -> Image.Image:
        return Image.new("1", (100, 100), 0 if image == empty else 1)

    monkeypatch.setattr("benchmarks.controls.library.open_mask", opened)
    for seed in range(8):
        assert mask_of_another(project.ws, boat, [car, empty], random.Random(seed)).getbbox() == (0, 0, *SIZE)
    with pytest.raises(SystemExit, match=r"of another class than that of 0\.png with a mask"):
        mask_of_another(project.ws, boat, [empty], random.Random(0))


def test_placebos_of_another_class_replace_the_outline(project: Seeded) -> None:
    boats = drawn(project, "placebo_other")[:2]
    for ((left, top, right, bottom),) in boats:
        assert (left, top) == (0, 0)
        assert max(right, bottom) <= 1


def test_masks_of_one_class_alone_give_no_placebo_of_another(
    project: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    boats = project.images("train")[:2]
    monkeypatch.setattr("benchmarks.controls.projects.list_images", lambda *_: boats)
    assert list(placebos(project.ws, project.project_id, 0, "look_here")) == ["free_guess", "placebo_random"]
