"""What to draw on next, and keeping what was drawn."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Literal

from PIL import Image

from app.demo.project import SOURCE as DEMO
from app.drawing.regions import mask_png, rasterise, regions_from_mask
from app.errors import DrawingError, ServiceError
from app.services import library
from app.workspace import Workspace
from db import annotations, versions
from db import library as rows
from db.mistakes import THRESHOLD
from db.records import GuidanceRecord, ImageRecord, PredictionRecord, RegionRecord, Split

# Share of the images most like one that must carry another label for its own to be doubtful. At 2 % wrong
# labels 0.8 named 10 of 10 and nothing else on boats and water (docs/decisions/0018).
DOUBTFUL = 0.8

# Attention spread from which evidence covers most of the picture: in photographs, nine tenths of it then lie
# on more than half (docs/decisions/0025).
WIDE = 0.6


@dataclass(frozen=True, slots=True)
class QueueItem:
    image: ImageRecord
    said: PredictionRecord | None  # None when the version has no prediction for this image
    guided: bool
    reason: str  # a sentence: why the image stands where it stands

    @property
    def predicted(self) -> int | None:
        """Class position."""
        return None if self.said is None else self.said.predicted

    @property
    def rival(self) -> int | None:
        """Class position that nearly all training images like it carry, where its own label is another."""
        return None if self.said is None or _doubt(self.said) < DOUBTFUL else self.said.label_rival

    @property
    def doubtful(self) -> bool:
        """Nobody has looked yet whether the label that the others contradict is right."""
        looked = self.guided or self.image.review == "skipped" or self.image.given_positions is not None
        return self.rival is not None and not looked

    @property
    def right(self) -> bool | None:
        """Whether the version predicts exactly the image's labels; None where it has no prediction."""
        return None if self.said is None else self.said.right

    @property
    def probability_true(self) -> float | None:
        """Of the image's own class, in [0, 1]."""
        return None if self.said is None else self.said.probabilities[self.image.class_position]


def queue(
    ws: Workspace, project_id: int, version_id: int | None, *, split: Split = "train"
) -> list[QueueItem]:
    """Images in the order worth drawing on: mispredicted ones first, the surest mistakes before the others;
    then right ones, those first whose attention covers most of the picture, as a background does; then those
    never predicted; already guided and skipped ones last. In each part the classes take turns: what a class
    must not look at is learned from its own images. Doubtful labels have no place of their own: where they
    are right, they are no example of the rule that guidance is to break (docs/decisions/0018).

    Measured in docs/decisions/0010 and 0013. `version_id` None: there is no model version yet. Raises
    db.errors.NotFoundError.
    """
    names = [item.name for item in rows.list_classes(ws.database, project_id)]
    multi_label = rows.get_project(ws.database, project_id).multi_label
    guided = annotations.guided_images(ws.database, project_id)
    said: dict[int, PredictionRecord] = {}
    if version_id is not None:
        said = {item.image_id: item for item in versions.list_predictions(ws.database, version_id, split)}
    parts: dict[tuple[int, int], dict[int, list[tuple[float, int, QueueItem]]]] = {}
    for image in rows.list_images(ws.database, project_id, split):
        part, urgency, item = _judged(image, said.get(image.id), image.id in guided, names, multi_label)
        by_class = parts.setdefault(part, {})
        by_class.setdefault(item.image.class_position, []).append((-urgency, image.id, item))
    return [item for part in sorted(parts) for item in _in_turns(parts[part])]


