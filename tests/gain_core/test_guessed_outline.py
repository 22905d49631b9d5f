"""Outlines that nobody drew, on made pictures and on real photographs."""

import csv
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from gain_core.analysis.predict import predict
from gain_core.dataset.reading import guidance_pictures
from gain_core.errors import ConfigError
from gain_core.events import Phase, Step
from gain_core.guidance import middle_outline
from gain_core.guidance.guessed_outline import with_guesses
from gain_core.guidance.middle_outline import guess_outline
from gain_core.training.config import TrainConfig
from gain_core.training.objectives import Automatic
from gain_core.training.trainer import train
from tests.gain_core.toy import toy_model, toy_samples
from tests.photographs import REAL


@pytest.fixture
def _small_pictures(monkeypatch):
    """As the toy's are: cutting one of 224 pixels out takes half a second."""
    monkeypatch.setattr(middle_outline, "SIDE", 64)


def scene(centre=(112, 112), radius=40, colour=(200, 60, 50)):
    """A disk on noise, (224, 224, 3) uint8, and the disk's mask."""
    noise = np.random.default_rng(0).integers(60, 110, (224, 224, 3), dtype=np.uint8)
    picture, mask = Image.fromarray(noise), Image.new("1", (224, 224))
    box = [centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius]
    ImageDraw.Draw(picture).ellipse(box, fill=colour)
    ImageDraw.Draw(mask).ellipse(box, fill=1)
    return np.asarray(picture), np.asarray(mask)


def overlap(one, other):
    return (one & other).sum() / (one | other).sum()


def finished(generator):
    """What a generator returns, and the phases that it told."""
    phases = []
    while True:
        try:
            phases.append(next(generator))
        except StopIteration as end:
            return end.value, phases


def test_the_object_in_the_middle_is_found():
    pixels, mask = scene()
    assert overlap(guess_outline(pixels), mask) > 0.9


def test_an_object_beside_the_middle_is_found_by_its_colour():
    pixels, mask = scene(centre=(80, 140))
    assert overlap(guess_outline(pixels), mask) > 0.9


def test_the_same_pixels_give_the_same_outline():
    pixels, _ = scene(radius=30)
    np.random.default_rng().random()
    first, again = guess_outline(pixels), guess_outline(pixels.copy())
    assert first is not None
    assert again is not None
    assert np.array_equal(first, again)


@pytest.mark.parametrize("radius", [0, 100], ids=["nothing to find", "it fills the picture"])
def test_an_object_of_unusual_size_is_no_guess(radius):
    assert guess_outline(scene(radius=radius)[0] if radius else np.full((224, 224, 3), 90, np.uint8)) is None


@pytest.mark.usefixtures("_small_pictures")
def test_drawn_images_and_other_splits_are_left_alone(tmp_path):
    samples = toy_samples(tmp_path)
    guessed, phases = finished(with_guesses(samples, 4, seed=0))
    changed = [number for number, pair in enumerate(zip(samples, guessed, strict=True)) if pair[0] != pair[1]]
    assert len(phases) == 4
    assert phases[0] == Phase("Guessing outlines", 0, 4)
    assert changed
    assert all(samples[number].split == "train" and not samples[number].guided for number in changed)
    assert guidance_pictures(guessed[changed[0]])[0].size == (64, 64)


@pytest.mark.usefixtures("_small_pictures")
def test_classes_take_turns_and_the_seed_decides(tmp_path):
    samples = toy_samples(tmp_path, train=24, guided=0)
    runs = [finished(with_guesses(samples, 4, seed))[0] for seed in (0, 0, 1)]
    assert runs[0] == runs[1]
    chosen = [{number for number, s in enumerate(run) if s.guided} for run in runs]
    assert chosen[0] != chosen[2]
    labels = [samples[number].label for number in chosen[0]]
    assert labels.count(0) <= 2
    assert labels.count(1) <= 2


@pytest.mark.usefixtures("_small_pictures")
def test_training_by_guesses_needs_no_drawing(tmp_path):
    samples = toy_samples(tmp_path, train=8, other=4, guided=0)
    config = TrainConfig.quick_default("automatic", classes=2)
    model = toy_model()
    events = list(train(model, samples, replace(config, steps=8, l2_sp_weight=0.0)))
    steps = [event for event in events if isinstance(event, Step)]
    assert len(steps) == 8
    assert {"composite", "background"} <= set(steps[-1].losses)
    assert len(predict(model, samples)) == len(samples)


def test_images_of_several_classes_are_refused():
    with pytest.raises(ConfigError, match="one label each"):
        Automatic.for_mode("quick").for_several_labels()


@pytest.mark.skipif(not REAL.is_dir(), reason="needs the photographs of boat_water")
def test_guesses_overlap_with_drawn_outlines():
    with (REAL / "index.csv").open(encoding="utf-8") as table:
        rows = [row for row in csv.DictReader(table) if row["split"] == "train" and row["mask"]][::25]
    overlaps = []
    for row in rows:
        picture = Image.open(REAL / row["file"]).convert("RGB").resize((224, 224))
        drawn = np.asarray(Image.open(REAL / row["mask"]).convert("L").resize((224, 224))) > 127
        guess = guess_outline(np.asarray(picture))
        if guess is not None:
            overlaps.append(overlap(guess, drawn))
    assert len(overlaps) >= 15
    assert np.mean(overlaps) > 0.6
