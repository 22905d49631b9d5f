"""One action on several images at once, in one transaction, and what takes it back.

Each image is checked as by the action on it alone. What somebody else has changed meanwhile, or has begun to
draw on, is left out, so doing the same twice changes nothing more.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from db.activity import log_act
from db.annotations import replace_guidance
from db.engine import Database
from db.errors import ConflictError, NotFoundError
from db.labels import drop_label, put_label, replace_label
from db.models import Draft, Image
from db.new_images import NewGuidance
from db.records import Review, Split
from db.revisions import Revision, count_change
from db.splits import moved_to

Key = tuple[int, int]  # ids of an image and a class


@dataclass(frozen=True, slots=True)
class LabelChange:
    """Ids of an image's classes, in order. One class becomes another, or one comes, or one goes."""

    before: tuple[int, ...]
    after: tuple[int, ...]

    @property
    def back(self) -> "LabelChange":
        return LabelChange(self.after, self.before)


def add_answers(database: Database, new: Mapping[Key, NewGuidance]) -> dict[Key, int]:
    """Store guidance where the image has this label and no guidance for it; the revisions of the new one."""
    stored: dict[Key, int] = {}
    with database.writing() as session:
        undrawn = _undrawn(session, {image_id for image_id, _ in new})
        for key, guidance in sorted(new.items(), key=lambda item: item[0]):
            if key[0] in undrawn:
                masks = guidance.look_png, guidance.ignore_png
                with _or_left_out(session):
                    saved = replace_guidance(session, *key, guidance.regions, masks, 0, answered=True)
                    stored[key] = 0 if saved is None else saved.revision
    return stored


def take_back_answers(database: Database, revisions: Mapping[Key, int]) -> list[int]:
    """Remove guidance that still has this revision; ids of the images."""
    emptied = []
    with database.writing() as session:
        undrawn = _undrawn(session, {image_id for image_id, _ in revisions})
        for key, revision in sorted(revisions.items()):
            if key[0] in undrawn:
                with _or_left_out(session):
                    replace_guidance(session, *key, (), (None, None), revision)
                    emptied.append(key[0])
    return emptied


def change_labels(database: Database, changes: Mapping[int, LabelChange]) -> list[int]:
    """By image id; ids of the images that had the labels of `before`, and have those of `after` now."""
    changed = []
    with database.writing() as session:
        for image_id in sorted(_undrawn(session, changes)):
            with _or_left_out(session):
                _relabel(session, image_id, changes[image_id])
                changed.append(image_id)
    return changed


def move_all(database: Database, image_ids: Collection[int], origin: Split, to: Split) -> list[int]:
    """Ids of the images that were in `origin`, and are in `to` now."""
    with database.writing() as session:
        undrawn = _undrawn(session, image_ids)
        values = moved_to(session, to)
        moved = _update(session, undrawn, Image.split == origin, values, "label_revision")
        for image_id in moved:
            log_act(session, "move", image_id=image_id, detail=f"to {to}")
        return moved


def review_all(database: Database, image_ids: Collection[int], before: Review, after: Review) -> list[int]:
    """Ids of the images whose review was `before`, and is `after` now."""
    with database.writing() as session:
        there = _locked(session, image_ids)
        return _update(session, there, Image.review == before, {"review": after}, "review_revision")


@contextmanager
def _or_left_out(session: Session) -> Iterator[None]:
    """Nothing of the block is stored where the image has changed meanwhile; the transaction goes on."""
    with suppress(ConflictError, NotFoundError), session.begin_nested():
        yield


def _locked(session: Session, image_ids: Collection[int]) -> set[int]:
    """Those that exist, held until the end of the transaction; in one order, or two could wait for each
    other.
    """
    query = select(Image.id).where(Image.id.in_(image_ids)).order_by(Image.id).with_for_update()
    return set(session.scalars(query))


def _undrawn(session: Session, image_ids: Collection[int]) -> set[int]:
    """Those of the existing images, held likewise, without a drawing that waits to be saved."""
    there = _locked(session, image_ids)
    return there - set(session.scalars(select(Draft.image_id).where(Draft.image_id.in_(there))))


def _update(
    session: Session,
    image_ids: Collection[int],
    condition: ColumnElement[bool],
    values: dict[str, Any],
    revision: Revision,
) -> list[int]:
    statement = update(Image).where(Image.id.in_(image_ids), condition).values(values)
    changed = sorted(session.scalars(statement.returning(Image.id)))
    if changed:
        count_change(session, changed[0], revision)
    return changed


def _relabel(session: Session, image_id: int, change: LabelChange) -> None:
    added = [class_id for class_id in change.after if class_id not in change.before]
    removed = [class_id for class_id in change.before if class_id not in change.after]
    if added and removed:
        replace_label(session, image_id, added[0], removed[0])
    elif added:
        put_label(session, image_id, added[0], change.before)
    elif removed:
        drop_label(session, image_id, removed[0], change.before)
