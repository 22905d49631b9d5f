"""What formats of annotation tools have in common: which file is meant, and which classes it shows."""

import re
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from app.errors import FileRefusedError, ImportRefusedError
from app.importing.formats.layout import SPLITS, Layout
from app.importing.item import MAX_TEXT, SEPARATOR, Item, ItemLabel
from app.importing.marks import Mark
from app.importing.sources import Source, shown
from db.records import Split

IMAGE_ENDINGS = frozenset(
    (
        *(".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jpe", ".jpeg", ".jpg"),
        *(".jxl", ".mpo", ".png", ".tif", ".tiff", ".webp"),
    )
)
MAX_ANNOTATIONS = 1_000_000  # in one import
MAX_REFUSED = 2_000  # told one by one
_MAX_RENAMED = 20  # likewise
_MAX_PATH = 2_000  # characters
_SPLIT_WORD = re.compile(
    r"(?<![a-z])(train|training|val|valid|validation|dev|test|testing)(?:\d{4})?(?![a-z])"
)


@dataclass(slots=True)
class Annotated:
    """An image and what its annotations say."""

    path: str  # in the source
    split: Split | None = None
    size: tuple[int, int] | None = None  # (width, height) as the annotations have it
    classes: dict[str, list[Mark]] = field(default_factory=dict)  # in the order in which they are named
    # It has annotations, if only such as are not read, or nobody has annotated it yet: that it has no class
    # does not mean that it shows none.
    uncertain: bool = False

    def add(self, name: str, mark: Mark | None = None) -> None:
        """`name`: from `Annotations.class_of`."""
        marks = self.classes.setdefault(name, [])
        if mark is not None:
            marks.append(mark)


