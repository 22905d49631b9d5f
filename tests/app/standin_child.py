"""Stands in for training: sleeps instead of computing, misbehaves as the data folder's `standin.json` says.

Keeps to the same contract as `app.jobs.train_run`: the path of its specification is the first line of
standard input, it holds the leash, appends progress, writes checkpoints, and leaves a result. On the way it
passes the points at which tests kill it (`reach`), and says so where another child trains the same run.
"""

import fcntl
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from app.jobs import watchdog
from app.services.run_spec import RunSpec
from tests.app.kill_points import reach

DEFAULTS: dict[str, Any] = {
    "steps": 10,
    "seconds": 0.02,  # of one step
    "fail_at": None,  # raise at this step
    "ignore_sigterm": False,
    "hold_leash": True,
    "helpers": 0,  # processes in sessions of their own, as torchrun starts its ranks
    "wrong_sha256": False,
}


def main() -> None:
    watchdog.follow_parent()
    spec_path = watchdog.read_spec_path()
    spec = RunSpec.from_json(spec_path.read_text("utf-8"))
    home = spec.features_folder.parents[1]
    reach(home, "child before its watchdog")
    wishes = DEFAULTS | json.loads((home / "standin.json").read_text("utf-8"))
    if wishes["hold_leash"]:
        watchdog.hold(spec.lease_file, spec.lease_seconds)
    _be_alone(home, spec.run_id)
    reach(home, "child begun")
    signal.signal(signal.SIGTERM, signal.SIG_IGN if wishes["ignore_sigterm"] else _stop)
    for _ in range(wishes["helpers"]):
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    first = 1 + (int(spec.resume_from.read_text("ascii")) if spec.resume_from else 0)
    out = spec.out_folder
    with (out / "progress.jsonl").open("a") as progress, (home / "trace.jsonl").open("a") as trace:
        for step in range(first, wishes["steps"] + 1):
            time.sleep(wishes["seconds"])
            if step == wishes["fail_at"]:
                raise ValueError("expected light, got darkness")
            _append(trace, {"pid": os.getpid(), "run": spec.run_id, "step": step, "at": time.time()})
            reach(home, f"child done with step {step}")
            _append(progress, _event(step, wishes["steps"]))
            reach(home, f"child told step {step}")
            _replace(out / "checkpoint.pt", str(step).encode())
            reach(home, f"child kept step {step}")
    weights = f"weights of run {spec.run_id}".encode()
    _replace(out / "model.safetensors", weights)
    reach(home, "child wrote weights")
    probabilities = [1.0] + [0.0] * (len(spec.model["classes"]) - 1)
    predictions = [
        {
            "key": sample.key,
            "label": sample.label,
            "probabilities": probabilities,
            "attention_inside": None,
            "attention_spread": None,
            "evidence_inside": None,
            "evidence_group": None,
            "label_rival": None,
            "label_doubt": None,
            "control": None,
            "each_label": [],
        }
        for sample in spec.samples
    ]
    _replace(out / "predictions.json", json.dumps(predictions).encode())
    reach(home, "child wrote predictions")
    sha256 = "0" * 64 if wishes["wrong_sha256"] else hashlib.sha256(weights).hexdigest()
    _replace(out / "result.json", json.dumps({"weights": "model.safetensors", "sha256": sha256}).encode())
    reach(home, "child wrote its result")


def _be_alone(home: Path, run_id: int) -> None:
    """Hold a lock until this process ends, however it ends; note where another child of the run has it."""
    handle = os.open(home / f"training-{run_id}.lock", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        (home / "overlaps.txt").open("a").write(f"run {run_id}\n")


def _event(step: int, total: int) -> dict[str, Any]:
    return {
        "event": "step",
        "step": step,
        "total": total,
        "losses": {"total": 1 / step},
        "seconds": step / 10,
    }


def _append(stream: Any, line: dict[str, Any]) -> None:
    stream.write(json.dumps(line) + "\n")
    stream.flush()


def _replace(path: Path, content: bytes) -> None:
    path.with_suffix(".new").write_bytes(content)
    path.with_suffix(".new").replace(path)


def _stop(*_: object) -> None:
    raise SystemExit(watchdog.EXIT_STOPPED)


if __name__ == "__main__":
    main()
