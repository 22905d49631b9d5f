"""What the control of a retrain predicts: the same training without drawings."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("predictions", sa.Column("control_predicted", sa.Integer(), nullable=True))
