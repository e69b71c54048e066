"""Payment files: valid, never rewritten, settled line by line, given up."""

import hashlib
import xml.etree.ElementTree as ET
from datetime import date
from uuid import uuid4

import pytest
from sepaxml.validation import try_valid_xml
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from models.affiliation import (
    BatchStatus,
    CommissionStatus,
    PayoutMethod,
    SepaBatch,
    Withdrawal,
    WithdrawalStatus,
)
from models.affiliation.payouts.ask_withdrawal import ask_withdrawal
from models.affiliation.payouts.business_days import is_business_day, next_business_day
from models.affiliation.payouts.decide_withdrawal import (
    InOpenBatch,
    ReasonMissing,
    approve_withdrawal,
    reject_withdrawal,
)
from models.affiliation.payouts.make_batch import (
    BadExecutionDate,
    NotForABatch,
    NothingToPay,
    give_up_batch,
    make_batch,
)
from models.affiliation.payouts.pay_withdrawal import ReferenceMissing, pay_withdrawal
from models.affiliation.payouts.settle_batch import NotALine, settle_batch
from models.affiliation.prove_ledger import prove_ledger
from models.errors import IllegalTransition, Missing
from models.ledger import balances_of
from models.oversight import SYSTEM
from models.settings import use_settings
from tests.earnings import IBAN

OF_NO_KNOWN_BANK = "FR7699999000011234567890152"
WEDNESDAY = date(2026, 3, 11)
S = WithdrawalStatus


@pytest.fixture
def approved(session, earnings, owner, now):
    """Make an approved withdrawal of some cents, of an affiliate of its own."""

    def made(amount=10_000, **values):
        affiliate = earnings.affiliate(amount, **values)
        asked = ask_withdrawal(session, affiliate.user_id, amount, actor=SYSTEM, now=now)
        return approve_withdrawal(session, asked.id, actor=owner, now=now)

    return made


@pytest.fixture
def batch(session, owner, now):
    def made(*withdrawals, on=WEDNESDAY):
        keys = [withdrawal.id for withdrawal in withdrawals]
        return make_batch(session, keys, execution_date=on, actor=owner, now=now)

    return made


@pytest.fixture
def settle(session, owner, now):
    def settled(batch, reference="RELEVE-3", **bounced):
        return settle_batch(
            session,
            batch.id,
            reference=reference,
            bounced=bounced.get("bounced", {}),
            actor=owner,
            now=now,
        )

    return settled


def holds(session):
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    report = prove_ledger(session)
    assert report.ok, report.difference


def found(xml, path):
    root = ET.fromstring(xml)
    space = root.tag.partition("}")[0] + "}"
    return [node.text for node in root.iterfind("/".join(f"{space}{p}" for p in path.split("/")))]


