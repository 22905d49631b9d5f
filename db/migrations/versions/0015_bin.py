"""Deleted projects stay in a bin for a while, and their names are free."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_NAMED = sa.text("deleted_at IS NULL")


def upgrade() -> None:
    op.add_column("projects", sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
    if op.get_context().dialect.name == "sqlite":
        # SQLite drops no constraint: the table is copied. Ids that were given stay so.
        highest = "SELECT seq FROM sqlite_sequence WHERE name = 'projects'"
        op.execute(f"CREATE TEMPORARY TABLE highest AS {highest}")
        with op.batch_alter_table("projects", table_kwargs={"sqlite_autoincrement": True}) as batch:
            batch.drop_constraint("uq_projects_name", type_="unique")
        op.execute("DELETE FROM sqlite_sequence WHERE name = 'projects'")
        op.execute("INSERT INTO sqlite_sequence (name, seq) SELECT 'projects', seq FROM highest")
        op.execute("DROP TABLE highest")
    else:
        op.drop_constraint("uq_projects_name", "projects", type_="unique")
    op.create_index(
        "uq_projects_name", "projects", ["name"], unique=True, sqlite_where=_NAMED, postgresql_where=_NAMED
    )
