"""What pages read from the database, kept for all sessions.

Each figure is kept by the project, the version and the project's revisions, which grow with every change that
it depends on. So nothing is ever cleared.
"""

from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st

from app import resources
from app.bounded_cache import BoundedCache
from app.jobs import preparing
from app.jobs.preparing import Request
from app.services import attribution_clusters, evaluation, image_map, library, queue
from app.services.agreement import Agreement, measure
from app.services.attribution_clusters import EvidenceGroup
from app.services.class_metrics import ClassMetrics, class_metrics
from app.services.comparison import Change, Comparison, Pair, compare
from app.services.comparison import pairs as read_pairs
from app.services.evaluation import Evaluation
from app.services.image_map import Area, AreaImages, Facts, Layout
from app.services.lessons import Lessons
from app.services.lessons import lessons as read_lessons
from app.services.library import ProjectOverview
from app.services.map_figures import MapFigures
from app.services.map_figures import map_figures as measure_map
from app.services.queue import QueueFigures
from app.services.second_opinions import Opinion
from app.workspace import Workspace
from db import drafts, holdings, presence, splits, versions, whose
from db import library as rows
from db.queue_filters import QueueFilter
from db.records import ClassRecord, ImageRecord, ProjectRecord, Split, VersionRecord

T = TypeVar("T")

COUNT_BYTES = 64 * 2**20  # a queue of 70,000 images takes 3 MB


def queue_order(ws: Workspace, project: ProjectRecord, split: Split) -> tuple[int, ...]:
    """Ids of the queue of the published version, one object for all sessions."""
    version_id = project.current_version_id
    key = ("order", version_id, split, project.review_revision)
    return _counted(ws, project, key, lambda: queue.order(ws, project.id, version_id, split))


def queue_figures(ws: Workspace, project: ProjectRecord) -> QueueFigures:
    version_id = project.current_version_id
    return _counted(ws, project, ("figures", version_id), lambda: queue.figures(ws, project.id, version_id))


def classes(ws: Workspace, project: ProjectRecord) -> list[ClassRecord]:
    """By position; a project keeps the classes it began with."""
    return _counted(ws, project, "classes", lambda: rows.list_classes(ws.database, project.id))


def version(ws: Workspace, project: ProjectRecord, version_id: int) -> VersionRecord:
    """A stored version never changes. Raises NotFoundError."""
    return _counted(
        ws, project, ("version", version_id), lambda: versions.get_version(ws.database, version_id)
    )


def published_version(ws: Workspace, project: ProjectRecord) -> VersionRecord | None:
    return None if (version_id := project.current_version_id) is None else version(ws, project, version_id)


def lessons(ws: Workspace, project: ProjectRecord) -> Lessons:
    """What a retrain would learn from. A save moves no image: those that were moved are not counted again."""
    moved = _counted(ws, project, "moved", lambda: splits.count_moved(ws.database, project.id))
    key, whose = ("lessons", project.review_revision), project.whose
    return _counted(ws, project, key, lambda: read_lessons(ws, project.id, whose, moved_images=moved))


def guided_by_others(ws: Workspace, project: ProjectRecord) -> frozenset[int]:
    """Ids of images that somebody else than the person at the page has guided."""
    key = ("guided_by_others", ws.user.id, project.review_revision)
    return _counted(ws, project, key, lambda: presence.guided_by_others(ws.database, project.id))


def who_drew(ws: Workspace, project: ProjectRecord) -> dict[int, str]:
    """Names of the people who have drawn in the project, by id."""
    key = ("who_drew", project.review_revision)
    return _counted(ws, project, key, lambda: whose.who_drew(ws.database, project.id))


def agreement(ws: Workspace, project: ProjectRecord) -> list[Agreement]:
    """As `agreement.measure`."""
    key = ("agreement", project.review_revision)
    return _counted(ws, project, key, lambda: measure(ws, project.id))


