"""What a page of a large project needs: confidences, whether controls are right, revisions, small indexes."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("projects", sa.Column("label_revision", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("projects", sa.Column("review_revision", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("predictions", sa.Column("confidence", sa.Float(), nullable=True))
    op.add_column("predictions", sa.Column("control_right", sa.Boolean(), nullable=True))
    op.add_column("predictions", sa.Column("suspect", sa.Integer(), nullable=True))
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    op.execute(
        "UPDATE predictions SET confidence = json_extract(probabilities, '$[' || predicted || ']')"
        if on_sqlite
        else "UPDATE predictions SET confidence = (probabilities ->> predicted)::float"
    )
    op.execute(
        "UPDATE predictions SET control_right = control_predicted IN (SELECT classes.position "
        "FROM image_labels JOIN classes ON classes.id = image_labels.class_id "
        "WHERE image_labels.image_id = predictions.image_id AND image_labels.position IS NOT NULL) "
        "WHERE control_predicted IS NOT NULL"
    )
    _index("ix_images_moved", "images", "project_id", "moved_from IS NOT NULL")
    _index("ix_image_labels_changed", "image_labels", "image_id", "given = (position IS NULL)")


def _index(name: str, table: str, column: str, condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, [column], sqlite_where=where, postgresql_where=where)
