"""People: who they are, who did what, and whose drafts are whose."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_AUTHORS = {"guidance": "author_id", "runs": "author_id", "imports": "author_id", "images": "moved_by"}
_BY_THE_LOCAL_USER = (
    "UPDATE guidance SET author_id = 1",
    "UPDATE runs SET author_id = 1",
    "UPDATE imports SET author_id = 1",
    "UPDATE images SET moved_by = 1 WHERE moved_from IS NOT NULL",
)


def upgrade() -> None:
    users = op.create_table(
        "users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(length=600), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("subject", name="uq_users_subject"),
        sqlite_autoincrement=True,
    )
    # The first id of a new table is 1, as db.people.LOCAL_USER says; the database counts on from there.
    op.bulk_insert(users, [{"subject": "local", "name": "Local user", "email": "", "role": "admin"}])
    op.create_table(
        "activity",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("act", sa.String(length=20), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=True),
        sa.Column("image_id", sa.Integer(), nullable=True),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column("version_id", sa.Integer(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_activity_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_activity"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_activity_project_id_id", "activity", ["project_id", "id"])
    op.create_table(
        "presence",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_presence_user_id"),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name="fk_presence_image_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", name="pk_presence"),
    )
    op.create_index("ix_presence_image_id", "presence", ["image_id"])
    for table, column in _AUTHORS.items():  # in SQL: alembic would copy the table to add the reference
        reference = f"CONSTRAINT fk_{table}_{column} REFERENCES users (id)"
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} INTEGER {reference}")
    for statement in _BY_THE_LOCAL_USER:
        op.execute(statement)
    _give_drafts_to_the_local_user()


def _give_drafts_to_the_local_user() -> None:
    op.rename_table("drafts", "old_drafts")
    op.drop_index("ix_drafts_class_id", "old_drafts")
    if op.get_bind().dialect.name == "postgresql":  # names of constraints are those of the schema there
        for name in ("pk_drafts", "fk_drafts_image_id", "fk_drafts_class_id"):
            op.drop_constraint(name, "old_drafts")
    op.create_table(
        "drafts",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("class_id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("regions", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_drafts_user_id"),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name="fk_drafts_image_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["class_id"], ["classes.id"], name="fk_drafts_class_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "image_id", "class_id", name="pk_drafts"),
    )
    op.execute(
        "INSERT INTO drafts (user_id, image_id, class_id, revision, regions) "
        "SELECT 1, image_id, class_id, revision, regions FROM old_drafts"
    )
    op.drop_table("old_drafts")
    op.create_index("ix_drafts_class_id", "drafts", ["class_id"])
    op.create_index("ix_drafts_image_id", "drafts", ["image_id"])
