"""The parts of a report that are counted: each returns blocks of plain text, tables and charts."""

from app.exporting.document import Block, Matrix, Reliability, Table, Text, Tile, Tiles
from app.services.calibration import BINS, calibration_warning
from app.services.class_metrics import ClassMetrics
from app.services.comparison import Comparison
from app.services.drawing_effect import DrawingEffect
from app.services.evaluation import Evaluation, Group, groups_of, worst_groups
from app.services.version_facts import VersionFacts, counted, interval, share
from app.workspace import Workspace
from db import evaluation as tallies
from gain_core.metrics_of_classes import ClassScores, exact_mcnemar

MOST_CLASSES = 20  # of a confusion matrix that can be read
MOST_CONFUSIONS = 20


def tiles(comparison: Comparison) -> Tiles:
    """Figures to be seen first."""
    before, after = comparison.before, comparison.after
    shown = []
    worst = worst_groups(before, after)
    if worst is not None:
        was, now = (group.score for group in worst)
        shown.append(Tile("Worst group", _change(was.accuracy, now.accuracy), _of_worst(worst)))
    right = _change(before.overall.accuracy, after.overall.accuracy)
    if after.mean_precision is not None:
        shown.append(Tile("mAP", _change(before.mean_precision, after.mean_precision), "mean over classes"))
        shown += _of_weakest(before, after)
        shown.append(Tile("All labels right", right, f"n = {after.overall.n}"))
    else:
        shown.append(Tile("Accuracy", right, f"n = {after.overall.n}"))
    inside = after.overall.attention_inside
    if inside is not None:
        note = f"share of the map, n = {after.overall.attention_images}"
        shown.append(Tile("Attention on the object", _change(before.overall.attention_inside, inside), note))
    fixed, broken = comparison.count("fixed"), comparison.count("newly_wrong")
    shown.append(Tile("Images fixed", str(fixed), f"{broken} newly wrong"))
    return Tiles(tuple(shown))


def what_was_wrong(comparison: Comparison) -> tuple[Block, ...]:
    """The worst group or weakest class before, and all groups."""
    before = comparison.before
    worst = before.worst_group or before.worst_group_any
    blocks: list[Block] = []
    found = "found" if before.precisions else "right"
    if before.precisions:
        blocks.append(Text(_several_wrong(before)))
    elif worst is not None:
        blocks.append(
            Text(
                f"Version {before.version.number} predicts {counted(before.overall)} of all images right, "
                f"but {counted(worst.score)} of the images of {worst.name}."
            )
        )
    scores = {(group.attribute, group.name): group.score for group in comparison.after.groups}
    rows = [
        (group.name, interval(group.score), interval(scores[group.attribute, group.name]))
        for group in sorted(before.groups, key=lambda group: group.score.accuracy or 0.0)
        if (group.attribute, group.name) in scores
    ]
    if any(group.attribute for group in before.groups):
        versions = (
            f"Version {side.version.number}: {found} (95 % interval)" for side in (before, comparison.after)
        )
        blocks.append(Table(("Group", *versions), tuple(rows)))
    elif not before.precisions:
        blocks.append(
            Text("No groups were recorded for these images; classes are compared instead.", "small")
        )
    return tuple(blocks)


def _several_wrong(before: Evaluation) -> str:
    """Of images with several labels."""
    sentence = (
        f"Version {before.version.number} has all labels right in {counted(before.overall)} of the images."
    )
    weakest = before.weakest_class
    if weakest is None:
        return sentence
    name, precision = weakest
    return (
        f"{sentence} Its weakest class is {name}: average precision {share(precision)}, found in "
        f"{counted(dict(before.classes)[name])} of the images that show it."
    )


def what_was_drawn(facts: VersionFacts) -> tuple[Block, ...]:
    """Images with drawings, by class."""
    rows = tuple(
        (name, str(guided.look_here), str(guided.ignore_this)) for name, guided in facts.guided.items()
    )
    if not any(guided.look_here or guided.ignore_this for guided in facts.guided.values()):
        return (Text("Nobody has drawn on images of this project."),)
    of = f" Of several people's drawings: {facts.drawings_of}." if facts.drawings_of else ""
    return (
        Text(f"{facts.version.note}. Saved drawings now, green: look here; orange: ignore this.{of}"),
        Table(("Class", "Images with “look here”", "Images with “ignore this”"), rows),
    )


def added(effect: DrawingEffect | None) -> tuple[Block, ...]:
    """The version after against its control."""
    if effect is None:
        return (Text("This version has no control: the same training without the drawings was not run."),)
    if effect.precision is not None:
        where = "of the images with all labels"
    else:
        where = "of all images" if effect.groups is None else "of the worst group"
    differ = f"{effect.gained} images are right only with the drawings, {effect.lost} only without."
    verdict = {
        "helped": Text(f"The drawings helped: {differ}", "good"),
        "harmed": Text(f"The drawings made it worse: {differ}", "bad"),
        "unmeasurable": Text(f"No measurable effect of the drawings: {differ}", "bad"),
    }[effect.verdict]
    ranked = "" if effect.precision is None else f" mAP: {' and '.join(map(share, effect.precision))}."
    return (
        Text(
            f"The control, the same training without drawings, has {share(effect.without.accuracy)} {where} "
            f"right; with them it is {share(effect.drawn.accuracy)}.{ranked}"
        ),
        verdict,
        Text(f"Exact McNemar test on {effect.tested} images: p = {effect.p_value:.2g}.", "small"),
    )