class TestFile:
    @pytest.mark.parametrize("schema", ["pain.001.001.09", "pain.001.001.03"])
    def test_is_valid_and_says_who_gets_what(self, settings, approved, batch, now, schema):
        use_settings(settings.model_copy(update={"sepa_schema": schema}))
        lines = sorted((approved(), approved(5_000)), key=lambda each: each.id)

        made = batch(*lines)

        try_valid_xml(made.xml.encode(), schema)
        assert (made.schema, made.status, made.total, made.count) == (
            schema,
            BatchStatus.EXPORTED,
            14_550,
            2,
        )
        assert made.sha256 == hashlib.sha256(made.xml.encode()).hexdigest()
        head, line = "CstmrCdtTrfInitn/GrpHdr", "CstmrCdtTrfInitn/PmtInf/CdtTrfTxInf"
        assert found(made.xml, f"{head}/MsgId") == [made.message_id]
        assert found(made.xml, f"{head}/CreDtTm") == ["2026-03-10T12:00:00"]
        assert found(made.xml, f"{head}/NbOfTxs") == ["2"]
        assert found(made.xml, f"{head}/CtrlSum") == ["145.50"]
        assert found(made.xml, f"{line}/PmtId/EndToEndId") == [f"WD{w.id.hex}" for w in lines]
        assert found(made.xml, f"{line}/Amt/InstdAmt") == ["97.00", "48.50"]
        assert found(made.xml, f"{line}/Cdtr/Nm") == ["Zoe Ampere"] * 2
        assert found(made.xml, f"{line}/CdtrAcct/Id/IBAN") == ["FR7630006000011234567890189"] * 2
        info = "CstmrCdtTrfInitn/PmtInf"
        assert found(made.xml, f"{info}/DbtrAcct/Id/IBAN") == ["FR7630006000011234567890189"]
        assert found(made.xml, f"{info}/ChrgBr") == ["SLEV"]
        when = "ReqdExctnDt" if schema.endswith("03") else "ReqdExctnDt/Dt"
        assert found(made.xml, f"{info}/{when}") == ["2026-03-11"]
        assert "AdrLine" not in made.xml
        for name in ("MsgId", "EndToEndId", "PmtInfId"):
            for text_ in found(made.xml, f".//{name}") or [""]:
                assert len(text_) <= 35

    def test_carries_hostile_names_harmlessly(self, approved, batch):
        holder = '</Nm><Nm>Eve & "Co" \x01 <!--'
        account = {"payout_iban": IBAN, "payout_iban_last4": IBAN[-4:]}
        wire = {"payout_method": PayoutMethod.WIRE, "payout_holder": holder, **account}

        made = batch(approved(details=False, **wire))

        name = found(made.xml, "CstmrCdtTrfInitn/PmtInf/CdtTrfTxInf/Cdtr/Nm")
        assert name == ["/Nm Nm Eve Co --"]

    @pytest.mark.parametrize(
        ("schema", "bic"), [("pain.001.001.09", "BICFI"), ("pain.001.001.03", "BIC")]
    )
    @pytest.mark.parametrize(
        ("iban", "said", "written"),
        [
            ("FR7630006000011234567890189", "", "AGRIFRPPXXX"),
            ("FR1420041010050500013M02606", "", "PSSTFRPP"),
            ("FR1420041010050500013M02606", "PSSTFRPPPAR", "PSSTFRPPPAR"),
            (OF_NO_KNOWN_BANK, "", None),
        ],
    )
    def test_names_the_bank_of_the_account_or_none(
        self, settings, approved, batch, schema, bic, iban, said, written
    ):
        changed = {"sepa_schema": schema, "company_iban": iban, "company_bic": said}
        use_settings(settings.model_copy(update=changed))

        made = batch(approved())

        try_valid_xml(made.xml.encode(), schema)
        bank = "CstmrCdtTrfInitn/PmtInf/DbtrAgt/FinInstnId"
        assert found(made.xml, f"{bank}/{bic}") == ([written] if written else [])
        assert found(made.xml, f"{bank}/Othr/Id") == ([] if written else ["NOTPROVIDED"])

    def test_cuts_a_long_name_of_the_company(self, settings, approved, batch):
        changed = {"company_name": "Société Générale d'Épargne & Cie " * 4}
        use_settings(settings.model_copy(update=changed))

        made = batch(approved())

        assert len(found(made.xml, "CstmrCdtTrfInitn/PmtInf/Dbtr/Nm")[0]) <= 70


class TestMake:
    def test_locks_its_lines(self, session, approved, batch, owner, now):
        withdrawal = approved()
        made = batch(withdrawal)
        assert withdrawal.batch_id == made.id

        with pytest.raises(InOpenBatch):
            pay_withdrawal(
                session,
                withdrawal.id,
                method=PayoutMethod.WIRE,
                reference="x",
                actor=owner,
                now=now,
            )
        with pytest.raises(InOpenBatch):
            reject_withdrawal(session, withdrawal.id, reason="x", actor=owner, now=now)
        holds(session)

    def test_twice_makes_one_file(self, session, approved, batch):
        lines = approved(), approved()

        assert batch(*lines) is batch(*reversed(lines))
        with pytest.raises(NotForABatch):
            batch(lines[0])
        with pytest.raises(NotForABatch):
            batch(*lines, approved())
        assert len(session.scalars(select(SepaBatch)).all()) == 1

    def test_takes_only_approved_wires(self, session, earnings, approved, batch, owner, now):
        affiliate = earnings.affiliate(10_000)
        waiting = ask_withdrawal(session, affiliate.user_id, 10_000, actor=SYSTEM, now=now)
        by_paypal = approved()
        by_paypal.payment_method = PayoutMethod.PAYPAL
        for line in (waiting, by_paypal):
            with pytest.raises(NotForABatch):
                batch(approved(), line)

    def test_takes_nothing_from_nobody(self, session, batch, owner, now):
        with pytest.raises(NothingToPay):
            batch()
        with pytest.raises(Missing):
            make_batch(session, [uuid4()], execution_date=WEDNESDAY, actor=owner, now=now)

    @pytest.mark.parametrize(
        "day",
        [
            date(2026, 3, 9),
            date(2026, 3, 14),
            date(2026, 4, 3),
            date(2026, 4, 6),
            date(2026, 5, 1),
            date(2026, 6, 1),
            date.max,
        ],
        ids=str,
    )
    def test_executes_on_a_day_that_banks_work(self, approved, batch, day):
        with pytest.raises(BadExecutionDate):
            batch(approved(), on=day)


