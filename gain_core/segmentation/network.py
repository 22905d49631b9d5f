"""A segmentation network: the trunk and neck of any backbone, then DeepLab's LargeFOV head.

images (B, 3, S, S) -> features (B, K, h, w) -> logits (B, 1 + C, h, w); label 0 is the background.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from PIL import Image
from torch import Tensor, nn

from gain_core.errors import ConfigError
from gain_core.losses.weak_segmentation import floored_probabilities
from gain_core.models.backbones import Parts, cut_backbone, family
from gain_core.models.classifier import BUILDING, Classifier, preprocess
from gain_core.models.spec import PIECE, ModelSpec

_FIELD = 12 / 41  # of a map's side: how far apart the cells lie that LargeFOV's 3×3 convolution sees


class Segmenter(Classifier):
    """A classifier of places: same trunk, neck and description, but `forward` gives (B, 1 + C, h, w)."""

    head: nn.Sequential

    def __init__(self, spec: ModelSpec, parts: Parts, channels: int, dropout: float) -> None:
        super().__init__(spec, parts)
        rate = max(1, round(_FIELD * spec.image_size / spec.output_stride))
        last = nn.Conv2d(channels, 1 + len(spec.classes), 1)
        with torch.no_grad():
            last.weight.normal_(std=0.01)
            nn.init.constant_(last.get_parameter("bias"), 0.0)
        self.head = nn.Sequential(
            nn.Conv2d(parts.width, channels, 3, padding=rate, dilation=rate),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Conv2d(channels, channels, 1),
            nn.ReLU(),
            nn.Dropout(dropout),
            last,
        )

    @property
    def map_size(self) -> tuple[int, int]:
        """(h, w) of its map, which seeds have too; one image is computed for it."""
        side, device = self.spec.image_size, next(self.parameters()).device
        shape = self.probabilities(torch.zeros(1, 3, side, side, device=device)).shape
        return shape[2], shape[3]

    def probabilities(self, images: Tensor) -> Tensor:
        """images (B, 3, S, S), preprocessed -> (B, 1 + C, h, w), floored as in SEC's code; in eval mode."""
        with torch.inference_mode():
            parts = images.contiguous(memory_format=torch.channels_last).split(PIECE)
            return torch.cat([floored_probabilities(self(part)) for part in parts])

    def probabilities_of(self, pictures: Sequence[Image.Image]) -> Tensor:
        """The same for PIL pictures, RGB, on the CPU: (B, 1 + C, h, w). InputError for another mode."""
        device = next(self.parameters()).device
        images = torch.stack([preprocess(picture, self.spec) for picture in pictures])
        return self.probabilities(images.to(device)).cpu()


def build_segmenter(
    spec: ModelSpec,
    weights: Literal["pretrained", "none"] = "pretrained",
    seed: int = 0,
    *,
    channels: int = 1024,
    dropout: float = 0.5,
) -> Segmenter:
    """A segmenter in eval mode on the CPU, its head drawn from `seed`.

    spec: its classes without the background; output stride 8 or 16. A VGG with stride 8 is
    DeepLab-LargeFOV's: its fourth pooling keeps the size, and the convolutions behind it are dilated. Not
    as in DeepLab: the head's convolutions are drawn, not cut out of VGG's fully connected layers, and the
    fifth pooling is left out. channels, dropout: of the head; the defaults are the paper's. ConfigError,
    BackboneError.
    """
    if weights not in ("pretrained", "none"):
        raise ConfigError(f'expected weights "pretrained" or "none", got {weights!r}')
    if spec.output_stride == 32:
        raise ConfigError("expected output_stride 8 or 16 for segmentation, got 32")
    if channels < 1 or not 0 <= dropout < 1:
        raise ConfigError(f"expected channels above 0 and dropout in [0, 1), got {channels} and {dropout}")
    wide_vgg = family(spec.backbone) == "vgg" and spec.output_stride == 8
    with BUILDING, torch.inference_mode(False), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        stride = 16 if wide_vgg else spec.output_stride
        parts = cut_backbone(spec.backbone, stride, weights == "pretrained", keep_tail=False)
        if wide_vgg:
            keep_size(parts)
        torch.manual_seed(seed)
        return Segmenter(spec, parts, channels, dropout).to(memory_format=torch.channels_last).eval()


def keep_size(parts: Parts) -> None:
    """The last pooling of a VGG's trunk moves by one place, and what follows looks twice as far."""
    layers = [*parts.trunk, *parts.neck]
    at = max(place for place, layer in enumerate(layers) if isinstance(layer, nn.MaxPool2d))
    pooling = layers[at]
    pooling.kernel_size, pooling.stride, pooling.padding = 3, 1, 1
    for layer in layers[at + 1 :]:
        if isinstance(layer, nn.Conv2d):
            layer.dilation, layer.padding = (2, 2), (2, 2)
