"""What drawing adds: the worst group with true regions minus the best control."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from scipy.stats import t

from benchmarks.report import mean
from benchmarks.rounds import Result

AGAINST = ("labels", "placebo_random", "placebo_other")
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class DrawingAdds:
    """Shares of the worst group; `low` and `high`: a 95 % interval over seeds, None of one seed."""

    mean: float
    low: float | None
    high: float | None
    against: str  # the row that is best without drawing on the right places


def drawing_adds(results: Mapping[str, Sequence[Result]], form: str) -> DrawingAdds | None:
    """The row `form` minus the best of the rows in AGAINST (by mean), seed by seed.

    Uses groups of at least 20 images if there are any, else all groups. None without groups or rows.
    """
    rows = {name: figures for name in (form, *AGAINST) if (figures := worst_groups(results, name))}
    others = {name: statistics.fmean(rows[name]) for name in AGAINST if name in rows}
    if form not in rows or not others:
        return None
    against = max(others, key=lambda name: others[name])
    differences = [
        with_drawings - other for with_drawings, other in zip(rows[form], rows[against], strict=True)
    ]
    low, high = interval(differences)
    return DrawingAdds(statistics.fmean(differences), low, high, against)


def worst_groups(results: Mapping[str, Sequence[Result]], name: str) -> list[float]:
    """The worst group's accuracy by seed; empty without this row or without groups."""
    form_results = results.get(name, ())
    for figure in ("worst_group", "worst_group_any"):
        shares = [getattr(result, figure) for result in form_results]
        if shares and None not in shares:
            return shares
    return []


def interval(differences: Sequence[float]) -> tuple[float, float] | tuple[None, None]:
    """95 % interval of the mean of paired differences by Student's t; None for one difference."""
    n = len(differences)
    if n < 2:
        return None, None
    centre = statistics.fmean(differences)
    half = float(t.ppf((1 + LEVEL) / 2, n - 1)) * statistics.stdev(differences) / sqrt(n)
    return centre - half, centre + half


def headline(results: Mapping[str, Sequence[Result]], form: str) -> str:
    """The worst group and what drawing adds, as a sentence; then the free guess."""
    if not worst_groups(results, form):
        return f"*{form}* has no worst group here: there are no groups, or it was not among the rows."
    effect = drawing_adds(results, form)
    if effect is None:
        return f"What drawing adds is not known: without {', '.join(AGAINST)} there is no control."
    between = (
        f" (95 % interval {_points(effect.low)} to {_points(effect.high)})" if effect.low is not None else ""
    )
    guess = worst_groups(results, "free_guess")
    return (
        f"*{form}* has {mean(worst_groups(results, form))} % in its worst group; drawing adds "
        f"{_points(effect.mean)} points{between} over *{effect.against}*, the best control."
        + (f" The free guess, a box in the middle, has {mean(guess)} %." if guess else "")
    )


def _points(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}".replace("-", "−")