def _judged(
    image: ImageRecord,
    said: PredictionRecord | None,
    guided: bool,
    names: Sequence[str],
    multi_label: bool,
) -> tuple[tuple[int, int], float, QueueItem]:
    """(part of the queue, urgency in it, item): done with last; wrong before right before unknown."""
    done = 2 if image.review == "skipped" else int(guided)
    if multi_label and said is not None:
        image = _seen_as_suspicious(image, said)
    if said is None:
        order, urgency, reason = 2, 0.0, "No model version has looked at it."
    elif said.mistake is not None:
        order, urgency = 0, said.mistake
        reason = (
            mistakes_in_words(image, said.probabilities, names)
            if multi_label
            else f"Predicted {names[said.predicted]}, {100 * urgency:.0f} %."
        )
    else:
        order, urgency = 1, said.attention_spread or 0.0
        reason = (
            "Correct." if multi_label else f"Correct, {100 * said.probabilities[image.class_position]:.0f} %."
        )
        if urgency > WIDE:
            reason += " Its evidence is spread over most of the picture."
    item = QueueItem(image, said, guided, reason)
    if said is not None and item.rival is not None and image.given_positions is None:
        reason += (
            f" {100 * _doubt(said):.0f} % of the images most like it are {names[item.rival]}: a wrong label?"
        )
    prefix = ("", "Guided. ", "Skipped. ")[done]
    return (done, order), urgency, replace(item, reason=prefix + reason)


def mistakes_in_words(image: ImageRecord, probabilities: Sequence[float], names: Sequence[str]) -> str:
    """Of an image of a multi-label project: "Missed dog, 12 %. Predicted car, 71 %." """
    missed = [position for position in image.positions if probabilities[position] <= THRESHOLD]
    wrong = [
        position
        for position, probability in enumerate(probabilities)
        if probability > THRESHOLD and position not in image.positions
    ]
    told = [(what, position) for what, of in (("Missed", missed), ("Predicted", wrong)) for position in of]
    return " ".join(
        f"{what} {names[position]}, {100 * probabilities[position]:.0f} %." for what, position in told
    )


def _seen_as_suspicious(image: ImageRecord, said: PredictionRecord) -> ImageRecord:
    """With the label first that the version misses, or looks for most widely."""
    found = {label.class_position: label.class_id for label in image.labels}
    missed = [position for position in found if said.probabilities[position] <= THRESHOLD]
    position = min(missed, key=said.probabilities.__getitem__, default=said.label)
    return image.seen_as(found[position]) if position in found else image


def _doubt(said: PredictionRecord) -> float:
    return said.label_doubt or 0.0


def _in_turns(by_class: Mapping[int, list[tuple[float, int, QueueItem]]]) -> Iterator[QueueItem]:
    for turn in zip_longest(*(sorted(by_class[position]) for position in sorted(by_class))):
        yield from (entry[2] for entry in turn if entry is not None)


def load(ws: Workspace, image_id: int, class_id: int) -> GuidanceRecord | None:
    """The guidance stored for this image and class."""
    return annotations.get_guidance(ws.database, image_id, class_id)


def save(
    ws: Workspace,
    image_id: int,
    class_id: int,
    regions: Sequence[RegionRecord],
    *,
    expected_revision: int | None = None,
) -> GuidanceRecord | None:
    """Replace the guidance of this image and class by `regions`; none at all removes it and returns None.

    `expected_revision`: the revision that was loaded, 0 when there was none; None overwrites what is there.
    Raises db.errors.ConflictError when somebody else saved in between, db.errors.NotFoundError for an unknown
    image or class, DrawingError when a region is no shape or all of them miss the image.
    """
    image = rows.get_image(ws.database, image_id)
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
    )


def skip(ws: Workspace, image_id: int) -> None:
    """Send an image to the end of the queue."""
    rows.set_review(ws.database, image_id, "skipped")


def unskip(ws: Workspace, image_id: int) -> None:
    """Take an image back into the queue."""
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
    waiting = [item.image for item in queue(ws, project_id, project.current_version_id) if not item.guided]
    for image in waiting[:n]:
        mask = library.open_mask(ws, image)
        if mask is not None:
            mask_guidance(ws, image.id, image.class_id, mask)
    return [image.id for image in waiting[:n]]


def neighbour(queue: Sequence[int], image_id: int | None, step: Literal[1, -1]) -> int | None:
    """The next (1) or previous image of the queue: after the last comes the first, before the first none."""
    if image_id not in queue:
        return queue[0] if queue and step > 0 else None
    here = queue.index(image_id)
    if len(queue) == 1 or here + step < 0:
        return None
    return queue[(here + step) % len(queue)]
