"""Suggestions: found in the background once a version is published, shown as sentences with thumbnails."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import streamlit as st

from app import resources
from app.components.kit.film_strip import Frame, film_strip
from app.components.kit.text import plain
from app.errors import ServiceError
from app.jobs import preparing
from app.jobs.preparing import Request
from app.services import queue
from app.services.suggestions import Kind, Suggestion, read
from app.workspace import Workspace
from db.records import ProjectRecord

SHOWN = 9  # thumbnails of a suggestion
SIDE = 58  # of a thumbnail, pixels
HEADINGS: dict[Kind, str] = {
    "group": "**Weak groups.** The model gets them wrong more often than the rest of their class.",
    "property": "**Possible shortcuts.** Properties outside the object that go with a class, the strongest "
    "first.",
}
ASK_SECONDS = 4.0  # each asking draws a part of the page in every window


@dataclass(frozen=True, slots=True)
class Suggested:
    """Of the published version."""

    found: tuple[Suggestion, ...] = ()
    working: bool = False  # they are being looked for


def suggestions(ws: Workspace, project: ProjectRecord) -> Suggested:
    """What was found; the first call for a version and its labels has them looked for."""
    if project.current_version_id is None:
        return Suggested()
    request = Request("shortcuts", project.id, project.current_version_id)
    preparation = preparing.status(ws, request, project)
    if preparation.status == "absent":
        try:
            preparing.begin(ws, request)
        except ServiceError:  # the rest of the page needs no suggestions
            return Suggested()
        return Suggested(working=True)
    if preparation.status != "done":
        return Suggested(working=preparation.status == "working")
    return Suggested(read(preparation.folder))


def watch(ws: Workspace, project: ProjectRecord) -> None:
    """Draws the page anew as soon as they are found; for while they are being looked for."""
    st.fragment(_watched, run_every=ASK_SECONDS)(ws, project)


def _watched(ws: Workspace, project: ProjectRecord) -> None:
    if not suggestions(ws, project).working:
        st.rerun()


def suggestion_list(
    ws: Workspace, project: ProjectRecord, suggested: Suggested, classes: Sequence[str]
) -> Iterator[Suggestion]:
    """Draw one after the other; whoever asks for the next puts its button below."""
    if suggested.working:
        st.caption("Looking for properties that give a class away. They appear here when they are ready.")
    heading = ""
    for suggestion in suggested.found:
        if HEADINGS[suggestion.kind] != heading:
            heading = HEADINGS[suggestion.kind]
            st.caption(heading)
        st.markdown(plain(suggestion.sentence))
        st.caption(plain(suggestion.evidence))
        items = queue.read(ws, project.current_version_id, suggestion.image_ids[:SHOWN], classes)
        pictures = resources.thumbnails(ws, [item.image for item in items], 2 * SIDE)
        frames = [
            Frame(item.image.id, picture, item.image.name)
            for item, picture in zip(items, pictures, strict=True)
        ]
        film_strip(frames, key=f"suggestion_strip_{suggestion.number}", side=SIDE)
        yield suggestion
