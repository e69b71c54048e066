"""Figure 17: what row security costs a member, against the same query with its WHERE by hand."""

from uuid import UUID

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from tests.bench.ground import Ground
from tests.bench.measure import Figure, compared

CUSTOMERS = 200_000
READS = 300

READ = "SELECT id, status, next_charge_at FROM customers{where} ORDER BY id DESC LIMIT 50"


def figures(ground: Ground) -> list[Figure]:
    """A member's newest customers, by policy and by hand, over many owners' rows."""
    me = fill(ground)
    member = create_engine(ground.settings.database_member_url, poolclass=NullPool).connect()
    staff = create_engine(ground.settings.database_url, poolclass=NullPool).connect()
    try:
        return [
            compared(
                "17",
                "member reads under row security",
                "hand-written WHERE",
                lambda: _read(member, me, READ.format(where="")),
                lambda: _read(staff, me, READ.format(where=f" WHERE user_id = '{me}'")),
                at_most=1.25,
                rows=CUSTOMERS,
                note="both set app.user_id for each transaction",
            )
        ]
    finally:
        member.close()
        staff.close()


def _read(connection: Connection, me: UUID, query: str) -> None:
    for _ in range(READS):
        with connection.begin():
            connection.execute(text("select set_config('app.user_id', :me, true)"), {"me": str(me)})
            connection.execute(text(query)).all()


def fill(ground: Ground) -> UUID:
    """Customers of 20,000 people, ten products each; answers one person's key."""
    ground.execute(
        """
        INSERT INTO communities (id, platform, name, slug, settings, owner_notes, is_active,
                                 created_at, updated_at)
        SELECT uuidv7(), 'STAM', 'Bench', 'bench', '{}', '', true, now(), now();
        INSERT INTO products (id, community_id, slug, name, short_description, is_free,
                              requires_trial, is_active, is_published, created_at, updated_at)
        SELECT uuidv7(), c.id, 'bench-' || n, 'Bench', '', false, false, true, true, now(), now()
        FROM communities c, generate_series(1, 10) n WHERE c.slug = 'bench';
        INSERT INTO plans (id, product_id, slug, name, description, price_amount, currency,
                           billing_interval, trial_amount, setup_fee, is_active, is_featured,
                           metadata, created_at, updated_at)
        SELECT uuidv7(), id, slug, 'Bench', '', 4900, 'EUR', 'MONTHLY', 0, 0, true, false, '{}',
               now(), now()
        FROM products;
        INSERT INTO users (id, platform, email, display_name, bio, locale, user_type,
                           is_suspended, created_at, updated_at)
        SELECT uuidv7(), 'STAM', 'bench-' || n || '@example.org', '', '', 'fr', 'CLIENT', false,
               now(), now()
        FROM generate_series(1, 20000) n;
        INSERT INTO customers (id, user_id, product_id, current_plan_id, terms, status,
                               periods_since_anchor, billing_cycles_done, cancel_at_period_end,
                               is_complimentary, dunning_step, metadata, created_at, updated_at)
        SELECT uuidv7(), u.id, p.product_id, p.id, '{}', 'ACTIVE', 1, 1, false, false, 0,
               '{}', now(), now()
        FROM users u CROSS JOIN plans p;
        ANALYZE;
        """
    )
    return UUID(str(ground.scalar("SELECT id FROM users ORDER BY id OFFSET 10000 LIMIT 1")))
