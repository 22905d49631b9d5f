"""A table with a row per image, or per image and class: file, label, split, masks and groups.

It is named index.csv, or has another name and columns that other tools use, as Waterbirds' metadata.csv.
"""

from dataclasses import dataclass, field

from app.errors import FileRefusedError, ImportRefusedError
from app.importing.formats.attributes import attributes_of
from app.importing.formats.layout import SPLITS, Layout
from app.importing.formats.listed_files import ListedFiles
from app.importing.formats.table import Table, open_table
from app.importing.item import SEPARATOR, Item, ItemLabel, class_name
from app.importing.marks import MaskFile
from app.importing.sources import Source, plain_name
from db.records import Role, Split

TITLE = "Table (index.csv)"
INDEX = "index.csv"
MAX_LABELS = 100  # of one image
# What other tools call the columns; the first that is there counts.
_FILE = (
    *("file", "filename", "file_name", "img_filename", "image_filename", "filepath", "file_path", "path"),
    *("image_path", "img_path", "image_file", "image_name", "image", "img", "image_id"),
)
_LABEL = ("label", "labels", "class", "class_name", "category", "y", "target", "dx", "diagnosis")
_MASKS: dict[str, Role] = {"mask": "look_here", "ignore_mask": "ignore_this"}
_SPLIT = ("split", "partition", "subset")
_NUMBERED: dict[str, Split] = {"0": "train", "1": "validation", "2": "test"}  # as WILDS and CelebA do
_LOOKED_AT = 200  # lines of a table of another name, to see whether it names files of the import


@dataclass(slots=True)
class _Rows:
    """What the table says of one file."""

    name: str  # as the table has it
    line: int  # the first
    labels: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)  # cells of the masks by label
    values: tuple[str, ...] = ()  # of the columns that are no file, label or mask
    lines: int = 0


@dataclass(frozen=True, slots=True)
class _Columns:
    """Places of the columns in a row; None where there is no such column."""

    file: int
    label: int
    masks: tuple[tuple[int, Role], ...]  # (place, what to do there)
    split: int | None
    others: tuple[tuple[int, str], ...]  # (place, name)


def is_in(source: Source) -> bool:
    return _path(source) is not None


def read(source: Source) -> Layout:
    """Raises ImportRefusedError when the index is not a table with the columns file and label."""
    path = _path(source) or INDEX
    prefix, title = path[: -len(path.rpartition("/")[2])], path.rpartition("/")[2]
    layout = Layout()
    table = open_table(source, path, title)
    columns = _columns(table.columns)
    if columns is None:
        raise ImportRefusedError(
            f"Expected the columns file and label in {title}, got {', '.join(table.columns) or 'none'}."
        )
    files = ListedFiles(source.names, prefix)
    rows = _rows(table, columns, files, layout)
    layout.notes += table.notes
    used, names = {path, *rows}, set(source.names)
    splits = _splits(rows, columns)
    attributes = attributes_of(
        [name for _, name in columns.others], [entry.values[: len(columns.others)] for entry in rows.values()]
    )
    layout.notes += attributes.notes
    for (item_path, entry), of_item, single in zip(
        rows.items(), attributes.groups, attributes.single, strict=True
    ):
        try:
            labels = _labels(entry, columns, prefix, files)
            split = None if columns.split is None else _split(entry.values[-1], splits)
        except FileRefusedError as error:
            layout.refuse(entry.name, f"Line {entry.line} of {title}: {error}")
            continue
        masks = [mark for label in labels for mark in label.marks if isinstance(mark, MaskFile)]
        for mask in masks:
            if mask.path not in names:
                layout.refuse(
                    mask.name, f"Line {entry.line} of {title}: there is no such mask in the import."
                )
        used |= {mask.path for mask in masks}
        labels = tuple(_with_files(label, names) for label in labels)
        layout.items.append(Item(entry.name, item_path, labels, split, of_item, single))
    joined = sum(len(entry.labels) > 1 and entry.lines > 1 for entry in rows.values())
    if joined:
        layout.notes.append(f"{joined} images are on several lines of {title}: their labels were joined.")
    if files.moved:
        layout.notes.append(
            f"Found in another folder than {title} says: {len(files.moved)} files, e.g. {min(files.moved)}."
        )
    left_out = [name for name in source.names if name not in used]
    if left_out:
        layout.notes.append(f"Not named in {title} and left out: {len(left_out)}, e.g. {left_out[0]}.")
    return layout


def _path(source: Source) -> str | None:
    """Where the table is; None where there is none."""
    folders = {name.split("/")[0] for name in source.names if "/" in name}
    # A zip is often one folder that holds everything. A table in one of several folders is not the import's.
    for prefix in ("", *(f"{folder}/" for folder in folders if len(folders) == 1)):
        inside = [name for name in source.names if name.startswith(prefix) and "/" not in name[len(prefix) :]]
        if f"{prefix}{INDEX}" in inside:
            return f"{prefix}{INDEX}"
        tables = [name for name in inside if name.lower().endswith((".csv", ".tsv"))]
        fitting = [name for name in tables if _names_files(source, name, prefix)]
        if len(fitting) == 1:
            return fitting[0]
    return None


