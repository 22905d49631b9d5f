"""The progress of a run, redrawn every second while it is active."""

import streamlit as st

from app.components.kit.error_box import told
from app.components.kit.text import plain
from app.jobs import launch
from app.services import training
from app.workspace import Workspace
from db import library, runs
from db.records import ACTIVE_STATUSES, RunRecord

REDRAW_SECONDS = 1.0


def progress_of(run: RunRecord) -> tuple[float, str]:
    """(share of the current phase done in [0, 1], text), from the latest event."""
    if run.cancel_requested:
        return 1.0, "Stopping…"
    if run.status == "queued":
        return 0.0, "Waiting for the trainer…"
    event = run.progress
    if event.get("event") == "phase" and event["total"]:
        return event["done"] / event["total"], f"{event['name']}: {event['done']} of {event['total']}"
    if event.get("event") == "phase":
        return 0.0, f"{event['name']}…"
    if event.get("event") == "step":
        return event["step"] / event["total"], f"Training: step {event['step']} of {event['total']}"
    if event.get("event") == "validation":
        return 1.0, f"Validation: {100 * event['accuracy']:.0f} % of {event['n']} images right"
    return 0.0, "Starting…"


def watch(ws: Workspace, run_id: int) -> None:
    """Show an active run live, with a Cancel button. The page reruns when the run ends."""
    st.fragment(live_status, run_every=REDRAW_SECONDS)(ws, run_id)


def live_status(ws: Workspace, run_id: int) -> None:
    """The part of the page that is drawn again every second. Starts a trainer that was killed again."""
    with told("The state of the run cannot be read", "The run continues. This page tries again in a second."):
        launch.ensure_worker(ws)  # this alone is drawn again while somebody watches
        run = runs.get_run(ws.database, run_id)
        if run.status not in ACTIVE_STATUSES:
            st.rerun()
        share, sentence = progress_of(run)
        before = runs.running(ws.database) if run.status == "queued" else None
        if before is not None:
            name = plain(library.get_project(ws.database, before.project_id).name)
            sentence = f"Waiting for the run of {name}…"
        st.progress(min(1.0, share), text=sentence)
        if ws.user.may("maintainer") and st.button(
            "Cancel", key="panel_cancel", icon=":material/stop_circle:", disabled=run.cancel_requested
        ):
            training.cancel(ws, run_id)
            st.rerun()
        losses = training.curves(ws, run_id).losses.get("total", [])
        values = [loss for loss in losses if loss is not None]
        if len(values) > 1:
            st.metric("Loss", f"{values[-1]:.2f}", chart_data=values, height=104)
