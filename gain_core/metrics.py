"""Metrics: counts first, then ratios, always with n and an interval."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gain_core.errors import InputError
from gain_core.imaging.cells import cell_means

if TYPE_CHECKING:
    from torch import Tensor

_ROUNDING = 1e-3  # how far beyond [0, 1] an averaged mask may lie


@dataclass(frozen=True, slots=True)
class Count:
    """`correct` of n images were predicted right."""

    correct: int
    n: int

    @property
    def accuracy(self) -> float | None:
        """In [0, 1]; None when nothing was counted."""
        return self.correct / self.n if self.n else None


def accuracy_count(correct: Iterable[bool]) -> Count:
    """One flag per image -> how many of how many were right."""
    flags = [bool(flag) for flag in correct]
    return Count(sum(flags), len(flags))


def group_accuracy(correct: Iterable[bool], groups: Iterable[str]) -> dict[str, Count]:
    """One flag and one group name per image -> counts by group, in order of first appearance.

    InputError when the two differ in length.
    """
    flags: dict[str, list[bool]] = {}
    try:
        for flag, group in zip(correct, groups, strict=True):
            flags.setdefault(group, []).append(bool(flag))
    except ValueError as error:
        raise InputError(f"expected one group for each image: {error}") from error
    return {group: accuracy_count(members) for group, members in flags.items()}


def worst_group(counts: Mapping[str, Count], min_n: int = 20) -> tuple[str, Count] | None:
    """The group with the lowest accuracy among those of at least min_n images; None when there is none.

    Below 20 images one image moves the figure by more than five points, which says more of chance than of the
    model.
    """
    eligible = [
        (count.correct / count.n, group) for group, count in counts.items() if count.n >= max(min_n, 1)
    ]
    if not eligible:
        return None
    _, group = min(eligible)
    return group, counts[group]


def wilson_interval(correct: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson score interval of a proportion, both ends in [0, 1]; (0, 1) when n is 0: then nothing is known.

    Unlike the textbook interval it stays inside [0, 1] and is honest near 0 and 100 % and for small n.
    """
    if not (0 <= correct <= n and 0 < level < 1):
        raise InputError(f"expected 0 <= correct <= n and 0 < level < 1, got {correct}, {n}, {level}")
    if n == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + level) / 2)
    share = correct / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def attention_inside(attention: "Tensor | np.ndarray", mask: "Tensor | np.ndarray") -> float | None:
    """Share of an attention map (h, w) >= 0 that lies inside a mask (H, W) in [0, 1]; in [0, 1].

    The mask is averaged down to the map. None when the map or the mask is empty. Raises InputError for other
    shapes or values (a mask of 0 and 255, say).
    """
    values, mask_values = _map("attention", attention), _numbers("a mask", mask)
    if mask_values.size and not (mask_values.min() >= -_ROUNDING and mask_values.max() <= 1 + _ROUNDING):
        raise InputError(f"expected a mask in [0, 1], got {mask_values.min():g} to {mask_values.max():g}")
    inside = cell_means(mask_values, (values.shape[0], values.shape[1]))
    total = values.sum()
    if total <= 0 or inside.sum() <= 0:
        return None
    return float((values * inside).sum() / total)


def attention_spread(attention: "Tensor | np.ndarray") -> float | None:
    """Share of the picture that an attention map (h, w) >= 0 effectively covers, in (0, 1].

    exp(H) / (h·w) with H the entropy of the map divided by its sum: 1 for a map that is the same everywhere,
    1 / (h·w) for a single place. None when the map is zero everywhere. No guidance is needed for it; evidence
    that lies in the background is spread wider than evidence in an object. Raises InputError.
    """
    values = _map("attention", attention)
    total = values.sum()
    if total <= 0:
        return None
    shares = values[values > 0] / total
    entropy = -(shares * np.log(shares)).sum()
    return float(np.exp(entropy) / values.size)


def _map(name: str, attention: "Tensor | np.ndarray") -> NDArray[np.float64]:
    values = _numbers(name, attention)
    slack = _ROUNDING * float(np.abs(values).max(initial=0))
    if values.size and not (values.min() >= -slack and values.max() < np.inf):
        raise InputError(
            f"expected {name} as finite numbers of at least 0, got {values.min():g} to {values.max():g}"
        )
    return values.clip(min=0)


def _numbers(name: str, values: "Tensor | np.ndarray") -> NDArray[np.float64]:
    """(h, w) float64; of a tensor on any device."""
    if not isinstance(values, np.ndarray):
        values = values.detach().cpu().double().numpy()
    if values.ndim != 2:
        raise InputError(f"expected {name} (h, w), got {values.shape}")
    return values.astype(np.float64)
