"""What W, E, Z and M do, on the page or told by the canvas: answers about the map, and moving an image.

Each function returns why it did nothing, as `saving.save` does. drafts and wake: fetched before, see `Wake`;
go_to: the image to show next.
"""

from dataclasses import dataclass

from app import resources
from app.components.annotate.drafts import Drafts, leave_memory, why_unsaved
from app.services import annotation, answers, moving
from app.services.answers import Place
from app.state import Answered, Wake
from app.workspace import Workspace
from db.records import ImageRecord, VersionRecord

SAVED: dict[Place, str] = {"wrong": "ignore this region", "right": "look at this region"}
NOT_SHOWN = "The image does not show this class. Choose one of its labels."
GUIDED = "This image has guidance. Clear it and save before you answer."
OTHER_METHOD = "Answers are about Grad-CAM's map. Choose Grad-CAM above the map to answer."
EMPTY = "This map is empty, so there is nothing to judge."


@dataclass(frozen=True, slots=True)
class MapShown:
    """The map that an answer is about."""

    version: VersionRecord
    position: int  # of its class
    against_rival: bool


def judge(
    ws: Workspace,
    image: ImageRecord,
    shown: MapShown,
    place: Place,
    drafts: Drafts,
    wake: Wake,
    go_to: int | None,
) -> str:
    """Save the answer and go on. Raises what saving raises."""
    view = resources.attention(ws, shown.version, image)  # before the look: it may have to load the model
    if view.multi_label:  # the answer is about the map on screen
        labels = {label.class_position: label.class_id for label in image.labels}
        if shown.position not in labels:
            return NOT_SHOWN
        image = image.seen_as(labels[shown.position])
    elif not 0 <= shown.position < len(view.probabilities):
        return NOT_SHOWN
    problem = why_unsaved(ws, image, drafts)
    if problem:
        return problem
    if annotation.load(ws, image.id, image.class_id) is not None:
        return GUIDED
    attention = view.attention(shown.position, against_rival=shown.against_rival)
    if not attention.any():
        return EMPTY
    saved = answers.answer(ws, image, attention, place)
    leave_memory(image, drafts)
    wake.answered = Answered(image, saved.revision)
    wake.toast = f"Saved for {image.name}: {SAVED[place]}."
    wake.image_id = wake.image_id if go_to is None else go_to
    return ""


def to_take_back(wake: Wake, project_id: int) -> Answered | None:
    """The last answer, when it was given in this project."""
    answered = wake.answered
    return answered if answered and answered.image.project_id == project_id else None


def take_back(ws: Workspace, project_id: int, drafts: Drafts, wake: Wake) -> str:
    """Take the last answer back and go to its image. Raises what saving raises."""
    answered = to_take_back(wake, project_id)
    if answered is None:
        return ""
    image = answered.image
    problem = why_unsaved(ws, image, drafts)
    if not problem:
        annotation.save(ws, image.id, image.class_id, [], expected_revision=answered.revision)
        leave_memory(image, drafts)
        wake.answered = None
        wake.toast = f"{image.name}: answer taken back."
        wake.image_id = image.id
    return problem


def move(
    ws: Workspace, image: ImageRecord, drafts: Drafts, wake: Wake, go_to: int | None, *, back: bool
) -> str:
    """Move a validation image to training, or `back`; one that is there already stays. Raises what moving
    raises.
    """
    if back != image.counter_example or (image.split != "validation" and not back):
        return ""
    problem = why_unsaved(ws, image, drafts)
    if not problem:
        moving.switch(ws, image)
        now = "validation image again" if back else "training image now"
        wake.toast = f"{image.name} is a {now}."
        wake.image_id = wake.image_id if go_to is None else go_to
    return problem


def tell(wake: Wake, problem: str) -> None:
    """Why nothing was done, on the page that comes next; empty: nothing to tell."""
    if problem:
        wake.toast, wake.is_news = problem, True