def paired(comparison: Comparison) -> tuple[Block, ...]:
    """McNemar's test between the versions, on all images and on the worst group of the version before."""
    fixed, broken = comparison.count("fixed"), comparison.count("newly_wrong")
    blocks = [Text(_test("all images", fixed, broken))]
    worst = comparison.before.worst_group or comparison.before.worst_group_any
    if worst is not None and worst.attribute is not None:
        classes = [name for name, _ in comparison.before.classes]
        members = [
            item for item in comparison.tallies if (worst.attribute, worst.name) in groups_of(item, classes)
        ]
        fixed, broken = sum(item.fixed for item in members), sum(item.newly_wrong for item in members)
        blocks.append(Text(_test(worst.name, fixed, broken)))
    return tuple(blocks)


def _test(where: str, fixed: int, broken: int) -> str:
    p = exact_mcnemar(fixed, broken)
    return f"Exact McNemar test on {where}: {fixed} fixed, {broken} newly wrong, p = {p:.2g}."


def by_class(
    before: tuple[Evaluation, ClassMetrics], after: tuple[Evaluation, ClassMetrics]
) -> tuple[Block, ...]:
    """Confusion matrices, precision, recall and F1; of several labels average precision."""
    several = after[0].precisions
    header = ("Class", "n", "Precision before", "after", "Recall before", "after", "F1 before", "after")
    ranked = zip(before[0].precisions, several, strict=True) if several else [()] * len(after[1].classes)
    rows = tuple(
        (name, str(now.n), *_cells(was, now), *map(share, precisions))
        for name, was, now, precisions in zip(
            after[1].classes, before[1].scores, after[1].scores, ranked, strict=True
        )
    )
    if several:
        return (Table((*header, "Average precision before", "after"), rows),)
    return _with_confusions(before[1], after[1], Table(header, rows))


def _with_confusions(before: ClassMetrics, after: ClassMetrics, table: Table) -> tuple[Block, ...]:
    if len(after.classes) > MOST_CLASSES:
        return (table, _confusions(after))
    matrices = (
        Matrix(title, metrics.classes, tuple(map(tuple, metrics.confusion.tolist())))
        for title, metrics in (("Before", before), ("After", after))
        if metrics.confusion is not None
    )
    return (*matrices, table)


def _cells(was: ClassScores, now: ClassScores) -> tuple[str, ...]:
    pairs = ((was.precision, now.precision), (was.recall, now.recall), (was.f1, now.f1))
    return tuple(share(value) for pair in pairs for value in pair)


def _confusions(metrics: ClassMetrics) -> Table:
    """Of many classes: the most frequent mistakes."""
    cells = [
        (int(count), metrics.classes[true], metrics.classes[predicted])
        for true, row in enumerate([] if metrics.confusion is None else metrics.confusion)
        for predicted, count in enumerate(row)
        if true != predicted and count
    ]
    cells.sort(key=lambda cell: -cell[0])
    rows = tuple((true, predicted, str(count)) for count, true, predicted in cells[:MOST_CONFUSIONS])
    return Table(("True", "Predicted", "Images after"), rows)


def calibration(ws: Workspace, project_id: int, before: Evaluation, after: Evaluation) -> tuple[Block, ...]:
    """Calibration error and accuracy by confidence."""
    blocks: list[Block] = []
    if before.calibration is not None and after.calibration is not None:
        was, now = before.calibration, after.calibration
        blocks.append(
            Text(
                f"Calibration error {100 * was.error:.1f} → {100 * now.error:.1f} points (ECE, {BINS} bins), "
                f"mean confidence {share(was.confidence)} → {share(now.confidence)}."
            )
        )
        warning = calibration_warning(was, now)
        if warning is not None:
            blocks.append(Text(warning, "bad"))
    for name, side in (("Before", before), ("After", after)):
        found = tallies.count_confidences(ws.database, project_id, side.version.id, side.split, BINS)
        bins = tuple((item.confidence / item.n, item.correct / item.n, item.n) for item in found if item.n)
        blocks.append(Reliability(f"{name}: accuracy by confidence; the line is where it should end", bins))
    return tuple(blocks)


def _change(before: float | None, after: float | None) -> str:
    return f"{_whole(before)} → {_whole(after)}"


def _whole(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


def _of_weakest(before: Evaluation, after: Evaluation) -> list[Tile]:
    """The class whose average precision is lowest, before and after."""
    if before.weakest_class is None or after.weakest_class is None:
        return []
    (was, low), (now, high) = before.weakest_class, after.weakest_class
    note = now if was == now else f"was {was}, is {now}"
    return [Tile("Weakest class, AP", _change(low, high), note)]


def _of_worst(worst: tuple[Group, Group]) -> str:
    before, after = worst
    if before.name == after.name:
        return f"{after.name}, n = {after.score.n}"
    return f"was {before.name} (n = {before.score.n}), is {after.name} (n = {after.score.n})"
