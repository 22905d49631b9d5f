"""From files to further images of a project, and annotations for those that it has already."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from app.errors import ImportRefusedError
from app.importing.arranging import arranged
from app.importing.formats.layout import example_of
from app.importing.importer import ImportReport, listed, new_image
from app.importing.judging import Accepted, Progress, judge, without_copies
from app.importing.options import ImportOptions
from app.importing.sources import Source
from app.importing.splitting import neighbours, with_splits
from app.importing.staging import Staging, storing_told
from app.importing.target import Target, differences, load_target, with_free_names
from app.workspace import Workspace
from db.additions import Additions, add_to_project
from db.new_images import NewGuidance
from db.records import ImageRecord

BACK = "Files that were missing or damaged, and are back: {:,}."
Pairs = Sequence[tuple[Accepted, ImageRecord]]  # what an import has of images that are there


def add_source(
    ws: Workspace,
    project_id: int,
    source: Source,
    on_progress: Progress | None = None,
    options: ImportOptions | None = None,
) -> ImportReport:
    """Add everything in `source` that the project can use. Either all of that is stored or nothing.

    An image is known by its content, and kept once, with its label and split; guidance and masks come to a
    label that has none, and a file comes back that the data folder has lost. Raises ImportRefusedError when
    nothing fits the project, db.errors.NotFoundError, ConflictError when somebody else adds images at the
    same moment, and what `on_progress` raises.
    """
    options = options or ImportOptions()
    target = load_target(ws, project_id)
    layout = arranged(source, options, target)
    with storing_told(), Staging(ws.files) as staging:
        accepted = judge(source, layout, staging, ws.settings.max_image_pixels, options, on_progress)
        accepted = without_copies(accepted, layout)
        if not accepted:
            why = "".join(f" {note}" for note in layout.notes[:2])
            raise ImportRefusedError(f"Nothing here fits this project.{why}{example_of(layout.refused)}")
        new = [one for one in accepted if one.sha256 not in target.images]
        pairs = [(one, target.images[one.sha256]) for one in accepted if one.sha256 in target.images]
        layout.notes += differences([(one.item, image) for one, image in pairs], target)
        if new:
            around = neighbours(ws, target, on_progress)
            new = with_splits(new, layout, options, on_progress, around)
            items, notes = with_free_names([one.item for one in new], target)
            new = [replace(one, item=item) for one, item in zip(new, items, strict=True)]
            layout.notes += notes
        position_of = {name: position for position, name in enumerate(target.classes)}
        additions = Additions(
            [new_image(one, position_of) for one in new],
            _guidance(pairs, target),
            _masks(pairs, target),
            listed(layout),
        )
        if on_progress is not None:
            on_progress(len(layout.items), len(layout.items), "Storing the images")
        back = {one.sha256 for one, _ in pairs} & staging.lost()
        staging.keep_only(_files(additions) | back)
        with staging.published():
            added = add_to_project(ws.database, project_id, additions)
    annotated = added.guidance + added.masks
    if annotated:
        layout.notes.append(f"Annotations for images that were there already: {annotated:,} labels.")
    if stay := len(additions.guidance) - added.guidance:
        layout.notes.append(f"Drawings that were there already stayed: {stay:,}.")
    first = [f"Added: {added.images:,} images."]
    if back:
        first.append(BACK.format(len(back)))
    return ImportReport(
        project_id,
        added.images,
        tuple(layout.refused),
        (*first, *layout.notes),
        layout.n_refused,
        len(pairs),
        annotated,
    )


def _guidance(pairs: Pairs, target: Target) -> Mapping[tuple[int, int], NewGuidance]:
    return {
        (image.id, target.classes[name]): guidance
        for one, image in pairs
        for name, guidance in one.guidance.items()
        if name in target.classes_of(image)
    }


def _masks(pairs: Pairs, target: Target) -> Mapping[tuple[int, int], str]:
    without = {
        (image.id, label.class_id) for _, image in pairs for label in image.labels if not label.mask_sha256
    }
    masks = {
        (image.id, target.classes[name]): sha256 for one, image in pairs for name, sha256 in one.masks.items()
    }
    return {place: sha256 for place, sha256 in masks.items() if place in without}


def _files(additions: Additions) -> set[str]:
    """SHA-256 of the images and masks that rows will name."""
    masks = {label.mask_sha256 for image in additions.images for label in image.labels}
    return {
        *(image.sha256 for image in additions.images),
        *(sha256 for sha256 in masks if sha256 is not None),
        *additions.masks.values(),
    }
