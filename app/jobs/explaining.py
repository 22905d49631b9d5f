"""Second opinions as pages ask for them: one at a time, in a process that leaves when nobody asks."""

import json
import select
import subprocess
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from typing import Any

from app.errors import EXPECTED, ServiceError
from app.jobs import launch
from app.services.second_opinions import Opinion, Question, read
from app.settings import Settings
from app.workbench import Workbench

LOOK_SECONDS = 0.1  # between two looks at whether somebody still waits
ENDED = (
    "The process that computes it ended; most likely its memory ran out. Its log is explain.log, in the data "
    "folder's trainer folder."
)


class Explaining:
    """Shared by all pages of a server."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._bench = Workbench("second-opinions", EXPECTED)
        # Of the bench's thread alone:
        self._process: subprocess.Popen[bytes] | None = None
        self._number = 0  # of the question that the process was asked last
        self._under_way: tuple[Question, float] | None = None

    def ask(self, asked: Question) -> Opinion | Exception | None:
        """The answer, or why there is none. None while it is computed: ask again each second, or nobody waits
        for it and it is given up.
        """
        opinion = read(asked)
        if opinion is not None:
            return opinion
        error = self._bench.ask(asked, partial(self._compute, asked))
        return error if isinstance(error, EXPECTED) else None  # a bug is logged, and tried again

    def drop(self, asked: Question) -> None:
        """Give it up now, unless somebody else asks again."""
        self._bench.drop(asked)

    def share(self, asked: Question) -> float:
        """How much of it is done, in [0, 1]."""
        under_way = self._under_way
        return under_way[1] if under_way is not None and under_way[0] == asked else 0.0

    def close(self) -> None:
        """The process leaves."""
        if self._process is not None:
            _leave(self._process)

    def _compute(self, asked: Question) -> None:
        """Until its file is there, or nobody waits for it. Raises ServiceError with the reason why not."""
        self._number += 1
        process = self._running()
        _write(process, json.dumps({"number": self._number, **asdict(asked)}))
        try:
            while self._bench.is_wanted(asked):
                told = _told(process)
                if told is None:
                    if process.wait() == 0:  # it had nothing to do and left, just before it was asked
                        return self._compute(asked)
                    raise ServiceError(ENDED)
                if told.get("number") != self._number:
                    continue  # nothing yet, or of a question that was dropped
                if "error" in told:
                    raise ServiceError(told["error"])
                self._under_way = asked, told["share"]
                if told.get("is_kept"):
                    return None
            _write(process, "")
        finally:
            self._under_way = None

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is not None and self._process.poll() is not None:
            _leave(self._process)
            self._process = None
        if self._process is None:
            self._process = launch.start_explainer(self._settings)
        return self._process


def _write(process: "subprocess.Popen[bytes]", line: str) -> None:
    with suppress(BrokenPipeError):  # it has left: so its output has ended, too
        process.stdin.write(line.encode() + b"\n")  # type: ignore[union-attr]


def _leave(process: "subprocess.Popen[bytes]") -> None:
    """Its input ends, so it does, too."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    process.wait()


def _told(process: "subprocess.Popen[bytes]") -> dict[str, Any] | None:
    """What it tells next; nothing in a moment of silence, None when it has left."""
    if not select.select([process.stdout], [], [], LOOK_SECONDS)[0]:  # type: ignore[type-var]
        return {}
    line = process.stdout.readline()  # type: ignore[union-attr]
    return json.loads(line) if line else None
