"""Settings of terms that several methods share. A method without a term has None in their place."""

from dataclasses import dataclass

from gain_core.choices import MaskingPlace, Resolution, Scale, Score
from gain_core.errors import ConfigError
from gain_core.training.settings import check_values, expect_at_least_one, expect_weight


@dataclass(frozen=True, slots=True)
class Maps:
    """How a term scales and differentiates the maps of eq. 1 and 2.

    By default each map is divided by its own maximum, so that σ and H mean the same for every model. That
    maximum is a constant for the gradient.
    """

    scale: Scale = "max"
    detach_scale: bool = True
    second_order: bool = True  # w of eq. 1 is differentiated too: the exact gradient of a loss on the map

    def __post_init__(self) -> None:
        check_values(self)


@dataclass(frozen=True, slots=True)
class Mining:
    """α L_am, eq. 3–6: without its attended places an image must not give its class. Full mode only.

    `MaskingConfig` explains σ, ω and place of eq. 4.
    """

    weight: float = 1.0  # α of eq. 6
    sigma: float = 0.5
    omega: float = 10.0
    place: MaskingPlace = "image"
    score: Score = "probability"  # s of eq. 5; a logit has no lower bound and would dominate the sum
    maps: Maps = Maps()

    def __post_init__(self) -> None:
        check_values(self)
        expect_weight(self)
        if self.omega == 0:
            raise ConfigError("omega: expected a slope above 0, got 0")


@dataclass(frozen=True, slots=True)
class External:
    """ω L_e, eq. 7 and 8: the map of a guided class should be its mask."""

    weight: float = 10.0  # ω of eq. 8
    resolution: Resolution = "map"  # "map": H averaged down to the size of A; "mask": A enlarged to H
    maps: Maps = Maps()

    def __post_init__(self) -> None:
        check_values(self)
        expect_weight(self)


@dataclass(frozen=True, slots=True)
class CounterExamples:
    """Images cut and pasted from guided ones (gain_core/guidance/composites.py, docs/decisions/0026)."""

    weight: float = 1.0  # of: a pasted object must give its class
    background_weight: float = 1.0  # of: a background with its object painted over must give no class
    batch_size: int = 16  # pasted objects per step, balanced over classes; half as many backgrounds
    per_region: int = 8  # composites per outline; 20 outlines make 160, whose features take seconds

    def __post_init__(self) -> None:
        check_values(self)
        expect_at_least_one(self, "batch_size", "per_region")
        if self.weight == self.background_weight == 0:
            raise ConfigError("weight: expected a weight above 0, got 0 for objects and for backgrounds")


# The paper's weights, α = 1 and ω = 10.
MINING, EXTERNAL = Mining(), External()
