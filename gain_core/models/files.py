"""The files of a model: the SHA-256 that names one, and where its inference session lies. Needs no torch."""

import hashlib
from pathlib import Path

from gain_core.errors import CheckpointError


def file_sha256(path: Path | str) -> str:
    """sha256 of a file's bytes, as hex. CheckpointError when it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"model file {path} could not be read: {error}") from error


def session_file(model_file: Path) -> Path:
    """Where the inference session of a model file is kept: beside it."""
    return model_file.with_suffix(".onnx")
