"""The files of a model: its SHA-256, and the paths of what is kept beside it. Needs no torch."""

import hashlib
from pathlib import Path

from gain_core.errors import CheckpointError


def file_sha256(path: Path | str) -> str:
    """SHA-256 of a file's bytes (hex). CheckpointError when it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"model file {path} could not be read: {error}") from error


def session_file(model_file: Path) -> Path:
    """The path of the inference session of a model file, beside it."""
    return model_file.with_suffix(".onnx")


def composites_folder(model_file: Path) -> Path:
    """The folder for features of the counter-examples of the last training that began with this model."""
    return model_file.with_name("composites")
