"""From files to a project: judge every file, decide the split, store everything or nothing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.errors import ImportRefusedError
from app.importing.arranging import arranged
from app.importing.classes import in_order, natural_order_differs, without_images
from app.importing.formats.class_folders import kinds_of_files
from app.importing.formats.layout import Layout, example_of
from app.importing.judging import Accepted, Progress, judge, without_copies
from app.importing.options import ImportOptions
from app.importing.sources import Source, shown
from app.importing.splitting import with_splits
from app.importing.staging import Staging, storing_told
from app.workspace import Workspace
from db import library as rows
from db.errors import DuplicateNameError
from db.new_images import NewImage, NewLabel
from db.records import SPLITS, RefusalRecord
from gain_core.models.spec import DEFAULT_BACKBONE

IMAGE_SIZE = 224  # what the packaged backbone was trained on
MAX_CLASSES = 1_000
MAX_PROJECT_NAME = 100  # characters


@dataclass(frozen=True, slots=True)
class ImportReport:
    project_id: int
    accepted: int  # images that came into the project
    refused: tuple[RefusalRecord, ...]  # files left out, each with its reason; the first MAX_REFUSALS
    notes: tuple[str, ...]  # sentences about what was decided for the user, e.g. how the split was made
    n_refused: int = 0  # all files left out
    there: int = 0  # images that the project had already
    annotated: int = 0  # of these, how many guidance or masks came with


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
    options = options or ImportOptions()
    layout = arranged(source, options)
    with storing_told(), Staging(ws.files) as staging:
        accepted = judge(source, layout, staging, ws.settings.max_image_pixels, options, on_progress)
        accepted = without_copies(accepted, layout)
        accepted = with_splits(accepted, layout, options, on_progress)
        classes, accepted = _with_training_images(accepted, layout, options)
        layout.notes += [
            f"The class {name} may be none: check its images." for name in kinds_of_files(classes)
        ]
        position_of = {label: position for position, label in enumerate(classes)}
        images = [new_image(one, position_of) for one in accepted]
        several = sum(len(image.labels) > 1 for image in images)
        if several:
            layout.notes.append(
                f"{several} of {len(images)} images have several labels: each class is decided by itself."
            )
        if on_progress is not None:
            on_progress(len(layout.items), len(layout.items), "Storing the project")
        with staging.published():
            project = rows.create_project(
                ws.database,
                name,
                origin,
                DEFAULT_BACKBONE,
                IMAGE_SIZE,
                classes,
                images,
                listed(layout),
                multi_label=several > 0,
            )
    return ImportReport(project.id, len(images), tuple(layout.refused), tuple(layout.notes), layout.n_refused)


def listed(layout: Layout) -> list[RefusalRecord]:
    """The refusals to store: the first, and how many more there are."""
    more = layout.n_refused - len(layout.refused)
    rest = RefusalRecord(f"{more:,} more files", f"Only the first {len(layout.refused):,} are listed.")
    return [*layout.refused, rest] if more else list(layout.refused)


def _refused(count: int) -> str:
    return {0: "No file was refused.", 1: "One file was refused."}.get(count, f"{count} files were refused.")


def _with_training_images(
    accepted: Sequence[Accepted], layout: Layout, options: ImportOptions
) -> tuple[list[str], list[Accepted]]:
    """(classes in order, images of these classes); refuses images of classes never trained."""
    trained = {name for one in accepted if one.item.split == "train" for name in one.item.classes}
    classes = in_order(trained, natural=options.natural_order)
    if not 2 <= len(classes) <= MAX_CLASSES:
        found = f" ({shown(', '.join(classes[:5]))})" if classes else ""
        raise ImportRefusedError(
            f"Expected 2 to {MAX_CLASSES:,} classes with training images, got {len(classes)}{found}; "
            f"{_refused(layout.n_refused)}{example_of(layout.refused)}"
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
    layout.notes += without_images(
        {
            split: Counter(name for one in kept if one.item.split == split for name in one.item.classes)
            for split in SPLITS
        },
        classes,
    )
    if not options.natural_order and natural_order_differs(classes):
        layout.notes.append(f"Classes are in plain order: {shown(', '.join(classes[:5]))} …")
    return classes, kept


def new_image(one: Accepted, position_of: Mapping[str, int]) -> NewImage:
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
