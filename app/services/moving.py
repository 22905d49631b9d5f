"""Images moved to another split by hand, perhaps with all that belong to them."""

from collections.abc import Collection

from app.services import people
from app.workspace import Workspace
from db import holdings, splits
from db.records import ImageRecord, Split


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
    people.require(ws, "annotator", "move images")
    return splits.move_images(ws.database, project_id, image_ids, split)


def switch(ws: Workspace, image: ImageRecord) -> None:
    """A validation image becomes a training image; one that was moved so goes back.

    Raises db.errors.ConflictError when it was moved meanwhile, NotFoundError.
    """
    people.require(ws, "annotator", "move images")
    (splits.move_back if image.counter_example else splits.move_to_training)(ws.database, image.id)
