"""The number that a method asks of altered images, in small batches, with progress."""

from collections.abc import Callable

import torch
from torch import Tensor

from gain_core.explain.methods.method import Progress
from gain_core.models.classifier import Classifier

AT_ONCE = 4  # altered images: the largest maps of more do not fit a CPU's caches

Score = Callable[[Tensor], Tensor]  # images (B, 3, S, S) -> (B,)


def log_odds(model: Classifier, position: int) -> Score:
    """log p / (1 − p), p the probability of the class: it falls also where the model is certain."""

    def score(images: Tensor) -> Tensor:
        logits = model(images)  # (B, C)
        own = logits[:, position]
        if model.spec.multi_label or logits.shape[1] == 1:
            return own
        others = torch.cat([logits[:, :position], logits[:, position + 1 :]], 1)
        return own - others.logsumexp(1)

    return score


def probability(model: Classifier, position: int) -> Score:
    """In [0, 1]: a sigmoid in a multi-label model, else a share of the softmax."""

    def score(images: Tensor) -> Tensor:
        logits = model(images)
        shares = logits.sigmoid() if model.spec.multi_label else logits.softmax(1)
        return shares[:, position]

    return score


def counted(score: Score, total: int, on_progress: Progress) -> Score:
    """The same score, which tells how many of `total` images it has seen."""
    done = 0

    def counting(images: Tensor) -> Tensor:
        nonlocal done
        on_progress(min(done, total), total)
        done += len(images)
        return score(images)

    return counting
