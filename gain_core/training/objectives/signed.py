"""Signed evidence: L_e of eq. 8 on maps of every class before the ReLU of eq. 2."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from gain_core.training.objectives.objective import Mode, Objective, Words, register
from gain_core.training.objectives.term_settings import Mining
from gain_core.training.settings import expect_weight

if TYPE_CHECKING:
    from gain_core.training.batch import Batch, Losses


@register
@dataclass(frozen=True)
class Signed(Objective):
    """L_cl + α L_am + the signed-evidence loss: a shortcut cannot hide as evidence against other classes."""

    key: ClassVar[str] = "signed"
    words: ClassVar[Words] = Words(
        "Signed evidence",
        "Evidence for and against is pulled towards your regions",
        "At least one region",
        {"mining": "Attention mining", "signed": "Signed evidence"},
    )

    weight: float = 100.0  # large, because the loss is a mean over all places
    detach_scale: bool = True  # the maximum that scales evidence is a constant for the gradient
    second_order: bool = True  # w of eq. 1 is differentiated too
    mining: Mining | None = None

    def __post_init__(self) -> None:
        Objective.__post_init__(self)
        expect_weight(self)

    @classmethod
    def for_mode(cls, mode: Mode) -> "Signed":
        return cls(mining=Mining() if mode == "full" else None)

    def losses(self, batch: "Batch") -> "Losses":
        from gain_core.training import terms

        return (
            terms.classification(batch.labelled)
            | terms.mining(batch.labelled, self.mining)
            | terms.signed_evidence(batch.guided, self)
        )
