"""The dry run of an import: what it would make, before anything is stored.

Names and tables come first, then sizes and checksums, then a look at every picture. Each step adds to the
preview, so that a page can show the first before the last is done.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from app.errors import FileRefusedError
from app.importing.arranging import arranged
from app.importing.classes import alike_but_case, in_order, natural_order_differs, without_images
from app.importing.dividing import column_to_keep_together
from app.importing.formats import find_format
from app.importing.formats.class_folders import kinds_of_files
from app.importing.formats.layout import Layout
from app.importing.item import Item
from app.importing.judging import Progress, near_duplicates_across
from app.importing.looking import Pictures, look_at_all
from app.importing.mark_reader import scaled_note
from app.importing.marks import count_marks, counted
from app.importing.near_duplicates import clusters_of
from app.importing.options import ImportOptions
from app.importing.sources import Source
from app.importing.splitting import Neighbour
from app.importing.target import Target, differences
from db.records import SPLITS, Split

UNDIVIDED = "undivided"  # instead of a split, where the import decides
MAX_VALUES = 12  # of a group, in the preview
MAX_SHOWN = 200  # classes and refusals in the preview


@dataclass(slots=True)
class Preview:
    """Plain values, kept as JSON. Lists are cut to what a page can show; the numbers count everything."""

    format: str = ""
    n_images: int = 0
    n_classes: int = 0
    classes: list[dict[str, Any]] = field(default_factory=list)  # name, and images per split, in order
    groups: dict[str, dict[str, int]] = field(default_factory=dict)  # images per value, the largest first
    columns: list[str] = field(default_factory=list)  # that images can be kept together by
    keep_together: str = ""  # the column that counts; empty: none
    natural_order: list[str] = field(default_factory=list)  # where it differs from plain order
    spellings: list[list[str]] = field(default_factory=list)  # classes that differ only in case
    inner_folders: list[str] = field(default_factory=list)  # that could be the classes
    empty: int = 0  # images that were annotated and show nothing of any class
    encoding: str = ""  # of names in a zip that does not say it
    marks: str = ""  # such as "3 boxes and 1 mask"
    marks_guide: bool = False  # whether they train the model
    refused: list[list[str]] = field(default_factory=list)  # (name, reason)
    n_refused: int = 0
    notes: list[str] = field(default_factory=list)
    looked_at: int = 0  # pictures
    turned: int = 0  # photographs with an EXIF orientation whose annotations may be in unturned pixels
    problem: str = ""  # why no project can be made of it, or nothing be added
    adds: bool = False  # to a project that exists
    there: int = 0  # images that it has already, and that are not counted above
    undivided: bool = False  # some images come without a split, and one can be chosen for them

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Preview":
        """Fields of other versions of the program are left out."""
        known = {item.name for item in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known})


def dry_run(
    source: Source,
    options: ImportOptions,
    max_pixels: int,
    on_progress: Progress,
    on_preview: Callable[[Preview], None],
    target: Target | None = None,
    around: Callable[[], Sequence[Neighbour]] = tuple,
) -> Preview:
    """The last preview; `on_preview` gets each, the first before any picture is read.

    target: the project that the images are added to, and around: what it holds. Raises ImportRefusedError
    when no format can read the files, and what `on_progress` raises.
    """
    title = find_format(source).TITLE
    layout = arranged(source, options, target)
    marks = _marks(layout.items)
    notes = list(layout.notes)

    def show(there: int = 0) -> Preview:
        preview = _described(title, source, layout, options, target)
        preview.marks = marks
        preview.there = there
        if target is not None and not (layout.items or there):
            preview.problem = "Nothing here fits this project."
        preview.notes = [*notes, *_class_notes(layout, preview)]
        return preview

    on_preview(show())
    notes += _copies(source, layout, on_progress)
    on_preview(show())
    pictures = look_at_all(source, layout, max_pixels, on_progress, options, target)
    if target is not None:
        notes += differences(pictures.there, target)
    if pictures.lost:
        notes.append(f"Files that are missing or damaged in the project, and come back: {pictures.lost:,}.")
    if pictures.scaled:
        notes.append(scaled_note(pictures.scaled))
    if pictures.misfits:
        notes.append(
            f"Annotations made for another shape of their image are not used: on {len(pictures.misfits):,} "
            f"images, e.g. {pictures.misfits[0]}."
        )
    notes += _alike(layout, pictures, around() if layout.items else (), on_progress)
    preview = show(len(pictures.there))
    brings = layout.items or marks or pictures.lost
    if target is not None and not brings and not preview.problem:
        preview.problem = f"Nothing is new: the project has all {len(pictures.there):,} images."
    preview.turned = pictures.turned
    preview.looked_at = preview.n_images
    on_preview(preview)
    return preview


def _described(
    title: str, source: Source, layout: Layout, options: ImportOptions, target: Target | None
) -> Preview:
    items = layout.items
    counts: dict[str, Counter[str]] = {}
    groups: dict[str, Counter[str]] = {}
    for item in items:
        for name in item.classes:
            counts.setdefault(name, Counter())[item.split or UNDIVIDED] += 1
        for column, value in item.groups.items():
            groups.setdefault(column, Counter())[value] += 1
    if target is None:
        names = in_order(counts, natural=options.natural_order)
    else:
        names = [name for name in target.classes if name in counts]
    undivided = any(item.split is None for item in items)
    column = column_to_keep_together(options.keep_together, (item.groups for item in items)) or ""
    natural = target is None and natural_order_differs(names)
    return Preview(
        format=title,
        n_images=len(items),
        n_classes=len(names),
        classes=[{"name": name, **counts[name]} for name in names[:MAX_SHOWN]],
        groups={
            column: dict(Counter(values).most_common(MAX_VALUES)) | _rest(values)
            for column, values in groups.items()
        },
        columns=sorted(groups) if undivided else [],
        keep_together=column if undivided else "",
        natural_order=in_order(names, natural=True)[:MAX_SHOWN] if natural else [],
        spellings=[list(group) for group in alike_but_case(names)] if target is None else [],
        inner_folders=sorted(set(layout.inner_folders.values()))[:MAX_SHOWN],
        empty=len(layout.empty),
        encoding=str(getattr(source, "encoding", "")) if getattr(source, "recoded", 0) else "",
        marks_guide=layout.drawn_to_guide if options.guidance is None else options.guidance,
        refused=[[item.name, item.reason] for item in layout.refused[:MAX_SHOWN]],
        n_refused=layout.n_refused,
        problem=_problem(items) if target is None else "",
        adds=target is not None,
        undivided=target is not None and layout.undivided > 0,
    )


def _rest(values: Counter[str]) -> dict[str, int]:
    rest = values.most_common()[MAX_VALUES:]
    return {f"{len(rest)} more": sum(count for _, count in rest)} if rest else {}


def _problem(items: list[Item]) -> str:
    trained = {name for item in items if item.split in (None, "train") for name in item.classes}
    if len(trained) >= 2:
        return ""
    found = f": {', '.join(trained)}" if trained else ""
    return f"A project needs at least two classes with training images; found {len(trained)}{found}."


def _class_notes(layout: Layout, preview: Preview) -> list[str]:
    names = [row["name"] for row in preview.classes]
    counts = {split: {row["name"]: row.get(split, 0) for row in preview.classes} for split in SPLITS}
    notes = []
    if not preview.adds and not any(item.split is None for item in layout.items):
        notes += without_images(counts, names)
    notes += [f"The class {name} may be none: check its images." for name in kinds_of_files(names)]
    several = sum(len(item.labels) > 1 for item in layout.items)
    if several:
        notes.append(f"{several:,} images have several labels: each class is decided by itself.")
    return notes


def _copies(source: Source, layout: Layout, on_progress: Progress) -> list[str]:
    """Notes about files with the same content. Only those of the same size and checksum are read: PNGs hold
    checksums themselves, and 31 of 2,000 different ones had one of another.
    """
    by_mark: dict[tuple[int, ...], list[Item]] = {}
    for done, item in enumerate(layout.items):
        on_progress(done, len(layout.items), "Comparing files")
        with suppress(FileRefusedError):  # said when it is looked at
            by_mark.setdefault(source.mark(item.path), []).append(item)
    copies = leaks = 0
    for items in by_mark.values():
        first: dict[bytes, Item] = {}
        for item in items if len(items) > 1 else ():
            with suppress(FileRefusedError):
                other = first.setdefault(hashlib.sha256(source.read(item.path)).digest(), item)
                copies += other is not item
                leaks += other.split != item.split
    notes = []
    if leaks:
        notes.append(
            f"Leak between splits: {leaks:,} images are copies of an image in another split. The one closer "
            "to the test stays, the others are left out."
        )
    if copies > leaks:
        notes.append(f"Copies of other images, to be left out: {copies - leaks:,}.")
    return notes


def _alike(
    layout: Layout, pictures: Pictures, around: Sequence[Neighbour], on_progress: Progress
) -> list[str]:
    """Notes about near-duplicates among the images and those of the project, `around`."""
    clusters = clusters_of(
        [*(image.description for image in around), *pictures.descriptions],
        lambda done, total: on_progress(done, total, "Looking for near-duplicates"),
    )
    own = clusters[len(around) :]
    with_own = set(own)
    named: list[tuple[str, Split | None]] = [(image.name, image.split) for image in around]
    named += [(item.name, item.split) for item in layout.items]
    notes = near_duplicates_across(
        [
            (name, split, cluster)
            for (name, split), cluster in zip(named, clusters, strict=True)
            if cluster in with_own
        ]
    )
    undivided = [cluster for item, cluster in zip(layout.items, own, strict=True) if item.split is None]
    of_project = set(clusters[: len(around)])
    joined = sum(cluster in of_project for cluster in undivided)
    if joined:
        notes.append(f"Near-duplicates of the project's images: {joined:,}. They come into the same split.")
    rest = [cluster for cluster in undivided if cluster not in of_project]
    if alike := len(rest) - len(set(rest)):
        notes.append(
            f"Near-duplicates of other images: {alike:,} of {len(layout.items):,}. They come into one split."
        )
    return notes


def _marks(items: Sequence[Item]) -> str:
    return counted(count_marks(mark for item in items for label in item.labels for mark in label.marks))
