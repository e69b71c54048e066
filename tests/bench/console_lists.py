"""Figure 2: the owner's list of invoices at one and five million rows, against ten thousand.

Two databases, a web process on each, and the same page asked of both in turn by a browser
that waits for each answer. The small one's people, products and plans are the large one's.
"""

from collections.abc import Iterator
from dataclasses import replace

from sqlalchemy import create_engine, text

from models.accounts import UserType
from tests.bench.ground import Ground, copied, superuser_url
from tests.bench.load import Wish, load
from tests.bench.measure import Figure, compared, told
from tests.bench.served import OWNER, signed_in, web

FEW = 10_000
MANY = (1_000_000, 5_000_000)
PEOPLE = 100_000
PAGES = 40


def figures(ground: Ground) -> Iterator[Figure]:
    """The default list, newest first, of the console that shows most."""
    fill_people(ground)
    cookie = signed_in(ground, OWNER, UserType.OWNER)
    path = f"/{ground.settings.owner_console_path}/invoices/"
    with copied(ground) as small:
        fill_invoices(small, 0, FEW)
        filled = 0
        with web(ground) as ours, web(small) as theirs:
            for rows in MANY:
                fill_invoices(ground, filled, rows)
                filled = rows
                mine = Wish(ours, path, cookie=cookie, connections=1, requests=PAGES)
                yours = replace(mine, port=theirs)
                yield compared(
                    "2",
                    "console list of invoices",
                    f"the same at {FEW:,}",
                    lambda mine=mine: half_wait(mine),
                    lambda yours=yours: half_wait(yours),
                    at_most=1.25,
                    rows=rows,
                    timed=told,
                    note=f"p50 of {PAGES} pages",
                )


def half_wait(wish: Wish) -> float:
    """The median seconds for a page. Any but a 200 spoils the run."""
    done = load(wish)
    if done.failed:
        raise RuntimeError(f"{wish.path} answered {done.outcomes}")
    return done.p50


def fill_people(ground: Ground) -> None:
    """Ten products, and one customer of one of them for each of many people."""
    ground.execute(
        f"""
        INSERT INTO communities (id, platform, name, slug, settings, owner_notes, is_active,
                                 created_at, updated_at)
        SELECT uuidv7(), 'STAM', 'Bench', 'bench', '{{}}', '', true, now(), now();
        INSERT INTO products (id, community_id, slug, name, short_description, is_free,
                              requires_trial, is_active, is_published, created_at, updated_at)
        SELECT uuidv7(), c.id, 'bench-' || n, 'Bench ' || n, '', false, false, true, true, now(),
               now()
        FROM communities c, generate_series(1, 10) n WHERE c.slug = 'bench';
        INSERT INTO plans (id, product_id, slug, name, description, price_amount, currency,
                           billing_interval, trial_amount, setup_fee, is_active, is_featured,
                           metadata, created_at, updated_at)
        SELECT uuidv7(), id, slug, name, '', 4900, 'EUR', 'MONTHLY', 0, 0, true, false, '{{}}',
               now(), now()
        FROM products;
        INSERT INTO users (id, platform, email, display_name, bio, locale, user_type,
                           is_suspended, created_at, updated_at)
        SELECT uuidv7(), 'STAM', 'bench-' || n || '@example.org', 'Person ' || n, '', 'fr',
               'CLIENT', false, now(), now()
        FROM generate_series(1, {PEOPLE}) n;
        INSERT INTO customers (id, user_id, product_id, current_plan_id, terms, status,
                               periods_since_anchor, billing_cycles_done, cancel_at_period_end,
                               is_complimentary, dunning_step, metadata, created_at, updated_at)
        SELECT uuidv7(), u.id, p.product_id, p.id, '{{}}', 'ACTIVE', 1, 1, false, false, 0, '{{}}',
               now(), now()
        FROM (SELECT id, row_number() OVER (ORDER BY id) % 10 AS place FROM users
              WHERE platform = 'STAM') u
        JOIN (SELECT *, row_number() OVER (ORDER BY id) % 10 AS place FROM plans) p USING (place);
        ANALYZE;
        """
    )


def fill_invoices(ground: Ground, have: int, want: int) -> None:
    """Paid invoices from ``have`` to ``want``, fast: references unchecked, indexes built after.

    What is measured has every index and constraint again, and is vacuumed as a table that
    grew over years would be.
    """
    engine = create_engine(superuser_url(ground.name), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        said = connection.execute(
            text(
                "SELECT indexname, indexdef FROM pg_indexes i WHERE tablename = 'invoices'"
                " AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conname = i.indexname)"
            )
        ).all()
        connection.execute(text("SET session_replication_role = replica"))
        connection.execute(text("SET maintenance_work_mem = '512MB'"))
        for name, _definition in said:
            connection.execute(text(f"DROP INDEX {name}"))
        connection.execute(text(INVOICES), {"have": have, "want": want, "people": PEOPLE})
        for _name, definition in said:
            connection.execute(text(definition))
        connection.execute(text("VACUUM ANALYZE invoices"))
    engine.dispose()


INVOICES = """
INSERT INTO invoices (id, number, customer_id, plan_id, kind, status, period_start, period_end,
                      amount_excluding_tax, tax_amount, tax_rate, amount_including_tax, currency,
                      due_at, paid_at, mentions, created_at, updated_at)
SELECT uuidv7(), 'WS-' || lpad(n::text, 9, '0'), c.id, c.current_plan_id, 'RENEWAL', 'PAID',
       at, at + interval '1 month', 4083, 817, 0.2, 4900, 'EUR', at, at,
       '{"buyer": {"name": "Person", "email": "bench@example.org"}, "vat": "20"}', at, at
FROM (SELECT n, n % :people + 1 AS place, timestamptz '2024-01-01' + n * interval '10 s' AS at
      FROM generate_series(:have + 1, :want) n) i
JOIN (SELECT id, current_plan_id, row_number() OVER (ORDER BY id) AS place
      FROM customers) c USING (place)
ORDER BY n
"""
