"""A small zip of two-class photographs with a shortcut: boats on water, everything else on land."""

import csv
import io
import json
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFilter

REAL = Path(__file__).resolve().parents[2] / "shared" / "data" / "boat_water"
# (split, label, place) -> images; 68 in all. On validation and test the shortcut no longer holds everywhere.
WANTED = {
    ("train", "boat", "water"): 22,
    ("train", "not_boat", "land"): 22,
    ("validation", "boat", "water"): 4,
    ("validation", "not_boat", "land"): 4,
    ("validation", "not_boat", "water"): 4,
    ("test", "boat", "water"): 4,
    ("test", "not_boat", "land"): 4,
    ("test", "not_boat", "water"): 4,
}
COUNT = sum(WANTED.values())


class Photograph(NamedTuple):
    data: bytes  # of a JPEG
    box: tuple[int, int, int, int]  # around the object: left, top, right, bottom


def write_coco_zip(path: Path) -> None:
    """The same photographs with boxes in COCO's format, in folders named by split."""
    names = ["boat", "not_boat"]
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    with zipfile.ZipFile(path, "w") as archive:
        for (split, label, _), photographs in _real() if REAL.is_dir() else _drawn():
            for data, (left, top, right, bottom) in photographs:
                number = len(images)
                name = f"{split}/{number:03d}.jpg"
                archive.writestr(name, data)
                images.append({"id": number, "file_name": name})
                box = [left, top, right - left, bottom - top]
                category = names.index(label)
                annotations.append({"id": number, "image_id": number, "category_id": category, "bbox": box})
        categories = [{"id": number, "name": name} for number, name in enumerate(names)]
        whole = {"images": images, "annotations": annotations, "categories": categories}
        archive.writestr("annotations.json", json.dumps(whole))


def write_zip(path: Path) -> None:
    """A zip with `index.csv`, of real photographs where the data folder is at hand, else of drawn ones."""
    rows = ["file,label,split,place"]
    with zipfile.ZipFile(path, "w") as archive:
        for key, pictures in _real() if REAL.is_dir() else _drawn():
            for data, _ in pictures:
                name = f"images/{len(rows):03d}.jpg"
                archive.writestr(name, data)
                rows.append(f"{name},{key[1]},{key[0]},{key[2]}")
        archive.writestr("index.csv", "\n".join(rows))


def _real() -> Iterator[tuple[tuple[str, str, str], list[Photograph]]]:
    with (REAL / "index.csv").open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    for key, count in WANTED.items():
        rows = [row for row in table if (row["split"], row["label"], row["place"]) == key][:count]
        yield key, [Photograph((REAL / row["file"]).read_bytes(), _box(REAL / row["mask"])) for row in rows]


def _box(mask: Path) -> tuple[int, int, int, int]:
    with Image.open(mask) as picture:
        box = picture.convert("L").getbbox()
    assert box is not None
    return box


def _drawn() -> Iterator[tuple[tuple[str, str, str], list[Photograph]]]:
    chance = random.Random(0)
    for key, count in WANTED.items():
        yield key, [_scene(chance, boat=key[1] == "boat", water=key[2] == "water") for _ in range(count)]


def _scene(chance: random.Random, *, boat: bool, water: bool) -> Photograph:
    """A JPEG of 240×180: sky, sea or meadow with grain, and a boat or a car somewhere on it."""
    picture = Image.new("RGB", (240, 180), (chance.randint(150, 200), 200, 235))
    draw = ImageDraw.Draw(picture)
    horizon = chance.randint(60, 90)
    ground = (30, 80, 150) if water else (70, 130, 50)
    draw.rectangle((0, horizon, 240, 180), fill=ground)
    for _ in range(400):
        x, y, shade = chance.randint(0, 240), chance.randint(horizon, 180), chance.randint(-25, 25)
        draw.line((x, y, x + chance.randint(2, 12), y), fill=tuple(value + shade for value in ground))
    x, y = chance.randint(30, 150), chance.randint(horizon + 20, 140)
    if boat:
        draw.polygon([(x - 20, y), (x + 60, y), (x + 45, y + 18), (x - 5, y + 18)], fill=(120, 60, 30))
        draw.polygon([(x + 20, y - 45), (x + 20, y - 3), (x + 50, y - 3)], fill=(240, 240, 235))
    else:
        draw.rectangle((x - 15, y - 5, x + 55, y + 12), fill=(180, 30, 40))
        draw.rectangle((x + 2, y - 20, x + 38, y - 5), fill=(60, 70, 80))
        for wheel in (x, x + 40):
            draw.ellipse((wheel - 8, y + 5, wheel + 8, y + 21), fill=(20, 20, 20))
    data = io.BytesIO()
    picture.filter(ImageFilter.GaussianBlur(0.6)).save(data, "JPEG", quality=92)
    return Photograph(data.getvalue(), (x - 20, y - 45, x + 60, y + 21))
