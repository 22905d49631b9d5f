"""Training methods as tests ask for them: every term that the mode has, no counter-examples."""

from dataclasses import replace
from typing import Any

from gain_core.training.objectives import (
    CounterExamples,
    Gain,
    GainExt,
    Guided,
    Labels,
    Mining,
    Mode,
    Objective,
    Signed,
)

QUICK: dict[str, Objective] = {
    "guided": Guided(),
    "gainext": GainExt(mining=None),
    "signed": Signed(),
    "none": Labels(),
}
FULL: dict[str, Objective] = {
    "guided": Guided(mining=Mining()),
    "gainext": GainExt(),
    "gain": Gain(),
    "signed": Signed(mining=Mining()),
    "none": Labels(),
}


def method(name: str, mode: Mode = "quick", **settings: Any) -> Objective:
    """The method of this key with some settings changed."""
    return replace((QUICK if mode == "quick" else FULL)[name], **settings)


def composed(mode: Mode = "quick", **settings: Any) -> Objective:
    """Guided, with counter-examples of these settings."""
    return method("guided", mode, counter_examples=CounterExamples(**settings))
