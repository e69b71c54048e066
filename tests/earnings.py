"""Affiliates with released commissions, for tests of what they may withdraw."""

from itertools import count

from models.affiliation import CommissionStatus, PayoutMethod
from models.affiliation.earn_commission import earn_commission
from models.affiliation.payouts.edit_payout_details import edit_payout_details
from models.ledger import Account, TransferType, post
from models.oversight import SYSTEM
from tests.models.affiliation.conftest import Shop

IBAN = "FR7630006000011234567890189"
_numbers = count(1)


class Earnings:
    """Makes affiliates who earned: each commission from a sale of its own."""

    def __init__(self, make, now):
        self.make, self.session, self.now = make, make.session, now
        self.shop = Shop(make, now)

    def affiliate(self, *amounts, details=True, **values):
        """An affiliate with bank details and one wholly released commission per amount."""
        affiliate = self.make.affiliate(**values)
        if details:
            edit_payout_details(
                self.session,
                affiliate.user_id,
                method=PayoutMethod.WIRE,
                holder="Zoé Ampère",
                iban=IBAN,
                actor=SYSTEM,
            )
        for amount in amounts:
            self.commission(affiliate, amount, released=("main", "extended"))
        return affiliate

    def commission(self, affiliate, total, *, released=(), at=None):
        """One commission of these cents, with some of its parts released."""
        customer = self.shop.brought_by(affiliate)
        self.shop.plan.commission_percent = 100
        invoice = self.shop.invoice(customer, price=total, vat=0)
        commission = earn_commission(self.session, invoice.id, actor=SYSTEM, now=self.now)
        for part in released:
            self.release(commission, part, at=at)
        return commission

    def release(self, commission, part, *, at=None):
        release(self.session, commission, part, at=at or self.now)


def release(session, commission, part, *, at):
    """Release the main or the extended part, as its day's maturation would."""
    amount = getattr(commission, f"{part}_amount")
    setattr(commission, f"{part}_matured_at", at)
    if commission.status is CommissionStatus.PENDING_LOCK:
        commission.become(CommissionStatus.LOCKED)
    both = commission.main_matured_at and commission.extended_matured_at
    commission.become(CommissionStatus.MATURED if both else CommissionStatus.PARTIALLY_MATURED)
    post(
        session,
        TransferType.COMMISSION_MATURED,
        affiliate_id=commission.affiliate_id,
        key=f"commission-matured:{commission.id}:{part}",
        at=at,
        entries={Account.LOCKED: -amount, Account.AVAILABLE: amount},
        description="",
        commission_id=commission.id,
    )
