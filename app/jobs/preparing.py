"""What takes seconds to make, as pages ask for it: downloads, suggestions, maps of images, networks that
propose outlines, predictions of images that were added. `app.jobs.prepare_run` makes them.

Each has a folder under `prepared/`, named by what it depends on: versions, labels and guidance. `state.json`
there says how far it is. There is no table: what is lost is made again.
"""

import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from app.jobs import launch
from app.jobs.process_locks import is_held
from app.workspace import Workspace
from db.library import get_project
from db.records import ProjectRecord, Split
from db.versions import unpredicted
from gain_core.atomic import write_atomically

Kind = Literal["bundle", "report", "maps", "predictions", "shortcuts", "map", "outlines", "masks"]
Status = Literal["absent", "working", "done", "failed"]
START_SECONDS = 20.0  # a process that was just started is given this long to take its lock
SILENT = "The export ended without saying why. Its log is prepare.log, in the data folder's trainer folder."


@dataclass(frozen=True, slots=True)
class Request:
    kind: Kind
    project_id: int
    version_id: int  # 0 for what depends on none
    before_id: int | None = None  # the version to compare with
    split: Split = "validation"

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Request":
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True)
class Preparation:
    status: Status
    folder: Path  # holds the files when it is done
    done: int = 0
    total: int = 0
    doing: str = ""
    message: str = ""  # why it failed


def begin(ws: Workspace, request: Request) -> None:
    """Start making it, unless it is being made. What was made of an earlier state of the project is removed.

    Raises ServiceError when it cannot be started, db.errors.NotFoundError.
    """
    if status(ws, request).status == "working":
        return
    folder = folder_of(ws, request)
    for earlier in folder.parent.glob(f"{_name(request)}-*"):
        shutil.rmtree(earlier, ignore_errors=True)
    write_state(folder, {"status": "working", "started": time.time()})
    launch.start_preparation(ws, request.to_json())


def ensure_predictions(ws: Workspace, project_id: int, version_id: int | None = None) -> Request | None:
    """Have a version, or else the published one, predict the images that it has not looked at, in the
    background.

    What to watch; None where it has looked at all, or there is no version. One that failed is not tried again
    here. Raises as `begin`.
    """
    version_id = version_id or get_project(ws.database, project_id).current_version_id
    if version_id is None or not unpredicted(ws.database, version_id):
        return None
    request = Request("predictions", project_id, version_id)
    if status(ws, request).status != "failed":
        begin(ws, request)
    return request


def status(ws: Workspace, request: Request, project: ProjectRecord | None = None) -> Preparation:
    """project: of the request, where the caller has read it. Raises db.errors.NotFoundError."""
    folder = folder_of(ws, request, project)
    try:
        state = json.loads((folder / "state.json").read_bytes())
    except FileNotFoundError:
        return Preparation("absent", folder)
    started_long_ago = time.time() - state.get("started", 0.0) > START_SECONDS
    if state["status"] == "working" and started_long_ago and not is_held(folder / "lock"):
        return Preparation("failed", folder, message=SILENT)
    figures = {name: state[name] for name in ("done", "total", "doing", "message") if name in state}
    return Preparation(state["status"], folder, **figures)


def folder_of(ws: Workspace, request: Request, project: ProjectRecord | None = None) -> Path:
    """The folder for the project's labels and guidance as they are now.

    Raises db.errors.NotFoundError.
    """
    project = project or get_project(ws.database, request.project_id)
    revisions = f"{project.label_revision}-{project.review_revision}"
    # Predictions change the labels' revision themselves. Shortcuts are looked for once for each version: a
    # search at each label would take the cores, and close a suggestion that somebody works through. A map of
    # images depends on neither labels nor guidance. A network that proposes outlines learns again when
    # `app.services.proposing` says so.
    if request.kind in ("predictions", "shortcuts", "map", "outlines"):
        revisions = "now"
    return ws.files.prepared(request.project_id) / f"{_name(request)}-{revisions}"


def write_state(folder: Path, state: Mapping[str, Any]) -> None:
    write_atomically(folder / "state.json", json.dumps(dict(state)).encode(), durable=False)


def _name(request: Request) -> str:
    return f"{request.kind}-v{request.version_id}-from-{request.before_id or 0}-{request.split}"
