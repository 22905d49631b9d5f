"""The settings of a segmentation network's training."""

from dataclasses import dataclass, field
from typing import Literal

from gain_core.errors import ConfigError
from gain_core.segmentation.dense_crf import CrfConfig
from gain_core.training.settings import check_values, expect_at_least_one


@dataclass(frozen=True, slots=True)
class SegmentConfig:
    """ConfigError for impossible values. The defaults are the paper's; start from `sec` or `small`."""

    seed: int = 0
    steps: int = 8000
    batch_size: int = 15
    optimizer: Literal["sgd", "adamw"] = "sgd"
    learning_rate: float = 1e-3
    # The head learns so many times as fast. In DeepLab only its last layer does: there the others come from
    # VGG, here from chance.
    head_rate: float = 10.0
    momentum: float = 0.9  # "sgd" only
    weight_decay: float = 5e-4
    decay_every: int = 2000  # steps, after each of which all rates fall to a tenth
    # The first so many convolutions of the trunk do not learn. 0: all learn. Their backward pass is the
    # larger part of a step on a CPU.
    frozen_convolutions: int = 0

    # Weights of L_seed, L_expand and L_constrain; a term with weight 0 is not computed.
    seeding: float = 1.0
    expansion: float = 1.0
    boundary: float = 1.0
    # Decays of eq. 4 for classes that an image shows, for others, and for the background.
    present: float = 0.996
    absent: float = 0.0
    background: float = 0.999
    crf: CrfConfig = field(default_factory=CrfConfig)  # of L_constrain

    def __post_init__(self) -> None:
        check_values(self)
        expect_at_least_one(self, "steps", "batch_size", "decay_every")
        for name in ("present", "absent", "background"):
            if getattr(self, name) > 1:
                raise ConfigError(f"{name}: expected a decay from 0 to 1, got {getattr(self, name)}")
        if self.momentum >= 1:
            raise ConfigError(f"momentum: expected a number below 1, got {self.momentum}")
        if self.seeding == self.expansion == self.boundary == 0:
            raise ConfigError("seeding: expected at least one term with a weight above 0, got none")

    @classmethod
    def sec(cls, seed: int = 0) -> "SegmentConfig":
        """The paper's training (section 4.1): SGD, 8000 steps of 15 images, the rate falls every 2000."""
        return cls(seed=seed)

    @classmethod
    def small(cls, steps: int, seed: int = 0) -> "SegmentConfig":
        """For hundreds of images on a CPU: AdamW, and the rate falls once, after two thirds of the steps."""
        return cls(
            seed=seed,
            steps=steps,
            batch_size=8,
            optimizer="adamw",
            learning_rate=1e-4,
            weight_decay=1e-4,
            decay_every=max(1, -(-2 * steps // 3)),
        )
