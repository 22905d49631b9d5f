"""What an import holds by names and tables alone: the first half of an import, and of its dry run."""

from app.errors import FileRefusedError, ImportRefusedError
from app.importing.classes import with_chosen_classes
from app.importing.formats import read_layout
from app.importing.formats.layout import MAX_REFUSALS, Layout
from app.importing.options import ImportOptions
from app.importing.sources import Source


def arranged(source: Source, options: ImportOptions) -> Layout:
    """Items with the classes that `options` asks for. Nothing of an image is read.

    Raises ImportRefusedError when no format can read the files.
    """
    try:
        layout = read_layout(source)
    except FileRefusedError as error:
        raise ImportRefusedError(f"The list of images cannot be read. {error}") from error
    layout.refused[:0] = source.refused
    layout.n_refused += len(source.refused)
    del layout.refused[MAX_REFUSALS:]
    layout.items, notes = with_chosen_classes(layout.items, layout.inner_folders, options)
    layout.notes[:0] = source.notes
    layout.notes += notes
    return layout
