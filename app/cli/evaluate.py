"""`evaluate`: the figures of a version, and a gate for continuous integration."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Mapping

from app.cli.chosen import add_project, add_split, project_of, version_of
from app.cli.output import Output, Result
from app.errors import ServiceError
from app.plain_text import one_line
from app.services.version_facts import Figures, figure_rows, figures
from app.workspace import Workspace

NAME = "evaluate"
HELP = "print the figures of a version; with --fail-below, exit with 1 where one is too low"
METRICS = (
    *("accuracy", "worst_group", "balanced_accuracy", "macro_f1", "mean_average_precision"),
    *("worst_average_precision", "attention_inside", "calibration_error"),
)


def add_arguments(parser: ArgumentParser) -> None:
    parser.epilog = f"Metrics: {', '.join(METRICS)}."
    add_project(parser)
    parser.add_argument("--version", type=int, metavar="N", help="its number (default: the published one)")
    add_split(parser, "test")
    for flag, which in (("--fail-below", "below"), ("--fail-above", "above")):
        parser.add_argument(
            flag,
            type=_limit,
            action="append",
            default=[],
            metavar="METRIC=VALUE",
            help=f"exit with 1 when the figure is {which} the value, from 0 to 1; may be repeated",
        )


def run(ws: Workspace, arguments: Namespace, output: Output) -> Result:
    """Raises ServiceError, DatabaseError."""
    project = project_of(ws, arguments.project)
    version = version_of(ws, project, arguments.version)
    measured = figures(ws, version.id, None, arguments.split)
    known = metrics(measured)
    failed = [*_failed(known, arguments.fail_below, 1), *_failed(known, arguments.fail_above, -1)]
    evaluation = measured.after[0]
    values = {
        "project": project.id,
        "version": version.number,
        "split": arguments.split,
        "images": evaluation.overall.n,
        "metrics": known,
        "groups": [
            {"group": group.name, "accuracy": group.score.accuracy, "n": group.score.n}
            for group in evaluation.groups
        ],
        "classes": _by_class(measured),
        "failed": failed,
    }
    lines = [
        f"Version {version.number} of {one_line(project.name)}, "
        f"{evaluation.overall.n} {arguments.split} images"
    ]
    lines += [f"  {name:28}{one_line(after)}" for name, _, after in figure_rows(measured)]
    return Result(values, [*lines, *failed], code=1 if failed else 0)


def metrics(measured: Figures) -> dict[str, float | None]:
    """By the names of METRICS; None for what is not known on these images."""
    evaluation, by_class = measured.after
    worst = evaluation.worst_group or evaluation.worst_group_any
    values = (
        evaluation.overall.accuracy,
        None if worst is None else worst.score.accuracy,
        by_class.balanced_accuracy,
        by_class.macro_f1,
        evaluation.mean_precision,
        None if evaluation.weakest_class is None else evaluation.weakest_class[1],
        evaluation.overall.attention_inside,
        None if evaluation.calibration is None else evaluation.calibration.error,
    )
    return dict(zip(METRICS, values, strict=True))


def _by_class(measured: Figures) -> list[dict[str, str | float | None]]:
    """Average precision of images with several labels alone."""
    evaluation, by_class = measured.after
    precisions = evaluation.precisions or (None,) * len(by_class.classes)
    return [
        {
            "class": name,
            "n": scores.n,
            "precision": scores.precision,
            "recall": scores.recall,
            "f1": scores.f1,
            "average_precision": precision,
        }
        for name, scores, precision in zip(by_class.classes, by_class.scores, precisions, strict=True)
    ]


def _limit(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        limit = float(value)
    except ValueError:
        limit = -1.0
    if name not in METRICS or not 0 <= limit <= 1:
        raise ArgumentTypeError(
            f"expected METRIC=VALUE with a value from 0 to 1 and one of {', '.join(METRICS)}, got {text!r}"
        )
    return name, limit


def _failed(known: Mapping[str, float | None], limits: list[tuple[str, float]], sign: int) -> list[str]:
    sentences = []
    for name, limit in limits:
        value = known[name]
        if value is None:
            raise ServiceError(f"{name} is not known on these images, so it cannot be held to a limit.")
        if sign * value < sign * limit:
            sentences.append(f"Failed: {name} is {value:.4f}, {'below' if sign > 0 else 'above'} {limit:g}.")
    return sentences
