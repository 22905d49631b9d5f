"""Images that were annotated and show nothing: left out and counted, or a class of their own."""

import json
from pathlib import Path

import pytest

from app.importing.dry_run import Preview
from app.importing.options import ImportOptions
from app.services import adding, library
from app.workspace import Workspace
from db import library as rows
from tests.app.bringing import Importer, note
from tests.app.formats.memory import layout_of
from tests.app.material import photograph, zipped


@pytest.fixture
def bring(ws: Workspace, tmp_path: Path) -> Importer:
    return Importer(ws, tmp_path)


def files(first: int = 0) -> dict[str, bytes]:
    """Six images in COCO: three of class a, one of these also of b, one of b, two without an annotation."""
    boxes = [(0, 1), (1, 1), (2, 1), (2, 2), (3, 2)]
    document = {
        "images": [{"id": n, "file_name": f"{first + n}.png"} for n in range(6)],
        "annotations": [{"image_id": n, "category_id": c, "bbox": [1, 1, 9, 9]} for n, c in boxes],
        "categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}],
    }
    return {f"{first + n}.png": photograph(first + n) for n in range(7)} | {
        "instances_train.json": json.dumps(document).encode()
    }


def preview_of(ws: Workspace, tmp_path: Path, **options: object) -> Preview:
    choices = ImportOptions(**options)  # type: ignore[arg-type]
    path = zipped(tmp_path / "check.zip", files())
    return library.check_zip(ws, path, choices, lambda *_: None, lambda _: None)


def test_they_are_left_out_and_counted_apart_from_images_that_nothing_names(
    ws: Workspace, bring: Importer, tmp_path: Path
) -> None:
    report = bring(files())
    assert report.accepted == 4
    assert note(report, "Left out, without any object: 2 images, e.g. 4.png.")
    assert note(report, "Left out, without an annotation of a class: 1 images, e.g. 6.png.")
    assert preview_of(ws, tmp_path).empty == 2


def test_they_become_a_class_of_their_own_on_request(ws: Workspace, bring: Importer, tmp_path: Path) -> None:
    preview = preview_of(ws, tmp_path, empty_class="none")
    assert [(row["name"], row["train"]) for row in preview.classes] == [("a", 3), ("b", 2), ("none", 2)]
    assert preview.empty == 2
    report = bring(files(), empty_class="none")
    assert bring.classes(report) == ["a", "b", "none"]
    assert [label.class_position for label in bring.images(report)["4.png"].labels] == [2]

    more = adding.add_zip(
        ws,
        report.project_id,
        zipped(tmp_path / "more.zip", files(20)),
        options=ImportOptions(empty_class="none"),
    )
    assert more.accepted == 6
    assert len(rows.list_images(ws.database, report.project_id)) == 12


@pytest.mark.parametrize(
    ("annotations", "empty"),
    [
        ([{"result": []}], 1),
        ([], 0),  # nobody has looked at it
        ([{"result": [], "was_cancelled": True}], 0),
        ([{"result": [{"type": "keypointlabels", "value": {"keypointlabels": ["a"]}}]}], 0),
    ],
)
def test_a_task_is_empty_only_where_somebody_said_so(annotations: list[object], empty: int) -> None:
    box = {"x": 1, "y": 1, "width": 9, "height": 9, "rotation": 0, "rectanglelabels": ["a"]}
    done = {"type": "rectanglelabels", "original_width": 24, "original_height": 16, "value": box}
    tasks = [
        {"data": {"image": "0.png"}, "annotations": [{"result": [done]}]},
        {"data": {"image": "1.png"}, "annotations": annotations},
    ]
    layout = layout_of({"0.png": photograph(0), "1.png": photograph(1), "t.json": json.dumps(tasks).encode()})
    assert len(layout.empty) == empty
    assert len(layout.items) == 1
