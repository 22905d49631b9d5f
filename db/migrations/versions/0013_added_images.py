"""Imports into a project that exists."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("imports", sa.Column("adds", sa.Boolean(), server_default=sa.false(), nullable=False))
