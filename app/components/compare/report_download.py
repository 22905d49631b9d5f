"""The report of two versions: made in the background, then downloaded."""

from app.components.kit.preparation import Download, preparation_button, preparation_progress
from app.components.kit.text import file_name
from app.jobs.preparing import Request
from app.workspace import Workspace
from db.records import ProjectRecord, Split, VersionRecord


def report_button(
    ws: Workspace,
    project: ProjectRecord,
    before: VersionRecord,
    after: VersionRecord,
    split: Split,
    *,
    key: str,
) -> None:
    """The button, or the buttons of the finished report."""
    name = f"{file_name(project.name)}-v{before.number}-v{after.number}-{split}"
    preparation_button(
        ws,
        Request("report", project.id, after.id, before.id, split),
        "Make report",
        (
            Download("report.html", "Report", f"{name}.html", "text/html"),
            Download("report.pdf", "Report as PDF", f"{name}.pdf", "application/pdf"),
        ),
        key=key,
        help=f"Version {after.number} against version {before.number} on {split} images, in one file for "
        "people who were not here: what was wrong, what was drawn, figures with tests, and the same images "
        "with both maps.",
    )


def report_progress(
    ws: Workspace, project: ProjectRecord, before: VersionRecord, after: VersionRecord, split: Split
) -> None:
    """How far it is, or why it failed."""
    request = Request("report", project.id, after.id, before.id, split)
    preparation_progress(ws, request, "The report was not made")
