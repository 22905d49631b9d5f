"""Every session-state key of the page: name, type, default, and what it holds."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

import streamlit as st

from app.drawing.canvas_log import CanvasLog
from app.drawing.draft import Draft
from app.drawing.fabric import CanvasDrawing
from app.grid_log import GridLog
from app.held_queue import QueueOrder
from app.page_address import Address
from app.services.image_map import Area, Layout
from app.services.second_opinions import Question
from db.queue_filters import QueueFilter
from db.records import ImageRecord, Role, RunMode, Split
from gain_core.explain.methods import GradCam

T = TypeVar("T")

Tool = Literal["rect", "polygon", "freedraw"]  # drawing modes of the fallback canvas
MapOf = Literal["said", "truth"]  # the class a version predicts, or the true one
View = Literal["image", "grid", "map"]  # of Annotate
Filter = Literal["fixed", "newly_wrong", "wrong", "right", "all"]  # images of a comparison


@dataclass(frozen=True, slots=True)
class Key(Generic[T]):
    """One key. Keys whose name is also a widget's `key` may be set only before that widget is drawn."""

    name: str
    default: Callable[[], T]
    holds: str

    def get(self) -> T:
        value: T | None = st.session_state.get(self.name)
        if value is None:  # a browser may also send that nothing is chosen
            value = st.session_state[self.name] = self.default()
        return value

    def peek(self) -> T:
        """Without storing the default: for widgets that have a default of their own."""
        value: T = st.session_state.get(self.name, self.default())
        return value

    def set(self, value: T) -> None:
        st.session_state[self.name] = value


@dataclass(slots=True)
class OnCanvas:
    """The fallback canvas on screen. While it shows the draft it is sent nothing: strokes would break off."""

    shows: tuple[int, ...]  # arrival on the page, image id, class id, width and height in pixels
    number: int  # no two canvases of a session have the same; part of the widget's key
    drawing: CanvasDrawing
    stale: bool = False  # it shows something that is no region: to be started anew

    @property
    def image_id(self) -> int:
        return self.shows[1]


@dataclass(frozen=True, slots=True)
class Answered:
    """The last answer about a map, so that it can be taken back."""

    image: ImageRecord
    revision: int  # of the guidance that it became


@dataclass(slots=True)
class Wake:
    """Messages from the script run that stored something to the next script run.

    Streamlit may end a run for a newer key or click at any call of `st` and any access to the session state.
    So code that stores something fetches this object first and fills it in right after storing, without any
    such call in between. Then the message is always shown and the answer can be undone.
    """

    toast: str = ""  # a sentence to show once; empty: none
    is_news: bool = False  # a notice that the person did not trigger
    image_id: int | None = None  # the image to go to
    view: View | None = None  # of Annotate, to go to
    answered: Answered | None = None  # the last answer about a map; stays


@dataclass(frozen=True, slots=True)
class PickedGroup:
    """An evidence group or a suggestion that the queue is narrowed to."""

    version_id: int
    predicted: int | None  # class position; None: a suggestion
    number: int  # of the group within that class, or of the suggestion

    @property
    def code(self) -> str:
        """In the page's address."""
        predicted = "s" if self.predicted is None else self.predicted
        return f"{self.version_id}-{predicted}-{self.number}"

    @classmethod
    def from_code(cls, text: str) -> "PickedGroup | None":
        """None for what no page has written. No id of a database has 19 digits."""
        parts = re.fullmatch(r"(\d{1,18})-(\d{1,18}|s)-(\d{1,18})", text)
        if parts is None:
            return None
        version, predicted, number = parts.groups()
        return cls(int(version), None if predicted == "s" else int(predicted), int(number))


@dataclass(frozen=True, slots=True)
class ComparedFor:
    """The state of the project for which two versions were chosen automatically."""

    project_id: int
    published_id: int | None  # version
    newest_id: int  # version


def _nothing() -> None:
    return None


def _no_image() -> int | None:
    return None


def _no_draft() -> dict[tuple[int, int], Draft]:
    return {}


# --- everywhere
PROJECT: Key[int | None] = Key("project", _no_image, "id of the chosen project; the sidebar's picker")
NEXT_PROJECT: Key[int | None] = Key("next_project", _no_image, "project that the next run will choose")
PAGE: Key[str] = Key("page", str, "page of the last script run, to notice arrivals")
VISIT: Key[int] = Key("visit", int, "grows with every arrival on a page")
WAKE: Key[Wake] = Key("wake", Wake, "messages of the last script run to the next one")
DIALOG: Key[tuple[str, int] | None] = Key(
    "dialog", _nothing, "name of the open dialog, and id of the project it asks about (0: none)"
)

