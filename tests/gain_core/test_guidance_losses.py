import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from gain_core.errors import InputError
from gain_core.imaging.resize import area_average
from gain_core.losses.guidance import (
    attention_mining_loss,
    classification_loss,
    external_loss,
    inside_outside_loss,
    inside_outside_regions,
    region_logits,
    signed_evidence_loss,
)
from tests.gain_core.tiny import LEFT, NOTHING, RIGHT, maps, tiny_model


def check_empty(loss: Tensor, leaf: Tensor) -> None:
    """The empty case: zero, differentiable, zero gradient."""
    assert loss.item() == 0
    (gradient,) = torch.autograd.grad(loss, leaf)
    assert gradient.abs().max() == 0


# L_cl


def test_classification_is_the_cross_entropy() -> None:
    logits = torch.tensor([[0.0, 0.0], [math.log(3), 0.0]])
    labels = torch.tensor([0, 1])
    assert classification_loss(logits, labels).item() == pytest.approx((math.log(2) + math.log(4)) / 2)
    torch.testing.assert_close(classification_loss(logits, labels), F.cross_entropy(logits, labels))


def test_multi_label_classification_is_the_soft_margin_of_the_paper() -> None:
    logits = torch.tensor([[0.0, math.log(3), -1.0], [2.0, 0.0, 1.0]])
    targets = torch.tensor([[1, 0, 0], [1, 1, 0]])
    expected = F.multilabel_soft_margin_loss(logits, targets)
    torch.testing.assert_close(classification_loss(logits, targets, multi_label=True), expected)
    first = (math.log(2) + math.log(4) + math.log(1 + math.exp(-1))) / 3
    got = classification_loss(logits[:1], targets[:1], multi_label=True)
    assert got.item() == pytest.approx(first)


def test_targets_of_the_wrong_form_are_refused() -> None:
    with pytest.raises(InputError, match=r"expected targets \(2,\), got \(2, 3\)"):
        classification_loss(torch.zeros(2, 3), torch.zeros(2, 3))
    with pytest.raises(InputError, match=r"expected targets \(2, 3\), got \(2,\)"):
        classification_loss(torch.zeros(2, 3), torch.zeros(2), multi_label=True)


# L_am


def test_attention_mining_is_the_mean_probability_that_is_left() -> None:
    # One class in the first image, two in the second: 1/n Σ_c per image, then the mean over images.
    logits = torch.tensor([[[math.log(3), 0.0], [50.0, 0.0]], [[0.0, 0.0], [0.0, math.log(9)]]])
    classes = torch.tensor([[0, 0], [0, 1]])
    valid = torch.tensor([[True, False], [True, True]])
    got = attention_mining_loss(logits, classes, valid=valid)
    assert got.item() == pytest.approx((0.75 + (0.5 + 0.9) / 2) / 2)
    got = attention_mining_loss(logits[1:], classes[1:], multi_label=True)
    assert got.item() == pytest.approx((0.5 + 0.9) / 2)  # sigmoids of 0 and log 9
    got = attention_mining_loss(logits, classes, valid=valid, score="logit")
    assert got.item() == pytest.approx((math.log(3) + math.log(9) / 2) / 2)


# L_e, eq. 7


def test_eq_7_by_hand() -> None:
    attention = maps([[[4.0, 2.0], [0.0, 0.0]]])
    look = maps([LEFT])
    # Divided by its maximum: [[1, 0.5], [0, 0]] against [[1, 0], [1, 0]].
    assert external_loss(attention, look).item() == pytest.approx((0.25 + 1) / 4)
    assert external_loss(attention, look, scale="none").item() == pytest.approx((9 + 4 + 1) / 4)


def test_eq_7_compares_with_a_mask_of_any_size_averaged_down() -> None:
    look = torch.zeros(1, 1, 6, 4)
    look[..., :3, 0] = 1  # half of the top left cell
    attention = maps([[[1.0, 0.0], [0.0, 0.0]]])
    assert external_loss(attention, look).item() == pytest.approx(0.25 / 4)


def test_eq_7_at_the_masks_resolution_enlarges_the_map() -> None:
    attention = torch.tensor([[[[2.0, 0.0]]]])
    look = torch.tensor([[[[1.0, 1.0, 0.0, 0.0]]]])
    # Scaled and enlarged to 1, 0.75, 0.25, 0 against 1, 1, 0, 0; averaged down the map is perfect.
    got = external_loss(attention, look, resolution="mask")
    assert got.item() == pytest.approx(2 * 0.0625 / 4)
    assert external_loss(attention, look).item() == 0


