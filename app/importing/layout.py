"""How the files of an import say what they are: an index.csv, or one folder per class."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from app.errors import FileRefusedError, ImportRefusedError
from app.importing.item import MAX_TEXT, SEPARATOR, Item, ItemLabel, class_name, short_text
from app.importing.sources import Source, plain_name, shown
from db.records import RefusalRecord, Split

INDEX = "index.csv"
_SPLITS: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
    "testing": "test",
}
# Folders of data sets that say what kind of file lies in them, and not what the images show.
_KINDS_OF_FILES = frozenset(
    (
        *("annotation", "annotations", "gt", "image", "images", "imagesets", "img", "imgs", "jpegimages"),
        *("labels", "mask", "masks", "segmentationclass", "segmentationobject"),
    )
)
_EMPTY = "It is a folder without any file: no image of this class came from it."
_OWN_COLUMNS = ("file", "label", "split", "mask")


@dataclass(slots=True)
class Layout:
    items: list[Item] = field(default_factory=list)
    refused: list[RefusalRecord] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def refuse(self, name: str, reason: str) -> None:
        self.refused.append(RefusalRecord(shown(name), reason))


def example_of(refused: Sequence[RefusalRecord]) -> str:
    """A sentence with the first refusal, to put behind another; empty when there is none."""
    return f" For example {refused[0].name}: {refused[0].reason}" if refused else ""


def read_layout(source: Source) -> Layout:
    """Raises ImportRefusedError when neither an index nor class folders can be made out."""
    if not source.names:
        raise ImportRefusedError(
            f"Expected images, got no file that can be read.{example_of(source.refused)}"
        )
    folders = {name.split("/")[0] for name in source.names if "/" in name}
    # A zip is often one folder that holds everything. An index in one of several folders is not the import's.
    for prefix in ("", *(f"{folder}/" for folder in folders if len(folders) == 1)):
        if f"{prefix}{INDEX}" in source.names:
            return _from_index(source, prefix)
    return _from_folders(source)


def _from_folders(source: Source) -> Layout:
    layout = Layout()
    paths = {path: path.split("/") for path in source.names}
    around = ""
    # One folder around the others carries no meaning, unless it is "train" itself. A lone file beside or in
    # it, a README say, is no reason to take it for the only class.
    while any(len(parts) > 2 for parts in paths.values()):
        folders = {parts[0] for parts in paths.values() if len(parts) > 1}
        outer = folders.pop()
        if folders or outer.lower() in _SPLITS:
            break
        around += f"{outer}/"
        paths = {path: parts[1:] or parts for path, parts in paths.items()}
    has_splits = any(_SPLITS.get(parts[0].lower()) == "train" and len(parts) > 2 for parts in paths.values())
    for path, parts in paths.items():
        name = "/".join(parts)
        try:
            split = None
            if has_splits:
                split = _SPLITS.get(parts[0].lower())
                if split is None:
                    raise FileRefusedError("It lies outside the train, validation and test folders.")
                parts = parts[1:]
            if len(parts) < 2:
                raise FileRefusedError("It lies in no class folder.")
            label = ItemLabel(class_name(parts[0], "class name"))
            layout.items.append(Item(name, path, (label,), split))
        except FileRefusedError as error:
            layout.refuse(name, str(error))
    _expect_classes(layout)
    for folder in source.empty_folders:
        if folder.startswith(around) and _is_for_a_class(folder.removeprefix(around).split("/"), has_splits):
            layout.refuse(f"{folder.removeprefix(around)}/", _EMPTY)
    return layout


def kinds_of_files(classes: Iterable[str]) -> list[str]:
    """Those of the classes whose name says what kind of file lies in their folder, in order."""
    return sorted(name for name in classes if name.lower() in _KINDS_OF_FILES)


def _expect_classes(layout: Layout) -> None:
    """Raises ImportRefusedError where all folders are named after kinds of files."""
    names = {name for item in layout.items for name in item.classes}
    found = kinds_of_files(names)
    if names and len(found) == len(names):
        raise ImportRefusedError(
            f"Expected a folder for each class, named like it, got {', '.join(found)}. Sort the images into "
            f"such folders, or put an {INDEX} beside these, with the columns file and label."
        )


def _is_for_a_class(parts: list[str], has_splits: bool) -> bool:
    """Whether images in the folder with this path would be a class; a hidden folder is no one's class."""
    above = [part.lower() for part in parts[:-1]]
    in_place = len(above) == 1 and above[0] in _SPLITS if has_splits else not above
    return in_place and not parts[-1].startswith(".")


def _from_index(source: Source, prefix: str) -> Layout:
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
            used |= {item.path, *(label.mask_path for label in item.labels if label.mask_path)}
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
        for label in item.labels:
            if label.mask_path is not None and label.mask_path not in known:
                layout.refuse(
                    label.mask or "", f"Line {line} of {INDEX}: there is no such mask in the import."
                )
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


def _with_known_mask(label: ItemLabel, known: set[str]) -> ItemLabel:
    return label if label.mask_path in known else ItemLabel(label.name)


def _item(row: Mapping[str, str], columns: list[str], prefix: str) -> Item:
    name = plain_name(row["file"].strip())
    split = None
    if "split" in columns:
        split = _SPLITS.get(row["split"].strip().lower())
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
    masks = [part.strip() for part in row.get("mask", "").split(SEPARATOR)]
    if len(masks) > len(names):
        raise FileRefusedError(f"Expected at most {len(names)} masks, one for each label, got {len(masks)}.")
    masks += [""] * (len(names) - len(masks))
    labels = []
    for name, raw in zip(names, masks, strict=True):
        mask = plain_name(raw) if raw else None
        labels.append(ItemLabel(name, mask, f"{prefix}{mask}" if mask else None))
    return tuple(labels)
