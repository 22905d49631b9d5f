"""Pieces of an image of similar colour: what LIME hides and shows. Needs no torch."""

import numpy as np
from numpy.typing import NDArray

COMPACTNESS = 10.0  # difference of colour, in Lab, that weighs as much as the distance of two centres


def superpixels(picture: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """(3, S, S) RGB in [0, 1] -> (S, S): the number of its piece, from 0 without gaps; about `count` pieces.

    SLIC (Achanta et al., 2012) without its search window: k-means on colour (Lab) and place, from a grid of
    centres; always the same for the same picture.
    """
    import cv2
    from sklearn.cluster import KMeans

    side = picture.shape[1]
    across = max(1, round(count**0.5))
    colours = cv2.cvtColor(np.ascontiguousarray(picture.transpose(1, 2, 0)), cv2.COLOR_RGB2LAB)
    places = np.moveaxis(np.mgrid[0:side, 0:side], 0, 2).astype(np.float32) * (COMPACTNESS * across / side)
    points = np.concatenate([colours, places], 2)  # (S, S, 5)
    middle = ((np.arange(across) + 0.5) * side / across).astype(int)
    centres = points[np.ix_(middle, middle)].reshape(-1, 5)
    clusters = KMeans(len(centres), init=centres, n_init=1, max_iter=10).fit_predict(points.reshape(-1, 5))
    numbers: NDArray[np.int64] = np.unique(clusters, return_inverse=True)[1].reshape(side, side)
    return numbers.astype(np.int64)
