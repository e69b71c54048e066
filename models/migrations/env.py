"""How Alembic reaches the database: as ``ws_owner``, making what it makes as ``ws_tables``.

The login role owns nothing itself; tables belong to a role that nobody can log in as.
"""

from alembic import context
from sqlalchemy import Connection, create_engine, text

from models.settings import current_settings
from models.tables import metadata


def owner_url() -> str:
    """Where to migrate: what the caller set on the configuration, else the settings' owner."""
    return context.config.get_main_option("sqlalchemy.url") or current_settings().database_owner_url


def include_name(name: str | None, kind: str, _parents: object) -> bool:
    """Partitions of the clicks are made by the month and belong to no revision."""
    return not (kind == "table" and (name or "").startswith("affiliate_tracking_events_"))


def run(connection: Connection) -> None:
    connection.execute(text("set role ws_tables"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_name=include_name,
        compare_type=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    engine = create_engine(owner_url())
    with engine.connect() as connection:
        run(connection)
    engine.dispose()
