"""The training process: `python -m app.jobs.train_run [SPEC.json]`; without a path, standard input names it.

It trains as the specification says, itself or through torchrun (`app.jobs.torchrun`). What it leaves in
`out_folder`: progress.jsonl, one event per line as it happens (a killed process may leave its last line
torn), and the files of `execution.execute`; when result.json is there, everything is.

Exit status 0: done; EXIT_STOPPED: stopped by SIGTERM, checkpoint written; 1: failed, and the last line on
standard error says why.
"""

import json
import os
import signal
import sys
import threading
import traceback
from pathlib import Path

from app.jobs import watchdog
from app.services.run_spec import RunSpec
from gain_core.errors import GainError, ProcessEndedError
from gain_core.events import Event, event_to_dict


def main(arguments: list[str]) -> int:
    """The process's exit status.

    With a path, the watchdog starts before the slow imports. Without one, the imports come first, so that a
    spare process can begin at once when it receives a path.
    """
    watchdog.follow_parent()
    # Before there are other threads: one thread waits for it, and processes that load images are not ended by
    # it, because torchrun sends it to them too while the training process writes its checkpoint.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    path = Path(arguments[0]) if arguments else None
    spec = _read_spec(path) if path else None
    from app.jobs.execution import StoppedError, count_processes, execute
    from app.jobs.torchrun import train_together

    path = path or watchdog.read_spec_path()
    spec = spec or _read_spec(path)
    if (processes := count_processes(spec)) > 1:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        return train_together(path, spec.out_folder, processes)
    stop = threading.Event()
    threading.Thread(target=_wait_for_sigterm, args=(stop,), daemon=True).start()
    with (spec.out_folder / "progress.jsonl").open("a", encoding="utf-8") as progress:

        def report(event: Event) -> None:
            progress.write(json.dumps(event_to_dict(event)) + "\n")
            progress.flush()

        try:
            execute(spec, report, stop.is_set)
        except StoppedError:
            return watchdog.EXIT_STOPPED
        except GainError as error:
            return failed(error, stop)
    return 0


def failed(error: GainError, stop: threading.Event) -> int:
    """The exit status; the last line on standard error is the error, as a sentence."""
    traceback.print_exception(error)
    print(error, file=sys.stderr)
    if isinstance(error, ProcessEndedError):
        stop.wait(10.0)  # torchrun stops this process when it has noticed which one ended first
        return watchdog.EXIT_NOT_THE_FIRST
    return 1


def _wait_for_sigterm(stop: threading.Event) -> None:
    signal.sigwait({signal.SIGTERM})
    stop.set()


def _read_spec(path: Path) -> RunSpec:
    """Read the specification and start the watchdog."""
    spec = RunSpec.from_json(path.read_text("utf-8"))
    watchdog.hold(spec.lease_file, spec.lease_seconds)
    spec.out_folder.mkdir(parents=True, exist_ok=True)
    return spec


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # taking torch apart would take seconds
