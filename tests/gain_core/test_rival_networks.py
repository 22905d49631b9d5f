"""Networks that the same weights fit, told apart by labelled images."""

import numpy as np
import pytest

from gain_core.analysis.rival_networks import judged, log_likelihoods
from gain_core.errors import InputError

LABELS = np.arange(200) % 4
SHOWN = np.eye(4, dtype=bool)[LABELS]


def logits(right: float, seed: int = 0) -> np.ndarray:
    """(200, 4): the true class is higher by `right` on average."""
    chance = np.random.default_rng(seed)
    return (chance.normal(size=SHOWN.shape) + right * SHOWN).astype(np.float32)


def likelihoods(scores: np.ndarray) -> np.ndarray:
    return log_likelihoods(scores, SHOWN, multi_label=False)


def test_a_network_that_fits_the_labels_clearly_better_is_found() -> None:
    good, poor = likelihoods(logits(3.0)), likelihoods(logits(1.0, seed=1))
    assert judged(poor, good) == "better"
    assert judged(good, poor) == "worse"


def test_as_good_a_network_is_not_told_apart() -> None:
    one, other = (likelihoods(logits(3.0, seed)) for seed in (0, 1))
    assert judged(one, other) == judged(one, one) == judged(one[:1], other[:1]) == "open"


def test_a_network_that_is_less_sure_of_everything_is_no_other() -> None:
    scores = logits(3.0)
    np.testing.assert_allclose(likelihoods(scores / 7), likelihoods(scores), rtol=1e-3)


def test_of_several_classes_each_counts() -> None:
    shown = SHOWN | SHOWN[:, [1, 0, 3, 2]]
    scores = np.where(shown, 2.0, -2.0).astype(np.float32)
    of_all = log_likelihoods(scores, shown, multi_label=True)
    scores[:, 3] *= -1
    assert judged(log_likelihoods(scores, shown, multi_label=True), of_all) == "better"
    with pytest.raises(InputError, match="figures of the same images"):
        judged(of_all, of_all[:3])
