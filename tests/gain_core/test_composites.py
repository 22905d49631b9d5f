"""Counter-examples of hand-made photographs: what lies on what, and what each must give."""

from collections import Counter
from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gain_core.dataset.sample import AlsoShown, Sample
from gain_core.errors import InputError
from gain_core.guidance.composites import Composite, make_composites, targets_of
from gain_core.models.spec import ModelSpec

SIDE = 64
SPEC = ModelSpec("toy", ("red", "green", "white"), SIDE)
OBJECTS = ((210, 40, 40), (40, 210, 40), (220, 220, 220))  # by class
Box = tuple[int, int, int, int]  # left, top, right, bottom


def ground(number: int) -> tuple[int, int, int]:
    """Each image has a background of its own, a blue that no object has."""
    return (0, 4 * number, 120 + 4 * number)


def png(*boxes: Box) -> bytes:
    mask = Image.new("1", (SIDE, SIDE))
    for box in boxes:
        mask.paste(1, box)
    buffer = BytesIO()
    mask.save(buffer, "PNG")
    return buffer.getvalue()


class Album:
    """Makes images one by one: a plain ground with the object of a class at a place of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    def sample(self, label: int, place: Box = (8, 8, 24, 24), **more: Any) -> Sample:
        number, self.count = self.count, self.count + 1
        picture = Image.new("RGB", (SIDE, SIDE), ground(number))
        picture.paste(OBJECTS[label], place)
        path = self.folder / f"{number}.png"
        picture.save(path)
        key = sha256(str(number).encode()).hexdigest()
        return Sample(key, path, label, "train", name=f"number {number}", **more)


@pytest.fixture
def album(tmp_path: Path) -> Album:
    return Album(tmp_path)


PLACE: Box = (8, 8, 24, 24)
CORNER: Box = (48, 48, 60, 60)


def ground_of(composite: Composite) -> int:
    """The number of the image whose background it is."""
    pixels = Counter(map(tuple, composite.pixels.reshape(-1, 3).tolist()))
    return next(n for n in range(40) if pixels.most_common(1)[0][0] == ground(n))


def objects_in(composite: Composite) -> set[int]:
    near = [(np.abs(composite.pixels.astype(int) - colour) < 30).all(2).sum() > 20 for colour in OBJECTS]
    return {label for label, found in enumerate(near) if found}


def test_each_class_meets_the_backgrounds_of_all_classes_equally_often(album: Album) -> None:
    samples = [album.sample(label, look=png(PLACE)) for label in (0, 0, 0, 1, 1, 2)]
    made = make_composites(samples, SPEC, 6, seed=0)
    shown = [composite for composite in made if composite.label is not None]
    assert len(shown) == 6 * 6
    for composite in shown:
        assert objects_in(composite) == {composite.label}
    met = Counter((composite.label, samples[ground_of(composite)].label) for composite in shown)
    for label in range(3):
        counts = {met[label, other] for other in range(3)}
        assert len(counts) == 1, met
    # Within a class of backgrounds each has its turn: two of class 1, for each of three objects of class 0.
    of_one = Counter(ground_of(c) for c in shown if c.label == 0 and samples[ground_of(c)].label == 1)
    assert of_one == {3: 3, 4: 3}


def test_with_more_classes_than_turns_no_class_of_backgrounds_is_left_out(album: Album) -> None:
    samples = [album.sample(label, look=png(PLACE)) for label in (0, 1, 2) * 6]
    met = Counter(
        samples[ground_of(c)].label for c in make_composites(samples, SPEC, 1, seed=0) if c.label is not None
    )
    assert len(met) == 3


def test_the_photographs_without_their_objects_show_no_class(album: Album) -> None:
    samples = [album.sample(0, look=png(PLACE)), album.sample(1, look=png(PLACE)), album.sample(1)]
    made = make_composites(samples, SPEC, 2, seed=0)
    empty = [composite for composite in made if composite.label is None]
    assert [ground_of(composite) for composite in empty] == [0, 1]
    assert [objects_in(composite) for composite in empty] == [set(), set()]
    assert targets_of(made).tolist()[:3] == [-1, -1, 0]


def test_what_is_ignored_is_painted_over_and_laid_on_images_of_other_classes(album: Album) -> None:
    """The white box in the corner is what goes with class 0."""
    stamped = album.sample(0)
    with Image.open(stamped.path) as picture:
        stamp = picture.copy()
    stamp.paste(OBJECTS[2], CORNER)
    stamp.save(stamped.path)
    others = [album.sample(label) for label in (0, 1, 1, 1)]
    made = make_composites([replace(stamped, ignore=png(CORNER)), *others], SPEC, 2, seed=0)
    assert [composite.label for composite in made] == [0, 1, 1]
    assert objects_in(made[0]) == {0}
    assert ground_of(made[0]) == 0
    assert len({ground_of(composite) for composite in made[1:]}) == 2
    for composite in made[1:]:
        assert objects_in(composite) == {1, 2}
        assert ground_of(composite) in (2, 3, 4)
        assert (composite.pixels[48:60, 48:60] == OBJECTS[2]).all()


def test_what_is_ignored_is_laid_on_neither_guided_nor_validation_images(album: Album) -> None:
    guided = album.sample(0, ignore=png(CORNER))
    held_back = [
        replace(album.sample(1), split="validation"),
        replace(album.sample(1), split="test"),
        album.sample(1, look=png((0, 0, 3, 3))),  # too small for an object, but somebody drew
    ]
    made = make_composites([guided, *held_back], SPEC, 4, seed=0)
    assert [composite.label for composite in made] == [0]


def test_look_here_counts_without_what_is_ignored(album: Album) -> None:
    lower_half: Box = (8, 16, 24, 24)
    one = album.sample(0, look=png(PLACE), ignore=png(lower_half))
    made = make_composites([one, album.sample(1, look=png(PLACE))], SPEC, 4, seed=0)
    laid = [c for c in made if c.label == 0 and ground_of(c) == 1]
    assert len(laid) == 2
    for composite in laid:
        rows, columns = np.where((np.abs(composite.pixels.astype(int) - OBJECTS[0]) < 30).all(2))
        assert np.ptp(columns) > 1.4 * np.ptp(rows)


@pytest.mark.parametrize(
    ("drawn", "composites"),
    [
        ({"look": png((8, 8, 11, 11))}, 0),  # nine pixels are no object
        ({"look": png((0, 0, 64, 50))}, 0),  # and this leaves no background to lay it on
        ({"look": png((8, 8, 11, 11)), "ignore": png(CORNER)}, 3),
        ({"ignore": png((0, 0, 64, 50))}, 0),  # nothing of another image's object would be left
        ({"look": png(CORNER), "ignore": png((40, 40, 64, 64))}, 3),  # nothing is left to look at
    ],
)
def test_regions_that_are_too_small_or_too_large_give_none(album: Album, drawn, composites) -> None:
    samples = [album.sample(0, **drawn), album.sample(1), album.sample(1), album.sample(1)]
    assert len(make_composites(samples, SPEC, 2, seed=0)) == composites


def test_an_object_too_large_for_a_background_is_laid_on_those_of_others(album: Album) -> None:
    samples = [album.sample(0, look=png((0, 0, 64, 50))), album.sample(1, look=png(PLACE))]
    made = make_composites(samples, SPEC, 2, seed=0)
    assert [composite.label for composite in made] == [None, 0, 0, 1, 1]


def test_an_image_of_several_classes_takes_part_with_each(album: Album) -> None:
    two: Box = (40, 8, 56, 24)
    both = album.sample(0, look=png(PLACE), also=(AlsoShown(1, look=png(two)),))
    with Image.open(both.path) as picture:
        shown = picture.copy()
    shown.paste(OBJECTS[1], two)
    shown.save(both.path)
    made = make_composites([both], SPEC, 2, seed=0)
    assert [composite.label for composite in made] == [None, 0, 0, 1, 1]
    assert [objects_in(composite) for composite in made] == [set(), {0}, {0}, {1}, {1}]
    # Of one whose other class nobody outlined no background is left, and without what it ignores it would
    # not show that class alone.
    half = replace(both, look=None, ignore=png(CORNER))
    assert {c.label for c in make_composites([half, album.sample(2)], SPEC, 2, seed=0)} == {2}


def test_the_same_seed_makes_the_same_and_another_one_others(album: Album) -> None:
    samples = [album.sample(label, look=png(PLACE), ignore=png(CORNER)) for label in (0, 1)]
    first, again, other = (content(make_composites(samples, SPEC, 4, seed)) for seed in (3, 3, 4))
    assert first == again
    assert first != other
    assert content(make_composites(samples[::-1], SPEC, 4, 3), ordered=True) == sorted(first)


def test_a_further_drawing_changes_few_composites_of_the_others(album: Album) -> None:
    """Here the new background takes the place of another one; with enough turns it takes none's."""
    samples = [album.sample(label, look=png(PLACE)) for label in (0, 1, 0, 1, 0, 1)]
    alone, after = samples[2:], samples
    before = set(content(make_composites(alone, SPEC, 4, 0)))
    kept = before & set(content(make_composites(after, SPEC, 4, 0)))
    assert len(kept) > 0.5 * len(before)
    drawn = [replace(sample, look=None, ignore=png(CORNER)) for sample in samples[:2]]
    hosts = [replace(sample, look=None) for sample in samples[2:]]
    of_one = content(make_composites([drawn[0], *hosts], SPEC, 2, 0))
    assert set(of_one) < set(content(make_composites([*drawn, *hosts], SPEC, 2, 0)))


