"""The network of torchvision or timm that a state dict belongs to, by names and shapes of its weights.

`architectures.json` has a fingerprint of each, made without weights (torch's `meta` device). Run
`python -m gain_core.models.checkpoints.architectures` to write it for the installed versions.
"""

import hashlib
import json
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import timm
import torchvision
from torch import Tensor

from gain_core.errors import BackboneError
from gain_core.models.networks import NetworkSource, build_network, is_counter, network_names

INDEX = Path(__file__).with_name("architectures.json")

Shapes = Mapping[str, tuple[int, ...]]

_CLASSES = 1013  # a prime that is no layer's number of channels: weights with so many rows are the head's
_OPTIONAL = {  # arguments that add weights
    "torchvision/googlenet": ({"aux_logits": True}, {"aux_logits": False}),
    "torchvision/inception_v3": ({"aux_logits": True}, {"aux_logits": False}),
}


class Match(NamedTuple):
    """The network of some weights; `names`: from the keys in the file to those in the network."""

    source: NetworkSource
    names: Mapping[str, str]


def recognised(weights: Mapping[str, Tensor], hints: Mapping[str, Any], title: str = "") -> list[Match]:
    """The networks that have exactly these weights, the most likely first; empty where none is known.

    Keys may have a prefix, and a few other keys may lie beside them. hints: the checkpoint's other entries;
    title: the file's name; both only decide the order.
    """
    shapes = {key: tuple(value.shape) for key, value in weights.items()}
    index = _index()
    for prefix in prefixes(shapes):
        inside = {key.removeprefix(prefix): shape for key, shape in shapes.items() if key.startswith(prefix)}
        for names in _ways_to_name_the_head(inside, index["heads"]):
            named = {names.get(key, key): shape for key, shape in inside.items()}
            matches = [
                Match(
                    NetworkSource(name, named[head[0]][0], arguments),
                    {prefix + key: names.get(key, key) for key in inside},
                )
                for head in index["heads"]
                if all(key in named for key in head)
                for name, arguments in index["networks"].get(fingerprint(named, head), ())
            ]
            if matches:
                return sorted(matches, key=lambda match: _rank(match.source.name, hints, title))
    return []


def says(hints: Mapping[str, Any], name: str) -> bool:
    """Whether a checkpoint names this network beside its weights."""
    return name.partition("/")[2] in [value for value in hints.values() if isinstance(value, str)]


def chosen(weights: Mapping[str, Tensor], source_name: str) -> Match:
    """The match of weights with a network that a person chose. BackboneError for an unknown name.

    Whether the weights fit is found when the network is built with them. `source.outputs` is 0 where the head
    was not recognised; their number is then found in the same way.
    """
    shapes = {key: tuple(value.shape) for key, value in weights.items()}
    best: tuple[int, Match] | None = None
    for arguments in _OPTIONAL.get(source_name, ({},)):
        own, head = _built(source_name, arguments)
        for prefix in prefixes(shapes):
            inside = {key.removeprefix(prefix): key for key in shapes if key.startswith(prefix)}
            outputs = next((shapes[inside[key]][0] for key in head if key in inside), 0)
            common = len(set(inside) & set(own))
            match = Match(
                NetworkSource(source_name, outputs, arguments),
                {key: name for name, key in inside.items() if name in own or not prefix},
            )
            if best is None or common > best[0]:
                best = common, match
    if best is None:
        raise BackboneError(f"expected the name of a network, got {source_name!r}")
    return best[1]


def prefixes(keys: Iterable[str]) -> list[str]:
    """Prefixes of most keys, such as "module." or "model._orig_mod.", the longest first; the last is ""."""
    keys = [key for key in keys if not is_counter(key)]
    found, prefix = [""], ""
    while True:
        counts: dict[str, int] = {}
        for key in keys:
            if key.startswith(prefix) and "." in key[len(prefix) :]:
                first = key[len(prefix) :].partition(".")[0]
                counts[first] = counts.get(first, 0) + 1
        if not counts:
            return found
        commonest = max(counts, key=counts.__getitem__)
        if 2 * counts[commonest] < len(keys):
            return found
        prefix += f"{commonest}."
        found.insert(0, prefix)


def fingerprint(shapes: Shapes, head: Sequence[str]) -> str:
    """A hash (16 hex digits) of the names and shapes of weights, the same for any number of classes.

    head: the names of the weights that have a row for each class.
    """
    lines = sorted(
        f"{name} {('C', *shape[1:]) if name in head else shape}"
        for name, shape in shapes.items()
        if not is_counter(name)
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _ways_to_name_the_head(shapes: Shapes, heads: Iterable[Sequence[str]]) -> Iterator[dict[str, str]]:
    """Renamings of keys: none; and `fc.1`, a linear layer behind a dropout, as `fc`, which it replaced."""
    yield {}
    for layer in {head[0].removesuffix(".weight") for head in heads if len(head) <= 2}:
        below = [key for key in shapes if key.startswith(f"{layer}.")]
        inner = {key[len(layer) + 1 :].partition(".")[0] for key in below}
        if len(inner) == 1 and {key.rpartition(".")[2] for key in below} == {"weight", "bias"}:
            number = inner.pop()
            if number.isdecimal() and len(below) == 2:
                yield {key: key.replace(f"{layer}.{number}.", f"{layer}.", 1) for key in below}


def _rank(name: str, hints: Mapping[str, Any], title: str) -> tuple[bool, int, int, str]:
    """A sort key: first names that the file mentions, then torchvision's, then the shortest name."""
    library, _, short = name.partition("/")
    return (
        not says(hints, name),
        -len(short) if short in title.lower().replace("-", "_") else 0,
        (library != "torchvision") * 1000 + len(short),
        name,
    )


@cache
def _index() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(INDEX.read_text("utf-8"))
    return content


def _built(name: str, arguments: Mapping[str, bool]) -> tuple[dict[str, tuple[int, ...]], tuple[str, ...]]:
    """The shapes of a network's weights, and the names of those that have a row for each class."""
    network = build_network(NetworkSource(name, _CLASSES, arguments), empty=True)
    shapes = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    return shapes, tuple(key for key, shape in shapes.items() if shape[:1] == (_CLASSES,))


def made_index(names: Iterable[str]) -> dict[str, Any]:
    """`architectures.json` of these networks, JSON-ready; those without a head are left out."""
    heads: set[tuple[str, ...]] = set()
    networks: dict[str, list[tuple[str, Mapping[str, bool]]]] = {}
    for name in names:
        for arguments in _OPTIONAL.get(name, ({},)):
            try:
                shapes, head = _built(name, arguments)
            except BackboneError as error:  # it cannot be built without weights
                sys.stderr.write(f"left out: {error}\n")
                continue
            if head:
                heads.add(head)
                networks.setdefault(fingerprint(shapes, head), []).append((name, arguments))
    versions = {"timm": timm.__version__, "torchvision": torchvision.__version__}
    return {"versions": versions, "heads": sorted(heads), "networks": dict(sorted(networks.items()))}


def main() -> None:
    warnings.simplefilter("ignore")
    names = [name for name in network_names() if not name.startswith("own/")]
    INDEX.write_text(json.dumps(made_index(names), indent=0) + "\n", "utf-8")
    sys.stdout.write(f"{len(names)} networks: {INDEX}\n")


if __name__ == "__main__":
    main()
