"""Mails for tests: what each kind says."""

from models.accounts import Platform
from models.billing.on_closing import SubscriptionsRun
from models.oversight import queue_mail

RECEIPT = {
    "number": "WS-2026-000001",
    "paid_at": "2026-03-10T11:00:00+00:00",
    "product": "Premium <b>",
    "plan": "Mensuel",
    "lines": [{"label": "Premium & Co", "total": 4990}],
    "excluding": 4158,
    "tax": 832,
    "including": 4990,
    "currency": "EUR",
    "vat_rate": "20",
    "vat_mention": "",
    "card_brand": "visa",
    "card_last4": "4242",
    "seller": "WEOKTO SAS, Paris",
    "trial_ends_at": None,
    "next_charge_at": "2026-04-10T11:00:00+00:00",
    "subscription_ends_at": "2026-04-10T11:00:00+00:00",
}
PURCHASE = {
    "product": "Premium <b>",
    "plan": "Mensuel",
    "price": 4900,
    "currency": "EUR",
    "interval": "MONTHLY",
    "next_charge_at": "2026-04-10T11:00:00+00:00",
    "ends_at": "2026-04-10T11:00:00+00:00",
    "is_running": True,
}
NOTICE = {
    **PURCHASE,
    "about_at": "2026-04-10T11:00:00+00:00",
    "last_day_on": "2026-04-08",
    "card_brand": "visa",
    "card_last4": "4242",
}
REFUND = {
    "number": "WS-2026-000001",
    "paid_at": "2026-03-10T11:00:00+00:00",
    "product": "Premium <b>",
    "currency": "EUR",
    "amount": 4990,
}
WITHDRAWAL = {
    "requested": 10000,
    "fee": 300,
    "net": 9700,
    "currency": "EUR",
    "asked_at": "2026-03-12T09:30:00+00:00",
    "last4": "0189",
}
CONTEXTS = {
    "cancelled": {**PURCHASE, "cancelled_at": "2026-03-10T11:00:00+00:00"},
    "cancel_undone": PURCHASE,
    "plan_switched": {**PURCHASE, "paid": 1225},
    "switch_planned": {
        **PURCHASE,
        "next_plan": "Petit",
        "next_price": 1900,
        "at": "2026-04-10T11:00:00+00:00",
    },
    "switch_refused": {**PURCHASE, "next_plan": "Petit", "asked": 1225},
    "payment_not_made": {
        "product": "Premium <b>",
        "slug": "premium",
        "amount": 4990,
        "currency": "EUR",
        "why": "This card has expired. Use another card.",
    },
    "period_extended": {**PURCHASE, "until": "2026-05-10T11:00:00+00:00"},
    "access_granted": {**PURCHASE, "until": "2026-05-10T11:00:00+00:00"},
    "card_updated": {**PURCHASE, "card_brand": "visa", "card_last4": "4242"},
    "trial_reminder": NOTICE,
    "annual_notice": {**NOTICE, "interval": "ANNUALLY"},
    "card_expiring": NOTICE,
    "refund_approved": REFUND,
    "refund_asked": {
        **REFUND,
        "asked_at": "2026-03-12T09:30:00+00:00",
        "reason": "It is not for me",
    },
    "refund_rejected": {**REFUND, "reason": "Every lesson was watched"},
    "refund_processed": {
        **REFUND,
        "credit_note": "AV-2026-000001",
        "by_hand": "",
        "card_brand": "visa",
        "card_last4": "4242",
        "attached": [],
    },
    "withdrawal_approved": WITHDRAWAL,
    "withdrawal_asked": WITHDRAWAL,
    "withdrawal_rejected": {**WITHDRAWAL, "reason": "AC01 wrong account"},
    "withdrawal_paid": {
        **WITHDRAWAL,
        "paid_at": "2026-03-13T09:00:00+00:00",
        "reference": "VIR-1",
        "method": "wire",
        "attached": [],
    },
    "payout_details_changed": {
        "method": "wire",
        "last4": "0189",
        "changed_at": "2026-03-10T11:00:00+00:00",
    },
    "account_deleted": {},
    "data_ready": {"until": "2026-03-17T11:00:00+00:00"},
    "deletion_asked": {"at": "2026-03-17T11:00:00+00:00", "by_us": True},
    "deletion_held": {"why": SubscriptionsRun.message, "said": {"products": "Premium <b>"}},
    "deletion_undone": {},
    "email_change": {"minutes": 15},
    "email_changed": {"now": "ada@example.org", "changed_at": "2026-03-10T11:00:00+00:00"},
    "magic_link": {},
    "receipt": RECEIPT,
    "welcome": {
        "product": "Premium",
        "trial_ends_at": "2026-03-24T11:00:00+00:00",
        "next_charge_at": "2026-03-24T11:00:00+00:00",
        "subscription_ends_at": None,
    },
    "commission_earned": {
        "product": "Premium",
        "currency": "EUR",
        "total": 1225,
        "main": 1000,
        "extended": 225,
        "locked_until": "2026-05-10T11:00:00+00:00",
        "extended_locked_until": "2026-08-10T11:00:00+00:00",
    },
    "commission_clawed_back": {
        "product": "Premium <b>",
        "invoice": "WS-2026-000001",
        "currency": "EUR",
        "total": 1225,
        "taken": 613,
        "from_locked": 245,
        "from_available": 368,
        "debt": 368,
    },
    "commission_matured": {
        "released": 1225,
        "count": 2,
        "available": 0,
        "debt": 100,
        "currency": "EUR",
    },
    "cancel_link": {"hours": 24},
    "withdrawal_receipt": {
        "product": "Premium <b>",
        "plan": "Mensuel",
        "ordered_at": "2026-03-08T11:00:00+00:00",
        "declared_at": "2026-03-10T11:00:00+00:00",
        "refund_amount": 4990,
        "currency": "EUR",
        "refund_days": 14,
    },
    "payment_failed": {
        "product": "Premium",
        "plan": "Mensuel",
        "price": 4900,
        "currency": "EUR",
        "interval": "MONTHLY",
        "amount": 4900,
        "why": "This card has expired. Use another card.",
        "retry_at": "2026-04-12T00:00:00+00:00",
        "paused_at": "2026-04-17T00:00:00+00:00",
        "customer_id": "019d2f8e-0000-7000-8000-000000000001",
    },
    "payment_recovered": {
        "product": "Premium",
        "price": 4900,
        "currency": "EUR",
        "next_charge_at": "2026-05-10T11:00:00+00:00",
    },
    "access_paused": {
        "product": "Premium",
        "customer_id": "019d2f8e-0000-7000-8000-000000000001",
    },
    "subscription_ended": {"product": "Premium", "was_unpaid": True, "was_ended": False},
    "second_factor_reset": {"reset_at": "2026-03-10T11:00:00+00:00"},
    "staff_alert": {
        "what": "job_failed",
        "about": "ledger-verify",
        "due_at": "2026-03-10T04:00:00+00:00",
        "errors": 1,
        "detail": "ZeroDivisionError",
    },
}


def queue(session, kind="receipt", key="fact:1", **values):
    values.setdefault("platform", Platform.STAM)
    values.setdefault("to_email", "bob@example.org")
    values.setdefault("locale", "fr")
    values.setdefault("context", CONTEXTS[kind])
    if kind == "magic_link":
        values.setdefault("secrets", {"token": "the-token", "code": "123456"})
    if kind == "email_change":
        values.setdefault("secrets", {"token": "the-token"})
    return queue_mail(session, kind, key=key, **values)
