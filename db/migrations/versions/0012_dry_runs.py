"""Imports that are looked at before anything is stored."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "imports", sa.Column("stage", sa.String(length=20), server_default="import", nullable=False)
    )
    op.add_column("imports", sa.Column("turn", sa.Integer(), server_default="0", nullable=False))
    op.add_column("imports", sa.Column("preview", sa.JSON(), nullable=True))
