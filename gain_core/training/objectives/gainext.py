"""GAINext, eq. 8: L_ext = L_cl + α L_am + ω L_e."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from gain_core.training.objectives.objective import Mode, Objective, Words, register
from gain_core.training.objectives.term_settings import EXTERNAL, MINING, External, Mining

if TYPE_CHECKING:
    from gain_core.training.batch import Batch, Losses


@register
@dataclass(frozen=True)
class GainExt(Objective):
    """The paper's method with human masks. Quick mode has no L_am: `mining=None`."""

    key: ClassVar[str] = "gainext"
    words: ClassVar[Words] = Words(
        "GAINext",
        "Attention is pulled towards your regions, as in the paper (GAINext)",
        "At least one region; a full retrain without any is GAIN",
        {"mining": "Attention mining", "external": "Distance to your regions"},
    )

    mining: Mining | None = MINING
    external: External = EXTERNAL

    @classmethod
    def for_mode(cls, mode: Mode) -> "GainExt":
        return cls() if mode == "full" else cls(mining=None)

    @property
    def needs_guidance(self) -> bool:
        return self.mining is None  # eq. 8 without masks is eq. 6

    def losses(self, batch: "Batch") -> "Losses":
        from gain_core.training import terms

        return (
            terms.classification(batch.labelled)
            | terms.mining(batch.labelled, self.mining)
            | terms.external(batch.guided, self.external)
        )
