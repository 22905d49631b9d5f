"""Labels that people change, and what they were when a version looked."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("images", sa.Column("given_position", sa.Integer(), nullable=True))
    op.add_column("predictions", sa.Column("label", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("predictions", sa.Column("label_rival", sa.Integer(), nullable=True))
    op.add_column("predictions", sa.Column("label_doubt", sa.Float(), nullable=True))
    op.execute(
        "UPDATE predictions SET label = (SELECT classes.position FROM images "
        "JOIN classes ON classes.id = images.class_id WHERE images.id = predictions.image_id)"
    )
