"""The schema's history: one head, equal to the models, both ways from empty."""

from datetime import UTC

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from models.migrations import run as migrations


@pytest.fixture
def empty(database):
    name = f"{database.name}_migrations"
    database.running.drop_database(name)
    database.running.create_database(name)
    yield database.running.owner_url(name)
    database.running.drop_database(name)


class TestMigrations:
    def test_have_one_head(self):
        assert len(migrations.heads()) == 1

    def test_equal_the_models_and_go_both_ways(self, empty):
        migrations.upgrade(empty)
        command.check(migrations.configuration(empty))
        migrations.downgrade(empty, "base")
        migrations.upgrade(empty)
        command.check(migrations.configuration(empty))


SEEN = """
    INSERT INTO products (id, community_id, slug, name, short_description, is_free, requires_trial,
                          is_active, is_published, created_at, updated_at)
    SELECT gen_random_uuid(), id, 'p', 'P', '', false, false, true, true, now(), now()
    FROM communities WHERE slug = 'tbcb';
    INSERT INTO plans (id, product_id, slug, name, description, price_amount, currency,
                       billing_interval, trial_amount, setup_fee, is_active, is_featured, metadata,
                       created_at, updated_at)
    SELECT gen_random_uuid(), id, 'p', 'P', '', 4900, 'EUR', 'MONTHLY', 0, 0, true, false, '{}',
           now(), now()
    FROM products;
    INSERT INTO payment_buttons (id, product_id, plan_id, button_key, display_name, description,
                                 cta_text, payment_type, success_url, cancel_url, is_active,
                                 metadata, used_at, created_at, updated_at)
    SELECT gen_random_uuid(), product_id, id, key, 'P', '', 'P', 'subscription', '/', '/', true,
           '{}', used_at, now(), now()
    FROM (SELECT id, product_id FROM plans) AS plan,
         (VALUES ('seen', null::timestamptz), ('never', null), ('used', '2026-01-01 12:00Z'))
         AS button (key, used_at);
    INSERT INTO button_sightings (id, button_id, page_url, first_seen_on, last_seen_on, loses_ref)
    SELECT gen_random_uuid(), id, 'https://blog.example/' || page, first, first, false
    FROM payment_buttons,
         (VALUES ('a', date '2026-03-10'), ('b', date '2026-03-12')) AS page (page, first)
    WHERE button_key <> 'never'
"""


class TestSeenIsUsed:
    def test_uses_the_keys_that_pages_were_seen_to_carry(self, empty):
        scripts = ScriptDirectory.from_config(migrations.configuration(empty))
        former = scripts.get_revision("0037").down_revision
        migrations.upgrade(empty, former)
        engine = create_engine(empty)
        with engine.begin() as connection:
            connection.execute(text(SEEN))
        migrations.upgrade(empty)

        with engine.begin() as connection:
            used = connection.execute(text("SELECT button_key, used_at FROM payment_buttons"))
            found = {key: at and f"{at.astimezone(UTC):%d/%m %H:%M}" for key, at in used}
            follows = connection.scalars(text("SELECT price_follows FROM button_sightings")).all()
        assert found == {"seen": "09/03 23:00", "never": None, "used": "01/01 12:00"}
        assert follows == [True] * 4
        migrations.downgrade(empty, former)
        migrations.upgrade(empty)
        engine.dispose()
