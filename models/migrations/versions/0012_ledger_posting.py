"""The ledger's one writer, and what the database itself holds true about its rows.

``ledger_post`` takes an array, so that one statement posts one transfer or ten thousand.
An affiliate's head row is the lock that orders their postings; heads are locked in the
order of their keys, so that postings wait for each other and never deadlock.

An entry's hash is SHA-256, in hexadecimal, over the 64 characters of ``prev_hash`` followed
by the entry's canonical JSON in UTF-8: the keys below in alphabetical order, no white
space, integers and strings only, ``at`` in UTC with microseconds, ``metadata`` as the text
of its jsonb, ``position`` counting the affiliate's entries from 1. The first ``prev_hash``
is 64 zeros. ``models.ledger.chain`` computes the same in Python.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

KEPT = "('LOCKED', 'AVAILABLE', 'RESERVED')"
GENESIS = "0" * 64

POSTING = """
CREATE TYPE ledger_posting AS (
    id uuid, type text, affiliate_id uuid, key text, at timestamptz, description text,
    commission_id uuid, withdrawal_id uuid, refund_id uuid, created_by uuid, metadata jsonb,
    currency text, locked bigint, available bigint, reserved bigint, commissions bigint,
    fees bigint, paid_out bigint, adjustments bigint)
"""

CANONICAL = """
CREATE FUNCTION ledger_canonical(
    p ledger_posting, account text, amount bigint, balance_after bigint, place bigint
) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT format(
        '{"account":"%s","affiliate_id":"%s","amount":%s,"at":"%s","balance_after":%s,'
        '"commission_id":%s,"created_by":%s,"currency":%s,"description":%s,"key":%s,'
        '"metadata":%s,"position":%s,"refund_id":%s,"transfer_id":"%s","type":"%s",'
        '"withdrawal_id":%s}',
        account, p.affiliate_id, amount,
        to_char(p.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        coalesce(balance_after::text, 'null'),
        coalesce(to_json(p.commission_id)::text, 'null'),
        coalesce(to_json(p.created_by)::text, 'null'),
        to_json(p.currency), to_json(p.description), to_json(p.key),
        to_json(p.metadata::text), place,
        coalesce(to_json(p.refund_id)::text, 'null'), p.id, p.type,
        coalesce(to_json(p.withdrawal_id)::text, 'null'))
$$
"""

CHAIN = """
CREATE FUNCTION ledger_link(state text, head text, canonical text) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN encode(sha256(convert_to(coalesce(state, head) || canonical, 'UTF8')), 'hex');
END $$
"""

CHAIN_AGGREGATE = """
CREATE AGGREGATE ledger_chain(head text, canonical text) (SFUNC = ledger_link, STYPE = text)
"""

POST = """
CREATE FUNCTION ledger_post(postings ledger_posting[]) RETURNS SETOF ledger_transfers
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan  -- planning anew each time would take longer than posting
AS $$
DECLARE
    made uuid[];
    other_key text;
BEGIN
    PERFORM FROM ledger_heads h
    WHERE h.affiliate_id IN (SELECT p.affiliate_id FROM unnest(postings) p)
    ORDER BY h.affiliate_id FOR UPDATE;

    WITH inserted AS (
        INSERT INTO ledger_transfers (id, type, affiliate_id, commission_id, withdrawal_id,
            refund_id, description, created_by, idempotency_key, metadata, created_at)
        SELECT p.id, p.type, p.affiliate_id, p.commission_id, p.withdrawal_id, p.refund_id,
            p.description, p.created_by, p.key, p.metadata, p.at
        FROM unnest(postings) WITH ORDINALITY p ORDER BY p.ordinality
        ON CONFLICT (idempotency_key) DO NOTHING
        RETURNING id
    ) SELECT coalesce(array_agg(id), '{}') INTO made FROM inserted;

    INSERT INTO ledger_entries
        (transfer_id, account, affiliate_id, amount, currency, balance_after, prev_hash, hash)
    SELECT (l.p).id, l.account, (l.p).affiliate_id, l.amount, (l.p).currency, l.balance_after,
        lag(l.hash, 1, l.head) OVER (PARTITION BY (l.p).affiliate_id ORDER BY l.n, l.m), l.hash
    FROM (
        SELECT c.*, ledger_chain(c.head,
            ledger_canonical(c.p, c.account, c.amount, c.balance_after, c.place))
            OVER (PARTITION BY (c.p).affiliate_id ORDER BY c.n, c.m) AS hash
        FROM (
            SELECT i.p, i.n, e.m, e.account, e.amount, h.hash AS head,
                h.entries + row_number()
                    OVER (PARTITION BY (i.p).affiliate_id ORDER BY i.n, e.m) AS place,
                CASE WHEN e.m <= 3 THEN (a.balance + sum(e.amount)
                    OVER (PARTITION BY (i.p).affiliate_id, e.m ORDER BY i.n))::bigint
                END AS balance_after
            FROM (SELECT g.p, g.n
                  FROM (SELECT unnest(postings) AS p, generate_subscripts(postings, 1) AS n) g
                  WHERE (g.p).id IN (SELECT unnest(made))) i
            CROSS JOIN LATERAL (VALUES
                (1, 'LOCKED', (i.p).locked), (2, 'AVAILABLE', (i.p).available),
                (3, 'RESERVED', (i.p).reserved), (4, 'COMMISSIONS', (i.p).commissions),
                (5, 'FEES', (i.p).fees), (6, 'PAID_OUT', (i.p).paid_out),
                (7, 'ADJUSTMENTS', (i.p).adjustments)) e (m, account, amount)
            LEFT JOIN ledger_heads h ON h.affiliate_id = (i.p).affiliate_id
            LEFT JOIN ledger_accounts a
                ON a.affiliate_id = (i.p).affiliate_id AND a.account = e.account
            WHERE e.amount IS NOT NULL
        ) c
    ) l
    ORDER BY l.n, l.m;

    UPDATE ledger_accounts a SET balance = a.balance + s.amount
    FROM (SELECT e.affiliate_id, e.account, sum(e.amount) AS amount FROM ledger_entries e
          WHERE e.transfer_id = ANY (made) AND e.balance_after IS NOT NULL
          GROUP BY e.affiliate_id, e.account) s
    WHERE a.affiliate_id = s.affiliate_id AND a.account = s.account;

    UPDATE ledger_heads h SET hash = s.hash, entries = h.entries + s.entries
    FROM (SELECT e.affiliate_id, count(*) AS entries,
              (array_agg(e.hash ORDER BY e.seq DESC))[1] AS hash
          FROM ledger_entries e WHERE e.transfer_id = ANY (made) GROUP BY e.affiliate_id) s
    WHERE h.affiliate_id = s.affiliate_id;

    IF cardinality(made) < cardinality(postings) THEN
        SELECT p.key INTO other_key
        FROM unnest(postings) p JOIN ledger_transfers t ON t.idempotency_key = p.key
        WHERE (t.type, t.affiliate_id, t.commission_id, t.withdrawal_id, t.refund_id)
            IS DISTINCT FROM
              (p.type, p.affiliate_id, p.commission_id, p.withdrawal_id, p.refund_id)
        OR (SELECT jsonb_object_agg(e.currency || e.account, e.amount)
            FROM ledger_entries e WHERE e.transfer_id = t.id)
            IS DISTINCT FROM jsonb_strip_nulls(jsonb_build_object(
                p.currency || 'LOCKED', p.locked, p.currency || 'AVAILABLE', p.available,
                p.currency || 'RESERVED', p.reserved,
                p.currency || 'COMMISSIONS', p.commissions, p.currency || 'FEES', p.fees,
                p.currency || 'PAID_OUT', p.paid_out,
                p.currency || 'ADJUSTMENTS', p.adjustments))
        LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'ledger key % was posted with other content', other_key
                USING ERRCODE = 'WL001';
        END IF;
    END IF;

    RETURN QUERY SELECT t.* FROM unnest(postings) WITH ORDINALITY p
        JOIN ledger_transfers t ON t.idempotency_key = p.key ORDER BY p.ordinality;
END $$
"""

ZERO_SUM = """
CREATE FUNCTION ledger_sums_to_zero() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM ledger_entries WHERE transfer_id = NEW.transfer_id
               GROUP BY currency HAVING sum(amount) <> 0) THEN
        RAISE EXCEPTION 'transfer % does not sum to zero', NEW.transfer_id
            USING ERRCODE = '23514', CONSTRAINT = 'ledger_entries_sum_to_zero';
    END IF;
    RETURN NULL;
