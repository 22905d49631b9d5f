"""Exports a classifier from torch to an ONNX model for `onnx_session`.

On the default backbone torch's older exporter takes half a second, the newer one ten (docs/decisions/0027).
"""

import base64
import copy
import hashlib
import io
import json
import threading
import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gain_core.errors import BackboneError
from gain_core.models.classifier import Classifier
from gain_core.models.inference import TOLERANCE, Numbers, difference, example_image
from gain_core.models.onnx_padding import pads_in_convolutions
from gain_core.models.onnx_session import FORMAT, OUTPUTS, OnnxModel, open_session

_EXPORTING = threading.Lock()  # the exporter has global state


class Exported(NamedTuple):
    """An ONNX model, and its session, which was compared with torch."""

    content: bytes
    session: OnnxModel


def export_onnx(model: Classifier, made_of: str = "", threads: int | None = None) -> Exported:
    """The ONNX model of a classifier with its present weights, compared with torch on one image.

    made_of: SHA-256 (hex) of its model file, which `read_session` checks. threads: of the session; None:
    torch's number. BackboneError, with the reason, for a network that cannot be written as ONNX, a head
    without a closed form (eq. 1 would need its gradient), another precision than float32, and maps that
    differ from torch's by more than 1e-4 of the largest value.
    """
    if model.linear_head_weights is None:
        raise BackboneError("expected pooling and a linear layer as the head, got one without a closed form")
    if {value.dtype for value in model.parameters()} != {torch.float32}:
        raise BackboneError("expected a model in float32, got another precision")
    example = example_image(model.spec)
    with torch.inference_mode(False), torch.no_grad(), torch.autocast("cpu", enabled=False):
        looking = _Looking(copy.deepcopy(model).cpu().eval())
        expected = [output.numpy() for output in looking(torch.from_numpy(example))]
        pads_in_convolutions(looking)
        content = onnx_bytes(looking, torch.from_numpy(example), OUTPUTS)
    session = OnnxModel(open_session(content, threads or torch.get_num_threads()), content, model.spec)
    apart = _difference(session, example, expected)
    if apart > TOLERANCE:
        raise BackboneError(f"expected torch's maps from ONNX Runtime, got some that differ by {apart:.1e}")
    return Exported(_sealed(content, model, made_of, expected), session)


class _Looking(nn.Module):
    """images (B, 3, S, S) -> OUTPUTS. Eq. 1 and 2 in closed form: a 1×1 convolution."""

    def __init__(self, model: Classifier) -> None:
        super().__init__()
        self.model = model
        self.weight: Tensor | None = None  # (C, K, 1, 1): w_k^c of eq. 1

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        trunk = self.model.trunk(images)
        features = self.model.neck(trunk)
        if self.weight is None:  # at the first call, because sizes are not numbers while tracing
            linear = self.model.linear_head_weights
            if linear is None:
                raise BackboneError("expected a linear head")
            self.weight = (linear / (features.shape[2] * features.shape[3]))[:, :, None, None].detach()
        return trunk, self.model.head(features), F.conv2d(features, self.weight)


def onnx_bytes(
    network: nn.Module,
    example: Tensor,
    outputs: Sequence[str],
    *,
    opset: int | None = None,
    any_batch: bool = True,
) -> bytes:
    """The ONNX model of a network from `images` (B, 3, S, S) to a tuple of tensors, named by `outputs`.

    network: in eval mode, without gradients. opset: None for the exporter's default. any_batch: B is free;
    else it is that of `example`. BackboneError for a network that cannot be written.
    """
    buffer = io.BytesIO()
    with _EXPORTING, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there is a newer exporter, and what is constant once traced
        try:
            torch.onnx.export(
                network,
                (example,),
                buffer,  # type: ignore[arg-type]
                dynamo=False,
                opset_version=opset,
                input_names=["images"],
                output_names=list(outputs),
                dynamic_axes={name: {0: "batch"} for name in ("images", *outputs)} if any_batch else {},
            )
        except Exception as error:  # whatever a network's own code and torch's exporter may raise
            raise BackboneError(f"the network cannot be written as ONNX: {error}") from error
    return buffer.getvalue()


def _difference(session: OnnxModel, example: Numbers, expected: Sequence[Numbers]) -> float:
    got = session.run(OUTPUTS, np.repeat(example, 2, axis=0))  # two: the batch's size must be free
    return max(
        difference(one, np.repeat(wanted, 2, axis=0)) for one, wanted in zip(got, expected, strict=True)
    )


def _sealed(content: bytes, model: Classifier, made_of: str, expected: Sequence[Numbers]) -> bytes:
    _, logits, evidence = expected
    told = np.concatenate([logits.ravel(), evidence.ravel()]).astype("<f4").tobytes()
    content += _entries(
        format=FORMAT,
        made_of=made_of,
        spec=json.dumps(model.spec.to_dict()),
        expected=base64.b64encode(told).decode("ascii"),
    )
    return content + _entries(sha256=hashlib.sha256(content).hexdigest())  # SEAL bytes


def _entries(**metadata: str) -> bytes:
    """Metadata to append to a model: protobuf messages in a row are one message with all their entries."""
    entries = [onnx.StringStringEntryProto(key=key, value=value) for key, value in metadata.items()]
    return onnx.ModelProto(metadata_props=entries).SerializeToString()
