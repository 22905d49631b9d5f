"""From files to maps, measured: which photographs each side explains, and what is said of the turns."""

import json
from pathlib import Path

import pytest

from benchmarks import explain_dataset


def test_a_ratio_is_the_median_of_those_within_a_turn() -> None:
    turns = [
        {"ours_s": 1.0, "grad_cam_s": 6.0, "grad_cam_reduced_s": 4.0},
        {"ours_s": 2.0, "grad_cam_s": 8.0, "grad_cam_reduced_s": 4.0},
        {"ours_s": 4.0, "grad_cam_s": 20.0, "grad_cam_reduced_s": 4.0},
    ]
    told = explain_dataset.figures(turns, images=40)
    assert (told["ours_images_per_s"], told["grad_cam_images_per_s"]) == (20, 5)
    assert told["grad_cam_reduced_images_per_s"] == 10
    assert (told["ratio"], told["ratio_range"]) == (5, [4, 6])
    assert (told["reduced_ratio"], told["reduced_ratio_range"]) == (2, [1, 4])


def test_both_sides_explain_the_same_photographs_and_take_turns_at_being_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[str, list[str]]] = []
    ours, theirs = explain_dataset.explain_files, explain_dataset.grad_cam_loop

    def noted_ours(model, files, folder):
        asked.append(("ours", [file.name for file in files]))
        return ours(model, files, folder)

    def noted_theirs(model, files, folder, at_least):
        asked.append((f"grad-cam {at_least}", [file.name for file in files]))
        return theirs(model, files, folder, at_least)

    monkeypatch.setattr(explain_dataset, "explain_files", noted_ours)
    monkeypatch.setattr(explain_dataset, "grad_cam_loop", noted_theirs)
    sizes = ["--count", "9", "--turns", "2", "--per-turn", "3"]
    network = ["--model", "test_efficientnet", "--weights", "none"]
    explain_dataset.main([*sizes, *network, "--json", str(tmp_path / "out.json")])

    ways = ["ours", "grad-cam None", "grad-cam 448"]
    assert [way for way, _ in asked[3:]] == [*ways, *reversed(ways), "ours"]
    names = [f"{number:05d}.jpg" for number in range(9)]
    assert [files for _, files in asked[3:]] == [names[:5:2]] * 3 + [names[1:6:2]] * 3 + [names]
    told = json.loads((tmp_path / "out.json").read_text())
    assert [set(turn) for turn in told["turns"]] == [{"ours_s", "grad_cam_s", "grad_cam_reduced_s"}] * 2
    assert (told["images_per_turn"], told["whole_folder"]["images"]) == (3, 9)
    assert told["ratio"] == pytest.approx(sum(told["ratio_range"]) / 2)
    table = capsys.readouterr().out
    assert "| grad-cam, reduced decoding | 3 " in table
    assert "| ours, the whole folder     | 9 " in table


def test_more_turns_than_photographs_are_refused() -> None:
    with pytest.raises(SystemExit, match="expected a photograph for each turn, got 2 for 3"):
        explain_dataset.main(
            ["--count", "2", "--turns", "3", "--model", "test_efficientnet", "--weights", "none"]
        )