END $$
"""

FOLLOWS = """
CREATE FUNCTION ledger_follows() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (
            SELECT m.affiliate_id, m.account, m.amount, m.balance_after, lag(m.balance_after)
                OVER (PARTITION BY m.affiliate_id, m.account ORDER BY m.seq) AS before
            FROM made m WHERE m.account IN ('LOCKED', 'AVAILABLE', 'RESERVED')) e
        LEFT JOIN ledger_accounts a
            ON a.affiliate_id = e.affiliate_id AND a.account = e.account
        WHERE e.balance_after IS DISTINCT FROM coalesce(e.before, a.balance) + e.amount
    ) THEN
        RAISE EXCEPTION 'balance_after is not the previous balance plus the amount'
            USING ERRCODE = '23514', CONSTRAINT = 'ledger_entries_follow';
    END IF;
    RETURN NULL;
END $$
"""

OPEN = f"""
CREATE FUNCTION ledger_open() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO ledger_heads (affiliate_id, hash, entries)
        SELECT made.user_id, '{GENESIS}', 0 FROM made;
    INSERT INTO ledger_accounts (affiliate_id, account, balance, currency)
        SELECT made.user_id, account, 0, 'EUR' FROM made,
            unnest(ARRAY['LOCKED', 'AVAILABLE', 'RESERVED']) account;
    RETURN NULL;
