"""What pages read from files or make of them, kept for all sessions.

Files and weights are named by their hash, so cached results never become stale. Beside this, `counts` keeps
what is read from the database.
"""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from streamlit import runtime

from app.bounded_cache import BoundedCache
from app.errors import EXPECTED, MissingFileError
from app.services import library
from app.services.attribution_clusters import attended_square
from app.settings import Settings
from app.workbench import Workbench
from app.workspace import Workspace
from db.records import ImageRecord, RegionRecord, VersionRecord

if TYPE_CHECKING:  # loading torch takes seconds: pages that show no map must not wait for it
    from app.jobs.explaining import Explaining
    from app.services.explanation import AttentionView, RegionView
    from app.services.second_opinions import Opinion

T = TypeVar("T")

JPEG_QUALITY = 90
_ORIENTATION = 0x0112  # EXIF tag
MAP_BYTES = 64 * 2**20
PICTURE_BYTES = 64 * 2**20
THUMBNAIL_BYTES = 32 * 2**20


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


def thumbnails(ws: Workspace, images: Sequence[ImageRecord], side: int = 160) -> list[bytes]:
    """JPEGs of at most side × side pixels; where the file is gone it says so, and the others can be shown."""
    kept = _thumbnails()

    def made(image: ImageRecord) -> bytes:
        try:
            return kept.get((image.sha256, side), lambda: library.thumbnail(ws, image, side))
        except MissingFileError:
            picture = Image.new("RGB", (side, side), (96, 96, 96))
            middle, font = (side / 2, side / 2), ImageFont.load_default(side / 5)
            ImageDraw.Draw(picture).text(middle, "file\ngone", font=font, anchor="mm", align="center")
            return _jpeg(picture)

    return [made(image) for image in images]


@st.cache_resource(show_spinner=False)
def _thumbnails() -> BoundedCache[bytes]:
    return BoundedCache(THUMBNAIL_BYTES, len)


def photograph(ws: Workspace, image: ImageRecord, size: tuple[int, int]) -> bytes:
    """JPEG of the photograph at `size` (width, height)."""
    return _pictures().get((image.sha256, size), lambda: _jpeg(_resized(ws, image, size)))


def photograph_at_hand(image: ImageRecord, size: tuple[int, int]) -> bytes | None:
    """What `photograph` gives, where it has been made."""
    return _pictures().held((image.sha256, size))


def whole_photograph(ws: Workspace, image: ImageRecord) -> bytes:
    """JPEG of the photograph as large as it is."""

    def make() -> bytes:
        path = ws.files.image(image.sha256, image.suffix)
        with suppress(OSError, SyntaxError, ValueError), Image.open(path) as file:
            if file.format == "JPEG" and file.mode == "RGB" and file.getexif().get(_ORIENTATION, 1) == 1:
                return path.read_bytes()
        return _jpeg(library.open_image(ws, image))

    return _pictures().get(("whole", image.sha256), make)


def address(picture: bytes, place: str) -> str:
    """Where the browser finds a JPEG while it is on screen, one for each `place`, as Streamlit's own do."""
    if not runtime.exists():
        return ""
    return runtime.get_instance().media_file_mgr.add(picture, "image/jpeg", place)


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


def map_shown(
    ws: Workspace,
    version: VersionRecord,
    image: ImageRecord,
    position: int,
    against_rival: bool,
    opinion: "Opinion | None",
) -> NDArray[np.float32]:
    """(h, w) >= 0: what speaks for the class at `position`; by Grad-CAM, where there is no second opinion."""
    if opinion is not None:
        return opinion.attention
    return attention(ws, version, image).attention(position, against_rival=against_rival)


def explaining(ws: Workspace) -> "Explaining":
    """Where second opinions are asked for."""
    return _explaining(repr(ws.settings), ws.settings)


@st.cache_resource(show_spinner=False, max_entries=1, on_release=lambda made: made.close())
def _explaining(named: str, _settings: Settings) -> "Explaining":
    from app.jobs.explaining import Explaining

    return Explaining(_settings)


