"""A table index.csv with a row per image: its file, labels, split, masks and groups."""

import csv
import io
from collections.abc import Mapping
from dataclasses import replace

from app.errors import FileRefusedError, ImportRefusedError
from app.importing.formats.layout import SPLITS, Layout
from app.importing.item import MAX_TEXT, SEPARATOR, Item, ItemLabel, class_name, short_text
from app.importing.marks import MaskFile
from app.importing.sources import Source, plain_name
from db.records import Role

TITLE = "Table (index.csv)"
INDEX = "index.csv"
_MASK_COLUMNS: dict[str, Role] = {"mask": "look_here", "ignore_mask": "ignore_this"}
_OWN_COLUMNS = ("file", "label", "split", *_MASK_COLUMNS)


def is_in(source: Source) -> bool:
    return _prefix(source) is not None


def _prefix(source: Source) -> str | None:
    """The folder of the index, "" or ending in "/"; None where there is none."""
    folders = {name.split("/")[0] for name in source.names if "/" in name}
    # A zip is often one folder that holds everything. An index in one of several folders is not the import's.
    for prefix in ("", *(f"{folder}/" for folder in folders if len(folders) == 1)):
        if f"{prefix}{INDEX}" in source.names:
            return prefix
    return None


def read(source: Source) -> Layout:
    """Raises ImportRefusedError when the index is not a table with the columns file and label."""
    prefix = _prefix(source) or ""
    layout = Layout()
    known = set(source.names)
    columns, rows = _rows(source.read(f"{prefix}{INDEX}"))
    used = {f"{prefix}{INDEX}"}
    listed: set[str] = set()
    for line, row in rows:
        if None in row or None in row.values():
            layout.refuse(f"{INDEX}, line {line}", f"Expected {len(columns)} values, got another number.")
            continue
        shown_name = row["file"] or f"{INDEX}, line {line}"
        try:
            item = _item(row, columns, prefix)
            used |= {item.path, *(mark.path for label in item.labels for mark in _mask_files(label))}
            if item.path not in known:
                raise FileRefusedError("There is no such file in the import.")
            if item.path in listed:
                raise FileRefusedError(
                    "The index names it a second time; the first line counts. Several labels of an image go "
                    f"into one line, with {SEPARATOR} between them."
                )
        except FileRefusedError as error:
            layout.refuse(shown_name, f"Line {line} of {INDEX}: {error}")
            continue
        listed.add(item.path)
        for mark in (mark for label in item.labels for mark in _mask_files(label)):
            if mark.path not in known:
                layout.refuse(mark.name, f"Line {line} of {INDEX}: there is no such mask in the import.")
        layout.items.append(replace(item, labels=tuple(_with_known_mask(one, known) for one in item.labels)))
    left_out = [name for name in source.names if name not in used]
    if left_out:
        layout.notes.append(f"Not named in {INDEX} and left out: {len(left_out)}, e.g. {left_out[0]}.")
    return layout


def _rows(data: bytes) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """(column names, (line number, row) pairs). Raises ImportRefusedError when the index cannot be read."""
    try:
        text = data.decode("utf-8-sig")
        head = text.partition("\n")[0]
        delimiter = max(",;\t", key=head.count)  # spreadsheets write semicolons where the comma is decimal
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        columns = [name.strip() for name in reader.fieldnames or []]
        reader.fieldnames = [name.lower() if name.lower() in _OWN_COLUMNS else name for name in columns]
        columns = list(reader.fieldnames)
        rows = [(reader.line_num, row) for row in reader]
    except UnicodeDecodeError as error:
        raise ImportRefusedError(f"Expected {INDEX} to be UTF-8 text, got something else.") from error
    except csv.Error as error:
        raise ImportRefusedError(f"{INDEX} cannot be read as a table ({error}).") from error
    if "file" not in columns or "label" not in columns:
        raise ImportRefusedError(
            f"Expected the columns file and label in {INDEX}, got {', '.join(columns) or 'none'}."
        )
    if len(set(columns)) != len(columns) or "" in columns:
        raise ImportRefusedError(
            f"Expected columns with different names in {INDEX}, got {', '.join(columns)}."
        )
    for name in columns:
        if len(name) > MAX_TEXT or not name.isprintable():
            raise ImportRefusedError(
                f"Expected column names of at most {MAX_TEXT} plain characters in {INDEX}."
            )
    return columns, rows


def _mask_files(label: ItemLabel) -> list[MaskFile]:
    return [mark for mark in label.marks if isinstance(mark, MaskFile)]


def _with_known_mask(label: ItemLabel, known: set[str]) -> ItemLabel:
    return ItemLabel(label.name, tuple(mark for mark in _mask_files(label) if mark.path in known))


def _item(row: Mapping[str, str], columns: list[str], prefix: str) -> Item:
    name = plain_name(row["file"].strip())
    split = None
    if "split" in columns:
        split = SPLITS.get(row["split"].strip().lower())
        if split is None:
            raise FileRefusedError(f"expected a split of train, validation or test, got {row['split']!r}.")
    groups = {
        column: short_text(row[column], column)
        for column in columns
        if column not in _OWN_COLUMNS and row[column].strip()
    }
    return Item(name, f"{prefix}{name}", _labels(row, prefix), split, groups)


def _labels(row: Mapping[str, str], prefix: str) -> tuple[ItemLabel, ...]:
    """The labels of a row, and their masks in the same order; a mask may be left out, behind the last too."""
    names = [class_name(part, "label") for part in row["label"].split(SEPARATOR)]
    if len(set(names)) < len(names):
        raise FileRefusedError("Its label names a class twice.")
    marks: dict[str, list[MaskFile]] = {name: [] for name in names}
    for column, role in _MASK_COLUMNS.items():
        masks = [part.strip() for part in row.get(column, "").split(SEPARATOR)]
        if len(masks) > len(names):
            raise FileRefusedError(
                f"Expected at most {len(names)} masks, one for each label, got {len(masks)}."
            )
        for name, raw in zip(names, masks, strict=False):
            if raw:
                mask = plain_name(raw)
                marks[name].append(MaskFile(mask, f"{prefix}{mask}", role))
    return tuple(ItemLabel(name, tuple(marks[name])) for name in names)
