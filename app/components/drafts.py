"""Drawings that are not saved yet: begun from what is stored, kept while the page changes."""

from typing import Any

import streamlit as st

from app import state
from app.services import annotation
from app.services.drawing import canvas_from_regions, regions_from_canvas
from app.services.workspace import Workspace
from app.state import Draft, Drawing
from db.records import ImageRecord


def open_draft(ws: Workspace, image: ImageRecord, canvas_size: tuple[int, int]) -> Draft:
    """The drawing of this image, ready for a canvas of this size.

    A canvas that comes on screen (another image, back from another page) is started with the draft as it is;
    while it stays there, nothing is sent to it, so nobody's stroke is interrupted.
    """
    drafts = state.DRAFTS.get()
    key = (image.id, image.class_id)
    on_canvas = (state.VISIT.get(), *key, *canvas_size)
    arrives = state.ON_CANVAS.get() != on_canvas
    draft = drafts.get(key)
    if draft is None or (arrives and not draft.unsaved):
        draft = _begin(ws, image, canvas_size, mounts=draft.mounts if draft else 0)
        drafts[key] = draft
    if draft.canvas_size != canvas_size:
        _resize(draft, image, canvas_size)
    if arrives:
        restart(draft, draft.current)
        state.ON_CANVAS.set(on_canvas)
    return draft


def restart(draft: Draft, drawing: Drawing) -> None:
    """Show `drawing` on a fresh canvas."""
    draft.seed = draft.current = drawing
    draft.mounts += 1


def forget_draft(image: ImageRecord) -> None:
    """Begin anew from what is stored, the next time."""
    state.DRAFTS.get().pop((image.id, image.class_id), None)
    state.ON_CANVAS.set(None)


def nothing_unsaved(image: ImageRecord) -> bool:
    """No drawing of this image waits to be saved; else says so."""
    draft = state.DRAFTS.get().get((image.id, image.class_id))
    if draft is not None and draft.unsaved:
        st.warning(f"{image.name} has a drawing that is not saved. Save it or clear it; nothing was changed.")
        return False
    return True


def objects_of(drawing: Drawing) -> list[Any]:
    found: list[Any] = drawing.get("objects", [])
    return found


def _begin(ws: Workspace, image: ImageRecord, canvas_size: tuple[int, int], mounts: int) -> Draft:
    guidance = annotation.load(ws, image.id, image.class_id)
    regions = guidance.regions if guidance else ()
    stored = canvas_from_regions(regions, (image.width, image.height), canvas_size)
    return Draft(
        stored=stored,
        seed=stored,
        current=stored,
        revision=guidance.revision if guidance else 0,
        canvas_size=canvas_size,
        mounts=mounts,
    )


def _resize(draft: Draft, image: ImageRecord, canvas_size: tuple[int, int]) -> None:
    size = (image.width, image.height)

    def moved(drawing: Drawing) -> Drawing:
        return canvas_from_regions(regions_from_canvas(drawing, size, draft.canvas_size), size, canvas_size)

    was_unsaved = draft.unsaved
    stored = moved(draft.stored)
    current = moved(draft.current) if was_unsaved else stored
    draft.stored, draft.current, draft.canvas_size = stored, current, canvas_size
