"""The entries of a checkpoint beside its weights, as JSON and back: numbers, text, and collections."""

import argparse
import base64
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any

import numpy as np

from gain_core.errors import CheckpointError

_MOST_VALUES = 100_000  # in one entry; a few bytes of pickle can repeat the same list a billion times
_DEEPEST = 40


class NotPlainError(Exception):
    """A value holds a tensor, an object of another class, or too many values."""


def to_json(value: Any) -> Any:
    """JSON-ready; `from_json` gives an equal value back. NumPy's numbers become Python's, paths become text.

    NotPlainError for tensors, other objects, more than 100,000 values, and more than 40 levels.
    """
    return _encoded(value, [_MOST_VALUES], 0)


def from_json(value: Any) -> Any:
    """Undo `to_json`. CheckpointError for anything else."""
    if not isinstance(value, dict):
        return value
    if len(value) != 1:
        raise CheckpointError(f"expected one kind of value, got {', '.join(sorted(value))}")
    [(kind, content)] = value.items()
    try:
        return _READERS[kind](content)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"expected a plain value, got {kind!r}: {error}") from error


def _encoded(value: Any, budget: list[int], depth: int) -> Any:
    budget[0] -= 1
    if budget[0] < 0 or depth > _DEEPEST:
        raise NotPlainError
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or type(value) in (bool, int, str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, bytes | bytearray):
        return {"bytes": base64.b64encode(value).decode("ascii")}
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, argparse.Namespace):
        return {"namespace": _pairs(vars(value), budget, depth)}
    if isinstance(value, Mapping):
        kind = "ordered" if isinstance(value, OrderedDict) else "dict"
        return {kind: _pairs(value, budget, depth)}
    for kind, collection in (("list", list), ("tuple", tuple), ("set", set)):
        if isinstance(value, collection):
            return {kind: [_encoded(item, budget, depth + 1) for item in value]}
    raise NotPlainError


def _pairs(values: Mapping[Any, Any], budget: list[int], depth: int) -> list[Any]:
    return [[_encoded(part, budget, depth + 1) for part in item] for item in values.items()]


def _read_pairs(content: Any) -> list[tuple[Any, Any]]:
    return [(from_json(key), from_json(item)) for key, item in content]


_READERS: dict[str, Callable[[Any], Any]] = {
    "float": float,
    "bytes": base64.b64decode,
    "namespace": lambda content: argparse.Namespace(**dict(_read_pairs(content))),
    "ordered": lambda content: OrderedDict(_read_pairs(content)),
    "dict": lambda content: dict(_read_pairs(content)),
    "list": lambda content: [from_json(item) for item in content],
    "tuple": lambda content: tuple(from_json(item) for item in content),
    "set": lambda content: {from_json(item) for item in content},
}
