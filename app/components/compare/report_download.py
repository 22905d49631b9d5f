"""The report of a comparison: made in the background, then downloaded."""

from app.components.kit.preparation import Download, preparation_button, preparation_progress
from app.components.kit.text import file_name
from app.jobs.preparing import Request
from app.services.comparison import Comparison
from app.workspace import Workspace
from db.records import ProjectRecord


def report_button(ws: Workspace, project: ProjectRecord, comparison: Comparison) -> None:
    """The button, or the buttons of the finished report."""
    before, after = comparison.before.version, comparison.after.version
    name = f"{file_name(project.name)}-v{before.number}-v{after.number}-{comparison.after.split}"
    preparation_button(
        ws,
        _request(project, comparison),
        "Make report",
        (
            Download("report.html", "Report", f"{name}.html", "text/html"),
            Download("report.pdf", "Report as PDF", f"{name}.pdf", "application/pdf"),
        ),
        key="make_report",
        help="One file for people who were not here: what was wrong, what was drawn, figures with tests, and "
        "the same images with both maps.",
    )


def report_progress(ws: Workspace, project: ProjectRecord, comparison: Comparison) -> None:
    """How far it is, or why it failed."""
    preparation_progress(ws, _request(project, comparison), "The report was not made")


def _request(project: ProjectRecord, comparison: Comparison) -> Request:
    before, after = comparison.before.version, comparison.after.version
    return Request("report", project.id, after.id, before.id, comparison.after.split)
