"""The model file of a version."""

from app.errors import MissingFileError
from app.workspace import Workspace
from db.records import VersionRecord
from gain_core.models.files import file_sha256


def read_weights(ws: Workspace, version: VersionRecord) -> bytes:
    """The bytes of the model file. Raises MissingFileError when it is gone or was changed."""
    path = ws.files.absolute(version.path)
    if not path.is_file() or file_sha256(path) != version.sha256:
        raise MissingFileError(
            f"The file of model version {version.number} is missing or has changed: {path}."
        )
    return path.read_bytes()
