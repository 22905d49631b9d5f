"""Creating a project: the demo in one click, or your own images."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from app import resources, state
from app.components.kit.error_box import told
from app.components.kit.text import plain
from app.components.library.folder_choice import folder_choice
from app.importing.importer import MAX_PROJECT_NAME
from app.jobs import launch
from app.services import imports
from app.workspace import Workspace
from db import runs
from db.imports import ImportRecord
from db.library import find_project

ZIP, FOLDER = "Upload a zip", "Folder on the server"

FORMATS = """
**One folder per class.** Folders named `train`, `validation` and `test` above them define the splits; without
them, images are divided automatically.

```
photos.zip
├── boat/   a.jpg  b.jpg …
└── car/    c.jpg  d.jpg …
```

**Or an `index.csv`** with the columns `file` and `label`. Optional columns: `split`, `mask` (a
black-and-white image of the object, for evaluation only), and any other column as a group, such as `place`.
An image of several classes has `boat|person` as its label, and its masks likewise.

```
file,label,split,mask,place
images/a.jpg,boat,train,masks/a.png,water
```
COCO, Pascal VOC, YOLO, Label Studio, CVAT and Waterbirds' `metadata.csv` are read as they are. Images: JPEG,
PNG, WebP, BMP, TIFF, GIF or AVIF. The check shows what would be stored, and what is left out and why.
"""


def demo_choice(ws: Workspace) -> None:
    """One click draws the demo, stores it and queues its first model."""
    st.subheader("Try the demo", icon=":material/sailing:", anchor=False)
    st.markdown(
        "Synthetic boats, cars, houses and buoys. In training, every boat is **at sea**, so the model learns "
        "the sea instead of the boat. See it, draw on a few images, and correct it. Takes a minute."
    )
    with st.container(horizontal=True, gap="xsmall"):  # columns would stand one below the other on a phone
        for shows, picture in resources.demo_pictures():
            st.image(picture, width="stretch", alt=shows)
    st.space("stretch")
    if st.button(
        "Try the demo",
        key="try_demo",
        type="primary",
        icon=":material/play_arrow:",
        width="stretch",
        disabled=state.FOLLOWED_IMPORT.get() is not None,
    ):
        ask_and_start("The demo was not created", ws, lambda: imports.ask_for_demo(ws))


def own_choice(ws: Workspace) -> None:
    """A form for your own images."""
    st.subheader("New project", icon=":material/add_photo_alternate:", anchor=False)
    if state.FOLLOWED_IMPORT.get() is not None:  # not drawn: what was uploaded leaves the server's memory
        st.caption("An import is open above. Import it or cancel it first.")
        return
    if state.NEW_PROJECT_MADE.get():
        state.NEW_NAME.set("")
        state.NEW_PROJECT_MADE.set(False)
    name = st.text_input(
        "Name",
        key=state.NEW_NAME.name,
        placeholder="Boats in the bay",
        max_chars=MAX_PROJECT_NAME,
        persist_state="session",
    )
    roots = ws.settings.import_roots
    source = ZIP
    if roots:
        source = st.segmented_control(
            "Images",
            [ZIP, FOLDER],
            key="new_source",
            default=ZIP,
            required=True,
            label_visibility="collapsed",
        )
    upload, folder = None, None
    if source == ZIP:
        upload = _upload(ws)
    else:
        folder = folder_choice(roots, key="new_folder")
    with st.expander("What should the zip contain?" if source == ZIP else "What should the folder contain?"):
        st.markdown(FORMATS)
    taken = find_project(ws.database, name.strip()) is not None
    if taken:  # shown before the upload starts
        st.caption(f":orange[A project named {plain(name.strip())} exists. Choose another name.]")
    missing = taken or not name.strip() or (upload is None and not folder)
    hint = "Choose another name." if taken else "Enter a name and choose images first."
    st.caption("You have a trained model? Bring it in the next step: **I have a model**.")
    if st.button(
        "Check files",
        key="create_project",
        type="primary",
        icon=":material/fact_check:",
        width="stretch",
        disabled=missing,
        help=hint if missing else None,
    ):
        what = f"Could not create “{name.strip()}”"
        if upload is not None:
            ask_and_start(what, ws, lambda: imports.ask_for_upload(ws, name, upload, stage="check"))
        else:
            ask_and_start(
                what, ws, lambda: imports.ask_for_folder(ws, name, Path(str(folder)), stage="check")
            )


def upload_limit(ws: Workspace) -> str:
    """Says which limits an upload may meet."""
    return (
        f"At most {ws.settings.max_upload_mb:,} MB unpacked (REFOCUS_MAX_UPLOAD_MB). If the upload ends "
        "with “413”, a proxy in front of this server has a lower limit: raise it there, or import a folder "
        "on the server."
    )


def _upload(ws: Workspace) -> Any:
    """The chosen zip, kept across page switches: the browser's field forgets it."""
    chosen = st.file_uploader(
        "Zip with your images",
        type="zip",
        key="new_zip",
        on_change=state.UPLOAD.set,
        args=(None,),
        max_upload_size=ws.settings.max_upload_mb,
        help=upload_limit(ws),
    )
    if chosen is not None:
        state.UPLOAD.set(chosen)
    upload = state.UPLOAD.get()
    if chosen is None and upload is not None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f":green[:material/check:] {plain(upload.name)} is selected.", width="content")
            st.button("Remove", key="remove_upload", type="tertiary", on_click=state.UPLOAD.set, args=(None,))
    return upload


def ask_and_start(what: str, ws: Workspace, ask: Callable[[], ImportRecord]) -> None:
    """Request an import and start it. It continues when this page is left or loses its connection."""
    with told(what, "Nothing was imported. Fix this and try again."):
        record = ask()
        state.FOLLOWED_IMPORT.set(record.id)
        state.UPLOAD.set(None)
        launch.start_import(ws, record.id)
        st.rerun()


def lead_on(ws: Workspace, record: ImportRecord) -> None:
    """Show the project that an import of this window has made or added to."""
    state.FOLLOWED_IMPORT.set(None)
    state.choose_project(record.project_id)
    state.NEW_PROJECT_OPEN.set(False)
    state.IMPORT_NOTES.set(record.notes)
    if record.source != "demo" and not record.adds:
        state.UPLOAD.set(None)
        state.NEW_PROJECT_MADE.set(True)
    elif record.source == "demo" and record.project_id is not None:
        run = runs.active_run(ws.database, record.project_id) or runs.last_ended(
            ws.database, record.project_id
        )
        state.FOLLOWED_RUN.set(None if run is None else run.id)
    st.rerun()
