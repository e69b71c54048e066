"""The menu: every view of the consoles, under its heading. Each says itself who may see it."""

from typing import Any

from admin_views.affiliates import AffiliateView
from admin_views.affiliation import AttributionView, ClickView, ProgramView
from admin_views.batches import BatchView
from admin_views.boosts import BoostUseView, BoostView
from admin_views.buttons import ButtonView
from admin_views.catalog import AccessView, CommunityView, ProductView
from admin_views.commissions import CommissionView
from admin_views.data_requests import DataRequestView
from admin_views.flags import FlagView
from admin_views.jobs import JobsView
from admin_views.lock_rules import LockRulesView
from admin_views.money import EntryView, TransferView
from admin_views.oversight import AuditView, LogView, MailView, RunView
from admin_views.payments import AttemptView, CheckoutView, ProviderEventView
from admin_views.people import SessionView, UserView
from admin_views.plans import PlanView
from admin_views.refunds import CreditNoteView, RefundView
from admin_views.sales import CustomerView, InvoiceView
from admin_views.verification import VerificationView
from admin_views.withdrawals import PayoutView, WithdrawalView
from models.errors import N_

MENU: tuple[tuple[str, tuple[Any, ...]], ...] = (
    (N_("Catalogue"), (CommunityView, ProductView, PlanView, ButtonView, AccessView)),
    (
        N_("Sales"),
        (
            CustomerView,
            InvoiceView,
            RefundView,
            CreditNoteView,
            AttemptView,
            CheckoutView,
            ProviderEventView,
        ),
    ),
    (
        N_("Affiliation"),
        (
            AffiliateView,
            FlagView,
            ProgramView,
            BoostView,
            BoostUseView,
            ClickView,
            AttributionView,
            CommissionView,
            LockRulesView,
        ),
    ),
    (
        N_("Money"),
        (
            WithdrawalView,
            PayoutView,
            BatchView,
            TransferView,
            EntryView,
            VerificationView,
        ),
    ),
    (
        N_("System"),
        (UserView, SessionView, AuditView, LogView, JobsView, RunView, DataRequestView, MailView),
    ),
)
