"""What people drew, taken away in plain formats."""

import csv
import io
import json
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from app.exporting import drawings
from app.exporting.guided_images import load
from app.services import annotation, labels
from app.services.library import import_folder
from db import library
from db.records import RegionRecord
from tests.app.material import index, photograph, written
from tests.app.seeded import SIDE, Seeded

LOOK = RegionRecord("box", "look_here", ((8.0, 8.0), (40.0, 24.0)))
IGNORE = RegionRecord("polygon", "ignore_this", ((0.0, 0.0), (10.0, 0.0), (10.0, 10.0)))


def opened(seeded: Seeded) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(drawings.pack(load(seeded.ws, seeded.project_id))))


def test_regions_masks_and_labels_are_there(seeded: Seeded) -> None:
    first, second = seeded.images("train")[:2]
    annotation.save(seeded.ws, first.id, first.class_id, [LOOK, IGNORE])
    car = library.list_classes(seeded.ws.database, seeded.project_id)[1]
    labels.change_label(seeded.ws, first, car.id)
    with opened(seeded) as archive:
        assert set(archive.namelist()) == {
            "index.csv",
            "drawings.json",
            f"look_here/{first.name}.png",
            f"ignore_this/{first.name}.png",
        }
        told = json.loads(archive.read("drawings.json"))
        assert told["images"] == [
            {
                "file": first.name,
                "sha256": first.sha256,
                "class": "car",
                "regions": [
                    {"shape": "box", "role": "look_here", "points": [[8, 8], [40, 24]], "width": None},
                    {
                        "shape": "polygon",
                        "role": "ignore_this",
                        "points": [[0, 0], [10, 0], [10, 10]],
                        "width": None,
                    },
                ],
            }
        ]
        mask = np.asarray(Image.open(io.BytesIO(archive.read(f"look_here/{first.name}.png"))))
        rows = list(csv.DictReader(io.StringIO(archive.read("index.csv").decode())))
    assert mask.shape == (SIDE, SIDE)
    assert mask.sum() == 32 * 16
    assert mask[8:24, 8:40].all()
    assert [(row["file"], row["label"], row["split"]) for row in rows][:2] == [
        (first.name, "car", "train"),
        (second.name, ("boat", "car")[second.class_position], "train"),
    ]
    assert len(rows) == len(seeded.images())


def test_without_drawings_there_are_the_labels(seeded: Seeded) -> None:
    with opened(seeded) as archive:
        assert archive.namelist() == ["index.csv", "drawings.json"]
        assert json.loads(archive.read("drawings.json"))["images"] == []


def test_the_labels_are_read_again_where_they_lie_with_the_images(seeded: Seeded, tmp_path: Path) -> None:
    before = library.list_images(seeded.ws.database, seeded.project_id)
    folder = tmp_path / "again"
    for image in before:
        path = folder / image.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(seeded.ws.files.image(image.sha256, image.suffix).read_bytes())
    with opened(seeded) as archive:
        archive.extract("index.csv", folder)
    report = import_folder(seeded.ws, "again", folder, trusted=True)
    after = library.list_images(seeded.ws.database, report.project_id)
    assert report.refused == ()
    assert [(i.name, i.split, i.class_position, i.groups) for i in after] == [
        (i.name, i.split, i.class_position, i.groups) for i in before
    ]


def test_several_labels_come_back_with_what_was_drawn_for_each(seeded: Seeded, tmp_path: Path) -> None:
    files = {f"{number}.png": photograph(number) for number in range(4)}
    labels_of = ("boat|dog", "dog", "dog|boat", "boat")
    lines = [f"{name},{label},train" for name, label in zip(files, labels_of, strict=True)]
    first = written(tmp_path / "first", files | {"index.csv": index("file,label,split", *lines)})
    report = import_folder(seeded.ws, "several", first, trusted=True)
    images = library.list_images(seeded.ws.database, report.project_id)
    for label in images[0].labels:
        annotation.save(seeded.ws, images[0].id, label.class_id, [LOOK])

    with zipfile.ZipFile(io.BytesIO(drawings.pack(load(seeded.ws, report.project_id)))) as archive:
        masks = {f"look_here/{name}/0.png.png" for name in ("boat", "dog")}
        assert masks < set(archive.namelist())
        told = json.loads(archive.read("drawings.json"))
        assert [(item["file"], item["class"]) for item in told["images"]] == [
            ("0.png", "boat"),
            ("0.png", "dog"),
        ]
        again = written(tmp_path / "again", files | {"index.csv": archive.read("index.csv")})
    report = import_folder(seeded.ws, "again", again, trusted=True)

    back = library.list_images(seeded.ws.database, report.project_id)
    assert (
        [image.positions for image in back]
        == [image.positions for image in images]
        == [
            (0, 1),
            (1,),
            (1, 0),
            (0,),
        ]
    )
