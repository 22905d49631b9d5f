"""The people who use the program."""

from sqlalchemy import exc, select
from sqlalchemy.orm import Session

from db.activity import log_act
from db.engine import Database
from db.errors import NotFoundError
from db.models import User
from db.people import LOCAL_USER, UserRecord, UserRole


def meet(database: Database, subject: str, name: str, email: str, *, admin: bool = False) -> UserRecord:
    """The person with this subject, as somebody signs in: a new one has no role. Name and email are brought
    up to date. `admin`: gives that role. Writes only what is new.
    """
    with database.reading() as session:
        row = _by_subject(session, subject)
        current = None if row is None else _record(row)
    if (
        current is not None
        and (current.name, current.email) == (name, email)
        and (not admin or current.role == "admin")
    ):
        return current
    try:
        with database.writing() as session:
            row = _by_subject(session, subject)
            if row is None:
                row = User(subject=subject, name=name, email=email, role=None)
                session.add(row)
                session.flush()
                log_act(session, "join", user_id=row.id)
            row.name, row.email = name, email
            if admin and row.role != "admin":
                row.role = "admin"
                log_act(session, "role", user_id=row.id, detail=f"{name}: admin, as the settings say")
            session.flush()
            return _record(row)
    except exc.IntegrityError:  # another window of the same person was faster
        return meet(database, subject, name, email, admin=admin)


def get_user(database: Database, user_id: int) -> UserRecord:
    """Raises NotFoundError."""
    with database.reading() as session:
        return _record(_get(session, user_id))


def list_users(database: Database) -> list[UserRecord]:
    """By name."""
    with database.reading() as session:
        return [_record(row) for row in session.scalars(select(User).order_by(User.name, User.id))]


def any_role(database: Database) -> bool:
    """Whether anybody who signs in has a role."""
    with database.reading() as session:
        query = select(User.id).where(User.id != LOCAL_USER.id, User.role.is_not(None)).limit(1)
        return session.scalar(query) is not None


def set_role(database: Database, user_id: int, role: UserRole | None) -> None:
    """None: takes the role away. Raises NotFoundError."""
    with database.writing() as session:
        row = _get(session, user_id)
        if row.role != role:
            row.role = role
            log_act(session, "role", detail=f"{row.name}: {role or 'no role'}")


def _by_subject(session: Session, subject: str) -> User | None:
    return session.scalar(select(User).where(User.subject == subject))


def _get(session: Session, user_id: int) -> User:
    row = session.get(User, user_id)
    if row is None:
        raise NotFoundError(f"There is no person with the number {user_id}.")
    return row


def _record(row: User) -> UserRecord:
    return UserRecord(row.id, row.subject, row.name, row.email, row.role)
