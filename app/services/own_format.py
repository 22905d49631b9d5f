"""A version of a model that somebody brought, as a checkpoint of the kind that they brought."""

import json
from collections.abc import Callable
from dataclasses import dataclass

import safetensors

from app.services.own_models import ModelRefusedError
from app.workspace import Workspace
from db.records import VersionRecord


@dataclass(frozen=True, slots=True)
class OwnFormat:
    """The checkpoint that a version would be as its owner's file."""

    suffix: str  # of its name: ".pth"
    left_out: tuple[str, ...]
    content: Callable[[], bytes]  # loads torch


def own_format(ws: Workspace, version: VersionRecord) -> OwnFormat:
    """Of a version that goes back to a model that somebody brought. ModelRefusedError for another's file."""
    path = ws.files.absolute(version.path)

    def content() -> bytes:
        from gain_core.models.from_checkpoint import to_checkpoint  # torch

        return to_checkpoint(path).content

    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            container = json.loads((file.metadata() or {})["container"])
        return OwnFormat(container["suffix"], tuple(container["left_out"]), content)
    except (safetensors.SafetensorError, OSError, KeyError, ValueError) as error:
        raise ModelRefusedError(f"Version {version.number} has no other format: {error}.") from error
