"""The table and the document of a measurement, from results written by hand."""

import json

import pytest

from benchmarks import bias_correction
from benchmarks.rounds import Result

SMALL = {"boat/land": (7, 1.0)}
BIASED = [
    Result(55, 0.5, 0.4, 0.0, 0.25, 10.0, {"boat/land": (3, 0.0), "boat/water": (52, 0.4)}, SMALL, 0.1, 0.9),
    Result(55, 0.7, 0.6, 0.5, 0.35, 20.0, {"boat/land": (3, 0.5), "boat/water": (52, 0.6)}, SMALL, 0.2, 0.8),
]
GUIDED = [
    Result(55, 0.9, 0.8, 0.8, None, 5.0, {"boat/land": (3, 1.0), "boat/water": (52, 0.8)}, SMALL, 0.0, 0.7)
] * 2
RESULTS = {"biased": BIASED, "labels": BIASED, "guided": GUIDED}
OPTIONS = bias_correction.read_options(
    ["--data", "sets/bay", "--seeds", "2", "--masks", "10", "--supervision", "loose", "--only", "boat"]
)


def test_the_table_says_means_over_seeds_and_each_group_with_its_n(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bias_correction.print_results({"biased": BIASED, "guided": GUIDED}, [9, 9], OPTIONS)
    lines = capsys.readouterr().out.splitlines()
    said = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    assert (
        "bay: 10 images (loose, balanced order, boat only), 9 counter-examples, quick mode, validation split,"
        " 2 seeds" in lines[1]
    )
    head = ["form", "accuracy", "worst group (n ≥ 20)", "any group", "attention inside"]
    assert said == [
        [*head, "calibration error", "confidence", "seconds"],
        ["biased", "60.0", "50.0 ± 14.1 (40.0)", "25.0", "30.0", "15.0", "85.0", "15.0"],
        ["guided", "90.0", "80.0 ± 0.0 (80.0)", "80.0", "–", "0.0", "70.0", "5.0"],
        ["group", "n", "biased", "guided"],
        ["boat/land", "3", "25.0", "100.0"],
        ["boat/water", "52", "50.0", "80.0"],
        ["boat/land (validation and test)", "7", "100.0", "100.0"],
    ]


def test_the_headline_is_the_worst_group_and_what_drawing_adds(capsys: pytest.CaptureFixture[str]) -> None:
    bias_correction.print_results(RESULTS, [9, 9], OPTIONS)
    assert (
        "*guided* has 80.0 % in its worst group; drawing adds 30.0 points (95 % interval −97.1 to 157.1)"
        " over *labels*, the best control." in capsys.readouterr().out
    )


def test_the_document_holds_every_seed_and_what_the_work_would_take() -> None:
    document = json.loads(json.dumps(bias_correction.as_json(RESULTS, [9, 9], OPTIONS)))
    assert (document["dataset"], document["masks"], document["only"]) == ("bay", 10, "boat")
    assert document["counterexamples"] == [9, 9]
    assert document["backbone"] == "tf_efficientnet_lite0"
    assert document["seconds_of_work"] == 70  # a loose box is a box: 7 s
    assert list(document["forms"]) == ["biased", "labels", "guided"]
    biased = document["forms"]["biased"]
    assert (biased["accuracy"], biased["worst_group"]) == ([0.5, 0.7], [0.4, 0.6])
    assert (biased["worst_group_any"], biased["seconds"]) == ([0.0, 0.5], [10.0, 20.0])
    assert (biased["ece"], biased["confidence"]) == ([0.1, 0.2], [0.9, 0.8])
    assert biased["groups"]["boat/land"] == {"n": 3, "accuracy": [0.0, 0.5]}
    assert biased["pooled"] == {"boat/land": {"n": 7, "accuracy": [1.0, 1.0]}}


def test_the_document_says_what_drawing_adds_in_shares() -> None:
    adds = bias_correction.as_json(RESULTS, [9, 9], OPTIONS)["drawing_adds"]
    assert adds == {
        "mean": pytest.approx(0.3),
        "low": pytest.approx(0.3 - 12.7062 * 0.1, abs=1e-4),  # differences 0.4 and 0.2
        "high": pytest.approx(0.3 + 12.7062 * 0.1, abs=1e-4),
        "against": "labels",
    }


def test_the_default_form_is_always_trained_and_first() -> None:
    asked = ["--data", "sets/bay", "--forms", "gainext", "signed"]
    assert bias_correction.read_options(asked).forms == ["guided", "gainext", "signed"]
    assert bias_correction.read_options([*asked[:2], "--mode", "full"]).forms == ["gainext", "guided"]
