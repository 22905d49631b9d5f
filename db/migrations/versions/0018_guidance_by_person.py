"""Guidance by person, and whose drawings count in a project and in a run."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_OLD, _NEW = "uq_guidance_image_id_class_id", "uq_guidance_image_id_class_id_author_id"
_COLUMNS = ["image_id", "class_id", "author_id"]


def upgrade() -> None:
    op.execute("UPDATE guidance SET author_id = 1 WHERE author_id IS NULL")  # as db.people.LOCAL_USER
    for table in ("projects", "runs"):
        rule = sa.Column("guidance_rule", sa.String(length=20), server_default="latest", nullable=False)
        op.add_column(table, rule)
        # in SQL: alembic would copy the table to add the reference
        reference = f"CONSTRAINT fk_{table}_guidance_of REFERENCES users (id)"
        op.execute(f"ALTER TABLE {table} ADD COLUMN guidance_of INTEGER {reference}")
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("guidance", "author_id", existing_type=sa.Integer(), nullable=False)
        op.drop_constraint(_OLD, "guidance", type_="unique")
        op.create_unique_constraint(_NEW, "guidance", _COLUMNS)
        return
    # SQLite changes no constraint: the table is copied. Ids that were given stay so.
    op.execute("CREATE TEMPORARY TABLE highest AS SELECT seq FROM sqlite_sequence WHERE name = 'guidance'")
    with op.batch_alter_table("guidance", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.alter_column("author_id", existing_type=sa.Integer(), nullable=False)
        batch.drop_constraint(_OLD, type_="unique")
        batch.create_unique_constraint(_NEW, _COLUMNS)
    op.execute("DELETE FROM sqlite_sequence WHERE name = 'guidance'")
    op.execute("INSERT INTO sqlite_sequence (name, seq) SELECT 'guidance', seq FROM highest")
    op.execute("DROP TABLE highest")
