"""Drawings that are not saved yet: begun from what is stored, and kept with every stroke, so that neither
another page nor a reload nor a restart loses one.
"""

from typing import Any

import streamlit as st

from app import state
from app.components.annotate.canvas import canvas_key, told_by
from app.components.kit.text import plain
from app.drawing.regions import alike, canvas_from_regions, closed, regions_from_canvas
from app.errors import DrawingError
from app.services import annotation
from app.state import Draft, Drawing
from app.workspace import Workspace
from db import drafts as kept_drafts
from db.records import DraftRecord, ImageRecord, RegionRecord

Regions = tuple[RegionRecord, ...]
Drafts = dict[tuple[int, int], Draft]


def open_draft(ws: Workspace, image: ImageRecord, canvas_size: tuple[int, int]) -> Draft:
    """The drawing of this image, ready for a canvas of this size.

    A canvas that comes on screen (another image, back from another page) is started with the draft as it is;
    while it stays there, nothing is sent to it, so nobody's stroke is interrupted.
    """
    drafts = state.DRAFTS.get()
    key = (image.id, image.class_id)
    on_canvas = (state.VISIT.get(), *key, *canvas_size)
    before = draft = drafts.get(key)
    if draft is not None and _overtaken(ws, image, draft):
        draft = None
    arrives = state.ON_CANVAS.get() != on_canvas
    if draft is None or (arrives and not _here_alone(ws, image, draft)):
        draft = drafts[key] = _begin(ws, image, canvas_size)
        if before is not None and not objects_of(draft.current):  # so that *Undo* still takes *Clear* back
            draft.cleared = objects_of(_moved(before, {"objects": before.cleared}, image, canvas_size))
    elif arrives:
        draft.kept = None  # so that it is kept again
    if draft.canvas_size != canvas_size:
        _resize(draft, image, canvas_size)
    if arrives or not draft.mount:
        restart(draft, draft.current)
        state.ON_CANVAS.set(on_canvas)
    return draft


def restart(draft: Draft, drawing: Drawing) -> None:
    """Show `drawing` on a fresh canvas."""
    draft.seed = draft.current = drawing
    draft.mount = state.MOUNTS.get() + 1
    state.MOUNTS.set(draft.mount)


def undo(image_id: int, draft: Draft) -> None:
    """Take back the last region, or *Clear*. A callback, as those below: the canvas may know more by then."""
    objects = objects_of(_newest(image_id, draft))
    left, draft.cleared = (objects[:-1], draft.cleared) if objects else (draft.cleared, [])
    restart(draft, {**draft.current, "objects": left})


def clear(image_id: int, draft: Draft) -> None:
    objects = objects_of(_newest(image_id, draft))
    if objects:  # else a second press
        draft.cleared = objects
    restart(draft, {**draft.current, "objects": []})


def close_open() -> None:
    """For before the role or the tool changes: the canvas would drop a polygon that is not closed yet."""
    on_canvas = state.ON_CANVAS.get()
    draft = state.DRAFTS.get().get((on_canvas[1], on_canvas[2])) if on_canvas else None
    if on_canvas is None or draft is None:
        return
    drawing = closed(_newest(on_canvas[1], draft), draft.canvas_size)
    if drawing:
        restart(draft, drawing)


def _newest(image_id: int, draft: Draft) -> Drawing:
    told = told_by(canvas_key(image_id, draft.mount))
    return draft.current if told is None else told


def keep(ws: Workspace, image: ImageRecord, draft: Draft) -> None:
    """For after the canvas: put what is new on it into the database."""
    objects = objects_of(draft.current)
    if objects == (objects_of(draft.stored) if draft.kept is None else draft.kept):
        return
    try:
        regions = _regions(image, draft, draft.current)
    except DrawingError:
        return  # saving says what is wrong with it
    if alike(regions, _regions(image, draft, draft.stored)):
        draft.stored = draft.current  # the canvas writes the same regions in other words
        kept_drafts.drop_draft(ws.database, image.id, image.class_id)
    else:
        kept_drafts.keep_draft(ws.database, DraftRecord(image.id, image.class_id, draft.revision, regions))
    draft.kept = objects


def forget_draft(ws: Workspace, image: ImageRecord, drafts: Drafts) -> None:
    """Drop what is drawn and not saved, in every window. drafts: as `leave_memory`."""
    kept_drafts.drop_draft(ws.database, image.id, image.class_id)
    leave_memory(image, drafts)


