"""Whatever stands in an annotation file, an import reads what it can or refuses it in words."""

import json
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from app.errors import ImportRefusedError
from app.importing.formats.layout import Layout
from tests.app.formats.memory import layout_of, regions
from tests.hostile.annotations import coco, drawings, tasks, values, xml, yolo, yolo_lines

SIZE = (24, 16)
PICTURES = {"a.png": b"", "dog/b.png": b"", "cat/c.png": b""}
few = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def read(text: bytes, name: str) -> Layout | None:
    """Regions, too: what is wrong with a mark may be seen only there."""
    files = {**PICTURES, name: text}
    try:
        layout = layout_of(files)
    except ImportRefusedError:
        return None
    for item in layout.items:
        assert item.path in files
        regions(item, SIZE, files)
    return layout


@few
@given(document=coco)
def test_coco(document: dict[str, Any]) -> None:
    assert read(json.dumps(document).encode(), "a.json") is not None


@few
@given(document=tasks)
def test_label_studio(document: list[Any]) -> None:
    assert read(json.dumps(document).encode(), "a.json") is not None


@few
@given(document=drawings)
def test_own_drawings(document: dict[str, Any]) -> None:
    read(json.dumps(document).encode(), "drawings.json")


@few
@given(text=xml())
def test_voc_and_cvat(text: str) -> None:
    assert read(text.encode(), "a.xml") is not None


@few
@given(lines=yolo_lines, names=values)
def test_yolo(lines: list[str], names: Any) -> None:
    files = {**yolo(lines, names), **PICTURES}
    for item in layout_of(files).items:
        regions(item, SIZE, files)


@few
@given(text=st.binary(max_size=60))
def test_bytes(text: bytes) -> None:
    for name in ("a.json", "a.xml", "a.txt", "data.yaml", "labelmap.txt"):
        assert read(text, name) is not None
