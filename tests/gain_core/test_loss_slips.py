"""What would give a wrong number unnoticed: masks of other values, shapes that broadcast, mistyped names."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from gain_core.errors import InputError
from gain_core.losses.guidance import (
    attention_mining_loss,
    classification_loss,
    external_loss,
    inside_outside_loss,
    inside_outside_regions,
    region_logits,
    signed_evidence_loss,
)
from tests.gain_core.tiny import LEFT, maps, tiny_model

GUIDANCE = [
    lambda mask: external_loss(torch.ones(1, 1, 2, 2), mask),
    lambda mask: external_loss(torch.ones(1, 1, 2, 2), None, mask),
    lambda mask: signed_evidence_loss(torch.ones(1, 2, 2, 2), torch.tensor([[0]]), mask),
    lambda mask: torch.cat(inside_outside_regions(mask, None, (2, 2))).sum(),
]


@pytest.mark.parametrize("loss", GUIDANCE)
@pytest.mark.parametrize("wrong", [255.0, -1.0, math.nan])
def test_masks_beyond_0_to_1_are_refused(loss: Callable[[Tensor], Tensor], wrong: float) -> None:
    with pytest.raises(InputError, match=r"masks in \[0, 1\], got"):
        loss(maps([LEFT]) * wrong)
    with pytest.raises(InputError, match=r"masks as bool or floating-point numbers, got torch\.uint8"):
        loss(maps([LEFT]).byte())


@pytest.mark.parametrize("loss", GUIDANCE)
def test_what_averaging_leaves_beyond_one_is_no_error(loss: Callable[[Tensor], Tensor]) -> None:
    torch.testing.assert_close(loss(maps([LEFT]) * (1 + 1e-6)), loss(maps([LEFT])))


@pytest.mark.parametrize("loss", GUIDANCE)
def test_a_mask_may_be_bool(loss: Callable[[Tensor], Tensor]) -> None:
    assert loss(maps([LEFT]).bool()) == loss(maps([LEFT]))


def test_slips_of_shapes_and_names_are_refused() -> None:
    logits, classes = torch.zeros(2, 3, 4), torch.zeros(2, 3, dtype=torch.long)
    for fewer in (classes[:, :1], classes[:1]):
        with pytest.raises(InputError, match=r"expected classes \(2, 3\)"):
            attention_mining_loss(logits, fewer)
    with pytest.raises(InputError, match=r"expected valid \(2, 3\), got \(2, 1\)"):
        attention_mining_loss(logits, classes, valid=torch.ones(2, 1, dtype=torch.bool))
    with pytest.raises(InputError, match="got 'prob'"):
        attention_mining_loss(logits, classes, score="prob")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="got 'image'"):
        external_loss(torch.zeros(1, 1, 2, 2), maps([LEFT]), resolution="image")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="got 'mx'"):
        external_loss(torch.zeros(1, 1, 2, 2), maps([LEFT]), scale="mx")  # type: ignore[arg-type]
    regions = torch.ones(2, 3, 2, 2)
    with pytest.raises(InputError, match=r"expected regions \(2, 3, h, w\), got \(2, 1, 2, 2\)"):
        inside_outside_loss(logits, logits, regions[:, :1], regions, classes)
    with pytest.raises(InputError, match=r"expected regions \(2, 3, 2, 2\), got \(2, 3, 1, 2\)"):
        inside_outside_loss(logits, logits, regions, regions[:, :, :1], classes)
    with pytest.raises(InputError, match=r"expected classes \(2, 3\)"):
        inside_outside_loss(logits, logits, regions, regions, classes[:, :1])
    with pytest.raises(InputError, match="expected outside_logits"):
        inside_outside_loss(logits, logits[:, :1], regions, regions, classes)


ONES = torch.ones(2, 3, 2, 2)
CLASSES = torch.tensor([[0], [1]])


@pytest.mark.parametrize(
    ("loss", "shape"),
    [
        (lambda flags: attention_mining_loss(torch.zeros(2, 1, 3), CLASSES, valid=flags), (2, 1)),
        (lambda flags: signed_evidence_loss(ONES, CLASSES, ONES[:, :1], present=flags), (2, 3)),
        (
            lambda flags: inside_outside_loss(
                *(torch.zeros(2, 1, 3),) * 2, *(ONES[:, :1],) * 2, CLASSES, present=flags, multi_label=True
            ),
            (2, 3),
        ),
    ],
)
def test_what_says_yes_or_no_must_be_bool(loss: Callable[[Tensor], Tensor], shape: tuple[int, int]) -> None:
    """`~1` is −2: the losses of numbers would be any, and below zero."""
    loss(torch.ones(shape, dtype=torch.bool))
    for kind in (torch.float32, torch.int64, torch.uint8):
        with pytest.raises(InputError, match=r"expected (valid|present) of dtype bool, got torch\."):
            loss(torch.ones(shape, dtype=kind))
    with pytest.raises(InputError, match=r"expected (valid|present) \(2, [13]\), got \(2, 2\)"):
        loss(torch.ones(2, 2, dtype=torch.bool))


@pytest.mark.parametrize("targets", [[0, -100], [0, -1], [0, 3], [0.0, 1.0]])
def test_targets_that_name_no_class_are_refused(targets: list[float]) -> None:
    """−100 is torch's own word for "ignore": the loss would be divided by an image that does not count."""
    with pytest.raises(InputError, match=r"expected targets (from 0 to 2|of dtype long), got"):
        classification_loss(torch.zeros(2, 3), torch.tensor(targets))


