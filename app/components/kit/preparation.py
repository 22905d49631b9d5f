"""A download that takes seconds to make: a button, its progress, then the files."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from app.components.kit.error_box import told
from app.components.kit.text import plain
from app.jobs import preparing
from app.jobs.preparing import Preparation, Request
from app.workspace import Workspace

REDRAW_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Download:
    """A file of a finished preparation."""

    file: str  # in its folder
    label: str
    name: str  # for the person's disk
    mime: str


def preparation_button(
    ws: Workspace,
    request: Request,
    label: str,
    downloads: tuple[Download, ...],
    *,
    key: str,
    help: str,
    icon: str = ":material/inventory_2:",
) -> None:
    """The button that makes it; when it is made, a button for each of its files that is there."""
    preparation = preparing.status(ws, request)
    if preparation.status == "done":
        for download in downloads:
            path = preparation.folder / download.file
            if path.is_file():
                st.download_button(
                    download.label,
                    data=_reader(path),
                    file_name=download.name,
                    mime=download.mime,
                    key=f"{key}_{Path(download.file).suffix[1:]}",
                    icon=":material/download:",
                    on_click="ignore",
                )
        return
    working = preparation.status == "working"
    if st.button(label, key=key, icon=icon, disabled=working, help=help):
        with told("The download was not made", "Try again."):
            preparing.begin(ws, request)
            st.rerun()


def preparation_progress(ws: Workspace, request: Request, failed: str) -> None:
    """How far it is, or why it failed; nothing otherwise. failed: the title of that message."""
    preparation = preparing.status(ws, request)
    if preparation.status == "working":
        st.fragment(_live, run_every=REDRAW_SECONDS)(ws, request)
    elif preparation.status == "failed":
        st.error(plain(preparation.message), title=plain(failed), icon=":material/error:")


def _live(ws: Workspace, request: Request) -> None:
    preparation = preparing.status(ws, request)
    if preparation.status != "working":
        st.rerun()
    st.progress(_share(preparation), text=plain(preparation.doing or "Starting") + "…")


def _share(preparation: Preparation) -> float:
    return min(1.0, preparation.done / preparation.total) if preparation.total else 0.0


def _reader(path: Path) -> Callable[[], bytes]:
    """Read only when the button is pressed, and only then kept in memory."""
    return path.read_bytes
