"""Further images for a project: files, a zip or a folder, checked like those of a new project."""

from pathlib import Path

import streamlit as st

from app import state
from app.components.library.folder_choice import folder_choice
from app.components.library.new_project import FOLDER, ask_and_start, upload_limit
from app.importing.formats.annotated import is_image
from app.services import imports
from app.workspace import Workspace
from db.records import ClassRecord, ProjectRecord

FILES = "Upload files"
ICON = ":material/add_photo_alternate:"
_IN_FILE = ""  # instead of a class


def add_images_menu(ws: Workspace, project: ProjectRecord, classes: tuple[ClassRecord, ...]) -> None:
    """The menu of a project's page; what was chosen is checked, and waits for a decision on the page."""
    if state.FOLLOWED_IMPORT.get() is not None:  # what was uploaded leaves the server's memory
        st.button(
            "Add images",
            key="add_images_later",
            icon=ICON,
            disabled=True,
            help="An import is open on this page. Finish it or cancel it first.",
        )
        return
    with st.popover("Add images", icon=ICON):
        roots = ws.settings.import_roots
        source = FILES
        if roots:
            source = st.segmented_control(
                "Images",
                [FILES, FOLDER],
                key="added_source",
                default=FILES,
                required=True,
                label_visibility="collapsed",
            )
        uploads, folder, class_name = [], None, _IN_FILE
        if source == FILES:
            uploads = st.file_uploader(
                "A zip, or images",
                accept_multiple_files=True,
                key="added_images",
                max_upload_size=ws.settings.max_upload_mb,
                help="The same formats as for a new project. Images that the project has already are kept "
                f"once, with their labels and drawings. {upload_limit(ws)}",
            )
            if any(is_image(upload.name) for upload in uploads):
                class_name = st.selectbox(
                    "These images show",
                    [_IN_FILE, *(item.name for item in classes)],
                    key="added_class",
                    format_func=lambda name: name or "what a file among them says",
                )
        else:
            folder = folder_choice(roots, key="added_folder")
        if st.button(
            "Check files",
            key="check_added",
            type="primary",
            icon=":material/fact_check:",
            disabled=not uploads and not folder,
            help=None if uploads or folder else "Choose images first.",
        ):
            what = f"Nothing was added to “{project.name}”"
            if folder:
                ask_and_start(
                    what,
                    ws,
                    lambda: imports.ask_for_folder(
                        ws, "", Path(folder), stage="check", project_id=project.id
                    ),
                )
            else:
                files = [(upload.name, upload) for upload in uploads]
                ask_and_start(what, ws, lambda: imports.ask_for_files(ws, project.id, files, class_name))
