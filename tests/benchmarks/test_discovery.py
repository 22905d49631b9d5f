from dataclasses import replace
from random import Random

import numpy as np
import pytest
from PIL import Image

from benchmarks.discovery import naming_rank
from benchmarks.planted import NAMED_BY, PLANTS, Source
from gain_core.analysis.image_properties import CATEGORIES, NUMBERS
from gain_core.analysis.shortcuts import GROUPS, Shortcut

CARRIES = np.arange(40) < 19  # of 20 images of class 0 and 20 others
NOISE = np.random.default_rng(0).integers(0, 255, (60, 80, 3)).astype(np.uint8)
SOURCE = Source.usual(Image.fromarray(NOISE), None, Random(0))


def finding(kind: str, label: int = 0) -> Shortcut:
    return Shortcut(kind, label, "", CARRIES if label == 0 else ~CARRIES, 19, 20, 0, 20, 1e-9)


def test_there_are_twenty_shortcuts_and_each_can_be_named() -> None:
    kinds = {*NUMBERS, *CATEGORIES, *GROUPS, "repeated mark", "background"}
    assert len(PLANTS) == 20
    assert set(NAMED_BY) == set(PLANTS)
    for parts in NAMED_BY.values():
        assert all(any(part in kind for kind in kinds) for part in parts)


@pytest.mark.parametrize("name", [name for name in PLANTS if name != "background"])
def test_a_shortcut_changes_its_image_or_its_file(name: str) -> None:
    planted = PLANTS[name](SOURCE, Random(0))
    same_file = replace(planted, picture=SOURCE.picture) == SOURCE
    same_picture = planted.picture.tobytes() == SOURCE.picture.tobytes()
    assert same_file != same_picture


def test_a_shortcut_counts_as_named_by_its_kind_its_class_and_its_images() -> None:
    other, blur = finding("folder"), finding("sharpness")
    assert naming_rank([blur], [], "blur", 0, 3, CARRIES) == 1
    assert naming_rank([other, other, blur], [], "blur", 0, 3, CARRIES) == 3
    assert naming_rank([other, other, other, blur], [], "blur", 0, 3, CARRIES) is None
    assert naming_rank([blur], [], "tint", 0, 3, CARRIES) is None
    assert naming_rank([blur], [], "blur", 1, 3, CARRIES) is None
    assert naming_rank([blur], [], "blur", 0, 3, ~CARRIES) is None
    assert naming_rank([blur], [blur], "blur", 0, 3, CARRIES) is None  # it was there before


def test_of_two_classes_either_may_be_named() -> None:
    assert naming_rank([finding("sharpness", 1)], [], "blur", 0, 2, CARRIES) == 1
