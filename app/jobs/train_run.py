"""The training process: `python -m app.jobs.train_run [SPEC.json]`; without a path, standard input names it.

It trains as the specification says. What it leaves in `out_folder`: progress.jsonl, one event per line as it
happens (a killed process may leave its last line torn), and the files of `execution.execute`; when
result.json is there, everything is.

Exit status 0: done; EXIT_STOPPED: stopped by SIGTERM, checkpoint written; 1: failed, and the last line on
standard error says why.
"""

import json
import signal
import sys
import threading
import traceback
from pathlib import Path

from app.jobs import watchdog
from app.services.run_spec import RunSpec
from gain_core.errors import GainError
from gain_core.events import Event, event_to_dict


def main(arguments: list[str]) -> int:
    """The process's exit status.

    With a path, the watchdog starts before the slow imports. Without one, the imports come first, so that a
    spare process can begin at once when it receives a path.
    """
    watchdog.follow_parent()
    spec = _read_spec(Path(arguments[0])) if arguments else None
    from app.jobs.execution import StoppedError, execute

    spec = spec or _read_spec(watchdog.read_spec_path())
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with (spec.out_folder / "progress.jsonl").open("a", encoding="utf-8") as progress:

        def report(event: Event) -> None:
            progress.write(json.dumps(event_to_dict(event)) + "\n")
            progress.flush()

        try:
            execute(spec, report, stop.is_set)
        except StoppedError:
            return watchdog.EXIT_STOPPED
        except GainError as error:
            traceback.print_exc()
            print(error, file=sys.stderr)  # the last line, as a sentence
            return 1
    return 0


def _read_spec(path: Path) -> RunSpec:
    """Read the specification and start the watchdog."""
    spec = RunSpec.from_json(path.read_text("utf-8"))
    watchdog.hold(spec.lease_file, spec.lease_seconds)
    spec.out_folder.mkdir(parents=True, exist_ok=True)
    return spec


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
