"""That members' requests really stand behind row security: the database is asked at a start."""

import logging
import time

from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.exc import OperationalError

from models.settings import BadSettings

SECONDS_BEFORE_ANOTHER_TRY = 1.0

WIDER = text(
    """
    SELECT session_user,
      EXISTS (SELECT FROM pg_roles WHERE rolsuper AND pg_has_role(session_user, oid, 'MEMBER')),
      EXISTS (SELECT FROM pg_roles WHERE rolbypassrls AND pg_has_role(session_user, oid, 'MEMBER')),
      EXISTS (SELECT FROM pg_roles WHERE rolname IN ('ws_staff', 'ws_tables', 'ws_owner')
              AND pg_has_role(session_user, oid, 'MEMBER')),
      EXISTS (SELECT FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm')
              AND relnamespace = 'public'::regnamespace
              AND pg_has_role(session_user, relowner, 'MEMBER'))
    """
)
"""Who logs in, and whether that role, or one it may turn into, goes around the policies."""

WAYS = (
    "is a superuser or may become one",
    "bypasses row security or may become a role that does",
    "is or may become ws_staff, ws_tables or ws_owner",
    "owns tables",
)

log = logging.getLogger(__name__)


def prove_member_role(url: str) -> None:
    """Make sure that the role of members' requests sees what its policies show, nothing else.

    A database that is away, or refuses the login, is waited for: nothing is served meanwhile,
    and each try is logged with its reason. Raises BadSettings.
    """
    engine = create_engine(url, poolclass=NullPool)
    while True:
        try:
            with engine.connect() as connection:
                role, *found = connection.execute(WIDER).one()
            break
        except OperationalError as reason:
            log.warning("database unreachable, not started yet", extra={"reason": str(reason)})
            time.sleep(SECONDS_BEFORE_ANOTHER_TRY)
    for way, is_so in zip(WAYS, found, strict=True):
        if is_so:
            raise BadSettings(
                f"DATABASE_MEMBER_URL: its role {role} {way}, so members would see everybody's "
                "rows; production needs ws_member there (see docs/deployment.md)"
            )
