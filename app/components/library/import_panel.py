"""Imports under way: how far each is, with a Cancel button; and how those ended that stored nothing."""

import streamlit as st

from app import state
from app.components.kit.error_box import told
from app.components.kit.text import plain
from app.components.library.dry_run import dry_run_panel
from app.services.imports import cancel
from app.workspace import Workspace
from db import imports
from db.errors import NotFoundError
from db.imports import ImportRecord

REDRAW_SECONDS = 1.0


def import_panel(ws: Workspace) -> None:
    """Of all windows: whoever comes back after a lost connection finds the import still going on."""
    for record in imports.open_imports(ws.database):
        if record.active or (record.status == "ready" and ws.user.may("maintainer")):
            # The same fragment shows it during the check and afterwards: Streamlit drops a click on a button
            # of a fragment that is gone, and somebody may press *Import* at the moment when the check ends.
            live = record.active
            st.fragment(_open, run_every=REDRAW_SECONDS if live else None)(ws, record.id, live)
        elif record.status != "ready" and ws.user.may("maintainer"):
            st.error(
                f"{plain(record.message or '')}\n\nNothing was stored. Fix it and try again.",
                title=f"Nothing was added to {_name(record)}"
                if record.adds
                else f"{_name(record)} was not made",
                icon=":material/error:",
            )
            st.button(
                "Dismiss",
                key=f"dismiss_import_{record.id}",
                on_click=imports.forget_import,
                args=(ws.database, record.id),
            )


def followed_import(ws: Workspace) -> ImportRecord | None:
    """The import that this window has asked for, as long as it has not led on."""
    import_id = state.FOLLOWED_IMPORT.get()
    if import_id is None:
        return None
    try:
        record = imports.get_import(ws.database, import_id)
    except NotFoundError:  # dismissed in another window
        record = None
    if record is None or record.status in ("failed", "cancelled"):
        state.FOLLOWED_IMPORT.set(None)
        return None
    return record


def _open(ws: Workspace, import_id: int, live: bool) -> None:
    """live: the fragment redraws itself, because the import was under way when the page was drawn."""
    with told("The state of the import cannot be read", "It goes on by itself; this page looks again."):
        try:
            record = imports.get_import(ws.database, import_id)
        except NotFoundError:
            st.rerun()
        if record.active != live or record.status in ("done", "failed", "cancelled"):
            st.rerun()
        if record.status == "ready" or (
            record.stage == "check" and record.preview and ws.user.may("maintainer")
        ):
            dry_run_panel(ws, record)
            return
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            if record.cancel_requested:
                text = "Stopping…"
            elif record.total:
                text = f"{plain(record.doing)}: {record.done} of {record.total}"
            else:
                text = "Starting…"
            share = record.done / record.total if record.total else 0.0
            st.progress(min(1.0, share), text=f"{_name(record)} · {text}")
            if not ws.user.may("maintainer"):
                return
            st.button(
                "Cancel",
                key=f"cancel_import_{record.id}",
                icon=":material/stop_circle:",
                disabled=record.cancel_requested,
                on_click=cancel,
                args=(ws, record),
            )


def _name(record: ImportRecord) -> str:
    return f"“{plain(record.name)}”" if record.name else "The demo"
