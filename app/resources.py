"""Every st.cache_resource and st.cache_data of the program.

Files and weights are named by their hash, so cached results never become stale.
"""

import importlib
import threading
from io import BytesIO
from typing import TYPE_CHECKING

import streamlit as st
from PIL import Image

from app.errors import ServiceError
from app.services import library
from app.services.attribution_clusters import attended_square
from app.settings import Settings, load_settings
from app.workspace import Workspace, open_workspace
from db.records import ImageRecord, RegionRecord, VersionRecord

if TYPE_CHECKING:  # loading torch takes seconds: pages that show no map must not wait for it
    from app.services.explanation import AttentionView, RegionView

JPEG_QUALITY = 90


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
    return _attention(version.sha256, image.sha256, ws, version, image)


@st.cache_data(show_spinner=False, max_entries=3000)
def _attention(
    weights: str, photo: str, _ws: Workspace, _version: VersionRecord, _image: ImageRecord
) -> "AttentionView":
    from app.services import explanation

    return explanation.attention_for(_ws, _version, _image)


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
    named = version.sha256, image.sha256, position, against_rival
    return _attention_picture(*named, opacity, size, ws, version, image)


@st.cache_data(show_spinner=False, max_entries=600)
def _attention_picture(
    weights: str,
    photo: str,
    position: int,
    against_rival: bool,
    opacity: float,
    size: tuple[int, int],
    _ws: Workspace,
    _version: VersionRecord,
    _image: ImageRecord,
) -> bytes:
    from gain_core.imaging.overlay import overlay

    shown = attention(_ws, _version, _image).attention(position, against_rival=against_rival)
    return _jpeg(overlay(_resized(_ws, _image, size), shown, opacity))


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
