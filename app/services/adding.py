"""Images that are added to a project, and annotations for those that it has already."""

from pathlib import Path
from typing import IO

from app.importing.add_guidance import GuidanceReport, add_guidance
from app.importing.adding import add_source
from app.importing.importer import ImportReport, Progress
from app.importing.options import ImportOptions
from app.importing.zip_source import open_zip
from app.services import people
from app.services.library import folder_source
from app.workspace import Workspace


def add_zip(
    ws: Workspace,
    project_id: int,
    archive: Path | IO[bytes],
    on_progress: Progress | None = None,
    options: ImportOptions | None = None,
) -> ImportReport:
    """Add the images of a zip to a project, and annotations for those that it has; see `add_source`."""
    with open_zip(archive, ws.settings.max_upload_mb, (options or ImportOptions()).encoding) as source:
        return add_source(ws, project_id, source, on_progress, options)


def add_folder(
    ws: Workspace,
    project_id: int,
    folder: Path,
    on_progress: Progress | None = None,
    options: ImportOptions | None = None,
    *,
    trusted: bool = False,
) -> ImportReport:
    """Add the images of a folder, as `add_zip`; `trusted` as in `import_folder`."""
    source = folder_source(ws, folder, trusted=trusted)
    return add_source(ws, project_id, source, on_progress, options)


def add_drawings(ws: Workspace, project_id: int, archive: IO[bytes]) -> GuidanceReport:
    """Add drawings or annotations of a zip to the images that a project has; what is drawn stays.

    Raises RoleNeededError, ImportRefusedError.
    """
    people.require(ws, "maintainer", "import drawings")
    with open_zip(archive, ws.settings.max_upload_mb) as source:
        return add_guidance(ws, project_id, source)
