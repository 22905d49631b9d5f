"""Photographs of PASCAL VOC that show several classes at once, as a folder with an index.csv."""

import csv
import shutil
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

SOURCE = Path(__file__).parents[3] / "shared" / "data" / "voc_sample"
ABSENT = f"needs the photographs in {SOURCE}"
CLASSES = ("bottle", "chair", "dog", "horse", "person", "sofa")
OF_EACH = 12
# Positions in the palette of VOC's masks.
PALETTE = {"bottle": 5, "chair": 9, "dog": 12, "horse": 13, "person": 15, "sofa": 18}


def write_voc(folder: Path) -> Path:
    """At most a dozen photographs of each class, every third one for validation; masks for each class."""
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    taken: Counter[str] = Counter()
    rows = []
    for path in sorted((SOURCE / "annotations").glob("*.xml")):
        found = {item.findtext("name") or "" for item in ElementTree.parse(path).getroot().iter("object")}
        labels = sorted(found & set(CLASSES))
        if not labels or all(taken[label] >= OF_EACH for label in labels):
            continue
        taken.update(labels)
        shutil.copy(SOURCE / "images" / f"{path.stem}.jpg", folder / "images")
        masks = [_mask(folder, path.stem, label) for label in labels]
        split = "validation" if len(rows) % 3 == 2 else "train"
        rows.append([f"images/{path.stem}.jpg", "|".join(labels), "|".join(masks), split])
    with (folder / "index.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["file", "label", "mask", "split"], *rows])
    return folder


def _mask(folder: Path, stem: str, label: str) -> str:
    """Written where VOC has one; its name, empty where it has none."""
    source = SOURCE / "masks" / f"{stem}.png"
    if not source.exists():
        return ""
    name = f"masks/{stem}-{label}.png"
    marked = np.asarray(Image.open(source)) == PALETTE[label]
    if not marked.any():
        return ""
    Image.fromarray(marked).save(folder / name)
    return name
