"""Who sees which rows: staff all of them, a member their own, nobody what is on show.

Policies stand per role and never ask for an admin flag, which would cost the index. A
member's policy compares with ``app.user_id``, set for each transaction; unset, it is NULL
and nothing matches.
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ME = "nullif(current_setting('app.user_id', true), '')::uuid"
MY_CUSTOMERS = f"(SELECT array_agg(id) FROM customers WHERE user_id = {ME})::uuid[]"
MY_INVOICES = (
    "(SELECT array_agg(i.id) FROM invoices i JOIN customers c ON c.id = i.customer_id "
    f"WHERE c.user_id = {ME})::uuid[]"
)
ON_SHOW = "(SELECT array_agg(id) FROM products WHERE is_active AND is_published)::uuid[]"
MY_COMMUNITIES = "(SELECT my_communities())::uuid[]"

MEMBER_READS = {
    "users": f"id = {ME}",
    "user_sessions": f"user_id = {ME}",
    "communities": "is_active",
    "channel_categories": f"community_id = ANY ({MY_COMMUNITIES})",
    "community_members": f"community_id = ANY ({MY_COMMUNITIES})",
    "products": "is_active AND is_published",
    "plans": f"is_active AND product_id = ANY ({ON_SHOW})",
    "payment_buttons": f"is_active AND product_id = ANY ({ON_SHOW})",
    "product_access": f"product_id = ANY ({ON_SHOW})",
    "customers": f"user_id = {ME}",
    "payment_methods": f"customer_id = ANY ({MY_CUSTOMERS})",
    "capture_endpoints": f"user_id = {ME}",
    "invoices": f"customer_id = ANY ({MY_CUSTOMERS})",
    "invoice_lines": f"invoice_id = ANY ({MY_INVOICES})",
    "payment_attempts": f"invoice_id = ANY ({MY_INVOICES})",
    "access_grants": f"user_id = {ME}",
    "affiliate_profiles": f"user_id = {ME}",
    "affiliate_programs": f"is_active AND product_id = ANY ({ON_SHOW})",
    "affiliate_tracking_events": f"affiliate_id = {ME}",
    "affiliate_commissions": f"affiliate_id = {ME}",
    "lock_rule_versions": "true",
    "lock_rules": "true",
    "ledger_transfers": f"affiliate_id = {ME}",
    "ledger_entries": f"affiliate_id = {ME}",
    "ledger_accounts": f"affiliate_id = {ME}",
}

STAFF_ONLY = (
    "magic_links",
    "second_factors",
    "recovery_codes",
    "button_sightings",
    "invoice_counters",
    "provider_events",
    "risk_level_changes",
    "affiliate_attributions",
    "ledger_heads",
    "audit_events",
    "outbox_events",
    "outbox_deliveries",
    "outgoing_mails",
    "job_runs",
    "system_logs",
)

STAFF_READS_ONLY = ("ledger_transfers", "ledger_entries", "ledger_accounts", "ledger_heads")
APPEND_ONLY = ("audit_events",)


def upgrade() -> None:
    op.execute(
        f"""
        CREATE FUNCTION my_communities() RETURNS uuid[] LANGUAGE sql STABLE SECURITY DEFINER
        SET search_path = public, pg_temp AS $$
            SELECT array_agg(community_id) FROM community_members
            WHERE user_id = {ME} AND is_active AND banned_at IS NULL
        $$
        """
    )
    op.execute("REVOKE ALL ON FUNCTION my_communities() FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION my_communities() TO ws_member, ws_staff")
    op.execute("GRANT USAGE ON SCHEMA public TO ws_staff, ws_member")
    op.execute("GRANT SELECT ON alembic_version TO ws_staff, ws_member")
    for table in (*MEMBER_READS, *STAFF_ONLY):
        protect(table)
    for table, rows in MEMBER_READS.items():
        op.execute(f"GRANT SELECT ON {table} TO ws_member")
        op.execute(
            f"CREATE POLICY {table}_member_reads ON {table} FOR SELECT TO ws_member USING ({rows})"
        )
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ws_staff")


def protect(table: str) -> None:
    """Row security on and forced; staff see every row and write what their grants allow."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for role in ("ws_tables", "ws_staff"):
        op.execute(
            f"CREATE POLICY {table}_{role} ON {table} TO {role} USING (true) WITH CHECK (true)"
        )
    if table in STAFF_READS_ONLY:
        rights = "SELECT"
    elif table in APPEND_ONLY:
        rights = "SELECT, INSERT"
    else:
        rights = "SELECT, INSERT, UPDATE, DELETE"
    op.execute(f"GRANT {rights} ON {table} TO ws_staff")


def downgrade() -> None:
    for table in (*MEMBER_READS, *STAFF_ONLY):
        op.execute(f"DROP POLICY IF EXISTS {table}_member_reads ON {table}")
        for role in ("ws_tables", "ws_staff"):
            op.execute(f"DROP POLICY {table}_{role} ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        op.execute(f"REVOKE ALL ON {table} FROM ws_staff, ws_member")
    op.execute("DROP FUNCTION my_communities()")
