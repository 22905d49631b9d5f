"""The settings of a training run: one frozen dataclass, each default with its reason."""

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

# What the app retrains with. Guided was the most reliable while the trunk is frozen (docs/decisions/0026);
# with every layer in training it lost to GAINext on each of three draws (docs/decisions/0014).
DEFAULT_OBJECTIVE: dict[Mode, str] = {"quick": "guided", "full": "gainext"}


def quick_steps(classes: int) -> int:
    """Steps of a quick training: 60 up to five classes, then 12 for each class, at most 600.

    Classes share each batch, so that each class is drawn less often the more there are. Measured in
    docs/decisions/0019.
    """
    return min(600, max(60, 12 * classes))


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """The exact settings of one training; stored with the run. Raises ConfigError for impossible values.

    Start from `first_model`, `quick_default`, `full_default` or `paper`. A bare `TrainConfig()` only holds
    the values that these change; it is not a recommendation.

    `mode` "quick" trains the last convolution and the head on cached features of the frozen trunk; "full"
    trains every layer on augmented images. `objective` is what is minimised, with its own settings.
    """

    mode: Mode = "quick"
    objective: Objective = field(default_factory=Guided)
    seed: int = 0  # fixes every draw, crop and flip; the same seed on the same machine gives the same weights

    steps: int = 60  # with few masks 200 were worse; with many classes more are better: `quick_steps`
    # "balanced": classes take turns, and guided images, which are few, have a stream of their own. "epochs"
    # (full mode, as in the paper): shuffled passes over all training images; S_e of a step is those of its
    # images that carry a mask, and `guided_batch_size` is not used.
    sampling: Sampling = "balanced"
    batch_size: int = 32  # images per step with their image-level label only, balanced over classes
    guided_batch_size: int = 16  # guided images per step on top of them, balanced over classes
    optimizer: Optimizer = "adamw"  # its rate needs no tuning per project; "sgd" is the paper's
    learning_rate: float = 1e-3  # AdamW; right for the last layers, 1e-4 when every layer moves
    # "cosine": the rate falls to zero along half a cosine. It calms the last steps as averaging their weights
    # would, without another set of weights to keep for resuming.
    learning_rate_decay: Decay = "none"
    weight_decay: float = 1e-4  # AdamW's own, apart from the gradient; with "sgd" the usual L2 term
    momentum: float = 0.9  # "sgd" only: what VGG was trained with
    # Whether norm layers and dropout are in training mode. Off, because guided images dominate the batches
    # and skew their statistics: with it on, a set of boats and water lost 20 points of the worst group.
    train_norms: bool = False

    # Quick mode: λ of L2-SP (gain_core/losses/l2_sp.py), the distance of the last convolution from the
    # backbone's pretrained weights. The layer forgets what the first model learned from the shortcut, and a
    # few images cannot move it far. Needs a trunk with its pretrained weights.
    l2_sp_weight: float = 0.0
    # Quick mode: after the last step the last layer becomes the mean of itself and one fitted to all training
    # images, if at least ten of these are counter-examples (last_layer.py, docs/decisions/0026).
    refit_last_layer: bool = False
    # After the last step divide the logits by the temperature that fits the validation images
    # (gain_core/analysis/calibration.py). Decisions stay the same; confidences become calibrated.
    calibrate: bool = False

    # Augmentation in full mode, as is usual for ImageNet. `smallest_crop`: smallest share of the image's area
    # that a random crop keeps; 1: the whole image, as in prediction. `horizontal_flip`: flips half of the
    # images; False where left and right tell classes apart. `colour_jitter`: largest relative change of
    # brightness, contrast and saturation; 0 where colour tells classes apart.
    smallest_crop: float = 0.35
    horizontal_flip: bool = True
    colour_jitter: float = 0.4
    loader_workers: int = 0  # full mode: processes that decode images; 0: none, right for two cores
    autocast_bf16: bool = False  # full mode, CUDA only: forward passes in bfloat16

    validate_every: int = 20  # steps between figures on the validation split
    checkpoint_every: int = 20  # steps between checkpoints for resuming; less than two seconds of quick work
    # CPU threads of a training process. The app sets them when it starts one; `train` does not. 0: torch's
    # own number.
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

        objective: its key. All objectives get the same L2-SP weight, schedule and steps. L2-SP needs the
        pretrained weights of the backbone; without them use `replace(…, l2_sp_weight=0.0)`.
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
        """The app's full retrain: a tenth of the learning rate, because pretrained layers are trained too."""
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

        images: number of training images. Each epoch shows every image once; L_e counts those with a mask.

        The paper's network is VGG16 with a last map of 14×14 and two fully connected layers, and its L_cl the
        soft margin of independent classes: `replace(default_spec("vgg16", classes, multi_label=True),
        head="paper")`. Without `multi_label`, L_cl is cross-entropy.

        What the paper does not say: momentum and weight decay are VGG's; w of eq. 1 is a constant for the
        gradient, as in every public implementation; maps are scaled and erased as by default; images are
        resized whole, without augmentation. Dropout is 0 (timm), not VGG16's 0.5; with `train_norms` off it
        would not act.
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
        """The control of this training: the same steps on the same images, with labels alone."""
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
