"""Named options for what the paper leaves open. Without torch, so that settings load fast."""

from typing import Literal, get_args

Scale = Literal["max", "min_max", "none"]
Score = Literal["probability", "logit"]
Resolution = Literal["map", "mask"]
MaskingPlace = Literal["image", "map"]

SCALES: tuple[Scale, ...] = get_args(Scale)
SCORES: tuple[Score, ...] = get_args(Score)
RESOLUTIONS: tuple[Resolution, ...] = get_args(Resolution)
MASKING_PLACES: tuple[MaskingPlace, ...] = get_args(MaskingPlace)
