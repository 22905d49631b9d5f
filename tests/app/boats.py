"""A few photographs of boat_water as a folder with an index.csv, masks and groups."""

import csv
import shutil
from collections import Counter
from pathlib import Path

SOURCE = Path(__file__).parents[3] / "shared" / "data" / "boat_water"
ABSENT = f"needs the photographs in {SOURCE}"
OF_EACH = {"train": 4, "validation": 3, "test": 2}  # of each class


def write_boats(folder: Path) -> Path:
    taken: Counter[tuple[str, str]] = Counter()
    with (SOURCE / "index.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    chosen = []
    for row in rows:
        taken[row["split"], row["label"]] += 1
        if taken[row["split"], row["label"]] <= OF_EACH[row["split"]]:
            chosen.append(row)
    for name in (row[column] for row in chosen for column in ("file", "mask")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SOURCE / name, folder / name)
    with (folder / "index.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, rows[0].keys())
        writer.writeheader()
        writer.writerows(chosen)
    return folder
