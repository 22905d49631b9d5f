"""The fully connected CRF of Krähenbühl and Koltun (NIPS 2011): every place is a neighbour of every other.

Mean field with Potts compatibility and two Gaussian kernels, of place and colour, and of place alone. Their
code filters in a permutohedral lattice. Here the kernels are computed exactly, on a grid of at most
`cells` × `cells` cells; each pixel of a larger picture then gets one more update of its own, from its own
colour and place against all cells. Why this and no package: docs/decisions/0047.
"""

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from gain_core.checks import expect
from gain_core.errors import ConfigError, InputError
from gain_core.imaging.resize import area_average
from gain_core.training.settings import check_values, expect_at_least_one

_PIECE = 256  # pixels that are compared with all cells at once: they stay in a cache


@dataclass(frozen=True, slots=True)
class CrfConfig:
    """Weights and widths. ConfigError for a value out of range.

    The defaults are SEC's, which are Krähenbühl and Koltun's: 80 and 3 pixels of a VOC photograph, whose
    longer side has 500. Widths are shares of the longer side here, so that a map of 41×41 places gets what
    SEC's training has (a twelfth of both).
    """

    appearance: float = 10.0  # weight of the kernel of place and colour
    appearance_place: float = 80 / 500
    appearance_colour: float = 13.0  # of 0 to 255
    smoothness: float = 3.0  # weight of the kernel of place
    smoothness_place: float = 3 / 500
    iterations: int = 10
    cells: int = 32  # of the longer side of the grid; 48: 2.5 times as long

    def __post_init__(self) -> None:
        check_values(self)
        expect_at_least_one(self, "iterations", "cells")
        for name in ("appearance_place", "appearance_colour", "smoothness_place"):
            if getattr(self, name) == 0:
                raise ConfigError(f"{name}: expected a width above 0, got 0")


def mean_field(probabilities: Tensor, colours: Tensor, config: CrfConfig | None = None) -> Tensor:
    """Q of the CRF whose unary terms are −log of the probabilities: (B, L, h, w) -> the same shape.

    probabilities above 0, colours (B, 3, h, w) of 0 to 255. Exact on this grid: h·w squared numbers are held
    for each image in turn. Kernels are normalised symmetrically and count a place as its own neighbour, both
    as in the authors' code. Nothing is recorded for a gradient. InputError.
    """
    expect("probabilities", probabilities, ("B", "labels", "h", "w"))
    expect("colours", colours, (len(probabilities), 3, *probabilities.shape[2:]))
    config = CrfConfig() if config is None else config
    with torch.no_grad():
        fields = [
            _Field(own, seen, config).beliefs.T.view_as(own)
            for own, seen in zip(probabilities, colours, strict=True)
        ]
        return torch.stack(fields) if fields else probabilities.clone()


def refine(probabilities: Tensor, picture: Image.Image, config: CrfConfig | None = None) -> Tensor:
    """Probabilities of labels for each pixel of a picture: (L, h, w) of any size -> (L, H, W), on the CPU.

    They are enlarged bilinearly and refined along the picture's edges. InputError for another shape than
    (L, h, w), or a picture that is not RGB.
    """
    expect("probabilities", probabilities, ("labels", "h", "w"))
    if picture.mode != "RGB":
        raise InputError(f"expected an RGB picture, got mode {picture.mode!r}")
    config = CrfConfig() if config is None else config
    colours = torch.from_numpy(np.array(picture)).permute(2, 0, 1).float()  # (3, H, W)
    size = (picture.height, picture.width)
    share = min(1.0, config.cells / max(size))
    grid = (max(1, round(size[0] * share)), max(1, round(size[1] * share)))
    with torch.no_grad():
        small = _resized(probabilities.detach().float().cpu(), grid)
        field = _Field(small, area_average(colours, grid), config)
        if grid == size:
            return field.beliefs.T.reshape(-1, *size)
        large = _resized(probabilities.detach().float().cpu(), size)
        return field.of_pixels(large, colours)