def matching(ws: Workspace, project: ProjectRecord, wanted: QueueFilter) -> Mapping[Split, frozenset[int]]:
    """As `queue.matching`, for the published version."""
    version_id = project.current_version_id
    handled = wanted.guided is not None or wanted.others or wanted.skipped or wanted.doubtful
    depends_on = project.review_revision if handled else None
    drafted = frozenset(drafts.drafted_images(ws.database, project.id)) if wanted.unsaved else None
    key = ("matching", version_id, wanted, ws.user.id if wanted.others else None, depends_on, drafted)
    return _counted(ws, project, key, lambda: queue.matching(ws, project.id, version_id, wanted))


def groups(ws: Workspace, project: ProjectRecord) -> dict[str, list[str]]:
    """Values of each group of its images, in their order."""

    def read() -> dict[str, list[str]]:
        pairs = {
            pair for tally in holdings.tally_images(ws.database, project.id) for pair in tally.groups.items()
        }
        values: dict[str, list[str]] = {}
        for attribute, value in sorted(pairs):
            values.setdefault(attribute, []).append(value)
        return values

    return _counted(ws, project, "group_values", read)


def doubtful(ws: Workspace, project: ProjectRecord) -> frozenset[int]:
    """As `queue.doubtful`, of the published version. A save asks only for the few that may be doubtful."""
    version_id = project.current_version_id
    key = ("contradicted", version_id)
    candidates = _counted(ws, project, key, lambda: queue.contradicted(ws, version_id))
    key_of_open = ("doubtful", version_id, project.review_revision)
    return _counted(ws, project, key_of_open, lambda: queue.untouched(ws, candidates))


def evidence_groups(ws: Workspace, project: ProjectRecord, classes: tuple[str, ...]) -> list[EvidenceGroup]:
    version_id = project.current_version_id
    return _counted(
        ws,
        project,
        ("groups", version_id),
        lambda: attribution_clusters.evidence_groups(ws, version_id, classes),
    )


def evidence_members(ws: Workspace, project: ProjectRecord, group: tuple[int, int]) -> frozenset[int]:
    """Ids of the images of one evidence group of the published version."""
    version_id = project.current_version_id or 0
    key = ("members", version_id, group)
    return _counted(ws, project, key, lambda: attribution_clusters.members(ws, version_id, group))


def report(ws: Workspace, project: ProjectRecord, version_id: int, split: Split) -> Evaluation:
    """Figures of one version."""
    key = ("report", version_id, split)
    return _counted(ws, project, key, lambda: evaluation.report(ws, version_id, split))


def comparison(
    ws: Workspace, project: ProjectRecord, before_id: int, after_id: int, split: Split
) -> Comparison:
    """Figures of two versions, and how many images changed."""
    key = ("comparison", before_id, after_id, split)
    return _counted(ws, project, key, lambda: compare(ws, before_id, after_id, split))


def class_figures(
    ws: Workspace, project: ProjectRecord, version_id: int, split: Split, beside_id: int
) -> ClassMetrics:
    """Of images that the version `beside_id` has predicted, too."""
    key = "by_class", version_id, split, beside_id
    return _counted(ws, project, key, lambda: class_metrics(ws, version_id, split, beside_id=beside_id))


def pairs(
    ws: Workspace,
    project: ProjectRecord,
    before_id: int,
    after_id: int,
    split: Split,
    change: Change | None,
    *,
    limit: int,
    offset: int,
) -> list[Pair]:
    """As `comparison.pairs`."""
    key = ("pairs", before_id, after_id, split, change, limit, offset)
    return _counted(
        ws,
        project,
        key,
        lambda: read_pairs(ws, before_id, after_id, split, change, limit=limit, offset=offset),
    )


def changes(ws: Workspace, project: ProjectRecord, before_id: int, after_id: int) -> tuple[int, int]:
    """(fixed, newly wrong) validation images."""
    key = ("changes", before_id, after_id)
    return _counted(
        ws, project, key, lambda: versions.count_changes(ws.database, before_id, after_id, "validation")
    )


