"""SEC's losses: cases computed by hand, and gradients against finite differences in float64."""

from math import log

import pytest
import torch
from torch import Tensor

from gain_core.errors import InputError
from gain_core.losses.weak_segmentation import (
    FLOOR,
    PLACES,
    boundary_loss,
    expansion_loss,
    floored_probabilities,
    rank_pooling,
    seeding_loss,
)

# One image, two classes and the background, two places: each column sums up to 1.
F = torch.tensor([[[[0.5, 0.2]], [[0.3, 0.7]], [[0.2, 0.1]]]], dtype=torch.float64)
SHOWN = torch.tensor([[True, False]])


def random_probabilities(batch: int = 2, labels: int = 4, side: int = 3) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(batch, labels, side, side, generator=generator, dtype=torch.float64)
    return floored_probabilities(logits).requires_grad_()


def seeds_of(*rows: list[int]) -> Tensor:
    return torch.tensor(rows)[:, None]


def test_probabilities_keep_their_distance_from_0_and_1() -> None:
    logits = torch.tensor([0.0, 100.0, -100.0], dtype=torch.float64).view(1, 3, 1, 1)
    probabilities = floored_probabilities(logits).flatten()
    expected = torch.tensor([FLOOR, 1 + FLOOR, FLOOR], dtype=torch.float64) / (1 + 3 * FLOOR)
    assert torch.allclose(probabilities, expected)


def test_seeding_is_the_mean_over_an_images_seeds_then_over_images_that_have_any() -> None:
    twice = F.expand(2, -1, -1, -1)
    first = -(log(0.5) + log(0.7)) / 2
    assert float(seeding_loss(F, seeds_of([0, 1]))) == pytest.approx(first)
    assert float(seeding_loss(twice, seeds_of([0, 1], [255, 2]))) == pytest.approx((first - log(0.1)) / 2)
    assert float(seeding_loss(twice, seeds_of([0, 1], [255, 255]))) == pytest.approx(first)
    assert float(seeding_loss(F, seeds_of([255, 255]))) == 0


def test_rank_pooling_weighs_places_by_their_rank() -> None:
    scores = torch.tensor([0.1, 0.7, 0.2], dtype=torch.float64)
    assert float(rank_pooling(scores, 0.0)) == pytest.approx(0.7)
    assert float(rank_pooling(scores, 1.0)) == pytest.approx(1 / 3)
    decay = 0.5 ** (3 / PLACES)  # at three places it weighs 1, ½, ¼
    assert float(rank_pooling(scores, decay)) == pytest.approx((0.7 + 0.2 / 2 + 0.1 / 4) / 1.75)


def test_on_the_papers_map_the_decay_is_the_papers() -> None:
    scores = torch.linspace(1, 0, PLACES, dtype=torch.float64)
    weights = 0.996 ** torch.arange(PLACES, dtype=torch.float64)
    assert float(rank_pooling(scores, 0.996)) == pytest.approx(
        float((scores * weights).sum() / weights.sum())
    )


def test_a_decay_means_the_same_share_of_an_image_whatever_its_map() -> None:
    picture = torch.rand(41, 41, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    large = picture.repeat_interleave(3, 0).repeat_interleave(3, 1).flatten()
    assert float(rank_pooling(large, 0.996)) == pytest.approx(
        float(rank_pooling(picture.flatten(), 0.996)), 1e-3
    )


def test_expansion_adds_shown_classes_other_classes_and_the_background() -> None:
    means = {"present": 1.0, "absent": 0.0, "background": 1.0}
    expected = -log(0.5) - log(1 - 0.2) - log(0.35)  # means of shown and background, maximum of the other
    assert float(expansion_loss(F, SHOWN, **means)) == pytest.approx(expected)
    both = torch.tensor([[True, True]])
    expected = -(log(0.5) + log(0.15)) / 2 - log(0.35)
    assert float(expansion_loss(F, both, **means)) == pytest.approx(expected)


def test_the_boundary_loss_is_the_divergence_of_each_place_from_the_crf() -> None:
    refined = torch.tensor([[[[1.0, 0.2]], [[0.0, 0.7]], [[0.0, 0.1]]]], dtype=torch.float64)
    assert float(boundary_loss(F, refined)) == pytest.approx(-log(0.5) / 2)  # the second place agrees
    assert float(boundary_loss(F, F)) == pytest.approx(0)


def test_seeding_is_differentiated_exactly() -> None:
    seeds = torch.tensor([[[0, 255, 1], [3, 2, 255], [0, 0, 0]], [[255] * 3] * 3])
    assert torch.autograd.gradcheck(lambda given: seeding_loss(given, seeds), (random_probabilities(),))


def test_expansion_is_differentiated_exactly() -> None:
    shown = torch.tensor([[True, False, True], [False, True, False]])
    assert torch.autograd.gradcheck(lambda given: expansion_loss(given, shown), (random_probabilities(),))


def test_the_boundary_loss_is_differentiated_exactly() -> None:
    refined = random_probabilities().detach().flip(1)
    assert torch.autograd.gradcheck(lambda given: boundary_loss(given, refined), (random_probabilities(),))


def test_an_image_without_seeds_learns_nothing_from_seeding() -> None:
    given = random_probabilities()
    seeds = torch.tensor([[[0, 1, 2]] * 3, [[255] * 3] * 3])
    (slope,) = torch.autograd.grad(seeding_loss(given, seeds), given)
    assert slope[1].abs().max() == 0
    assert slope[0].abs().max() > 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: seeding_loss(F, seeds_of([0, 3])), "expected seeds from 0 to 2 or 255, got 0 to 3"),
        (lambda: seeding_loss(F, seeds_of([0, 1, 1])), r"expected seeds \(1, 1, 2\)"),
        (lambda: seeding_loss(F - 0.3, seeds_of([0, 1])), "expected probabilities in"),
        (lambda: expansion_loss(F, torch.tensor([[True]])), r"expected shown \(1, 2\)"),
        (lambda: expansion_loss(F, SHOWN, present=1.5), "expected a decay from 0 to 1, got 1.5"),
        (lambda: boundary_loss(F, F[:, :2]), "expected refined"),
        (lambda: boundary_loss(F, F * 3), "expected refined in"),
    ],
)
def test_wrong_arguments_are_named(call, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()
