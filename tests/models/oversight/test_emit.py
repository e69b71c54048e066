"""Telling facts: the audit row says what that fact changed, and nothing twice."""

from models.oversight import SYSTEM, AuditEvent, OutboxEvent, emit
from models.oversight.emit import told_together


def rows(session):
    return session.query(AuditEvent).order_by(AuditEvent.id).all()


class TestEmit:
    def test_each_fact_tells_its_own_changes_only(self, session, make):
        plan = make.plan("offer")
        plan.name = "First"
        emit(session, "tests.named", plan, actor=SYSTEM)
        session.flush()
        plan.name, plan.description = "Second", "Better"
        emit(session, "tests.renamed", plan, actor=SYSTEM)
        session.flush()
        emit(session, "tests.looked_at", plan, actor=SYSTEM)

        told = [(row.before, row.after) for row in rows(session)[-3:]]
        assert told[0][1]["name"] == "First"
        assert told[1] == (
            {"name": "First", "description": ""},
            {"name": "Second", "description": "Better"},
        )
        assert told[2] == ({}, {})

    def test_facts_told_together_go_on_from_one_another(self, session, make):
        plan = make.plan("offer", name="First")
        session.flush()
        with told_together(session):
            for name in ("Second", "Third"):
                plan.name = name
                emit(session, "tests.renamed", plan, actor=SYSTEM)

        told = [(row.before["name"], row.after["name"]) for row in rows(session)[-2:]]
        assert told == [("First", "Second"), ("Second", "Third")]

    def test_a_new_row_is_told_once(self, session, make):
        product = make.product()
        emit(session, "tests.made", product, actor=SYSTEM)
        product.name = "Other"
        emit(session, "tests.renamed", product, actor=SYSTEM)

        assert rows(session)[-1].after == {"name": "Other"}

    def test_writes_both_rows_about_the_same(self, session, make):
        product = make.product()
        emit(session, "tests.made", product, actor=SYSTEM, data={"by": product.id})

        event = session.query(OutboxEvent).order_by(OutboxEvent.id).all()[-1]
        assert (event.subject_table, event.subject_id) == ("products", str(product.id))
        assert event.data == rows(session)[-1].data == {"by": str(product.id)}
