"""Why a run failed, for people: a sentence, an empty line, and the last output of its child."""

import signal

from app.jobs.watchdog import EXIT_STOPPED
from db.runs import MAX_ATTEMPTS


def given_up(status: int, last_lines: str) -> str:
    """`status`: how the child of the last attempt ended, which something outside had ended."""
    if status == -signal.SIGKILL:
        last = "its process was killed, most likely because memory ran out. Close other programs and retry."
    elif status in (EXIT_STOPPED, -signal.SIGTERM):
        last = "another program stopped its process. Press Retry to try again."
    else:
        last = f"its process crashed ({signal.Signals(-status).name}). Press Retry to try again."
    tried = f"The training was tried {MAX_ATTEMPTS} times and did not finish."
    return _told(f"{tried} The last time, {last} The published version is unchanged.", last_lines)


def stopped_with_an_error(status: int, last_lines: str) -> str:
    """`status`: the child's exit status."""
    final = last_lines.rpartition("\n")[2].strip()
    return _told(f"The training stopped with an error: {final or f'exit status {status}'}", last_lines)


def _told(sentence: str, last_lines: str) -> str:
    return f"{sentence}\n\n{last_lines}".strip()
