"""What `train` and `retrain` tell of the version that they made."""

from app.cli.output import Output, Result
from app.jobs.to_the_end import train_to_the_end
from app.services.evaluation import report
from app.services.version_facts import counted
from app.workspace import Workspace
from db import versions
from db.records import RunRecord


def trained(ws: Workspace, run: RunRecord, output: Output) -> Result:
    """Carry out the run. Raises ServiceError."""
    run = train_to_the_end(ws, run, output.progress)
    version = versions.get_version(ws.database, run.version_id or 0)
    figures = report(ws, version.id, "validation")
    values = {
        "project": version.project_id,
        "version": version.number,
        "published": run.status == "published",
        "message": run.message,
        "validation_accuracy": figures.overall.accuracy,
        "validation_images": figures.overall.n,
    }
    state = "published" if run.status == "published" else f"stored, not published. {run.message}"
    lines = [
        f"Version {version.number} is {state}",
        f"Accuracy on validation images: {counted(figures.overall)}",
    ]
    return Result(values, lines)
