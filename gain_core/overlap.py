"""How far an image's label may be trusted: as far as its background does not give the class away.

Where every boat is on open water and nothing else is, the label of another boat on water teaches water as
much as boats. The label of a boat in a shed, or of a duck on water, teaches what boats look like. Overlap
weights (Li, Morgan and Zaslavsky, JASA 2018, doi 10.1080/01621459.2016.1260466) say so in one number for each
image, 1 − p(class | background): zero where a background shows one class alone, largest where an image stands
against the rule. With these weights each kind of background holds as much of a class as of all others.
"""

import torch
from sklearn.cluster import KMeans
from torch import Tensor

from gain_core.evidence_groups import evidence_features

_STARTS = 4  # of k-means, from different centres: the best one counts


def label_weights(
    features: Tensor, backgrounds: Tensor, shown: Tensor, guided_classes: Tensor, seed: int
) -> Tensor:
    """What the label of each image counts for: (N,) float32 >= 0.

    features (N, K, h, w); backgrounds (N, h, w) in {0, 1} from `background_regions`; shown (N, C) bool: the
    classes of each image; guided_classes (C,) bool. For guided classes these are overlap weights over their
    mean, so that labels teach as much in all, however few may be trusted. A class without guidance counts
    fully: nothing else teaches it. An image without a known background counts for nothing there.
    """
    described = evidence_features(features, backgrounds)
    known = described.any(1)
    overlap = torch.zeros(shown.shape)
    if known.any():
        kinds = background_kinds(described[known], int(shown.any(0).sum()) + 1, seed)
        overlap[known] = overlap_weights(kinds, shown[known])
    counted = shown & guided_classes
    mean = overlap[counted].mean() if counted.any() else torch.ones(())
    weights = torch.where(guided_classes, overlap / mean.clamp_min(1e-6), 1.0)
    return (weights * shown).sum(1) / shown.sum(1)


def background_kinds(described: Tensor, most: int, seed: int) -> Tensor:
    """Which kind of background each image has, at most `most` kinds: rows (N, K) -> (N,) long.

    One kind more than there are classes tells whether each class has a background of its own; many more
    would tell the images apart by the objects that their features have seen beside the background.
    """
    rows = described.float().numpy()
    count = min(most, len(described.unique(dim=0)))
    return torch.from_numpy(KMeans(count, n_init=_STARTS, random_state=seed).fit(rows).labels_).long()


def overlap_weights(kinds: Tensor, shown: Tensor) -> Tensor:
    """2 (1 − p(class | kind)), every class as frequent as all others: (N,) long, (N, C) bool -> (N, C).

    0: the kind of background shows that class alone; 1: it says nothing; 2: it shows all others.
    """
    classes = shown.any(0)
    in_kind = torch.nn.functional.one_hot(kinds).float()  # (N, Q)
    share = in_kind.T @ shown.float() / shown.sum(0).clamp_min(1)  # (Q, C): of a class's images
    others = (share.sum(1, keepdim=True) - share) / (classes.sum() - 1).clamp_min(1)
    return 2 * (1 - share / (share + others).clamp_min(1e-9))[kinds]
