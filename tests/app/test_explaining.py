"""Second opinions are computed one at a time, in one process, for whoever still waits."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from app.errors import ServiceError
from app.jobs import launch
from app.jobs.child import program_environment
from app.jobs.explaining import Explaining
from app.services import second_opinions
from app.services.second_opinions import Opinion, Question
from app.settings import Settings
from tests.app import standin_explainer
from tests.app.seeded import Seeded
from tests.app.stage import wait_for
from tests.app.standin_explainer import ANSWER, CRASH, LEAVE_ONCE, REFUSE, WAIT

pytestmark = pytest.mark.processes


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "told.jsonl"


@pytest.fixture
def explaining(tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Explaining]:
    command = (sys.executable, "-P", standin_explainer.__file__, str(log))
    monkeypatch.setattr(launch, "EXPLAIN_COMMAND", command)
    made = Explaining(Settings(home=tmp_path))
    yield made
    made.close()


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Ids of the processes that were started."""
    started: list[int] = []
    start = launch.start_explainer

    def counted(settings: Settings) -> "subprocess.Popen[bytes]":
        process = start(settings)
        started.append(process.pid)
        return process

    monkeypatch.setattr(launch, "start_explainer", counted)
    return started


def question(folder: Path, what: int, name: str = "a") -> Question:
    return Question("lime", what, "model", "photograph", str(folder / f"{name}-{what}.npz"))


def answer(explaining: Explaining, asked: Question) -> Opinion | Exception:
    wait_for(lambda: explaining.ask(asked) is not None, seconds=40)
    answered = explaining.ask(asked)
    assert answered is not None
    return answered


def told(log: Path) -> list[str]:
    """Files that were asked for; "" where the last one was dropped."""
    lines = log.read_text("utf-8").splitlines() if log.exists() else []
    return [Path(json.loads(line)["file"]).stem if line else "" for line in lines]


def test_questions_are_answered_by_one_process_and_never_twice(
    explaining: Explaining, tmp_path: Path, log: Path, starts: list[int]
) -> None:
    first, second = question(tmp_path, ANSWER), question(tmp_path, ANSWER, "b")
    for asked in (first, second, first, second):
        opinion = answer(explaining, asked)
        assert isinstance(opinion, Opinion)
        assert (opinion.method, opinion.seconds, opinion.attention.tolist()) == (
            "lime",
            1.5,
            [[1, 1], [1, 1]],
        )
    assert told(log) == ["a-0", "b-0"]
    assert len(starts) == 1

    after_a_restart = Explaining(Settings(home=tmp_path))
    assert isinstance(after_a_restart.ask(first), Opinion)
    assert len(starts) == 1


def test_a_question_that_is_dropped_makes_way_for_the_next(
    explaining: Explaining, tmp_path: Path, log: Path, starts: list[int]
) -> None:
    left, following = question(tmp_path, WAIT), question(tmp_path, ANSWER)
    assert explaining.ask(left) is None
    wait_for(lambda: explaining.share(left) == 0.5, seconds=40)

    explaining.drop(left)
    assert isinstance(answer(explaining, following), Opinion)

    assert told(log) == ["a-1", "", "a-0"]
    assert explaining.share(left) == 0
    assert len(starts) == 1


def test_a_question_that_nobody_asks_again_is_given_up(
    explaining: Explaining, tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.workbench.PATIENCE", 0.2)
    assert explaining.ask(question(tmp_path, WAIT)) is None  # then the window is closed
    wait_for(lambda: told(log) == ["a-1", ""], seconds=40)


def test_why_there_is_no_opinion_is_told(explaining: Explaining, tmp_path: Path, starts: list[int]) -> None:
    refused = answer(explaining, question(tmp_path, REFUSE))
    assert isinstance(refused, ServiceError)
    assert str(refused) == "It does not apply to this network."

    crashed = answer(explaining, question(tmp_path, CRASH))
    assert isinstance(crashed, ServiceError)
    assert "most likely its memory ran out" in str(crashed)

    assert isinstance(answer(explaining, question(tmp_path, ANSWER)), Opinion)
    assert len(starts) == 2


def test_a_process_that_left_just_before_it_was_asked_is_replaced(
    explaining: Explaining, tmp_path: Path, starts: list[int]
) -> None:
    assert isinstance(answer(explaining, question(tmp_path, LEAVE_ONCE)), Opinion)
    assert len(starts) == 2


def test_the_process_drops_a_question_for_the_next_one_refuses_and_leaves_with_its_input(
    seeded: Seeded, tmp_path: Path
) -> None:
    version, image = seeded.publish(), seeded.images()[0]
    asked = second_opinions.question(seeded.ws, version, image, 0, "occlusion")
    beyond = replace(asked, position=9, file=str(tmp_path / "beyond.npz"))
    process = subprocess.Popen(
        launch.EXPLAIN_COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**program_environment(), **launch.settings_environment(seeded.ws.settings)},
    )
    lines = [
        {"number": 1, **asdict(asked)},
        None,
        {"number": 2, **asdict(beyond)},
        {"number": 3, **asdict(asked)},
    ]
    # The first three are there before it looks: so the first is dropped when it first tells how far it is.
    text = "".join(f"{json.dumps(line) if line else ''}\n" for line in lines[:3])
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(text.encode())
    process.stdin.flush()
    first = json.loads(process.stdout.readline())
    assert first == {"number": 2, "error": "expected a class from 0 to 1, got 9"}
    assert second_opinions.read(asked) is None

    process.stdin.write(f"{json.dumps(lines[3])}\n".encode())
    process.stdin.flush()
    answers = [json.loads(process.stdout.readline())]
    while not answers[-1].get("is_kept"):
        answers.append(json.loads(process.stdout.readline()))
    assert {each["number"] for each in answers} == {3}
    shares = [each["share"] for each in answers]
    assert shares[0] == 0
    assert shares == sorted(shares)
    assert second_opinions.read(asked) is not None

    process.stdin.close()
    assert process.wait(30) == 0
    process.stdout.close()
