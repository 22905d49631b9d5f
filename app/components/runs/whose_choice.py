"""Whose drawings count in a project where several people have drawn."""

import streamlit as st

from app import counts
from app.components.kit.error_box import told
from app.components.kit.text import plain
from app.services import whose_drawings
from app.workspace import Workspace
from db.people import LATEST, LOCAL_USER, GuidanceRule, Whose
from db.records import ProjectRecord

_NAMES: dict[GuidanceRule, str] = {
    "latest": "Latest of each image",
    "union": "Marked by anybody",
    "intersection": "Marked by everybody",
}


def whose_choice(ws: Workspace, project: ProjectRecord) -> None:
    """Nothing as long as one person alone has drawn."""
    if ws.user.id == LOCAL_USER.id and project.whose == LATEST:
        return
    names = counts.who_drew(ws, project)
    if len(names) < 2 and project.whose == LATEST:
        return
    options = [Whose(rule) for rule in _NAMES] + [Whose("person", user_id) for user_id in names]
    if project.whose not in options:  # that person's drawings are gone
        options.append(project.whose)
    key = f"whose_{project.id}"
    st.session_state[key] = project.whose  # another maintainer may have chosen
    st.selectbox(
        "Whose drawings train",
        options,
        format_func=lambda whose: (
            _NAMES.get(whose.rule) or f"{names.get(whose.person_id or 0, 'Somebody')} only"
        ),
        key=key,
        on_change=_choose,
        args=(ws, project.id, key),
        help="For images that several people have drawn on. Also used in exports and for the share of the "
        "evidence on the object. Where one person's *look here* meets another's *ignore this*, neither "
        "trains. Answers count only where nobody drew.",
    )


def whose_note(ws: Workspace, project: ProjectRecord) -> str:
    """Whether the person's own drawings will train, as a sentence."""
    if project.whose.rule == "person" and project.whose.person_id != ws.user.id:
        words = whose_drawings.in_words(ws, project.whose)
        return f"In this project {plain(words)} train."
    return "Your saved drawings will be used."


def _choose(ws: Workspace, project_id: int, key: str) -> None:
    with told("The choice was not stored", "Try again."):
        whose_drawings.choose(ws, project_id, st.session_state[key])
