"""Training with guidance: settings, events, kept features, several processes."""

from typing import TYPE_CHECKING

from gain_core.lazy import exports

if TYPE_CHECKING:
    from gain_core.distributed import Ranks, current_ranks, joined
    from gain_core.events import Phase, Step, Validation, event_to_dict
    from gain_core.training.config import TrainConfig
    from gain_core.training.trainer import train

__all__ = [
    "Phase",
    "Ranks",
    "Step",
    "TrainConfig",
    "Validation",
    "current_ranks",
    "event_to_dict",
    "joined",
    "train",
]

__getattr__, __dir__ = exports(
    __name__,
    ("gain_core.training.config", "gain_core.events", "gain_core.distributed", "gain_core.training.trainer"),
    __all__,
)
