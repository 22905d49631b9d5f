"""From files to a project: judge every file, decide the split, store everything or nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from app.errors import FileRefusedError, ImportRefusedError
from app.importing.layout import Entry, Layout, example_of, kinds_of_files, read_layout
from app.importing.photographs import check_mask, check_photograph
from app.importing.sources import Source, shown
from app.importing.staging import Staging, storing_told
from app.workspace import Workspace
from db import library as rows
from db.errors import DuplicateNameError
from db.new_images import NewImage, NewLabel
from db.records import SPLITS, RefusalRecord, Split
from gain_core.models.classifier import DEFAULT_BACKBONE

Progress = Callable[
    [int, int, str], None
]  # done, total, what is being done; raise ImportCancelledError to stop

IMAGE_SIZE = 224  # what the packaged backbone was trained on
HELD_OUT = 0.15  # share of each class for validation, and as much again for the test
MAX_CLASSES = 1_000
MAX_PROJECT_NAME = 100  # characters


@dataclass(frozen=True, slots=True)
class ImportReport:
    project_id: int
    accepted: int  # images in the project
    refused: tuple[RefusalRecord, ...]  # files left out, each with its reason
    notes: tuple[str, ...]  # sentences about what was decided for the user, e.g. how the split was made


@dataclass(frozen=True, slots=True)
class _Accepted:
    entry: Entry
    sha256: str
    suffix: str
    size: tuple[int, int]
    mask_sha256: str | None


def project_name(name: str) -> str:
    """The name as it will be stored. Raises ImportRefusedError."""
    name = name.strip()
    if not name or len(name) > MAX_PROJECT_NAME or not name.isprintable():
        raise ImportRefusedError(f"Expected a project name of 1 to {MAX_PROJECT_NAME} plain characters.")
    return name


def check_project_name(ws: Workspace, name: str) -> str:
    """`project_name` of a new project. Raises DuplicateNameError, too, when it is taken."""
    name = project_name(name)
    if rows.find_project(ws.database, name) is not None:
        raise DuplicateNameError(f"There is already a project named {name!r}; choose another name.")
    return name


def import_source(
    ws: Workspace, name: str, source: Source, origin: str, on_progress: Progress | None = None
) -> ImportReport:
    """Make a project of everything in `source` that can be used. Either all of that is stored or nothing.

    `origin`: "upload" or "folder", kept with the project. Raises ImportRefusedError when fewer than two
    classes have training images, DuplicateNameError when the name is taken, and what `on_progress` raises.
    """
    name = check_project_name(ws, name)
    try:
        layout = read_layout(source)
    except FileRefusedError as error:
        raise ImportRefusedError(f"index.csv cannot be read. {error}") from error
    layout.refused[:0] = source.refused
    with storing_told(), Staging(ws.files) as staging:
        accepted = _judge(ws, source, layout, staging, on_progress)
        accepted = _with_splits(accepted, layout)
        classes, accepted = _with_training_images(accepted, layout)
        layout.notes += [
            f"The class {name} may be none: check its images." for name in kinds_of_files(classes)
        ]
        position_of = {label: position for position, label in enumerate(classes)}
        images = [_new_image(item, position_of[item.entry.label]) for item in accepted]
        with staging.published():
            project = rows.create_project(
                ws.database, name, origin, DEFAULT_BACKBONE, IMAGE_SIZE, classes, images, layout.refused
            )
    return ImportReport(project.id, len(images), tuple(layout.refused), tuple(layout.notes))


def _judge(
    ws: Workspace, source: Source, layout: Layout, staging: Staging, on_progress: Progress | None
) -> list[_Accepted]:
    accepted: list[_Accepted] = []
    first_of: dict[str, Entry] = {}
    converted, misnamed = 0, []
    total = len(layout.entries)
    for done, entry in enumerate(layout.entries):
        if on_progress is not None:
            on_progress(done, total, f"Reading {entry.name}")
        try:
            photograph = check_photograph(source.read(entry.path), ws.settings.max_image_pixels)
            sha256 = staging.add_image(photograph.data, photograph.suffix)
            if sha256 in first_of:
                raise FileRefusedError(_twice(first_of[sha256], entry))
        except FileRefusedError as error:
            layout.refuse(entry.name, str(error))
            continue
        first_of[sha256] = entry
        converted += photograph.converted
        if not photograph.converted and not _fits(entry.name, photograph.suffix):
            misnamed.append(entry.name)
        size = photograph.width, photograph.height
        mask_sha256 = _mask(ws, source, layout, staging, entry, size)
        accepted.append(_Accepted(entry, sha256, photograph.suffix, size, mask_sha256))
    if on_progress is not None:
        on_progress(total, total, "Storing the project")
    if converted:
        layout.notes.append(
            f"Stored as plain RGB, with white behind what is transparent: {converted} of the images."
        )
    if misnamed:
        layout.notes.append(f"Of another format than their name says: {len(misnamed)}, e.g. {misnamed[0]}.")
    return accepted


def _fits(name: str, suffix: str) -> bool:
    ending = name.lower().rpartition(".")[2]
    return f".{ending}" == suffix or (suffix == ".jpg" and ending in ("jpeg", "jpe", "jfif", "mpo"))


def _twice(first: Entry, second: Entry) -> str:
    where = "" if first.label == second.label else f", which is in class “{first.label}”"
    return f"It is the same picture as {first.name}{where}; only the first was taken."


def _mask(
    ws: Workspace,
    source: Source,
    layout: Layout,
    staging: Staging,
    entry: Entry,
    size: tuple[int, int],
) -> str | None:
    """The mask is for evaluation only: when it is refused, its image goes in all the same."""
    if entry.mask is None or entry.mask_path is None:
        return None
    try:
        data = check_mask(source.read(entry.mask_path), size, ws.settings.max_image_pixels)
    except FileRefusedError as error:
        layout.refuse(entry.mask, f"{error} Its image {entry.name} was taken without it.")
        return None
    return staging.add_mask(data)


def _with_splits(accepted: Sequence[_Accepted], layout: Layout) -> list[_Accepted]:
    """Where nothing says which split, decide it from the content: the same files always fall the same way."""
    undecided = [item for item in accepted if item.entry.split is None]
    if not undecided:
        return list(accepted)
    splits: dict[str, Split] = {}
    for label in {item.entry.label for item in undecided}:
        hashes = sorted(item.sha256 for item in undecided if item.entry.label == label)
        held_out = round(HELD_OUT * len(hashes))
        for position, sha256 in enumerate(hashes):
            splits[sha256] = SPLITS[2 if position < held_out else 1 if position < 2 * held_out else 0]
    layout.notes.append(
        "No split was given: of each class 70 % became training, 15 % validation and 15 % test images, "
        "decided by a hash of their content."
    )
    return [
        replace(item, entry=replace(item.entry, split=item.entry.split or splits[item.sha256]))
        for item in accepted
    ]


def _refused(count: int) -> str:
    return {0: "No file was refused.", 1: "One file was refused."}.get(count, f"{count} files were refused.")


def _with_training_images(accepted: Sequence[_Accepted], layout: Layout) -> tuple[list[str], list[_Accepted]]:
    """(classes in alphabetical order, images of these classes); refuses images of classes never trained."""
    trained = {item.entry.label for item in accepted if item.entry.split == "train"}
    classes = sorted(trained)
    if not 2 <= len(classes) <= MAX_CLASSES:
        found = f" ({shown(', '.join(classes[:5]))})" if classes else ""
        raise ImportRefusedError(
            f"Expected 2 to {MAX_CLASSES:,} classes with training images, got {len(classes)}{found}; "
            f"{_refused(len(layout.refused))}{example_of(layout.refused)}"
        )
    kept = []
    for item in accepted:
        if item.entry.label in trained:
            kept.append(item)
        else:
            layout.refuse(item.entry.name, f"Its class “{item.entry.label}” has no training image.")
    missing = [split for split in SPLITS if not any(item.entry.split == split for item in kept)]
    if missing:
        layout.notes.append(f"There are no {' and no '.join(missing)} images.")
    return classes, kept


def _new_image(item: _Accepted, class_position: int) -> NewImage:
    return NewImage(
        name=item.entry.name,
        sha256=item.sha256,
        suffix=item.suffix,
        width=item.size[0],
        height=item.size[1],
        split=item.entry.split or "train",
        labels=(NewLabel(class_position, item.mask_sha256),),
        groups=item.entry.groups,
    )
