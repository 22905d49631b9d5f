"""The real trainer and the real torchrun with processes that only sleep: `python standin_ranks.py [ROLE …]`.

Without a role it is the trainer, as `launch` what the trainer starts, as `rank` one of two processes.
"""

import json
import os
import sys
import time
from pathlib import Path

from app.jobs import watchdog
from app.jobs.attempt import Handling
from app.jobs.worker import main
from app.services.run_spec import RunSpec

SELF: tuple[str, ...] = (sys.executable, "-P", str(Path(__file__)))


def launch() -> int:
    from app.jobs.torchrun import train_together

    watchdog.follow_parent()
    path = watchdog.read_spec_path()
    spec = RunSpec.from_json(path.read_text("utf-8"))
    watchdog.hold(spec.lease_file, spec.lease_seconds)
    return train_together(path, spec.out_folder, 2, (*SELF, "rank"))


def rank(path: Path) -> None:
    spec = RunSpec.from_json(path.read_text("utf-8"))
    watchdog.follow_parent()
    watchdog.hold(spec.lease_file, spec.lease_seconds)
    told = {"attempt": spec.attempt, "rank": int(os.environ["RANK"]), "pid": os.getpid()}
    with (spec.features_folder.parents[1] / "trace.jsonl").open("a") as trace:
        trace.write(json.dumps(told) + "\n")
    time.sleep(600)


if __name__ == "__main__":
    if sys.argv[1:] == ["launch"]:
        sys.exit(launch())
    if sys.argv[1:]:
        rank(Path(sys.argv[2]))
    main(Handling(command=(*SELF, "launch"), stop_seconds=3.0, cancel_seconds=0.5))
