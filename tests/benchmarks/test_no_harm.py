"""A data set from which the shortcut was taken away."""

from collections import Counter
from pathlib import Path

import pytest

from benchmarks import no_harm
from benchmarks.made_set import Photograph
from benchmarks.no_harm import main, without_shortcut, write_folder
from benchmarks.rounds import Result
from tests.app.material import index, photograph, written

MERGE = {"shore": "land"}


def photographs() -> list[Photograph]:
    """Boats on water, cars on land, some of each elsewhere; no car was ever on a lake."""
    counts = {
        ("boat", "water"): 30,
        ("car", "water"): 20,
        ("boat", "land"): 6,
        ("boat", "shore"): 4,
        ("car", "land"): 50,
        ("boat", "lake"): 7,
    }
    return [
        Photograph(f"{label}-{place}-{n}.jpg", "", "train", label, place)
        for (label, place), count in counts.items()
        for n in range(count)
    ]


def test_every_place_holds_as_many_of_each_class_in_every_split() -> None:
    drawn = without_shortcut(photographs(), MERGE, seed=0)
    groups = Counter((one.label, MERGE.get(one.place, one.place), one.split) for one in drawn)
    for label in ("boat", "car"):
        for place, train, validation, test in (("water", 10, 2, 8), ("land", 5, 1, 4)):
            assert [groups[label, place, s] for s in ("train", "validation", "test")] == [
                train,
                validation,
                test,
            ]
    assert len(drawn) == len({one.file for one in drawn}) == 60


def test_another_seed_draws_others() -> None:
    drawn = [without_shortcut(photographs(), MERGE, seed) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_classes_without_a_common_place_are_refused() -> None:
    planes = [Photograph(f"plane-{n}.jpg", "", "train", "plane", "sky") for n in range(9)]
    with pytest.raises(
        SystemExit, match=r"every class \(boat, car, plane\), got none among lake, land, sky, water"
    ):
        without_shortcut([*photographs(), *planes], MERGE, seed=0)


def test_a_set_that_says_no_places_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    files = {"index.csv": index("file,label,split", "1.png,boat,train"), "1.png": photograph(1)}
    data = written(tmp_path / "data", files)
    with pytest.raises(SystemExit, match=r"index.csv to list photographs with place, got none"):
        main(["--data", str(data), "--home", str(tmp_path / "home")])
    assert not (tmp_path / "home").exists()


def test_labels_and_confidence_stand_beside_guided(capsys: pytest.CaptureFixture[str]) -> None:
    groups = {"boat/water": (8, 0.9)}
    results = {
        "first model": [Result(24, 0.9, None, 0.9, None, 1.0, groups, {}, 0.05, 0.95)],
        "labels": [Result(24, 0.8, None, 0.9, None, 1.0, groups, {}, 0.1, 0.9)],
        "guided": [Result(24, 0.7, None, 0.9, None, 1.0, groups, {}, 0.2, 0.5)],
    }
    options = no_harm.read_options(["--data", "sets/bay", "--seeds", "1"])

    no_harm.print_results(results, options)
    document = no_harm.as_json(results, options)

    (labels,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("| labels"))
    assert [cell.strip() for cell in labels.strip("|").split("|")] == [
        *("labels", "80.0 ± 0.0 (80.0)", "-10.0 ± 0.0 (-10.0)", "10.0", "90.0")
    ]
    assert document["accuracy"] == {"first model": [0.9], "labels": [0.8], "guided": [0.7]}
    assert (document["ece"]["guided"], document["confidence"]["guided"]) == ([0.2], [0.5])
    assert document["test_images"] == {"boat/water": 8}


def test_the_copy_leaves_the_original_alone(tmp_path: Path) -> None:
    source, copy = tmp_path / "source", tmp_path / "copy"
    (source / "images").mkdir(parents=True)
    copy.mkdir()
    (source / "images" / "1.jpg").write_bytes(b"picture")
    (source / "index.csv").write_text("untouched")
    write_folder(source, copy, [Photograph("images/1.jpg", "", "test", "boat", "water")])
    assert (copy / "images" / "1.jpg").read_bytes() == b"picture"
    assert (copy / "index.csv").read_text().splitlines() == [
        "file,mask,split,label,place",
        "images/1.jpg,,test,boat,water",
    ]
    assert (source / "index.csv").read_text() == "untouched"