class Annotations:
    """Collects annotations of the images of a source. Whatever cannot be used is counted, and said."""

    def __init__(self, source: Source, tool: str, masks: Collection[str] = ()) -> None:
        """`tool`: the format's name, for sentences. `masks`: paths of pictures that are no photographs."""
        self._tool = tool
        self._layout = Layout()
        self._around = folder_around(source.names)
        self._images: dict[str, Annotated] = {}
        self._by_name: dict[str, list[str]] = {}  # last part of the path, with and without its ending
        self._renamed: dict[str, str] = {}
        self._left_out: Counter[str] = Counter()
        self._refused: set[tuple[str, str]] = set()
        self._count = 0
        for path in source.names:
            if is_image(path) and path not in masks:
                name = path.rpartition("/")[2]
                for key in {name, PurePosixPath(name).stem}:
                    self._by_name.setdefault(key, []).append(path)

    def find(self, raw: str, near: str = "", split: Split | None = None) -> Annotated:
        """The image that an annotation calls `raw`: only a file of the import can be meant, wherever the path
        led on the machine that wrote it. Between several files of this name decide the rest of the path, the
        `split`, and how close to `near` they lie, which is the annotation's own path.

        Raises FileRefusedError when there is none, or more than one.
        """
        parts = [part for part in re.split(r"[/\\]", raw) if part not in ("", ".")]
        if not parts or parts[-1] == ".." or len(raw) > _MAX_PATH:
            raise FileRefusedError(f"{self._tool} names no image.")
        candidates = self._by_name.get(parts[-1], [])
        exact = [path for path in candidates if _is_named(self.shown(path), parts)]
        candidates = exact if len(exact) == 1 else candidates
        candidates = _best(candidates, lambda path: _same_end(path.split("/")[:-1], parts[:-1]))
        candidates = _best(candidates, lambda path: int(split is not None and split_of(path) == split))
        candidates = _best(candidates, lambda path: _same_start(path.split("/"), near.split("/")))
        if not candidates:
            raise FileRefusedError(f"{self._tool} names this image, and there is no such file in the import.")
        if len(candidates) > 1:
            raise FileRefusedError(f"Several files have this name: {shown(', '.join(candidates[:2]))}.")
        return self.image(candidates[0])

    def image(self, path: str) -> Annotated:
        """Of a file of the source."""
        return self._images.setdefault(path, Annotated(path))

    def class_of(self, raw: object) -> str:
        """A class name that the program can store. Raises FileRefusedError when nothing is left of it, or
        too much: cut off, two classes could be one.
        """
        text = raw if isinstance(raw, str) else str(raw) if isinstance(raw, int | float) else ""
        name = "".join(sign if sign.isprintable() else " " for sign in text).replace(SEPARATOR, "/")
        name = name.strip()
        if not name:
            raise FileRefusedError("An annotation has a class without a name.")
        if len(name) > MAX_TEXT:
            raise FileRefusedError(f"An annotation's class has a name of more than {MAX_TEXT} characters.")
        if name != text.strip():
            self._renamed[shown(text)] = name
        return name

    def count(self, image: Annotated | None = None) -> None:
        """One more annotation, of this image. Raises ImportRefusedError above `MAX_ANNOTATIONS`."""
        if image is not None:
            image.uncertain = True
        self._count += 1
        if self._count > MAX_ANNOTATIONS:
            raise ImportRefusedError(
                f"Expected at most {MAX_ANNOTATIONS:,} annotations in one import, got more. Import a part."
            )

    def refuse(self, name: str, reason: str) -> None:
        """A file that cannot be used, or an image without something of it."""
        if (name, reason) in self._refused:
            return
        self._refused.add((name, reason))
        if len(self._refused) <= MAX_REFUSED:
            self._layout.refuse(self.shown(name), reason)
        else:
            self._left_out["more that was refused"] += 1

    def leave_out(self, what: str) -> None:
        """Something that is not read, such as "a polyline", counted."""
        self._left_out[what] += 1

    def note(self, sentence: str) -> None:
        self._layout.notes.append(sentence)

    def layout(self) -> Layout:
        """Everything collected. Images that nothing names are left out, and counted."""
        layout = self._layout
        layout.splits_by_name = True
        labelled = [image for _, image in sorted(self._images.items()) if image.classes]
        layout.items = [self._item(image) for image in labelled]
        empty = [image for _, image in sorted(self._images.items()) if not (image.classes or image.uncertain)]
        layout.empty = [self._item(image) for image in empty]
        images = {path for paths in self._by_name.values() for path in paths}
        unlabelled = sorted(images - {image.path for image in (*labelled, *empty)})
        if unlabelled:
            layout.notes.append(
                f"Left out, without an annotation of a class: {len(unlabelled):,} images, "
                f"e.g. {self.shown(unlabelled[0])}."
            )
        if self._left_out:
            kinds = ", ".join(f"{what} ({times:,})" for what, times in sorted(self._left_out.items()))
            layout.notes.append(f"Not read from {self._tool}: {kinds}.")
        for old, new in sorted(self._renamed.items())[:_MAX_RENAMED]:
            layout.notes.append(f"The class “{old}” is called “{new}” here.")
        return layout

    def _item(self, image: Annotated) -> Item:
        labels = tuple(ItemLabel(name, tuple(marks)) for name, marks in image.classes.items())
        return Item(self.shown(image.path), image.path, labels, image.split, annotated_size=image.size)

    def shown(self, path: str) -> str:
        """The name of a file as the user knows it: without a folder that holds everything."""
        return path.removeprefix(self._around)


def is_image(path: str) -> bool:
    """By its ending: what the file really is is judged when it is read."""
    return PurePosixPath(path.lower()).suffix in IMAGE_ENDINGS


def split_of(path: str) -> Split | None:
    """The split that a path names, such as "annotations/instances_train2017.json" or "valid/a.jpg"."""
    found = _SPLIT_WORD.findall(path.lower())
    return SPLITS.get("val" if found[-1] == "dev" else found[-1]) if found else None


def folder_around(names: list[str]) -> str:
    """The one folder that holds everything, with "/" behind; "" where there is none."""
    tops = {name.partition("/")[0] for name in names}
    return f"{tops.pop()}/" if len(tops) == 1 and all("/" in name for name in names) else ""


def _is_named(path: str, parts: list[str]) -> bool:
    """Whether these are the parts of the path, with its ending or without."""
    return "/".join(parts) in (path, str(PurePosixPath(path).with_suffix("")))


def _best(paths: list[str], score: Callable[[str], int]) -> list[str]:
    """Those with the highest score."""
    if len(paths) < 2:
        return paths
    scores = [score(path) for path in paths]
    return [path for path, value in zip(paths, scores, strict=True) if value == max(scores)]


def _same_start(first: list[str], second: list[str]) -> int:
    """How many parts two paths share, from the start."""
    different = (place for place, pair in enumerate(zip(first, second, strict=False)) if pair[0] != pair[1])
    return next(different, min(len(first), len(second)))


def _same_end(first: list[str], second: list[str]) -> int:
    """How many parts two paths share, from the end."""
    return _same_start(first[::-1], second[::-1])
