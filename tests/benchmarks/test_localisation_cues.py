"""Cues are judged on images whose masks the model never saw."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.localisation_cues import Picture, fold_of

FOLDS = 3


@pytest.fixture
def pictures(tmp_path: Path) -> list[Picture]:
    """Eight with a cat (label 7) and a dog (label 11), each in a half of the mask; the third has none."""
    mask = np.repeat(np.array([[8, 8, 12, 12]], dtype=np.uint8), 3, axis=0)
    found = []
    for number in range(8):
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(bytes([number]))
        found.append(Picture(path, (7, 11), None if number == 2 else mask))
    return found


def test_no_fold_shows_an_image_its_own_mask(pictures: list[Picture]) -> None:
    for fold in range(FOLDS):
        samples, asked = fold_of(pictures, fold, FOLDS)
        assert [sample.path for sample in samples] == [picture.path for picture in pictures]
        kept = {picture.path for picture in asked}
        assert [sample.guided for sample in samples] == [
            picture.mask is not None and picture.path not in kept for picture in pictures
        ]


def test_over_the_folds_each_image_with_a_mask_is_asked_for_once(pictures: list[Picture]) -> None:
    asked = [picture.path.name for fold in range(FOLDS) for picture in fold_of(pictures, fold, FOLDS)[1]]
    assert sorted(asked) == [f"{number}.jpg" for number in (0, 1, 3, 4, 5, 6, 7)]


def test_a_single_fold_is_trained_without_any_mask(pictures: list[Picture]) -> None:
    samples, asked = fold_of(pictures, 0, 1)
    assert not any(sample.guided for sample in samples)
    assert len(asked) == 7
