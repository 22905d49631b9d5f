"""Labels alone: the control, which trains the same number of steps without guidance."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from gain_core.training.objectives.objective import Objective, Words, register

if TYPE_CHECKING:
    from gain_core.training.batch import Batch, Losses


@register
@dataclass(frozen=True)
class Labels(Objective):
    """L_cl. Guided images are drawn too, for their labels, so that a control sees the same images."""

    key: ClassVar[str] = "none"
    words: ClassVar[Words] = Words("Labels only", "Labels only, no guidance", "Labels")

    @property
    def needs_guidance(self) -> bool:
        return False

    def losses(self, batch: "Batch") -> "Losses":
        from gain_core.training import terms

        return terms.classification(batch.labelled)

    def images_of_a_step(self, labelled: int, guided: int) -> list[str]:
        return [f"{labelled} labelled images"]
