"""Digits with squares that tell the label, in training alone."""

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from benchmarks.decoy_mnist import balanced, drawn
from benchmarks.decoys import MARGIN, read_digits

COUNT = 40


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A test file of forty digits, four of each class: a bar in the middle, away from every corner."""
    pixels = np.zeros((COUNT, 28, 28), np.uint8)
    pixels[:, 10:18, 13:15] = 200
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(idx(pixels))
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(idx(np.arange(COUNT, dtype=np.uint8) % 10))
    return tmp_path


def idx(values: NDArray[np.uint8]) -> bytes:
    head = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes()
    return gzip.compress(head + values.tobytes())


def test_a_square_in_a_corner_has_the_grey_of_the_label(folder: Path) -> None:
    digits = read_digits(folder, "test", "label", seed=0)
    assert digits.labels.tolist() == [number % 10 for number in range(COUNT)]
    corners = set()
    for image, label, square in zip(digits.images, digits.labels, digits.square, strict=True):
        rows, columns = torch.nonzero(square, as_tuple=True)
        assert len(rows) == 16
        corners.add((int(rows.min()) - MARGIN, int(columns.min()) - MARGIN))
        greys = (image[0][square] + 1) * 127.5
        assert torch.allclose(greys, torch.full((16,), 255.0 - 25 * int(label)), atol=1e-3)
    assert corners == {(row, column) for row in (0, 24) for column in (0, 24)}


def test_where_a_network_is_judged_squares_say_nothing_or_are_not_there(folder: Path) -> None:
    told, random, none = (read_digits(folder, "test", decoy, seed=0) for decoy in ("label", "random", "none"))
    assert not torch.equal(told.images, random.images)
    assert torch.equal(random.labels, none.labels)
    assert not none.square.any()
    assert torch.equal(none.object, none.images[:, 0] > -1)
    assert none.object.flatten(1).sum(1).tolist() == [16] * COUNT


def test_as_many_digits_of_each_class_are_guided_and_an_uneven_number_is_refused() -> None:
    labels = torch.arange(COUNT) % 10
    chosen = balanced(labels, 20, torch.Generator().manual_seed(0))
    assert torch.bincount(labels[chosen]).tolist() == [2] * 10
    for count, available in ((25, 20), (50, 40)):
        with pytest.raises(
            SystemExit, match=f"can share, got {count}, of which only {available} can be drawn"
        ):
            balanced(labels, count, torch.Generator())


def test_a_placebo_has_the_objects_shape_elsewhere(folder: Path) -> None:
    digits = read_digits(folder, "test", "label", seed=0)
    marked = torch.arange(20)
    objects, placebos = (drawn(digits, marked, name, seed=0) for name in ("look", "random"))
    assert placebos.flatten(1).sum(1).tolist() == objects.flatten(1).sum(1).tolist()
    assert (placebos & objects).flatten(1).sum(1).float().mean() < 4  # of 16 pixels
