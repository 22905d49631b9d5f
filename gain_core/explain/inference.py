"""The model that looks for a classifier or a model file: ONNX Runtime on a CPU, else torch.

Importing this loads no torch: it is loaded where no session is kept for a file.
"""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from gain_core.atomic import write_atomically
from gain_core.errors import BackboneError, CheckpointError
from gain_core.models.files import session_file
from gain_core.models.inference import InferenceModel
from gain_core.models.onnx_session import OnnxModel, read_session

if TYPE_CHECKING:
    from gain_core.models.classifier import Classifier
    from gain_core.models.onnx_export import Exported

LOG = logging.getLogger(__name__)

_last: tuple[str, OnnxModel] | None = None  # of `inference_model_of_weights`: the identity and its session


def inference_model(model: "Classifier", threads: int | None = None) -> InferenceModel:
    """What looks fastest for the model as it is now; on a CPU it knows nothing of later training.

    threads: of ONNX Runtime; None for as many as torch would take. Where ONNX Runtime cannot be had, torch
    takes its place and the reason is logged.
    """
    from gain_core.explain.torch_model import TorchModel

    on_cpu = next(model.parameters()).device.type == "cpu"
    exported = _exported(model, "", threads) if on_cpu else None
    return TorchModel(model) if exported is None else exported.session


def inference_model_of_weights(model: "Classifier", identity: str) -> InferenceModel:
    """As `inference_model` with one thread; a session is kept until another model is asked for.

    It takes as long as a hundred images, and folders are often explained one after the other. identity: text
    that differs when the weights or the spec do.
    """
    global _last
    on_cpu = next(model.parameters()).device.type == "cpu"
    if on_cpu and _last is not None and _last[0] == identity:
        return _last[1]
    made = inference_model(model, threads=1)
    _last = (identity, made) if isinstance(made, OnnxModel) else None
    return made


def inference_of_file(path: Path, sha256: str) -> InferenceModel:
    """What looks for the model file with this SHA-256: the session kept beside it, or one that is kept now.

    Raises CheckpointError as `load_model`.
    """
    try:
        return read_session(session_file(path), sha256)
    except CheckpointError as error:
        LOG.info("%s", error)
    from gain_core.models.model_file import load_model

    return keep_session(path, sha256, load_model(path))


def keep_session(path: Path, sha256: str, model: "Classifier") -> InferenceModel:
    """What looks for the model of this file, its session now kept beside it; torch where none can be made."""
    from gain_core.explain.torch_model import TorchModel

    exported = _exported(model, sha256, None)
    if exported is None:
        return TorchModel(model)
    try:
        write_atomically(session_file(path), exported.content, durable=False)
    except OSError as error:  # it is made again when it is wanted again
        LOG.warning("The inference session of %s could not be kept: %s", path, error)
    return exported.session


def _exported(model: "Classifier", made_of: str, threads: int | None) -> "Exported | None":
    from gain_core.models.onnx_export import export_onnx

    try:
        return export_onnx(model, made_of, threads)
    except (BackboneError, CheckpointError) as error:
        LOG.warning("Maps are computed by torch: %s", error)
        return None
