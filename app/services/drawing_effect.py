"""What the drawings added to a retrain: its model against its control, image by image."""

from dataclasses import dataclass
from typing import Literal

from app.services.comparison import Comparison
from app.services.evaluation import WORST_GROUP_MIN_N, groups_of, worst_groups
from gain_core.metrics import Count
from gain_core.metrics_of_classes import exact_mcnemar

SIGNIFICANCE = 0.05
# With fewer images that differ the test is never significant, however one-sided they are: 2 · 0.5⁵ > 5 %.
FEWEST_TO_TELL = 6

Verdict = Literal["helped", "harmed", "unmeasurable"]


@dataclass(frozen=True, slots=True)
class DrawingEffect:
    """Two models on the same images; their worst groups, or all images where no groups are known.

    The test is on the images of those groups, or on all images where one of them has fewer than
    WORST_GROUP_MIN_N: of five images it could tell nothing.
    """

    without: Count
    drawn: Count  # the same training with the drawings
    groups: tuple[str, str] | None  # names of the worst groups, without and with; None: all images
    gained: int  # tested images that are right with the drawings alone
    lost: int  # … without the drawings alone
    tested: int  # images
    # mAP without and with the drawings; None where an image has one label.
    precision: tuple[float, float] | None = None

    @property
    def p_value(self) -> float:
        """Two-sided p of the exact McNemar test: the chance of such an uneven split if drawings had no
        effect.
        """
        return exact_mcnemar(self.gained, self.lost)

    @property
    def verdict(self) -> Verdict:
        if self.p_value >= SIGNIFICANCE:
            return "unmeasurable"
        return "helped" if self.gained > self.lost else "harmed"

    @property
    def too_few(self) -> bool:
        """Whether there are too few differing images for any conclusion, even if all favour the drawings."""
        return self.gained > self.lost and self.gained + self.lost < FEWEST_TO_TELL


def drawing_effect(comparison: Comparison) -> DrawingEffect | None:
    """Of the version after, on the images that both versions have predicted; None: it has no control."""
    if comparison.control is None:
        return None
    without, with_drawings = comparison.control
    classes = [name for name, _ in comparison.after.classes]
    tallies = [item for item in comparison.tallies if item.controlled]
    worst = (
        worst_groups(without, with_drawings)
        if any(group.attribute for group in with_drawings.groups)
        else None
    )
    if worst is not None and all(group.score.n >= WORST_GROUP_MIN_N for group in worst):
        chosen = {(group.attribute, group.name) for group in worst}
        tallies = [item for item in tallies if chosen & set(groups_of(item, classes))]
    scores = (without.overall, with_drawings.overall) if worst is None else (worst[0].score, worst[1].score)
    return DrawingEffect(
        without=Count(scores[0].correct, scores[0].n),
        drawn=Count(scores[1].correct, scores[1].n),
        groups=None if worst is None else (worst[0].name, worst[1].name),
        gained=sum(item.gained for item in tallies),
        lost=sum(item.lost for item in tallies),
        tested=sum(item.controlled for item in tallies),
        precision=None
        if without.mean_precision is None or with_drawings.mean_precision is None
        else (without.mean_precision, with_drawings.mean_precision),
    )
