"""What a retrain of a project would learn from: guidance, and images that were moved to training."""

from dataclasses import dataclass

from app.workspace import Workspace
from db.annotations import count_guided_images, roles_by_class
from db.library import list_classes
from db.people import LATEST, Whose
from db.splits import count_moved
from gain_core.dataset.sample import LEAST_TO_REFIT


@dataclass(frozen=True, slots=True)
class Lessons:
    """What a retrain of one project would learn from."""

    guided_training: int  # training images with at least one region, by whoever counts
    unguided_classes: tuple[str, ...] = ()  # see `_left_alone`
    moved_images: int = 0  # from validation to training

    @property
    def refits(self) -> bool:
        """Whether a quick retrain also refits the last layer to the moved images."""
        return self.moved_images >= LEAST_TO_REFIT


def lessons(
    ws: Workspace, project_id: int, whose: Whose = LATEST, *, moved_images: int | None = None
) -> Lessons:
    """The same until an image of the project gets other guidance, another label or another split. whose:
    drawings that count; moved_images: where they have been counted.
    """
    by = whose.person_id
    return Lessons(
        guided_training=count_guided_images(ws.database, project_id, "train", by=by),
        unguided_classes=_left_alone(ws, project_id, by),
        moved_images=count_moved(ws.database, project_id) if moved_images is None else moved_images,
    )


def _left_alone(ws: Workspace, project_id: int, by: int | None) -> tuple[str, ...]:
    """Names of the classes without guidance, where others have *look here*.

    One outline of such a class is worth more than ten of the others (docs/decisions/0021). *Ignore this* asks
    nothing of other classes.
    """
    roles = roles_by_class(ws.database, project_id, by=by)
    if all(roles.values()) or not any("look_here" in of_class for of_class in roles.values()):
        return ()
    return tuple(item.name for item in list_classes(ws.database, project_id) if roles.get(item.id) == set())