def unpredicted(ws: Workspace, project: ProjectRecord, version_id: int) -> int:
    """Images that the version has not predicted."""
    key = ("unpredicted", version_id)
    return _counted(ws, project, key, lambda: len(versions.unpredicted(ws.database, version_id)))


def from_training(ws: Workspace, project: ProjectRecord, split: Split) -> int:
    """Images of the split that were training images before somebody moved them."""
    key = ("from_training", split)
    return _counted(ws, project, key, lambda: splits.count_from_training(ws.database, project.id, split))


def overview(ws: Workspace, project: ProjectRecord) -> ProjectOverview:
    """What the library page says about a project."""
    return _counted(ws, project, ("overview", project), lambda: library.overview(ws, project.id))


def images(
    ws: Workspace,
    project: ProjectRecord,
    split: Split,
    class_position: int | None,
    *,
    limit: int,
    offset: int,
) -> list[ImageRecord]:
    """As `holdings.read_images`: names, labels, splits and attributes; whether one is skipped may be old."""
    key = ("images", split, class_position, limit, offset)
    return _counted(
        ws,
        project,
        key,
        lambda: holdings.read_images(
            ws.database, project.id, split, class_position, limit=limit, offset=offset
        ),
    )


def map_facts(ws: Workspace, project: ProjectRecord, version_id: int, folder: Path, layout: Layout) -> Facts:
    """What the map of images shows of each. Raises FileNotFoundError where the layout is not there."""
    key = ("map facts", version_id, layout, (folder / f"{layout}.npz").stat().st_mtime_ns)
    return _counted(ws, project, key, lambda: image_map.facts(ws, project.id, version_id, folder, layout))


def area_images(ws: Workspace, project: ProjectRecord, area: Area) -> AreaImages | None:
    """None where the version's map is not there."""
    request = Request("map", project.id, area.version_id)
    folder = preparing.folder_of(ws, request, project)
    try:
        facts = map_facts(ws, project, area.version_id, folder, area.layout)
    except FileNotFoundError:
        return None
    return _counted(ws, project, ("area", area.code), lambda: image_map.images_in(facts, area))


def group_values(ws: Workspace, project: ProjectRecord, group: str) -> dict[int, str]:
    """By image id."""
    key = ("values", group)
    return _counted(ws, project, key, lambda: holdings.values_of(ws.database, project.id, group))


def map_figures(
    ws: Workspace,
    project: ProjectRecord,
    version: VersionRecord,
    image: ImageRecord,
    position: int,
    *,
    against_rival: bool = False,
    opinion: Opinion | None = None,
) -> MapFigures:
    """Of the map that `resources.map_shown` gives, as the image's masks and saved regions are now."""

    def make() -> MapFigures:
        shown = resources.map_shown(ws, version, image, position, against_rival, opinion)
        return measure_map(ws, image, shown, project.whose)

    which = version.sha256, position, against_rival, opinion and opinion.method
    return _counted(ws, project, ("map", image.id, image.class_id, which, project.review_revision), make)


def _counted(ws: Workspace, project: ProjectRecord, key: Hashable, make: Callable[[], T]) -> T:
    """What `make` counts, for as long as no image of the project gets another label or split."""
    named = ws.settings.resolved_database_url, project.id, project.label_revision, key
    counted: T = _counts().get(named, make)
    return counted


@st.cache_resource(show_spinner=False)
def _counts() -> BoundedCache[Any]:
    def size(counted: object) -> int:
        if isinstance(counted, list):  # of records
            return 2_000 + 2_000 * len(counted)
        if isinstance(counted, Facts):
            return 2_000 + counted.nbytes
        if isinstance(counted, dict):  # of texts by id, or of ids
            ids = sum(len(value) for value in counted.values() if isinstance(value, frozenset))
            return 2_000 + 100 * len(counted) + 40 * ids
        if isinstance(counted, AreaImages):
            counted = counted.image_ids
        return 2_000 + 40 * len(counted) if isinstance(counted, tuple | frozenset) else 10_000

    return BoundedCache(COUNT_BYTES, size)
