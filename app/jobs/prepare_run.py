"""The process that makes downloads and predictions: `python -m app.jobs.prepare_run REQUEST`.

Its settings come from its environment. A process of its own: this holds the interpreter for seconds, and the
pages of others must not wait.
"""

import os
import sys
import time
from pathlib import Path

from app.errors import EXPECTED
from app.jobs.preparing import SILENT, Kind, Request, folder_of, write_state
from app.jobs.process_locks import held
from app.services import proposing
from app.services.correction_report import make_report
from app.services.image_map import make_map
from app.services.map_metrics import measure_maps
from app.services.missing_predictions import predict_missing
from app.services.model_bundle import make_bundle
from app.services.project_masks import FILE as MASKS
from app.services.project_masks import write_masks
from app.services.suggestions import find
from app.settings import load_settings
from app.workspace import Workspace, open_workspace

BEAT_SECONDS = 0.2
UNASKED: tuple[Kind, ...] = ("shortcuts", "outlines")  # they start by themselves


class _State:
    """Writes how far the work is, a few times a second."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._started, self._written = folder, time.time(), 0.0

    def show(self, done: int, total: int, doing: str) -> None:
        if time.monotonic() - self._written >= BEAT_SECONDS:
            self._written = time.monotonic()
            self.end("working", done=done, total=total, doing=doing)

    def end(self, status: str, **figures: object) -> None:
        write_state(self._folder, {"status": status, "started": self._started, **figures})


def carry_out(ws: Workspace, request: Request) -> None:
    """Make what is asked for; how that ended is in `state.json` when this returns."""
    folder = folder_of(ws, request)
    folder.mkdir(parents=True, exist_ok=True)
    state = _State(folder)
    try:
        with held(folder / "lock") as ours:
            if not ours:
                return  # it is being made
            _make(ws, request, folder, state)
        state.end("done")
    except EXPECTED as error:
        state.end("failed", message=str(error))
    except BaseException:
        state.end("failed", message=SILENT)
        raise


def _make(ws: Workspace, request: Request, folder: Path, state: _State) -> None:
    if request.before_id is not None and request.kind == "report":
        make_report(ws, request.before_id, request.version_id, request.split, folder, state.show)
    elif request.before_id is not None and request.kind == "maps":
        measure_maps(ws, (request.before_id, request.version_id), request.split, folder, state.show)
    elif request.kind == "predictions":
        predict_missing(ws, request.version_id, state.show)
    elif request.kind == "map":
        make_map(ws, request.version_id, folder, state.show)
    elif request.kind == "masks":
        write_masks(ws, request.project_id, folder / MASKS, state.show)
    elif request.kind == "shortcuts":
        find(ws, request.version_id, folder, state.show)
    elif request.kind == "outlines":
        proposing.learn(ws, request.project_id, state.show)
    else:
        make_bundle(ws, request.version_id, folder / "bundle.zip", state.show)


def main(request: Request) -> None:
    if request.kind in UNASKED and hasattr(os, "nice"):  # not on Windows
        os.nice(10)  # whoever uses the page comes first
    carry_out(open_workspace(load_settings()), request)


if __name__ == "__main__":
    main(Request.from_json(sys.argv[1]))
