"""From files to a project: judge every file, decide the split, store everything or nothing."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from app.errors import FileRefusedError, ImportRefusedError
from app.importing.formats import read_layout
from app.importing.formats.class_folders import kinds_of_files
from app.importing.formats.layout import Layout, example_of
from app.importing.item import Item
from app.importing.mark_reader import MarkReader
from app.importing.options import ImportOptions
from app.importing.photographs import check_photograph
from app.importing.sources import Source, shown
from app.importing.staging import Staging, storing_told
from app.workspace import Workspace
from db import library as rows
from db.errors import DuplicateNameError
from db.new_images import NewGuidance, NewImage, NewLabel
from db.records import SPLITS, RefusalRecord, Split
from gain_core.models.spec import DEFAULT_BACKBONE

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
    item: Item
    sha256: str
    suffix: str
    size: tuple[int, int]
    masks: dict[str, str]  # SHA-256 by class
    guidance: dict[str, NewGuidance]  # by class


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
    ws: Workspace,
    name: str,
    source: Source,
    origin: str,
    on_progress: Progress | None = None,
    options: ImportOptions | None = None,
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
        accepted = _judge(ws, source, layout, staging, options or ImportOptions(), on_progress)
        accepted = _with_splits(accepted, layout)
        classes, accepted = _with_training_images(accepted, layout)
        layout.notes += [
            f"The class {name} may be none: check its images." for name in kinds_of_files(classes)
        ]
        position_of = {label: position for position, label in enumerate(classes)}
        images = [_new_image(one, position_of) for one in accepted]
        several = sum(len(image.labels) > 1 for image in images)
        if several:
            layout.notes.append(
                f"{several} of {len(images)} images have several labels: each class is decided by itself."
            )
        with staging.published():
            project = rows.create_project(
                ws.database,
                name,
                origin,
                DEFAULT_BACKBONE,
                IMAGE_SIZE,
                classes,
                images,
                layout.refused,
                multi_label=several > 0,
            )
    return ImportReport(project.id, len(images), tuple(layout.refused), tuple(layout.notes))


def _judge(
    ws: Workspace,
    source: Source,
    layout: Layout,
    staging: Staging,
    options: ImportOptions,
    on_progress: Progress | None,
) -> list[_Accepted]:
    accepted: list[_Accepted] = []
    guidance = layout.drawn_to_guide if options.guidance is None else options.guidance
    measures = not (guidance and layout.drawn_to_guide)  # a drawing is no ground truth
    reader = MarkReader(source, layout, ws.settings.max_image_pixels, guidance=guidance)
    first_of: dict[str, Item] = {}
    converted, misnamed = 0, []
    total = len(layout.items)
    for done, item in enumerate(layout.items):
        if on_progress is not None:
            on_progress(done, total, f"Reading {item.name}")
        try:
            photograph = check_photograph(source.read(item.path), ws.settings.max_image_pixels)
            sha256 = staging.add_image(photograph.data, photograph.suffix)
            if sha256 in first_of:
                raise FileRefusedError(_twice(first_of[sha256], item))
        except FileRefusedError as error:
            layout.refuse(item.name, str(error))
            continue
        first_of[sha256] = item
        converted += photograph.converted
        if not photograph.converted and not _fits(item.name, photograph.suffix):
            misnamed.append(item.name)
        size = photograph.width, photograph.height
        marked = reader.read(item, size)
        accepted.append(
            _Accepted(
                item,
                sha256,
                photograph.suffix,
                size,
                {name: staging.add_mask(one.mask) for name, one in marked.items() if one.mask and measures},
                {name: one.guidance for name, one in marked.items() if one.guidance},
            )
        )
    if on_progress is not None:
        on_progress(total, total, "Storing the project")
    if converted:
        layout.notes.append(
            f"Stored as plain RGB, with white behind what is transparent: {converted} of the images."
        )
    if misnamed:
        layout.notes.append(f"Of another format than their name says: {len(misnamed)}, e.g. {misnamed[0]}.")
    layout.notes += reader.notes()
    return accepted


def _fits(name: str, suffix: str) -> bool:
    ending = name.lower().rpartition(".")[2]
    return f".{ending}" == suffix or (suffix == ".jpg" and ending in ("jpeg", "jpe", "jfif", "mpo"))


def _twice(first: Item, second: Item) -> str:
    where = "" if first.classes == second.classes else f", which is in class “{' and '.join(first.classes)}”"
    return f"It is the same picture as {first.name}{where}; only the first was taken."


def _with_splits(accepted: Sequence[_Accepted], layout: Layout) -> list[_Accepted]:
    """Where nothing says which split, decide it from the content: the same files always fall the same way."""
    undecided = [one for one in accepted if one.item.split is None]
    if not undecided:
        return list(accepted)
    frequency = Counter(name for one in undecided for name in one.item.classes)
    by_class: dict[str, list[str]] = {}
    for one in undecided:  # an image of several classes is divided with the rarest
        rarest = min(one.item.classes, key=lambda name: (frequency[name], name))
        by_class.setdefault(rarest, []).append(one.sha256)
    splits: dict[str, Split] = {}
    for hashes in map(sorted, by_class.values()):
        held_out = round(HELD_OUT * len(hashes))
        for position, sha256 in enumerate(hashes):
            splits[sha256] = SPLITS[2 if position < held_out else 1 if position < 2 * held_out else 0]
    layout.notes.append(
        "No split was given: of each class 70 % became training, 15 % validation and 15 % test images, "
        "decided by a hash of their content."
    )
    return [
        replace(one, item=replace(one.item, split=one.item.split or splits[one.sha256])) for one in accepted
    ]


def _refused(count: int) -> str:
    return {0: "No file was refused.", 1: "One file was refused."}.get(count, f"{count} files were refused.")


def _with_training_images(accepted: Sequence[_Accepted], layout: Layout) -> tuple[list[str], list[_Accepted]]:
    """(classes in alphabetical order, images of these classes); refuses images of classes never trained."""
    trained = {name for one in accepted if one.item.split == "train" for name in one.item.classes}
    classes = sorted(trained)
    if not 2 <= len(classes) <= MAX_CLASSES:
        found = f" ({shown(', '.join(classes[:5]))})" if classes else ""
        raise ImportRefusedError(
            f"Expected 2 to {MAX_CLASSES:,} classes with training images, got {len(classes)}{found}; "
            f"{_refused(len(layout.refused))}{example_of(layout.refused)}"
        )
    kept = []
    for one in accepted:
        unknown = " and ".join(f"“{name}”" for name in one.item.classes if name not in trained)
        if unknown:  # also where it shows a known class beside: the unknown one would count as absent
            layout.refuse(one.item.name, f"Its class {unknown} has no training image.")
        else:
            kept.append(one)
    missing = [split for split in SPLITS if not any(one.item.split == split for one in kept)]
    if missing:
        layout.notes.append(f"There are no {' and no '.join(missing)} images.")
    return classes, kept


def _new_image(one: _Accepted, position_of: Mapping[str, int]) -> NewImage:
    return NewImage(
        name=one.item.name,
        sha256=one.sha256,
        suffix=one.suffix,
        width=one.size[0],
        height=one.size[1],
        split=one.item.split or "train",
        labels=tuple(
            NewLabel(position_of[name], one.masks.get(name), one.guidance.get(name))
            for name in one.item.classes
        ),
        groups=one.item.groups,
    )
