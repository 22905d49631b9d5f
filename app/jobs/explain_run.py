"""The process that computes second opinions: `python -P -m app.jobs.explain_run`.

Each line of its input is a question (JSON), or empty: the last one is not wanted any more. So is a question
when another line comes, or the input ends. It tells on its output how far it is and how that ended. It leaves
when nobody has asked for a while, because torch and a model take more than 1 GB.

Its settings come from its environment.
"""

import importlib
import json
import os
import select
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TextIO

from app.jobs.watchdog import follow_parent
from app.services.second_opinions import Question, answer
from app.settings import load_settings
from gain_core.errors import GainError

if TYPE_CHECKING:
    from gain_core.models.classifier import Classifier

IDLE_SECONDS = 30.0
# What methods import when they need it: loaded before, because it is no part of the time that they take.
_NEEDED = ("captum.attr", "sklearn.cluster", "sklearn.linear_model")


class _NotWantedError(Exception):
    """Another question has come, or nobody is there any more."""


def main() -> None:
    follow_parent()
    if hasattr(os, "nice"):  # not on Windows
        os.nice(10)  # it is waited for, but whoever uses the page comes first
    questions = os.fdopen(0, "rb", buffering=0)  # or `select` would not see what a buffer took
    answers = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no answer
    while _has_input(IDLE_SECONDS):
        line = questions.readline()
        if not line:
            return
        if line.strip():
            _answer(json.loads(line), answers)


def _answer(request: dict[str, Any], answers: TextIO) -> None:
    number = request.pop("number")

    def tell(**what: object) -> None:
        answers.write(json.dumps({"number": number, **what}) + "\n")

    def on_progress(done: int, total: int) -> None:
        if _has_input():
            raise _NotWantedError
        tell(share=done / total)

    asked = Question(**request)
    try:
        for module in _NEEDED:
            importlib.import_module(module)
        answer(asked, _model(asked.model), on_progress)
        tell(share=1.0, is_kept=True)
    except GainError as error:
        tell(error=str(error))
    except _NotWantedError:
        pass


@lru_cache(maxsize=1)
def _model(path: str) -> "Classifier":
    from gain_core.models.model_file import load_model
    from gain_core.models.networks import register_networks

    register_networks(load_settings().networks)
    return load_model(path)


def _has_input(seconds: float = 0.0) -> bool:
    """Also when it has ended."""
    return bool(select.select([0], [], [], seconds)[0])


if __name__ == "__main__":
    main()
