"""The real worker with a stand-in for its child, little patience, and points at which a test may kill it."""

import sys
from pathlib import Path

from app.jobs import attempt
from app.jobs.attempt import Handling
from app.jobs.attempt_files import AttemptFolder
from app.jobs.child import Child
from app.jobs.worker import main
from app.services import publishing
from app.settings import load_settings
from db import runs
from tests.app import kill_points

STANDIN = Handling(
    command=(sys.executable, "-P", str(Path(__file__).with_name("standin_child.py"))),
    stop_seconds=3.0,
    cancel_seconds=0.5,
)
POINTS: kill_points.Places = {  # in order
    "claim": (runs, "claim"),
    "make folder": (AttemptFolder, "create"),
    "note marker": (AttemptFolder, "mark"),
    "adopt checkpoint": (AttemptFolder, "adopt_checkpoint"),
    "begin": (Child, "begin"),
    "beat": (runs, "beat"),
    "end child": (Child, "end"),
    "read result": (attempt, "read_outcome"),
    "decide": (publishing, "decide"),
    "publish": (runs, "finish_with_version"),
    "tidy": (AttemptFolder, "keep"),
    "hand back": (runs, "release"),
    "fail": (runs, "finish_failed"),
    "cancel": (runs, "finish_cancelled"),
}

if __name__ == "__main__":
    kill_points.arm(load_settings().home, POINTS)
    main(STANDIN)
