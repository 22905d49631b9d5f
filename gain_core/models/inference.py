"""A classifier for looking only: constants folded, layers joined, weights laid out for this processor.

Most of what a compiler would do to these networks, without the compiler, and ready in a fraction of a second
(docs/decisions/0009).
"""

import copy
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch._dynamo import config as dynamo
from torch._inductor import config as inductor

from gain_core.errors import InputError
from gain_core.models.classifier import PIECE, Classifier
from gain_core.models.convolution import even_padding, is_depthwise, margins, padded
from gain_core.models.cuda_graphs import RecordedLayers
from gain_core.models.folding import (
    LiveConvolution,
    chains,
    exactly,
    example_image,
    fold,
    join,
    on_trial,
)

# What oneDNN can do to a result before it is written: name and arguments of its own operation.
_JOINED: dict[type[nn.Module], tuple[str, list[float]]] = {
    nn.Identity: ("none", []),
    nn.ReLU: ("relu", []),
    nn.ReLU6: ("hardtanh", [0.0, 6.0]),
    nn.SiLU: ("swish", []),
}
_COMPILED = 10_000  # copies and sizes that one process may compile


def frozen(
    model: Classifier,
    images: int = PIECE,
    dtype: torch.dtype = torch.float32,
    compiled: bool = False,
    recorded: bool = False,
) -> Classifier:
    """A copy for `explain`, faster, with the weights as they are now; it cannot learn.

    On a CPU, batches need half to nine tenths of the time, by network and processor; a single image gains
    less. Logits and maps are those of `model` to 1e-4 of their largest value, on most networks to 1e-6; on a
    GPU where torch lets convolutions round (TF32, its default) to two hundredths, as those of `model` are.
    images: how many are explained at once; any number works, this one is fastest. dtype: bfloat16 computes
    the layers before the head in it, with maps within 10 % of their largest value (on a GPU, of noise, 30 %
    were seen); a processor that has no bfloat16 needs twenty times as long. float32 leaves all as it is.
    compiled: torch.compile joins the layers, at the first image of each size, for half a minute. recorded:
    on a GPU, from the second batch of a size on, the layers are one call (`RecordedLayers`, which says what
    other threads must not do meanwhile; not run on a GPU yet, see docs/decisions/0023). The copy stays on the
    model's device and knows nothing of later changes to the model; it cannot be saved, copied or asked for
    its fingerprint. Raises InputError for a model that is such a copy already, no images, another dtype, or a
    recording without a GPU.
    """
    model.expect_own_layers()
    if images < 1 or dtype not in (torch.float32, torch.bfloat16):
        raise InputError(f"expected at least one image, in float32 or bfloat16, got {images} in {dtype}")
    kind = next(model.parameters()).device.type
    if recorded and kind != "cuda":
        raise InputError(f"expected a model on a CUDA GPU to record, got one on {kind}")
    with torch.no_grad(), exactly():
        example = example_image(model)
        fast = [
            _frozen(part, given, images, kind, dtype, compiled, recorded)
            for part, given in ((model.trunk, example), (model.neck, on_trial(model.trunk)(example)))
        ]
        head = copy.deepcopy(model.head)
    copied = model.running_through(*fast)
    copied.head, copied.only_looks = head, True
    return copied.requires_grad_(False).eval()


