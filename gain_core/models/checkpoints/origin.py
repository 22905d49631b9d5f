"""The origin of a network's weights: the checkpoint, and how to write such a file again."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from gain_core.models.checkpoints.architectures import Match
from gain_core.models.checkpoints.container import Container
from gain_core.models.checkpoints.reading import Checkpoint
from gain_core.models.networks import NetworkSource


@dataclass(frozen=True)
class Origin:
    """Kept with a model and every model trained from it."""

    source: NetworkSource
    container: Container
    others: Mapping[str, Tensor]  # by key in the file: tensors that the network does not have


def origin_of(checkpoint: Checkpoint, match: Match) -> Origin:
    """The origin of a model whose weights `match` takes from a checkpoint. Other tensors are copied."""
    container = checkpoint.container
    entries = tuple(replace(entry, name=match.names.get(entry.key)) for entry in container.entries)
    others = {entry.key: checkpoint.weights[entry.key].clone() for entry in entries if entry.name is None}
    return Origin(match.source, replace(container, entries=entries), others)


def state_of(checkpoint: Checkpoint, match: Match) -> dict[str, Tensor]:
    """The weights of the network by their names in it, in the dtypes of the file."""
    return {name: checkpoint.weights[key] for key, name in match.names.items()}