class TestBusinessDays:
    @pytest.mark.parametrize(
        ("day", "following"),
        [
            (date(2026, 3, 10), date(2026, 3, 11)),
            (date(2026, 3, 13), date(2026, 3, 16)),
            (date(2026, 4, 2), date(2026, 4, 7)),
            (date(2026, 4, 30), date(2026, 5, 4)),
            (date(2026, 12, 24), date(2026, 12, 28)),
            (date(2026, 12, 31), date(2027, 1, 4)),
        ],
    )
    def test_follow_target(self, day, following):
        assert next_business_day(day) == following
        assert is_business_day(following)

    def test_french_holidays_are_not_targets(self):
        assert is_business_day(date(2026, 7, 14))


class TestSettle:
    def test_pays_its_lines_together(self, session, approved, batch, settle, now):
        lines = approved(), approved(5_000)
        made = settle(batch(*lines))

        assert (made.status, made.settled_at, made.reference) == (
            BatchStatus.SETTLED,
            now,
            "RELEVE-3",
        )
        for line in lines:
            assert (line.status, line.payment_method, line.payout_reference) == (
                S.PAID,
                "wire",
                "RELEVE-3",
            )
        holds(session)

    def test_a_bounced_line_goes_back(self, session, approved, batch, settle):
        good, bad = approved(), approved()

        settle(batch(good, bad), bounced={bad.id: "AC01 wrong account"})

        assert (good.status, bad.status) == (S.PAID, S.REJECTED)
        assert bad.rejection_reason == "AC01 wrong account"
        assert balances_of(session, bad.affiliate_id).available == 10_000
        holds(session)

    def test_twice_pays_once(self, session, approved, batch, settle):
        line = approved()
        made = batch(line)
        settle(made)
        settle(made, reference="other", bounced={line.id: "late"})

        assert (line.status, line.payout_reference) == (S.PAID, "RELEVE-3")
        holds(session)

    def test_two_lines_of_one_affiliate_share_their_commissions(
        self, session, earnings, batch, settle, owner, now
    ):
        affiliate = earnings.affiliate()
        commission = earnings.commission(affiliate, 10_000, released=("main", "extended"))
        first = ask_withdrawal(session, affiliate.user_id, 5_000, actor=SYSTEM, now=now)
        second = ask_withdrawal(session, affiliate.user_id, 5_000, actor=SYSTEM, now=now)
        for each in (first, second):
            approve_withdrawal(session, each.id, actor=owner, now=now)

        settle(batch(first, second))

        assert (commission.paid_amount, commission.status) == (10_000, CommissionStatus.PAID)
        holds(session)

    def test_refuses_what_it_cannot_do(self, session, approved, batch, settle):
        line, other = approved(), approved()
        made = batch(line)
        for reason, options in (
            (NotALine, {"bounced": {other.id: "x"}}),
            (NotALine, {"bounced": {uuid4(): "x"}}),
            (ReasonMissing, {"bounced": {line.id: " "}}),
            (ReferenceMissing, {"reference": " "}),
        ):
            with pytest.raises(reason), session.begin_nested():
                settle(made, **options)


class TestGiveUp:
    def test_frees_its_lines_and_keeps_the_file(self, session, approved, batch, settle, owner, now):
        line = approved()
        first = batch(line)

        given_up = give_up_batch(session, first.id, reason="Never sent.", actor=owner, now=now)

        assert (given_up.status, line.batch_id, line.status) == (
            BatchStatus.GIVEN_UP,
            None,
            S.APPROVED,
        )
        assert give_up_batch(session, first.id, reason="x", actor=owner, now=now) is first
        with pytest.raises(IllegalTransition):
            settle(first)
        second = batch(line)
        assert second.message_id != first.message_id
        settle(second)
        with pytest.raises(IllegalTransition):
            give_up_batch(session, second.id, reason="x", actor=owner, now=now)
        holds(session)

    def test_not_without_a_reason(self, session, approved, batch, owner, now):
        made = batch(approved())
        with pytest.raises(ReasonMissing):
            give_up_batch(session, made.id, reason=" ", actor=owner, now=now)


class TestTheDatabaseItself:
    @pytest.mark.parametrize("column", ["xml", "sha256", "total", "message_id", "execution_date"])
    def test_keeps_a_file_as_it_was_made(self, session, approved, batch, column):
        made = batch(approved())
        value = {"total": "total + 1", "execution_date": "execution_date + 1"}.get(column, "'x'")
        with pytest.raises(DBAPIError, match="stays as it is"):
            session.execute(
                text(f"UPDATE sepa_batches SET {column} = {value} WHERE id = :id"), {"id": made.id}
            )

    def test_shows_members_no_file(self, session):
        assert not session.scalar(
            text("SELECT has_table_privilege('ws_member', 'sepa_batches', 'SELECT')")
        )

    def test_keeps_its_lines_within_it(self, session, approved, batch):
        made = batch(approved(), approved())
        lines = session.scalars(select(Withdrawal).where(Withdrawal.batch_id == made.id)).all()
        assert sum(line.net_amount for line in lines) == made.total
