"""Images that two people have guided for the same class, and how many each person has guided."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import case, func, select
from sqlalchemy.orm import aliased

from db.engine import Database
from db.models import Class, Guidance, Image

Masks = tuple[bytes | None, bytes | None]  # PNGs of look here and ignore this


@dataclass(frozen=True, slots=True)
class Guided:
    """How many images a person has guided."""

    drawn_on: int
    answered: int  # by an answer about the map


@dataclass(frozen=True, slots=True)
class Shared:
    """An image and a class for which two people have guidance; of each pair the lower user id first."""

    image: str  # name
    class_name: str
    people: tuple[int, int]  # user ids
    guidance: tuple[int, int]  # ids
    answered: tuple[bool, bool]
    looks: tuple[bool, bool]  # whether it says where to look


def list_shared(database: Database, project_id: int) -> list[Shared]:
    """Every pair of people for every image and class, the images guided last first. One query."""
    first, second = aliased(Guidance), aliased(Guidance)
    query = (
        select(
            Image.name,
            Class.name,
            first.author_id,
            second.author_id,
            first.id,
            second.id,
            first.answered,
            second.answered,
            first.look_png.is_not(None),
            second.look_png.is_not(None),
        )
        .select_from(first)
        .join(
            second,
            (second.image_id == first.image_id)
            & (second.class_id == first.class_id)
            & (second.author_id > first.author_id),
        )
        .join(Image, Image.id == first.image_id)
        .join(Class, Class.id == first.class_id)
        .where(Image.project_id == project_id, first.regions.any(), second.regions.any())
        .order_by(
            case((first.guided_at > second.guided_at, first.guided_at), else_=second.guided_at).desc(),
            first.id.desc(),
            second.id.desc(),
        )
    )
    with database.reading() as session:
        return [
            Shared(image, name, (a, b), (one_id, other_id), (bool(p), bool(q)), (bool(r), bool(s)))
            for image, name, a, b, one_id, other_id, p, q, r, s in session.execute(query)
        ]


def read_masks(database: Database, guidance_ids: Collection[int]) -> Mapping[int, Masks]:
    """By id of the guidance. One query."""
    query = select(Guidance.id, Guidance.look_png, Guidance.ignore_png).where(Guidance.id.in_(guidance_ids))
    with database.reading() as session:
        return {row.id: (row.look_png, row.ignore_png) for row in session.execute(query)}


def guided_by_person(database: Database, project_id: int) -> dict[int, Guided]:
    """By user id. One query."""
    of_project = select(Image.id).where(Image.id == Guidance.image_id, Image.project_id == project_id)
    drawn_id = case((Guidance.answered, None), else_=Guidance.image_id)
    answered_id = case((Guidance.answered, Guidance.image_id), else_=None)
    query = (
        select(Guidance.author_id, func.count(drawn_id.distinct()), func.count(answered_id.distinct()))
        .where(Guidance.regions.any(), of_project.exists())
        .group_by(Guidance.author_id)
    )
    with database.reading() as session:
        return {user_id: Guided(*many) for user_id, *many in session.execute(query)}
