import re
import subprocess

import pytest

from benchmarks import report


def test_results_name_the_commit_that_ran(monkeypatch: pytest.MonkeyPatch) -> None:
    def answered(command: tuple[str, ...], **_: object) -> subprocess.CompletedProcess[str]:
        assert command[:2] == ("git", "describe")
        return subprocess.CompletedProcess(command, 0, "0123456789ab-dirty\n")

    monkeypatch.setattr(subprocess, "run", answered)
    assert report.current_commit() == "0123456789ab-dirty"


def test_results_outside_a_checkout_name_no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object, **__: object) -> None:
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", failing)
    assert report.current_commit() is None


def test_every_result_has_the_commit_and_the_load() -> None:
    environment = report.environment()
    assert environment["commit"] == report.COMMIT
    assert all(load >= 0 for load in environment["load_average"])


def test_shares_in_per_cent_with_spread_and_minimum() -> None:
    assert re.fullmatch(r"50\.0 ± 70\.7 \(0\.0\)", report.mean([0.0, 1.0, None], spread=True))
