"""A project of many images in a fresh data folder, written through `db` in bulk.

Rows are seeded; files are few. The first images of the queue (`own_files`) have a photograph each, drawn as
the demo draws; all others share `SHARED_FILES` photographs by their hash. So every image looked at in the
benchmark costs a decoding, a thumbnail and a map of its own, and no gigabytes are written. The two model
versions are real files, the packaged backbone with two untrained heads; what they predict is drawn from the
seed: one image in ten wrong.
"""

import hashlib
import io
import random
from pathlib import Path

from app.demo.scene import CLASSES, PLACES, draw_scene
from app.settings import Settings
from app.workspace import Workspace, open_workspace
from benchmarks.report import say
from db import library, runs
from db.new_images import NewImage, NewLabel
from db.records import ImageRecord, ProjectRecord, Split
from db.versions import NewPrediction
from gain_core.explain.inference import keep_session
from gain_core.models.classifier import DEFAULT_BACKBONE, build_classifier, default_spec
from gain_core.models.files import file_sha256
from gain_core.models.model_file import save_model

SIDE = 224
SHARED_FILES = 60
WRONG = 0.1  # share of the images that a version mispredicts


def make_large_project(home: Path, images: int, own_files: int, seed: int = 0) -> ProjectRecord:
    """70 % training, 15 % validation and 15 % test images of the demo's four classes, and two versions."""
    chance = random.Random(seed)
    ws = open_workspace(Settings(home=home))
    try:
        hashes = [_draw(ws, number, chance) for number in range(own_files + SHARED_FILES)]
        new = [_image(number, hashes, own_files, images, chance) for number in range(images)]
        project = library.create_project(
            ws.database, f"{images:,} images", "upload", DEFAULT_BACKBONE, SIDE, CLASSES, new, []
        )
        say(f"{images:,} rows and {len(hashes)} photographs written")
        stored = library.list_images(ws.database, project.id)
        for version in range(2):
            _publish(ws, project, stored, own_files, seed + version, chance)
            say(f"version {version + 1} with its predictions written")
        return library.get_project(ws.database, project.id)
    finally:
        ws.database.close()


def _draw(ws: Workspace, number: int, chance: random.Random) -> str:
    photograph, _ = draw_scene(number, chance.choice(CLASSES), chance.choice(PLACES), SIDE)
    buffer = io.BytesIO()
    photograph.save(buffer, "JPEG", quality=92)
    sha256 = hashlib.sha256(buffer.getvalue()).hexdigest()
    path = ws.files.image(sha256, ".jpg")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(buffer.getvalue())
    return sha256


def _image(number: int, hashes: list[str], own_files: int, images: int, chance: random.Random) -> NewImage:
    shared = hashes[own_files + number % SHARED_FILES]
    share = number / images
    split: Split = "train" if share < 0.7 else "validation" if share < 0.85 else "test"
    return NewImage(
        name=f"{number // 1000:03d}/{number:06d}.jpg",
        sha256=hashes[number] if number < own_files else shared,
        suffix=".jpg",
        width=SIDE,
        height=SIDE,
        split=split,
        labels=(NewLabel(chance.randrange(len(CLASSES))),),
        groups={"place": chance.choice(PLACES)},
    )


def _publish(
    ws: Workspace,
    project: ProjectRecord,
    images: list[ImageRecord],
    own_files: int,
    seed: int,
    chance: random.Random,
) -> None:
    base = project.current_version_id
    run = runs.request_run(ws.database, project.id, "quick", {}, base)
    claimed = runs.claim(ws.database, "benchmark", 600.0)
    if claimed is None or claimed.lease_token is None:
        raise RuntimeError("expected a run to claim, got none")
    path = ws.files.run_folder(run.id, 1) / "model.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    model = build_classifier(default_spec(DEFAULT_BACKBONE, CLASSES, SIDE), "pretrained", seed=seed)
    save_model(path, model)
    keep_session(path, file_sha256(path), model)  # as the trainer does
    predictions = [_prediction(image, number < own_files, chance) for number, image in enumerate(images)]
    runs.finish_with_version(
        ws.database,
        run.id,
        claimed.lease_token,
        ws.files.relative(path),
        file_sha256(path),
        "Seeded predictions",
        predictions,
    )


def _prediction(image: ImageRecord, first: bool, chance: random.Random) -> NewPrediction:
    """`first`: wrong with more confidence than any other image, so that the queue begins with it."""
    classes = len(CLASSES)
    wrong = first or chance.random() < WRONG
    predicted = (
        (image.class_position + chance.randrange(1, classes)) % classes if wrong else image.class_position
    )
    confidence = 0.999 if first else chance.uniform(0.3, 0.99)
    probabilities = [(1 - confidence) / (classes - 1)] * classes
    probabilities[predicted] = confidence
    doubtful = image.split == "train" and chance.random() < 0.01
    return NewPrediction(
        image.id,
        image.class_position,
        predicted,
        probabilities,
        attention_inside=chance.random(),
        attention_spread=chance.random(),
        evidence_inside=chance.random(),
        evidence_group=None if image.split == "test" else chance.randrange(3),
        label_rival=(image.class_position + 1) % classes if doubtful else None,
        label_doubt=0.9 if doubtful else None,
        control_predicted=predicted if chance.random() < 0.9 else image.class_position,
    )
