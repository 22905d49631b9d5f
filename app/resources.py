"""Every st.cache_resource and st.cache_data of the program.

Files and weights are named by their hash, so cached results never become stale. Counts from the database are
keyed by the project, the version and the project's revisions, which grow with every change.
"""

import importlib
import threading
from io import BytesIO
from typing import TYPE_CHECKING

import streamlit as st
from PIL import Image

from app.bounded_cache import BoundedCache
from app.errors import ServiceError
from app.services import attribution_clusters, evaluation, library, queue
from app.services.attribution_clusters import EvidenceGroup, attended_square
from app.services.evaluation import Comparison, Evaluation
from app.services.library import ProjectOverview
from app.services.queue import QueueFigures
from app.settings import Settings, load_settings
from app.workspace import Workspace, open_workspace
from db import versions
from db.records import ImageRecord, ProjectRecord, RegionRecord, Split, VersionRecord

if TYPE_CHECKING:  # loading torch takes seconds: pages that show no map must not wait for it
    from app.services.explanation import AttentionView, RegionView

JPEG_QUALITY = 90
MAP_BYTES = 64 * 2**20
PICTURE_BYTES = 64 * 2**20
COUNTED = 64  # small results of counting in the database
QUEUES = 16  # half a megabyte each at 70,000 images


def workspace() -> Workspace:
    """The workspace of the settings in the environment. Raises ServiceError or DatabaseError."""
    try:
        settings = load_settings()
    except ValueError as error:
        raise ServiceError(f"A setting cannot be read: {error}.") from error
    return _open(repr(settings), settings)


@st.cache_resource(show_spinner=False, max_entries=2, on_release=lambda ws: ws.database.close())
def _open(named: str, _settings: Settings) -> Workspace:
    return open_workspace(_settings)


@st.cache_resource(show_spinner=False)
def warm_up() -> threading.Thread:
    """Load torch and timm in the background, so that the first map need not wait for them."""
    thread = threading.Thread(target=importlib.import_module, args=("app.services.explanation",), daemon=True)
    thread.start()
    return thread


@st.cache_data(show_spinner=False)
def demo_pictures() -> list[tuple[str, bytes]]:
    """A few scenes of the demo: (description, JPEG)."""
    from app.demo.backdrops import Place
    from app.demo.scene import draw_scene

    scenes: tuple[tuple[str, Place], ...] = (
        ("boat", "sea"),
        ("car", "grass"),
        ("house", "sand"),
        ("buoy", "grass"),
    )
    return [
        (f"{thing}, {place}", _jpeg(draw_scene(number, thing, place)[0]))
        for number, (thing, place) in enumerate(scenes)
    ]


def queue_order(ws: Workspace, project: ProjectRecord, split: Split) -> tuple[int, ...]:
    """Ids of the queue of the published version, one object for all sessions."""
    revisions = project.label_revision, project.review_revision
    return _queue_order(_named(ws), project.id, project.current_version_id, split, revisions, ws)


@st.cache_resource(show_spinner=False, max_entries=QUEUES)
def _queue_order(
    named: str,
    project_id: int,
    version_id: int | None,
    split: Split,
    revisions: tuple[int, int],
    _ws: Workspace,
) -> tuple[int, ...]:
    return queue.order(_ws, project_id, version_id, split)


def queue_figures(ws: Workspace, project: ProjectRecord) -> QueueFigures:
    return _queue_figures(_named(ws), project.id, project.current_version_id, project.label_revision, ws)


@st.cache_resource(show_spinner=False, max_entries=COUNTED)
def _queue_figures(
    named: str, project_id: int, version_id: int | None, revision: int, _ws: Workspace
) -> QueueFigures:
    return queue.figures(_ws, project_id, version_id)


def doubtful(ws: Workspace, project: ProjectRecord) -> frozenset[int]:
    revisions = project.label_revision, project.review_revision
    return _doubtful(_named(ws), project.current_version_id, revisions, ws)


@st.cache_resource(show_spinner=False, max_entries=COUNTED)
def _doubtful(
    named: str, version_id: int | None, revisions: tuple[int, int], _ws: Workspace
) -> frozenset[int]:
    return queue.doubtful(_ws, version_id)


def evidence_groups(ws: Workspace, project: ProjectRecord, classes: tuple[str, ...]) -> list[EvidenceGroup]:
    return _evidence_groups(_named(ws), project.current_version_id, project.label_revision, classes, ws)


@st.cache_resource(show_spinner=False, max_entries=COUNTED)
def _evidence_groups(
    named: str, version_id: int | None, revision: int, classes: tuple[str, ...], _ws: Workspace
) -> list[EvidenceGroup]:
    return attribution_clusters.evidence_groups(_ws, version_id, classes)


def evidence_members(ws: Workspace, project: ProjectRecord, group: tuple[int, int]) -> frozenset[int]:
    """Ids of the images of one evidence group of the published version."""
    return _evidence_members(_named(ws), project.current_version_id or 0, project.label_revision, group, ws)


@st.cache_resource(show_spinner=False, max_entries=QUEUES)
def _evidence_members(
    named: str, version_id: int, revision: int, group: tuple[int, int], _ws: Workspace
) -> frozenset[int]:
    return attribution_clusters.members(_ws, version_id, group)


def report(ws: Workspace, project: ProjectRecord, version_id: int, split: Split) -> Evaluation:
    """Figures of one version."""
    return _report(_named(ws), version_id, split, project.label_revision, ws)


@st.cache_resource(show_spinner=False, max_entries=COUNTED)
def _report(named: str, version_id: int, split: Split, revision: int, _ws: Workspace) -> Evaluation:
    return evaluation.report(_ws, version_id, split)