# --- sidebar: retrain
MODE: Key[RunMode] = Key("retrain_mode", lambda: "quick", "mode of the next run")
FOLLOWED_RUN: Key[int | None] = Key(
    "followed_run",
    _no_image,
    "first run of a new project: once it has published, the page goes on to Annotate",
)

# --- library
NEW_PROJECT_OPEN: Key[bool] = Key("library_new_open", bool, "the form for a new project is open")
FOLLOWED_IMPORT: Key[int | None] = Key(
    "followed_import",
    _no_image,
    "import that this window has asked for: its project is shown when it is there",
)
NEW_NAME: Key[str] = Key("new_name", str, "name typed for a new project")
NEW_PROJECT_MADE: Key[bool] = Key(
    "library_new_made", bool, "the form has created a project and must be cleared"
)
UPLOAD: Key[Any] = Key("library_upload", _nothing, "the zip chosen for a new project; survives a page switch")
OWN_MODEL: Key[dict[str, Any]] = Key(
    "own_model", dict, "the file of weights that this window has brought, and what was found out about it"
)
IMPORT_NOTES: Key[tuple[str, ...]] = Key(
    "library_import_notes", tuple, "choices that the last import made automatically"
)
LIBRARY_SPLIT: Key[Split] = Key("library_split", lambda: "train", "split whose images are shown")
LIBRARY_CLASS: Key[int] = Key("library_class", lambda: -1, "class position whose images are shown; -1: all")
LIBRARY_PAGE: Key[int] = Key("library_page", lambda: 1, "page of the image grid, from 1")
ACTIVITY_PAGE: Key[int] = Key("activity_page", lambda: 1, "page of the activity, from 1")
CHOOSING: Key[bool] = Key("library_choosing", bool, "a click on a thumbnail chooses it, and does not open it")
CHOSEN_IMAGES: Key[tuple[int, frozenset[int]]] = Key(
    "library_chosen", lambda: (0, frozenset()), "project, and ids of its images that are to be moved"
)

# --- annotate
IMAGE: Key[int | None] = Key("annotate_image", _no_image, "id of the image on screen")
ADDRESS: Key[Address[int]] = Key("annotate_address", Address, "image id in the page's address")
FILTER_ADDRESS: Key[Address[tuple[tuple[str, str], ...]]] = Key(
    "annotate_filter_address", Address, "filters in the page's address: parameters and values"
)
FILTERS: Key[tuple[int, QueueFilter]] = Key(
    "annotate_filters", lambda: (0, QueueFilter()), "project, and what its queue is narrowed to"
)
FILTERS_OPEN: Key[bool] = Key("annotate_filters_open", bool, "the filters are unfolded")
STAY: Key[int | None] = Key(
    "annotate_stay", _no_image, "id of the image to stay at if the queue that begins anew holds it"
)
PLACE: Key[int | None] = Key(
    "annotate_place", _no_image, "id of the image of the queue that was on screen last"
)
OFFERED: Key[int | None] = Key(
    "annotate_offered", _no_image, "id of the version whose queue has not been begun with its first image"
)
LISTED_FOR: Key[str] = Key("annotate_listed_for", str, "what was looked for, when several images match")
QUEUE_SPLIT: Key[Split] = Key("annotate_split", lambda: "train", "split whose images the queue holds")
QUEUE: Key[QueueOrder | None] = Key("annotate_queue", _nothing, "order of the queue as first shown")
GROUP: Key[PickedGroup | Area | None] = Key(
    "annotate_group", _nothing, "evidence group, suggestion or area of the map that the queue holds"
)
MAP_COLOUR: Key[str] = Key("annotate_map_colour", lambda: "result", "what colours the map of images")
MAP_LAYOUT: Key[Layout] = Key("annotate_map_layout", lambda: "tsne", "layout of the map of images")
GROUPS_OPEN: Key[bool] = Key("annotate_groups_open", bool, "the list of evidence groups is unfolded")
VIEW: Key[View] = Key("annotate_view", lambda: "image", "view of the queue")
GRID_LOG: Key[GridLog] = Key("annotate_grid_log", GridLog, "what the grid of maps told and is done")
DRAFTS: Key[dict[tuple[int, int], Draft]] = Key(
    "annotate_drafts", _no_draft, "drawings by (image id, class id); they survive reruns and page switches"
)
SHOWN: Key[tuple[int, int, int] | None] = Key(
    "annotate_shown", _nothing, "arrival on the page, image id and class id of the drawing on screen"
)
CANVAS_LOG: Key[CanvasLog] = Key("annotate_canvas_log", CanvasLog, "what the canvas told and is done")
RATIO: Key[float] = Key("annotate_ratio", lambda: 1.0, "pixels of the screen per CSS pixel")
NOT_SAVED: Key[tuple[int, str] | None] = Key(
    "annotate_not_saved", _nothing, "image id of the drawing that could not be saved, and why"
)
CANVASES: Key[int] = Key("annotate_canvases", int, "how often the fallback was started; no two share a key")
ON_CANVAS: Key[OnCanvas | None] = Key("annotate_on_canvas", _nothing, "the fallback canvas of the last run")
MAP_CLASS: Key[int | None] = Key(
    "annotate_map_class", _no_image, "class position whose attention map is shown"
)
EXPLANATION: Key[str] = Key("annotate_explanation", lambda: GradCam.NAME, "which map of a class is shown")
WAITED_FOR: Key[Question | None] = Key("annotate_waited_for", _nothing, "second opinion being computed")
OPACITY: Key[int] = Key("annotate_opacity", lambda: 60, "strength of the map over the photograph, per cent")
BLEND: Key[bool] = Key("annotate_blend", bool, "the map also lies under the drawing")
TOOL: Key[Tool] = Key("annotate_tool", lambda: "rect", "drawing mode of the fallback canvas")
ROLE: Key[Role] = Key("annotate_role", lambda: "look_here", "role of the next region on the fallback canvas")
BRUSH: Key[int] = Key("annotate_brush", lambda: 18, "width of the fallback's brush, canvas pixels")
LARGE: Key[bool] = Key("annotate_large", bool, "the canvas is larger than the window has room for")
WINDOW: Key[tuple[int, int]] = Key(
    "window", lambda: (1280, 800), "inner size of the browser window, in steps of 50 pixels"
)

