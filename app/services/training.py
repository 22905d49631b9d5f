"""Training as the user asks for it: request a run, watch it, stop it; and what its child is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from app.drawing.several_people import list_counting
from app.errors import ServiceError
from app.services import people, whose_drawings
from app.services.run_spec import RunSpec
from app.workspace import Workspace
from db import runs
from db.annotations import roles_by_class
from db.library import get_project, list_classes, list_images
from db.people import Whose
from db.records import GuidanceRecord, ImageRecord, RunEventRecord, RunMode, RunRecord, VersionRecord
from db.splits import count_moved
from db.versions import get_version, list_versions
from gain_core.dataset.sample import AlsoShown, Sample
from gain_core.training.config import DEFAULT_OBJECTIVE, TrainConfig
from gain_core.training.objectives import Labels, objective_named


class TrainingRefusedError(ServiceError):
    """What the project holds is not enough for the training that was asked for."""


@dataclass(frozen=True, slots=True)
class TrainingStatus:
    """What the sidebar says of the runs of one project."""

    active: RunRecord | None  # the run that is running, else the one that waits
    last: RunRecord | None  # the newest run that has ended
    # What a retrain will take, from what the project's last one took, or for a quick one its first model,
    # which does about as much work. Modes that nothing is known of are missing.
    expected_seconds: Mapping[RunMode, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Curves:
    """What a run has said so far, as parallel lists for a chart; a figure that was not a number is None."""

    steps: list[int] = field(default_factory=list)  # from 1
    total_steps: int = 0  # 0 before the first step
    seconds: list[float] = field(default_factory=list)  # since its attempt began, for each of `steps`
    losses: dict[str, list[float | None]] = field(default_factory=dict)  # by name, each as long as `steps`
    validation_steps: list[int] = field(default_factory=list)
    accuracy: list[float | None] = field(default_factory=list)  # in [0, 1], for each of `validation_steps`
    validation_loss: list[float | None] = field(default_factory=list)
    validation_images: int = 0


def request_first_model(
    ws: Workspace, project_id: int, *, seed: int = 0, steps: int | None = None
) -> RunRecord:
    """Queue a training from the backbone's own weights, on labels only; of a given model from its first
    version.

    The first version of a given model is that model as it is: nothing is trained. Raises RunRefusedError.
    """
    people.require(ws, "maintainer", "train a model")
    classes = len(list_classes(ws.database, project_id))
    config = _with_steps(TrainConfig.first_model(seed=seed, classes=classes), steps)
    base = None
    if get_project(ws.database, project_id).given_model is not None:
        base = next((version.id for version in list_versions(ws.database, project_id)), None)
    return runs.request_run(ws.database, project_id, config.mode, config.to_dict(), base_version_id=base)


def request_retrain(
    ws: Workspace,
    project_id: int,
    mode: RunMode,
    *,
    objective: str | None = None,
    seed: int = 0,
    steps: int | None = None,
) -> RunRecord:
    """Queue a training that follows the guidance that counts, and learns from images moved to training.

    objective: the key of a method; None: the mode's default. Without any guidance it learns from labels
    alone, unless the method guesses outlines.

    It starts from the published version, or from what that was before its quick retrains: the same guidance
    gives the same model, however often somebody retrains (docs/decisions/0017). Raises TrainingRefusedError
    without a version or with nothing to learn, RunRefusedError when a run of this project waits already.
    """
    people.require(ws, "maintainer", "train a model")
    project = get_project(ws.database, project_id)
    published = project.current_version_id
    if published is None:
        raise TrainingRefusedError("There is no model yet: train the first one, then guide and retrain it.")
    guided = any(roles_by_class(ws.database, project_id, by=project.whose.person_id).values())
    objective = objective or DEFAULT_OBJECTIVE[mode]
    method = objective_named(objective)
    if project.multi_label and not method.several_labels:
        raise TrainingRefusedError(f"{method.words.name} needs images with one label each.")
    guesses = method.for_mode(mode).guessed_outlines > 0
    if not guided and not guesses and not count_moved(ws.database, project_id):
        raise TrainingRefusedError(
            "No training image carries guidance for its own class yet: draw on at least one, then retrain."
            + _of_one_person(ws, project.whose)
        )
    if mode == "quick":
        classes = len(list_classes(ws.database, project_id))
        config = TrainConfig.quick_default(objective, seed, classes)
    else:
        config = TrainConfig.full_default(objective, seed)
    if project.multi_label:
        config = config.for_several_labels()
    if not guided and not guesses:
        config = config.without_guidance()
    if project.given_model is not None:  # nobody has the weights that it was trained from
        config = replace(config, l2_sp_weight=0.0)
    config = _with_steps(config, steps)
    base = before_quick_retrains(ws, published)
    return runs.request_run(ws.database, project_id, mode, config.to_dict(), base_version_id=base.id)


def _of_one_person(ws: Workspace, whose: Whose) -> str:
    if whose.rule != "person":
        return ""
    return f" In this project {whose_drawings.in_words(ws, whose)} train."


def before_quick_retrains(ws: Workspace, version_id: int) -> VersionRecord:
    """The version itself, or the nearest one before it that no quick retrain made."""
    version = get_version(ws.database, version_id)
    while version.parent_id is not None and _quickly_made(ws, version):
        version = get_version(ws.database, version.parent_id)
    return version


def _quickly_made(ws: Workspace, version: VersionRecord) -> bool:
    return version.run_id is not None and runs.get_run(ws.database, version.run_id).mode == "quick"


def cancel(ws: Workspace, run_id: int) -> RunRecord:
    """Cancel a waiting run at once; ask the trainer of a running one to stop it, which takes seconds."""
    people.require(ws, "maintainer", "stop a training")
    return runs.request_cancel(ws.database, run_id)


def retry(ws: Workspace, run_id: int) -> RunRecord:
    """Queue a failed run again; it goes on from its last checkpoint. Raises RunRefusedError."""
    people.require(ws, "maintainer", "train a model")
    return runs.retry(ws.database, run_id)


def status(ws: Workspace, project_id: int) -> TrainingStatus:
    return TrainingStatus(
        active=runs.active_run(ws.database, project_id),
        last=runs.last_ended(ws.database, project_id),
        expected_seconds=_expected(runs.last_durations(ws.database, project_id)),
    )


def _expected(taken: Mapping[tuple[RunMode, bool], float]) -> dict[RunMode, float]:
    expected = {mode: seconds for (mode, retrain), seconds in taken.items() if retrain}
    if ("quick", False) in taken:
        expected.setdefault("quick", taken["quick", False])
    return expected


def curves(ws: Workspace, run_id: int) -> Curves:
    """What a run's attempts have said, joined: a resumed attempt goes on from its checkpoint."""
    return join_events(runs.list_events(ws.database, run_id))


