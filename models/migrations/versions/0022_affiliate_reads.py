"""What an affiliate may know of the clients they brought: narrow, masked, and only their own.

Customers, checkouts and invoices stay out of an affiliate's reach. These functions read them
for whoever ``app.user_id`` names, and answer counts, sums, names of plans and masked addresses.
"""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

ME = "nullif(current_setting('app.user_id', true), '')::uuid"

MASKED = """
CREATE FUNCTION masked_email(email text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT left(email, 1) || '•••@' || left(split_part(email, '@', 2), 1) || '•••.'
        || reverse(split_part(reverse(email), '.', 1))
$$
"""

SALES = f"""
CREATE FUNCTION my_sales(asked uuid[])
RETURNS TABLE (commission_id uuid, client text, product text, plan text, invoice text, kind text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT a.id, masked_email(u.email::text), p.name, l.name, i.number, i.kind
    FROM affiliate_commissions a
    JOIN customers c ON c.id = a.customer_id
    JOIN users u ON u.id = c.user_id
    JOIN invoices i ON i.id = a.invoice_id
    JOIN plans l ON l.id = i.plan_id
    JOIN products p ON p.id = l.product_id
    WHERE a.affiliate_id = {ME} AND a.id = ANY (asked)
$$
"""

SOLD = f"""
CREATE FUNCTION my_sold_products() RETURNS TABLE (program_id uuid, product text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT g.id, p.name
    FROM (SELECT DISTINCT program_id FROM affiliate_commissions WHERE affiliate_id = {ME}) mine
    JOIN affiliate_programs g ON g.id = mine.program_id
    JOIN products p ON p.id = g.product_id
    ORDER BY p.name, g.id
$$
"""

CLIENTS = f"""
CREATE FUNCTION my_clients()
RETURNS TABLE (billing_interval text, running bigint, paying bigint, prices bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(c.terms ->> 'interval', l.billing_interval), count(*),
        count(*) FILTER (WHERE c.status <> 'TRIAL' AND NOT c.is_complimentary),
        coalesce(sum(coalesce((c.terms ->> 'price')::bigint, l.price_amount))
            FILTER (WHERE c.status <> 'TRIAL' AND NOT c.is_complimentary), 0)::bigint
    FROM (
        SELECT DISTINCT customer_id FROM affiliate_attributions
        WHERE affiliate_id = {ME} AND replaced_at IS NULL AND NOT self_referral
    ) mine
    JOIN customers c ON c.id = mine.customer_id
    JOIN plans l ON l.id = c.current_plan_id
    WHERE c.status IN ('TRIAL', 'ACTIVE', 'PAST_DUE')
    GROUP BY 1
$$
"""

OWN_PURCHASES = f"""
CREATE FUNCTION my_own_purchases() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT count(*) FROM affiliate_attributions
    WHERE affiliate_id = {ME} AND self_referral AND customer_id IS NOT NULL
$$
"""

CHECKOUTS = f"""
CREATE FUNCTION my_checkouts(since timestamptz) RETURNS TABLE (begun bigint, bought bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT count(DISTINCT e.click_id),
        count(DISTINCT e.click_id) FILTER (WHERE k.status = 'COMPLETED')
    FROM affiliate_tracking_events e
    JOIN capture_endpoints k ON k.affiliate_click_id = e.click_id
    WHERE e.affiliate_id = {ME} AND e.created_at >= since
$$
"""

FUNCTIONS = {
    "masked_email(text)": MASKED,
    "my_sales(uuid[])": SALES,
    "my_sold_products()": SOLD,
    "my_clients()": CLIENTS,
    "my_own_purchases()": OWN_PURCHASES,
    "my_checkouts(timestamptz)": CHECKOUTS,
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index(
        "ix_capture_endpoints_affiliate_click_id",
        "capture_endpoints",
        ["affiliate_click_id"],
        postgresql_where="affiliate_click_id IS NOT NULL",
    )
    for name, made in FUNCTIONS.items():
        op.execute(made)
        op.execute(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO ws_member, ws_staff")


def downgrade() -> None:
    for name in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {name}")
    op.drop_index("ix_capture_endpoints_affiliate_click_id", table_name="capture_endpoints")
