"""Images in two dimensions: those with similar features lie together.

First along the two directions in which the features differ most (PCA), which takes no time, then by t-SNE,
which keeps neighbours together.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors

from gain_core.analysis.plane import Points

AXES = 50  # directions that are kept of the features: t-SNE compares images by these
FITTED = 6_000  # images that t-SNE arranges; every other one joins those that are most like it
PERPLEXITY = 30.0  # about how many neighbours t-SNE keeps together
_JOINED = 5  # neighbours whose mean is the place of an image that joins
_PIECE = 4_096


@dataclass(frozen=True, slots=True, eq=False)
class Axes:
    """The directions in which features differ most, the first one most of all."""

    mean: NDArray[np.float32]  # (K,)
    directions: NDArray[np.float32]  # (d, K), of length 1

    def codes(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """features (n, K) -> (n, d)."""
        return ((features - self.mean) @ self.directions.T).astype(np.float32)


def principal_axes(features: NDArray[np.float32], axes: int = AXES) -> Axes:
    """features (n, K), n >= 1. As many axes as there are directions, at least two: the rest is zero.

    The sign of an axis is that of its largest part, so that the same images lie at the same place again.
    """
    mean = features.mean(0)
    _, _, directions = np.linalg.svd(features - mean, full_matrices=False)
    directions = directions[:axes]
    largest = np.take_along_axis(directions, np.abs(directions).argmax(1)[:, None], 1)
    directions = directions * np.where(largest < 0, -1, 1)
    missing = max(0, 2 - len(directions))
    padded = np.concatenate((directions, np.zeros((missing, features.shape[1]))))
    return Axes(mean.astype(np.float32), padded.astype(np.float32))


def arranged(codes: NDArray[np.float32], seed: int = 0) -> Points:
    """t-SNE of the first 6,000 of n images, codes (n, d) in random order; the others join. (n, 2).

    Fewer than four images stay where PCA puts them. The same codes and seed give the same places.
    """
    count = len(codes)
    if count < 4:
        return codes[:, :2].copy()
    fitted = codes[:FITTED]
    perplexity = min(PERPLEXITY, (len(fitted) - 1) / 3)
    spread = float(fitted[:, 0].std()) or 1.0
    start = fitted[:, :2] / spread * 1e-4  # as PCA lays them out: the large distances are then kept, too
    tsne = TSNE(2, perplexity=perplexity, init=start.astype(np.float32), random_state=seed)
    places = tsne.fit_transform(fitted).astype(np.float32)
    if count == len(fitted):
        return places
    nearest = NearestNeighbors(n_neighbors=_JOINED).fit(fitted)
    joined = []
    for begin in range(len(fitted), count, _PIECE):
        distances, neighbours = nearest.kneighbors(codes[begin : begin + _PIECE])
        weights = 1 / np.maximum(distances, 1e-6) ** 2
        weights /= weights.sum(1, keepdims=True)
        joined.append((places[neighbours] * weights[:, :, None]).sum(1).astype(np.float32))
    return np.concatenate((places, *joined))