def test_ignoring_alone_penalises_the_ignored_places_only() -> None:
    attention = maps([[[4.0, 2.0], [1.0, 0.0]]])
    assert external_loss(attention, None, maps([RIGHT])).item() == pytest.approx(0.25 / 2)
    assert external_loss(attention, maps([NOTHING]), maps([RIGHT])).item() == pytest.approx(0.25 / 2)
    elsewhere = maps([[[400.0, 200.0], [0.0, 0.0]]])  # the same on the ignored side, another map elsewhere
    assert external_loss(elsewhere, None, maps([RIGHT])).item() == pytest.approx(0.25 / 2)
    with pytest.raises(InputError, match="got neither"):
        external_loss(attention, None)


def test_both_roles_look_where_it_is_not_ignored() -> None:
    attention = maps([[[1.0, 0.0], [0.0, 0.0]]])
    everywhere = torch.ones(1, 1, 2, 2)
    assert external_loss(attention, everywhere, maps([RIGHT])).item() == pytest.approx(1 / 4)  # H = LEFT


def test_unguided_images_and_classes_do_not_count_in_eq_7() -> None:
    one, other = [[4.0, 2.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 8.0]]
    attention = maps([one, other], [other, one], [one, other])
    look = maps([LEFT, NOTHING], [NOTHING, NOTHING], [LEFT, RIGHT])
    # First image: one guided class, 1.25 / 4. Third: the mean of that and of 1 / 4. Second: none.
    expected = (1.25 / 4 + (1.25 / 4 + 1 / 4) / 2) / 2
    assert external_loss(attention, look).item() == pytest.approx(expected)


def test_an_attention_map_of_nothing_gives_a_finite_loss_and_gradient() -> None:
    attention = torch.zeros(1, 1, 2, 2, requires_grad=True)
    loss = external_loss(attention, maps([LEFT]))
    assert loss.item() == pytest.approx(0.5)
    assert torch.isfinite(torch.autograd.grad(loss, attention)[0]).all()


# Signed evidence


def test_signed_evidence_by_hand_sees_what_hides_behind_the_relu() -> None:
    # The labelled class is perfect; the shortcut speaks on the right against the other class.
    evidence = maps([[[2.0, 0.0], [2.0, 0.0]], [[0.0, -2.0], [0.0, -1.0]]])
    classes, look = torch.tensor([[0]]), maps([LEFT])
    assert external_loss(evidence[:, :1].relu(), look).item() == 0
    got = signed_evidence_loss(evidence, classes, look)
    assert got.item() == pytest.approx((1 + 0.25) / 8)  # divided by 2; over two classes of four places


def test_signed_evidence_with_ignore_alone_leaves_the_rest_free() -> None:
    evidence = maps([[[2.0, 1.0], [2.0, 0.0]], [[-2.0, -2.0], [0.0, -1.0]]])
    got = signed_evidence_loss(evidence, torch.tensor([[0]]), None, maps([RIGHT]))
    assert got.item() == pytest.approx((0.25 + 0 + 1 + 0.25) / 4)  # both classes, on the right


def test_signed_evidence_leaves_other_present_classes_alone() -> None:
    evidence = maps([[[2.0, 0.0], [2.0, 0.0]], [[0.0, 2.0], [0.0, 2.0]], [[0.0, 0.0], [0.0, 1.0]]])
    present = torch.tensor([[True, True, False]])
    got = signed_evidence_loss(evidence, torch.tensor([[0]]), maps([LEFT]), present=present)
    assert got.item() == pytest.approx(0.25 / 8)  # class 1 is there but unguided: only 0 and 2 count
    both = signed_evidence_loss(evidence, torch.tensor([[0, 1]]), maps([LEFT, RIGHT]), present=present)
    assert both.item() == pytest.approx(0.25 / 12)


def test_unguided_images_and_padded_classes_do_not_count_in_signed_evidence() -> None:
    wrong = [[0.0, 5.0], [0.0, 5.0]]
    evidence = maps([LEFT, RIGHT], [wrong, wrong])
    look = maps([LEFT, NOTHING], [NOTHING, NOTHING])  # the second column pads with class 0
    got = signed_evidence_loss(evidence, torch.tensor([[0, 0], [1, 0]]), look)
    assert got.item() == pytest.approx(2 / 8)


# What all share


def test_without_any_guidance_every_loss_is_zero_and_keeps_its_graph() -> None:
    nothing, classes = torch.zeros(2, 1, 4, 4), torch.tensor([[0], [1]])
    evidence = torch.randn(2, 3, 2, 2, requires_grad=True)
    check_empty(external_loss(evidence[:, :1].relu(), nothing), evidence)
    check_empty(signed_evidence_loss(evidence, classes, nothing), evidence)
    logits = torch.randn(2, 1, 3, requires_grad=True)
    inside, outside = inside_outside_regions(nothing, nothing, (2, 2))
    for multi_label in (False, True):
        got = inside_outside_loss(logits, logits, inside, outside, classes, multi_label=multi_label)
        check_empty(got.inside, logits)
        check_empty(got.outside, logits)
    check_empty(attention_mining_loss(logits, classes, valid=torch.zeros(2, 1, dtype=torch.bool)), logits)


