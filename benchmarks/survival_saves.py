"""A process that saves drawings one after the other and notes each that was acknowledged."""

import os
import sys
import time
from pathlib import Path

from app.services import annotation
from app.settings import load_settings
from app.workspace import open_workspace
from db.library import get_image
from db.records import ImageRecord, RegionRecord

COMMAND = (sys.executable, "-c", "from benchmarks.survival_saves import main; main()")

PAUSE = 0.15  # seconds between saves: so that there are some for as long as there are runs


def drawing(image: ImageRecord) -> tuple[RegionRecord, ...]:
    """What is saved for an image: known by its number, two shapes, so that half a save can be told."""
    x = 1 + image.id % 17 + image.id / 100_000
    box = RegionRecord("box", "look_here", ((x, 2.0), (x + 4, 12.0)))
    stroke = RegionRecord("brush", "ignore_this", ((20.0, 1.0), (20.0, 14.0)), 2.0)
    return box, stroke


def acknowledged(notes: Path) -> list[int]:
    """Image ids whose save was answered; a line that a kill has cut short was not."""
    lines = notes.read_bytes().split(b"\n")[:-1] if notes.exists() else []
    return [int(line) for line in lines]


def main() -> None:
    """Arguments: the file of notes, then `image:class` of all images to draw on."""
    notes, pairs = Path(sys.argv[1]), [tuple(map(int, pair.split(":"))) for pair in sys.argv[2:]]
    done = set(acknowledged(notes))
    ws = open_workspace(load_settings())
    with notes.open("ab", buffering=0) as stream:
        for image_id, class_id in pairs:
            if image_id not in done:
                annotation.save(ws, image_id, class_id, drawing(get_image(ws.database, image_id)))
                stream.write(f"{image_id}\n".encode())
                os.fsync(stream.fileno())
                time.sleep(PAUSE)
