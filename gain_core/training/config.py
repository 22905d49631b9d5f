"""What a training run is told: one frozen dataclass, every default with its reason."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, get_args

from gain_core.errors import ConfigError
from gain_core.training.flat_settings import nested
from gain_core.training.objectives import (
    MODES,
    External,
    GainExt,
    Guided,
    Labels,
    Maps,
    Mining,
    Mode,
    Objective,
    objective_named,
    read_objective,
)
from gain_core.training.settings import check_values, expect_at_least_one, read_settings

__all__ = ["DEFAULT_OBJECTIVE", "MODES", "Mode", "TrainConfig", "quick_steps"]

Sampling = Literal["balanced", "epochs"]
Decay = Literal["none", "cosine"]
Optimizer = Literal["adamw", "sgd"]

SAMPLINGS: tuple[Sampling, ...] = get_args(Sampling)
DECAYS: tuple[Decay, ...] = get_args(Decay)
OPTIMIZERS: tuple[Optimizer, ...] = get_args(Optimizer)

# What the app retrains with. On boats and water inside / outside is the surest while the trunk stands still;
# when every layer moves it lost to the paper's own form on each of three draws (docs/decisions/0014).
DEFAULT_OBJECTIVE: dict[Mode, str] = {"quick": "guided", "full": "gainext"}


def quick_steps(classes: int) -> int:
    """Steps of a quick training. Classes take turns in a batch, so that each sees less the more there are.

    Up to five classes 60. With ten, 120 instead of 60 steps took first models from 76 to 79 % and guided
    ones from 65 to 67, with twenty, 240 took first models from 71 to 76 (docs/decisions/0019).
    """
    return min(600, max(60, 12 * classes))


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """The exact settings of one training; stored with the run. Raises ConfigError for impossible values.

    `first_model`, `quick_default`, `full_default` and `paper` are the way in; the bare `TrainConfig()` holds
    what they start from and is not a recommendation.

    `mode` "quick" trains the last convolution and the head on kept features of the frozen trunk; "full"
    trains every layer on augmented images. `objective` says what is minimised; its settings are its own.
    """

    mode: Mode = "quick"
    objective: Objective = field(default_factory=Guided)
    seed: int = 0  # fixes every draw, crop and flip; the same seed on the same machine gives the same weights

    steps: int = 60  # 200 were worse than 60 with few masks (paper.md); more with many classes: `quick_steps`
    # "balanced": classes take turns, and guided images, which are few, have a stream of their own. "epochs",
    # full mode: shuffled passes over all training images, and S_e takes from each step those that carry a
    # mask, as in the paper; `guided_batch_size` then says nothing.
    sampling: Sampling = "balanced"
    batch_size: int = 32  # images per step with their image-level label only, balanced over classes
    guided_batch_size: int = 16  # guided images per step on top of them, balanced over classes
    optimizer: Optimizer = "adamw"  # needs no tuning of its rate by project; "sgd" is the paper's
    learning_rate: float = 1e-3  # AdamW; right for the last layers, 1e-4 when every layer moves
    # "cosine": the rate falls to zero along half a cosine. The weights settle as an average over the last
    # steps would let them, with nothing more to keep for resuming.
    learning_rate_decay: Decay = "none"
    weight_decay: float = 1e-4  # AdamW's own, apart from the gradient; with "sgd" the usual L2 term
    momentum: float = 0.9  # "sgd" only: what VGG was trained with
    # Norm layers (and dropout) as in training. Off: batches heavy with guided images skew the statistics; on
    # a set of boats and water, guided training with batch statistics lost 20 points of the worst group.
    train_norms: bool = False

    # Quick mode: λ of L2-SP (gain_core/losses/l2_sp.py), which holds the last convolution to the backbone's
    # pretrained weights: it unlearns what the first model took from the shortcut, and a few images move it
    # no further than they must. Only while the trunk is the pretrained one.
    l2_sp_weight: float = 0.0
    # Quick mode: after the last step the last layer goes halfway to one fitted to all training images, where
    # ten of them or more are counter-examples (gain_core/training/last_layer.py, docs/decisions/0026).
    refit_last_layer: bool = False
    # After the last step divide the logits by the temperature that fits the validation images
    # (gain_core/analysis/calibration.py): no decision changes, and confidence means what it says.
    calibrate: bool = False

    # Full mode's augmentation, as is usual for ImageNet. `smallest_crop`: least share of the image's area
    # kept by the random crop; 1: the whole image, squashed as in prediction. `horizontal_flip`: half of the
    # images; False where left and right are what tells classes apart. `colour_jitter`: most that brightness,
    # contrast and saturation change by; 0 where colour does.
    smallest_crop: float = 0.35
    horizontal_flip: bool = True
    colour_jitter: float = 0.4
    loader_workers: int = 0  # full mode: processes that decode images; 0: none, right for two cores
    autocast_bf16: bool = False  # full mode, CUDA only: forward passes in bfloat16

    validate_every: int = 20  # steps between figures on the validation split
    checkpoint_every: int = 20  # steps between checkpoints for resuming; less than two seconds of quick work
    # CPU threads of a training process, which whoever starts it sets (the app does); `train` leaves torch's
    # own number as it is. 0: as many as torch chooses.
    threads: int = 0

    def __post_init__(self) -> None:
        check_values(self)
        self.objective.expect_mode(self.mode)
        if self.l2_sp_weight > 0 and self.mode != "quick":
            raise ConfigError("l2_sp_weight: expected quick mode for a weight above 0, got full mode")
        if self.sampling == "epochs" and (self.mode == "quick" or not self.objective.epochs):
            raise ConfigError(
                f"sampling: expected 'balanced' in quick mode and for 'guided', got 'epochs' for {self.mode} "
                f"mode, {self.objective.key!r}"
            )
        if self.momentum >= 1:
            raise ConfigError(f"momentum: expected a number below 1, got {self.momentum}")
        counts = ("steps", "batch_size", "guided_batch_size", "validate_every", "checkpoint_every")
        expect_at_least_one(self, *counts)
        if self.seed >= 2**32:  # scikit-learn takes no larger one
            raise ConfigError(f"seed: expected a number below 2**32, got {self.seed}")
        if not 0 < self.smallest_crop <= 1:
            raise ConfigError(f"smallest_crop: expected a share in (0, 1], got {self.smallest_crop}")

    @classmethod
    def first_model(cls, seed: int = 0, classes: int = 2) -> "TrainConfig":
        """A project's first model: the packaged backbone with a new head, image-level labels only."""
        return cls(objective=Labels(), seed=seed, steps=quick_steps(classes))

    @classmethod
    def quick_default(
        cls, objective: str = DEFAULT_OBJECTIVE["quick"], seed: int = 0, classes: int = 2
    ) -> "TrainConfig":
        """The app's quick retrain; docs/decisions/0026 has what was measured.

        objective: its key. Every one gets the same hold, schedule and steps. They ask for the pretrained
        weights of the backbone; `replace(…, l2_sp_weight=0.0)` does without.
        """
        return cls(
            objective=objective_named(objective).for_mode("quick"),
            seed=seed,
            steps=quick_steps(classes),
            l2_sp_weight=0.1,
            learning_rate_decay="cosine",
            refit_last_layer=True,
            calibrate=True,
        )

    @classmethod
    def full_default(cls, objective: str = DEFAULT_OBJECTIVE["full"], seed: int = 0) -> "TrainConfig":
        """The app's full retrain: a tenth of the learning rate, because pre-trained layers move too."""
        return cls(
            mode="full",
            objective=objective_named(objective).for_mode("full"),
            seed=seed,
            learning_rate=1e-4,
            batch_size=16,
            guided_batch_size=8,
            calibrate=True,
        )

    @classmethod
    def paper(cls, images: int, seed: int = 0, epochs: int = 35) -> "TrainConfig":
        """The paper's own training (section 4): SGD, rate 1e-5, batch 1, 35 epochs, α = 1, ω = 10.

        images: how many training images there are; each epoch shows every one of them once, and L_e counts
        for those that carry a mask. For its network (VGG16, last convolution 14×14, its two fully connected
        layers) and its L_cl (soft margin of independent classes) take `replace(default_spec("vgg16", classes,
        multi_label=True), head="paper")`; without `multi_label` L_cl is cross-entropy. Where the paper is
        silent: momentum and weight decay are VGG's, w is a constant as in every public implementation, maps
        are scaled and erased as by default, and images are squashed whole, without crops, flips or other
        colours. The head has timm's dropout of 0 where the original VGG16 has 0.5; with `train_norms` off it
        would drop nothing anyway.
        """
        maps = Maps(second_order=False)
        return cls(
            mode="full",
            objective=GainExt(Mining(weight=1.0, maps=maps), External(weight=10.0, maps=maps)),
            seed=seed,
            optimizer="sgd",
            learning_rate=1e-5,
            momentum=0.9,
            weight_decay=5e-4,
            sampling="epochs",
            batch_size=1,
            steps=images * epochs,
            smallest_crop=1.0,
            horizontal_flip=False,
            colour_jitter=0.0,
            validate_every=max(images, 1),
            checkpoint_every=max(images, 1),
        )

    def without_guidance(self) -> "TrainConfig":
        """The control of this training: the same steps on the same images, by their labels alone."""
        return replace(self, objective=Labels())

    def for_several_labels(self) -> "TrainConfig":
        """For images that show several classes: see `Objective.for_several_labels`."""
        return replace(self, objective=self.objective.for_several_labels())

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `from_dict` gives the same config back."""
        return asdict(self) | {"objective": self.objective.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TrainConfig":
        """Missing keys take their defaults; the flat settings of version 0.1 are read too.

        Raises ConfigError for unknown keys and wrong types.
        """
        values = nested(values)
        if "objective" in values:
            values["objective"] = read_objective(values["objective"])
        return read_settings(cls, values)
