"""Train: every run of the project, with its settings, curves and result."""

import streamlit as st

from app import opening, state
from app.components.kit.charts import line_chart
from app.components.kit.empty import empty_state
from app.components.kit.error_box import told
from app.components.kit.number_format import percent
from app.components.kit.text import ago, plain
from app.components.runs.publishing import publish_button
from app.components.runs.run_failure import run_failure
from app.components.runs.run_labels import STATUS, loss_name, settings_in_words, title
from app.components.runs.run_status import REDRAW_SECONDS, progress_of
from app.components.sidebar import chosen_project
from app.services import training, whose_drawings
from app.workspace import Workspace
from db import library, runs, versions
from db.records import ACTIVE_STATUSES, RunRecord


def train_page(ws: Workspace) -> None:
    project = chosen_project(ws)
    if project is None:
        empty_state(
            "monitoring",
            "No project yet",
            "Start the demo or import your own images.",
            page="views/library.py",
            action="Open the Library",
            key="train_to_library",
        )
        return
    project_runs = runs.list_runs(ws.database, project.id)
    if not project_runs:
        empty_state(
            "monitoring",
            "No training yet",
            "Press “Train first model” in the sidebar. Its curves appear here.",
        )
        return
    run = _choose(project_runs)
    if run.status in ACTIVE_STATUSES:
        st.fragment(_details, run_every=2 * REDRAW_SECONDS)(ws, run.id, live=True)
    else:
        _details(ws, run.id, live=False)


def _choose(project_runs: list[RunRecord]) -> RunRecord:
    """project_runs: all runs of the project, newest first."""
    by_id = {run.id: run for run in project_runs}
    numbers = dict(zip(by_id, range(len(project_runs), 0, -1), strict=True))
    if state.RUN.get() not in by_id or state.NEWEST_RUN.get() != project_runs[0].id:
        state.RUN.set(project_runs[0].id)  # a new run is what people want to see
        state.NEWEST_RUN.set(project_runs[0].id)
    chosen = st.selectbox(
        "Run",
        list(by_id),
        # Without the status: a label that changes would stay as it was on screen.
        format_func=lambda run_id: title(by_id[run_id], numbers[run_id]),
        key=state.RUN.name,
        width=420,
    )
    return by_id[chosen]


def _details(ws: Workspace, run_id: int, *, live: bool) -> None:
    with told("This run cannot be shown", "Reload the page. A run in progress continues."):
        run = runs.get_run(ws.database, run_id)
        if live and run.status not in ACTIVE_STATUSES:
            st.rerun()
        _status(ws, run)
        curves = training.curves(ws, run.id)
        several = library.get_project(ws.database, run.project_id).multi_label
        accuracy = "Top class right" if several else "Accuracy"
        left, right = st.columns([0.62, 0.38], gap="medium")
        with left:
            if curves.steps:
                names = sorted(curves.losses, key=lambda name: name != "total")  # drawn first, below
                losses = {loss_name(name): (curves.steps, curves.losses[name]) for name in names}
                line_chart("Losses", losses, key="losses_chart", alt="Loss terms by training step")
            if curves.steps and curves.validation_steps:
                line_chart(
                    f"{accuracy} on {curves.validation_images} validation images",
                    {accuracy: (curves.validation_steps, curves.accuracy)},
                    key="accuracy_chart",
                    percent=True,
                    alt="Validation accuracy by training step",
                )
            if not curves.steps:
                st.caption(
                    "No curves yet. They begin with the first training step."
                    if run.status in ACTIVE_STATUSES
                    else "No curves: the run ended before its first training step."
                )
        with right:
            _facts(ws, run, curves, accuracy)


def _status(ws: Workspace, run: RunRecord) -> None:
    name, colour, icon = STATUS[run.status]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(name.capitalize(), icon=icon, color=colour)  # type: ignore[arg-type]
        st.caption(f"Started {ago(run.created_at)}" + _took(run), width="content")
    if run.status in ACTIVE_STATUSES:
        share, sentence = progress_of(run)
        st.progress(min(1.0, share), text=sentence)
    elif run.status == "failed":
        with st.container(width=560):
            run_failure(ws, run, key="retry_shown")
    elif run.message:
        st.caption(plain(run.message))
    project = library.get_project(ws.database, run.project_id)
    if run.status == "kept" and run.version_id not in (None, project.current_version_id):
        version = versions.get_version(ws.database, run.version_id)
        publish_button(ws, project, version, key="train_publish")


def _took(run: RunRecord) -> str:
    if run.started_at is None or run.finished_at is None:
        return ""
    return f" · took {(run.finished_at - run.started_at).total_seconds():.0f} s"


def _facts(ws: Workspace, run: RunRecord, curves: training.Curves, accuracy: str) -> None:
    numbers = {version.id: version.number for version in versions.list_versions(ws.database, run.project_id)}
    if curves.steps and curves.accuracy:  # before the first step, this is the accuracy of the start model
        st.metric(f"{accuracy} on validation", percent(curves.accuracy[-1]))
    drawings_of = plain(whose_drawings.stated(ws, run.whose))
    words = settings_in_words(run, numbers.get(run.base_version_id or 0), drawings_of)
    if run.version_id is not None:
        words["Published" if run.status == "published" else "Stored"] = (
            f"version {numbers.get(run.version_id, '?')}"
        )
    if run.attempt > 1:
        words["Attempts"] = f"{run.attempt}: interrupted, resumed from the last checkpoint"
    st.table(words, border="horizontal")


st.header("Train", anchor=False)
with told("The runs cannot be shown", "Reload the page. A run in progress continues."):
    train_page(opening.workspace())
