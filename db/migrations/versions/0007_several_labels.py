"""An image and its labels apart, so that it can have several; what a version gets wrong is stored."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "projects", sa.Column("multi_label", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    _move_labels()
    _drafts_by_class()
    op.add_column("predictions", sa.Column("control_probabilities", sa.JSON(), nullable=True))
    op.add_column("predictions", sa.Column("label_figures", sa.JSON(), nullable=True))
    op.add_column("predictions", sa.Column("mistake", sa.Float(), nullable=True))
    # ->> with a number: PostgreSQL alone, until all SQLite libraries in use have it (3.38)
    mistake = (
        "json_extract(probabilities, '$[' || predicted || ']')"
        if _on_sqlite()
        else "CAST(probabilities ->> predicted AS FLOAT)"
    )
    op.execute(
        f"UPDATE predictions SET mistake = {mistake} "  # noqa: S608
        "WHERE predicted <> (SELECT classes.position FROM image_labels "
        "JOIN classes ON classes.id = image_labels.class_id "
        "WHERE image_labels.image_id = predictions.image_id AND image_labels.position = 0)"
    )


def _on_sqlite() -> bool:
    return op.get_context().dialect.name == "sqlite"


def _move_labels() -> None:
    op.create_table(
        "image_labels",
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("class_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("mask_sha256", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["image_id"], ["images.id"], name="fk_image_labels_image_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["class_id"], ["classes.id"], name="fk_image_labels_class_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("image_id", "class_id", name="pk_image_labels"),
        sa.UniqueConstraint("image_id", "position", name="uq_image_labels_image_id_position"),
    )
    op.create_index("ix_image_labels_class_id", "image_labels", ["class_id"])
    op.execute(
        "INSERT INTO image_labels (image_id, class_id, position, given, mask_sha256) "
        "SELECT id, class_id, 0, given_position IS NULL, mask_sha256 FROM images"
    )
    # the imported labels of those whose label was changed
    op.execute(
        "INSERT INTO image_labels (image_id, class_id, given) SELECT images.id, classes.id, TRUE FROM images "
        "JOIN classes ON classes.project_id = images.project_id "
        "AND classes.position = images.given_position AND classes.id <> images.class_id"
    )
    op.drop_index("ix_images_class_id", "images")
    if not _on_sqlite():
        for column in ("class_id", "given_position", "mask_sha256"):
            op.drop_column("images", column)
        return
    # SQLite drops no column that refers to another table: the table is copied. Ids that were given stay so.
    highest = "SELECT seq FROM sqlite_sequence WHERE name = 'images'"
    op.execute(f"CREATE TEMPORARY TABLE highest AS {highest}")
    with op.batch_alter_table("images", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.drop_constraint("fk_images_class_id", type_="foreignkey")
        for column in ("class_id", "given_position", "mask_sha256"):
            batch.drop_column(column)
    op.execute("DELETE FROM sqlite_sequence WHERE name = 'images'")
    op.execute("INSERT INTO sqlite_sequence (name, seq) SELECT 'images', seq FROM highest")
    op.execute("DROP TABLE highest")


def _drafts_by_class() -> None:
    """One for each class of an image; until now one for each image."""
    if not _on_sqlite():
        op.drop_constraint("pk_drafts", "drafts", type_="primary")
        op.create_primary_key("pk_drafts", "drafts", ["image_id", "class_id"])
        return
    with op.batch_alter_table("drafts", recreate="always") as batch:
        batch.drop_constraint("pk_drafts", type_="primary")
        batch.create_primary_key("pk_drafts", ["image_id", "class_id"])
