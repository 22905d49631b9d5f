"""The losses of SEC: *Seed, Expand and Constrain* (Kolesnikov and Lampert, ECCV 2016, arXiv 1603.06098).

Equation numbers are those of that paper. f: probabilities (B, 1 + C, h, w), strictly between 0 and 1, of the
background (0) and of class position + 1. Its authors' code keeps them there: `floored_probabilities`.
"""

import torch
from torch import Tensor

from gain_core.checks import expect, expect_within
from gain_core.errors import InputError

VOID = 255  # of labels: this place is no seed
# The decays of eq. 4 belong to the paper's map of 41×41 places. With n places they are raised to
# 1681 / n, so that they mean the same share of an image whatever its map; at 41×41 nothing changes.
PLACES = 41 * 41
FLOOR = 1e-4  # of the authors' code


def floored_probabilities(logits: Tensor, floor: float = FLOOR) -> Tensor:
    """Softmax over dimension 1, plus `floor`, summing up to 1 again: (B, L, h, w) -> the same shape."""
    expect("logits", logits, ("B", "labels", "h", "w"))
    return (logits.softmax(1) + floor) / (1 + floor * logits.shape[1])


def seeding_loss(probabilities: Tensor, seeds: Tensor) -> Tensor:
    """L_seed, eq. 2: probabilities (B, L, h, w), seeds (B, h, w) long, labels or 255 -> scalar.

    −log f of the label of each seed, as mean over the seeds of an image, then over the images that have any;
    0 without any, still tied to the graph. On complete masks it is the pixels' cross-entropy. InputError.
    """
    _check(probabilities)
    expect("seeds", seeds, (len(probabilities), *probabilities.shape[2:]), "long")
    seeded = seeds != VOID
    labels = torch.where(seeded, seeds, 0)
    if labels.device.type == "cpu" and labels.numel():
        low, high = torch.stack(labels.aminmax()).tolist()
        if low < 0 or high >= probabilities.shape[1]:
            raise InputError(
                f"expected seeds from 0 to {probabilities.shape[1] - 1} or {VOID}, got {low} to {high}"
            )
    own = probabilities.gather(1, labels[:, None])[:, 0].log()  # (B, h, w)
    counts = seeded.sum((1, 2))  # (B,)
    per_image = -(own * seeded).sum((1, 2)) / counts.clamp_min(1)
    return per_image.sum() / (counts > 0).sum().clamp_min(1)


def rank_pooling(scores: Tensor, decay: float) -> Tensor:
    """G, eq. 3, global weighted rank pooling: (…, n) -> (…), a mean; the j-th largest weighs decay^j.

    0 gives the maximum, 1 the mean. decay: as in the paper, on 1681 places (`PLACES`).
    """
    if not 0 <= decay <= 1:
        raise InputError(f"expected a decay from 0 to 1, got {decay}")
    count = scores.shape[-1]
    base = torch.tensor(decay, dtype=scores.dtype, device=scores.device) ** (PLACES / max(count, 1))
    weights = base ** torch.arange(count, dtype=scores.dtype, device=scores.device)  # 0⁰ is 1
    return (scores.sort(-1, descending=True).values * weights).sum(-1) / weights.sum()


def expansion_loss(
    probabilities: Tensor,
    shown: Tensor,
    *,
    present: float = 0.996,
    absent: float = 0.0,
    background: float = 0.999,
) -> Tensor:
    """L_expand, eq. 4: probabilities (B, 1 + C, h, w), shown (B, C) bool -> scalar, the mean over images.

    The pooled score of each class that the image shows, and of the background, must be high, that of every
    other class low. present, absent, background: the decays d+, d− and d_bg of eq. 3; 0 pools by the maximum,
    which is the paper's d−. InputError.
    """
    _check(probabilities)
    expect("shown", shown, (len(probabilities), probabilities.shape[1] - 1), "bool")
    scores = probabilities.flatten(2)  # (B, 1 + C, n)
    classes = scores[:, 1:]
    high = -rank_pooling(classes, present).log()
    low = -(-rank_pooling(classes, absent)).log1p()
    per_image = _mean_of(high, shown) + _mean_of(low, ~shown) - rank_pooling(scores[:, 0], background).log()
    return per_image.mean()


def boundary_loss(probabilities: Tensor, refined: Tensor) -> Tensor:
    """L_constrain, eq. 5: both (B, L, h, w) -> scalar, the mean over places of KL(Q || f).

    refined: Q, what a dense CRF makes of f (`segmentation.dense_crf`); it may hold zeros. The authors' code
    clips Q / f at 0.05 and 20 and lets a gradient pass through the CRF by a rule of its own; here Q is what
    is given, and `sec_losses` gives it as a constant. InputError.
    """
    _check(probabilities)
    expect("refined", refined, tuple(probabilities.shape))
    expect_within("refined", refined, 0, 1, 1e-3)
    divergence = torch.xlogy(refined, refined) - refined * probabilities.log()
    return divergence.sum(1).mean()


def _mean_of(values: Tensor, chosen: Tensor) -> Tensor:
    """(B, C), (B, C) bool -> (B,): the mean over what is chosen; 0 where nothing is."""
    return (values * chosen).sum(1) / chosen.sum(1).clamp_min(1)


def _check(probabilities: Tensor) -> None:
    expect("probabilities", probabilities, ("B", "1 + C", "h", "w"))
    expect_within("probabilities", probabilities, 0, 1)
