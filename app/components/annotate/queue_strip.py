"""Thumbnails of the queue around the image on screen."""

from app import resources
from app.components.kit.film_strip import Frame, Tone, film_strip, in_words
from app.components.kit.text import names_at
from app.services.queue import QueueItem
from app.workspace import Workspace
from db.marks import Mark, read_marks
from db.records import ClassRecord, ImageRecord


def queue_strip(
    ws: Workspace, items: list[QueueItem], image: ImageRecord, classes: list[ClassRecord]
) -> int | None:
    """The id of the image that somebody clicks on. items: one for each thumbnail; image: on screen."""
    marks = read_marks(ws.database, [item.image.id for item in items])
    pictures = resources.thumbnails(ws, [item.image for item in items], 96)
    frames = [
        _frame(item, picture, classes, marks.get(item.image.id, ()))
        for item, picture in zip(items, pictures, strict=True)
    ]
    return film_strip(frames, key="queue_strip", current=image.id, side=58)


def _frame(item: QueueItem, jpeg: bytes, classes: list[ClassRecord], marks: tuple[Mark, ...]) -> Frame:
    tone: Tone = "plain"
    if item.right is not None:
        tone = "right" if item.right else "wrong"
    labels = names_at(item.image.positions, [one.name for one in classes])
    more = in_words([mark for mark in marks if mark not in ("guided", "skipped")])  # the reason says these
    return Frame(
        id=item.image.id,
        jpeg=jpeg,
        title=f"{item.image.name}, {labels}: {item.reason} {more}".rstrip(),
        tone=tone,
        marks=marks,
    )
