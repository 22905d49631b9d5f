"""From one click to a region, in three ways; `benchmarks.outlines` compares them with a box."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gain_core.guidance.cut_and_paste import Mask, Pixels
from gain_core.guidance.grab_cut import grab_cut
from gain_core.imaging.raster import Box

SIDE = 320  # longer side of the picture that a click is answered on, pixels: as of the box
SUPERPIXELS = 400
DISC = 0.02  # radius of what is certainly object around a click, of the shorter side
RIM = 1 / 16  # of each side: certainly background

Click = tuple[float, float]


class Drawn(NamedTuple):
    """What a hand has done on one photograph, in its pixels."""

    pixels: Pixels
    truth: Mask
    box: Box
    click: Click


def by_superpixels(drawing: Drawn, near: float) -> Mask:
    small, (x, y) = shrunk(drawing)
    numbers = superpixels(small)
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).reshape(-1, 3).astype(np.float64)
    areas = np.bincount(numbers.ravel())
    colours = np.stack([np.bincount(numbers.ravel(), lab[:, axis]) for axis in range(3)], 1) / areas[:, None]
    return resized(grown(numbers, colours, areas, int(numbers[y, x]), near), drawing.truth.shape)


def superpixels(pixels: Pixels) -> NDArray[np.intp]:
    """(h, w): numbers from 0 of about `SUPERPIXELS` parts, flooded from a grid along edges."""
    height, width = pixels.shape[:2]
    step = (height * width / SUPERPIXELS) ** 0.5
    markers = np.zeros((height, width), dtype=np.int32)
    rows, columns = (np.arange(step / 2, side, step).astype(int) for side in (height, width))
    grid = np.ix_(rows, columns)
    markers[grid] = np.arange(1, len(rows) * len(columns) + 1).reshape(len(rows), -1)
    cv2.watershed(np.ascontiguousarray(cv2.GaussianBlur(pixels, (0, 0), 1.0)[:, :, ::-1]), markers)
    edges = markers < 1
    nearest = ndimage.distance_transform_edt(edges, return_distances=False, return_indices=True)
    numbers: NDArray[np.intp] = markers[nearest[0], nearest[1]].astype(np.intp) - 1
    return numbers


def grown(
    numbers: NDArray[np.intp],
    colours: NDArray[np.float64],
    areas: NDArray[np.intp],
    first: int,
    near: float,
) -> Mask:
    """The part `first` of `numbers` (h, w), and again and again the neighbour whose mean colour is nearest to
    the region's, as long as it is no farther than `near`.
    """
    pairs = np.concatenate(
        [
            np.stack([numbers[:, :-1].ravel(), numbers[:, 1:].ravel()], 1),
            np.stack([numbers[:-1].ravel(), numbers[1:].ravel()], 1),
        ]
    )
    pairs = np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)
    neighbours: dict[int, set[int]] = {}
    for one_side, other_side in pairs.tolist():
        neighbours.setdefault(one_side, set()).add(other_side)
        neighbours.setdefault(other_side, set()).add(one_side)
    region, around = {first}, set(neighbours.get(first, ()))
    total, colour = float(areas[first]), colours[first].copy()
    while around:
        waiting = sorted(around)
        distances = np.linalg.norm(colours[waiting] - colour, axis=1)
        place = int(distances.argmin())
        if distances[place] > near:
            break
        nearest = waiting[place]
        region.add(nearest)
        around = (around | neighbours[nearest]) - region
        colour = (colour * total + colours[nearest] * areas[nearest]) / (total + areas[nearest])
        total += float(areas[nearest])
    return np.isin(numbers, list(region))


def by_watershed(drawing: Drawn) -> Mask:
    small, click = shrunk(drawing)
    disc, rim = certain(small.shape[:2], click)
    markers = np.where(disc, 1, np.where(rim, 2, 0)).astype(np.int32)
    cv2.watershed(np.ascontiguousarray(cv2.GaussianBlur(small, (0, 0), 1.0)[:, :, ::-1]), markers)
    return resized(markers == 1, drawing.truth.shape)


def by_grab_cut(drawing: Drawn) -> Mask:
    small, click = shrunk(drawing)
    disc, rim = certain(small.shape[:2], click)
    trimap = np.full(small.shape[:2], cv2.GC_PR_BGD, dtype=np.uint8)
    trimap[rim] = cv2.GC_BGD
    trimap[disc] = cv2.GC_FGD
    parts, _ = ndimage.label(grab_cut(small, trimap))
    return resized(parts == parts[click[1], click[0]], drawing.truth.shape)


def certain(shape: tuple[int, ...], click: tuple[int, int]) -> tuple[Mask, Mask]:
    """The disc around a click, and the rim."""
    height, width = shape
    y, x = np.ogrid[:height, :width]
    disc = (x - click[0]) ** 2 + (y - click[1]) ** 2 <= max(2.0, DISC * min(height, width)) ** 2
    rim = np.ones((height, width), dtype=np.bool_)
    across, down = max(1, round(width * RIM)), max(1, round(height * RIM))
    rim[down : height - down, across : width - across] = False
    return disc, rim & ~disc


def shrunk(drawing: Drawn) -> tuple[Pixels, tuple[int, int]]:
    """The photograph at `SIDE`, and the pixel of it that was clicked (x, y)."""
    height, width = drawing.truth.shape
    scale = min(1.0, SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(drawing.pixels, size, interpolation=cv2.INTER_AREA)
    x, y = (min(side - 1, int(at * scale)) for at, side in zip(drawing.click, size, strict=True))
    return np.asarray(small, dtype=np.uint8), (x, y)


def resized(region: Mask, shape: Sequence[int]) -> Mask:
    height, width = shape
    larger = cv2.resize(region.astype(np.uint8) * 255, (width, height), interpolation=cv2.INTER_LINEAR)
    region_there: Mask = larger >= 128
    return region_there
