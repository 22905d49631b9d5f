"""ONNX Runtime on the CPU: the inference session of a classifier, and the file it is kept in. Needs no torch.

The file is an ONNX model that other programs can read: input `images` (B, 3, S, S), outputs `trunk`, `logits`
and `evidence`. Its metadata hold the SHA-256 of its model file, the spec, and torch's results for
`example_image`, which `read_session` compares with those of this machine.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

import numpy as np
import onnxruntime

from gain_core.errors import CheckpointError, ConfigError
from gain_core.models.inference import (
    TOLERANCE,
    EvidenceMaps,
    Numbers,
    cpu_threads,
    difference,
    example_image,
)
from gain_core.models.spec import ModelSpec

FORMAT = "refocus-onnx-2"  # change it whenever the same model file would give another session
OUTPUTS = ("trunk", "logits", "evidence")
# The last bytes of the file: a metadata entry whose value is the SHA-256 (hex) of all bytes before it.
SEAL = 76
# Images that one thread takes at a time: the widest maps of more do not fit its cache.
IMAGES_A_THREAD = 2

_ERRORS_ONLY = 3  # log severity; warnings at session creation are advice about the exporter


class OnnxModel:
    """An InferenceModel on ONNX Runtime.

    All threads of the session work on one image together. Of several images each thread takes its own:
    threads that share an image wait for each other at every layer (docs/decisions/0027).
    """

    def __init__(self, session: onnxruntime.InferenceSession, content: bytes, spec: ModelSpec) -> None:
        """session: from `open_session(content)`."""
        self._together, self._content, self._spec = session, content, spec
        self._threads: int = session.get_session_options().intra_op_num_threads
        self._partly = onnxruntime.RunOptions()
        self._partly.only_execute_path_to_fetches = True

    @property
    def spec(self) -> ModelSpec:
        return self._spec

    def trunk_features(self, images: Numbers) -> Numbers:
        return self.run(("trunk",), images)[0]

    def evidence_maps(self, images: Numbers) -> EvidenceMaps:
        return EvidenceMaps(*self.run(("logits", "evidence"), images))

    def run(self, outputs: Sequence[str], images: Numbers) -> list[Numbers]:
        """The results of some of OUTPUTS for images (B, 3, S, S) float32, in the order of `outputs`."""
        if len(images) <= 1:
            return self._ask(self._together, outputs, images)
        pieces = [images[start : start + IMAGES_A_THREAD] for start in range(0, len(images), IMAGES_A_THREAD)]
        over = map if self._threads == 1 else self._workers.map
        parts = over(lambda piece: self._ask(self._alone, outputs, piece), pieces)
        return [np.concatenate(same) for same in zip(*parts, strict=True)]

    def _ask(
        self, session: onnxruntime.InferenceSession, outputs: Sequence[str], images: Numbers
    ) -> list[Numbers]:
        results: list[Numbers] = session.run(list(outputs), {"images": images}, self._partly)
        return results

    @cached_property
    def _alone(self) -> onnxruntime.InferenceSession:
        """A session of one thread, which any number of threads may ask at once."""
        return self._together if self._threads == 1 else open_session(self._content, 1)

    @cached_property
    def _workers(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._threads, thread_name_prefix="looking")


def open_session(content: bytes | str, threads: int | None = None) -> onnxruntime.InferenceSession:
    """A session on the CPU. content: of an ONNX file, or its path; threads: None for torch's number.
    CheckpointError for no ONNX model.

    Its threads wait without spinning, because another process may train on the same cores.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or cpu_threads()
    options.log_severity_level = _ERRORS_ONLY
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(content, options, ["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime has a dozen kinds that share no base
        raise CheckpointError(f"ONNX Runtime cannot open the model: {error}") from error


def read_session(path: Path, made_of: str, threads: int | None = None) -> OnnxModel:
    """The inference session at `path` of the model file whose SHA-256 (hex) is `made_of`.

    CheckpointError when there is none, when it is damaged or belongs to another model file or version of the
    format, and when its results here differ from torch's by more than 1e-4 of the largest value.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"expected an inference session at {path}, got: {error}") from error
    if hashlib.sha256(content[:-SEAL]).hexdigest().encode() != content[-64:]:
        raise CheckpointError(f"expected a whole inference session at {path}, got a damaged one")
    session = open_session(content, threads)
    metadata = session.get_modelmeta().custom_metadata_map
    if (metadata.get("format"), metadata.get("made_of")) != (FORMAT, made_of):
        raise CheckpointError(
            f"expected the inference session of model file {made_of} at {path}, got another"
        )
    try:
        model = OnnxModel(session, content, ModelSpec.from_dict(json.loads(metadata["spec"])))
        expected = np.frombuffer(base64.b64decode(metadata["expected"]), dtype="<f4")
    except (ConfigError, KeyError, ValueError) as error:
        raise CheckpointError(f"inference session {path} has damaged metadata: {error}") from error
    logits, evidence = model.evidence_maps(example_image(model.spec))
    count = logits.size
    apart = max(difference(logits.ravel(), expected[:count]), difference(evidence.ravel(), expected[count:]))
    if apart > TOLERANCE:
        raise CheckpointError(f"expected torch's maps from {path}, got some that differ by {apart:.1e}")
    return model
