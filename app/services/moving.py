"""Images moved to another split by hand, perhaps with all that belong to them."""

from collections.abc import Collection

from app.workspace import Workspace
from db import holdings, splits
from db.records import Split


def with_their_like(ws: Workspace, project_id: int, image_ids: Collection[int], column: str) -> list[int]:
    """These images and all of the project that have the same value of a group, such as a patient, as one of
    them; sorted. Empty column: these alone.
    """
    if not column:
        return sorted(image_ids)
    values = holdings.values_of(ws.database, project_id, column)
    chosen = {values[image_id] for image_id in image_ids if image_id in values}
    return sorted({*image_ids, *(image_id for image_id, value in values.items() if value in chosen)})


def move(ws: Workspace, project_id: int, image_ids: Collection[int], split: Split) -> int:
    """How many images were in another split.

    Raises db.errors.ConflictError when a class would have no training image left, NotFoundError.
    """
    return splits.move_images(ws.database, project_id, image_ids, split)
