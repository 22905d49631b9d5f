"""The tables. No object of these classes leaves a session: queries return db.records."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Float,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, MappedColumn, mapped_column, relationship

from db.base import NEVER_REUSE_IDS, Base, Name, few
from db.clock import DatabaseTime
from db.people import GuidanceRule
from db.people_tables import Activity as Activity
from db.people_tables import Presence as Presence
from db.people_tables import User as User
from db.records import ACTIVE_STATUSES, Review, Role, RunMode, RunStatus, Shape, Split


def _author() -> MappedColumn[int | None]:
    """Who did it last; users are never deleted."""
    return mapped_column(ForeignKey("users.id"))


def _rule() -> MappedColumn[GuidanceRule]:
    return mapped_column(default="latest", server_default="latest")


class Project(Base):
    __tablename__ = "projects"
    __table_args__ = (few("uq_projects_name", "name", "deleted_at IS NULL", unique=True), NEVER_REUSE_IDS)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Name("project name", 200))
    source: Mapped[str] = mapped_column(String(20))
    backbone: Mapped[str] = mapped_column(Name("backbone", 200))
    image_size: Mapped[int]
    multi_label: Mapped[bool] = mapped_column(default=False, server_default=false())
    current_version_id: Mapped[int | None] = mapped_column(
        ForeignKey("model_versions.id", ondelete="SET NULL", use_alter=True)
    )
    created_at: Mapped[datetime] = mapped_column(default=DatabaseTime())
    given_model: Mapped[str | None] = mapped_column(String(64))
    label_revision: Mapped[int] = mapped_column(default=0, server_default="0")
    review_revision: Mapped[int] = mapped_column(default=0, server_default="0")
    deleted_at: Mapped[datetime | None]  # of one in the bin, whose name is free
    guidance_rule: Mapped[GuidanceRule] = _rule()  # whose drawings count: `db.people.Whose`
    guidance_of: Mapped[int | None] = _author()


class Class(Base):
    __tablename__ = "classes"
    __table_args__ = (
        UniqueConstraint("project_id", "position"),
        UniqueConstraint("project_id", "name"),
        NEVER_REUSE_IDS,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    position: Mapped[int]
    name: Mapped[str] = mapped_column(Name("class name", 200))


class Image(Base):
    __tablename__ = "images"
    __table_args__ = (
        UniqueConstraint("project_id", "name"),
        Index(None, "project_id", "split"),
        few("ix_images_moved", "project_id", "moved_from IS NOT NULL"),
        NEVER_REUSE_IDS,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    suffix: Mapped[str] = mapped_column(String(20))
    width: Mapped[int]
    height: Mapped[int]
    split: Mapped[Split]
    groups: Mapped[dict[str, Any]]
    review: Mapped[Review] = mapped_column(default="open")
    moved_from: Mapped[Split | None]
    moved_by: Mapped[int | None] = _author()


class ImageLabel(Base):
    """A class that an image shows, or came with. `position`: its place among these; NULL: taken away."""

    __tablename__ = "image_labels"
    __table_args__ = (
        UniqueConstraint("image_id", "position"),
        few("ix_image_labels_changed", "image_id", "given = (position IS NULL)"),
    )

    image_id: Mapped[int] = mapped_column(ForeignKey("images.id", ondelete="CASCADE"), primary_key=True)
    class_id: Mapped[int] = mapped_column(
        ForeignKey("classes.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    position: Mapped[int | None]
    given: Mapped[bool]
    mask_sha256: Mapped[str | None] = mapped_column(String(64))


class Refusal(Base):  # a file that an import refused, and why
    __tablename__ = "refusals"
    __table_args__ = (NEVER_REUSE_IDS,)

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)


class Import(Base):
    """A project in the making, or images on their way into one (`adds`): how far it is, or how that ended."""

    __tablename__ = "imports"
    __table_args__ = (NEVER_REUSE_IDS,)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Name("project name", 200))
    source: Mapped[str] = mapped_column(String(20))
    location: Mapped[str] = mapped_column(Text)
    options: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    status: Mapped[str] = mapped_column(String(20))
    stage: Mapped[str] = mapped_column(String(20), server_default="import")
    turn: Mapped[int] = mapped_column(server_default="0")
    preview: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    progress: Mapped[dict[str, Any]]
    cancel_requested: Mapped[bool]
    message: Mapped[str | None] = mapped_column(Text)
    notes: Mapped[list[Any]]
    project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id", ondelete="SET NULL"))
    adds: Mapped[bool] = mapped_column(default=False, server_default=false())
    alive_until: Mapped[datetime]
    author_id: Mapped[int | None] = _author()


class Guidance(Base):
    """Regions of one image for one class by one person. The row stays when the person removes them all: a
    revision is never given twice for an image and a class, whoever saves, and a page that was opened long
    ago cannot overwrite newer work. The latest drawing has the highest one.
    """

    __tablename__ = "guidance"
    __table_args__ = (UniqueConstraint("image_id", "class_id", "author_id"), NEVER_REUSE_IDS)

    id: Mapped[int] = mapped_column(primary_key=True)
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id", ondelete="CASCADE"))
    class_id: Mapped[int] = mapped_column(ForeignKey("classes.id", ondelete="CASCADE"), index=True)
    look_png: Mapped[bytes | None] = mapped_column(LargeBinary)
    ignore_png: Mapped[bytes | None] = mapped_column(LargeBinary)
    revision: Mapped[int]
    guided_at: Mapped[datetime] = mapped_column(default=DatabaseTime())
    answered: Mapped[bool] = mapped_column(default=False, server_default=false())
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    regions: Mapped[list["Region"]] = relationship(order_by="Region.position", viewonly=True, lazy="raise")


class Region(Base):
    __tablename__ = "regions"

    guidance_id: Mapped[int] = mapped_column(ForeignKey("guidance.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    shape: Mapped[Shape]
    role: Mapped[Role]
    points: Mapped[list[Any]]
    width: Mapped[float | None] = mapped_column(Float)


class Draft(Base):
    """What a person has drawn on an image for one class and not saved; it survives a restart."""

    __tablename__ = "drafts"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    image_id: Mapped[int] = mapped_column(
        ForeignKey("images.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    class_id: Mapped[int] = mapped_column(
        ForeignKey("classes.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    revision: Mapped[int]
    regions: Mapped[list[Any]]


_ACTIVE = text("status IN ({})".format(", ".join(f"'{status}'" for status in ACTIVE_STATUSES)))


class Run(Base):
    __tablename__ = "runs"
    __table_args__ = (
        # at most one running and one queued run per project
        Index(
            "uq_runs_active",
            "project_id",
            "status",
            unique=True,
            sqlite_where=_ACTIVE,
            postgresql_where=_ACTIVE,
        ),
        NEVER_REUSE_IDS,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), index=True)
    mode: Mapped[RunMode]
    status: Mapped[RunStatus]
    config: Mapped[dict[str, Any]]
    base_version_id: Mapped[int | None] = mapped_column(
        ForeignKey("model_versions.id", ondelete="SET NULL", use_alter=True)
    )
    attempt: Mapped[int] = mapped_column(default=0)
    max_attempts: Mapped[int]
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    progress: Mapped[dict[str, Any]]
    message: Mapped[str | None] = mapped_column(Text)
    worker: Mapped[str | None] = mapped_column(Name("trainer", 200))
    created_at: Mapped[datetime] = mapped_column(default=DatabaseTime())
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    lease_token: Mapped[str | None] = mapped_column(String(64))
    lease_until: Mapped[datetime | None]
    author_id: Mapped[int | None] = _author()
    guidance_rule: Mapped[GuidanceRule] = _rule()  # as the project had it when the run was asked for
    guidance_of: Mapped[int | None] = _author()


class RunEvent(Base):
    __tablename__ = "run_events"

    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    payload: Mapped[dict[str, Any]]


class ModelVersion(Base):
    __tablename__ = "model_versions"
    __table_args__ = (UniqueConstraint("project_id", "number"), UniqueConstraint("run_id"), NEVER_REUSE_IDS)

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    number: Mapped[int]
    run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id", ondelete="SET NULL"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("model_versions.id", ondelete="SET NULL"))
    path: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    note: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=DatabaseTime())


class Prediction(Base):
    __tablename__ = "predictions"

    version_id: Mapped[int] = mapped_column(
        ForeignKey("model_versions.id", ondelete="CASCADE"), primary_key=True
    )
    image_id: Mapped[int] = mapped_column(
        ForeignKey("images.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    predicted: Mapped[int]
    confidence: Mapped[float | None] = mapped_column(Float)  # the probability of `predicted`
    probabilities: Mapped[list[Any]]
    mistake: Mapped[float | None] = mapped_column(Float)
    attention_inside: Mapped[float | None] = mapped_column(Float)
    attention_spread: Mapped[float | None] = mapped_column(Float)
    evidence_inside: Mapped[float | None] = mapped_column(Float)
    evidence_group: Mapped[int | None]
    label: Mapped[int] = mapped_column(server_default="0")
    label_rival: Mapped[int | None]
    label_doubt: Mapped[float | None] = mapped_column(Float)
    control_predicted: Mapped[int | None]
    control_right: Mapped[bool | None]
    suspect: Mapped[int | None]  # of several labels the one to look at first, a class position
    control_probabilities: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    label_figures: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))


class Store(Base):
    """The one row says which data folder holds the files of this database."""

    __tablename__ = "store"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # 1
    folder_id: Mapped[str] = mapped_column(String(32))
