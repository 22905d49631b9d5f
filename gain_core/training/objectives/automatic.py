"""Automatic: guided training with outlines that the program guesses."""

from dataclasses import dataclass, replace
from typing import ClassVar

from gain_core.errors import ConfigError
from gain_core.training.objectives.guided import Guided
from gain_core.training.objectives.objective import Mode, Words, register
from gain_core.training.objectives.term_settings import CounterExamples


@register
@dataclass(frozen=True)
class Automatic(Guided):
    """As Guided; in addition up to `guessed_outlines` training images get an outline by GrabCut."""

    key: ClassVar[str] = "automatic"
    words: ClassVar[Words] = replace(
        Guided.words,
        name="Guessed outlines",
        sentence="The object in the middle of each image is outlined by its colours; drawings count too",
        needs="Nothing",
    )
    modes: ClassVar[tuple[Mode, ...]] = ("quick",)
    several_labels: ClassVar[bool] = False

    guessed_outlines: int = 100

    @classmethod
    def for_mode(cls, mode: Mode) -> "Automatic":
        objective = cls(inside_weight=0.0, counter_examples=CounterExamples(per_region=2))
        objective.expect_mode(mode)
        return objective

    def for_several_labels(self) -> "Guided":
        """ConfigError: a guess does not know which of several classes it shows."""
        raise ConfigError("objective: expected images with one label each for 'automatic', got several")