# --- train, compare
NEWEST_RUN: Key[int | None] = Key("train_newest", _no_image, "newest run when the page was last drawn")
RUN: Key[int | None] = Key("train_run", _no_image, "id of the run shown in detail")
BEFORE: Key[int | None] = Key("compare_before", _no_image, "id of the model version on the left")
AFTER: Key[int | None] = Key("compare_after", _no_image, "id of the model version on the right")
COMPARED_FOR: Key[ComparedFor | None] = Key(
    "compare_for", _nothing, "the state of the project that the two above were chosen for"
)
COMPARE_SHOWN: Key[tuple[int, int, Split] | None] = Key(
    "compare_shown", _nothing, "(before, after, split) when the page was last drawn"
)
COMPARE_SPLIT: Key[Split] = Key("compare_split", lambda: "validation", "split that is compared")
COMPARE_FILTER: Key[Filter | None] = Key(
    "compare_filter", _nothing, "which images are shown side by side; None: choose automatically"
)
COMPARE_MAP: Key[MapOf] = Key("compare_map", lambda: "said", "class whose maps are shown side by side")
COMPARE_PAGE: Key[int] = Key("compare_page", lambda: 1, "page of the pairs, from 1")
COMPARE_MORE: Key[bool] = Key("compare_more", lambda: False, "whether the figures for specialists are shown")


def arrive(page: str) -> None:
    """Say which page this script run draws; a change counts as an arrival."""
    if PAGE.get() != page:
        PAGE.set(page)
        VISIT.set(VISIT.get() + 1)
        close_dialog()


def close_dialog() -> None:
    """Until this is called, every run of the page draws the dialog again: Streamlit closes one that a run
    leaves out, and a run may come by itself, such as when a training ends.
    """
    DIALOG.set(None)


def in_address(name: str) -> int | None:
    """The id that the page's address gives; None for anything else. PostgreSQL refuses larger ids."""
    given = st.query_params.get(name, "")
    return int(given) if given.isdecimal() and len(given) < 19 and int(given) < 2**31 else None


def take_up() -> str:
    """Go to the image and the view that the last run chose; return its message, empty for none."""
    wake = WAKE.get()
    if wake.image_id is not None:
        IMAGE.set(wake.image_id)
        wake.image_id = None
    if wake.view is not None:
        VIEW.set(wake.view)
        wake.view = None
    return wake.toast


def choose_project(project_id: int | None) -> None:
    """Choose a project from inside a page: the picker is drawn already, so the next rerun shows it."""
    NEXT_PROJECT.set(project_id)
    IMAGE.set(None)
