"""The bundle of a model version: made with torch, checked on images of the project, written as a zip."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from app.errors import ServiceError
from app.exporting.bundle import BundleContent, write_bundle
from app.exporting.document import Block, Section, Table, Text
from app.services import library
from app.services.model_files import read_weights
from app.services.report_sections import by_class
from app.services.version_facts import (
    MEASURED,
    VersionFacts,
    figure_rows,
    figures,
    libraries,
    training_settings,
    version_facts,
)
from app.workspace import Workspace
from db import library as rows
from db.records import ImageRecord
from gain_core.errors import GainError
from gain_core.models.inference import Numbers
from gain_core.models.spec import ModelSpec, pixels

CHECKED = 32  # images that every export is compared with torch on
Progress = Callable[[int, int, str], None]  # done, total, what is being done
LIMITS = (
    "The figures hold for images like those of the project. Elsewhere, measure again.",
    "Maps show where evidence comes from, not why. Each has few cells: their number is that of the last "
    "convolution.",
    "Validation images chose this version. Test images measure it only if nothing was chosen by them.",
    "Groups that nobody recorded were not measured.",
)
STEPS = 4


def make_bundle(ws: Workspace, version_id: int, path: Path, on_progress: Progress | None = None) -> None:
    """Write the bundle of a version to `path`.

    Raises MissingFileError for a missing model file or image, ServiceError when the model cannot be exported
    with the same results or the zip cannot be written, GainError for a bad model file, and
    db.errors.NotFoundError.
    """
    progress = on_progress or (lambda done, total, doing: None)
    progress(0, STEPS, "Reading the model")
    facts = version_facts(ws, version_id)
    weights = read_weights(ws, facts.version)
    from gain_core.models.from_checkpoint import to_checkpoint  # torch: takes seconds
    from gain_core.models.model_file import load_model
    from gain_core.models.networks import register_networks
    from gain_core.models.portable import portable_model

    register_networks(ws.settings.networks)
    model_file = ws.files.absolute(facts.version.path)
    model = load_model(model_file)
    own = None if facts.project.given_model is None else to_checkpoint(model_file)
    progress(1, STEPS, f"Reading {CHECKED} images for the check")
    images = check_images(ws, facts.project.id, model.spec)
    progress(2, STEPS, "Exporting and comparing with PyTorch")
    try:
        portable = portable_model(model, images)
    except GainError as error:
        raise ServiceError(f"Version {facts.version.number} cannot be exported: {error}.") from error
    progress(3, STEPS, "Writing the zip")
    note = f"Compared with PyTorch on {portable.checked} images: largest difference {portable.apart:.0e}."
    content = BundleContent(
        safetensors=weights,
        onnx=portable.onnx,
        program=portable.program,
        classes=model.spec.classes,
        multi_label=model.spec.multi_label,
        preprocessing=preprocessing(model.spec),
        card_title=f"{facts.project.name}, version {facts.version.number}",
        own_format={} if own is None else {f"checkpoint{own.suffix}": own.content},
        card=model_card(ws, facts, model.spec, f"ONNX opset {portable.opset}. {note}"),
    )
    try:
        write_bundle(path, content, facts.version.created_at)
    except OSError as error:
        raise ServiceError(f"The bundle cannot be written to {path} ({error.strerror}).") from error
    progress(STEPS, STEPS, "Done")


def check_images(ws: Workspace, project_id: int, spec: ModelSpec) -> Numbers:
    """Up to CHECKED images (N, 3, S, S), preprocessed; validation images first, always the same ones.

    Raises MissingFileError, and ServiceError for a project without images.
    """
    chosen: list[ImageRecord] = []
    for split in ("validation", "test", "train"):
        images = rows.list_images(ws.database, project_id, split)
        chosen += sorted(images, key=lambda image: image.sha256)[: CHECKED - len(chosen)]
    if not chosen:
        raise ServiceError("The project has no images to check the export with.")
    return np.stack([pixels(library.open_image(ws, image), spec) for image in chosen])


def preprocessing(spec: ModelSpec) -> dict[str, object]:
    """What `predict.py` of a bundle does to a picture, ready for JSON."""
    return {
        "channels": _channels(spec),
        "mode": "RGB, turned as EXIF says, transparency on white",
        # squash: both sides to `size`, whatever the shape of the image
        "resize": "squash" if spec.shorter_side is None else "shorter side, then centre crop",
        "shorter_side": spec.shorter_side,
        "interpolation": spec.interpolation,  # antialiased
        "size": spec.image_size,
        "scale": "divide by 255, subtract mean, divide by std",
        "mean": spec.mean,
        "std": spec.std,
        "layout": "float32 (batch, 3, size, size)",
    }


def _channels(spec: ModelSpec) -> str:
    return "BGR" if spec.bgr else "RGB"


def model_card(ws: Workspace, facts: VersionFacts, spec: ModelSpec, exported: str) -> list[Section]:
    """What people are told of a version. exported: how its export was made and checked."""
    version, before = facts.version, facts.before
    as_given = before is None and facts.project.given_model is not None
    origin = "the pretrained backbone" if before is None else f"version {before.number}"
    if as_given:
        origin = "not trained here: as it was brought"
    decided = "each class by itself (sigmoid)" if spec.multi_label else "one class per image (softmax)"
    settings = {} if as_given else training_settings(facts.run)
    sections = [
        Section(
            "What it is",
            (
                Table(
                    ("", ""),
                    (
                        ("Classes", ", ".join(spec.classes)),
                        ("Decides", decided),
                        ("Network", spec.backbone),
                        ("Input", f"{spec.image_size} × {spec.image_size} pixels, {_channels(spec)}"),
                        ("Trained from", origin),
                        ("Made", f"{version.created_at:%Y-%m-%d}, {version.note}"),
                    ),
                ),
            ),
        ),
        Section(
            "Data",
            (
                Text(f"Images of the project {facts.project.name} by true class; each label counts."),
                Table(
                    ("Class", *(split.capitalize() for split in facts.images)),
                    tuple(
                        (name, *(str(counts[place]) for counts in facts.images.values()))
                        for place, name in enumerate(facts.classes)
                    ),
                ),
            ),
        ),
        Section("Guidance", _guidance(facts)),
    ]
    for split in MEASURED:
        if sum(facts.images[split]):
            both = figures(ws, version.id, None if before is None else before.id, split)
            measured = figure_rows(both)
            was = "Before" if before is None else f"Before (version {before.number})"
            heading = (f"Figures on {split} images", was, f"After (version {version.number})")
            blocks: list[Block] = [Table(("", *heading[1:]), tuple(measured))]
            if spec.multi_label:
                blocks += by_class(both.before or both.after, both.after)
            sections.append(Section(heading[0], tuple(blocks)))
    if settings:
        shown = tuple((name.capitalize(), str(value)) for name, value in settings.items())
        sections.append(Section("Training", (Table(("", ""), shown),)))
    return [
        *sections,
        Section("Export", (Text(exported), Table(("Library", "Version"), tuple(libraries().items())))),
        Section("Limits", tuple(Text(limit) for limit in LIMITS)),
    ]


def _guidance(facts: VersionFacts) -> tuple[Block, ...]:
    drawn = tuple(
        (name, str(guided.look_here), str(guided.ignore_this))
        for name, guided in facts.guided.items()
        if guided.look_here or guided.ignore_this
    )
    if not drawn:
        return (Text("Nobody has drawn on images of this project."),)
    table = Table(("Class", "Images with “look here”", "Images with “ignore this”"), drawn)
    if not facts.drawings_of:
        return (table,)
    return (Text(f"Of several people's drawings: {facts.drawings_of}."), table)
