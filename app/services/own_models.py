"""A model that somebody brings: its file is kept, looked at in a process of its own, checked, and taken
over.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Literal
from uuid import uuid4

from app.errors import ServiceError
from app.importing.staging import store_lock
from app.jobs.child import program_environment
from app.services import people, training
from app.workspace import Workspace
from db import first_models, library
from db.records import ImageRecord, RunRecord
from gain_core.errors import CheckpointError
from gain_core.models.files import file_sha256
from gain_core.models.spec import ModelSpec

Verdict = Literal["better", "worse", "open"]  # as gain_core.analysis.rival_networks has it, without torch

COMMAND: tuple[str, ...] = (sys.executable, "-P", "-m", "app.jobs.model_check")
CHECKED = 200  # labelled images, at most, of all classes in turn
_PATIENCE = 600.0  # seconds for one look at a file
_FORGOTTEN = 24 * 3600.0  # seconds after which a file that nobody took over is removed
_PIECE = 2**20


class ModelRefusedError(ServiceError):
    """Why a file of weights is not taken."""


@dataclass(frozen=True, slots=True)
class BroughtFile:
    """A file of weights on the server, in a folder of its own."""

    path: Path
    title: str  # its name for people


@dataclass(frozen=True, slots=True)
class Network:
    """One network with the weights in it."""

    name: str
    outputs: int
    classes: int  # two for a single output
    layer: str  # whose map is shown
    spec: ModelSpec  # how images are prepared for its published weights; its classes are numbers


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds."""

    networks: tuple[str, ...]  # that its weights fit, the likeliest first
    all_networks: tuple[str, ...]  # that can be chosen
    classes: tuple[str, ...]  # as the file names them, in the order of the outputs; empty: it does not
    left_out: tuple[str, ...]  # entries that a file that is given back will not have
    first: Network | None = None  # of `networks`; None where there is none, or `network` says why not


@dataclass(frozen=True, slots=True)
class Trial:
    """How many of n images are right with another preprocessing."""

    name: str
    spec: ModelSpec
    correct: int  # in the best order of the classes
    n: int


@dataclass(frozen=True, slots=True)
class Rival:
    """Another network that fits the same weights and computes something else."""

    name: str
    spec: ModelSpec  # how images were prepared: as for this one, or as for its own published weights
    correct: int  # in the best order of the classes
    verdict: Verdict  # "better": it fits the labels clearly better; "open": these images do not tell


@dataclass(frozen=True, slots=True)
class ModelCheck:
    """What a model says of labelled images; its model file waits beside the file that was brought."""

    spec: ModelSpec
    n: int
    correct: int
    confusion: tuple[tuple[int, ...], ...]  # images by true class (row) and output (column)
    best_order: tuple[str, ...]  # the classes in the order that agrees best
    best_correct: int
    permuted: bool  # that order is clearly better
    near_chance: bool  # no order is better than guessing
    missing: tuple[str, ...]  # classes without an image
    trials: tuple[Trial, ...]  # where it is near chance: other preprocessing, the best first
    file: Path
    rivals: tuple[Rival, ...] = ()


def keep(ws: Workspace, upload: IO[bytes], title: str) -> BroughtFile:
    """Store what was uploaded. ModelRefusedError where it is too large or cannot be stored."""
    people.require(ws, "maintainer", "bring a model")
    limit = ws.settings.max_upload_mb * 10**6
    folder = ws.files.brought / uuid4().hex
    try:
        _forget_old(ws.files.brought)
        folder.mkdir(parents=True)
        path = folder / f"weights{Path(title).suffix.lower()[:20]}"
        upload.seek(0)
        with path.open("wb") as stream:
            size = 0
            while piece := upload.read(_PIECE):
                size += len(piece)
                if size > limit:
                    break
                stream.write(piece)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise ModelRefusedError(f"{title} could not be stored ({error.strerror}).") from error
    if size > limit:
        shutil.rmtree(folder, ignore_errors=True)
        raise ModelRefusedError(
            f"{title} is larger than {ws.settings.max_upload_mb} MB, the limit of REFOCUS_MAX_UPLOAD_MB."
        )
    return BroughtFile(path, title)


def forget(brought: BroughtFile) -> None:
    """Remove a file that was brought."""
    shutil.rmtree(brought.path.parent, ignore_errors=True)


def contents(ws: Workspace, brought: BroughtFile) -> Contents:
    """Which networks the weights fit. ModelRefusedError with the reason for what is no such file."""
    answer = _ask(ws, brought, "inspect")
    names = ("networks", "all_networks", "classes", "left_out")
    first = answer["first"] and _network(answer["networks"][0], answer["first"])
    return Contents(**{name: tuple(answer[name]) for name in names}, first=first)


def network(ws: Workspace, brought: BroughtFile, name: str) -> Network:
    """The network of this name with the weights in it. ModelRefusedError where they do not fit it, or where
    it has no map to show.
    """
    return _network(name, _ask(ws, brought, "describe", network=name))


