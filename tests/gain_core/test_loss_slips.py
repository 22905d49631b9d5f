"""What would give a wrong number unnoticed: masks of other values, shapes that broadcast, mistyped names."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from gain_core.errors import InputError
from gain_core.losses import (
    attention_mining_loss,
    classification_loss,
    external_loss,
    inside_outside_loss,
    inside_outside_regions,
    signed_evidence_loss,
)
from tests.gain_core.tiny import LEFT, maps

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
    with pytest.raises(InputError, match=r"expected weights \(2,\), got \(2, 1\)"):
        classification_loss(logits[:, 0], classes[:, 0], weights=torch.ones(2, 1))
    with pytest.raises(InputError, match="got 'image'"):
        external_loss(torch.zeros(1, 1, 2, 2), maps([LEFT]), resolution="image")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="got 'mx'"):
        external_loss(torch.zeros(1, 1, 2, 2), maps([LEFT]), scale="mx")  # type: ignore[arg-type]
    regions = torch.ones(2, 3, 2, 2)
    with pytest.raises(InputError, match=r"expected regions \(B, n, h, w\)"):
        inside_outside_loss(logits, logits, regions[:, :1], regions, classes)
    with pytest.raises(InputError, match=r"expected classes \(2, 3\)"):
        inside_outside_loss(logits, logits, regions, regions, classes[:, :1])
    with pytest.raises(InputError, match="expected outside_logits"):
        inside_outside_loss(logits, logits[:, :1], regions, regions, classes)
