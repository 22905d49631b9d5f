"""The settings of terms that several methods share. A term that is left out has none."""

from dataclasses import dataclass

from gain_core.choices import MaskingPlace, Resolution, Scale, Score
from gain_core.errors import ConfigError
from gain_core.training.settings import check_values, expect_at_least_one, expect_weight


@dataclass(frozen=True, slots=True)
class Maps:
    """How a term reads the maps of eq. 1 and 2.

    Each map is divided by its own maximum, or σ and H would mean another thing for every model, and that
    maximum is a constant for the gradient.
    """

    scale: Scale = "max"
    detach_scale: bool = True
    second_order: bool = True  # the w of eq. 1 is differentiated too: the true gradient of a loss on the map

    def __post_init__(self) -> None:
        check_values(self)


@dataclass(frozen=True, slots=True)
class Mining:
    """α L_am, eq. 3–6: without the attended places an image must not give its class. Full mode only.

    σ and ω of eq. 4 and where they act are `MaskingConfig`'s, which has the reasons.
    """

    weight: float = 1.0  # α of eq. 6
    sigma: float = 0.5
    omega: float = 10.0
    place: MaskingPlace = "image"
    score: Score = "probability"  # s of eq. 5: a logit has no lower bound and would drive the training
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
    resolution: Resolution = "map"  # H averaged down to A, or A enlarged to H
    maps: Maps = Maps()

    def __post_init__(self) -> None:
        check_values(self)
        expect_weight(self)


@dataclass(frozen=True, slots=True)
class CounterExamples:
    """Images cut and pasted from the guided ones (gain_core/guidance/composites.py), docs/decisions/0026."""

    weight: float = 1.0  # a pasted object must give its class
    background_weight: float = 1.0  # a painted-over background must give none
    batch_size: int = 16  # pasted objects per step, balanced over classes; half as many backgrounds
    per_region: int = 8  # 20 outlines make 160 pictures, whose features take seconds

    def __post_init__(self) -> None:
        check_values(self)
        expect_at_least_one(self, "batch_size", "per_region")
        if self.weight == self.background_weight == 0:
            raise ConfigError("weight: expected a weight above 0, got 0 for objects and for backgrounds")


# The paper's weights, α = 1 and ω = 10.
MINING, EXTERNAL = Mining(), External()
