"""Run by Alembic: applies the steps on the connection, and in the transaction, that db.migrations opened."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
