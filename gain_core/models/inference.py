"""Models for inference only, as the pages, the feature cache and `explain_files` use them.

There are two kinds: ONNX Runtime on a CPU (`onnx_session`, needs no torch), and torch (`explain.looking`) for
GPUs and for networks that cannot be written as ONNX.
"""

import os
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from gain_core.models.spec import ModelSpec

Numbers = NDArray[np.float32]

TOLERANCE = 1e-4  # largest difference between the two kinds, relative to the largest value


class EvidenceMaps(NamedTuple):
    """Logits and evidence of B images. C: all classes; h×w: size of the last map."""

    logits: Numbers  # (B, C)
    evidence: Numbers  # (B, C, h, w), signed: evidence of each place for (+) or against (−) each class


class InferenceModel(Protocol):
    """Safe for any number of threads. images: (B, 3, S, S) float32, preprocessed."""

    @property
    def spec(self) -> ModelSpec: ...

    def trunk_features(self, images: Numbers) -> Numbers:
        """(B, K0, h0, w0) float32: the output of the trunk, before the last convolution."""

    def evidence_maps(self, images: Numbers) -> EvidenceMaps:
        """Logits, and eq. 2 before its ReLU, for all classes."""


def probabilities_of(logits: Numbers, multi_label: bool) -> NDArray[np.float64]:
    """(B, C) -> (B, C) float64 in [0, 1]: sigmoids with `multi_label`, else the softmax of each row."""
    values = logits.astype(np.float64)
    if multi_label:
        return 1 / (1 + np.exp(-values.clip(-500, 500)))
    shares = np.exp(values - values.max(1, keepdims=True))
    probabilities: NDArray[np.float64] = shares / shares.sum(1, keepdims=True)
    return probabilities


def cpu_threads() -> int:
    """torch's default number of threads: OMP_NUM_THREADS, else the cores that this process may use."""
    told = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    if told.isdecimal() and int(told) > 0:
        return int(told)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def example_image(spec: ModelSpec) -> Numbers:
    """(1, 3, S, S) float32 in [-1, 1), the same on every machine, to compare the two kinds of a model."""
    count = 3 * spec.image_size**2
    values = (np.arange(count, dtype=np.int64) * 7919 % 2048).astype(np.float32) / 1024 - 1
    ramp = np.linspace(-1, 1, count, dtype=np.float32)  # coarse shapes beside the fine ones
    image: Numbers = ((values + ramp) / 2).astype(np.float32)
    return image.reshape(1, 3, spec.image_size, spec.image_size)


def difference(got: Numbers, expected: Numbers) -> float:
    """Largest absolute difference over the largest expected value; infinite for NaN or another shape."""
    if got.shape != expected.shape or not np.isfinite(got).all():
        return float("inf")
    largest = max(float(np.abs(expected).max(initial=0)), 1e-12)
    return float(np.abs(got - expected).max(initial=0)) / largest
