"""From a checkpoint to a classifier, and back to a checkpoint of the same format."""

from dataclasses import dataclass, replace
from pathlib import Path

from gain_core.errors import InputError
from gain_core.models.checkpoints.architectures import Match
from gain_core.models.checkpoints.container import to_bytes
from gain_core.models.checkpoints.origin import origin_of, state_of
from gain_core.models.checkpoints.reading import Checkpoint
from gain_core.models.classifier import Classifier
from gain_core.models.model_file import read_network
from gain_core.models.networks import default_preprocessing, named_output, with_weights
from gain_core.models.spec import ModelSpec
from gain_core.models.wrapped import WrappedClassifier, wrap


@dataclass(frozen=True)
class CheckpointFile:
    """A checkpoint that the program behind the original can load."""

    content: bytes
    suffix: str  # of its name: ".pth"
    left_out: tuple[str, ...]  # entries of the original that are not in it, such as "optimizer"


def own_model(
    checkpoint: Checkpoint, match: Match, spec: ModelSpec | None = None, layer: str | None = None
) -> WrappedClassifier:
    """The network of `match` with the weights of a checkpoint, as a classifier that `save_model` can write.

    spec: class names and preprocessing; its `backbone` is replaced by the network's name. None: numbers as
    names, and the preprocessing of the network's published weights. layer: as `wrap`. InputError where the
    weights do not fit the network, or it cannot be cut for maps; BackboneError where it cannot be built.
    """
    source = match.source
    source = replace(source, layer=layer, output=source.output or named_output(source.name))
    network = with_weights(source, state_of(checkpoint, match))
    if source.outputs < 1:  # a network of the operator that was built with its own number
        source = replace(source, outputs=wrap(network, layer, None, source.output).outputs)
    if spec is None:
        spec = default_preprocessing(source.name, tuple(map(str, range(max(source.outputs, 2)))))
    model = wrap(network, layer, replace(spec, backbone=source.name), source.output)
    model.origin = origin_of(checkpoint, match._replace(source=source))
    return model


def to_checkpoint(model: Classifier | Path) -> CheckpointFile:
    """The weights in the original format: the same keys, dtypes and other entries.

    model: from `own_model` or `load_model`, or the path of a model file. Optimizer states and other entries
    with tensors are left out. InputError for a model that did not come from a checkpoint; CheckpointError as
    `load_model`.
    """
    if isinstance(model, Path):
        weights, origin = read_network(model)
    elif isinstance(model, WrappedClassifier) and model.origin is not None:
        weights, origin = model.network.state_dict(), model.origin
    else:
        raise InputError("expected a model that came from a checkpoint, got one that was trained here")
    content = to_bytes(origin.container, weights, origin.others)
    return CheckpointFile(content, origin.container.suffix, origin.container.left_out)
