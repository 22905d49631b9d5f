"""What an image's background already says of its class, so that its label teaches no more than the rest.

Where every boat is on open water and nothing else is, the label of another boat on water teaches water as
much as boats. A product of experts (Clark, Yatskar and Zettlemoyer, EMNLP 2019, arXiv 1909.03683) lets a
second opinion, which knows the background alone, answer together with the network: log p(class | background)
is added to the logits while a label teaches. Where the background gives the class away nothing is left to
learn, and classes that never have this background are no rivals; an image against the rule teaches most.
"""

from typing import NamedTuple

import torch
from sklearn.cluster import KMeans
from torch import Tensor

from gain_core.evidence_groups import STARTS, evidence_features

_UNSEEN = 0.001  # share of its images that a class may have on a background where none was seen
_MOST = 25.0  # what a label counts for at most: with no image against the rule, labels must not count


class Expert(NamedTuple):
    """What goes with the labels of N images."""

    offsets: Tensor  # (N, C) float32: what the background says, to be added to the logits
    weights: Tensor  # (N,) float32 >= 0: what each label counts for
    # In [0, 1]: how far backgrounds give the classes away. 1: labels have nothing left to teach, and count
    # for the most; where they have, it is less in proportion. 0: no background is known.
    given_away: float


def background_expert(
    features: Tensor,
    backgrounds: Tensor,
    shown: Tensor,
    guided_classes: Tensor,
    seed: int,
    *,
    everywhere: bool = False,
    multi_label: bool = False,
) -> Expert:
    """features (N, K, h, w); backgrounds (N, h, w) in {0, 1} from `background_regions`; shown (N, C) bool:
    the classes of each image; guided_classes (C,) bool.

    Labels of guided classes count 1 / mean(1 − p(class | background)), 25 at most: as much in all, however
    little their backgrounds leave to learn; with `everywhere` those of all classes. A class without guidance
    counts as it is where its background is not known: nothing else teaches it. An image of a guided class
    without a known background does not count.
    """
    described = evidence_features(features, backgrounds)
    known = described.any(1)
    guided = (shown & guided_classes).any(1)
    counted = known if everywhere else known & guided
    offsets, weights = torch.zeros(shown.shape), (~guided).float()
    if not counted.any():
        return Expert(offsets, weights, 0.0)
    kinds = background_kinds(described[known], int(shown.any(0).sum()) + 1, seed)
    shares = class_shares(kinds, shown[known])
    chances = torch.zeros(shown.shape)
    chances[known] = shares / shares.sum(1, keepdim=True)
    left = 1 - (chances * shown).sum(1) / shown.sum(1)
    weight = (1 / left[counted].mean()).clamp_max(_MOST)
    weights[counted] = weight
    if multi_label:  # each class against the mean of the others
        others = (shares.sum(1, keepdim=True) - shares) / max(1, shares.shape[1] - 1)
        offsets[known] = shares.log() - others.log()
    else:
        offsets[known] = chances[known].log()
    return Expert(torch.where(counted[:, None], offsets, 0.0), weights, float(weight) / _MOST)


def levelled(weights: Tensor, shown: Tensor, only_ignored: Tensor, level: float) -> Tensor:
    """Label weights (N,) of images that show a class beside those `only_ignored` (C,), times `level`; shown
    (N, C) bool.

    An image in which people only said what to ignore must give its class as a whole, and so must all others
    of that class: next to one label for each of the rest, these would teach foremost how frequent the class
    is, and it would be seen wherever nothing speaks (docs/decisions/0021).
    """
    if not only_ignored.any():
        return weights
    return torch.where((shown & ~only_ignored).any(1), weights * level, weights)


def background_kinds(described: Tensor, most: int, seed: int) -> Tensor:
    """Which kind of background each image has, at most `most` kinds: rows (N, K) -> (N,) long.

    One kind more than there are classes tells whether each class has a background of its own; many more
    would tell the images apart by the objects that their features have seen beside the background.
    """
    rows = described.float().numpy()
    count = min(most, len(described.unique(dim=0)))
    return torch.from_numpy(KMeans(count, n_init=STARTS, random_state=seed).fit(rows).labels_).long()


def class_shares(kinds: Tensor, shown: Tensor) -> Tensor:
    """Of each class, the share of its images with the background of image n: (N,) long, (N, C) bool ->
    (N, C) above 0. How frequent a class is makes no difference.
    """
    in_kind = torch.nn.functional.one_hot(kinds).float()  # (N, Q)
    shares: Tensor = in_kind.T @ shown.float() / shown.sum(0).clamp_min(1)  # (Q, C)
    return shares[kinds] + _UNSEEN
