"""A classifier that can be asked where it looks: backbone up to the last convolution, then a head.

images (B, 3, S, S) -> trunk -> neck -> features (B, K, h, w) -> head -> logits (B, C)
"""

import copy
import hashlib
import io
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import numpy as np
import timm
import torch
from PIL import Image
from torch import Tensor, nn

from gain_core.errors import ConfigError, InputError
from gain_core.imaging.pictures import UNREADABLE, marked
from gain_core.imaging.resize import area_average
from gain_core.models.backbones import DEFAULT_BACKBONE, PACKAGED, Parts, cut_backbone, family

__all__ = ["DEFAULT_BACKBONE", "Classifier", "ModelSpec", "Parts", "build_classifier", "default_spec"]
__all__ += ["preprocess", "preprocess_mask"]

# Images that a CPU explains at once. The widest maps of more do not fit its caches, and memory that large is
# given back to the system and asked for again at every layer: 32 at once took 1.5 to 3 times as long.
PIECE = 4

Triple = tuple[float, float, float]

# Named in the trunk's fingerprint: change it whenever a file gives the model other pixels for the same spec.
_PREPROCESSING = "squash-bilinear-antialias-2"

# Beyond these nothing was ever trained, but a file by anybody may ask for it. Pixels are in [0, 1].
_LARGEST_SIDE, _LARGEST_MEAN = 8192, 1000

# Layers draw their first weights from torch's one random state: two builds at once would share their draws.
_BUILDING = threading.Lock()


@dataclass(frozen=True)
class ModelSpec:
    """All that is needed, beside the weights, to build a model and feed it. ConfigError for a value out of
    range.
    """

    backbone: str  # a timm name; of your own network, what you call it
    classes: tuple[str, ...]  # by position in the logits
    image_size: int = 224  # S, pixels; images are squashed to S×S
    output_stride: int = (
        32  # S / side of the map; 16 gives maps of twice the side where the backbone allows it
    )
    mean: Triple = (127 / 255, 127 / 255, 127 / 255)  # of RGB in [0, 1]; the default is EfficientNet-Lite0's
    std: Triple = (128 / 255, 128 / 255, 128 / 255)
    multi_label: bool = False  # False: classes exclude each other (softmax); True: independent (sigmoid)
    head: Literal["linear", "paper"] = "linear"  # GAP + linear; "paper": VGG's own two fully connected layers

    def __post_init__(self) -> None:
        # A spec may come from anybody's file.
        for field in ("backbone", "head"):
            if not isinstance(getattr(self, field), str):
                raise ConfigError(f"expected {field} as text, got {getattr(self, field)!r}")
        if not isinstance(self.classes, tuple) or not all(isinstance(name, str) for name in self.classes):
            raise ConfigError(f"expected a tuple of class names, got {self.classes!r}")
        if any("\ud800" <= letter <= "\udfff" for name in self.classes for letter in name):
            raise ConfigError(f"expected class names that can be written as UTF-8, got {self.classes!r}")
        if not all(type(side) is int for side in (self.image_size, self.output_stride)):
            raise ConfigError(
                f"expected whole numbers of pixels, got {self.image_size!r} and {self.output_stride!r}"
            )
        if not isinstance(self.multi_label, bool):
            raise ConfigError(f"expected multi_label true or false, got {self.multi_label!r}")
        for triple in (self.mean, self.std):
            if not isinstance(triple, tuple) or not all(
                isinstance(value, int | float) and abs(value) <= _LARGEST_MEAN for value in triple
            ):
                raise ConfigError(
                    f"expected means and stds as tuples of numbers up to {_LARGEST_MEAN}, got {self.mean}, "
                    f"{self.std}"
                )
        if len(self.classes) == 0 or len(set(self.classes)) != len(self.classes):
            raise ConfigError(f"expected at least one class and no name twice, got {self.classes!r}")
        if not 32 <= self.image_size <= _LARGEST_SIDE:
            raise ConfigError(f"expected image_size from 32 to {_LARGEST_SIDE}, got {self.image_size}")
        if self.output_stride not in (8, 16, 32):
            raise ConfigError(f"expected output_stride 8, 16 or 32, got {self.output_stride}")
        if len(self.mean) != 3 or len(self.std) != 3 or min(self.std) <= 0:
            raise ConfigError(f"expected three means and three positive stds, got {self.mean} and {self.std}")
        if self.head not in ("linear", "paper"):
            raise ConfigError(f'expected head "linear" or "paper", got {self.head!r}')

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON; `from_dict` gives the same spec back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ModelSpec":
        """ConfigError for an unknown or missing key, or a value of another form."""
        unknown = set(values) - {field.name for field in fields(cls)}
        if unknown:
            raise ConfigError(f"unknown keys in model spec: {', '.join(sorted(unknown))}")
        # JSON knows lists alone; of text, a tuple would be made, too.
        tuples = {key: tuple(value) for key, value in values.items() if isinstance(value, list)}
        try:
            return cls(**{**values, **tuples})
        except TypeError as error:
            raise ConfigError(f"model spec: {error}") from error


