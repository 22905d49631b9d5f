"""The commands that time maps and training steps write the rows that they promise."""

import json
import pickle
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from benchmarks import attention_speed, train_step
from benchmarks.timing import Rival, Timing, alternating_medians

pytestmark = pytest.mark.processes

SMALL = ["--models", "mobilenetv3_small_050", "--batches", "2", "--repeats", "1"]


def in_this_process(rivals: Mapping[str, Rival], repeats: int) -> dict[str, Timing]:
    """As `alternating_medians`, with one call of each and no process: these take seconds to start.

    A single rival gets its process; of several it is checked that they can be sent to one.
    """
    if len(rivals) == 1:
        return alternating_medians(rivals, repeats)
    return {name: _one_call(pickle.loads(pickle.dumps(rival))) for name, rival in rivals.items()}


def _one_call(rival: Rival) -> Timing:
    run, started = rival.make(), time.perf_counter()
    run()
    return Timing(1000 * (time.perf_counter() - started), page_faults=0)


def test_maps_are_timed_against_a_forward_and_both_packages_and_beside_a_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention_speed, "alternating_medians", in_this_process)
    attention_speed.main([*SMALL, "--json", str(tmp_path / "out.json")])
    document = json.loads((tmp_path / "out.json").read_text())
    (row,), (busy,) = document["rows"], document["busy_rows"]
    assert (row["model"], row["batch"]) == (busy["model"], busy["batch"]) == ("mobilenetv3_small_050", 2)
    for name in ("strict_forward_ms", "ours_ratio", "plain_ratio", "grad_cam_ratio", "captum_ratio"):
        assert row[name] > 0, name
    assert row["max_abs_difference"] < 1e-4
    assert busy["slowdown"] == busy["ours_ms"] / row["ours_ms"]
    assert capsys.readouterr().out.count("| mobilenetv3_small_050 | 2 ") == 2


def test_steps_are_timed_against_cross_entropy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_step, "alternating_medians", in_this_process)
    train_step.main([*SMALL, "--classes", "1", "--json", str(tmp_path / "out.json")])
    (row,) = json.loads((tmp_path / "out.json").read_text())["rows"]
    for name in ("ce_ms", "l_e_ratio", "three_streams_ratio", "l_e_same_mode", "three_streams_same_mode"):
        assert row[name] > 0, name
    assert row["naive_ratio"] > 0
    assert row["loss_difference"] < 1e-5
    assert row["gradient_difference"] < 1e-3
    assert "| mobilenetv3_small_050 | 2 " in capsys.readouterr().out
