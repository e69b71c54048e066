"""Alerts that follow from facts which only a person can put right."""

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from models import clock
from models.accounts import Platform, User, UserType, user_by_email
from models.base import Json
from models.billing import CaptureEndpoint, Customer, Invoice
from models.billing.record_answer import PAID_TWICE
from models.oversight import JobRun, OutboxEvent, queue_mail
from models.secrets import digest
from models.settings import current_settings


def alert_job_failed(session: Session, event: OutboxEvent) -> None:
    """Tell the owner of a scheduled job's errors, once a day for each job."""
    run = JobRun.get(session, event.subject_id)
    last_words = (run.error or "").strip().splitlines()[-1:]
    said = {"due_at": run.due_at, "errors": run.errors, "detail": " ".join(last_words)}
    alert_owner(session, "job_failed", run.name, key=f"{run.name}:{clock.today()}", said=said)


def alert_ledger(session: Session, event: OutboxEvent) -> None:
    """Tell the owner that the ledger does not verify: each difference once a day while it lasts."""
    lines = [f"{name}: {value}" for name, value in event.data.items()]
    difference = digest(str(event.data.get("difference", "")))[:16]
    said = {"detail": "\n".join(lines)}
    key = f"{clock.today()}:{difference}"
    alert_owner(session, "ledger", "ledger-verify", key=key, said=said)


def alert_paid_twice(session: Session, event: OutboxEvent) -> None:
    """Tell the owner of a second payment for one thing, which must be given back."""
    capture = session.scalars(
        select(CaptureEndpoint)
        .where(CaptureEndpoint.id == event.subject_id)
        .options(joinedload(CaptureEndpoint.user))
    ).one()
    said = {"amount": capture.amount, "currency": capture.currency}
    alert_owner(session, "paid_twice", capture.user.email, key=str(capture.id), said=said)


def alert_word_left_open(session: Session, event: OutboxEvent) -> None:
    """Tell the owner of a word of the payment side that only a person can explain: a dispute,
    money for what was given up, a refund made elsewhere. A second payment has its own alert."""
    because = str(event.data["because"])
    if because != PAID_TWICE:
        said = {"detail": f"{event.data['source']}: {because}"}
        alert_owner(session, "left_open", event.data["kind"], key=event.subject_id, said=said)


def alert_switch_unapplied(session: Session, event: OutboxEvent) -> None:
    """Tell the owner of a change of plan that was paid after its purchase had ended."""
    invoice = session.scalars(
        select(Invoice)
        .where(Invoice.id == event.subject_id)
        .options(joinedload(Invoice.customer).joinedload(Customer.user))
    ).one()
    said = {"amount": invoice.amount_including_tax, "currency": invoice.currency}
    about = invoice.customer.user.email
    alert_owner(session, "switch_unapplied", about, key=str(invoice.id), said=said)


def alert_owner(session: Session, what: str, about: str, *, key: str, said: Json) -> None:
    """Queue an alert to the owner, in their language; one ``key`` is told once."""
    address = current_settings().owner_email
    owner = session.scalar(
        select(User).where(User.user_type == UserType.OWNER).order_by(User.id).limit(1)
    ) or user_by_email(session, Platform.WEOKTO, address)
    queue_mail(
        session,
        "staff_alert",
        platform=Platform.WEOKTO,
        to_email=owner.email if owner else address,
        locale=owner.locale if owner else "fr",
        key=f"staff_alert:{what}:{key}",
        user_id=owner.id if owner else None,
        context={"what": what, "about": about, **said},
    )
