"""A first look at every picture of an import, without storing any."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from app.errors import FileRefusedError
from app.importing.formats.layout import Layout
from app.importing.frames import Size, frame_of
from app.importing.item import Item
from app.importing.judging import Progress
from app.importing.mark_reader import has_shapes
from app.importing.marks import MaskFile
from app.importing.near_duplicates import Description
from app.importing.options import ImportOptions
from app.importing.photographs import Glance, check_photograph, glance
from app.importing.sources import Source
from app.importing.staging import is_whole
from app.importing.target import Target
from db.records import ImageRecord


@dataclass(slots=True)
class Pictures:
    descriptions: list[Description] = field(default_factory=list)  # of each item that is left in the layout
    turned: int = 0  # photographs with an EXIF orientation whose annotations may be in unturned pixels
    scaled: dict[str, tuple[Size, Size]] = field(default_factory=dict)  # (annotated, stored) size by name
    misfits: list[str] = field(default_factory=list)  # names of images whose annotations have another shape
    there: list[tuple[Item, ImageRecord]] = field(default_factory=list)  # images that the project has
    lost: int = 0  # of these, whose file is missing or damaged


def look_at_all(
    source: Source,
    layout: Layout,
    max_pixels: int,
    on_progress: Progress,
    options: ImportOptions,
    target: Target | None,
) -> Pictures:
    """Refuses what is no picture, and takes what the project has out of the layout.

    target: None for a new project. Raises what `on_progress` raises.
    """
    there: Mapping[str, ImageRecord] = {} if target is None else target.images
    pictures = Pictures()
    new: list[Item] = []
    for done, item in enumerate(layout.items):
        on_progress(done, len(layout.items), "Looking at every picture")
        try:
            data = source.read(item.path)
            image = there.get(hashlib.sha256(data).hexdigest()) if there else None
            if there and image is None:  # perhaps stored with other bytes: decoded as the import does
                photograph = check_photograph(data, max_pixels)
                data, glimpse = photograph.data, photograph.glance
                image = there.get(hashlib.sha256(data).hexdigest())
            else:
                glimpse = glance(data, max_pixels)
        except FileRefusedError as error:
            layout.refuse(item.name, str(error))
            continue
        _look_at_marks(item, glimpse, layout, options, pictures)
        if image is not None and target is not None:
            pictures.there.append((item, image))
            pictures.lost += not is_whole(target.files.image(image.sha256, image.suffix), len(data))
        else:
            pictures.descriptions.append(glimpse.description)
            new.append(item)
    layout.items = new
    return pictures


def _look_at_marks(
    item: Item, glimpse: Glance, layout: Layout, options: ImportOptions, pictures: Pictures
) -> None:
    """How the item's annotations fit its picture, as far as that is known without reading mask files."""
    shapes = has_shapes(item.labels)
    mask_files = any(isinstance(mark, MaskFile) for label in item.labels for mark in label.marks)
    if not (shapes or mask_files):
        return
    orientation = 1 if layout.drawn_to_guide else glimpse.orientation
    frame = frame_of(item.annotated_size, glimpse.size, orientation, turned=options.turn_marks)
    if frame is None:
        pictures.misfits.append(item.name)
        return
    pictures.turned += orientation != 1 and (mask_files or frame.unclear)
    if shapes and frame.scaled:
        pictures.scaled[item.name] = frame.size, frame.upright
