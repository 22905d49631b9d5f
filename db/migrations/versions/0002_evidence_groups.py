"""What kind of evidence a prediction rests on."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("predictions", sa.Column("evidence_inside", sa.Float(), nullable=True))
    op.add_column("predictions", sa.Column("evidence_group", sa.Integer(), nullable=True))
