"""A project whose images show several classes, and versions of it, without training."""

from app.workspace import Workspace
from db import library, runs
from db.new_images import NewImage, NewLabel
from db.records import ImageRecord, LabelFigures, Split, VersionRecord
from db.versions import NewPrediction
from gain_core.models.files import file_sha256
from gain_core.training.config import TrainConfig
from tests.app.seeded import SIDE, photograph, write_model

CLASSES = ("boat", "car", "dog")
LABELS = ((0, 1), (0,), (1, 2), (2,))


def make_project(ws: Workspace, groups: bool = False) -> list[ImageRecord]:
    """Four images to train on and four for validation. groups: each image has a place."""
    new = []
    for number in range(8):
        data = photograph(number, number % 2)
        sha256 = f"{number:064x}"
        path = ws.files.image(sha256, ".png")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        labels = tuple(NewLabel(position) for position in LABELS[number % 4])
        split: Split = "train" if number < 4 else "validation"
        place = {"place": "water" if number % 2 else "land"} if groups else {}
        new.append(NewImage(f"{number}.png", sha256, ".png", SIDE, SIDE, split, labels, place))
    project = library.create_project(
        ws.database, "Several", "upload", "tf_efficientnet_lite0", 64, CLASSES, new, [], multi_label=True
    )
    return library.list_images(ws.database, project.id)


def published(ws: Workspace, images: list[ImageRecord], missed: int) -> VersionRecord:
    """A version that misses the class `missed`, and predicts no wrong one; trained from the published one."""
    project_id = images[0].project_id
    config = TrainConfig.first_model().to_dict()
    base = library.get_project(ws.database, project_id).current_version_id
    runs.request_run(ws.database, project_id, "quick", config, base)
    run = runs.claim(ws.database, "test", 60.0)
    assert run is not None
    path = ws.files.run_folder(run.id, 1) / "model.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_model(path, 0, CLASSES, multi_label=True)
    predictions = []
    for image in images:
        chances = [0.75 if place in image.positions and place != missed else 0.25 for place in range(3)]
        figures = tuple(LabelFigures(place, 0.5, 0.5) for place in image.positions)
        label = missed if missed in image.positions else image.class_position
        top = max(range(3), key=chances.__getitem__)
        predictions.append(NewPrediction(image.id, label, top, chances, 0.5, 0.5, label_figures=figures))
    return runs.finish_with_version(
        ws.database,
        run.id,
        run.lease_token or "",
        ws.files.relative(path),
        file_sha256(path),
        "",
        predictions,
    )
