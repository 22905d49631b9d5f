"""A classifier for other programs: an ONNX model and a `torch.export` program, each with logits and maps.

Both take `images` (B, 3, S, S) float32, preprocessed, and return `logits` (B, C) and `evidence` (B, C, h, w),
which is eq. 2 before its ReLU. For a head other than pooling and a linear layer, the gradient of eq. 1 is
part of the graph, and B is 1.
"""

import copy
import io
from typing import NamedTuple

import numpy as np
import onnx
import torch
from onnx import version_converter
from torch import Tensor, fx, nn
from torch._decomp import core_aten_decompositions
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn import functional as F

from gain_core.errors import BackboneError, CheckpointError
from gain_core.models.classifier import Classifier
from gain_core.models.inference import TOLERANCE, Numbers, difference, example_image
from gain_core.models.onnx_export import onnx_bytes
from gain_core.models.onnx_padding import pads_in_convolutions
from gain_core.models.onnx_session import open_session

OUTPUTS = ("logits", "evidence")
EXPORTED_OPSET = 20  # the newest that torch's older exporter writes; newer ones are converted


class PortableModel(NamedTuple):
    """Both files, and the result of comparing them with torch."""

    onnx: bytes
    opset: int
    program: bytes  # for torch.export.load
    any_batch: bool  # whether B is free; else it is 1
    checked: int  # number of images that both were compared on
    apart: float  # largest difference on these, relative to the largest value


def portable_model(model: Classifier, images: Numbers) -> PortableModel:
    """Export a classifier and compare it with torch on `images` (N, 3, S, S) float32, preprocessed, N >= 1.

    The ONNX model has the newest opset that the installed ONNX Runtime reads with the same results.
    BackboneError, with the reason, for a model in another precision than float32, a network that cannot be
    written, and results that differ from torch's by more than 1e-4 of the largest.
    """
    if {value.dtype for value in model.parameters()} != {torch.float32}:
        raise BackboneError("expected a model in float32, got another precision")
    with torch.inference_mode(False), torch.autocast("cpu", enabled=False):
        own = (
            copy.deepcopy(model).cpu().to(memory_format=torch.contiguous_format).eval().requires_grad_(False)
        )
        any_batch = own.linear_head_weights is not None
        network = portable_network(own)
        example = torch.from_numpy(example_image(own.spec))
        with torch.no_grad():
            expected = _results(network, images)
            program, program_apart = _program(network, example, images, expected, any_batch)
            pads_in_convolutions(network)
            content, opset, apart = _newest(network, example, images, expected, any_batch)
    return PortableModel(content, opset, program, any_batch, len(images), max(apart, program_apart))


class _ClosedForm(nn.Module):
    """Eq. 1 and 2 as a 1×1 convolution with the head's weights."""

    weight: Tensor  # (C, K, 1, 1): w_k^c of eq. 1

    def __init__(self, model: Classifier, linear: Tensor, places: int) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("weight", (linear / places)[:, :, None, None].clone())

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = self.model.features(images)
        return self.model.head(features), F.conv2d(features, self.weight)


class _ThroughGradient(nn.Module):
    """Eq. 1 and 2 with the head's gradient as plain operations."""

    def __init__(self, model: Classifier, head: fx.GraphModule) -> None:
        super().__init__()
        self.model, self.looking_head = model, head

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        logits, evidence = self.looking_head(self.model.features(images))
        return logits, evidence


def portable_network(model: Classifier) -> nn.Module:
    """images -> (logits, evidence), in eval mode."""
    with torch.no_grad():
        features = model.features(torch.from_numpy(example_image(model.spec)))
    linear = model.linear_head_weights
    if linear is not None:
        return _ClosedForm(model, linear, features.shape[2] * features.shape[3]).eval()
    try:
        head = make_fx(_looking(model), decomposition_table=dict(core_aten_decompositions()))(features)
    except Exception as error:  # whatever a network's own code does with tensors that are traced
        raise BackboneError(f"the head's gradient cannot be written as a graph: {error}") from error
    return _ThroughGradient(model, head).eval()


def _looking(model: Classifier):  # type: ignore[no-untyped-def]  # make_fx's own type is not public
    chosen = torch.eye(len(model.spec.classes))

    def logits_and_evidence(features: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            features = features.detach().requires_grad_()
            logits = model.head(features)
            gradients = [
                torch.autograd.grad(logits, features, row.expand(len(features), -1), retain_graph=True)[0]
                for row in chosen
            ]
        evidence = [(of_class.mean((2, 3), keepdim=True) * features).sum(1) for of_class in gradients]
        return logits, torch.stack(evidence, 1)

    return logits_and_evidence


def _results(network: nn.Module, images: Numbers) -> tuple[Numbers, Numbers]:
    pairs = [network(torch.from_numpy(image[None])) for image in images]
    logits, evidence = (torch.cat(same).numpy() for same in zip(*pairs, strict=True))
    return logits, evidence


def _program(
    network: nn.Module,
    example: Tensor,
    images: Numbers,
    expected: tuple[Numbers, Numbers],
    any_batch: bool,
) -> tuple[bytes, float]:
    """The saved program, without stack traces, which name folders; and its difference from torch."""
    shapes = ({0: torch.export.Dim("batch", min=1)},) if any_batch else None
    given = torch.cat([example, example]) if any_batch else example
    try:
        program = torch.export.export(network, (given,), dynamic_shapes=shapes, strict=False)
    except Exception as error:  # as above
        raise BackboneError(f"the network cannot be written as a torch.export program: {error}") from error
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)
    buffer = io.BytesIO()
    torch.export.save(program, buffer)
    return buffer.getvalue(), _apart(_results(program.module(), images), expected)


def _newest(
    network: nn.Module,
    example: Tensor,
    images: Numbers,
    expected: tuple[Numbers, Numbers],
    any_batch: bool,
) -> tuple[bytes, int, float]:
    """The ONNX model, its opset, and its difference from torch."""
    written = onnx.load_from_string(
        onnx_bytes(network, example, OUTPUTS, opset=EXPORTED_OPSET, any_batch=any_batch)
    )
    apart = float("inf")
    for opset in range(onnx.defs.onnx_opset_version(), EXPORTED_OPSET - 1, -1):
        try:
            model = written if opset == EXPORTED_OPSET else version_converter.convert_version(written, opset)
            content = model.SerializeToString()
            session = open_session(content)
        except (CheckpointError, RuntimeError, version_converter.ConvertError):
            continue  # this opset cannot be written for this network, or not be read here
        results = [session.run(list(OUTPUTS), {"images": image[None]}) for image in images]
        logits, evidence = (np.concatenate(same) for same in zip(*results, strict=True))
        apart = _apart((logits, evidence), expected)
        if apart <= TOLERANCE:
            return content, opset, apart
    raise BackboneError(
        f"ONNX Runtime gives other results than torch on {len(images)} images: they differ by {apart:.1e} of "
        f"the largest value, and at most {TOLERANCE:.0e} is accepted"
    )


def _apart(got: tuple[Numbers, Numbers], expected: tuple[Numbers, Numbers]) -> float:
    return max(difference(ours, theirs) for ours, theirs in zip(got, expected, strict=True))
