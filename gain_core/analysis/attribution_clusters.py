"""Attribution clusters: images of one predicted class that the model decides by similar evidence.

The features that the model used are compared, not the images: boats recognised by the open sea, ducks taken
for boats because of a pond. A shortcut shows as a cluster of its own.
"""

from collections import Counter

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from torch import Tensor

MOST_GROUPS = 6  # of one class: nobody looks through more
LEAST_PER_GROUP = 10  # images, on average: fewer are outliers, not a pattern
FITTED = 2000  # images that the groups are made from; every other one joins the nearest
JUDGED = 1000  # images that are compared pair by pair to judge how far the groups stand apart

# Mean silhouette (-1 … 1) from which groups stand apart. One blob in ten directions among 1280 channels
# gives 0.07 when it is cut in two; photographs with a shortcut gave 0.13 and more.
CLEAR = 0.1

STARTS = 4  # of k-means, from different centres: the best one counts
_PIECE = 4096  # images compared with the centres at once


def evidence_features(features: Tensor, attention: Tensor) -> Tensor:
    """The features that the model used: Σ A f / Σ A over places, scaled to length 1.

    features (B, K, h, w), attention (B, h, w) >= 0 -> (B, K). Rows of empty or infinite maps are
    zero.
    """
    weighed = torch.einsum("bkhw,bhw->bk", features, attention)  # Σ A is lost again when scaled
    return torch.nn.functional.normalize(weighed, dim=1).nan_to_num(0, 0, 0)


def evidence_groups(vectors: Tensor, seed: int = 0) -> list[int | None]:
    """The evidence group of each image of one predicted class: evidence features (n, K) -> n numbers.

    Groups are numbered from 0, the largest first. All are in group 0 when no clustering is clear enough or
    there are too few images; None for a row of zeros. The same vectors and seed give the same groups.
    """
    present = vectors.any(dim=1)
    seen = vectors[present]
    if len(seen) == 0:
        return [None] * len(vectors)
    shuffled = torch.randperm(len(seen), generator=torch.Generator().manual_seed(seed))
    centres = _centres(seen[shuffled[:FITTED]].float().numpy(), seed)
    nearest = [torch.cdist(piece.float(), centres).argmin(1) for piece in seen.split(_PIECE)]
    joined = torch.cat(nearest).tolist()
    largest_first = {centre: number for number, (centre, _) in enumerate(Counter(joined).most_common())}
    numbers = (largest_first[centre] for centre in joined)
    return [next(numbers) if there else None for there in present.tolist()]


def _centres(vectors: NDArray[np.float32], seed: int) -> Tensor:
    """(m, K), shuffled -> (k, K) float32: the centres with the best silhouette, else one centre."""
    best, chosen = CLEAR, vectors[:1]
    distinct = len(np.unique(vectors, axis=0))
    for count in range(2, min(MOST_GROUPS, len(vectors) // LEAST_PER_GROUP, distinct) + 1):
        fitted = KMeans(count, n_init=STARTS, random_state=seed).fit(vectors)
        labels = fitted.labels_[:JUDGED]
        if 1 < len(set(labels)) < len(labels):  # else nothing can be compared
            score = float(silhouette_score(vectors[:JUDGED], labels))
            if score > best:
                best, chosen = score, fitted.cluster_centers_
    return torch.from_numpy(chosen)
