"""Library: start the demo, import images, see what a project holds and what was refused."""

import streamlit as st

from app import counts, opening, state
from app.components.kit.dialog_button import dialog_button
from app.components.kit.error_box import told
from app.components.kit.text import one_of, plain
from app.components.library.activity import activity_table
from app.components.library.add_images import add_images_menu
from app.components.library.changed_labels import changed_labels_table
from app.components.library.drawings_menu import download_drawings, drawings_menu
from app.components.library.first_model import first_model_choice
from app.components.library.import_panel import followed_import, import_panel
from app.components.library.new_project import demo_choice, lead_on, own_choice
from app.components.library.project_images import counts_table, groups_tables, refusals_table, thumbnails
from app.components.library.storage import storage_button
from app.components.runs.run_panel import start_first_model
from app.components.sidebar import chosen_project
from app.importing.importer import MAX_PROJECT_NAME
from app.services import labels, library, recycle_bin
from app.services.library import ProjectOverview
from app.workspace import Workspace
from db import runs
from db.records import ProjectRecord

ACTIVITY = "Activity"
SOURCES = {"demo": "synthetic images", "upload": "uploaded", "folder": "from a folder"}


def library_page(ws: Workspace) -> None:
    followed = followed_import(ws)
    if followed is not None and followed.status == "done":
        lead_on(ws, followed)
    with st.container():  # keeps its place when it is empty: what is below is not replaced under a click
        import_panel(ws)
    if not ws.database.write_ahead:
        st.warning(
            "The disk of the data folder does not support SQLite's write-ahead log. Everything works, but "
            "pages wait while something is stored. Is it a network drive? Then move the data folder to a "
            "local disk (REFOCUS_HOME).",
            icon=":material/hard_drive:",
        )
    project = chosen_project(ws)
    if project is None:
        st.title("See where your classifier looks. Then correct it.", anchor=False)
        st.markdown(
            "Some models are right for the wrong reason: they say “boat” because they see water. See which "
            "pixels decide, draw which ones should, retrain, and check that the bias is gone."
        )
        if ws.user.may("maintainer"):
            _two_choices(ws)
            storage_button(ws)
        else:
            st.markdown("There is no project yet. A maintainer imports images.")
        return
    overview = counts.overview(ws, project)
    _head(ws, project, overview)
    if state.NEW_PROJECT_OPEN.get() and ws.user.may("maintainer"):
        _two_choices(ws)
    _first_model(ws, project)
    _notes()
    _holdings(ws, project, overview)
    if ws.user.may("maintainer"):
        storage_button(ws)


def _two_choices(ws: Workspace) -> None:
    demo, own = st.columns(2, gap="medium")
    with demo.container(border=True, height="stretch"):
        demo_choice(ws)
    with own.container(border=True, height="stretch"):
        own_choice(ws)


def _head(ws: Workspace, project: ProjectRecord, overview: ProjectOverview) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(plain(project.name), width="stretch", anchor=False)
        if ws.user.may("maintainer"):
            _maintenance(ws, project, overview)
        else:
            drawings_menu(ws, project, overview.n_guided)
    facts = [
        f"{one_of(overview.n_images, 'image')} of {one_of(len(overview.classes), 'class', 'classes')}",
        f"{overview.n_guided} guided",
        SOURCES.get(project.source, project.source),
    ]
    if overview.n_masks:
        facts.append(f"{overview.n_masks} with a mask (for evaluation only)")
    if overview.n_moved:
        facts.append(f"{one_of(overview.n_moved, 'image')} moved from validation to training")
    if overview.n_refused:
        facts.append(f"{one_of(overview.n_refused, 'file')} refused")
    st.caption(" · ".join(facts))


def _maintenance(ws: Workspace, project: ProjectRecord, overview: ProjectOverview) -> None:
    """The buttons of the head that need a maintainer, and the drawings among them."""
    is_open = state.NEW_PROJECT_OPEN.get()
    # A callback: drawn open at once, or what is typed into the form meanwhile would be lost.
    st.button(
        "Close" if is_open else "New project",
        key="toggle_new_project",
        icon=":material/close:" if is_open else ":material/add:",
        on_click=state.NEW_PROJECT_OPEN.set,
        args=(not is_open,),
    )
    add_images_menu(ws, project, overview.classes)
    drawings_menu(ws, project, overview.n_guided)
    rename = {"key": "rename_project", "icon": ":material/edit:", "help": "Rename this project"}
    delete = {"key": "delete_project", "icon": ":material/delete:", "help": "Delete this project"}
    if dialog_button("Rename", ("rename", project.id), **rename):
        _ask_for_name(project)
    if dialog_button("Delete", ("delete", project.id), **delete):
        _confirm_deletion(project, overview)


