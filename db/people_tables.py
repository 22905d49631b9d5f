"""The tables of people and of what they do; `db.models` has them, too."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.base import NEVER_REUSE_IDS, Base, Name
from db.clock import DatabaseTime
from db.people import Act, UserRole


class User(Base):
    """A person. The first row is the user of a server without sign-in."""

    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("subject"), NEVER_REUSE_IDS)

    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(Name("subject", 600))  # the provider's address, and its id of them
    name: Mapped[str] = mapped_column(Name("person's name", 200))
    email: Mapped[str] = mapped_column(Name("email", 320))  # empty: the provider does not say
    role: Mapped[UserRole | None]


class Activity(Base):
    """Who did what. Rows are only added, and stay when what they tell of is deleted: no foreign keys."""

    __tablename__ = "activity"
    __table_args__ = (Index(None, "project_id", "id"), NEVER_REUSE_IDS)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=DatabaseTime())
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    act: Mapped[Act]
    project_id: Mapped[int | None]
    image_id: Mapped[int | None]
    run_id: Mapped[int | None]
    version_id: Mapped[int | None]
    detail: Mapped[str] = mapped_column(Text)


class Presence(Base):
    """The image that a person has opened last."""

    __tablename__ = "presence"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id", ondelete="CASCADE"), index=True)
    seen_at: Mapped[datetime] = mapped_column(default=DatabaseTime())
