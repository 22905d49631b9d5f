"""The losses, one pure function each; the trainer weighs them (eq. 6 and 8).

Guidance everywhere: look and ignore (B, n, H, W) in [0, 1] or bool (InputError else), for the n classes of
`classes` (B, n). A mask of zeros (or None for a whole role) means that nothing was drawn in that role. An
item with neither role is unguided and does not count. So a batch may mix guided and unguided images freely.
Means run over the guided classes of an image, then over the images that have any; when there is none the loss
is 0, still tied to the graph, with zero gradients. `look` alone: attention belongs inside. `ignore` alone: it
belongs anywhere else. Both: inside look and not in ignore.

Wrong shapes and dtypes raise InputError. Numbers must be finite even where they do not count, because their
gradient would be 0 times NaN. Values are checked on the CPU only (`gain_core.checks`).
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from gain_core.checks import ROUNDING, expect, expect_attention, expect_classes, expect_within
from gain_core.choices import RESOLUTIONS, SCORES, Resolution, Scale, Score
from gain_core.errors import InputError
from gain_core.explain.masking import scale_attention
from gain_core.imaging.resize import area_average
from gain_core.models.classifier import Classifier


class InsideOutside(NamedTuple):
    """Two unweighted losses."""

    inside: Tensor  # scalar >= 0
    outside: Tensor  # scalar >= 0; 0 when the outside predicts the uniform distribution


def classification_loss(logits: Tensor, targets: Tensor, *, multi_label: bool = False) -> Tensor:
    """L_cl of eq. 6: logits (B, C) -> scalar, the mean over images.

    Single label: targets (B,) long, cross-entropy. Multi-label: targets (B, C) in [0, 1], soft margin as in
    the paper, i.e. the mean over classes of the sigmoid's cross-entropy.
    """
    expect("logits", logits, ("B", "C"))
    if multi_label:
        expect("targets", targets, logits.shape, "any")
        targets = targets.to(logits)
        expect_within("targets", targets, 0, 1, ROUNDING)
    else:
        _expect_classes("targets", targets, logits.shape[:1], logits.shape[1])
    if multi_label:
        losses = F.binary_cross_entropy_with_logits(logits, targets, reduction="none").mean(1)
    else:
        losses = F.cross_entropy(logits, targets, reduction="none")
    return losses.sum() / max(len(losses), 1)


def attention_mining_loss(
    erased_logits: Tensor,
    classes: Tensor,
    *,
    multi_label: bool = False,
    valid: Tensor | None = None,
    score: Score = "probability",
) -> Tensor:
    """L_am = 1/n Σ_c s^c(I*^c), eq. 5: erased_logits (B, n, C) -> scalar.

    erased_logits[b, i] are those of image b with what the model sees of classes[b, i] erased. valid (B, n)
    bool: which of `classes` the image really shows (images may show different numbers). The paper does not
    say whether s is the logit or the probability; a logit has no lower bound, so that this term alone would
    drive the training, and "probability" (softmax or sigmoid) is the default. Range [0, 1] then. "logit" is
    for comparison.
    """
    expect("erased_logits", erased_logits, ("B", "n", "C"))
    _expect_classes("classes", classes, erased_logits.shape[:2], erased_logits.shape[2])
    if valid is not None:
        expect("valid", valid, classes.shape, "bool")
    if score not in SCORES:
        raise InputError(f"expected a score of {SCORES}, got {score!r}")
    if score == "logit":
        scores = erased_logits
    else:
        scores = erased_logits.sigmoid() if multi_label else erased_logits.softmax(-1)
    own = scores.gather(2, classes.unsqueeze(2)).squeeze(2)  # (B, n)
    return _mean_per_image(own, torch.ones_like(classes, dtype=torch.bool) if valid is None else valid)


def external_loss(
    attention: Tensor,
    look: Tensor | None,
    ignore: Tensor | None = None,
    *,
    scale: Scale = "max",
    detach_scale: bool = True,
    resolution: Resolution = "map",
) -> Tensor:
    """L_e = 1/n Σ_c mean((A^c − H^c)²), eq. 7: attention (B, n, h, w) >= 0 -> scalar.

    The paper leaves the scale open: H is in [0, 1], while a raw map is as large as the logits over h·w, so by
    default each map is divided by its own maximum (see `scale_attention`); "none" compares the raw map. H is
    averaged down to the map, so that a thin stroke keeps its share and no map is asked for an edge that it
    cannot draw; resolution "mask" enlarges the map bilinearly to H instead. Where only an ignore mask was
    drawn, H is 0 there and the mean runs over the ignored places alone.
    """
    if resolution not in RESOLUTIONS:
        raise InputError(f"expected a resolution of {RESOLUTIONS}, got {resolution!r}")
    expect("attention", attention, ("B", "n", "h", "w"))
    expect_attention(attention)
    look, ignore = _both_roles(look, ignore)
    scaled = scale_attention(attention, scale, detach_scale)
    if resolution == "mask":
        scaled = F.interpolate(scaled, size=look.shape[2:], mode="bilinear", align_corners=False)
    target, weight = _target_and_weight(scaled, look, ignore)
    errors = weight * (scaled - target).square()
    amount = weight.sum((2, 3))  # (B, n): h·w, or the ignored part of it
    return _mean_per_image(errors.sum((2, 3)) / _or_one(amount), amount > 0)


def signed_evidence_loss(
    evidence: Tensor,
    classes: Tensor,
    look: Tensor | None,
    ignore: Tensor | None = None,
    *,
    present: Tensor | None = None,
    detach_scale: bool = True,
) -> Tensor:
    """Eq. 7 on the evidence before its ReLU, for all C >= 2 classes: evidence (B, C, h, w) signed -> scalar.

    With s = max|E| of the image, E^c / s should be H for a guided class and 0 for every other, so that a
    shortcut cannot hide as evidence against the other classes. Mean square over the classes and places that
    count. `classes` (B, n) are those the masks belong to.

    present (B, C) bool, for multi-label data: a class that the image shows but nobody guided is left alone.
    Where only ignore masks were drawn, every class should be 0 there and is free elsewhere. detach_scale: s
    is a constant for the gradient, else one place shrinks most easily by letting the maximum grow.
    """
    expect("evidence", evidence, ("B", "C", "h", "w"))
    if evidence.shape[1] < 2:  # that of the labelled class alone hides what this loss is for
        raise InputError(f"expected evidence of all classes, at least two, got {evidence.shape[1]}")
    _expect_classes("classes", classes, (len(evidence), "n"), evidence.shape[1])
    if present is not None:
        expect("present", present, evidence.shape[:2], "bool")
    target, weight = _target_and_weight(evidence.new_zeros(*classes.shape, *evidence.shape[2:]), look, ignore)
    where = classes[..., None, None].expand_as(target)
    targets = torch.zeros_like(evidence).scatter_reduce(1, where, target, "amax")  # (B, C, h, w)
    # A guided class goes by its own masks alone; every other one by all masks of the image, which means
    # everywhere as soon as one look mask was drawn.
    own = torch.zeros_like(evidence).scatter_reduce(1, where, weight, "amax")
    others = own.amax(1, keepdim=True)  # (B, 1, h, w)
    is_guided = own.amax((2, 3)) > 0  # (B, C)
    weights = torch.where(is_guided[..., None, None], own, others)
    if present is not None:
        weights = weights * (is_guided | ~present)[..., None, None]
    extent = evidence.abs().amax((1, 2, 3), keepdim=True)
    extent = extent.detach() if detach_scale else extent
    errors = weights * (evidence / _or_one(extent) - targets).square()
    return _mean(errors.sum((1, 2, 3)) / _or_one(weights.sum((1, 2, 3))), is_guided.any(1))


def inside_outside_regions(
    look: Tensor | None, ignore: Tensor | None, size: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """Masks (B, n, H, W) -> (inside, outside), each (B, n, h, w) in [0, 1]; size: (h, w) of map or image.

    inside: look without ignore, or everything but ignore where no look mask was drawn; outside: the rest.
    Both are zero for an item without guidance. A cell on the edge belongs to both in part.
    """
    look, ignore = _both_roles(look, ignore)
    has_look, has_ignore = (mask.amax((2, 3), keepdim=True) > 0 for mask in (look, ignore))
    inside = torch.where(has_look, look, 1.0) * (1 - ignore)
    inside = area_average(torch.where(has_look | has_ignore, inside, 0.0), size)
    # What float32 leaves of 1 - 1 is no region: less than a hundredth of a pixel in any cell.
    return inside, torch.where((has_look | has_ignore) & (inside < 1 - 1e-5), 1 - inside, 0.0)


def region_logits(model: Classifier, features: Tensor, regions: Tensor) -> Tensor:
    """Logits of features (B, K, h, w) pooled over each of the regions (B, n, h, w) alone -> (B, n, C).

    For a GAP + linear head that is the weighted mean of the features under the head, in one product. Any
    other head sees the map with everything else erased, scaled up by h·w / Σ region, which is the same thing
    where both exist. An empty region gives the logits of an empty map.
    """
    expect("features", features, ("B", "K", "h", "w"))
    expect("regions", regions, (len(features), "n", *features.shape[2:]), "any")
    shares = regions / _or_one(regions.sum((2, 3), keepdim=True))  # each region sums to 1
    if model.linear_head_weights is not None:
        pooled = torch.bmm(shares.to(features).flatten(2), features.flatten(2).mT)  # (B, n, K)
        logits: Tensor = model.head(pooled.flatten(0, 1)[..., None, None])
    else:
        area = features.shape[2] * features.shape[3]
        left = features.unsqueeze(1) * shares.unsqueeze(2) * area  # (B, n, K, h, w)
        logits = model.head(left.to(features).flatten(0, 1))
    return logits.unflatten(0, regions.shape[:2])


def inside_outside_loss(
    inside_logits: Tensor,
    outside_logits: Tensor,
    inside: Tensor,
    outside: Tensor,
    classes: Tensor,
    *,
    present: Tensor | None = None,
    multi_label: bool = False,
) -> InsideOutside:
    """Features inside must predict the class; features outside must predict nothing.

    Logits (B, n, C) of the two regions (B, n, h, w), from `region_logits`, or from images with the rest
    erased (regions of the image's size). An item whose region is empty does not count in that term.

    Single label: cross-entropy with the class; cross-entropy to the uniform distribution less its floor log
    C. Multi-label: the same with independent sigmoids, mean over the class itself and those the image does
    not show (present (B, C) bool; None: all others are absent), 1 and 0 inside; outside 0.5, the sigmoid's
    "says nothing", less the floor log 2. The other classes that the image shows may lie anywhere and are left
    alone.
    """
    expect("inside_logits", inside_logits, ("B", "n", "C"))
    expect("outside_logits", outside_logits, inside_logits.shape)
    _expect_classes("classes", classes, inside_logits.shape[:2], inside_logits.shape[2])
    expect("regions", inside, (*classes.shape, "h", "w"), "any")
    expect("regions", outside, inside.shape, "any")
    if present is not None:
        expect("present", present, (len(classes), inside_logits.shape[2]), "bool")
    if multi_label:
        own = F.one_hot(classes, inside_logits.shape[2]).to(inside_logits)  # (B, n, C)
        counts = torch.ones_like(own) if present is None else torch.maximum(own, (~present[:, None]).to(own))
        counts = counts / counts.sum(2, keepdim=True)
        one_sided = F.binary_cross_entropy_with_logits(inside_logits, own, reduction="none")
        inside_losses = (one_sided * counts).sum(2)
        half = torch.full_like(own, 0.5)
        undecided = F.binary_cross_entropy_with_logits(outside_logits, half, reduction="none") - math.log(2)
        outside_losses = (undecided * counts).sum(2)
    else:
        inside_losses = F.cross_entropy(inside_logits.mT, classes, reduction="none")  # (B, n)
        outside_losses = -outside_logits.log_softmax(2).mean(2) - math.log(outside_logits.shape[2])
    return InsideOutside(
        _mean_per_image(inside_losses, inside.sum((2, 3)) > 0),
        _mean_per_image(outside_losses, outside.sum((2, 3)) > 0),
    )


def _both_roles(look: Tensor | None, ignore: Tensor | None) -> tuple[Tensor, Tensor]:
    given = look if look is not None else ignore
    if given is None:
        raise InputError("expected a look or an ignore mask, got neither")
    expect("masks", given, ("B", "n", "H", "W"), "any")
    look, ignore = (torch.zeros_like(given) if mask is None else mask for mask in (look, ignore))
    expect("ignore masks", ignore, given.shape, "any")
    return _shares(look, "look"), _shares(ignore, "ignore")


def _shares(mask: Tensor, role: str) -> Tensor:
    """A mask as floating-point numbers in [0, 1]: grey values up to 255 would count 255 times, unnoticed."""
    if mask.dtype == torch.bool:
        return mask.float()
    if not mask.is_floating_point():
        raise InputError(f"expected {role} masks as bool or floating-point numbers, got {mask.dtype}")
    expect_within(f"{role} masks", mask, 0, 1, ROUNDING)  # what averaging leaves beyond an end
    return mask


def _expect_classes(name: str, classes: Tensor, shape: Sequence[int | str], count: int) -> None:
    expect(name, classes, shape, "long")
    expect_classes(name, classes, count)


def _target_and_weight(maps: Tensor, look: Tensor | None, ignore: Tensor | None) -> tuple[Tensor, Tensor]:
    """H of eq. 7, and what each place counts: 1 with a look mask, else the ignore mask; both (B, n, h, w)."""
    look, ignore = _both_roles(look, ignore)
    if look.shape[:2] != maps.shape[:2]:
        raise InputError(f"expected masks ({maps.shape[0]}, {maps.shape[1]}, H, W), got {tuple(look.shape)}")
    has_look = look.amax((2, 3), keepdim=True) > 0
    size = (maps.shape[2], maps.shape[3])
    target = area_average((look * (1 - ignore)).to(maps), size)
    return target, torch.where(has_look, 1.0, area_average(ignore.to(maps), size))


def _or_one(amount: Tensor) -> Tensor:
    """A divisor that is safe where it would be zero."""
    return torch.where(amount > 0, amount, 1.0)


def _mean(losses: Tensor, valid: Tensor) -> Tensor:
    """Mean of the losses that are valid; 0, with its graph, when none is."""
    return torch.where(valid, losses, 0.0).sum() / valid.sum().clamp_min(1)


def _mean_per_image(losses: Tensor, valid: Tensor) -> Tensor:
    """(B, n) -> scalar: 1/n Σ_c of eq. 5 and 7 over the classes that count, then the mean over images."""
    counts = valid.sum(1)  # (B,)
    return _mean(torch.where(valid, losses, 0.0).sum(1) / counts.clamp_min(1), counts > 0)
