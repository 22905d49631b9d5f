"""The split of every image of an import: as its format says, else decided here."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from app.errors import FileRefusedError
from app.importing.dividing import Undivided, column_to_keep_together, divide, units_of
from app.importing.formats.layout import Layout
from app.importing.judging import Accepted, Progress, near_duplicates_across
from app.importing.near_duplicates import Description, clusters_of, read_description
from app.importing.options import ImportOptions
from app.importing.photographs import glance
from app.importing.target import Target
from app.workspace import Workspace
from db.records import ImageRecord, Split
from gain_core.atomic import write_atomically

_PREFERRED: tuple[Split, ...] = ("test", "validation", "train")  # between as many images of each


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An image of the project that images are added to."""

    name: str
    split: Split
    groups: Mapping[str, str]
    description: Description


def neighbours(ws: Workspace, target: Target, on_progress: Progress | None) -> list[Neighbour]:
    """All images of the project whose file can be read."""
    found = []
    for done, image in enumerate(target.images.values()):
        if on_progress is not None:
            on_progress(done, len(target.images), "Looking at the images of the project")
        try:
            description = _description(ws, image)
        except (OSError, FileRefusedError):  # told where somebody looks at it
            continue
        found.append(Neighbour(image.name, image.split, image.groups, description))
    return found


def _description(ws: Workspace, image: ImageRecord) -> Description:
    """Of a stored image; it is decoded once, and its description kept in the cache folder.

    Raises OSError, FileRefusedError.
    """
    kept = ws.files.description(image.sha256)
    try:
        return read_description(kept.read_bytes())
    except (OSError, ValueError):  # not made yet, mostly
        pass
    data = ws.files.image(image.sha256, image.suffix).read_bytes()
    description = glance(data, ws.settings.max_image_pixels).description
    with suppress(OSError):
        write_atomically(kept, description.tobytes(), durable=False)
    return description


def with_splits(
    accepted: Sequence[Accepted],
    layout: Layout,
    options: ImportOptions,
    on_progress: Progress | None,
    there: Sequence[Neighbour] = (),
) -> list[Accepted]:
    """Where nothing says which split, decide it; near-duplicates in different splits are named.

    there: images of the project; what belongs together with some of them comes into their split.
    """

    def compared(done: int, total: int) -> None:
        if on_progress is not None:
            on_progress(done, total, "Looking for near-duplicates")

    clusters = clusters_of(
        [*(image.description for image in there), *(one.description for one in accepted)], compared
    )
    new_clusters = clusters[len(there) :]
    undecided = [place for place, one in enumerate(accepted) if one.item.split is None]
    splits: dict[str, Split] = {}
    if undecided:
        column = column_to_keep_together(options.keep_together, (one.item.groups for one in accepted))
        groups = [*(image.groups for image in there), *(one.item.groups for one in accepted)]
        units = units_of(clusters, [None if column is None else values.get(column) for values in groups])
        of_project = _splits_of_units([image.split for image in there], units)
        own_units = units[len(there) :]
        splits = {
            accepted[place].sha256: of_project[own_units[place]]
            for place in undecided
            if own_units[place] in of_project
        }
        rest = [place for place in undecided if accepted[place].sha256 not in splits]
        _tell(layout, len(rest), len(splits), column)
        splits |= divide(
            [
                Undivided(accepted[place].sha256, accepted[place].item.classes, own_units[place])
                for place in rest
            ]
        )
        alike = len(rest) - len({new_clusters[place] for place in rest})
        if alike:
            layout.notes.append(
                f"Near-duplicates of other images: {alike}. They are in one split with these."
            )
    decided = [
        replace(one, item=replace(one.item, split=one.item.split or splits[one.sha256])) for one in accepted
    ]
    with_new = set(new_clusters)
    named = [(image.name, image.split) for image in there]
    named += [(one.item.name, one.item.split or "train") for one in decided]
    layout.notes += near_duplicates_across(
        [
            (name, split, cluster)
            for (name, split), cluster in zip(named, clusters, strict=True)
            if cluster in with_new
        ]
    )
    return decided


def _splits_of_units(splits: Sequence[Split], units: Sequence[int]) -> dict[int, Split]:
    """The split in which most images of each unit are; further `units` have none."""
    counts: dict[int, Counter[Split]] = {}
    for split, unit in zip(splits, units, strict=False):
        counts.setdefault(unit, Counter())[split] += 1
    return {unit: max(_PREFERRED, key=lambda split: count[split]) for unit, count in counts.items()}


def _tell(layout: Layout, divided: int, joined: int, column: str | None) -> None:
    if divided:
        layout.notes.append(
            "No split was given: of each class 70 % became training, 15 % validation and 15 % test images, "
            "decided by a hash of their content."
        )
        if column is not None:
            layout.notes.append(f"Images with the same {column} are in one split.")
    if joined:
        alike = "that look like them" if column is None else f"that look like them or have the same {column}"
        layout.notes.append(
            f"No split was given: {joined:,} images came into the split of the project's images {alike}."
        )
