"""JSON, XML and YAML of strangers: within limits, and nothing in it is carried out or expanded."""

import json
from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

import yaml

from app.errors import FileRefusedError, ImportRefusedError
from app.importing.sources import Source, shown

MAX_MB = 100  # of a JSON or XML file
MAX_YAML_KB = 500
MAX_DEPTH = 50  # elements in elements
_MAX_ELEMENTS = 3_000_000
MAX_PEEKED = 1_000  # files looked into to find out the format


def json_of(source: Source, path: str) -> Any:
    """Raises FileRefusedError, and ImportRefusedError when it is too large, like the others here."""
    try:
        return json.loads(_small(source, path, MAX_MB * 1_000_000).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise FileRefusedError("It cannot be read as JSON.") from error


def yaml_of(source: Source, path: str) -> Any:
    """Raises FileRefusedError, also for references, with which a small file can become endless."""
    try:
        text = _small(source, path, MAX_YAML_KB * 1_000).decode("utf-8-sig")
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)):
            raise FileRefusedError("It has references (*name), which are not read.")
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise FileRefusedError("It cannot be read as YAML.") from error


def xml_of(source: Source, path: str) -> Element:
    """The root. Raises FileRefusedError, also for a document that defines entities or is nested deeply."""
    builder = TreeBuilder()
    parser = expat.ParserCreate()
    depth = elements = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, elements
        depth, elements = depth + 1, elements + 1
        if depth > MAX_DEPTH or elements > _MAX_ELEMENTS:
            raise FileRefusedError("It has too many elements, or too many inside one another.")
        builder.start(name, attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(name)

    def entity(*_: Any) -> None:
        raise FileRefusedError("It defines entities, which are not expanded.")

    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.EntityDeclHandler = entity
    try:
        parser.Parse(_small(source, path, MAX_MB * 1_000_000), True)
        return builder.close()
    except (expat.ExpatError, LookupError, ValueError, AssertionError) as error:
        raise FileRefusedError("It cannot be read as XML.") from error


def text_of(source: Source, path: str) -> str:
    """Empty where it cannot be read: lists of names and the like, without which the rest can be used."""
    try:
        return source.read(path).decode("utf-8-sig", "replace")
    except FileRefusedError:
        return ""


def number(value: object) -> float:
    """Of JSON or XML; NaN for anything else, which `marks.py` refuses."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return float("nan")
    try:
        return float(value)
    except (ValueError, OverflowError):
        return float("nan")


def whole_size(width: object, height: object) -> tuple[int, int] | None:
    """(width, height) in pixels; None where it is not told."""
    sides = number(width), number(height)
    return (int(sides[0]), int(sides[1])) if all(1 <= side < 1e6 for side in sides) else None


def _small(source: Source, path: str, limit: int) -> bytes:
    data = source.read(path)
    if len(data) > limit:
        raise ImportRefusedError(
            f"Expected {shown(path)} to have at most {limit / 1_000_000:g} MB, got "
            f"{len(data) / 1_000_000:.0f}: divide it into several files."
        )
    return data
