"""A text with tables and pictures, written as Markdown or HTML. All of its strings are plain text.

The writers escape every string, so that no name of a project, class, group or file is ever markup.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

# Of Markdown, and what GitHub makes links of: ://, www. and @.
_MARKS = re.compile(r"[\\`*_\[\]<>#|~$&@!{}]|:(?=//)|(?<=www)\.")

Tone = Literal["plain", "good", "bad", "small"]


@dataclass(frozen=True, slots=True)
class Text:
    text: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Code:
    """Lines to be typed."""

    text: str


@dataclass(frozen=True, slots=True)
class Table:
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure to be seen first."""

    label: str
    value: str
    note: str


@dataclass(frozen=True, slots=True)
class Tiles:
    tiles: tuple[Tile, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """A confusion matrix: a row for each true class, a column for each predicted class."""

    title: str
    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Reliability:
    """Accuracy by confidence."""

    title: str
    bins: tuple[tuple[float, float, int], ...]  # mean confidence and accuracy in [0, 1], images


@dataclass(frozen=True, slots=True)
class Picture:
    jpeg: bytes
    caption: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class PictureRow:
    """Pictures of one image, side by side."""

    title: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True, slots=True)
class Gallery:
    rows: tuple[PictureRow, ...]


Block = Text | Code | Table | Tiles | Matrix | Reliability | Gallery


@dataclass(frozen=True, slots=True)
class Section:
    heading: str
    blocks: tuple[Block, ...]


def markdown(title: str, sections: Sequence[Section]) -> str:
    """Text, code and tables alone; pictures and charts are for HTML."""
    lines = [f"# {_line(title)}", ""]
    for section in sections:
        lines += [f"## {_line(section.heading)}", ""]
        for block in section.blocks:
            lines += [*_markdown_lines(block), ""]
    return "\n".join(lines).rstrip() + "\n"


def _markdown_lines(block: Block) -> list[str]:
    match block:
        case Text(text):
            return [_line(text)]
        case Code(text):
            return [f"    {line}" for line in text.splitlines()]
        case Table(header, rows):
            return [_row(header), _row(("---",) * len(header), as_is=True), *(_row(row) for row in rows)]
    raise TypeError(f"Markdown has no {type(block).__name__}")


def _row(cells: Sequence[str], *, as_is: bool = False) -> str:
    return "| " + " | ".join(cell if as_is else _line(cell) for cell in cells) + " |"


def _line(text: str) -> str:
    """On one line, since a line break would end a table's row or begin a heading; with marks and links
    escaped.
    """
    escaped = _MARKS.sub(r"\\\g<0>", re.sub(r"\s+", " ", text).strip())
    return re.sub(r"^(\d*)([-+=.)])(?=\s|$)", r"\1\\\2", escaped)  # would begin a list or a heading
