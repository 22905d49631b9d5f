"""Keeping what was drawn."""

import io
from collections.abc import Sequence

from PIL import Image

from app.demo.project import SOURCE as DEMO
from app.drawing.regions import mask_png, rasterise, regions_from_mask
from app.drawing.several_people import get_counting
from app.errors import DrawingError, ServiceError
from app.services import library, people, queue
from app.workspace import Workspace
from db import annotations
from db import library as rows
from db.people import Whose
from db.records import GuidanceRecord, ImageRecord, RegionRecord


def load(ws: Workspace, image_id: int, class_id: int) -> GuidanceRecord | None:
    """What the person at work has saved for this image and class."""
    return annotations.get_guidance(ws.database, image_id, class_id)


def look_mask(ws: Workspace, image: ImageRecord, whose: Whose) -> Image.Image | None:
    """The *look here* regions that count for the image's (first) class, as a mask; None without any."""
    saved = get_counting(ws.database, image.id, image.class_id, whose)
    return None if saved is None or saved.look_png is None else Image.open(io.BytesIO(saved.look_png))


def save(
    ws: Workspace,
    image_id: int,
    class_id: int,
    regions: Sequence[RegionRecord],
    *,
    expected_revision: int | None = None,
    answered: bool = False,
    image: ImageRecord | None = None,
) -> GuidanceRecord | None:
    """Replace the person's guidance of this image and class by `regions`; none at all removes it and returns
    None. What others have drawn stays.

    `expected_revision`: the revision that was loaded, 0 when there was none; None overwrites what is there.
    `answered`: the regions are an answer about the map, not a drawing. `image`: where it has been read.
    Raises db.errors.ConflictError when another window of the person saved in between,
    db.errors.NotFoundError for an unknown image or class, DrawingError when a region is no shape or all of
    them miss the image.
    """
    people.require(ws, "annotator", "save drawings")
    image = rows.get_image(ws.database, image_id) if image is None else image
    look, ignore = rasterise(regions, (image.width, image.height))
    if regions and look is None and ignore is None:
        raise DrawingError(f"Expected regions on the image, got only shapes that miss {image.name}.")
    return annotations.save_guidance(
        ws.database,
        image_id,
        class_id,
        regions,
        None if look is None else mask_png(look),
        None if ignore is None else mask_png(ignore),
        expected_revision=expected_revision,
        answered=answered,
    )


def skip(ws: Workspace, image_id: int) -> None:
    """Send an image to the end of the queue."""
    people.require(ws, "annotator", "change images")
    rows.set_review(ws.database, image_id, "skipped")


def unskip(ws: Workspace, image_id: int) -> None:
    """Take an image back into the queue."""
    people.require(ws, "annotator", "change images")
    rows.set_review(ws.database, image_id, "open")


def mask_guidance(ws: Workspace, image_id: int, class_id: int, mask: Image.Image) -> GuidanceRecord:
    """Save a whole mask (one channel, the image's size, nonzero = look here) as polygons, over what is there.

    Raises DrawingError for a mask of another size or without a marked pixel.
    """
    image = rows.get_image(ws.database, image_id)
    if mask.size != (image.width, image.height):
        raise DrawingError(
            f"Expected a mask of {image.width}×{image.height} pixels for {image.name}, "
            f"got {mask.size[0]}×{mask.size[1]}."
        )
    regions = regions_from_mask(mask)
    saved = save(ws, image_id, class_id, regions) if regions else None  # an empty save would remove guidance
    if saved is None:
        raise DrawingError(f"Expected a mask with marked pixels for {image.name}, got an empty one.")
    return saved


def demo_guidance(ws: Workspace, project_id: int, n: int) -> list[int]:
    """Let the demo draw: guidance from the known masks for the first `n` images of the queue that have none.
    Returns their image ids; fewer when not so many are left.

    Raises ServiceError for any project that is not the demo.
    """
    project = rows.get_project(ws.database, project_id)
    if project.source != DEMO:
        raise ServiceError("Only the demo knows where its objects are; draw the regions yourself here.")
    return guide_by_masks(ws, project_id, n)


def guide_by_masks(ws: Workspace, project_id: int, n: int) -> list[int]:
    """Guidance from the stored object masks, for the first `n` training images of the queue that have a mask
    and no guidance. Returns their image ids; fewer when not so many are left.

    Raises MissingFileError, and DrawingError for an empty mask.
    """
    project = rows.get_project(ws.database, project_id)
    guided = annotations.guided_images(ws.database, project_id)
    made: list[int] = []
    for image_id in queue.order(ws, project_id, project.current_version_id):
        if len(made) >= n:
            break
        if image_id in guided:
            continue
        image = rows.get_image(ws.database, image_id)
        masks = {
            label.class_id: mask
            for label in image.labels
            if (mask := library.open_mask(ws, image.seen_as(label.class_id))) is not None
        }
        for class_id, mask in masks.items():
            mask_guidance(ws, image_id, class_id, mask)
        made += [image_id] if masks else []
    return made
