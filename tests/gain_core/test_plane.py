"""Crowded places are thinned, sparse ones are not; a line drawn by hand holds what lies in it."""

import numpy as np

from gain_core.analysis.plane import inside, thinned

SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=np.float64)


def test_crowded_places_are_thinned_and_sparse_ones_keep_all() -> None:
    random = np.random.default_rng(0)
    crowd = random.normal(0, 0.05, (20_000, 2))
    far = random.uniform(3, 9, (40, 2))
    points = np.concatenate((crowd, far)).astype(np.float32)
    kinds = np.zeros(len(points), dtype=int)
    kinds[17] = 1  # the only one of its kind, in the middle of the crowd

    chosen = thinned(points, kinds, 1_000)

    assert 500 < len(chosen) <= 1_000
    assert set(range(20_000, 20_040)) <= set(chosen.tolist())
    assert 17 in chosen
    assert list(chosen) == sorted(set(chosen.tolist()))
    np.testing.assert_array_equal(thinned(points, kinds, 1_000), chosen)
    np.testing.assert_array_equal(thinned(points[:500], kinds[:500], 1_000), np.arange(500))


def test_a_lasso_holds_what_lies_in_it() -> None:
    points = np.array([[0.5, 0.5], [0.1, 0.9], [1.5, 0.5], [-0.1, 0.5], [0.5, 2]], dtype=np.float32)
    assert inside(points, SQUARE).tolist() == [True, True, False, False, False]
    hourglass = np.array([[0, 0], [1, 1], [1, 0], [0, 1]], dtype=np.float64)
    assert inside(np.array([[0.2, 0.5], [0.5, 0.2]], np.float32), hourglass).tolist() == [True, False]
    assert not inside(points, SQUARE[:2]).any()
