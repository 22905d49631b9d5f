"""Images with several labels, and a mask for each, as an index.csv names them."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.services import library
from app.workspace import Workspace
from db import library as rows
from tests.app.material import encoded, fresh_workspace, index, photograph, reasons, zipped


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return fresh_workspace(tmp_path)


def several_labels(rows_of_index: tuple[str, ...]) -> dict[str, bytes]:
    files = {f"images/{number}.png": photograph(number) for number in range(6)}
    left, right = np.zeros((2, 16, 24), np.uint8)
    left[:, :8] = right[:, 16:] = 255
    masks = {
        "masks/boat.png": encoded(Image.fromarray(left)),
        "masks/dog.png": encoded(Image.fromarray(right)),
    }
    return files | masks | {"index.csv": index("file,label,mask,split", *rows_of_index)}


def test_several_labels_stand_in_one_cell_and_so_do_their_masks(ws: Workspace, tmp_path: Path) -> None:
    files = several_labels(
        (
            "images/0.png,boat|dog,masks/boat.png|masks/dog.png,train",
            "images/1.png,dog|car,|,train",
            "images/2.png, car | boat ,|masks/boat.png,train",
            "images/3.png,boat,masks/boat.png,train",
            "images/4.png,dog|boat,,validation",
            "images/5.png,car,,test",
        )
    )
    report = library.import_zip(ws, "a", zipped(tmp_path / "a.zip", files))
    project = rows.get_project(ws.database, report.project_id)
    names = [item.name for item in rows.list_classes(ws.database, project.id)]
    images = rows.list_images(ws.database, project.id)

    assert (report.accepted, report.refused, project.multi_label) == (6, (), True)
    assert [[names[position] for position in image.positions] for image in images] == [
        ["boat", "dog"],
        ["dog", "car"],
        ["car", "boat"],
        ["boat"],
        ["dog", "boat"],
        ["car"],
    ]
    masked = [[label.mask_sha256 is not None for label in image.labels] for image in images]
    assert masked == [[True, True], [False, False], [False, True], [True], [False, False], [False]]
    assert len({label.mask_sha256 for label in images[0].labels}) == 2
    assert "4 of 6 images have several labels: each class is decided by itself." in report.notes


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("images/5.png,boat|boat,,train", "names a class twice"),
        ("images/5.png,boat|,,train", "Its label is empty"),
        ("images/5.png,boat|dog,a.png|b.png|c.png,train", "at most 2 masks, one for each label, got 3"),
        ("images/5.png,boat|cat,,validation", "class “cat” has no training image"),
        ("images/0.png,car,,test", "It is in another split than on line 2, which counts"),
    ],
)
def test_a_line_of_several_labels_that_cannot_be_right_is_refused(
    ws: Workspace, tmp_path: Path, line: str, reason: str
) -> None:
    files = several_labels(("images/0.png,boat|dog,,train", "images/1.png,dog,,train", line))
    report = library.import_zip(ws, "a", zipped(tmp_path / "a.zip", files))
    assert report.accepted == 2
    assert any(reason in told for told in reasons(report).values())


def test_images_of_several_classes_are_divided_with_their_rarest_class(ws: Workspace, tmp_path: Path) -> None:
    lines = [f"images/{n}.png,{'boat|dog' if n % 4 == 0 else 'boat'}" for n in range(40)]
    files = {f"images/{n}.png": photograph(n) for n in range(40)} | {"index.csv": index("file,label", *lines)}
    report = library.import_zip(ws, "a", zipped(tmp_path / "a.zip", files))
    held_out = [i for i in rows.list_images(ws.database, report.project_id) if i.split != "train"]
    assert Counter((image.split, len(image.labels)) for image in held_out) == {
        ("validation", 1): 4,
        ("test", 1): 4,
        ("validation", 2): 2,
        ("test", 2): 2,
    }
