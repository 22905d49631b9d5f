"""GAIN, eq. 6: L_self = L_cl + α L_am."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from gain_core.training.objectives.objective import Mode, Objective, Words, register
from gain_core.training.objectives.term_settings import MINING, Mining

if TYPE_CHECKING:
    from gain_core.training.batch import Batch, Losses


@register
@dataclass(frozen=True)
class Gain(Objective):
    """The paper's method without human masks."""

    key: ClassVar[str] = "gain"
    words: ClassVar[Words] = Words(
        "GAIN",
        "Attention must cover everything that shows the class, as in the paper (GAIN)",
        "Labels only: your regions are not used",
        {"mining": "Attention mining"},
    )
    modes: ClassVar[tuple[Mode, ...]] = ("full",)

    mining: Mining = MINING

    @property
    def needs_guidance(self) -> bool:
        return False

    def losses(self, batch: "Batch") -> "Losses":
        from gain_core.training import terms

        return terms.classification(batch.labelled) | terms.mining(batch.labelled, self.mining)

    def images_of_a_step(self, labelled: int, guided: int) -> list[str]:
        return [f"{labelled} labelled images"]
