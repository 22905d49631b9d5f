"""Events of a trainer. Frozen and small; the caller turns them into JSON lines."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of work other than optimisation, e.g. computing features or predicting."""

    name: str  # for people: "Reading images"
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Step:
    """One optimisation step."""

    step: int  # from 1
    total: int
    losses: Mapping[str, float]  # weighted terms by name, and "total"
    seconds: float  # since training began


@dataclass(frozen=True, slots=True)
class Validation:
    """Figures on the validation split (images with labels; never the test split)."""

    step: int
    accuracy: float  # in [0, 1]: images whose likeliest class is (one of) theirs
    loss: float
    n: int


Event = Phase | Step | Validation


def event_to_dict(event: Event) -> dict[str, Any]:
    """A JSON-ready dict whose key "event" is "phase", "step" or "validation"."""
    return {"event": type(event).__name__.lower(), **asdict(event)}