def _names_files(source: Source, path: str, prefix: str) -> bool:
    """Whether a table has columns for files and labels, and files of the import in its first lines."""
    try:
        table = open_table(source, path, path)
        columns = _columns(table.columns)
        if columns is None:
            return False
        files = ListedFiles(source.names, prefix)
        for _, (_, row) in zip(range(_LOOKED_AT), table.rows, strict=False):
            if row is not None and row[columns.file] and files.find(plain_name(row[columns.file])):
                return True
    except (FileRefusedError, ImportRefusedError):
        return False
    return False


def _columns(names: list[str]) -> _Columns | None:
    """None where there is no column for the file or none for the label."""
    places = {name.lower(): place for place, name in enumerate(names)}

    def first(wanted: tuple[str, ...]) -> int | None:
        return next((places[name] for name in wanted if name in places), None)

    file, label = first(_FILE), first(_LABEL)
    if file is None or label is None:
        return None
    split = first(_SPLIT)
    masks = tuple((places[name], role) for name, role in _MASKS.items() if name in places)
    own = {file, label, split, *(place for place, _ in masks)}
    others = tuple((place, name) for place, name in enumerate(names) if place not in own)
    return _Columns(file, label, masks, split, others)


def _rows(table: Table, columns: _Columns, files: ListedFiles, layout: Layout) -> dict[str, _Rows]:
    """By path of the file. Only lines that name a file of the import are kept."""
    rows: dict[str, _Rows] = {}
    for line, row in table.rows:
        if row is None:
            layout.refuse(
                f"{table.title}, line {line}", f"Expected {len(table.columns)} values, got another number."
            )
            continue
        raw = row[columns.file].strip()
        try:
            name = plain_name(raw)
            path = files.find(name)
            if path is None:
                raise FileRefusedError("There is no such file in the import.")
            values = tuple(row[place].strip() for place, _ in columns.others)
            values += () if columns.split is None else (row[columns.split].strip(),)
            masks = tuple(row[place].strip() for place, _ in columns.masks)
            if path not in rows:
                rows[path] = _Rows(files.shown(path, name), line, values=values)
            _join(rows[path], row[columns.label].strip(), masks, values, columns.split is not None)
        except FileRefusedError as error:
            layout.refuse(raw or f"{table.title}, line {line}", f"Line {line} of {table.title}: {error}")
    return rows


def _join(entry: _Rows, label: str, masks: tuple[str, ...], values: tuple[str, ...], has_split: bool) -> None:
    """Raises FileRefusedError where a further line contradicts the first."""
    if has_split and values[-1] != entry.values[-1]:
        raise FileRefusedError(f"It is in another split than on line {entry.line}, which counts.")
    if entry.lines and values != entry.values:  # of an object, perhaps; not of the image
        entry.values = tuple(
            value if value == other else "" for value, other in zip(entry.values, values, strict=True)
        )
    cells = entry.labels.get(label, [])
    if len(cells) >= MAX_LABELS or (label not in entry.labels and len(entry.labels) >= MAX_LABELS):
        raise FileRefusedError(f"It has more than {MAX_LABELS} labels, or masks of a label.")
    entry.labels.setdefault(label, cells)
    if masks not in cells and any(masks):
        cells.append(masks)
    entry.lines += 1


def _labels(entry: _Rows, columns: _Columns, prefix: str, files: ListedFiles) -> tuple[ItemLabel, ...]:
    """The labels of an image with their masks; a mask may be left out, behind the last label too."""
    marks: dict[str, list[MaskFile]] = {}
    for written, lines in entry.labels.items():
        names = [class_name(part, "label") for part in written.split(SEPARATOR)]
        if len(set(names)) < len(names):
            raise FileRefusedError("Its label names a class twice.")
        for name in names:
            marks.setdefault(name, [])
        for cells in lines:
            for cell, (_, role) in zip(cells, columns.masks, strict=True):
                masks = [part.strip() for part in cell.split(SEPARATOR)]
                if len(masks) > len(names):
                    raise FileRefusedError(
                        f"Expected at most {len(names)} masks, one for each label, got {len(masks)}."
                    )
                for name, raw in zip(names, masks, strict=False):
                    if raw:
                        mask = plain_name(raw)
                        marks[name].append(MaskFile(mask, files.find(mask) or f"{prefix}{mask}", role))
    return tuple(ItemLabel(name, tuple(marks[name])) for name in marks)


def _with_files(label: ItemLabel, names: set[str]) -> ItemLabel:
    """Without masks that are not there."""
    return ItemLabel(
        label.name, tuple(mark for mark in label.marks if isinstance(mark, MaskFile) and mark.path in names)
    )


def _splits(rows: dict[str, _Rows], columns: _Columns) -> dict[str, Split]:
    """What the values of the column `split` mean."""
    numbers = columns.split is not None and all(entry.values[-1] in _NUMBERED for entry in rows.values())
    return _NUMBERED if numbers else SPLITS


def _split(value: str, splits: dict[str, Split]) -> Split:
    split = splits.get(value.lower())
    if split is None:
        raise FileRefusedError(f"expected a split of train, validation or test, got {value!r}.")
    return split
