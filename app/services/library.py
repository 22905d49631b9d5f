"""Projects and their images: import, demo, overview, thumbnails."""

import io
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from PIL import Image

from app.demo.project import make_demo
from app.errors import ImportRefusedError, MissingFileError, MissingPhotographError
from app.importing.dry_run import Preview, dry_run
from app.importing.folder_source import FolderSource
from app.importing.importer import (
    ImportReport,
    Progress,
    check_project_name,
    import_source,
    project_name,
)
from app.importing.options import ImportOptions
from app.importing.sources import Source
from app.importing.splitting import neighbours
from app.importing.target import load_target
from app.importing.zip_source import open_zip
from app.services import people
from app.workspace import Workspace
from db import annotations, holdings
from db import library as rows
from db.records import SPLITS, ClassRecord, ImageRecord, ProjectRecord, Split
from gain_core.atomic import write_atomically
from gain_core.errors import InputError
from gain_core.imaging.pictures import open_rgb


@dataclass(frozen=True, slots=True)
class ProjectOverview:
    project: ProjectRecord
    classes: tuple[ClassRecord, ...]  # by position
    images: Mapping[Split, int]
    counts: Mapping[Split, tuple[int, ...]]  # images per split, by class position; every split is present
    groups: Mapping[str, Mapping[str, int]]  # group -> value -> number of images, e.g. {"place": {"sea": 60}}
    n_images: int
    n_masks: int  # images with a ground-truth object mask (evaluation only)
    n_guided: int  # images that carry guidance
    n_refused: int
    n_moved: int  # images moved from validation to training


def import_zip(
    ws: Workspace,
    name: str,
    archive: Path | IO[bytes],
    on_progress: Progress | None = None,
    options: ImportOptions | None = None,
) -> ImportReport:
    """Make a project from a zip: a path, or an open binary file such as an upload.

    Raises ImportRefusedError when no project can be made of it, db.errors.DuplicateNameError when the name is
    taken, and whatever `on_progress` raises; nothing is stored then.
    """
    check_project_name(ws, name)
    with open_zip(archive, ws.settings.max_upload_mb, (options or ImportOptions()).encoding) as source:
        return import_source(ws, name, source, "upload", on_progress, options)


def import_folder(
    ws: Workspace,
    name: str,
    folder: Path,
    on_progress: Progress | None = None,
    options: ImportOptions | None = None,
    *,
    trusted: bool = False,
) -> ImportReport:
    """Make a project from a folder on this machine, which must lie inside one of `settings.import_roots`.

    `trusted=True` skips that rule: for benchmarks and tests, whose caller owns the machine. Raises like
    `import_zip`.
    """
    check_project_name(ws, name)
    source = folder_source(ws, folder, trusted=trusted)
    return import_source(ws, name, source, "folder", on_progress, options)


def check_zip(
    ws: Workspace,
    archive: Path | IO[bytes],
    options: ImportOptions,
    on_progress: Progress,
    on_preview: Callable[[Preview], None],
    project_id: int | None = None,
) -> Preview:
    """What `import_zip` would make, or `adding.add_zip` add to this project; nothing is stored.

    `on_preview` gets what is known so far. Raises as these two, but not for names.
    """
    with open_zip(archive, ws.settings.max_upload_mb, options.encoding) as source:
        return _checked(ws, source, options, on_progress, on_preview, project_id)


def check_folder(
    ws: Workspace,
    folder: Path,
    options: ImportOptions,
    on_progress: Progress,
    on_preview: Callable[[Preview], None],
    project_id: int | None = None,
) -> Preview:
    """What `import_folder` would make or `adding.add_folder` add, as `check_zip`."""
    return _checked(ws, folder_source(ws, folder), options, on_progress, on_preview, project_id)


def folder_source(ws: Workspace, folder: Path, *, trusted: bool = False) -> FolderSource:
    """Raises ImportRefusedError as `allowed_folder`, unless it is trusted."""
    allowed = _resolved(folder) if trusted else allowed_folder(ws, folder)
    return FolderSource(allowed, ws.settings.max_upload_mb, ws.settings.import_roots)


def _checked(
    ws: Workspace,
    source: Source,
    options: ImportOptions,
    on_progress: Progress,
    on_preview: Callable[[Preview], None],
    project_id: int | None,
) -> Preview:
    pixels = ws.settings.max_image_pixels
    if project_id is None:
        return dry_run(source, options, pixels, on_progress, on_preview)
    target = load_target(ws, project_id)
    return dry_run(
        source, options, pixels, on_progress, on_preview, target, lambda: neighbours(ws, target, on_progress)
    )


