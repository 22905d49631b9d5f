"""The real trainer and the real torchrun with processes that only sleep: `python standin_ranks.py [ROLE …]`.

Without a role it is the trainer, as `launch` what the trainer starts, as `rank` one of two processes. With
`launch-failing` the second one, a `failing-rank`, ends at once.
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


def launch(how: str) -> int:
    from app.jobs.torchrun import train_together

    watchdog.follow_parent()
    path = watchdog.read_spec_path()
    spec = RunSpec.from_json(path.read_text("utf-8"))
    watchdog.hold(spec.lease_file, spec.lease_seconds)
    return train_together(path, spec.out_folder, 2, (*SELF, how))


def rank(path: Path) -> None:
    spec = RunSpec.from_json(path.read_text("utf-8"))
    watchdog.follow_parent()
    watchdog.hold(spec.lease_file, spec.lease_seconds)
    told = {"attempt": spec.attempt, "rank": int(os.environ["RANK"]), "pid": os.getpid()}
    with (spec.features_folder.parents[1] / "trace.jsonl").open("a") as trace:
        trace.write(json.dumps(told) + "\n")
    time.sleep(600)


def failing_rank(path: Path) -> None:
    spec = RunSpec.from_json(path.read_text("utf-8"))
    if os.environ["RANK"] == "1":
        sys.exit(f"Traceback\n{spec.samples[3].name}: expected a readable image")
    time.sleep(600)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["launch"]:
            sys.exit(launch("rank"))
        case ["launch-failing"]:
            sys.exit(launch("failing-rank"))
        case ["rank", path]:
            rank(Path(path))
        case ["failing-rank", path]:
            failing_rank(Path(path))
    main(Handling(command=(*SELF, "launch"), stop_seconds=3.0, cancel_seconds=0.5))
