"""Save, and what to do when another window has saved meanwhile."""

from contextlib import suppress

import streamlit as st

from app import state
from app.components.annotate.drafts import Drafts, forget_draft, settle_draft
from app.components.kit.error_box import error_box
from app.components.kit.text import names_at, one_of
from app.drawing.draft import Draft
from app.errors import EXPECTED
from app.jobs import preparing
from app.jobs.preparing import Request
from app.services import annotation, proposing
from app.state import Wake
from app.workspace import Workspace
from db import library
from db.records import ImageRecord


def save(
    ws: Workspace, image: ImageRecord, draft: Draft, drafts: Drafts, wake: Wake, go_to: int | None = None
) -> str:
    """Save the drawing; return why it was not saved, empty when it was. drafts and wake: fetched before;
    go_to: the image to show next.
    """
    try:
        now = library.get_image(ws.database, image.id)
        if image.class_id not in [label.class_id for label in now.labels]:
            names = [item.name for item in library.list_classes(ws.database, now.project_id)]
            name = names_at(now.positions, names)
            wake.toast = (
                f"{image.name} is labelled {name} now. Your drawing is unchanged; save it for that label."
            )
            wake.is_news = True
            return ""
        regions = draft.regions
        saved = annotation.save(
            ws, image.id, image.class_id, regions, expected_revision=draft.revision, image=now
        )
    except EXPECTED as error:
        return str(error)
    settle_draft(image, drafts, regions, saved.revision if saved else 0)
    _teach(ws, image.project_id)
    count = one_of(len(regions), "region")
    wake.toast = f"{image.name}: {count} saved." if saved else f"{image.name}: guidance removed."
    wake.image_id = go_to if go_to is not None else wake.image_id
    return ""


def _teach(ws: Workspace, project_id: int) -> None:
    """Have the network that proposes outlines learn, where it should; nobody waits for it or needs it."""
    request = Request("outlines", project_id, version_id=0)
    with suppress(*EXPECTED):
        if proposing.is_due(ws, project_id) and preparing.status(ws, request).status != "failed":
            preparing.begin(ws, request)


def not_saved(ws: Workspace, image: ImageRecord, draft: Draft) -> None:
    """Why this image's drawing was not saved, where it was not, and two ways on."""
    problem = state.NOT_SAVED.get()
    if problem is None or problem[0] != image.id:
        return
    error_box(f"{image.name} was not saved", problem[1], "Your drawing is still here.")
    with st.container(horizontal=True, gap="small"):
        st.button("Discard mine", key="annotate_reload", on_click=_discard, args=(ws, image))
        st.button(
            "Overwrite with mine", key="annotate_overwrite", on_click=_overwrite, args=(ws, image, draft)
        )


def _discard(ws: Workspace, image: ImageRecord) -> None:
    state.NOT_SAVED.set(None)
    forget_draft(ws, image, state.DRAFTS.get())


def _overwrite(ws: Workspace, image: ImageRecord, draft: Draft) -> None:
    """Save over what another window has saved."""
    drafts, wake = state.DRAFTS.get(), state.WAKE.get()
    saved = annotation.load(ws, image.id, image.class_id)
    draft.revision = saved.revision if saved else 0
    problem = save(ws, image, draft, drafts, wake)
    state.NOT_SAVED.set((image.id, problem) if problem else None)
