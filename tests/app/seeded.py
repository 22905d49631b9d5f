"""A real data folder for tests of pages: small photographs, a real database, models on request."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from PIL import Image, ImageDraw

from app.settings import Settings
from app.workspace import Workspace, open_workspace
from db import library, runs
from db.new_images import NewImage, NewLabel
from db.records import SPLITS, ImageRecord, ProjectRecord, RefusalRecord, RunRecord, Split, VersionRecord
from db.versions import NewPrediction
from gain_core.explain.inference import keep_session
from gain_core.models.classifier import build_classifier, default_spec
from gain_core.models.files import file_sha256, session_file
from gain_core.models.model_file import save_model
from gain_core.training.config import TrainConfig
from tests import empty_database

CLASSES = ("boat", "car")
SIDE = 64  # pixels of a photograph
LEASE = 60.0


@dataclass
class Seeded:
    """A workspace and one project in it."""

    ws: Workspace
    project_id: int

    @property
    def project(self) -> ProjectRecord:
        return library.get_project(self.ws.database, self.project_id)

    def images(self, split: Split | None = None) -> list[ImageRecord]:
        return library.list_images(self.ws.database, self.project_id, split)

    def run(self) -> RunRecord:
        """A queued run from the published version."""
        config = TrainConfig.quick_default() if self.project.current_version_id else TrainConfig.first_model()
        return runs.request_run(
            self.ws.database, self.project_id, "quick", config.to_dict(), self.project.current_version_id
        )

    def claim(self, run: RunRecord) -> str:
        """Start it as a trainer would; its lease token."""
        claimed = runs.claim(self.ws.database, "tester", LEASE)
        assert claimed is not None
        assert claimed.id == run.id
        assert claimed.lease_token is not None
        return claimed.lease_token

    def publish(
        self,
        wrong: Sequence[int] = (),
        seed: int = 0,
        groups: Mapping[int, int] | None = None,
        doubtful: Sequence[int] = (),
        control_wrong: Sequence[int] | None = None,
        kept_because: str | None = None,
    ) -> VersionRecord:
        """A version whose model file is real and untrained; images with an id in `wrong` are mispredicted.

        `groups`: evidence groups by image id. `doubtful`: ids of images whose label all like them contradict.
        `control_wrong`: ids of images that its control mispredicts; None: it has no control.
        """
        run = self.run()
        token = self.claim(run)
        events = [
            {"event": "phase", "name": "Reading images", "done": 6, "total": 6},
            {
                "event": "step",
                "step": 1,
                "total": 2,
                "losses": {"total": 0.9, "classification": 0.9},
                "seconds": 0.1,
            },
            {
                "event": "step",
                "step": 2,
                "total": 2,
                "losses": {"total": 0.5, "classification": 0.5},
                "seconds": 0.2,
            },
            {"event": "validation", "step": 2, "accuracy": 0.5, "loss": 0.7, "n": 2},
        ]
        runs.beat(self.ws.database, run.id, token, LEASE, events, 0)
        path = self.ws.files.run_folder(run.id, 1) / "model.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_model(path, seed)
        predictions = []
        for image in self.images():
            truth = image.class_position
            said = 1 - truth if image.id in wrong else truth
            sure = (0.9, 0.1) if said == 0 else (0.1, 0.9)
            inside, group = 0.25 if image.id in wrong else 0.75, (groups or {}).get(image.id)
            control = None
            if control_wrong is not None:
                control = 1 - truth if image.id in control_wrong else truth
            rival, doubt = (1 - truth, 1.0) if image.id in doubtful else (None, None)
            predictions.append(
                NewPrediction(
                    image.id,
                    truth,
                    said,
                    sure,
                    inside,
                    evidence_group=group,
                    label_rival=rival,
                    label_doubt=doubt,
                    control_predicted=control,
                )
            )
        return runs.finish_with_version(
            self.ws.database,
            run.id,
            token,
            self.ws.files.relative(path),
            file_sha256(path),
            "First model" if run.base_version_id is None else "Quick retrain, 1 guided images",
            predictions,
            kept_because,
        )


def write_model(
    path: Path, seed: int, classes: tuple[str, ...] = CLASSES, *, multi_label: bool = False
) -> None:
    """A real model file with random weights, its session beside it; the same seed gives the same files."""
    weights, session = _model_files(seed, classes, multi_label)
    path.write_bytes(weights)
    session_file(path).write_bytes(session)


@cache
def _model_files(seed: int, classes: tuple[str, ...], multi_label: bool) -> tuple[bytes, bytes]:
    torch.manual_seed(seed)
    spec = default_spec("tf_efficientnet_lite0", classes, 64, multi_label=multi_label)
    model = build_classifier(spec, weights="none", seed=seed)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        save_model(path, model)
        keep_session(path, file_sha256(path), model)
        return path.read_bytes(), session_file(path).read_bytes()


def open_home(home: Path) -> Workspace:
    empty_database.put_into(home)
    return open_workspace(Settings(home=home))


def seed(
    ws: Workspace,
    name: str = "Bay",
    per_split: tuple[int, int, int] = (4, 2, 2),
    place_of: Callable[[int], str] = lambda number: ("water", "grass")[number % 2],
) -> Seeded:
    """Boats on water and cars on grass, alternating; one refused file. place_of: the number of an image."""
    images = []
    number = 0
    for split, count in zip(SPLITS, per_split, strict=True):
        for _ in range(count):
            position = number % 2
            data = photograph(number, position)
            sha256 = hashlib.sha256(data).hexdigest()
            path = ws.files.image(sha256, ".png")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            place = {"place": place_of(number)}
            labels = (NewLabel(position),)
            images.append(NewImage(f"{number:03d}.png", sha256, ".png", SIDE, SIDE, split, labels, place))
            number += 1
    project = library.create_project(
        ws.database,
        name=name,
        source="upload",
        backbone="tf_efficientnet_lite0",
        image_size=64,
        classes=CLASSES,
        images=images,
        refusals=[RefusalRecord("notes.txt", "It is not an image.")],
    )
    return Seeded(ws, project.id)


def photograph(number: int, position: int) -> bytes:
    """PNG bytes: a box (boat) or a disc (car) on blue or green; no two alike."""
    picture = Image.new(
        "RGB", (SIDE, SIDE), (40, 90, 200 - number) if position == 0 else (60, 160 - number, 60)
    )
    draw = ImageDraw.Draw(picture)
    corner = 8 + number % 20
    shape = (corner, corner, corner + 24, corner + 24)
    (draw.rectangle if position == 0 else draw.ellipse)(shape, fill=(230, 220 - number, 210))
    buffer = BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