def test_an_empty_batch_is_an_empty_case() -> None:
    nothing, classes = torch.zeros(0, 1, 4, 4), torch.zeros(0, 1, dtype=torch.long)
    evidence, logits = torch.zeros(0, 3, 2, 2, requires_grad=True), torch.zeros(0, 1, 3, requires_grad=True)
    assert external_loss(evidence[:, :1], nothing).item() == 0
    assert signed_evidence_loss(evidence, classes, nothing).item() == 0
    inside, outside = inside_outside_regions(nothing, nothing, (2, 2))
    assert inside_outside_loss(logits, logits, inside, outside, classes).outside.item() == 0
    assert attention_mining_loss(logits, classes).item() == 0
    assert classification_loss(logits[:, 0], classes[:, 0]).item() == 0


def test_masks_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match=r"expected masks \(2, 1, H, W\)"):
        external_loss(torch.zeros(2, 1, 2, 2), torch.zeros(2, 3, 4, 4))
    with pytest.raises(InputError, match=r"expected ignore masks \(2, 1, 4, 4\), got \(2, 1, 8, 8\)"):
        external_loss(torch.zeros(2, 1, 2, 2), torch.zeros(2, 1, 4, 4), torch.zeros(2, 1, 8, 8))


MASKS = torch.rand(2, 2, 5, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
CLASS_PAIRS = torch.tensor([[0, 2], [1, 0]])
PRESENT = torch.tensor([[True, False, True], [True, True, False]])
REGIONS = area_average(MASKS, (2, 2))


@pytest.mark.parametrize(
    ("shape", "loss"),
    [
        ((2, 3), lambda x: classification_loss(x, torch.tensor([0, 2]))),
        ((2, 3), lambda x: classification_loss(x, PRESENT.double(), multi_label=True)),
        ((2, 2, 3), lambda x: attention_mining_loss(x, CLASS_PAIRS)),
        ((2, 2, 3), lambda x: attention_mining_loss(x, CLASS_PAIRS, multi_label=True)),
        ((2, 2, 3), lambda x: attention_mining_loss(x, CLASS_PAIRS, score="logit")),
        ((2, 2, 2, 2), lambda x: external_loss(x.relu(), MASKS, scale="none")),
        ((2, 2, 2, 2), lambda x: external_loss(x.exp(), MASKS, detach_scale=False)),
        ((2, 2, 2, 2), lambda x: external_loss(x.exp(), None, MASKS, scale="min_max", detach_scale=False)),
        ((2, 2, 2, 2), lambda x: external_loss(x.exp(), MASKS, detach_scale=False, resolution="mask")),
        ((2, 3, 2, 2), lambda x: signed_evidence_loss(x, CLASS_PAIRS, MASKS, detach_scale=False)),
        (
            (2, 3, 2, 2),
            lambda x: signed_evidence_loss(x, CLASS_PAIRS, None, MASKS, present=PRESENT, detach_scale=False),
        ),
        ((2, 2, 3), lambda x: sum(inside_outside_loss(x, x.flip(0), REGIONS, REGIONS, CLASS_PAIRS))),
        (
            (2, 2, 3),
            lambda x: sum(
                inside_outside_loss(
                    x, x.flip(0), REGIONS, REGIONS, CLASS_PAIRS, present=PRESENT, multi_label=True
                )
            ),
        ),
        ((2, 4, 2, 2), lambda x: region_logits(tiny_model(), x, REGIONS)),
        ((2, 4, 2, 2), lambda x: region_logits(tiny_model(curved=True), x, REGIONS)),
        ((1, 1, 3, 3), lambda x: area_average(x, (2, 2))),
    ],
)
def test_gradients_are_exact(shape: tuple[int, ...], loss: Callable[[Tensor], Tensor]) -> None:
    values = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert torch.autograd.gradcheck(loss, (values.requires_grad_(),))


def test_a_detached_scale_gives_the_gradient_of_a_constant() -> None:
    attention = torch.tensor([[[[4.0, 2.0], [1.0, 0.5]]]], dtype=torch.float64, requires_grad=True)
    look = maps([LEFT]).double()
    (got,) = torch.autograd.grad(external_loss(attention, look), attention)
    (expected,) = torch.autograd.grad(external_loss(attention / 4, look, scale="none"), attention)
    torch.testing.assert_close(got, expected)
    assert got[0, 0, 0, 1] > 0  # gradient descent lowers what lies outside the mask …
    assert got[0, 0, 1, 0] < 0  # … and raises what lies inside and is too low
