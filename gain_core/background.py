"""Where unguided images show background: places whose features look like what lies outside the guidance.

A few outlines say what the background of a class looks like; the class's other images show the same
background in many more ways, and so do those of classes that nobody drew on. Only the outside is carried
over: what is taken for background is background nearly always (97 % of the chosen places of `boat_water`,
measured against masks; 88 to 95 % in a class left alone, docs/decisions/0021), while carrying the inside over
as well made the worst group worse (docs/decisions/0008).
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from gain_core.errors import InputError
from gain_core.expected import expect
from gain_core.losses import inside_outside_regions

_NEIGHBOURS = 5  # guided places that each place is compared with: one alone may be an odd one
_SURELY_OUTSIDE = 0.95  # least share of a cell outside the regions for it to stand for the background
_MOSTLY_INSIDE = 0.5  # least share inside them for it to stand for the object
_REMEMBERED = 2048  # guided places of either kind that stand for all; a few outlines have no more
_CHUNK = 4096  # places compared at a time: 32 MB of likenesses


def background_of_guided(features: Tensor, guided: Tensor, masks: Tensor, share: float) -> Tensor:
    """The likely background of images with features (U, K, h, w), by guided ones: (U, h, w) in {0, 1}.

    guided (G, K, h, w): the guided images' features; masks (G, n, 2, h, w): look and ignore of each class, at
    the features' size (`guidance_maps`, or `area_average`). share: of an image's places, in (0,
    1], at most. How: `background_regions`. Raises InputError.
    """
    expect("features", features, ("U", "K", "h", "w"))
    expect("guided", guided, ("G", *features.shape[1:]))
    expect("masks", masks, (len(guided), "n", 2, *features.shape[2:]), "any")
    if not 0 < share <= 1:
        raise InputError(f"expected a share in (0, 1], got {share}")
    look, ignore = masks[:, :, 0], masks[:, :, 1]
    inside, outside = inside_outside_regions(look, ignore, (masks.shape[3], masks.shape[4]))
    outside = torch.where(outside.amax((2, 3), keepdim=True) > 0, outside, 1.0).amin(1)
    # An *ignore this* smaller than a place: the place that it fills most stands for it. What merely lies
    # outside a *look here* does not: a place half full of an object is no background.
    meant = (ignore.amax((1, 2, 3)) > 0)[:, None, None]
    outside = torch.where(meant, outside / outside.amax((1, 2), keepdim=True).clamp_min(1e-6), outside)
    # The object of any class is no background.
    return background_regions(features, guided, inside.amax(1), outside, share)


def guided_for(labels: Tensor, masks: Tensor, count: int) -> Tensor:
    """Which of `count` classes have guidance of either role: as `only_ignored`."""
    return _drawn_for(labels, masks, count).any(0)


def only_ignored(labels: Tensor, masks: Tensor, count: int) -> Tensor:
    """Which of `count` classes are guided by *ignore this* alone: labels (G, n) long, masks (G, n, 2, h, w)
    -> (count,) bool.
    """
    looked, ignored = _drawn_for(labels, masks, count)
    return ignored & ~looked


def _drawn_for(labels: Tensor, masks: Tensor, count: int) -> Tensor:
    """(2, count) bool: whether anything was drawn for a class, in either role."""
    drawn = (masks.amax((3, 4)) > 0).flatten(0, 1)  # (G·n, 2)
    found = torch.zeros(2, count, dtype=torch.bool)
    for role, where in zip(found, drawn.T, strict=True):
        role[labels.flatten()[where]] = True
    return found


def background_regions(
    features: Tensor, guided: Tensor, inside: Tensor, outside: Tensor, share: float
) -> Tensor:
    """Regions (U, h, w) in {0, 1} of images with features (U, K, h, w), float32: the likely background.

    guided (G, K, h, w) are the features of images whose regions inside and outside (G, h, w), in [0, 1], are
    known. Each place is compared (cosine) with the guided places that are surely outside and with those that
    are mostly inside; it counts as background when its nearest ones outside are nearer than its nearest ones
    inside, and when it is among the `share` of its image's places that are so most clearly. Without any
    guided place that is surely outside, or without any of the other kind, nothing is.
    """
    height, width = features.shape[2:]
    # An object smaller than a cell: the cell that it fills most stands for it.
    least = inside.amax((1, 2), keepdim=True).clamp_max(_MOSTLY_INSIDE)
    is_outer = outside >= _SURELY_OUTSIDE
    outer = _chosen(guided, is_outer)
    inner = _chosen(guided, (inside > 0) & (inside >= least) & ~is_outer)
    if len(outer) == 0 or len(inner) == 0:
        return torch.zeros_like(features[:, 0])
    margins = torch.cat(
        [_likeness(part, outer) - _likeness(part, inner) for part in _places(features).split(_CHUNK)]
    ).view(-1, height * width)
    kept = max(1, round(share * height * width))
    clear = margins >= margins.topk(kept, 1).values[:, -1:]
    return (clear & (margins > 0)).to(features).view(-1, height, width)


def _chosen(guided: Tensor, where: Tensor) -> Tensor:
    """The guided places where (G, h, w) bool, each of length 1: (Q, K); of many, a part of all images."""
    chosen = where.flatten().nonzero()[:, 0]
    spread = torch.linspace(0, len(chosen) - 1, min(len(chosen), _REMEMBERED)).long()
    return F.normalize(guided.permute(0, 2, 3, 1).flatten(0, 2)[chosen[spread]], dim=1)


def _places(features: Tensor) -> Tensor:
    """(N, K, h, w) -> (N·h·w, K), each of length 1."""
    return F.normalize(features.permute(0, 2, 3, 1).flatten(0, 2), dim=1)


def _likeness(places: Tensor, known: Tensor) -> Tensor:
    """Mean cosine of each of (P, K) with its nearest ones of (Q, K): (P,)."""
    return (places @ known.T).topk(min(_NEIGHBOURS, len(known)), 1).values.mean(1)
