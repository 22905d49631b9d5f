"""Drawings that are not saved yet: begun from what is stored, and kept with every stroke, so that neither
another page nor a reload nor a restart loses one.
"""

from app import state
from app.drawing.draft import Draft
from app.drawing.regions import Regions
from app.services import annotation
from app.workspace import Workspace
from db import drafts as kept_drafts
from db.records import DraftRecord, ImageRecord

Drafts = dict[tuple[int, int], Draft]


def open_draft(ws: Workspace, image: ImageRecord) -> Draft:
    """The drawing of this image that goes on screen: read anew when it arrives there (another image, back
    from another page) and another window may have kept or saved something.
    """
    drafts, shows = state.DRAFTS.get(), (state.VISIT.get(), image.id, image.class_id)
    arrives = state.SHOWN.get() != shows
    key = (image.id, image.class_id)
    before = draft = drafts.get(key)
    if draft is not None and _overtaken(ws, image, draft):
        draft = None
    if draft is None or (arrives and not _here_alone(ws, image, draft)):
        draft = _begin(ws, image, drafts)
        if before is not None and before.regions == draft.regions:
            draft.undo_steps, draft.redo_steps = before.undo_steps, before.redo_steps
    elif arrives:
        draft.kept = None  # so that it is kept again
    state.SHOWN.set(shows)
    return draft


def draft_of(ws: Workspace, image: ImageRecord, drafts: Drafts) -> Draft:
    """The drawing of any image, on screen or not. drafts: as `leave_memory`."""
    draft = drafts.get((image.id, image.class_id))
    return _begin(ws, image, drafts) if draft is None else draft


def keep(ws: Workspace, image: ImageRecord, draft: Draft) -> None:
    """Put what is new in the drawing into the database."""
    if draft.regions == (draft.stored if draft.kept is None else draft.kept):
        return
    if draft.unsaved:
        kept_drafts.keep_draft(
            ws.database, DraftRecord(image.id, image.class_id, draft.revision, draft.regions)
        )
    else:
        kept_drafts.drop_draft(ws.database, image.id, image.class_id)
    draft.kept = draft.regions


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


def settle_draft(image: ImageRecord, drafts: Drafts, regions: Regions, revision: int) -> None:
    """`regions` are saved, as this revision: show them. drafts: as `leave_memory`."""
    before = drafts[image.id, image.class_id]
    leave_memory(image, drafts)
    drafts[image.id, image.class_id] = Draft(
        regions, regions, revision, regions, before.undo_steps, before.redo_steps
    )


def why_unsaved(ws: Workspace, image: ImageRecord, drafts: Drafts) -> str:
    """That a drawing of this image waits to be saved; empty where none does. drafts: as `leave_memory`."""
    here = drafts.get((image.id, image.class_id))  # another window may have dropped it
    if kept_drafts.get_draft(ws.database, image.id, image.class_id) is None and not (here and here.unsaved):
        return ""
    return f"{image.name} has an unsaved drawing. Save it or clear it first."


def _begin(ws: Workspace, image: ImageRecord, drafts: Drafts) -> Draft:
    """What was drawn last, saved or not. It goes along with the image when its label changes."""
    leave_memory(image, drafts)
    guidance = annotation.load(ws, image.id, image.class_id)
    stored = regions = guidance.regions if guidance else ()
    revision = guidance.revision if guidance else 0
    waiting = kept_drafts.get_draft(ws.database, image.id, image.class_id)
    if waiting is not None and waiting.regions != stored:
        regions = waiting.regions
        revision = waiting.revision
    elif waiting is not None:
        kept_drafts.drop_draft(ws.database, image.id, image.class_id)
    draft = drafts[image.id, image.class_id] = Draft(stored, regions, revision, kept=regions)
    return draft


def _overtaken(ws: Workspace, image: ImageRecord, draft: Draft) -> bool:
    """Whether something was saved since it began, and it shows no more than that: another window did, or a
    run of this one that was ended before it could say so.
    """
    saved = annotation.load(ws, image.id, image.class_id)
    if (saved.revision if saved else 0) == draft.revision:
        return False
    return not draft.unsaved or draft.regions == (saved.regions if saved else ())


def _here_alone(ws: Workspace, image: ImageRecord, draft: Draft) -> bool:
    """Whether this window's drawing is neither saved nor kept: it could not be kept, or another window has
    cleared it.
    """
    if not draft.unsaved or draft.regions != draft.kept:
        return draft.unsaved
    if kept_drafts.get_draft(ws.database, image.id, image.class_id) is not None:
        return False
    saved = annotation.load(ws, image.id, image.class_id)
    return draft.regions != (saved.regions if saved else ())
