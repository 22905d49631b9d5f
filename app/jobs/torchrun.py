"""torchrun inside the training process that the supervisor started: several processes, one exit status.

Each of them runs `app.jobs.train_run` again, with the path of the specification. They inherit standard input,
so that the watchdog ties each to the supervisor. What they write goes to `ranks/` in the attempt's folder.
"""

import os
import signal
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure
from torch.distributed.run import parse_args, run

from app.jobs.child import TRAIN_COMMAND
from app.jobs.watchdog import EXIT_NOT_THE_FIRST, EXIT_STOPPED


def train_together(
    specification: Path, out_folder: Path, processes: int, command: Sequence[str] = TRAIN_COMMAND
) -> int:
    """Train in so many processes; the exit status, as of one that trains alone.

    When one has failed, its output comes last on standard error. When one was killed, so is this process.
    SIGTERM is passed on: torchrun gives the processes 30 s to write the checkpoint.
    """
    logs = out_folder / "ranks"
    options = ["--standalone", "--local-addr=localhost", f"--nproc-per-node={processes}"]
    options += ["--redirects=3", f"--log-dir={logs}", "--no-python"]  # 3: standard output and error
    try:
        run(parse_args([*options, *command, str(specification)]))
    except SignalException:
        return EXIT_STOPPED
    except ChildFailedError as error:
        cause = _cause(error.failures.values())
        for log in logs.glob(f"*/attempt_0/{cause.local_rank}/stderr.log"):
            sys.stderr.write(log.read_text("utf-8", "replace"))
        if cause.exitcode < 0:
            _die_of(-cause.exitcode)
        return cause.exitcode
    return 0


def _cause(failures: Iterable[ProcessFailure]) -> ProcessFailure:
    """The failure that the others follow from; they come in the order in which torchrun noticed them."""
    ordered = list(failures)
    return next((failure for failure in ordered if failure.exitcode != EXIT_NOT_THE_FIRST), ordered[0])


def _die_of(number: int) -> None:
    sys.stderr.flush()
    with suppress(OSError):  # nothing handles SIGKILL
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
