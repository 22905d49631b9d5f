"""Reads a table of an import line by line: its encoding, its delimiter, and columns that say nothing.

Nothing here holds more than a line, however long the table is.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from app.errors import FileRefusedError, ImportRefusedError
from app.importing.cells import plain_cell
from app.importing.item import MAX_TEXT
from app.importing.name_encoding import ENCODINGS, UTF_8, guess_encoding
from app.importing.sources import READING_ERRORS, Source

MAX_LINES = 2_000_000  # ten for each file that an import may have
MAX_LINE = 100_000  # characters
_DELIMITERS = ",;\t"  # spreadsheets write semicolons where the comma is decimal
_NAMELESS = re.compile(r"(Unnamed: \d+(\.\d+)?(_level_\d+)?)?")  # pandas' names for columns without one
_CHUNK = 2**20
_BYTE_ORDER_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@dataclass(slots=True)
class Table:
    """A table that is read once."""

    title: str  # the file's name, for messages
    columns: list[str]  # with a name, in order
    rows: Iterator[tuple[int, list[str] | None]]  # (line number, values by column; None: another number)
    notes: list[str] = field(default_factory=list)


def open_table(source: Source, path: str, title: str) -> Table:
    """Raises ImportRefusedError when the file is no table; so does reading its rows."""
    encoding, notes = _encoding(source, path, title)
    lines = _lines(source, path, encoding, title)
    head = next(lines, "")
    delimiter = max(_DELIMITERS, key=head.count)
    reader = csv.reader(chain([head], lines), delimiter=delimiter, strict=True)
    try:
        names = [plain_cell(name.strip()) for name in next(reader, [])]
    except csv.Error as error:
        raise ImportRefusedError(f"{title} cannot be read as a table ({error}).") from error
    named = [place for place, name in enumerate(names) if not _NAMELESS.fullmatch(name)]
    columns = [names[place] for place in named]
    if len({name.lower() for name in columns}) != len(columns):
        raise ImportRefusedError(
            f"Expected columns with different names in {title}, got {', '.join(columns)}."
        )
    for name in columns:
        if len(name) > MAX_TEXT or not name.isprintable():
            raise ImportRefusedError(
                f"Expected column names of at most {MAX_TEXT} plain characters in {title}."
            )
    if len(columns) < len(names):
        notes.append(f"Columns without a name in {title} are ignored: {len(names) - len(columns)}.")
    return Table(title, columns, _rows(reader, named, len(names), title), notes)


def _rows(reader: Any, named: list[int], width: int, title: str) -> Iterator[tuple[int, list[str] | None]]:
    last = max(named, default=-1)
    try:
        for row in reader:
            if any(row):
                fits = len(row) > last and not any(value.strip() for value in row[width:])
                yield reader.line_num, [plain_cell(row[place]) for place in named] if fits else None
    except csv.Error as error:
        raise ImportRefusedError(f"{title} cannot be read as a table ({error}).") from error


def _encoding(source: Source, path: str, title: str) -> tuple[str, list[str]]:
    """(name of a codec, notes)."""
    decoder = codecs.getincrementaldecoder(UTF_8)()
    unreadable = False
    sample = b""
    try:
        with source.open(path) as stream:
            while chunk := stream.read(_CHUNK):
                if not sample:
                    sample = chunk
                    for mark, encoding in _BYTE_ORDER_MARKS.items():
                        if chunk.startswith(mark):
                            return encoding, []
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError:
                    unreadable, sample = True, chunk
                    break
    except FileRefusedError as error:
        raise ImportRefusedError(f"{title} cannot be read. {error}") from error
    except READING_ERRORS as error:
        raise ImportRefusedError(f"{title} cannot be read ({error}).") from error
    if not unreadable:
        return "utf-8-sig", []
    words = [part for part in re.split(rb"[\r\n,;\t]", sample) if not part.isascii()]
    encoding = guess_encoding(words)
    return encoding, [f"{title} is not in UTF-8: read as {ENCODINGS[encoding]}."]


def _lines(source: Source, path: str, encoding: str, title: str) -> Iterator[str]:
    try:
        with source.open(path) as stream:
            lines = io.TextIOWrapper(stream, encoding, newline="")
            for number in range(MAX_LINES + 1):
                line = lines.readline(MAX_LINE + 1)
                if not line:
                    return
                if len(line) > MAX_LINE:
                    raise ImportRefusedError(
                        f"Expected lines of at most {MAX_LINE:,} characters in {title}, got a longer one "
                        f"(line {number + 1})."
                    )
                yield line
            raise ImportRefusedError(f"Expected at most {MAX_LINES:,} lines in {title}, got more.")
    except UnicodeDecodeError as error:
        raise ImportRefusedError(f"Expected {title} to be UTF-8 text, got something else.") from error
    except FileRefusedError as error:
        raise ImportRefusedError(f"{title} cannot be read. {error}") from error
    except READING_ERRORS as error:
        raise ImportRefusedError(f"{title} cannot be read ({error}).") from error
