"""The demo project: synthetic harbour scenes whose training images contain a shortcut.

In training, boats are always on the sea and nothing else is. Validation and test show every class in every
place equally often, so that the shortcut can be seen and measured.
"""

import io
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from app.demo.backdrops import Place
from app.demo.scene import CLASSES, PLACES, draw_scene
from app.drawing.regions import mask_png
from app.importing.importer import IMAGE_SIZE, ImportReport, Progress
from app.importing.staging import Staging, storing_told
from app.workspace import Workspace
from db import library as rows
from db.new_images import NewImage, NewLabel
from db.records import Split
from gain_core.models.spec import DEFAULT_BACKBONE

NAME = "Harbour demo"
SOURCE = "demo"  # of the project; what marks it as the demo
TRAIN_PER_CLASS = 60
PER_GROUP: dict[Split, int] = {
    "validation": 5,
    "test": 20,
}  # of each class in each place; 20 make a worst group


@dataclass(frozen=True, slots=True)
class Scene:
    seed: int
    label: str
    place: Place
    split: Split

    @property
    def name(self) -> str:
        return f"{self.split}/{self.label}/{self.label}-{self.place}-{self.seed:03d}.jpg"


def scenes() -> Iterator[Scene]:
    """Every image of the demo, each with a seed of its own: 240 training, 60 validation, 240 test images."""
    seed = 0
    for label in CLASSES:
        for number in range(TRAIN_PER_CLASS):
            place: Place = "sea" if label == "boat" else ("grass", "sand")[number % 2]
            yield Scene(seed, label, place, "train")
            seed += 1
    for split, count in PER_GROUP.items():
        for label in CLASSES:
            for place in PLACES:
                for _ in range(count):
                    yield Scene(seed, label, place, split)
                    seed += 1


def _files(scene: Scene) -> tuple[bytes, bytes]:
    """(photograph as JPEG, mask as 1-bit PNG)."""
    photograph, mask = draw_scene(scene.seed, scene.label, scene.place, IMAGE_SIZE)
    buffer = io.BytesIO()
    photograph.save(buffer, format="JPEG", quality=92)
    return buffer.getvalue(), mask_png(mask)


def make_demo(ws: Workspace, on_progress: Progress | None = None) -> ImportReport:
    """Draw all scenes and store them as a new project; nothing is stored when `on_progress` raises.

    Raises ImportRefusedError when the images cannot be stored.
    """
    name, number = NAME, 1
    while rows.find_project(ws.database, name) is not None:
        number += 1
        name = f"{NAME} {number}"
    every = list(scenes())
    images = []
    pool = ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1))
    try:
        with storing_told(), Staging(ws.files) as staging:
            for done, (scene, (jpeg, mask)) in enumerate(zip(every, pool.map(_files, every), strict=True)):
                if on_progress is not None:
                    on_progress(done, len(every), "Drawing harbour scenes")
                images.append(
                    NewImage(
                        name=scene.name,
                        sha256=staging.add_image(jpeg, ".jpg"),
                        suffix=".jpg",
                        width=IMAGE_SIZE,
                        height=IMAGE_SIZE,
                        split=scene.split,
                        labels=(NewLabel(CLASSES.index(scene.label), staging.add_mask(mask)),),
                        groups={"place": scene.place},
                    )
                )
            with staging.published():
                project = rows.create_project(
                    ws.database, name, SOURCE, DEFAULT_BACKBONE, IMAGE_SIZE, CLASSES, images, []
                )
    finally:
        pool.shutdown(cancel_futures=True)
    if on_progress is not None:
        on_progress(len(every), len(every), "Drawing harbour scenes")
    notes = ("Synthetic images. In training, every boat is at sea and nothing else is.",)
    return ImportReport(project.id, len(images), (), notes)