@st.dialog("Rename this project", icon=":material/edit:", on_dismiss=state.close_dialog)
def _ask_for_name(project: ProjectRecord) -> None:
    with st.form("rename", border=False):  # so that Enter works too
        name = st.text_input("Name", value=project.name, key="other_name", max_chars=MAX_PROJECT_NAME)
        if st.form_submit_button("Rename", key="confirm_rename", type="primary"):
            with told(f"{project.name} was not renamed", "Choose another name."):
                library.rename_project(opening.workspace(), project.id, name)
                state.close_dialog()
                st.rerun()


@st.dialog("Delete this project?", icon=":material/delete:", on_dismiss=state.close_dialog)
def _confirm_deletion(project: ProjectRecord, overview: ProjectOverview) -> None:
    st.markdown(
        f"**{plain(project.name)}**: {one_of(overview.n_images, 'image')}, the guidance of "
        f"{overview.n_guided} of them, all runs and all model versions go to the bin for "
        f"{opening.workspace().settings.bin_days:g} days, and are then deleted for good. Until then, "
        "*Storage* on this page brings them back."
    )
    with st.container(horizontal=True, horizontal_alignment="right"):
        if overview.n_guided:
            download_drawings(opening.workspace(), project, key="download_drawings_first")
        if st.button("Cancel", key="keep_project"):
            state.close_dialog()
            st.rerun()
        if st.button("Delete", key="confirm_delete", type="primary"):
            with told(f"{project.name} was not deleted", ""):
                ws, wake = opening.workspace(), state.WAKE.get()
                recycle_bin.put_into_bin(ws, project.id)
                wake.toast = f"{project.name} is in the bin."
                state.close_dialog()
                state.IMAGE.set(None)
                state.DRAFTS.set({})
                st.rerun()


def _first_model(ws: Workspace, project: ProjectRecord) -> None:
    """Leads from a fresh project to its first maps."""
    last = runs.last_ended(ws.database, project.id)
    if last is not None and last.id == state.FOLLOWED_RUN.get() and last.status == "published":
        state.FOLLOWED_RUN.set(None)
        state.WAKE.get().toast = "The first model is ready."
        st.switch_page("views/annotate.py")
    if project.current_version_id is not None:
        return
    with st.container(border=True):
        active = runs.active_run(ws.database, project.id)
        if active is None and not ws.user.may("maintainer"):
            st.markdown("**Next:** a maintainer trains a first model.")
        elif active is None:
            first_model_choice(ws, project)
        else:
            # No second progress bar beside the sidebar's: each asks the server once a second, and a question
            # that is under way while the page changes can leave the new page empty.
            doing = (
                "Training the first model"
                if project.given_model is None
                else "Asking your model about all images"
            )
            st.markdown(f"**{doing}.** Progress is on the left.")
            st.markdown("Annotate opens when it is ready.")
            state.FOLLOWED_RUN.set(active.id)


def _notes() -> None:
    """Choices that the last import made automatically; shown until the page is left."""
    if state.IMPORT_NOTES.get():
        st.info(plain(" ".join(state.IMPORT_NOTES.get())), icon=":material/info:")


def _holdings(ws: Workspace, project: ProjectRecord, overview: ProjectOverview) -> None:
    changes = labels.changed_labels(ws, project.id)
    names = ["Images", "Classes and groups"]
    if changes:
        names.append(f"Changed labels {len(changes)}")
    if overview.n_refused:
        names.append(f"Refused files {overview.n_refused}")
    names.append(ACTIVITY)
    tabs = st.tabs(names, key="library_tabs", on_change="rerun")
    with tabs[0]:
        picked = thumbnails(ws, project, overview)
        if picked is not None:
            state.IMAGE.set(picked)
            st.switch_page("views/annotate.py")
    with tabs[1]:
        left, right = st.columns(2, gap="medium")
        with left:
            counts_table(overview)
        with right:
            groups_tables(overview)
    if changes:
        with tabs[2]:
            changed_labels_table(changes)
            if project.current_version_id is not None and runs.active_run(ws.database, project.id) is None:
                st.caption(
                    "Used in the next retrain, which needs at least one drawing. No drawings? Retrain "
                    "the first model; you get a new version."
                )
                start_first_model(ws, project, key="labels_first_model")
    if overview.n_refused:
        with tabs[-2]:
            refusals_table(ws, project)
    if tabs[-1].open:  # read only then
        with tabs[-1]:
            activity_table(ws, project)


with told("The library cannot be shown", "Reload the page."):
    library_page(opening.workspace())
