"""Where unguided images show background: places whose features look like what lies outside the guidance.

A few outlines say what the background of a class looks like; the class's other images show the same
background in many more ways. Only the outside is carried over: what is taken for background is background
nearly always (97 % of the chosen places of `boat_water`, measured against masks), while carrying the inside
over as well made the worst group worse (docs/decisions/0008).
"""

import torch
from torch import Tensor
from torch.nn import functional as F

_NEIGHBOURS = 5  # guided places that each place is compared with: one alone may be an odd one
_SURELY_OUTSIDE = 0.95  # least share of a cell outside the regions for it to stand for the background
_MOSTLY_INSIDE = 0.5  # least share inside them for it to stand for the object
_CHUNK = 4096  # places compared at a time: 20 guided images make 16 MB of likenesses


def background_regions(
    features: Tensor, guided: Tensor, inside: Tensor, outside: Tensor, share: float
) -> Tensor:
    """Regions (U, h, w) in {0, 1} of images with features (U, K, h, w), float32: the likely background.

    guided (G, K, h, w) are the features of images whose regions inside and outside (G, h, w), in [0, 1], are
    known. Each place is compared (cosine) with the guided places that are surely outside and with those that
    are mostly inside; it counts as background when its nearest ones outside are nearer than its nearest ones
    inside, and when it is among the `share` of its image's places that are so most clearly. Without any
    guided place that is surely outside, nothing is.
    """
    height, width = features.shape[2:]
    # An object smaller than a cell: the cell that it fills most stands for it.
    least = inside.amax((1, 2), keepdim=True).clamp_max(_MOSTLY_INSIDE)
    outer = _places(guided)[outside.flatten() >= _SURELY_OUTSIDE]
    inner = _places(guided)[((inside > 0) & (inside >= least)).flatten()]
    if len(outer) == 0 or len(inner) == 0:
        return torch.zeros_like(features[:, 0])
    margins = torch.cat(
        [_likeness(part, outer) - _likeness(part, inner) for part in _places(features).split(_CHUNK)]
    ).view(-1, height * width)
    kept = max(1, round(share * height * width))
    clear = margins >= margins.topk(kept, 1).values[:, -1:]
    return (clear & (margins > 0)).to(features).view(-1, height, width)


def _places(features: Tensor) -> Tensor:
    """(N, K, h, w) -> (N·h·w, K), each of length 1."""
    return F.normalize(features.permute(0, 2, 3, 1).flatten(0, 2), dim=1)


def _likeness(places: Tensor, known: Tensor) -> Tensor:
    """Mean cosine of each of (P, K) with its nearest ones of (Q, K): (P,)."""
    return (places @ known.T).topk(min(_NEIGHBOURS, len(known)), 1).values.mean(1)
