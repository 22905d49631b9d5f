"""YOLO: a text file for each image, with a line for each box or outline, and the classes in data.yaml."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from app.errors import FileRefusedError
from app.importing.formats.annotated import Annotated, Annotations, is_image, split_of
from app.importing.formats.layout import SPLITS, Layout
from app.importing.formats.plain_data import number, text_of, yaml_of
from app.importing.marks import Outline
from app.importing.sources import Source
from db.records import Split

TITLE = "YOLO (text files)"
_NAMES = ("classes.txt", "obj.names", "_darknet.labels")  # a class on each line
_NO_LABELS = {*_NAMES, "train.txt", "val.txt", "valid.txt", "test.txt"}
_SAMPLE = 20  # files looked at to know the format
_MAX_LINES = 10_000  # of one file
_BOX = 5  # values: class, centre, sides


def is_in(source: Source) -> bool:
    """Whether the first label files beside images hold what YOLO's do."""
    paths = [PurePosixPath(path) for path in source.names if is_image(path)]
    images = {name for path in paths for name in (path.stem, path.name)}
    files = [path for path in _label_files(source) if _stem(path) in images][:_SAMPLE]
    lines = [line for path in files for line in _lines(source, path)]
    return bool(lines) and all(_is_label(line) for line in lines)


def read(source: Source) -> Layout:
    """A file without lines is an image of no class."""
    annotations = Annotations(source, "YOLO")
    described = _description(source)
    names = _names(source, described)
    if not names:
        annotations.note("No data.yaml or classes.txt names the classes: they are called by their numbers.")
    splits = _Splits(source, described)
    pose = "kpt_shape" in described
    for path in _label_files(source):
        try:
            image = annotations.find(_image_name(path), path.replace("labels/", "images/"), split_of(path))
        except FileRefusedError as error:
            annotations.refuse(path, str(error))
            continue
        image.split = splits.of(image.path)
        for place, line in enumerate(_lines(source, path), start=1):
            annotations.count(image)
            try:
                _read_line(line, names, image, annotations, pose)
            except FileRefusedError as error:
                annotations.refuse(path, f"Line {place}: {error} The image was taken without it.")
    return annotations.layout()


def _read_line(
    values: list[str], names: dict[int, str], image: Annotated, annotations: Annotations, pose: bool
) -> None:
    """Raises FileRefusedError."""
    if not _is_label(values):
        raise FileRefusedError("Expected a class and four or more numbers, got something else.")
    position = int(values[0])
    if names and position not in names:
        raise FileRefusedError(f"There is no class {position}: data.yaml names {len(names)}.")
    name = annotations.class_of(names.get(position, str(position)))
    shares = [number(value) for value in values[1:]]
    if len(values) <= _BOX + 1 or pose:  # behind a box may stand how sure a detector was
        x, y, width, height = shares[:4]
        if width < 0 or height < 0:
            raise FileRefusedError("A box has a negative side.")
        corners = ((x - width / 2, y - height / 2), (x + width / 2, y + height / 2))
        image.add(name, Outline("box", corners, relative=True))
    else:
        points = tuple(zip(shares[::2], shares[1::2], strict=True))
        image.add(name, Outline("polygon", points, relative=True))


def _is_label(values: list[str]) -> bool:
    """A whole number and a box, or an outline of at least three points: a box, perhaps with a confidence, or
    an even number of coordinates.
    """
    if len(values) < _BOX or not values[0].isascii() or not values[0].isdigit() or len(values[0]) > 6:
        return False
    if any(number(value) != number(value) for value in values[1:]):
        return False
    return len(values) <= _BOX + 1 or len(values) % 2 == 1


def _label_files(source: Source) -> list[str]:
    return [
        path
        for path in source.names
        if path.lower().endswith(".txt") and path.rpartition("/")[2].lower() not in _NO_LABELS
    ]


def _stem(path: str) -> str:
    """The name of the image: without its ending, or with it where two images differ in nothing else."""
    return PurePosixPath(path).stem


def _image_name(path: str) -> str:
    """As `_stem`, with its folders but the one that says that labels are in it."""
    folders = [part for part in path.split("/")[:-1] if part.lower() != "labels"]
    return "/".join([*folders, _stem(path)])


def _lines(source: Source, path: str) -> Iterator[list[str]]:
    """The values of each line; nothing of a file that is no text."""
    try:
        text = source.read(path).decode("utf-8")
    except (FileRefusedError, UnicodeDecodeError):
        return
    for line in text.splitlines()[:_MAX_LINES]:
        if values := line.split(maxsplit=50_000):
            yield values


def _description(source: Source) -> dict[str, Any]:
    """data.yaml or a file like it; empty where there is none."""
    for path in source.names:
        if path.lower().endswith((".yaml", ".yml")):
            try:
                document = yaml_of(source, path)
            except FileRefusedError:
                continue
            if isinstance(document, dict) and isinstance(document.get("names"), list | dict):
                return document
    return {}


def _names(source: Source, described: dict[str, Any]) -> dict[int, str]:
    named = described.get("names")
    if isinstance(named, list):
        return {place: str(name) for place, name in enumerate(named)}
    if isinstance(named, dict):
        return {int(place): str(name) for place, name in named.items() if str(place).isdecimal()}
    for path in source.names:
        if path.rpartition("/")[2].lower() in _NAMES:
            text = text_of(source, path)
            return {place: line.strip() for place, line in enumerate(text.splitlines()) if line.strip()}
    return {}


class _Splits:
    """By the folders or lists that data.yaml names, else by the folder that an image lies in."""

    def __init__(self, source: Source, described: dict[str, Any]) -> None:
        self._folders: list[tuple[str, Split]] = []
        self._listed: dict[str, Split] = {}
        for key, split in SPLITS.items():
            places = described.get(key)
            for place in places if isinstance(places, list) else [places]:
                parts = [part for part in str(place or "").split("/") if part not in ("", ".", "..")]
                name = "/".join(parts)
                if name.endswith(".txt"):
                    self._read_list(source, name, split)
                elif name:
                    self._folders.append((f"/{name}/", split))

    def _read_list(self, source: Source, name: str, split: Split) -> None:
        for path in source.names:
            if f"/{path}".endswith(f"/{name}"):
                text = text_of(source, path)
                self._listed |= {PurePosixPath(line.strip()).name: split for line in text.splitlines()}

    def of(self, path: str) -> Split | None:
        for folder, split in self._folders:
            if folder in f"/{path}":
                return split
        return self._listed.get(PurePosixPath(path).name) or split_of(path.rpartition("/")[0])
