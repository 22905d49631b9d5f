"""A method of one file: labels alone, counted as much as its setting says."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from gain_core.training.objectives import Objective, Words, register

if TYPE_CHECKING:
    from gain_core.training.batch import Batch, Losses


@register
@dataclass(frozen=True)
class LoudLabels(Objective):
    key: ClassVar[str] = "loud"
    words: ClassVar[Words] = Words("Loud labels", "Labels count twice", "Patience", {"loud": "Loudness"})

    factor: float = 2.0

    def losses(self, batch: "Batch") -> "Losses":
        from gain_core.training import terms

        return {"loud": self.factor * terms.classification(batch.labelled)["image"]}
