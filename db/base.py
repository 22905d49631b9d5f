"""What all tables share: how types are stored and constraints are named."""

from datetime import datetime
from typing import Any, ClassVar, get_args

from sqlalchemy import JSON, Enum, Index, MetaData, String, text
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

from db.clock import UtcDateTime
from db.errors import TooLongError
from db.people import Act, GuidanceRule, UserRole
from db.records import Review, Role, RunMode, RunStatus, Shape, Split


class Name(TypeDecorator[str]):
    """Something that people name. What is too long raises TooLongError on both databases: SQLite would store
    it, and PostgreSQL fail.
    """

    impl = String
    cache_ok = True

    def __init__(self, what: str, length: int) -> None:
        """what: "project name"; length: characters at most."""
        super().__init__(length)
        self.what, self.length = what, length

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is not None and len(value) > self.length:
            raise TooLongError(
                f"Expected a {self.what} of at most {self.length} characters, got {len(value)}: {value[:40]}…"
            )
        return value


def _words(alias: Any) -> Enum:
    """A Literal stored as text; other values are refused."""
    return Enum(*get_args(alias), native_enum=False, validate_strings=True, length=20)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime(),
        dict[str, Any]: JSON,
        list[Any]: JSON,
        Split: _words(Split),
        Review: _words(Review),
        Role: _words(Role),
        Shape: _words(Shape),
        RunMode: _words(RunMode),
        RunStatus: _words(RunStatus),
        UserRole: _words(UserRole),
        Act: _words(Act),
        GuidanceRule: _words(GuidanceRule),
    }


# SQLite gives the id of a deleted row to the next one unless told not to; run ids name folders on disk.
NEVER_REUSE_IDS: dict[str, Any] = {"sqlite_autoincrement": True}


def few(name: str, column: str, condition: str, *, unique: bool = False) -> Index:
    """An index of the few rows for which `condition` (SQL) holds."""
    return Index(name, column, unique=unique, sqlite_where=text(condition), postgresql_where=text(condition))