class PackedConvolution(nn.Module):
    """A convolution and the activation behind it as one call of oneDNN, the weight in a layout of its choice.

    (B, K, h, w) -> (B, K', h', w'), CPU, without gradients. shape: of the maps that it is meant for.
    """

    def __init__(self, convolution: nn.Conv2d, activation: nn.Module, shape: torch.Size) -> None:
        super().__init__()
        self._layers = nn.Sequential(convolution, activation)
        self._joined = _JOINED[type(activation)]
        maps, weight = torch.empty(shape, device="meta"), convolution.weight.detach()
        self._margins = margins(convolution, maps)
        if is_depthwise(convolution):
            weight, padding = even_padding(weight, self._margins)
        else:
            maps, padding = padded(convolution, maps)
        geometry = (list(padding), list(convolution.stride), list(convolution.dilation), convolution.groups)
        self._geometry = geometry
        self._weight = torch.ops.mkldnn._reorder_convolution_weight(weight, *geometry, list(maps.shape))

    def forward(self, maps: Tensor) -> Tensor:
        convolution: Any = self._layers[0]
        if margins(convolution, maps) != self._margins:
            result: Tensor = self._layers(maps)  # of another size, where "same" wants other zeros
            return result
        if not is_depthwise(convolution):
            maps, _ = padded(convolution, maps)
        name, arguments = self._joined
        result = torch.ops.mkldnn._convolution_pointwise(
            maps, self._weight, convolution.bias, *self._geometry, name, arguments, ""
        )
        return result


class CompiledLayers(nn.Module):
    """Layers compiled by inductor for each size of input, their weights as constants; without gradients."""

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self._layers = torch.compile(layers, dynamic=False)  # dynamic: slow at every size to serve all

    def forward(self, maps: Tensor) -> Tensor:
        # As an option of torch.compile freezing comes too late: weights are inputs by then, not constants.
        # And torch counts all copies and sizes of a process as one, to call the ninth layer by layer.
        limits = {"recompile_limit": _COMPILED, "accumulated_recompile_limit": _COMPILED}
        with inductor.patch(freezing=True), dynamo.patch(limits):
            result: Tensor = self._layers(maps)
            return result


class Cast(nn.Module):
    """Any tensor -> the same in another dtype."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self._dtype = dtype

    def forward(self, values: Tensor) -> Tensor:
        return values.to(self._dtype)


def _frozen(
    layers: nn.Module,
    example: Tensor,
    images: int,
    kind: str,
    dtype: torch.dtype,
    compiled: bool,
    recorded: bool,
) -> nn.Module:
    found = chains(on_trial(layers), example)
    own = copy.deepcopy(layers).eval()  # whatever mode they are in
    fold(own, found)
    join(own, found, lambda chain, convolution, activation: _constant(convolution, activation))
    wide, narrow = example.dtype, dtype != torch.float32
    if narrow:
        own = own.to(dtype)
    if kind == "cpu" and _can_pack(example, dtype):
        for chain in found:
            convolution, activation = own.get_submodule(chain.convolution).children()
            shape = torch.Size((images, *chain.shape[1:]))
            packed = PackedConvolution(cast(nn.Conv2d, convolution), activation, shape)
            own.set_submodule(chain.convolution, packed)
    if compiled:
        own = CompiledLayers(own)
    if narrow:
        own = nn.Sequential(Cast(dtype), own, Cast(wide))
    return RecordedLayers(own) if recorded else own


def _constant(convolution: nn.Module, activation: nn.Module) -> nn.Module:
    """The two in a row, the weights of a folded norm layer worked in."""
    if isinstance(convolution, LiveConvolution):
        weight, bias = convolution.weights()
        convolution = convolution.convolution
        convolution.weight = nn.Parameter(weight.contiguous(memory_format=torch.channels_last))
        convolution.bias = None if bias is None else nn.Parameter(bias)
    return nn.Sequential(convolution, activation)


def _can_pack(example: Tensor, dtype: torch.dtype) -> bool:
    """oneDNN's operations, which torch's compiler uses too; they are not in every build of torch, and with
    bfloat16 not on every processor.
    """
    operations: Any = torch.ops.mkldnn
    return (
        example.dtype == torch.float32
        and dtype in (torch.float32, torch.bfloat16)
        and torch.backends.mkldnn.is_available()
        and hasattr(operations, "_convolution_pointwise")
        and hasattr(operations, "_reorder_convolution_weight")
        and (dtype == torch.float32 or operations._is_mkldnn_bf16_supported())
    )
