"""The schema's history: every change of it, in order, as Alembic revisions."""
