"""What a page of a large project needs: confidences, revisions, and two small indexes."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0006"
branch_labels = None
depends_on = None

_MOVED = sa.text("moved_from IS NOT NULL")
_RELABELLED = sa.text("given_position IS NOT NULL")


def upgrade() -> None:
    op.add_column("projects", sa.Column("label_revision", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("projects", sa.Column("review_revision", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("predictions", sa.Column("confidence", sa.Float(), nullable=True))
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    op.execute(
        "UPDATE predictions SET confidence = json_extract(probabilities, '$[' || predicted || ']')"
        if on_sqlite
        else "UPDATE predictions SET confidence = (probabilities ->> predicted)::float"
    )
    for name, condition in (("ix_images_moved", _MOVED), ("ix_images_relabelled", _RELABELLED)):
        op.create_index(name, "images", ["project_id"], sqlite_where=condition, postgresql_where=condition)
