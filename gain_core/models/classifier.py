"""A classifier with a map of its last convolution: trunk and neck of a backbone, then a head.

images (B, 3, S, S) -> trunk -> neck -> features (B, K, h, w) -> head -> logits (B, C)
"""

import copy
import hashlib
import io
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import timm
import torch
from PIL import Image
from torch import Tensor, nn

from gain_core.errors import ConfigError, InputError
from gain_core.imaging.pictures import UNREADABLE, marked
from gain_core.imaging.resize import area_average
from gain_core.models.backbones import PACKAGED, Parts, cut_backbone, family
from gain_core.models.spec import DEFAULT_BACKBONE, ModelSpec, pixels

__all__ = ["DEFAULT_BACKBONE", "Classifier", "ModelSpec", "Parts", "build_classifier", "default_spec"]
__all__ += ["preprocess", "preprocess_mask"]

# Part of the trunk's fingerprint. Change it whenever the same file and spec give other pixels.
_PREPROCESSING = "squash-bilinear-antialias-2"

# Layers draw their first weights from torch's one random state: two builds at once would share their draws.
BUILDING = threading.Lock()


class LinearHead(nn.Module):
    """Global average pooling and one linear layer. With this head eq. 1 has a closed form."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, classes)

    def forward(self, features: Tensor) -> Tensor:
        """features (B, K, h, w) -> logits (B, C)."""
        logits: Tensor = self.linear(features.mean((2, 3)))
        return logits


class Classifier(nn.Module):
    """`trunk`: the layers that quick mode freezes; `neck`: last convolution; `head`: its map to logits."""

    own_layers: bool  # False: a folded copy, which computes the same with other layers

    def __init__(self, spec: ModelSpec, parts: Parts) -> None:
        super().__init__()
        self.spec = spec
        self.own_layers = True
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
        """A copy with the same head and spec and these modules for the features; `self` is not changed."""
        other = copy.copy(self)
        other._modules = {**self._modules, "trunk": trunk, "neck": neck}
        other.own_layers = False
        return other

    def expect_own_layers(self) -> None:
        """InputError for a folded copy, which cannot be saved, trained, copied or fingerprinted."""
        if not self.own_layers:
            raise InputError("expected the model itself, got a folded copy of one")

    @property
    def linear_head_weights(self) -> Tensor | None:
        """W (C, K), the parameter itself, when the head is GAP + linear; else None, and eq. 1 needs autograd.

        Types are compared exactly: a subclass may compute anything.
        """
        head = self.head
        return head.linear.weight if type(head) is LinearHead and type(head.linear) is nn.Linear else None

    @property
    def last_linear(self) -> nn.Linear | None:
        """The linear layer whose outputs are the logits; None where another layer computes them."""
        last = [module for module in self.head.modules() if not list(module.children())][-1]
        return last if isinstance(last, nn.Linear) else None

    def trunk_fingerprint(self) -> str:
        """SHA-256 (hex) over the trunk's weights and buffers and the preprocessing.

        Two models with the same fingerprint give the same trunk output for the same image file. InputError
        for a folded copy, which has other weights.
        """
        self.expect_own_layers()
        spec = self.spec
        said = (spec.backbone, spec.image_size, spec.output_stride, spec.mean, spec.std, _PREPROCESSING)
        other = (spec.shorter_side, spec.bgr)
        added = () if other == (None, False) else other
        added = added if spec.interpolation == "bilinear" else (*added, spec.interpolation)
        return weights_sha256(self.trunk, repr((*said, *added)))


def weights_sha256(module: nn.Module, said: str) -> str:
    """SHA-256 (hex) over all weights and buffers of a module, and the text `said`."""
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
    """The spec with the backbone's own mean, std and output stride.

    classes: their names in the order of the logits. image_size: S in pixels. ConfigError for a value out of
    range, and for a single class without `multi_label`; BackboneError for a backbone that is unknown or not
    convolutional.
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
    """A classifier in eval mode on the CPU, its weights in channels-last layout, the fastest there.

    weights: "pretrained" takes packaged weights for EfficientNet-Lite0 to 2 and downloads any other; "none"
    draws all weights from `seed`. The head is always drawn from `seed`. torch's global random state stays as
    it is. ConfigError for another word, BackboneError as `cut_backbone`.
    """
    if weights not in ("pretrained", "none"):
        raise ConfigError(f'expected weights "pretrained" or "none", got {weights!r}')
    # Parameters born in inference mode could never learn.
    with BUILDING, torch.inference_mode(False), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        parts = cut_backbone(spec.backbone, spec.output_stride, weights == "pretrained", spec.head == "paper")
        torch.manual_seed(seed)  # again, so that the head does not depend on how the backbone was made
        return Classifier(spec, parts).to(memory_format=torch.channels_last).eval()


def preprocess(image: Image.Image, spec: ModelSpec) -> Tensor:
    """PIL RGB -> (3, S, S) float32: resized as the spec says (bilinear, antialiased), scaled to [0, 1], then
    minus mean, divided by std. InputError for another mode than RGB.
    """
    return torch.from_numpy(pixels(image, spec))


def preprocess_mask(mask: bytes | Image.Image, size: tuple[int, int]) -> Tensor:
    """A mask of the image's size, PNG bytes or PIL (`marked` says which pixels are inside) -> (h, w) float32.

    size: (h, w). Each value in [0, 1] is the share of its cell that the mask covers. InputError for bytes
    that are not an image.
    """
    try:
        picture = Image.open(io.BytesIO(mask)) if isinstance(mask, bytes) else mask
        inside = torch.from_numpy(marked(picture)).float()  # (H, W) in {0, 1}
    except UNREADABLE as error:
        raise InputError(f"expected a mask as PNG, got: {error}") from error
    return area_average(inside, size)
