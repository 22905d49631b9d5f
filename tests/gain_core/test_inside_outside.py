import math

import pytest
import torch

from gain_core.losses.guidance import inside_outside_loss, inside_outside_regions, region_logits
from tests.gain_core.tiny import LEFT, NOTHING, RIGHT, TOP_LEFT, images, maps, model_of_maps, tiny_model


def test_regions_by_role() -> None:
    look = maps([LEFT], [NOTHING], [LEFT], [NOTHING])
    ignore = maps([NOTHING], [RIGHT], [TOP_LEFT], [NOTHING])
    inside, outside = inside_outside_regions(look, ignore, (2, 2))
    assert torch.equal(inside, maps([LEFT], [LEFT], [[[0.0, 0.0], [1.0, 0.0]]], [NOTHING]))
    assert torch.equal(outside, maps([RIGHT], [RIGHT], [[[1.0, 1.0], [0.0, 1.0]]], [NOTHING]))


def test_a_cell_on_the_edge_belongs_to_both_regions_in_part() -> None:
    look = torch.zeros(1, 1, 2, 8)
    look[..., :3] = 1
    inside, outside = inside_outside_regions(look, None, (1, 2))
    torch.testing.assert_close(inside, torch.tensor([[[[0.75, 0.0]]]]))
    torch.testing.assert_close(outside, torch.tensor([[[[0.25, 1.0]]]]))


def test_a_mask_over_everything_has_no_outside() -> None:
    _, outside = inside_outside_regions(torch.ones(1, 1, 224, 224), None, (7, 7))
    assert outside.abs().max() == 0


def test_features_are_pooled_over_the_region_alone() -> None:
    model = model_of_maps([[1.0, 0.0, 0.0], [0.0, 10.0, 0.0]])
    features = torch.tensor([[[[2.0, 100.0], [4.0, 100.0]], [[1.0, 0.0], [0.0, 0.0]], NOTHING]])
    got = region_logits(model, features, maps([LEFT, [[1.0, 0.0], [0.5, 0.0]], NOTHING]))
    expected = torch.tensor([[[3.0, 5.0], [(2 + 2) / 1.5, 10 / 1.5], [0.0, 0.0]]])
    torch.testing.assert_close(got, expected)


def test_any_head_sees_the_region_alone_and_the_linear_head_the_same_either_way() -> None:
    model, curved = tiny_model(), tiny_model(curved=True)
    features, regions = model.features(images(2)), torch.rand(2, 2, 2, 2, dtype=torch.float64)
    erased = features[:, None] * regions[:, :, None] * 4 / regions.sum((2, 3))[..., None, None, None]
    for any_model in (model, curved):
        expected = any_model.head(erased.flatten(0, 1)).view(2, 2, 3)
        torch.testing.assert_close(region_logits(any_model, features, regions), expected)


def test_inside_must_give_the_class_and_outside_none() -> None:
    inside_logits = torch.tensor([[[0.0, math.log(3)]]])
    some, none = torch.tensor([[[math.log(3), 0.0]]]), torch.tensor([[[5.0, 5.0]]])
    region, label = torch.ones(1, 1, 2, 2), torch.tensor([[0]])
    got = inside_outside_loss(inside_logits, some, region, region, label)
    assert got.inside.item() == pytest.approx(math.log(4))
    assert got.outside.item() == pytest.approx(-(math.log(0.75) + math.log(0.25)) / 2 - math.log(2))
    assert inside_outside_loss(inside_logits, none, region, region, label).outside.item() == pytest.approx(0)


def test_inside_outside_for_independent_classes_leaves_other_present_classes_alone() -> None:
    logits = torch.tensor([[[math.log(3), 7.0, math.log(9)]]])
    region, label = torch.ones(1, 1, 2, 2), torch.tensor([[0]])
    present = torch.tensor([[True, True, False]])
    got = inside_outside_loss(logits, logits, region, region, label, present=present, multi_label=True)
    assert got.inside.item() == pytest.approx((-math.log(0.75) - math.log(0.1)) / 2)
    undecided = [-(math.log(p) + math.log(1 - p)) / 2 - math.log(2) for p in (0.75, 0.9)]
    assert got.outside.item() == pytest.approx(sum(undecided) / 2)
    alone = inside_outside_loss(logits, logits, region, region, label, multi_label=True)
    assert alone.inside.item() == pytest.approx(
        (-math.log(0.75) + math.log(1 + math.exp(7)) - math.log(0.1)) / 3
    )


def test_empty_regions_do_not_count() -> None:
    logits = torch.tensor([[[0.0, math.log(3)]], [[40.0, 0.0]]])
    full, empty = torch.ones(1, 1, 2, 2), torch.zeros(1, 1, 2, 2)
    got = inside_outside_loss(
        logits, logits, torch.cat([full, empty]), torch.cat([empty, full]), torch.tensor([[0], [0]])
    )
    assert got.inside.item() == pytest.approx(math.log(4))
    assert got.outside.item() == pytest.approx(20 - math.log(2))


def test_image_space_uses_the_same_loss_with_regions_of_the_images_size() -> None:
    look = torch.zeros(1, 1, 4, 4)
    look[..., :2] = 1
    inside, outside = inside_outside_regions(look, None, (4, 4))
    assert torch.equal(inside, look)
    assert torch.equal(outside, 1 - look)