def allowed_folder(ws: Workspace, folder: Path) -> Path:
    """Its real path. Raises ImportRefusedError where it lies outside the folders that the settings allow."""
    resolved = _resolved(folder)
    if not any(resolved.is_relative_to(root.expanduser().resolve()) for root in ws.settings.import_roots):
        roots = ", ".join(str(root) for root in ws.settings.import_roots)
        raise ImportRefusedError(
            f"Expected a folder inside {roots}, got {str(folder)!r}."
            if roots
            else "This server allows no folder for imports (REFOCUS_IMPORT_ROOTS). Upload a zip instead."
        )
    return resolved


def _resolved(folder: Path) -> Path:
    try:
        return Path(folder).expanduser().resolve()
    except (RuntimeError, ValueError, OSError) as error:  # "~" of nobody, links in a circle, a NUL
        raise ImportRefusedError(f"Expected a folder on the server, got {str(folder)!r}.") from error


def create_demo(ws: Workspace, on_progress: Progress | None = None) -> ImportReport:
    """Draw the harbour demo and store it as a project named "Harbour demo" ("Harbour demo 2" when taken)."""
    return make_demo(ws, on_progress)


def rename_project(ws: Workspace, project_id: int, name: str) -> None:
    """Give a project another name, also while it trains: everything else knows it by its number.

    Raises ImportRefusedError for an impossible name, db.errors.DuplicateNameError and NotFoundError.
    """
    people.require(ws, "maintainer", "rename a project")
    rows.rename_project(ws.database, project_id, project_name(name))


def overview(ws: Workspace, project_id: int) -> ProjectOverview:
    """The figures of one project for the library page. Raises db.errors.NotFoundError."""
    project = rows.get_project(ws.database, project_id)
    classes = rows.list_classes(ws.database, project_id)
    per_class = holdings.tally_labels(ws.database, project_id)
    images: dict[Split, int] = dict.fromkeys(SPLITS, 0)
    groups: dict[str, Counter[str]] = {}
    moved = 0
    for item in holdings.tally_images(ws.database, project_id):
        images[item.split] += item.n
        moved += item.moved
        for group, value in item.groups.items():
            groups.setdefault(group, Counter())[value] += item.n
    return ProjectOverview(
        project=project,
        classes=tuple(classes),
        images=images,
        counts={
            split: tuple(per_class.get((split, item.position), 0) for item in classes) for split in SPLITS
        },
        groups={group: dict(sorted(values.items())) for group, values in groups.items()},
        n_images=sum(images.values()),
        n_masks=holdings.count_masks(ws.database, project_id),
        n_guided=annotations.count_guided_images(ws.database, project_id),
        n_refused=holdings.count_refusals(ws.database, project_id),
        n_moved=moved,
    )


def thumbnail(ws: Workspace, image: ImageRecord, side: int = 160) -> bytes:
    """JPEG bytes, at most side × side pixels, aspect kept; made once and kept in the cache folder,
    where that can be written. Raises MissingFileError.
    """
    cached = ws.files.thumbnail(image.sha256, side)
    try:
        return cached.read_bytes()
    except OSError:  # not made yet, mostly
        pass
    small = open_image(ws, image)
    small.thumbnail((side, side))
    buffer = io.BytesIO()
    small.save(buffer, format="JPEG", quality=85)
    with suppress(OSError):  # a full disk is no reason to show no picture
        write_atomically(cached, buffer.getvalue(), durable=False)
    return buffer.getvalue()


def open_image(ws: Workspace, image: ImageRecord) -> Image.Image:
    """The photograph as RGB, turned as EXIF says: the same pixels that training reads.

    Raises MissingPhotographError.
    """
    try:
        return open_rgb(ws.files.image(image.sha256, image.suffix), image.name)
    except InputError as error:
        raise MissingPhotographError(
            f"The file of {image.name} is missing from the data folder or damaged."
        ) from error


def open_mask(ws: Workspace, image: ImageRecord) -> Image.Image | None:
    """The ground-truth object mask (mode "1", size of the image), None when the image has none.

    Raises MissingFileError.
    """
    if image.mask_sha256 is None:
        return None
    try:
        with Image.open(ws.files.mask(image.mask_sha256), formats=["PNG"]) as mask:
            return mask.convert("1")
    except (OSError, SyntaxError, ValueError) as error:
        raise MissingFileError(
            f"The mask of {image.name} is missing from the data folder or damaged."
        ) from error
