"""What an import holds by names and tables alone: the first half of an import, and of its dry run."""

from dataclasses import replace
from typing import Literal

from app.errors import FileRefusedError, ImportRefusedError
from app.importing.classes import with_chosen_classes
from app.importing.formats import read_layout
from app.importing.formats.layout import MAX_REFUSALS, Layout
from app.importing.item import ItemLabel
from app.importing.options import ImportOptions
from app.importing.sources import Source
from app.importing.target import Target, fit_classes, fit_groups
from db.records import Split


def arranged(source: Source, options: ImportOptions, target: Target | None = None) -> Layout:
    """Items with the classes that `options` asks for, and that the project has to which they are added.
    Nothing of an image is read.

    Raises ImportRefusedError when no format can read the files.
    """
    try:
        layout = read_layout(source)
    except FileRefusedError as error:
        raise ImportRefusedError(f"The list of images cannot be read. {error}") from error
    layout.refused[:0] = source.refused
    layout.n_refused += len(source.refused)
    del layout.refused[MAX_REFUSALS:]
    _take_empty(layout, options.empty_class)
    layout.items, notes = with_chosen_classes(layout.items, layout.inner_folders, options, new=target is None)
    layout.notes[:0] = source.notes
    layout.notes += notes
    if target is not None:
        fit_classes(layout, target)
        fit_groups(layout, target)
        _come_into(layout, options.split)
    elif layout.splits_by_name and not any(item.split == "train" for item in layout.items):
        # A test set alone would train nothing: it is divided like images without a split.
        layout.items = [replace(item, split=None) for item in layout.items]
    return layout


def _come_into(layout: Layout, split: Split | Literal[""]) -> None:
    """All images without a split come into this one; empty: they are divided later."""
    layout.undivided = sum(item.split is None for item in layout.items)
    if split and layout.undivided:
        layout.items = [replace(item, split=item.split or split) for item in layout.items]
        layout.notes.append(
            f"No split is given: {layout.undivided:,} images come into the {split} split, as chosen."
        )


def _take_empty(layout: Layout, name: str) -> None:
    """Images without any object become images of this class; empty: they are left out, and counted."""
    if not layout.empty:
        return
    count, example = len(layout.empty), layout.empty[0].name
    if name:
        layout.items += [replace(item, labels=(ItemLabel(name),)) for item in layout.empty]
        layout.notes.append(f"Without any object, and taken as the class {name}: {count:,} images.")
    else:
        layout.notes.append(f"Left out, without any object: {count:,} images, e.g. {example}.")