def leave_memory(image: ImageRecord, drafts: Drafts) -> None:
    """Begin anew from what is stored, or kept by another window, the next time; also what was begun for a
    label that the image had before. drafts: `state.DRAFTS`, fetched before: see `Wake`.
    """
    for key in [key for key in drafts if key[0] == image.id]:
        del drafts[key]


def settle_draft(ws: Workspace, image: ImageRecord, drafts: Drafts, regions: Regions, revision: int) -> None:
    """`regions` are saved, as this revision: show them. What another window has drawn since is kept for it.

    drafts: as `leave_memory`.
    """
    waiting = kept_drafts.get_draft(ws.database, image.id, image.class_id)
    if waiting is not None and alike(waiting.regions, regions):
        kept_drafts.drop_draft(ws.database, image.id, image.class_id)
    canvas_size = drafts[image.id, image.class_id].canvas_size
    leave_memory(image, drafts)
    drawing = canvas_from_regions(regions, (image.width, image.height), canvas_size)
    drafts[image.id, image.class_id] = Draft(
        drawing, drawing, drawing, revision, canvas_size, kept=objects_of(drawing)
    )


def nothing_unsaved(ws: Workspace, image: ImageRecord) -> bool:
    """No drawing of this image waits to be saved; else says so."""
    here = state.DRAFTS.get().get((image.id, image.class_id))  # another window may have dropped it
    if kept_drafts.get_draft(ws.database, image.id, image.class_id) is None and not (here and here.unsaved):
        return True
    name = plain(image.name)
    st.warning(f"{name} has a drawing that is not saved. Save it or clear it; nothing was changed.")
    return False


def objects_of(drawing: Drawing) -> list[Any]:
    found: list[Any] = drawing.get("objects", [])
    return found


def _begin(ws: Workspace, image: ImageRecord, canvas_size: tuple[int, int]) -> Draft:
    """What was drawn last, saved or not. It goes along with the image when its label changes."""
    size = (image.width, image.height)
    leave_memory(image, state.DRAFTS.get())
    guidance = annotation.load(ws, image.id, image.class_id)
    regions = guidance.regions if guidance else ()
    revision = guidance.revision if guidance else 0
    stored = current = canvas_from_regions(regions, size, canvas_size)
    waiting = kept_drafts.get_draft(ws.database, image.id, image.class_id)
    if waiting is not None and not alike(waiting.regions, regions):
        current = canvas_from_regions(waiting.regions, size, canvas_size)
        revision = waiting.revision
    elif waiting is not None:
        kept_drafts.drop_draft(ws.database, image.id, image.class_id)
    return Draft(
        stored=stored,
        seed=current,
        current=current,
        revision=revision,
        canvas_size=canvas_size,
        kept=objects_of(current),
    )


def _overtaken(ws: Workspace, image: ImageRecord, draft: Draft) -> bool:
    """Whether something was saved since it began, and it shows no more than that: another window did, or a
    run of this one that was ended before it could say so.
    """
    saved = annotation.load(ws, image.id, image.class_id)
    if (saved.revision if saved else 0) == draft.revision:
        return False
    return not draft.unsaved or alike(_regions(image, draft, draft.current), saved.regions if saved else ())


def _here_alone(ws: Workspace, image: ImageRecord, draft: Draft) -> bool:
    """Whether this window's drawing is neither saved nor kept: it could not be kept, or another window has
    cleared it.
    """
    if not draft.unsaved or objects_of(draft.current) != draft.kept:
        return draft.unsaved
    if kept_drafts.get_draft(ws.database, image.id, image.class_id) is not None:
        return False
    saved = annotation.load(ws, image.id, image.class_id)
    return not alike(_regions(image, draft, draft.current), saved.regions if saved else ())


def _regions(image: ImageRecord, draft: Draft, drawing: Drawing) -> Regions:
    return regions_from_canvas(drawing, (image.width, image.height), draft.canvas_size)


def _moved(draft: Draft, drawing: Drawing, image: ImageRecord, canvas_size: tuple[int, int]) -> Drawing:
    """A drawing for the draft's canvas, as one for a canvas of this size."""
    size = (image.width, image.height)
    return canvas_from_regions(regions_from_canvas(drawing, size, draft.canvas_size), size, canvas_size)


def _resize(draft: Draft, image: ImageRecord, canvas_size: tuple[int, int]) -> None:
    was_unsaved = draft.unsaved
    stored = _moved(draft, draft.stored, image, canvas_size)
    current = _moved(draft, draft.current, image, canvas_size) if was_unsaved else stored
    draft.cleared = objects_of(_moved(draft, {"objects": draft.cleared}, image, canvas_size))
    draft.stored, draft.current, draft.canvas_size = stored, current, canvas_size
