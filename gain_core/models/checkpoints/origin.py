"""Where the weights of a network came from, and how they go back there."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from gain_core.models.checkpoints.architectures import Match
from gain_core.models.checkpoints.container import Container
from gain_core.models.checkpoints.reading import Checkpoint
from gain_core.models.networks import NetworkSource


@dataclass(frozen=True)
class Origin:
    """Kept with a model through every training."""

    source: NetworkSource
    container: Container
    others: Mapping[str, Tensor]  # tensors of the file that the network does not have, by key


def origin_of(checkpoint: Checkpoint, match: Match) -> Origin:
    """The origin of a checkpoint's weights as those of a network."""
    container = checkpoint.container
    entries = tuple(replace(entry, name=match.names.get(entry.key)) for entry in container.entries)
    others = {entry.key: checkpoint.weights[entry.key].clone() for entry in entries if entry.name is None}
    return Origin(match.source, replace(container, entries=entries), others)


def state_of(checkpoint: Checkpoint, match: Match) -> dict[str, Tensor]:
    """The weights of the network, by their names in it, as the file has them."""
    return {name: checkpoint.weights[key] for key, name in match.names.items()}
