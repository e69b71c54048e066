"""Mails that follow from facts: each listener queues one mail under the fact's own key."""

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from jobs.mail_attachments import attach
from models import clock
from models.accounts import MailTopic, User
from models.accounts.mail_choice import wants_mail
from models.accounts.mail_user import mail_user
from models.accounts.make_magic_link import make_magic_link
from models.affiliation import Commission
from models.base import Json
from models.billing import Customer, CustomerStatus, Invoice, PaymentMethod
from models.catalog import Product
from models.oversight import SYSTEM, OutboxEvent


def mail_receipt(session: Session, event: OutboxEvent) -> None:
    """The buyer's receipt of a paid invoice, with what follows from it."""
    invoice = session.scalars(
        select(Invoice)
        .where(Invoice.id == event.subject_id)
        .options(
            selectinload(Invoice.lines),
            joinedload(Invoice.customer).joinedload(Customer.user),
        )
    ).one()
    user = invoice.customer.user
    if not invoice.amount_including_tax:
        return
    mail_user(
        session,
        user,
        "receipt",
        {
            **_invoice_facts(session, invoice),
            **_what_follows(invoice.customer),
            "attached": [attach("invoice", invoice.id, str(invoice.number))],
        },
        about=invoice.id,
        locale=event.data.get("locale"),
    )


def _invoice_facts(session: Session, invoice: Invoice) -> Json:
    """An invoice as its mail says it, from the mentions of the day it was issued."""
    mentions = invoice.mentions
    seller = mentions.get("seller", {})
    charged = bool(invoice.tax_rate)
    method = (
        session.get(PaymentMethod, invoice.payment_method_id) if invoice.payment_method_id else None
    )
    return {
        "number": invoice.number,
        "paid_at": invoice.paid_at,
        "product": mentions.get("product", ""),
        "plan": mentions.get("plan", ""),
        "lines": [{"label": line.label, "total": line.total} for line in invoice.lines],
        "excluding": invoice.amount_excluding_tax,
        "tax": invoice.tax_amount,
        "including": invoice.amount_including_tax,
        "currency": invoice.currency,
        "vat_rate": str((invoice.tax_rate * 100).normalize()),
        "vat_mention": "" if charged else mentions.get("vat", ""),
        "card_brand": method.brand if method else "",
        "card_last4": method.last4 if method else "",
        "seller": ", ".join(
            part
            for part in (
                seller.get("name"),
                seller.get("address"),
                f"SIREN {seller['siren']}" if seller.get("siren") else "",
                seller.get("vat_number"),
            )
            if part
        ),
    }


def _what_follows(customer: Customer) -> Json:
    """The trial while it runs; once it is over its end stays on the row and is no news."""
    on_trial = customer.status is CustomerStatus.TRIAL
    return {
        "trial_ends_at": customer.trial_ends_at if on_trial else None,
        "next_charge_at": None if customer.cancel_at_period_end else customer.next_charge_at,
        "subscription_ends_at": customer.subscription_ends_at,
    }


def mail_welcome(session: Session, event: OutboxEvent) -> None:
    """The way into what was bought, with a link that signs its buyer in."""
    customer = session.scalars(
        select(Customer)
        .where(Customer.id == event.subject_id)
        .options(joinedload(Customer.user), joinedload(Customer.product))
    ).one()
    user = customer.user
    way_in = make_magic_link(
        session,
        platform=user.platform,
        email=user.email,
        actor=SYSTEM,
        now=clock.now(),
        with_code=False,  # the mail shows none
    )
    mail_user(
        session,
        user,
        "welcome",
        {"product": customer.product.name, **_what_follows(customer)},
        about=event.id,
        locale=event.data.get("locale"),
        secrets=way_in.secrets,
    )


def mail_commission(session: Session, event: OutboxEvent) -> None:
    """What a sale earned its affiliate, and when it is released, if they want to be told."""
    commission = session.scalars(select(Commission).where(Commission.id == event.subject_id)).one()
    affiliate = User.get(session, commission.affiliate_id)
    if not wants_mail(session, affiliate.id, MailTopic.SALES):
        return
    product = session.scalars(
        select(Product).join(Customer).where(Customer.id == commission.customer_id)
    ).one()
    mail_user(
        session,
        affiliate,
        "commission_earned",
        {
            "product": product.name,
            "currency": commission.currency,
            "total": commission.total_amount,
            "main": commission.main_amount,
            "extended": commission.extended_amount,
            "locked_until": commission.locked_until,
            "extended_locked_until": commission.extended_locked_until,
        },
        about=commission.id,
    )