class LinearHead(nn.Module):
    """Global average pooling and one linear layer: the head whose attention has a closed form."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, classes)

    def forward(self, features: Tensor) -> Tensor:
        """features (B, K, h, w) -> logits (B, C)."""
        logits: Tensor = self.linear(features.mean((2, 3)))
        return logits


class Classifier(nn.Module):
    """`trunk` is what quick mode freezes, `neck` the last convolution, `head` makes logits from its map."""

    own_layers: bool  # False: a copy that computes the same through layers made for that
    only_looks: bool  # True: a copy whose layers record nothing for a backward

    def __init__(self, spec: ModelSpec, parts: Parts) -> None:
        super().__init__()
        self.spec = spec
        self.own_layers, self.only_looks = True, False
        self.trunk: nn.Module = parts.trunk  # (B, 3, S, S) -> (B, K0, h0, w0)
        self.neck: nn.Module = parts.neck  # (B, K0, h0, w0) -> (B, K, h, w)
        self.head: nn.Module  # (B, K, h, w) -> (B, C)
        if len(parts.tail) == 0:
            self.head = LinearHead(parts.width, len(spec.classes))
        else:
            self.head = nn.Sequential(*parts.tail, nn.Linear(parts.width, len(spec.classes)))

    def features(self, images: Tensor) -> Tensor:
        """images (B, 3, S, S), preprocessed -> activations of the last convolution (B, K, h, w)."""
        features: Tensor = self.neck(self.trunk(images))
        return features

    def forward(self, images: Tensor) -> Tensor:
        """images (B, 3, S, S), preprocessed -> logits (B, C)."""
        logits: Tensor = self.head(self.features(images))
        return logits

    def running_through(self, trunk: nn.Module, neck: nn.Module) -> "Classifier":
        """A classifier of the same head and spec whose features come from these modules; `self` stays."""
        other = copy.copy(self)
        other._modules = {**self._modules, "trunk": trunk, "neck": neck}
        other.own_layers = False
        return other

    def expect_own_layers(self) -> None:
        """InputError for a frozen or folded copy: it cannot be saved, trained, copied or fingerprinted."""
        if not self.own_layers:
            raise InputError("expected the model itself, got a frozen or folded copy of one")

    @property
    def linear_head_weights(self) -> Tensor | None:
        """W (C, K), the live parameter, when the head is GAP + linear; else None: attention uses autograd.

        By exact type: a subclass, or another layer in the linear one's place, may compute anything.
        """
        head = self.head
        return head.linear.weight if type(head) is LinearHead and type(head.linear) is nn.Linear else None

    def trunk_fingerprint(self) -> str:
        """sha256 (hex) over the trunk's weights and buffers and the preprocessing.

        Two models with the same fingerprint give the same trunk output for the same image file. InputError
        for a frozen or folded copy, whose weights are others.
        """
        self.expect_own_layers()
        spec = self.spec
        said = (spec.backbone, spec.image_size, spec.output_stride, spec.mean, spec.std, _PREPROCESSING)
        return weights_sha256(self.trunk, repr(said))


def weights_sha256(module: nn.Module, said: str) -> str:
    """sha256 (hex) over all weights and buffers, and what else is `said`."""
    return state_sha256(module.state_dict(), said)


def state_sha256(state: Mapping[str, Tensor], said: str) -> str:
    """`weights_sha256` of a state dict."""
    digest = hashlib.sha256(said.encode())
    for name, value in sorted(state.items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def default_spec(
    backbone: str, classes: Sequence[str], image_size: int = 224, multi_label: bool = False
) -> ModelSpec:
    """The spec with the backbone's own mean, std and natural output stride; classes: their names, in order.

    ConfigError for a value out of range or a single class, unless `multi_label`; BackboneError for a backbone
    that is unknown or not convolutional.
    """
    if not isinstance(classes, list | tuple):  # text is letters, and a set has no order of its own
        raise ConfigError(f"expected a list or tuple of class names, got {classes!r}")
    if len(classes) == 1 and not multi_label:  # its softmax is 1 for every image
        raise ConfigError(f"expected at least two classes, one of which each image shows, got {classes!r}")
    module, classes = family(backbone), tuple(classes)
    if backbone in PACKAGED:  # the packaged weights want other pixels than timm's: (x - 127) / 128
        return ModelSpec(backbone, classes, image_size, multi_label=multi_label)
    configuration: Any = timm.get_pretrained_cfg(backbone)  # is_model, checked by family, says there is one
    return ModelSpec(
        backbone,
        classes,
        image_size,
        output_stride=16 if module == "vgg" else 32,
        mean=configuration.mean,
        std=configuration.std,
        multi_label=multi_label,
    )


def build_classifier(
    spec: ModelSpec, weights: Literal["pretrained", "none"] = "pretrained", seed: int = 0
) -> Classifier:
    """A classifier in eval mode on the CPU, its weights laid out channels-last, which is what makes it fast.

    "pretrained": packaged weights for EfficientNet-Lite0 to 2, a download for any other. The head, and with
    "none" everything, is drawn from `seed`; torch's global random state is left as it was. BackboneError as
    `cut_backbone`.
    """
    if weights not in ("pretrained", "none"):
        raise ConfigError(f'expected weights "pretrained" or "none", got {weights!r}')
    # Parameters born in inference mode could never learn.
    with _BUILDING, torch.inference_mode(False), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        parts = cut_backbone(spec.backbone, spec.output_stride, weights == "pretrained", spec.head == "paper")
        torch.manual_seed(seed)  # again, so that the head does not depend on how the backbone was made
        return Classifier(spec, parts).to(memory_format=torch.channels_last).eval()


def preprocess(image: Image.Image, spec: ModelSpec) -> Tensor:
    """PIL RGB -> float32 (3, S, S): squashed (bilinear, antialiased), to [0, 1], then minus mean over std."""
    if image.mode != "RGB":
        raise InputError(f"expected an RGB image, got mode {image.mode!r}")
    squashed = image.resize((spec.image_size, spec.image_size), Image.Resampling.BILINEAR)
    pixels = torch.from_numpy(np.array(squashed)).permute(2, 0, 1).float()  # (3, S, S) in [0, 255]
    mean, std = (torch.tensor(values, dtype=torch.float32).view(3, 1, 1) for values in (spec.mean, spec.std))
    return (pixels / 255 - mean) / std


def preprocess_mask(mask: bytes | Image.Image, size: tuple[int, int]) -> Tensor:
    """A mask of the image's size (PNG bytes or PIL; inside as `marked` says) -> float32 (h, w) in [0, 1].

    size: (h, w) of the result; each value is the share of its cell that the mask covers. InputError for bytes
    that are no image.
    """
    try:
        picture = Image.open(io.BytesIO(mask)) if isinstance(mask, bytes) else mask
        inside = torch.from_numpy(marked(picture)).float()  # (H, W) in {0, 1}
    except UNREADABLE as error:
        raise InputError(f"expected a mask as PNG, got: {error}") from error
    return area_average(inside, size)
