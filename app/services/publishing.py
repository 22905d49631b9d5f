"""Whether a retrained model is published automatically."""

from collections.abc import Sequence

from app.services import people
from app.services.comparison import Comparison, compare_with
from app.services.evaluation import Group, worst_groups
from app.workspace import Workspace
from db import library, runs, versions
from db.records import RunRecord, VersionRecord
from db.versions import NewPrediction

LEAST_FALL = 0.01  # of mAP that counts: it moves with every retrain


def decide(ws: Workspace, run: RunRecord, predictions: Sequence[NewPrediction]) -> str | None:
    """Why the version made by `run` is not published automatically, as a sentence; None: it is published.

    First models are always published: there is no version before them, or a person retrains after changing
    labels. Raises db.errors.NotFoundError when the project is gone.
    """
    project = library.get_project(ws.database, run.project_id)
    published_id = project.current_version_id
    if run.base_version_id is None or published_id is None:
        return None
    published = versions.get_version(ws.database, published_id)
    labels = {image.id: image.positions for image in library.list_images(ws.database, run.project_id)}
    after = {
        item.image_id: item.record(published_id, labels[item.image_id], multi_label=project.multi_label)
        for item in predictions
    }
    reason = why_worse(compare_with(ws, published, published, "validation", after))
    return reason and f"Not published: worse than version {published.number} on validation images ({reason})."


def publish(ws: Workspace, version: VersionRecord) -> None:
    """Publish a version of its project, or roll back to it. Raises RoleNeededError, NotFoundError."""
    people.require(ws, "maintainer", "publish a version")
    library.set_current_version(ws.database, version.project_id, version.id)


def kept_versions(ws: Workspace, project_id: int) -> dict[int, str]:
    """The reason, by version id, for each version that was not published automatically."""
    return {
        run.version_id: run.message or ""
        for run in runs.list_runs(ws.database, project_id)
        if run.status == "kept" and run.version_id is not None
    }


def why_worse(comparison: Comparison) -> str | None:
    """What got worse, without a full stop: more images newly wrong than fixed, a lower worst group, or in a
    multi-label project a lower mAP; None: nothing.
    """
    reasons = []
    fixed, newly_wrong = comparison.count("fixed"), comparison.count("newly_wrong")
    if newly_wrong > fixed:
        reasons.append(f"{newly_wrong} image{'' if newly_wrong == 1 else 's'} newly wrong, {fixed} fixed")
    worst = worst_groups(comparison.before, comparison.after)
    if worst is not None and (worst[1].score.accuracy or 0.0) < (worst[0].score.accuracy or 0.0):
        reasons.append(f"the worst group fell from {_counted(worst[0])} to {_counted(worst[1])}")
    precision = comparison.before.mean_precision, comparison.after.mean_precision
    if precision[0] is not None and precision[1] is not None and precision[0] - precision[1] >= LEAST_FALL:
        reasons.append(f"mAP fell from {100 * precision[0]:.0f} to {100 * precision[1]:.0f}")
    return "; ".join(reasons) or None


def _counted(group: Group) -> str:
    return f"{group.score.correct} of {group.score.n} ({group.name})"
