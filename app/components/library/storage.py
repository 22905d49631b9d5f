"""What takes room, a button that cleans, and the bin."""

from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from app import opening, state
from app.components.kit.dialog_button import dialog_button
from app.components.kit.error_box import told
from app.components.kit.number_format import size
from app.components.kit.text import ago, one_of, plain
from app.services import recycle_bin, retention
from app.services.retention import Room
from app.services.storage import Kind
from app.workspace import Workspace
from db.library import project_names
from db.recycle_bin import BinnedProject

KINDS: dict[Kind, str] = {
    "images": "Images",
    "masks": "Masks",
    "models": "Models",
    "sessions": "ONNX sessions",
    "features": "Features",
    "thumbnails": "Thumbnails",
    "downloads": "Downloads",
    "checkpoints": "Checkpoints",
    "other": "Database, logs, uploads",
}


def storage_button(ws: Workspace) -> None:
    deleted = recycle_bin.count(ws)
    bin_full = f" · {one_of(deleted, 'deleted project')}" if deleted else ""
    label = f"Storage{bin_full}"
    button = {"key": "open_storage", "type": "tertiary", "icon": ":material/hard_drive:"}
    if dialog_button(label, ("storage", 0), **button):
        _storage()


@st.dialog("Storage", width="large", icon=":material/hard_drive:", on_dismiss=state.close_dialog)
def _storage() -> None:
    ws = opening.workspace()
    with told("Storage cannot be shown", "Close this and try again."):
        binned = recycle_bin.contents(ws)
        if binned:
            st.markdown(
                f"**Deleted projects.** Each is deleted for good after {_days(ws.settings.bin_days)}."
            )
            for item in binned:
                _deleted_project(ws, item)
        with st.spinner("Looking at all files"):
            room = retention.room(ws)
        _table(ws, room)
        _cleaning(ws, room)


def _deleted_project(ws: Workspace, item: BinnedProject) -> None:
    project = item.project
    deleted_at = project.deleted_at or datetime.now(UTC)
    with st.container(horizontal=True, vertical_alignment="center", key=f"binned_{project.id}"):
        with st.container(gap=None):
            st.markdown(plain(project.name))
            st.caption(f"{one_of(item.images, 'image')} · deleted {ago(deleted_at)}")
        if st.button("Restore", key=f"restore_{project.id}", icon=":material/restore_from_trash:"):
            with told(f"{project.name} was not restored", "Close this and try again."):
                restored = recycle_bin.take_out_of_bin(ws, project.id)
                state.WAKE.get().toast = f"{restored.name} is back."
                state.choose_project(restored.id)
                state.close_dialog()
                st.rerun()
        with st.popover("Delete now", icon=":material/delete_forever:"):
            st.markdown("Its images, guidance, runs and models are gone for good. This cannot be undone.")
            if st.button("Delete for good", key=f"delete_for_good_{project.id}", type="primary"):
                with told(f"{project.name} was not deleted", "Close this and try again."):
                    recycle_bin.delete_for_good(ws, project.id)
                    st.rerun(scope="fragment")


def _table(ws: Workspace, room: Room) -> None:
    # Also keeps the tools that appear above the table off the buttons of the bin.
    st.markdown("**What takes room.** A file that several projects share counts for the first.")
    names = project_names(ws.database)
    binned = {item.project.id for item in recycle_bin.contents(ws)}
    rows = []
    for project_id, kinds in room.by_project.items():
        name = names.get(project_id or 0, "No project")
        title = f"{name} (deleted)" if project_id in binned else name
        rows.append({"Project": title, **{KINDS[kind]: kinds.get(kind, 0) for kind in KINDS}})
    table = pd.DataFrame(rows, columns=["Project", *KINDS.values()])
    sizes = table[list(KINDS.values())]
    table.insert(1, "Total", sizes.sum(axis=1))
    empty = [title for title in sizes if not sizes[title].any()]
    st.dataframe(
        table.drop(columns=empty).sort_values("Total", ascending=False),
        hide_index=True,
        key="storage_table",
        column_config={
            title: st.column_config.NumberColumn(format="bytes") for title in ("Total", *KINDS.values())
        },
        alt="Room on the disk by project and kind of file",
    )


def _cleaning(ws: Workspace, room: Room) -> None:
    settings = ws.settings
    st.markdown(
        "Features, thumbnails, downloads and ONNX sessions are recomputed when needed. They are "
        f"removed after {_days(settings.keep_days)} without use, and beyond {settings.keep_gb:g} GB. So are "
        "checkpoints of failed runs, which start over when you retry them."
    )
    if st.button(
        f"Remove all of them now ({size(room.removable)})",
        key="clean_storage",
        icon=":material/mop:",
        disabled=not room.removable,
        help="Nothing of a published version or of a run under way is removed.",
    ):
        cleaned = retention.clean_all(ws)
        st.toast(f"{size(cleaned.size)} removed.")
        st.rerun(scope="fragment")


def _days(days: float) -> str:
    return f"{days:g} {'day' if days == 1 else 'days'}"
