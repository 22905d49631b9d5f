"""A folder of four photographs with masks, and what a made set holds."""

import csv
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from app.services import library
from tests.app.material import fresh_workspace, index, photograph, written
from tests.app.seeded import Seeded

SIZE = (24, 16)
EVERYWHERE = (0, 0, 24, 16)
CORNER = (0, 0, 1, 1)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Seeded]:
    """Boats that fill their photographs, cars of one pixel."""
    files = {
        "index.csv": index(
            "file,label,split,mask",
            *(f"{n}.png,{'boat' if n < 2 else 'car'},train,mask{n}.png" for n in range(4)),
        )
    }
    for n in range(4):
        files[f"{n}.png"] = photograph(n, SIZE)
        files[f"mask{n}.png"] = mask_file(EVERYWHERE if n < 2 else CORNER)
    ws = fresh_workspace(tmp_path)
    report = library.import_folder(ws, "toy", written(tmp_path / "toy", files), trusted=True)
    yield Seeded(ws, report.project_id)
    ws.database.close()


def mask_file(object_at: tuple[int, int, int, int]) -> bytes:
    mask = Image.new("1", SIZE)
    mask.paste(1, object_at)
    buffer = BytesIO()
    mask.save(buffer, "PNG")
    return buffer.getvalue()


def rows_of(folder: Path) -> list[dict[str, str]]:
    """Of its index.csv, each with the `folder` that its paths are relative to."""
    with (folder / "index.csv").open(newline="") as stream:
        return [{**row, "folder": str(folder)} for row in csv.DictReader(stream)]
