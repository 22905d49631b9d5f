"""The sidebar's Retrain panel: start a run, watch it, see its result."""

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from app import counts, state
from app.components.annotate.queue_filters import narrow
from app.components.kit.error_box import told
from app.components.kit.text import duration, listed, one_of, plain
from app.components.runs.method_choice import method_choice
from app.components.runs.publishing import publish_button
from app.components.runs.run_failure import run_failure
from app.components.runs.run_status import watch
from app.components.runs.whose_choice import whose_choice, whose_note
from app.services import training
from app.services.training import TrainingStatus
from app.workspace import Workspace
from db import drafts, versions
from db.queue_filters import QueueFilter
from db.records import ProjectRecord, RunMode, RunRecord, VersionRecord
from gain_core.training.objectives import Automatic

NAMED = 3  # classes named in one sentence
MODES: dict[RunMode, str] = {"quick": "Quick", "full": "Full"}


def run_panel(ws: Workspace, project: ProjectRecord) -> None:
    published = project.current_version_id
    st.markdown(
        "**First model**"
        if published is None
        else "**Retrain**"
        if ws.user.may("maintainer")
        else "**Model**"
    )
    with told("The training cannot be shown", "Reload the page. A run in progress continues."):
        status = training.status(ws, project.id)
        if status.active is not None:
            watch(ws, status.active.id)
            return
        if not ws.user.may("maintainer"):
            st.caption(f"A maintainer trains and publishes models. {whose_note(ws, project)}")
        elif published is None:
            start_first_model(ws, project, key="panel_first_model")
            st.caption("Trains on the labels. Then you see where the model looks.")
        else:
            _start_retrain(ws, project, status, published)
        if status.last is not None:
            _ending(ws, project, status.last)


def start_first_model(ws: Workspace, project: ProjectRecord, *, key: str) -> None:
    """The button that trains a project's first model, or retrains it."""
    if not ws.user.may("maintainer"):
        return
    label = "Train first model" if project.current_version_id is None else "Retrain first model"
    kind: Literal["primary", "secondary"] = "primary" if project.current_version_id is None else "secondary"
    # A callback: it is carried out even where another redraw, of an import that ends, replaces this one.
    st.button(
        label, key=key, type=kind, icon=":material/play_arrow:", on_click=_first_model, args=(ws, project.id)
    )


def _first_model(ws: Workspace, project_id: int) -> None:
    with told("The training did not start", "Try again."):
        training.request_first_model(ws, project_id)


def _start_retrain(ws: Workspace, project: ProjectRecord, status: TrainingStatus, published: int) -> None:
    state.MODE.get()
    st.segmented_control(
        "Mode",
        list(MODES),
        format_func=MODES.__getitem__,
        key=state.MODE.name,
        required=True,
        label_visibility="collapsed",
        help="Quick trains the last layers: seconds. Full trains all layers: minutes.",
        persist_state="session",
        width="stretch",
    )
    mode = state.MODE.get()
    lessons = counts.lessons(ws, project)
    guided = lessons.guided_training
    nothing = guided == 0 and lessons.moved_images == 0
    pressed = st.button(
        "Retrain",
        key="retrain",
        type="primary",
        icon=":material/model_training:",
        width="stretch",
        disabled=nothing,
        help="Draw on at least one image first." if nothing else None,
    )
    if nothing:
        st.caption("No drawings yet. Draw on an image in Annotate, then retrain.")
        if mode == "quick" and not project.multi_label:
            _guessed_outlines(ws, project)
    else:
        learns = [f"{one_of(guided, 'image')} guided"]
        if lessons.moved_images:
            learns.append(f"{lessons.moved_images} moved to training")
        st.caption(" · ".join([*learns, _time_needed(mode, status.expected_seconds.get(mode))]))
        if mode == "quick" and lessons.refits:
            st.caption("The last layer is then refitted with the moved images.")
        start = training.before_quick_retrains(ws, published)
        if start.id != published:
            st.caption(f"Starts from version {start.number} and uses all saved guidance.")
    if mode == "quick" and lessons.unguided_classes:
        st.caption(_left_alone(lessons.unguided_classes))
    unsaved = len(drafts.drafted_images(ws.database, project.id))
    if unsaved:
        pressed_unsaved = st.button(
            f":orange[{one_of(unsaved, 'drawing')} not saved yet]",
            key="show_unsaved",
            type="tertiary",
            icon=":material/edit:",
            help="Only saved drawings are used for training. Shows their images.",
        )
        if pressed_unsaved:
            _show_unsaved(project.id)
    whose_choice(ws, project)
    method = method_choice(mode, project.multi_label)
    if pressed:
        with told("The retraining did not start", "Nothing was changed; try again."):
            training.request_retrain(ws, project.id, mode, objective=method)
            st.rerun()