@pytest.mark.parametrize("wrong", [255.0, -1.0, math.nan])
def test_targets_of_several_classes_beyond_0_to_1_are_refused(wrong: float) -> None:
    with pytest.raises(InputError, match=r"expected targets in \[0, 1\], got"):
        classification_loss(torch.zeros(2, 3), torch.full((2, 3), wrong), multi_label=True)


@pytest.mark.parametrize("wrong", [CLASSES + 2, CLASSES - 1, CLASSES.int(), CLASSES.float(), [[0], [1]]])
@pytest.mark.parametrize(
    "loss",
    [
        lambda classes: attention_mining_loss(torch.zeros(2, 1, 3), classes),
        lambda classes: signed_evidence_loss(ONES, classes, ONES[:, :1]),
        lambda classes: inside_outside_loss(*(torch.zeros(2, 1, 3),) * 2, *(ONES[:, :1],) * 2, classes),
    ],
)
def test_classes_that_there_are_not_are_refused(loss: Callable[[Tensor], Tensor], wrong: Tensor) -> None:
    with pytest.raises(InputError, match=r"expected classes (from 0 to 2|of dtype long|as a tensor), got"):
        loss(wrong)


@pytest.mark.parametrize(
    "call",
    [
        lambda: signed_evidence_loss(ONES[:1], CLASSES, ONES[:, :1]),  # evidence of another batch
        lambda: signed_evidence_loss(ONES[:, :1], CLASSES, ONES[:, :1]),  # of the guided classes alone
        lambda: inside_outside_loss(*(torch.zeros(2, 1, 3),) * 2, *(torch.ones(2, 1),) * 2, CLASSES),
        lambda: external_loss(ONES[:, 0], ONES[:, :1]),
        lambda: external_loss(ONES, [1]),  # type: ignore[arg-type]
        lambda: classification_loss(torch.zeros(3), torch.tensor([0, 1, 2])),
        *(
            lambda regions=regions: region_logits(tiny_model(), torch.zeros(2, 4, 2, 2), regions)
            for regions in (torch.ones(2, 1, 4, 4), ONES[:1], ONES[:, 0])
        ),
    ],
)
def test_other_shapes_are_refused(call: Callable[[], object]) -> None:
    with pytest.raises(InputError, match="expected"):
        call()


def test_evidence_of_the_labelled_class_alone_is_no_evidence_of_all_classes() -> None:
    """What `explain` gives when it is asked for the labels' classes; with labels of 0 it would fit."""
    with pytest.raises(InputError, match="expected evidence of all classes, at least two, got 1"):
        signed_evidence_loss(ONES[:, :1], torch.zeros(len(ONES), 1, dtype=torch.long), ONES[:, :1])


def test_signed_evidence_without_any_class_to_guide_is_nothing_with_a_graph() -> None:
    evidence = torch.ones(2, 3, 2, 2, requires_grad=True)
    loss = signed_evidence_loss(evidence, torch.empty(2, 0, dtype=torch.long), torch.empty(2, 0, 4, 4))
    loss.backward()
    assert loss == 0
    assert evidence.grad is not None
    assert not evidence.grad.any()


@pytest.mark.parametrize("curved", [False, True])
@pytest.mark.parametrize("kind", [torch.bool, torch.float32, torch.float64])
def test_regions_may_be_bool_or_of_another_precision_than_the_model(curved: bool, kind: torch.dtype) -> None:
    model, features = tiny_model(curved), torch.rand(1, 4, 2, 2, dtype=torch.float64)
    expected = region_logits(model, features, maps([LEFT]).double())
    torch.testing.assert_close(region_logits(model, features, maps([LEFT]).to(kind)), expected)
