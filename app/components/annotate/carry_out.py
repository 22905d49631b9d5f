"""What the canvas tells is done: each action once, in order, before anything else happens to the page."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import streamlit as st

from app import state
from app.components.annotate import answering, guesses
from app.components.annotate.answering import MapShown
from app.components.annotate.company import next_image
from app.components.annotate.drafts import Drafts, draft_of, keep
from app.components.annotate.saving import save
from app.components.kit.error_box import told
from app.drawing.canvas_log import TOO_MANY, Action, CanvasLog, shape_from
from app.drawing.draft import Draft
from app.drawing.eraser import erased
from app.drawing.regions import MAX_REGIONS, Regions, scaled
from app.services.answers import Place
from app.services.queue import neighbour
from app.state import Wake
from app.workspace import Workspace
from db import library
from db.errors import UnavailableError
from db.records import ImageRecord, VersionRecord

CANVAS = "annotate_canvas"  # key of the component


@dataclass(slots=True)
class _Desk:
    """Fetched before anything is done: see `Wake`."""

    ws: Workspace
    version: VersionRecord | None  # whose maps are on screen
    queue: Sequence[int]
    second: bool  # drawings of images that others have drawn on are asked for
    log: CanvasLog
    drafts: Drafts
    wake: Wake
    shown_id: int | None  # image on screen
    problem: tuple[int, str] | None  # a drawing that was not saved
    images: dict[tuple[int, int], ImageRecord] = field(default_factory=dict)

    @property
    def here(self) -> int | None:
        """The image that the page shows, or will."""
        return self.shown_id if self.wake.image_id is None else self.wake.image_id

    def next(self, image_id: int | None) -> int | None:
        return next_image(self.ws, self.queue, image_id, second=self.second)


def carry_out(ws: Workspace, version: VersionRecord | None, queue: Sequence[int]) -> bool:
    """Do what the canvas has told and is not done; whether the whole page has to follow. version: whose maps
    are on screen; queue: image ids.
    """
    heard = st.session_state.get(CANVAS) or {}
    log = state.CANVAS_LOG.get()
    actions = log.news(heard.get("told"))
    if not actions:
        return False
    drafts, wake, problem = state.DRAFTS.get(), state.WAKE.get(), state.NOT_SAVED.get()
    shown_id, second = state.IMAGE.get(), state.FILTERS.get()[1].others
    desk = _Desk(ws, version, queue, second, log, drafts, wake, shown_id, problem)
    log.problem = ""
    for action in actions:
        log.done = action.number
        with told("The canvas could not be followed", "Your last stroke is still in this window. Try again."):
            _do(desk, action)
        if log.done < action.number:  # the database cannot be reached; the canvas tells it all again
            break
    if desk.problem != problem:
        state.NOT_SAVED.set(desk.problem)
    if log.problem and desk.here != desk.shown_id:  # the caption under the canvas is another image's then
        wake.toast, log.problem = f"{wake.toast} {log.problem}".strip(), ""
    return bool(desk.wake.toast) or desk.wake.image_id is not None


def on_told(ws: Workspace, version: VersionRecord | None, queue: Sequence[int]) -> None:
    """A callback of the canvas."""
    if carry_out(ws, version, queue):
        st.rerun()


def _do(desk: _Desk, action: Action) -> None:
    if action.do == "go":
        back = action.values.get("by") == -1
        _go(desk, neighbour(desk.queue, desk.here, -1) if back else desk.next(desk.here))
        return
    try:
        image = _image_of(desk, action)
        if image is None:
            return
        if action.do in ("judge", "take_back", "move"):
            _answer(desk, image, action)
            return
        if image.split != "train":
            return
        draft = draft_of(desk.ws, image, desk.drafts)
    except UnavailableError:
        desk.log.done = action.number - 1
        raise
    if action.do == "save":
        _save(desk, image, draft, bool(action.values.get("go")))
    elif action.do == "copy":
        _copy(desk, image, draft)
    else:
        _draw(desk, image, draft, action)
        keep(desk.ws, image, draft)


def _image_of(desk: _Desk, action: Action) -> ImageRecord | None:
    """The image that was on the canvas, with that label first; None where it is not known which one is meant.

    Where another window gave it another label, the action goes along to that one, as drawings do.
    """
    key = (action.image_id, action.class_id)
    if key not in desk.images:
        desk.images[key] = library.get_image(desk.ws.database, action.image_id)
    image = desk.images[key]
    labels = [label.class_id for label in image.labels]
    if action.class_id in labels:
        return image.seen_as(action.class_id)
    desk.wake.image_id = desk.here  # the page still shows the label that it had
    return image if len(labels) == 1 else None


def _draw(desk: _Desk, image: ImageRecord, draft: Draft, action: Action) -> None:
    log, size = desk.log, (image.width, image.height)
    guess, log.guess = log.guess, None
    if action.do == "change":
        changed = log.changed(draft.regions, action, size)
        if action.values.get("same"):
            draft.amend(changed)
        else:
            draft.change(changed)
    elif action.do == "erase":
        stroke = shape_from({**action.values, "shape": "brush", "role": "look_here"})
        if stroke is not None:
            left = erased(draft.regions, stroke.points, stroke.width or 1.0, size)
            if len(left) <= MAX_REGIONS:
                draft.change(left)
            else:
                log.problem = f"{TOO_MANY} The eraser would leave {len(left)}, so nothing is erased."
    elif action.do == "outline":
        log.guess = guesses.outlined(desk.ws, image, action)
    elif action.do == "propose":
        log.guess = guesses.proposed(desk.ws, image, action)
    elif action.do == "answer" and guess is not None and action.values.get("accepted"):
        if (guess.image_id, guess.class_id) != (image.id, image.class_id):
            return
        if len(draft.regions) + len(guess.regions) <= MAX_REGIONS:
            draft.change((*draft.regions, *guess.regions))
        else:
            log.guess, log.problem = guess, f"{TOO_MANY} Delete some, then use the outline."
    elif action.do == "undo":
        draft.undo()
    elif action.do == "redo":
        draft.redo()
    elif action.do == "clear":
        draft.change(())


def _answer(desk: _Desk, image: ImageRecord, action: Action) -> None:
    """W, E, Z and M. Where the page has gone on meanwhile it stays there, and is not told why not."""
    ws, drafts, wake, values = desk.ws, desk.drafts, desk.wake, action.values
    here = image.id == desk.here
    go_to = desk.next(image.id) if here and action.do != "take_back" else None
    place, position, problem = _place(values.get("place")), values.get("map"), ""
    if action.do == "take_back":
        here, problem = True, answering.take_back(ws, image.project_id, drafts, wake)
    elif action.do == "move":
        problem = answering.move(ws, image, drafts, wake, go_to, back=bool(values.get("back")))
        desk.images.clear()  # it may be of another split now
    elif image.split == "train" and place and desk.version and isinstance(position, int):
        shown = MapShown(desk.version, position, bool(values.get("rival")))
        problem = answering.judge(ws, image, shown, place, drafts, wake, go_to)
    elif image.split == "train" and place and desk.version:
        problem = answering.OTHER_METHOD
    if here:
        answering.tell(wake, problem)


def _place(told: object) -> Place | None:
    return "wrong" if told == "wrong" else "right" if told == "right" else None


def _save(desk: _Desk, image: ImageRecord, draft: Draft, go: bool) -> None:
    """A second press that comes before the next image is on screen finds nothing to save."""
    if not draft.unsaved and (image.id != desk.here or not draft.revision):
        return
    go_to = desk.next(image.id) if go and image.id == desk.here else None
    problem = save(desk.ws, image, draft, desk.drafts, desk.wake, go_to)
    desk.problem = (image.id, problem) if problem else None


def _copy(desk: _Desk, image: ImageRecord, draft: Draft) -> None:
    """Add the regions to the next image's, at the same place of the picture, and go there."""
    next_id = desk.next(image.id)
    if next_id is None or not draft.regions:
        return
    following = library.get_image(desk.ws.database, next_id)
    if image.class_id in [label.class_id for label in following.labels]:
        following = following.seen_as(image.class_id)
    if following.split != "train":
        return
    across, down = following.width / image.width, following.height / image.height
    copies: Regions = draft.regions
    if (across, down) != (1, 1):
        copies = tuple(scaled(region, across, down) for region in draft.regions)
    onto = draft_of(desk.ws, following, desk.drafts)
    both = (*onto.regions, *(copy for copy in copies if copy not in onto.regions))
    if len(both) > MAX_REGIONS:
        desk.log.problem = f"{TOO_MANY} {following.name} would have {len(both)}, so nothing is copied."
        return
    onto.change(both)
    keep(desk.ws, following, onto)
    _go(desk, next_id)


def _go(desk: _Desk, image_id: int | None) -> None:
    if image_id is not None:
        desk.wake.image_id = image_id
