"""What the user asks of training, and what its child is told: no processes here."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.errors import ServiceError
from app.services import training
from app.services.lessons import Lessons, lessons
from app.services.run_spec import RunSpec
from app.settings import Settings
from app.workspace import Workspace, open_workspace
from db import runs, splits
from db.annotations import save_guidance
from db.errors import RunRefusedError
from db.library import create_project, list_classes, list_images
from db.new_images import NewImage, NewLabel
from db.records import ClassRecord, ImageRecord, RegionRecord, Role, RunEventRecord, RunMode, Split
from gain_core.training.config import TrainConfig
from gain_core.training.objectives.guided import Guided
from tests import empty_database

BOX = RegionRecord("box", "look_here", ((1.0, 1.0), (5.0, 5.0)))


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    empty_database.put_into(tmp_path)
    workspace = open_workspace(Settings(home=tmp_path, lease_seconds=7.0))
    yield workspace
    workspace.database.close()


@pytest.fixture
def project_id(ws: Workspace) -> int:
    """Two classes; image 0 boat/train, 1 car/train with a mask, 2 boat/validation, 3 car/test."""
    placed: tuple[Split, ...] = ("train", "train", "validation", "test")
    images = [
        NewImage(
            f"{n}.png", f"{n:064x}", ".png", 8, 8, split, (NewLabel(n % 2, "f" * 64 if n == 1 else None),)
        )
        for n, split in enumerate(placed)
    ]
    return create_project(ws.database, "P", "demo", "resnet18", 96, ["boat", "car"], images, []).id


def guide(ws: Workspace, image: ImageRecord, of: ClassRecord | None = None) -> None:
    save_guidance(ws.database, image.id, of.id if of else image.class_id, [BOX], b"look", None)


def publish(ws: Workspace, project_id: int) -> int:
    """A first model, without training it."""
    training.request_first_model(ws, project_id)
    return finish(ws)


def finish(ws: Workspace) -> int:
    """The version that the waiting run publishes, without training it."""
    run = runs.claim(ws.database, "test", 60.0)
    assert run is not None
    return runs.finish_with_version(
        ws.database, run.id, run.lease_token or "", "runs/model.safetensors", "0" * 64, "First", []
    ).id


def test_a_first_model_is_requested_from_the_backbone_alone(ws: Workspace, project_id: int) -> None:
    run = training.request_first_model(ws, project_id, seed=3, steps=5)
    assert (run.status, run.mode, run.base_version_id) == ("queued", "quick", None)
    config = TrainConfig.from_dict(run.config)
    assert (config.objective.key, config.seed, config.steps) == ("none", 3, 5)


def test_quick_trainings_of_a_project_with_many_classes_take_more_steps(ws: Workspace) -> None:
    names = [f"class {n}" for n in range(10)]
    images = [NewImage(f"{n}.png", f"{n:064x}", ".png", 32, 32, "train", (NewLabel(n),)) for n in range(10)]
    project_id = create_project(ws.database, "Ten", "upload", "resnet18", 96, names, images, []).id
    assert training.request_first_model(ws, project_id).config["steps"] == 120
    finish(ws)
    guide(ws, list_images(ws.database, project_id)[0])
    assert training.request_retrain(ws, project_id, "quick").config["steps"] == 120


def test_retraining_without_a_model_is_refused_with_a_sentence(ws: Workspace, project_id: int) -> None:
    with pytest.raises(ServiceError, match="There is no model yet"):
        training.request_retrain(ws, project_id, "quick")


def test_retraining_without_guidance_is_refused_with_a_sentence(ws: Workspace, project_id: int) -> None:
    publish(ws, project_id)
    with pytest.raises(ServiceError, match="No training image carries guidance"):
        training.request_retrain(ws, project_id, "quick")
    assert runs.active_run(ws.database, project_id) is None


def test_guidance_for_another_class_or_outside_the_training_split_is_not_enough(
    ws: Workspace, project_id: int
) -> None:
    publish(ws, project_id)
    first, _, validation, _ = list_images(ws.database, project_id)
    guide(ws, first, of=list_classes(ws.database, project_id)[1])  # a boat, guided as a car
    guide(ws, validation)
    with pytest.raises(ServiceError, match="for its own class"):
        training.request_retrain(ws, project_id, "quick")


@pytest.mark.parametrize(
    ("mode", "asked", "key"),
    [("quick", None, "guided"), ("full", None, "gainext"), ("quick", "signed", "signed")],
)
def test_a_retrain_starts_from_the_published_version(
    ws: Workspace, project_id: int, mode: Any, asked: Any, key: Any
) -> None:
    version_id = publish(ws, project_id)
    guide(ws, list_images(ws.database, project_id)[0])
    run = training.request_retrain(ws, project_id, mode, objective=asked, seed=2, steps=9)
    assert (run.mode, run.base_version_id) == (mode, version_id)
    config = TrainConfig.from_dict(run.config)
    assert (config.mode, config.objective.key, config.seed, config.steps) == (mode, key, 2, 9)


def test_images_moved_to_training_are_its_counter_examples(ws: Workspace, project_id: int) -> None:
    publish(ws, project_id)
    images = list_images(ws.database, project_id)
    guide(ws, images[0])
    splits.move_to_training(ws.database, images[2].id)
    training.request_retrain(ws, project_id, "quick")
    run = runs.claim(ws.database, "test", 60.0)
    assert run is not None
    spec = training.build_spec(ws, run)
    assert [(sample.split, sample.counter_example) for sample in spec.samples] == [
        ("train", False),
        ("train", False),
        ("train", True),
        ("test", False),
    ]


def test_a_quick_retrain_refits_from_ten_moved_images_on() -> None:
    refits = [Lessons(0, moved_images=count).refits for count in (0, 9, 10)]
    assert refits == [False, False, True]


def test_quick_retrains_do_not_add_up_and_a_full_one_is_kept(ws: Workspace, project_id: int) -> None:
    start = publish(ws, project_id)
    guide(ws, list_images(ws.database, project_id)[0])
    modes: list[RunMode] = ["quick", "quick", "full", "quick", "quick", "full", "quick"]
    for mode in modes:
        assert training.request_retrain(ws, project_id, mode).base_version_id == start
        made = finish(ws)
        if mode == "full":
            start = made


def test_a_second_request_while_one_waits_is_refused(ws: Workspace, project_id: int) -> None:
    training.request_first_model(ws, project_id)
    with pytest.raises(RunRefusedError):
        training.request_first_model(ws, project_id)


def test_the_child_is_told_of_every_image_its_guidance_and_where_to_start(
    ws: Workspace, project_id: int
) -> None:
    publish(ws, project_id)
    images = list_images(ws.database, project_id)
    guide(ws, images[0])
    guide(ws, images[1], of=list_classes(ws.database, project_id)[0])  # not its own class: not for training
    training.request_retrain(ws, project_id, "quick")
    run = runs.claim(ws.database, "test", 60.0)
    assert run is not None

    spec = training.build_spec(ws, run)
    assert RunSpec.from_json(spec.to_json()) == spec
    assert spec.model == {
        "backbone": "resnet18",
        "classes": ["boat", "car"],
        "image_size": 96,
        "multi_label": False,
    }
    assert spec.base_weights == ws.settings.home / "runs" / "model.safetensors"
    assert [(sample.label, sample.split) for sample in spec.samples] == [
        (0, "train"),
        (1, "train"),
        (0, "validation"),
        (1, "test"),
    ]
    assert [sample.look for sample in spec.samples] == [b"look", None, None, None]
    assert spec.samples[1].object_mask == ws.files.mask("f" * 64)
    assert spec.samples[0].path == ws.files.image(images[0].sha256, ".png")
    assert (spec.run_id, spec.attempt, spec.lease_seconds) == (run.id, 1, 7.0)
    assert spec.out_folder == ws.files.run_folder(run.id, 1)
    assert training.version_note(spec) == "Quick retrain, 1 guided image"


def test_the_run_at_work_the_last_one_and_how_many_images_are_guided(ws: Workspace, project_id: int) -> None:
    assert training.status(ws, project_id) == training.TrainingStatus(None, None)
    publish(ws, project_id)
    guide(ws, list_images(ws.database, project_id)[0])
    running = training.request_retrain(ws, project_id, "quick")
    runs.claim(ws.database, "test", 60.0)
    waiting = training.request_retrain(ws, project_id, "quick")
    status = training.status(ws, project_id)
    assert status.active is not None
    assert status.last is not None
    assert (status.active.id, status.last.status) == (running.id, "published")
    assert lessons(ws, project_id) == Lessons(1, ("car",))
    training.cancel(ws, waiting.id)
    last = training.status(ws, project_id).last
    assert last is not None
    assert (last.id, last.status) == (waiting.id, "cancelled")


def test_lessons_name_the_classes_left_alone_while_others_say_where_to_look(
    ws: Workspace, project_id: int
) -> None:
    boat, car = list_images(ws.database, project_id, split="train")

    def left_alone(*drawn: tuple[ImageRecord, Role]) -> tuple[str, ...]:
        for image, role in drawn:
            region = RegionRecord("box", role, ((1.0, 1.0), (5.0, 5.0)))
            save_guidance(ws.database, image.id, image.class_id, [region], b"look", b"ignore")
        return lessons(ws, project_id).unguided_classes

    assert left_alone() == ()
    assert left_alone((boat, "ignore_this")) == ()  # a stamp on one class asks nothing of the others
    assert left_alone((boat, "look_here")) == ("car",)
    assert left_alone((car, "ignore_this")) == ()


def test_curves_join_attempts_where_the_later_one_went_on() -> None:
    said = [step(1, n) for n in (1, 2, 3, 4)] + [validation(1, 2, 0.5), validation(1, 4, 0.6)]
    said += [step(2, n) for n in (3, 4, 5)] + [validation(2, 4, 0.7)]
    curves = training.join_events([RunEventRecord(1, 1, seq, payload) for seq, payload in enumerate(said)])
    assert curves.steps == [1, 2, 3, 4, 5]
    assert curves.losses["total"] == [1.0, 1.0, 2.0, 2.0, 2.0]
    assert (curves.validation_steps, curves.accuracy) == ([2, 4], [0.5, 0.7])
    assert (curves.total_steps, curves.validation_images) == (6, 10)


def test_curves_of_a_run_that_has_said_nothing_are_empty(ws: Workspace, project_id: int) -> None:
    run = training.request_first_model(ws, project_id)
    assert training.curves(ws, run.id) == training.Curves()


def test_a_loss_that_appears_late_or_is_no_number_leaves_a_gap() -> None:
    first, second = step(1, 1), step(1, 2)
    second["losses"] = {"total": None, "guided": 0.5}
    curves = training.join_events([RunEventRecord(1, 1, n, p) for n, p in enumerate([first, second])])
    assert curves.losses == {"total": [1.0, None], "guided": [None, 0.5]}


def test_the_supervisor_needs_no_torch() -> None:
    heavy = ("torch", "timm", "onnxruntime")
    code = f"import sys, app.jobs.worker; print([name for name in {heavy} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def step(attempt: int, number: int) -> dict[str, Any]:
    losses = {"total": float(attempt)}
    return {"event": "step", "step": number, "total": 6, "losses": losses, "seconds": number / 10}


def validation(attempt: int, number: int, accuracy: float) -> dict[str, Any]:
    return {"event": "validation", "step": number, "accuracy": accuracy, "loss": 1.0, "n": 10}


def test_a_run_is_told_every_label_of_an_image_with_what_is_drawn_for_it(ws: Workspace) -> None:
    labels = (NewLabel(0), NewLabel(1, "e" * 64))
    images = [
        NewImage(f"{n}.png", f"{n:064x}", ".png", 8, 8, "train", labels if n == 0 else labels[n % 2 :][:1])
        for n in range(4)
    ]
    names = ["boat", "car", "dog"]
    project = create_project(
        ws.database, "Several", "upload", "resnet18", 96, names, images, [], multi_label=True
    )
    _, car, dog = list_classes(ws.database, project.id)
    both = list_images(ws.database, project.id)[0]
    training.request_first_model(ws, project.id)
    finish(ws)
    for one in (car, dog):  # the image does not show the dog
        guide(ws, both, one)

    run = training.request_retrain(ws, project.id, "quick")
    spec = training.build_spec(ws, run)

    sample = spec.samples[0]
    assert sample.labels == (0, 1)
    assert (sample.look, sample.also[0].look is None) == (None, False)
    assert sample.also[0].object_mask == ws.files.mask("e" * 64)
    assert spec.model["multi_label"] is True
    assert isinstance(spec.config.objective, Guided)
    assert spec.config.objective.counter_examples is None  # what nobody outlined would be pasted along
    assert (spec.config.objective.inside_weight, spec.config.objective.outside_weight) == (1.0, 0.3)
    assert RunSpec.from_json(spec.to_json()) == spec
