"""Checks of settings, which are frozen dataclasses, and reading them from JSON."""

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Literal, TypeVar, cast, get_args, get_origin

from gain_core.errors import ConfigError

Settings = TypeVar("Settings")


def check_values(settings: Any) -> None:
    """ConfigError for a value of the wrong type, a word that is not among the choices of its field, or a
    number that is negative or not finite.
    """
    for field in fields(settings):
        value, kind = getattr(settings, field.name), cast(Any, field.type)
        if kind in (int, float, bool):
            if type(value) not in ((int, float) if kind is float else (kind,)):
                raise ConfigError(f"{field.name}: expected {kind.__name__}, got {value!r}")
            if not (value >= 0 and math.isfinite(value)):
                raise ConfigError(f"{field.name}: expected a number of at least 0, got {value}")
        elif get_origin(kind) is Literal:
            if value not in get_args(kind):
                raise ConfigError(f"{field.name}: expected one of {get_args(kind)}, got {value!r}")
        elif not isinstance(value, kind):
            raise ConfigError(f"{field.name}: expected {getattr(kind, '__name__', kind)}, got {value!r}")


def expect_at_least_one(settings: Any, *names: str) -> None:
    """ConfigError for a count below 1."""
    for name in names:
        if getattr(settings, name) < 1:
            raise ConfigError(f"{name}: expected at least 1, got {getattr(settings, name)}")


def expect_weight(settings: Any, name: str = "weight") -> None:
    """ConfigError for a weight of 0: such a term is left out instead."""
    if getattr(settings, name) == 0:
        raise ConfigError(f"{name}: expected a weight above 0, got 0; leave the term out instead")


def read_settings(kind: type[Settings], values: Mapping[str, Any]) -> Settings:
    """Undo `asdict`; missing keys take their defaults. ConfigError for an unknown key or impossible value."""
    types = {field.name: cast(Any, field.type) for field in fields(cast(Any, kind))}
    unknown = sorted(set(values) - set(types))
    if unknown:
        raise ConfigError(f"expected keys of {kind.__name__}, got unknown {unknown}")
    read: dict[str, Any] = {}
    for name, value in values.items():
        nested = next((inner for inner in (types[name], *get_args(types[name])) if is_dataclass(inner)), None)
        if nested is not None and isinstance(value, Mapping):
            read[name] = read_settings(cast(type, nested), value)
        else:
            read[name] = float(value) if types[name] is float and type(value) is int else value
    return kind(**read)
