"""Which places of unguided images are taken for background."""

import pytest
import torch

from gain_core.background import background_of_guided, background_regions, only_ignored
from gain_core.errors import InputError

WATER, BOAT, CAR = torch.eye(3)  # features of one place


def image(*places: torch.Tensor) -> torch.Tensor:
    """Four places -> (3, 2, 2)."""
    return torch.stack(places, 1).view(3, 2, 2)


GUIDED = image(WATER, WATER, WATER, BOAT)[None]
INSIDE = torch.tensor([[[0.0, 0.0], [0.0, 1.0]]])


def test_a_place_like_the_outside_is_background_and_one_like_the_inside_is_not():
    others = torch.stack([image(WATER, BOAT, BOAT, WATER), image(BOAT, WATER, BOAT, BOAT)])
    regions = background_regions(others, GUIDED, INSIDE, 1 - INSIDE, share=1.0)
    assert regions.tolist() == [[[1, 0], [0, 1]], [[0, 1], [0, 0]]]


def test_a_place_as_far_from_both_is_left_alone():
    assert background_regions(image(CAR, CAR, CAR, CAR)[None], GUIDED, INSIDE, 1 - INSIDE, 1.0).sum() == 0


def test_the_length_of_the_features_does_not_matter():
    other = image(WATER, BOAT, WATER, BOAT)[None]
    short = background_regions(other, GUIDED, INSIDE, 1 - INSIDE, 1.0)
    assert torch.equal(background_regions(100 * other, GUIDED, INSIDE, 1 - INSIDE, 1.0), short)


def test_no_more_than_the_share_is_taken_and_the_clearest_places_first():
    doubtful = 0.7 * WATER + 0.3 * BOAT
    other = image(WATER, doubtful, BOAT, BOAT)[None]
    half, quarter = (background_regions(other, GUIDED, INSIDE, 1 - INSIDE, share) for share in (0.5, 0.25))
    assert half.tolist() == [[[1, 1], [0, 0]]]
    assert quarter.tolist() == [[[1, 0], [0, 0]]]


def test_without_a_place_that_is_surely_outside_nothing_is_background():
    everywhere = torch.full((1, 2, 2), 0.5)
    assert background_regions(GUIDED, GUIDED, everywhere, 1 - everywhere, 1.0).sum() == 0


def test_an_object_smaller_than_a_place_still_stands_against_the_background():
    inside = torch.tensor([[[0.0, 0.0], [0.02, 0.3]]])
    other = image(WATER, BOAT, BOAT, BOAT)[None]
    outside = 1 - inside
    assert background_regions(other, GUIDED, inside, outside, 1.0).tolist() == [[[1, 0], [0, 0]]]


def test_an_ignored_spot_smaller_than_a_place_is_found_elsewhere():
    """Two pixels of sixteen; the rest of that place and of the image is what counts."""
    ignore = torch.zeros(1, 1, 4, 4)
    ignore[..., 0, :2] = 1
    masks = torch.stack([torch.zeros_like(ignore), ignore], 2)  # (1, 1, 2, 4, 4)
    masks = torch.nn.functional.avg_pool2d(masks.flatten(0, 1), 2).unflatten(
        0, (1, 1)
    )  # as kept for 2×2 places
    others = torch.stack([image(BOAT, BOAT, WATER, BOAT), image(BOAT, CAR, CAR, BOAT)])
    regions = background_of_guided(others, image(WATER, BOAT, CAR, BOAT)[None], masks, 1.0)
    assert regions.tolist() == [[[0, 0], [1, 0]], [[0, 0], [0, 0]]]


def test_a_place_half_full_of_an_object_is_no_background():
    look = torch.full((1, 1, 2, 2), 0.5)
    masks = torch.stack([look, torch.zeros_like(look)], 2)
    assert background_of_guided(GUIDED, GUIDED, masks, 1.0).sum() == 0


def test_a_class_is_only_ignored_when_no_image_of_it_says_where_to_look():
    """Classes 0 to 3; the second row of the last image repeats its first class, without guidance."""
    mark, blank = torch.eye(2), torch.zeros(2, 2)
    drawn = [(0, blank, mark), (1, mark, blank), (2, blank, mark), (2, mark, mark), (0, blank, mark)]
    masks = torch.stack([torch.stack([look, ignore]) for _, look, ignore in drawn])  # (5, 2, 2, 2)
    masks = torch.stack([masks, torch.zeros_like(masks)], 1)  # (5, 2, 2, 2, 2)
    labels = torch.tensor([[label, label] for label, _, _ in drawn])
    assert only_ignored(labels, masks, 4).tolist() == [True, False, False, False]


@pytest.mark.parametrize(("side", "share"), [(1, 0.5), (4, 0.5), (2, 2), (2, 0)])
def test_what_does_not_fit_is_refused(side, share):
    with pytest.raises(InputError, match="expected"):
        background_of_guided(GUIDED, GUIDED, torch.ones(1, 1, 2, side, side), share)


@pytest.mark.parametrize("roles", [1, 3])
def test_masks_of_more_or_fewer_roles_than_two_are_refused(roles):
    with pytest.raises(InputError, match=r"expected masks \(1, n, 2, 2, 2\)"):
        background_of_guided(GUIDED, GUIDED, torch.ones(1, 1, roles, 2, 2), 0.5)