def _show_unsaved(project_id: int) -> None:
    """Their images are the queue. The sidebar is drawn before any page."""
    state.GROUP.set(None)
    narrow(project_id, QueueFilter(unsaved=True))
    if state.PAGE.get() != "Annotate":
        st.switch_page("views/annotate.py")


def _guessed_outlines(ws: Workspace, project: ProjectRecord) -> None:
    """The button for a retrain that needs no drawing."""
    pressed = st.button(
        "Try guessed outlines",
        key="retrain_guessed",
        icon=":material/auto_fix_high:",
        width="stretch",
        help="Needs no drawing. The object in the middle of up to 100 training images is outlined by its "
        "colours; then the model is retrained with these outlines. Worst group on test images, 5 seeds: "
        "boats on water (n = 63) 50 → 82 ± 8 %, labels alone 67; pasted objects (n = 28) 39 → 73 ± 12 %, "
        "labels 38; fruit in a studio (n = 38) 66 → 68 ± 4 %, labels 67. Twenty drawn outlines reached "
        "83, 78 and 74.",
    )
    if pressed:
        with told("The retraining did not start", "Nothing was changed; try again."):
            training.request_retrain(ws, project.id, "quick", objective=Automatic.key)
            st.rerun()


def _left_alone(classes: Sequence[str]) -> str:
    more = len(classes) - NAMED
    names = [plain(name) for name in classes[:NAMED]] + ([f"{more} more"] if more > 0 else [])
    return f"No drawings for {listed(names)} yet. Draw on a few images of each class."


def _time_needed(mode: RunMode, seconds: float | None) -> str:
    """seconds: measured here, if anything was."""
    layers, usual = ("last layers", "seconds") if mode == "quick" else ("all layers", "minutes")
    return f"{usual if seconds is None else f'about {duration(seconds)}'} ({layers})"


def _ending(ws: Workspace, project: ProjectRecord, run: RunRecord) -> None:
    published = counts.published_version(ws, project)
    if run.version_id is not None:
        version = counts.version(ws, project, run.version_id)
        if run.status == "kept" and version.id != project.current_version_id:
            why = plain(run.message or "")
            st.markdown(
                f":orange[:material/inventory_2: **Version {version.number}** is ready.] :small[{why}]"
            )
            publish_button(ws, project, version, key="panel_publish")
        else:
            st.markdown(_made(ws, project, version, published.number if published else None))
        if version.parent_id is None:
            if state.PAGE.get() != "Annotate" and st.button(
                "See where it looks", key="panel_annotate", icon=":material/draw:", width="stretch"
            ):
                st.switch_page("views/annotate.py")
        elif state.PAGE.get() != "Compare" and st.button(
            "See what changed", key="see_what_changed", icon=":material/compare:", width="stretch"
        ):
            state.COMPARED_FOR.set(None)
            st.switch_page("views/compare.py")
    elif run.status == "cancelled":
        now = f" Version {published.number} is published." if published else ""
        st.info(plain(run.message or "The last run was cancelled.") + now, icon=":material/stop_circle:")
    elif run.status == "failed":
        run_failure(ws, run, key="retry")


def _made(ws: Workspace, project: ProjectRecord, version: VersionRecord, published: int | None) -> str:
    """The version that a run made, and how many images it fixes or gets newly wrong."""
    state_of_it = (
        "is published" if version.number == published else f"is ready; version {published} is published"
    )
    fixed, newly_wrong, changes = 0, 0, ""
    all_versions = versions.list_versions(ws.database, version.project_id)
    if earlier := [other for other in all_versions if other.number < version.number]:
        fixed, newly_wrong = counts.changes(ws, project, earlier[-1].id, version.id)
    if fixed or newly_wrong:
        images = one_of(fixed, "validation image")
        changes = (
            f" :small[Compared with version {earlier[-1].number}: {images} fixed, {newly_wrong} newly wrong.]"
        )
    colour, icon = ("orange", "warning") if newly_wrong > fixed else ("green", "check_circle")
    worse = " :small[Roll it back in Models.]" if newly_wrong > fixed and version.number == published else ""
    return f":{colour}[:material/{icon}: **Version {version.number}** {state_of_it}.]{changes}{worse}"
