"""What a training run is told: one frozen dataclass, every default with its reason."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, cast, get_args

from gain_core.choices import MaskingPlace, Resolution, Scale, Score
from gain_core.errors import ConfigError

Mode = Literal["quick", "full"]
Form = Literal["guided", "gainext", "signed", "none"]
Sampling = Literal["balanced", "epochs"]
Decay = Literal["none", "cosine"]
Optimizer = Literal["adamw", "sgd"]

MODES: tuple[Mode, ...] = get_args(Mode)
FORMS: tuple[Form, ...] = get_args(Form)
SAMPLINGS: tuple[Sampling, ...] = get_args(Sampling)
DECAYS: tuple[Decay, ...] = get_args(Decay)
OPTIMIZERS: tuple[Optimizer, ...] = get_args(Optimizer)

# What the app retrains with. On boats and water inside / outside is the surest while the trunk stands still;
# when every layer moves it lost to the paper's own form on each of three draws (docs/decisions/0014).
DEFAULT_FORM: dict[Mode, Form] = {"quick": "guided", "full": "gainext"}


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
    trains every layer on augmented images. `form` says how guidance enters the loss:

    - "guided": inside / outside: what lies in H must give the class, what lies in 1 − H none; so must
      counter-examples made of the guided images; images without guidance give L_cl + α L_am at a lower weight
    - "gainext": the paper's L_cl + α L_am + ω L_e (eq. 8)
    - "signed": L_cl + α L_am + the signed-evidence loss
    - "none": L_cl only, on the same images: what the same further training does without guidance

    L_am needs a second pass over the images, so in quick mode it is off (α counts as 0).
    """

    mode: Mode = "quick"
    form: Form = "guided"
    seed: int = 0  # fixes every draw, crop and flip; the same seed on the same machine gives the same weights

    steps: int = 60  # 200 were worse than 60 with few masks (paper.md); more with many classes: `quick_steps`
    # "balanced": classes take turns, and guided images, which are few, have a stream of their own. "epochs",
    # full mode without "guided": shuffled passes over all training images, and S_e takes from each step those
    # that carry a mask, as in the paper; `guided_batch_size` then says nothing.
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

    label_weight: float = 0.3  # "guided": L_cl of images without guidance, which carry the shortcut
    inside_weight: float = 1.0  # "guided": what lies in H must give the class
    outside_weight: float = 3.0  # "guided": what lies in 1 − H must give no class
    # "guided": counter-examples cut and pasted from the guided images (gain_core/guidance/composites.py)
    # must give their class, and the painted-over backgrounds none (docs/decisions/0026).
    composite_weight: float = 0.0
    background_weight: float = 0.0
    composite_batch_size: int = 16  # composites per step, balanced over classes; half as many backgrounds
    composites_per_region: int = 8  # 20 outlines make 160 pictures, whose features take seconds
    # Quick mode: λ of L2-SP (gain_core/losses/l2_sp.py), which holds the last convolution to the backbone's
    # pretrained weights: it unlearns what the first model took from the shortcut, and a few images move it
    # no further than they must. Only while the trunk is the pretrained one.
    l2_sp_weight: float = 0.0
    mining_weight: float = 1.0  # α of eq. 6, full mode only
    external_weight: float = 10.0  # ω of eq. 8
    # After the last step divide the logits by the temperature that fits the validation images
    # (gain_core/analysis/calibration.py): no decision changes, and confidence means what it says.
    calibrate: bool = False
    signed_weight: float = 100.0  # "signed": a mean over all places is small, so the weight is large
    # What the paper leaves open. σ and ω of eq. 4 and where they act are `masking.MaskingConfig`'s, which has
    # the reasons; each map is divided by its own maximum there and in eq. 7, or σ and H would mean another
    # thing for every model, and that maximum is a constant for the gradient.
    mask_sigma: float = 0.5
    mask_omega: float = 10.0
    mask_place: MaskingPlace = "image"
    map_scale: Scale = "max"
    detach_scale: bool = True
    mining_score: Score = "probability"  # s of eq. 5: a logit has no lower bound and would drive the training
    external_resolution: Resolution = "map"  # of eq. 7: H averaged down to A, or A enlarged to H
    second_order: bool = True  # the w of eq. 1 is differentiated too: the true gradient of a loss on the map

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
        for field in fields(self):
            allowed = {int: (int,), float: (int, float), bool: (bool,)}.get(cast(type, field.type))
            if allowed and type(getattr(self, field.name)) not in allowed:
                wanted = cast(type, field.type).__name__
                raise ConfigError(f"{field.name}: expected {wanted}, got {getattr(self, field.name)!r}")
        for field in fields(self):
            words, value = get_args(field.type), getattr(self, field.name)
            if words and value not in words:
                raise ConfigError(f"{field.name}: expected one of {words}, got {value!r}")
        if self.l2_sp_weight > 0 and self.mode != "quick":
            raise ConfigError("l2_sp_weight: expected quick mode for a weight above 0, got full mode")
        if self.sampling == "epochs" and (self.mode == "quick" or self.form == "guided"):
            raise ConfigError(
                f"sampling: expected 'balanced' in quick mode and for 'guided', got 'epochs' for {self.mode} "
                f"mode, {self.form!r}"
            )
        if self.mask_omega == 0:
            raise ConfigError("mask_omega: expected a slope above 0, got 0")
        if self.momentum >= 1:
            raise ConfigError(f"momentum: expected a number below 1, got {self.momentum}")
        for name in (
            "steps",
            "batch_size",
            "guided_batch_size",
            "composite_batch_size",
            "composites_per_region",
            "validate_every",
            "checkpoint_every",
        ):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name}: expected at least 1, got {getattr(self, name)}")
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type in (int, float) and not (value >= 0 and math.isfinite(value)):
                raise ConfigError(f"{field.name}: expected a number of at least 0, got {value}")
        if self.seed >= 2**32:  # scikit-learn takes no larger one
            raise ConfigError(f"seed: expected a number below 2**32, got {self.seed}")
        if not 0 < self.smallest_crop <= 1:
            raise ConfigError(f"smallest_crop: expected a share in (0, 1], got {self.smallest_crop}")

    @classmethod
    def first_model(cls, seed: int = 0, classes: int = 2) -> "TrainConfig":
        """A project's first model: the packaged backbone with a new head, image-level labels only."""
        return cls(form="none", seed=seed, steps=quick_steps(classes))

    @classmethod
    def quick_default(
        cls, form: Form = DEFAULT_FORM["quick"], seed: int = 0, classes: int = 2
    ) -> "TrainConfig":
        """The app's quick retrain; docs/decisions/0026 has what was measured.

        Every form gets the same hold, schedule and steps. They ask for the backbone's pretrained weights;
        `replace(…, l2_sp_weight=0.0)` does without.
        """
        return cls(
            form=form,
            seed=seed,
            steps=quick_steps(classes),
            inside_weight=0.0,  # with counter-examples it adds nothing (docs/decisions/0026)
            composite_weight=1.0,
            background_weight=1.0,
            l2_sp_weight=0.1,
            learning_rate_decay="cosine",
            calibrate=True,
        )

    @classmethod
    def full_default(cls, form: Form = DEFAULT_FORM["full"], seed: int = 0) -> "TrainConfig":
        """The app's full retrain: a tenth of the learning rate, because pre-trained layers move too."""
        return cls(
            mode="full",
            form=form,
            seed=seed,
            learning_rate=1e-4,
            batch_size=16,
            guided_batch_size=8,
            composite_weight=1.0,
            background_weight=1.0,
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
        return cls(
            mode="full",
            form="gainext",
            seed=seed,
            optimizer="sgd",
            learning_rate=1e-5,
            momentum=0.9,
            weight_decay=5e-4,
            sampling="epochs",
            batch_size=1,
            steps=images * epochs,
            mining_weight=1.0,
            external_weight=10.0,
            second_order=False,
            smallest_crop=1.0,
            horizontal_flip=False,
            colour_jitter=0.0,
            validate_every=max(images, 1),
            checkpoint_every=max(images, 1),
        )

    def without_guidance(self) -> "TrainConfig":
        """The control of this training: the same steps on the same images, by their labels alone."""
        return replace(self, form="none")

    def without_composites(self) -> "TrainConfig":
        """The regions of the drawings alone. For images of several classes: what is not outlined, a second
        person say, would be pasted into pictures that are not labelled with it (docs/decisions/0028).
        """
        return replace(self, composite_weight=0.0, background_weight=0.0, inside_weight=1.0)

    @property
    def composed(self) -> bool:
        """Whether counter-examples are made of the guided images."""
        return self.form == "guided" and (self.composite_weight > 0 or self.background_weight > 0)

    @property
    def needs_guidance(self) -> bool:
        """Whether nothing can be done without guided images. Eq. 8 without masks is eq. 6: GAIN itself."""
        return self.form != "none" and (self.mode, self.form) != ("full", "gainext")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `from_dict` gives the same config back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TrainConfig":
        """Missing keys take their defaults. Raises ConfigError for unknown keys and wrong types."""
        known = {field.name: type(field.default) for field in fields(cls)}
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise ConfigError(f"expected keys of TrainConfig, got unknown {unknown}")
        clean: dict[str, Any] = {}
        for name, value in values.items():
            clean[name] = float(value) if known[name] is float and type(value) is int else value
        return cls(**clean)
