"""A data set from which the shortcut was taken away."""

import csv
from collections import Counter
from pathlib import Path

from benchmarks.no_harm import without_shortcut, write_folder

MERGE = {"shore": "land"}


def rows() -> list[dict[str, str]]:
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
        {
            "file": f"{label}-{place}-{n}.jpg",
            "mask": "",
            "split": "train",
            "label": label,
            "place": place,
        }
        for (label, place), count in counts.items()
        for n in range(count)
    ]


def test_every_place_holds_as_many_of_each_class_in_every_split() -> None:
    drawn = without_shortcut(rows(), MERGE, seed=0)
    groups = Counter((row["label"], MERGE.get(row["place"], row["place"]), row["split"]) for row in drawn)
    for label in ("boat", "car"):
        for place, train, validation, test in (("water", 10, 2, 8), ("land", 5, 1, 4)):
            assert [groups[label, place, s] for s in ("train", "validation", "test")] == [
                train,
                validation,
                test,
            ]
    assert len(drawn) == len({row["file"] for row in drawn}) == 60


def test_another_seed_draws_others() -> None:
    drawn = [without_shortcut(rows(), MERGE, seed) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_the_copy_leaves_the_original_alone(tmp_path: Path) -> None:
    source, copy = tmp_path / "source", tmp_path / "copy"
    (source / "images").mkdir(parents=True)
    copy.mkdir()
    (source / "images" / "1.jpg").write_bytes(b"picture")
    (source / "index.csv").write_text("untouched")
    row = {"file": "images/1.jpg", "mask": "", "split": "test", "label": "boat", "place": "water"}
    write_folder(source, copy, [row])
    assert (copy / "images" / "1.jpg").read_bytes() == b"picture"
    assert list(csv.DictReader((copy / "index.csv").read_text().splitlines())) == [row]
    assert (source / "index.csv").read_text() == "untouched"
