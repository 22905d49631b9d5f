"""Since when an image is guided, instead of when that changed last, and whether an answer did it."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE guidance RENAME COLUMN updated_at TO guided_at")
    op.add_column("guidance", sa.Column("answered", sa.Boolean(), server_default=sa.false(), nullable=False))
