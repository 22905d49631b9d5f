"""What people have done to images, for the marks on their thumbnails."""

from collections.abc import Sequence
from typing import Literal

from sqlalchemy import bindparam, select

from db import models
from db.engine import Database, author
from db.labelled import CHANGED

Mark = Literal["unsaved", "guided", "answered", "relabelled", "skipped"]
MARKS: tuple[Mark, ...] = ("unsaved", "guided", "answered", "relabelled", "skipped")

_REGIONS = models.Guidance.regions.any()
_DRAWN = select(models.Guidance.image_id).where(_REGIONS, ~models.Guidance.answered)
_ANSWERED = select(models.Guidance.image_id).where(_REGIONS, models.Guidance.answered)
_UNSAVED = select(models.Draft.image_id).where(models.Draft.user_id == bindparam("user_id"))
_ID = models.Image.id
_OF_IMAGES = select(
    _ID,
    _ID.in_(_UNSAVED),
    _ID.in_(_DRAWN),
    _ID.in_(_ANSWERED),
    _ID.in_(CHANGED),
    models.Image.review == "skipped",
).where(_ID.in_(bindparam("image_ids", expanding=True)))


def read_marks(database: Database, image_ids: Sequence[int]) -> dict[int, tuple[Mark, ...]]:
    """Of these images, in the order of MARKS; images that are gone are left out. One query.

    "unsaved": drawn on by the database's user and not saved; "guided": drawn on and saved; "answered": guided
    by an answer about the map that nobody has changed since.
    """
    with database.reading() as session:
        given = {"user_id": author(session), "image_ids": list(image_ids)}
        return {
            image_id: tuple(mark for mark, applies in zip(MARKS, done, strict=True) if applies)
            for image_id, *done in session.execute(_OF_IMAGES, given)
        }
