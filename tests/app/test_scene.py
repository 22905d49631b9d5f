"""Harbour scenes: the same for a seed, different between seeds, with a mask that fits."""

import hashlib
from collections import Counter

import numpy as np
import pytest
from PIL import Image, ImageChops

from app.demo import scene
from app.demo.backdrops import Place
from app.demo.project import scenes
from app.demo.scene import CLASSES, PLACES, draw_scene


@pytest.mark.parametrize("label", CLASSES)
@pytest.mark.parametrize("place", PLACES)
def test_a_scene_has_a_thing_of_the_wanted_size_inside_the_picture(label: str, place: Place) -> None:
    for seed in range(3):
        photograph, mask = draw_scene(seed, label, place)
        assert (photograph.mode, photograph.size) == ("RGB", (224, 224))
        assert (mask.mode, mask.size) == ("1", (224, 224))
        assert 0.04 < np.asarray(mask).mean() < 0.09
        left, top, right, bottom = mask.getbbox() or (0, 0, 0, 0)
        assert 0 <= left < right <= 224
        assert 0 < top < bottom < 224


def test_a_seed_gives_the_same_scene_and_another_seed_another_one() -> None:
    first, mask = draw_scene(5, "boat", "sea")
    again, same_mask = draw_scene(5, "boat", "sea")
    other, _ = draw_scene(6, "boat", "sea")
    assert first.tobytes() == again.tobytes()
    assert mask.tobytes() == same_mask.tobytes()
    assert first.tobytes() != other.tobytes()


def test_scenes_of_a_seed_do_not_depend_on_what_was_drawn_before() -> None:
    draw_scene(1, "car", "sand")
    first = hashlib.sha256(draw_scene(2, "house", "grass")[0].tobytes()).hexdigest()
    draw_scene(3, "buoy", "sea")
    assert hashlib.sha256(draw_scene(2, "house", "grass")[0].tobytes()).hexdigest() == first


def test_the_mask_is_where_the_thing_was_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the thing and its shadow the picture changes on the mask, and hardly elsewhere."""
    photograph, mask = draw_scene(3, "car", "sand")
    monkeypatch.setattr(scene, "_draw", lambda parts, canvas, on: ImageChops.offset(on, 0))
    empty, no_mask = draw_scene(3, "car", "sand")
    changed = np.asarray(ImageChops.difference(photograph, empty).convert("L")) > 20
    inside = np.asarray(mask)
    assert no_mask.getbbox() is None
    assert changed[inside].mean() > 0.85
    assert changed[~inside].mean() < 0.02


def test_each_place_has_its_own_colour() -> None:
    means = {}
    for place in PLACES:
        lower = [np.asarray(draw_scene(seed, "buoy", place)[0])[112:].mean(axis=(0, 1)) for seed in range(4)]
        means[place] = np.mean(lower, axis=0)  # (3,) RGB
    assert means["sea"][2] > means["sea"][0]  # bluer than red
    assert means["grass"][1] > max(means["grass"][0], means["grass"][2])
    assert means["sand"][0] > means["sand"][1] > means["sand"][2]


def test_an_unknown_place_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a place"):
        draw_scene(1, "boat", "moon")  # type: ignore[arg-type]


def test_the_demo_trains_on_boats_at_sea_and_nothing_else_there() -> None:
    training = [scene for scene in scenes() if scene.split == "train"]
    assert Counter(scene.label for scene in training) == dict.fromkeys(CLASSES, 60)
    assert all((scene.label == "boat") == (scene.place == "sea") for scene in training)


@pytest.mark.parametrize(("split", "count"), [("validation", 5), ("test", 20)])
def test_the_demo_tests_every_class_in_every_place_equally_often(split: str, count: int) -> None:
    groups = Counter((scene.label, scene.place) for scene in scenes() if scene.split == split)
    assert groups == {(label, place): count for label in CLASSES for place in PLACES}


def test_no_two_scenes_of_the_demo_share_a_seed_or_a_name() -> None:
    every = list(scenes())
    assert len(every) == len({scene.seed for scene in every}) == len({scene.name for scene in every}) == 540


def test_a_scene_can_be_drawn_in_another_size() -> None:
    photograph, mask = draw_scene(1, "boat", "grass", size=96)
    assert photograph.size == mask.size == (96, 96)
    assert isinstance(photograph, Image.Image)
