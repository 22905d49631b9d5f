"""The real worker with a stand-in for its child, and little patience."""

import sys
from pathlib import Path

from app.jobs.attempt import Handling
from app.jobs.worker import main

STANDIN = Handling(
    command=(sys.executable, "-P", str(Path(__file__).with_name("standin_child.py"))),
    stop_seconds=3.0,
    cancel_seconds=0.5,
)

if __name__ == "__main__":
    main(STANDIN)