def check(ws: Workspace, project_id: int, brought: BroughtFile, spec: ModelSpec) -> ModelCheck:
    """Predict labelled images of the project. spec: `backbone` is the network, `classes` are in the order of
    the outputs and hold all classes of the project.

    ModelRefusedError where they do not, and with the reason for a model that cannot be used.
    """
    spec = replace(spec, multi_label=library.get_project(ws.database, project_id).multi_label)
    named = [record.name for record in library.list_classes(ws.database, project_id)]
    if absent := [name for name in named if name not in spec.classes]:
        raise ModelRefusedError(
            f"Each class of the project needs an output of the model; missing: {', '.join(absent[:5])}."
        )
    chosen = _spread(library.list_images(ws.database, project_id))
    images = [
        (str(ws.files.image(image.sha256, image.suffix)), [named[place] for place in image.positions])
        for image in chosen
    ]
    file = brought.path.with_name("model.safetensors")
    answer = _ask(
        ws,
        brought,
        "check",
        network=spec.backbone,
        spec=spec.to_dict(),
        images=images,
        model_file=str(file),
    )
    trials = [
        Trial(item["name"], ModelSpec.from_dict(item["spec"]), item["best_correct"], item["n"])
        for item in answer.get("others", ())
    ]
    return ModelCheck(
        spec=spec,
        n=answer["n"],
        correct=answer["correct"],
        confusion=tuple(tuple(row) for row in answer["confusion"]),
        best_order=tuple(answer["best_order"]),
        best_correct=answer["best_correct"],
        permuted=answer["permuted"],
        near_chance=answer["near_chance"],
        missing=tuple(answer["missing"]),
        trials=tuple(sorted(trials, key=lambda trial: -trial.correct)),
        file=file,
        rivals=tuple(
            Rival(
                rival["name"],
                ModelSpec.from_dict(rival["spec"]),
                rival["best_correct"],
                rival["verdict"],
            )
            for rival in answer["rivals"]
        ),
    )


def take_over(ws: Workspace, project_id: int, checked: ModelCheck) -> RunRecord:
    """Make the checked model the project's first version: a run predicts all images and computes their
    figures.

    Raises db.errors.RunRefusedError for a project that has a model, NotFoundError, and ModelRefusedError
    where the file cannot be stored.
    """
    people.require(ws, "maintainer", "bring a model")
    try:
        sha256, spec = file_sha256(checked.file), checked.spec
        place = ws.files.given_model(sha256)
        with store_lock(ws.files):
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(checked.file, place)
            first_models.choose_given_model(
                ws.database, project_id, sha256, spec.backbone, spec.image_size, spec.classes
            )
    except (CheckpointError, OSError) as error:
        raise ModelRefusedError(f"The model could not be stored: {error}. Check it again.") from error
    shutil.rmtree(checked.file.parent, ignore_errors=True)
    return training.request_first_model(ws, project_id)


def _network(name: str, answer: Mapping[str, Any]) -> Network:
    spec = ModelSpec.from_dict(answer["spec"])
    return Network(name, answer["outputs"], answer["classes"], answer["layer"], spec)


def _spread(images: Sequence[ImageRecord]) -> list[ImageRecord]:
    """CHECKED images, of each first class in turn."""
    turns: dict[int, int] = {}
    ranked = []
    for image in images:
        turns[image.class_id] = turns.get(image.class_id, -1) + 1
        ranked.append((turns[image.class_id], image.id, image))
    return [image for _, _, image in sorted(ranked, key=lambda entry: entry[:2])[:CHECKED]]


def _ask(ws: Workspace, brought: BroughtFile, step: str, **request: Any) -> Mapping[str, Any]:
    """What the process says that alone opens the file."""
    folder = brought.path.parent
    asked, answered = folder / "request.json", folder / "answer.json"
    own = {"step": step, "path": str(brought.path), "title": brought.title}
    try:
        answered.unlink(missing_ok=True)
        asked.write_text(json.dumps(own | {"networks": ws.settings.networks} | request), "utf-8")
        subprocess.run(  # noqa: S603  (our own program)
            [*COMMAND, str(asked), str(answered)],
            env=program_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
        answer: dict[str, Any] = json.loads(answered.read_text("utf-8"))
    except subprocess.TimeoutExpired as error:
        raise ModelRefusedError(f"{brought.title}: looking at it took more than ten minutes.") from error
    except (OSError, ValueError) as error:  # it ended without an answer
        raise ModelRefusedError(
            f"{brought.title}: the process that opened it ended; most likely its memory ran out. "
            "Bring it again, or a smaller one."
        ) from error
    if "error" in answer:
        raise ModelRefusedError(answer["error"])
    return answer


def _forget_old(folder: Path) -> None:
    with suppress(OSError):
        for path in folder.iterdir():
            if time.time() - path.stat().st_mtime > _FORGOTTEN:
                shutil.rmtree(path, ignore_errors=True)


def natural(names: Sequence[str]) -> list[str]:
    """Sorted with numbers as numbers: class1, class2, class10."""
    from gain_core.analysis.class_order import natural_order

    return natural_order(names)