def join_events(events: list[RunEventRecord]) -> Curves:
    """`events`: by attempt and line. A step that comes again replaces the old one and all after it."""
    by_step: dict[int, Mapping[str, Any]] = {}
    validations: dict[int, Mapping[str, Any]] = {}
    for payload in (event.payload for event in events):
        if payload["event"] == "step":
            _put(by_step, payload)
            _forget_from(validations, payload["step"])
        elif payload["event"] == "validation":
            _put(validations, payload)
    steps = list(by_step.values())
    names = list(dict.fromkeys(name for payload in steps for name in payload["losses"]))
    return Curves(
        steps=list(by_step),
        total_steps=steps[-1]["total"] if steps else 0,
        seconds=[payload["seconds"] for payload in steps],
        losses={name: [payload["losses"].get(name) for payload in steps] for name in names},
        validation_steps=list(validations),
        accuracy=[payload["accuracy"] for payload in validations.values()],
        validation_loss=[payload["loss"] for payload in validations.values()],
        validation_images=max((payload["n"] for payload in validations.values()), default=0),
    )


def build_spec(ws: Workspace, run: RunRecord) -> RunSpec:
    """What the training process of a claimed run is told: images of all splits, guidance as it is now.

    It trains on the training split alone; everything else, and masks that the user did not draw, are for
    evaluation. Needs no torch.
    """
    project = get_project(ws.database, run.project_id)
    folder = ws.files.run_folder(run.id, run.attempt)
    base = None if run.base_version_id is None else get_version(ws.database, run.base_version_id)
    base_weights = None if base is None else ws.files.absolute(base.path)
    as_given = base is None and project.given_model is not None
    if as_given and project.given_model is not None:
        base_weights = ws.files.given_model(project.given_model)
    return RunSpec(
        run_id=run.id,
        attempt=run.attempt,
        config=TrainConfig.from_dict(run.config),
        model={
            "backbone": project.backbone,
            "classes": [record.name for record in list_classes(ws.database, project.id)],
            "image_size": project.image_size,
            "multi_label": project.multi_label,
        },
        samples=samples_of(ws, run.project_id, list_images(ws.database, run.project_id), run.whose),
        base_weights=base_weights,
        as_given=as_given,
        networks=ws.settings.networks,
        processes=ws.settings.processes,
        drawings_of=whose_drawings.stated(ws, run.whose),
        features_folder=ws.files.features,
        out_folder=folder,
        lease_file=folder / "lease",
        lease_seconds=ws.settings.lease_seconds,
    )


