"""What the person who asks for an import decides."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("imports", sa.Column("options", sa.JSON(), server_default="{}", nullable=False))