def tile(
    ws: Workspace,
    version: VersionRecord | None,
    image: ImageRecord,
    position: int | None,
    opacity: float,
    size: tuple[int, int],
) -> bytes | Exception | None:
    """JPEG of the photograph at `size` with the map of the class at `position` over it (None: the predicted
    one). Without a version: of the photograph alone. Returns None while it is being made, so ask again, or
    why it cannot be made.
    """

    def make() -> bytes:
        if version is None:
            return _jpeg(_resized(ws, image, size))
        from gain_core.imaging.overlay import overlay

        view = attention(ws, version, image)
        shown = view.attention(view.predicted if position is None else position)
        return _jpeg(overlay(_resized(ws, image, size), shown, opacity))

    key = ("tile", version and version.sha256, image.sha256, position, opacity, size)
    made = _pictures().held(key)
    if made is not None:
        return made
    error = _workbench().ask(key, lambda: _pictures().get(key, make))
    return error if isinstance(error, EXPECTED) else None  # a bug is logged, and tried again


@st.cache_resource(show_spinner=False)
def _workbench() -> Workbench:
    return Workbench("tiles", EXPECTED)


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
    opinion: "Opinion | None" = None,
) -> bytes:
    """JPEG of the photograph at `size` with the map of the class at `position` over it; opacity in [0, 1].

    opinion: whose map it is instead of Grad-CAM's.
    """

    def make() -> bytes:
        from gain_core.imaging.overlay import overlay

        shown = map_shown(ws, version, image, position, against_rival, opinion)
        return _jpeg(overlay(_resized(ws, image, size), shown, opacity))

    method = opinion and opinion.method
    key = (version.sha256, image.sha256, position, against_rival, method, opacity, size)
    return _pictures().get(key, make)


@st.cache_resource(show_spinner=False)
def _pictures() -> BoundedCache[bytes]:
    """Photographs, with a map over them or without, as JPEG: some 100 KB each."""
    return BoundedCache(PICTURE_BYTES, len)


def evidence_crop(
    ws: Workspace, version: VersionRecord, image: ImageRecord, position: int, side: int
) -> bytes:
    """JPEG, side × side pixels: a cut-out around the strongest evidence for the class at `position`."""

    def make() -> bytes:
        shown = attention(ws, version, image).attention(position)
        box = attended_square(shown, (image.width, image.height))
        return _jpeg(library.open_image(ws, image).resize((side, side), Image.Resampling.LANCZOS, box=box))

    return _pictures().get(("crop", version.sha256, image.sha256, position, side), make)


def prefetch(
    ws: Workspace,
    version: VersionRecord,
    ahead: Sequence[ImageRecord],
    opacity: float,
    map_size: tuple[int, int],
    canvas_sizes: Sequence[tuple[int, int]],
) -> None:
    """Make beside the page what it shows first of the next image, and the photographs of those after it,
    while somebody looks at this one. canvas_sizes: of the images `ahead`; map_size: of the first of them.

    Nothing is waited for; what fails is made and told when the image is shown.
    """

    def make() -> None:
        with suppress(Exception):
            photograph(ws, ahead[0], canvas_sizes[0])
            predicted = attention(ws, version, ahead[0]).predicted
            attention_picture(ws, version, ahead[0], predicted, opacity, map_size)
            for image, size in zip(ahead[1:], canvas_sizes[1:], strict=True):
                photograph(ws, image, size)
        waiting.release()

    waiting = prefetching()[1]
    if waiting.acquire(blocking=False):
        prefetching()[0].submit(make)


@st.cache_resource(show_spinner=False)
def prefetching() -> tuple[ThreadPoolExecutor, threading.Semaphore]:
    """One thread, and how many may wait for it: twenty people must not make it fall behind."""
    return ThreadPoolExecutor(1, "prefetch"), threading.Semaphore(4)


def _resized(ws: Workspace, image: ImageRecord, size: tuple[int, int]) -> Image.Image:
    photo = library.open_image(ws, image)
    return photo if photo.size == size else photo.resize(size, Image.Resampling.LANCZOS)


def _jpeg(picture: Image.Image) -> bytes:
    buffer = BytesIO()
    picture.convert("RGB").save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return buffer.getvalue()
