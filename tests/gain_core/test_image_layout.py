"""Images in two dimensions: similar ones lie together, and the same images at the same places again."""

import numpy as np
import pytest
from numpy.typing import NDArray

from gain_core.analysis import image_layout
from gain_core.analysis.image_layout import arranged, principal_axes


def blobs(each: int, dimensions: int = 20, seed: int = 0) -> NDArray[np.float32]:
    """Three kinds of images in turn, far from each other."""
    random = np.random.default_rng(seed)
    centres = 8 * np.eye(3, dimensions)
    return (np.tile(centres, (each, 1)) + random.normal(size=(3 * each, dimensions))).astype(np.float32)


def apart(points: NDArray[np.float32]) -> float:
    """The least distance between two kinds' middles over the largest distance of an image from its own."""
    middles = [np.median(points[kind::3], 0) for kind in range(3)]
    widest = max(
        float(np.quantile(np.linalg.norm(points[kind::3] - middles[kind], axis=1), 0.9)) for kind in range(3)
    )
    return min(float(np.linalg.norm(middles[a] - middles[b])) for a, b in ((0, 1), (0, 2), (1, 2))) / widest


def test_pca_shows_the_directions_that_differ_most() -> None:
    features = blobs(40)
    axes = principal_axes(features, 5)
    codes = axes.codes(features)

    assert codes.shape == (120, 5)
    assert apart(codes[:, :2]) > 2
    deviations = codes.std(0)
    assert list(deviations) == sorted(deviations, reverse=True)
    np.testing.assert_allclose(axes.directions @ axes.directions.T, np.eye(5), atol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_very_few_images_have_places_too(count: int) -> None:
    features = blobs(1)[:count]
    points = arranged(principal_axes(features).codes(features))
    assert points.shape == (count, 2)
    assert np.isfinite(points).all()


def test_images_that_are_all_alike_have_places_too() -> None:
    features = np.ones((30, 8), dtype=np.float32)
    points = arranged(principal_axes(features).codes(features))
    assert np.isfinite(points).all()


def test_t_sne_keeps_kinds_apart_and_later_images_join_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_layout, "FITTED", 150)
    features = blobs(100)
    codes = principal_axes(features).codes(features)

    points = arranged(codes)

    assert points.shape == (300, 2)
    assert apart(points) > 2
    middles = np.stack([np.median(points[kind:150:3], 0) for kind in range(3)])
    nearest = np.linalg.norm(points[150:, None] - middles, axis=2).argmin(1)
    assert (nearest == np.arange(150, 300) % 3).all()
    np.testing.assert_array_equal(arranged(codes), points)