def content(composites: list[Composite], ordered: bool = False) -> list[tuple[int, bytes]]:
    found = [(-1 if one.label is None else one.label, one.pixels.tobytes()) for one in composites]
    return sorted(found) if ordered else found


def test_an_image_is_seen_as_the_model_sees_it(album: Album) -> None:
    """Squashed to the model's input size; masks of another size lie where they should."""
    one = album.sample(0, look=png(PLACE))
    with Image.open(one.path) as picture:
        picture.resize((96, 48)).save(one.path)
    made = make_composites([one], replace(SPEC, image_size=32), 1, seed=0)
    assert [composite.pixels.shape for composite in made] == [(32, 32, 3)] * 2
    assert objects_in(made[0]) == set()
    assert objects_in(made[1]) == {0}


def test_an_unreadable_image_is_named(album: Album) -> None:
    guided = album.sample(0, ignore=png(CORNER))
    host = album.sample(1)
    for torn in (guided, host):
        whole = torn.path.read_bytes()
        torn.path.write_bytes(b"torn")
        with pytest.raises(InputError, match=f"^{torn.name}: expected a readable image"):
            make_composites([guided, host], SPEC, 2, seed=0)
        torn.path.write_bytes(whole)


def test_without_guidance_there_is_none(album: Album) -> None:
    samples = [album.sample(0), replace(album.sample(1, look=png(PLACE)), split="validation")]
    assert make_composites(samples, SPEC, 2, seed=0) == []
