"""Who did what, when: written in the same transaction as the act itself, and never changed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, insert, select
from sqlalchemy.orm import Session

from db.clock import DatabaseTime
from db.engine import Database, author
from db.models import Activity, Image, ModelVersion, Project, User
from db.people import Act, ActivityRecord

_Query = Select[*tuple[Any, ...]]
_AT_ONCE = 1000  # rows of an export in memory


@dataclass(frozen=True, slots=True)
class Scope:
    """What activity is read; None: all of it."""

    project_id: int | None = None
    user_id: int | None = None
    acts: Sequence[Act] | None = None


def log_act(
    session: Session,
    act: Act,
    *,
    project_id: int | None = None,
    image_id: int | None = None,
    run_id: int | None = None,
    version_id: int | None = None,
    detail: str = "",
    user_id: int | None = None,
) -> None:
    """Within the caller's transaction: the database's user did this, or `user_id`. The project of an image is
    looked up.
    """
    project: Any = project_id
    if project_id is None and image_id is not None:
        project = select(Image.project_id).where(Image.id == image_id).scalar_subquery()
    session.execute(
        insert(Activity).values(
            user_id=author(session) if user_id is None else user_id,
            act=act,
            project_id=project,
            image_id=image_id,
            run_id=run_id,
            version_id=version_id,
            detail=detail,
        )
    )


def count_activity(database: Database, scope: Scope) -> int:
    with database.reading() as session:
        return session.scalar(_chosen(select(func.count()).select_from(Activity), scope)) or 0


def list_activity(database: Database, scope: Scope, offset: int, limit: int) -> list[ActivityRecord]:
    """A page of it, the latest first. One query."""
    query = _chosen(_rows(), scope).order_by(Activity.id.desc()).offset(offset).limit(limit)
    with database.reading() as session:
        return [ActivityRecord(*row) for row in session.execute(query)]


def each_activity(database: Database, scope: Scope) -> Iterator[ActivityRecord]:
    """All of it, the oldest first, a thousand rows in memory at a time."""
    last = 0
    while True:
        query = _chosen(_rows(), scope).where(Activity.id > last).order_by(Activity.id).limit(_AT_ONCE)
        with database.reading() as session:
            records = [ActivityRecord(*row) for row in session.execute(query)]
        if not records:
            return
        yield from records
        last = records[-1].id


def count_by_person(
    database: Database, project_id: int, days: float | None = None
) -> dict[int, Mapping[Act, int]]:
    """How often each person did what in a project, by user id; `days`: of the last ones alone. One query."""
    query = (
        select(Activity.user_id, Activity.act, func.count())
        .where(Activity.project_id == project_id)
        .group_by(Activity.user_id, Activity.act)
    )
    if days is not None:
        query = query.where(Activity.at >= DatabaseTime(-86_400.0 * days))
    counts: dict[int, dict[Act, int]] = {}
    with database.reading() as session:
        for user_id, act, count in session.execute(query):
            counts.setdefault(user_id, {})[act] = count
    return dict(counts)


def _rows() -> _Query:
    return (
        select(
            Activity.id,
            Activity.at,
            User.name,
            User.email,
            Activity.act,
            Activity.project_id,
            func.coalesce(Project.name, ""),
            Activity.image_id,
            func.coalesce(Image.name, ""),
            Activity.run_id,
            Activity.version_id,
            ModelVersion.number,
            Activity.detail,
        )
        .join(User, User.id == Activity.user_id)
        .outerjoin(Project, Project.id == Activity.project_id)
        .outerjoin(Image, Image.id == Activity.image_id)
        .outerjoin(ModelVersion, ModelVersion.id == Activity.version_id)
    )


def _chosen(query: _Query, scope: Scope) -> _Query:
    if scope.project_id is not None:
        query = query.where(Activity.project_id == scope.project_id)
    if scope.user_id is not None:
        query = query.where(Activity.user_id == scope.user_id)
    if scope.acts is not None:
        query = query.where(Activity.act.in_(scope.acts))
    return query