class _Field:
    """The field of one image after its last update; `beliefs` (n, L) sum up to 1 in each row."""

    def __init__(self, probabilities: Tensor, colours: Tensor, config: CrfConfig) -> None:
        """probabilities (L, h, w), colours (3, h, w)."""
        self._config = config
        self._grid = (colours.shape[1], colours.shape[2])
        unary = _rows(probabilities).log()
        self._near = _appearance(colours, config)  # (n, 5)
        near, scale = _normalised(self._near)
        self._scale = scale  # (n,), 1 / √(sum of a row)
        close, _ = _normalised(_places(self._grid).to(colours) / config.smoothness_place)
        kernel = near.mul_(config.appearance).add_(close, alpha=config.smoothness)  # (n, n)
        beliefs = unary.softmax(1)
        for _ in range(config.iterations):
            beliefs = (unary + kernel @ beliefs).softmax(1)  # Potts: agreement with neighbours counts
        self.beliefs = beliefs

    def of_pixels(self, probabilities: Tensor, colours: Tensor) -> Tensor:
        """One more update, of each pixel of the whole picture: (L, H, W), (3, H, W) -> (L, H, W)."""
        messages = _rows(probabilities).log() + self._config.smoothness * self._blurred(
            (colours.shape[1], colours.shape[2])
        )
        near = _appearance(colours, self._config)
        # The last column adds up a row of the kernel in the same product.
        spoken = torch.cat([self._scale[:, None] * self.beliefs, torch.ones_like(self._scale)[:, None]], 1)
        for start in range(0, len(messages), _PIECE):
            heard = _gauss(near[start : start + _PIECE], self._near) @ spoken  # (pixels, L + 1)
            # A pixel far from every cell has a row of zeros, and hears nothing.
            own = heard[:, -1:].clamp_min(1e-12).rsqrt()
            messages[start : start + _PIECE] += self._config.appearance * own * heard[:, :-1]
        return messages.softmax(1).T.reshape(probabilities.shape)

    def _blurred(self, size: tuple[int, int]) -> Tensor:
        """Means of the beliefs around each pixel, weighted by the kernel of place: (H·W, L).

        Rows are divided by their sums: away from the border that is the symmetric normalisation. The kernel
        is at least half a cell wide, or the pixels in a cell's middle would hear more than those at its
        edge.
        """
        longer, cell = max(size), 1 / max(self._grid)
        width = max(self._config.smoothness_place, cell / 2)
        weights = []
        for pixels, cells in zip(size, self._grid, strict=True):
            at = (torch.arange(pixels, device=self.beliefs.device) + 0.5) / longer
            of = (torch.arange(cells, device=self.beliefs.device) + 0.5) * (pixels / longer / cells)
            rows = _gauss(at[:, None] / width, of[:, None] / width).to(self.beliefs)
            weights.append(rows / rows.sum(1, keepdim=True))
        rows, columns = weights
        planes = rows @ self.beliefs.T.reshape(-1, *self._grid) @ columns.T  # (L, H, W)
        return planes.flatten(1).T


def _appearance(colours: Tensor, config: CrfConfig) -> Tensor:
    """Places and colours (3, h, w) in units of their widths: (h·w, 5)."""
    places = _places((colours.shape[1], colours.shape[2])).to(colours)
    near = (places / config.appearance_place, colours.flatten(1).T / config.appearance_colour)
    return torch.cat(near, 1)


def _places(size: tuple[int, int]) -> Tensor:
    """Middles of all places (h·w, 2), y and x, as shares of the longer side."""
    y, x = ((torch.arange(side, dtype=torch.float64) + 0.5) / max(size) for side in size)
    return torch.stack(torch.meshgrid(y, x, indexing="ij")).flatten(1).T


def _normalised(features: Tensor) -> tuple[Tensor, Tensor]:
    """The symmetrically normalised kernel of all pairs (n, n), and 1 / √(sum of each row) (n,)."""
    kernel = _gauss(features, features)
    scale = kernel.sum(1).rsqrt()
    return kernel.mul_(scale[:, None]).mul_(scale), scale


def _gauss(left: Tensor, right: Tensor) -> Tensor:
    """exp(−½ |a − b|²) of all pairs: (n, d), (m, d) -> (n, m).

    Not less than e⁻⁶⁰: numbers too small for float32's usual form take ten times as long.
    """
    ones, others = torch.ones_like(left[:, :1]), torch.ones_like(right[:, :1])
    left = torch.cat([left, left.square().sum(1, keepdim=True) / -2, ones], 1)
    right = torch.cat([right, others, right.square().sum(1, keepdim=True) / -2], 1)
    return (left @ right.T).clamp_min_(-60.0).exp_()


def _rows(probabilities: Tensor) -> Tensor:
    """(L, h, w) -> (h·w, L), above 0 for the logarithm."""
    return probabilities.flatten(1).T.clamp_min(1e-8)


def _resized(probabilities: Tensor, size: tuple[int, int]) -> Tensor:
    """(L, h, w) -> (L, H, W): enlarged bilinearly, made smaller by averages."""
    if size[0] < probabilities.shape[1] or size[1] < probabilities.shape[2]:
        return area_average(probabilities, size)
    return F.interpolate(probabilities[None], size=size, mode="bilinear", align_corners=False)[0]
