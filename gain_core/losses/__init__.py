"""What training minimises: classification, attention mining (eq. 5), external supervision (eq. 7), SEC."""

from typing import TYPE_CHECKING

from gain_core.lazy import exports

if TYPE_CHECKING:
    from gain_core.losses.guidance import (
        InsideOutside,
        attention_mining_loss,
        classification_loss,
        external_loss,
        inside_outside_loss,
        inside_outside_regions,
        region_logits,
        signed_evidence_loss,
    )
    from gain_core.losses.weak_segmentation import (
        boundary_loss,
        expansion_loss,
        floored_probabilities,
        rank_pooling,
        seeding_loss,
    )

__all__ = [
    "InsideOutside",
    "attention_mining_loss",
    "boundary_loss",
    "classification_loss",
    "expansion_loss",
    "external_loss",
    "floored_probabilities",
    "inside_outside_loss",
    "inside_outside_regions",
    "rank_pooling",
    "region_logits",
    "seeding_loss",
    "signed_evidence_loss",
]

__getattr__, __dir__ = exports(
    __name__, ("gain_core.losses.guidance", "gain_core.losses.weak_segmentation"), __all__
)