def samples_of(
    ws: Workspace, project_id: int, images: Sequence[ImageRecord], whose: Whose
) -> tuple[Sample, ...]:
    """These images of a project with their labels and the guidance that counts, in their order."""
    counting = list_counting(ws.database, project_id, whose)
    guidance = {(record.image_id, record.class_id): record for record in counting}
    return tuple(_sample(ws, image, guidance) for image in images)


def version_note(spec: RunSpec) -> str:
    """One line about how a version came to be, for lists."""
    if spec.as_given:
        return "Your model, as it is"
    if spec.base_weights is None:
        return "First model"
    key, mode = spec.config.objective.key, spec.config.mode
    if key == Labels.key:
        return f"{mode.capitalize()} retrain by labels"
    guided = sum(sample.guided for sample in spec.samples if sample.split == "train")
    if spec.config.objective.guessed_outlines and not guided:
        return "Quick retrain, guessed outlines"
    kind = "" if key == DEFAULT_OBJECTIVE[mode] else f" ({key})"
    note = f"{mode.capitalize()} retrain{kind}, {guided} guided image{'' if guided == 1 else 's'}"
    return f"{note} ({spec.drawings_of})" if spec.drawings_of else note


def _with_steps(config: TrainConfig, steps: int | None) -> TrainConfig:
    return config if steps is None else replace(config, steps=steps)


def _sample(ws: Workspace, image: ImageRecord, guidance: Mapping[tuple[int, int], GuidanceRecord]) -> Sample:
    """The image with what is drawn for its labels; guidance for other classes, by image and class, is not
    followed."""
    also = []
    for label in image.labels[1:]:
        drawn = guidance.get((image.id, label.class_id))
        look, ignore = (drawn.look_png, drawn.ignore_png) if drawn else (None, None)
        also.append(AlsoShown(label.class_position, look, ignore, _mask(ws, label.mask_sha256)))
    drawn = guidance.get((image.id, image.class_id))
    return Sample(
        key=image.sha256,
        path=ws.files.image(image.sha256, image.suffix),
        label=image.class_position,
        split=image.split,
        look=drawn.look_png if drawn else None,
        ignore=drawn.ignore_png if drawn else None,
        object_mask=_mask(ws, image.mask_sha256),
        name=image.name,
        also=tuple(also),
        counter_example=image.counter_example,
    )


def _mask(ws: Workspace, sha256: str | None) -> Path | None:
    return None if sha256 is None else ws.files.mask(sha256)


def _put(seen: dict[int, Mapping[str, Any]], payload: Mapping[str, Any]) -> None:
    _forget_from(seen, payload["step"])
    seen[payload["step"]] = payload


def _forget_from(seen: dict[int, Mapping[str, Any]], step: int) -> None:
    while seen and next(reversed(seen)) >= step:
        seen.popitem()
