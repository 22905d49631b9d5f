"""One folder per class, perhaps inside train, validation and test folders."""

from collections.abc import Collection, Iterable

from app.errors import FileRefusedError, ImportRefusedError
from app.importing.formats.layout import SPLITS, Layout
from app.importing.item import Item, ItemLabel, class_name
from app.importing.sources import Source

TITLE = "One folder per class"
# Folders of data sets that say what kind of file lies in them, and not what the images show.
_KINDS_OF_FILES = frozenset(
    (
        *("annotation", "annotations", "gt", "image", "images", "imagesets", "img", "imgs", "jpegimages"),
        *("labels", "mask", "masks", "segmentationclass", "segmentationobject"),
    )
)
_EMPTY = "It is a folder without any file: no image of this class came from it."


def is_in(source: Source) -> bool:
    """Whether there is any file: any folder could be a class, so this format is asked last."""
    return bool(source.names)


def read(source: Source) -> Layout:
    """Raises ImportRefusedError when all folders are named after kinds of files."""
    layout = Layout(splits_by_name=True)
    paths = {path: path.split("/") for path in source.names}
    around = ""
    # One folder around the others carries no meaning, unless it is "train" itself. A lone file beside or in
    # it, a README say, is no reason to take it for the only class.
    while any(len(parts) > 2 for parts in paths.values()):
        folders = {parts[0] for parts in paths.values() if len(parts) > 1}
        outer = folders.pop()
        if folders or outer.lower() in SPLITS:
            break
        around += f"{outer}/"
        paths = {path: parts[1:] or parts for path, parts in paths.items()}
    has_splits = _has_splits([parts for parts in paths.values() if len(parts) > 1])
    for path, parts in paths.items():
        name = "/".join(parts)
        try:
            split = None
            if has_splits:
                split = SPLITS.get(parts[0].lower())
                if split is None:
                    raise FileRefusedError("It lies outside the train, validation and test folders.")
                parts = parts[1:]
            if len(parts) < 2:
                raise FileRefusedError("It lies in no class folder.")
            label = ItemLabel(class_name(parts[0], "class name"))
            layout.items.append(Item(name, path, (label,), split))
            if len(parts) > 2:
                layout.inner_folders[path] = class_name(parts[-2], "class name")
        except FileRefusedError as error:
            layout.refuse(name, str(error))
    _expect_classes(layout)
    for folder in source.empty_folders:
        if folder.startswith(around) and _is_for_a_class(folder.removeprefix(around).split("/"), has_splits):
            layout.refuse(f"{folder.removeprefix(around)}/", _EMPTY)
    return layout


def _has_splits(paths: Collection[list[str]]) -> bool:
    """Whether the outer folders are splits: one is for training, or all are and hold folders."""
    outer = [SPLITS.get(parts[0].lower()) for parts in paths if len(parts) > 2]
    return "train" in outer or (0 < len(outer) == len(paths) and None not in outer)


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
            f"such folders, or put an index.csv beside these, with the columns file and label."
        )


def _is_for_a_class(parts: list[str], has_splits: bool) -> bool:
    """Whether images in the folder with this path would be a class; a hidden folder is no one's class."""
    above = [part.lower() for part in parts[:-1]]
    in_place = len(above) == 1 and above[0] in SPLITS if has_splits else not above
    return in_place and not parts[-1].startswith(".")