def comparison(
    ws: Workspace, project: ProjectRecord, before_id: int, after_id: int, split: Split
) -> Comparison:
    """Figures of two versions, and how many images changed."""
    return _comparison(_named(ws), before_id, after_id, split, project.label_revision, ws)


@st.cache_resource(show_spinner=False, max_entries=COUNTED)
def _comparison(
    named: str, before_id: int, after_id: int, split: Split, revision: int, _ws: Workspace
) -> Comparison:
    return evaluation.compare(_ws, before_id, after_id, split)


def changes(ws: Workspace, project: ProjectRecord, before_id: int, after_id: int) -> tuple[int, int]:
    """(fixed, newly wrong) validation images."""
    return _changes(_named(ws), before_id, after_id, project.label_revision, ws)


@st.cache_resource(show_spinner=False, max_entries=COUNTED)
def _changes(named: str, before_id: int, after_id: int, revision: int, _ws: Workspace) -> tuple[int, int]:
    return versions.count_changes(_ws.database, before_id, after_id, "validation")


def overview(ws: Workspace, project: ProjectRecord) -> ProjectOverview:
    """What the library page says about a project."""
    return _overview(_named(ws), project, ws)


@st.cache_resource(show_spinner=False, max_entries=COUNTED)
def _overview(named: str, project: ProjectRecord, _ws: Workspace) -> ProjectOverview:
    return library.overview(_ws, project.id)


def _named(ws: Workspace) -> str:
    """The database that numbers are from."""
    return ws.settings.resolved_database_url


def thumbnail(ws: Workspace, image: ImageRecord, side: int = 160) -> bytes:
    """JPEG of at most side × side pixels."""
    return _thumbnail(image.sha256, side, ws, image)


@st.cache_data(show_spinner=False, max_entries=3000)
def _thumbnail(sha256: str, side: int, _ws: Workspace, _image: ImageRecord) -> bytes:
    return library.thumbnail(_ws, _image, side)


def photograph(ws: Workspace, image: ImageRecord, size: tuple[int, int]) -> bytes:
    """JPEG of the photograph at `size` (width, height)."""
    return _photograph(image.sha256, size, ws, image)


@st.cache_data(show_spinner=False, max_entries=200)
def _photograph(sha256: str, size: tuple[int, int], _ws: Workspace, _image: ImageRecord) -> bytes:
    return _jpeg(_resized(_ws, _image, size))


def attention(ws: Workspace, version: VersionRecord, image: ImageRecord) -> "AttentionView":
    """Evidence maps of all classes and the probabilities."""

    def make() -> "AttentionView":
        from app.services import explanation

        return explanation.attention_for(ws, version, image)

    return _maps().get((version.sha256, image.sha256), make)


@st.cache_resource(show_spinner=False)
def _maps() -> "BoundedCache[AttentionView]":
    """By bytes: of a thousand classes one view takes 200 KB, of ten 2 KB."""
    return BoundedCache(MAP_BYTES, lambda view: int(view.evidence.nbytes) + 16 * len(view.probabilities))


def region_view(
    ws: Workspace, version: VersionRecord, image: ImageRecord, regions: tuple[RegionRecord, ...]
) -> "RegionView | None":
    """The version's prediction from the regions drawn on the image, saved or not."""
    return _region_view(version.sha256, image.sha256, repr(regions), ws, version, image, regions)


@st.cache_data(show_spinner=False, max_entries=1000)
def _region_view(
    weights: str,
    photo: str,
    drawn: str,
    _ws: Workspace,
    _version: VersionRecord,
    _image: ImageRecord,
    _regions: tuple[RegionRecord, ...],
) -> "RegionView | None":
    from app.services import explanation

    return explanation.region_for(_ws, _version, _image, _regions)


def attention_picture(
    ws: Workspace,
    version: VersionRecord,
    image: ImageRecord,
    position: int,
    opacity: float,
    size: tuple[int, int],
    *,
    against_rival: bool = False,
) -> bytes:
    """JPEG of the photograph at `size` with the map of the class at `position` over it; opacity in [0, 1]."""

    def make() -> bytes:
        from gain_core.imaging.overlay import overlay

        shown = attention(ws, version, image).attention(position, against_rival=against_rival)
        return _jpeg(overlay(_resized(ws, image, size), shown, opacity))

    key = (version.sha256, image.sha256, position, against_rival, opacity, size)
    return _pictures().get(key, make)


@st.cache_resource(show_spinner=False)
def _pictures() -> BoundedCache[bytes]:
    """Photographs with a map over them, as JPEG: some 100 KB each."""
    return BoundedCache(PICTURE_BYTES, len)


def evidence_crop(
    ws: Workspace, version: VersionRecord, image: ImageRecord, position: int, side: int
) -> bytes:
    """JPEG, side × side pixels: a cut-out around the strongest evidence for the class at `position`."""
    return _evidence_crop(version.sha256, image.sha256, position, side, ws, version, image)


@st.cache_data(show_spinner=False, max_entries=1000)
def _evidence_crop(
    weights: str,
    photo: str,
    position: int,
    side: int,
    _ws: Workspace,
    _version: VersionRecord,
    _image: ImageRecord,
) -> bytes:
    view = attention(_ws, _version, _image)
    box = attended_square(view.attention(position), (_image.width, _image.height))
    return _jpeg(library.open_image(_ws, _image).resize((side, side), Image.Resampling.LANCZOS, box=box))


def _resized(ws: Workspace, image: ImageRecord, size: tuple[int, int]) -> Image.Image:
    photo = library.open_image(ws, image)
    return photo if photo.size == size else photo.resize(size, Image.Resampling.LANCZOS)


def _jpeg(picture: Image.Image) -> bytes:
    buffer = BytesIO()
    picture.convert("RGB").save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return buffer.getvalue()
