"""ONNX Runtime on the CPU: the inference session of a classifier, and the file it is kept in. Needs no torch.

The file is an ONNX model that any other program can read: `images` (B, 3, S, S) in; `trunk`, `logits` and
`evidence` out. Its metadata say of which model file it was made, for which images, and what torch made of
`example_image`, which is checked on this machine before anybody uses the session.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
from gain_core.models.spec import PIECE, ModelSpec

FORMAT = "refocus-onnx-1"  # change it whenever the same model file would give another session
OUTPUTS = ("trunk", "logits", "evidence")
# The last bytes of the file: a metadata entry whose value is the SHA-256 (hex) of all bytes before it.
SEAL = 76

_ERRORS_ONLY = 3  # severity; session creation has advice that nobody here can follow


class OnnxModel:
    """What an inference session of ONNX Runtime says of images, a few at a time."""

    def __init__(self, session: onnxruntime.InferenceSession, spec: ModelSpec) -> None:
        self._session, self._spec = session, spec
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
        """Some of OUTPUTS."""
        pieces: list[Any] = [
            self._session.run(list(outputs), {"images": images[start : start + PIECE]}, self._partly)
            for start in range(0, max(len(images), 1), PIECE)
        ]
        return [np.concatenate(same) for same in zip(*pieces, strict=True)]


def open_session(content: bytes, threads: int | None = None) -> onnxruntime.InferenceSession:
    """content: an ONNX model. threads: None for as many as torch would take. CheckpointError when it is none.

    Its threads wait without spinning: another process may train on the same cores.
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
    """The inference session kept at `path`, of the model file whose SHA-256 is `made_of`.

    CheckpointError when there is none, when it is damaged or of another model file or program, and when it
    gives something else here than torch did where it was made.
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
        model = OnnxModel(session, ModelSpec.from_dict(json.loads(metadata["spec"])))
        expected = np.frombuffer(base64.b64decode(metadata["expected"]), dtype="<f4")
    except (ConfigError, KeyError, ValueError) as error:
        raise CheckpointError(f"inference session {path} has damaged metadata: {error}") from error
    logits, evidence = model.evidence_maps(example_image(model.spec))
    count = logits.size
    apart = max(difference(logits.ravel(), expected[:count]), difference(evidence.ravel(), expected[count:]))
    if apart > TOLERANCE:
        raise CheckpointError(f"expected torch's maps from {path}, got some that differ by {apart:.1e}")
    return model