END $$
"""

FUNCTIONS = (
    "ledger_post(ledger_posting[])",
    "ledger_canonical(ledger_posting, text, bigint, bigint, bigint)",
    "ledger_link(text, text, text)",
    "ledger_sums_to_zero()",
    "ledger_follows()",
    "ledger_open()",
)
TRIGGERS = (
    ("ledger_opens", "affiliate_profiles"),
    ("ledger_entries_sum_to_zero", "ledger_entries"),
    ("ledger_entries_follow", "ledger_entries"),
)
APPEND_ONLY = ("ledger_transfers", "ledger_entries")
NEVER_DELETED = ("ledger_accounts", "ledger_heads")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in (POSTING, CANONICAL, CHAIN, CHAIN_AGGREGATE, POST, ZERO_SUM, FOLLOWS, OPEN):
        op.execute(sa.text(statement.replace(":", r"\:")))  # no colon there is a parameter's
    for function in FUNCTIONS:
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
    op.execute("REVOKE ALL ON FUNCTION ledger_chain(text, text) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION ledger_post(ledger_posting[]) TO ws_staff")
    op.execute(
        "CREATE TRIGGER ledger_opens AFTER INSERT ON affiliate_profiles "
        "REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION ledger_open()"
    )
    op.execute(
        "CREATE CONSTRAINT TRIGGER ledger_entries_sum_to_zero AFTER INSERT ON ledger_entries "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_sums_to_zero()"
    )
    op.execute(
        "CREATE TRIGGER ledger_entries_follow AFTER INSERT ON ledger_entries "
        "REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION ledger_follows()"
    )
    constrain()
    for table in APPEND_ONLY:
        refuse(table, "UPDATE OR DELETE OR TRUNCATE")
    for table in NEVER_DELETED:
        refuse(table, "DELETE OR TRUNCATE")
    for table in (*APPEND_ONLY, *NEVER_DELETED):
        op.execute(
            f"REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON {table} FROM PUBLIC, ws_staff, ws_member"
        )


def constrain() -> None:
    """LOCKED and RESERVED never go below zero; only an affiliate's accounts have balances."""
    op.create_check_constraint(
        op.f("ck_ledger_accounts_not_below_zero"),
        "ledger_accounts",
        "account = 'AVAILABLE' or balance >= 0",
    )
    op.create_check_constraint(
        op.f("ck_ledger_entries_not_below_zero"),
        "ledger_entries",
        "account = 'AVAILABLE' or balance_after >= 0",
    )
    op.create_check_constraint(
        op.f("ck_ledger_entries_balance_where_kept"),
        "ledger_entries",
        f"(account in {KEPT}) = (balance_after is not null)",
    )
    op.create_check_constraint(
        op.f("ck_ledger_accounts_of_affiliates"), "ledger_accounts", f"account in {KEPT}"
    )


def refuse(table: str, acts: str) -> None:
    """Refuse some acts on a table to every role, its owner included."""
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE {acts} ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    for name, table in TRIGGERS:
        op.execute(f"DROP TRIGGER {name} ON {table}")
    for table in (*APPEND_ONLY, *NEVER_DELETED):
        op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
    for table, name in (
        ("ledger_accounts", "ck_ledger_accounts_not_below_zero"),
        ("ledger_accounts", "ck_ledger_accounts_of_affiliates"),
        ("ledger_entries", "ck_ledger_entries_not_below_zero"),
        ("ledger_entries", "ck_ledger_entries_balance_where_kept"),
    ):
        op.drop_constraint(op.f(name), table, type_="check")
    op.execute("DROP AGGREGATE ledger_chain(text, text)")
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
    op.execute("DROP TYPE ledger_posting")
