"""What drawing adds, from worst groups written by hand."""

import pytest

from benchmarks.drawing_adds import drawing_adds, headline, interval
from benchmarks.rounds import Result


def results(**worst: list[float]) -> dict[str, list[Result]]:
    return {
        name: [Result(40, 0.9, share, 0.1, None, 1.0, {}) for share in shares]
        for name, shares in worst.items()
    }


def test_the_interval_is_students_over_the_seeds() -> None:
    """Differences 0, 2, 4: mean 2, sd 2, t of two degrees of freedom 4.3027: 2 ± 4.3027 · 2 / √3."""
    low, high = interval([0.0, 2.0, 4.0])
    assert low == pytest.approx(2 - 4.9683, abs=1e-4)
    assert high == pytest.approx(2 + 4.9683, abs=1e-4)


def test_one_seed_has_no_interval() -> None:
    assert interval([0.3]) == (None, None)


def test_the_best_control_by_its_mean_is_what_drawing_is_held_against_seed_by_seed() -> None:
    """placebo_random is best in the mean, 0.65, though labels are better with the first seed."""
    rows = results(guided=[0.8, 0.9], labels=[0.7, 0.5], placebo_random=[0.6, 0.7], placebo_other=[0.2, 0.3])
    found = drawing_adds(rows, "guided")
    assert found is not None
    assert (found.against, found.mean) == ("placebo_random", pytest.approx(0.2))
    assert (found.low, found.high) == (pytest.approx(0.2), pytest.approx(0.2))  # 0.2 with either seed


def test_the_free_guess_counter_examples_and_the_last_layer_stand_beside_it() -> None:
    rows = results(guided=[0.8], labels=[0.5], free_guess=[0.9], counterexamples=[0.9], last_layer=[0.9])
    found = drawing_adds(rows, "guided")
    assert found is not None
    assert (found.against, found.low, found.high) == ("labels", None, None)
    assert headline(rows, "guided") == (
        "*guided* has 80.0 % in its worst group; drawing adds 30.0 points over *labels*, the best control."
        " The free guess, a box in the middle, has 90.0 %."
    )


def test_drawing_that_takes_away_has_a_minus() -> None:
    rows = results(guided=[0.5, 0.5], labels=[0.6, 0.8])
    said = headline(rows, "guided")
    assert "drawing adds −20.0 points (95 % interval −147.1 to 107.1) over *labels*" in said


def test_where_no_group_is_large_all_groups_count() -> None:
    rows = {
        "guided": [Result(9, 0.9, None, 0.6, None, 1.0, {})],
        "labels": [Result(9, 0.9, None, 0.4, None, 1.0, {})],
    }
    found = drawing_adds(rows, "guided")
    assert found is not None
    assert found.mean == pytest.approx(0.2)


def test_without_groups_there_is_nothing_to_say() -> None:
    rows = {name: [Result(9, 0.9, None, None, None, 1.0, {})] for name in ("guided", "labels")}
    assert drawing_adds(rows, "guided") is None
    assert "no worst group" in headline(rows, "guided")


def test_without_controls_the_groups_are_not_said_to_be_missing() -> None:
    assert "there is no control" in headline(results(biased=[0.4], guided=[0.8]), "guided")
