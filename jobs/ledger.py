"""Jobs and commands of the ledger: its nightly proof, and an affiliate's statement."""

from dataclasses import fields
from datetime import UTC, datetime

import click

from jobs.queue import job
from models import clock
from models.affiliation.prove_ledger import prove_ledger, raise_alarm, statement_at
from models.errors import DomainError
from models.ledger import Report
from models.oversight import SYSTEM
from models.session import unit_of_work


@job("ledger-verify", queue="default", timeout=3600)
def verify() -> dict[str, int | str]:
    """Prove the ledger; the owner is told of the first difference."""
    report = _prove()
    counts: dict[str, int | str] = {
        "transfers": report.transfers,
        "entries": report.entries,
        "affiliates": report.affiliates,
        "head": report.head,
        "differences": 0 if report.ok else 1,
    }
    return counts if report.difference is None else {**counts, "difference": report.difference}


def verify_in_words() -> int:
    """Prove the ledger and print what was found; answers the exit status."""
    report = _prove()
    click.echo(
        f"{report.transfers} transfers, {report.entries} entries, {report.affiliates} affiliates"
    )
    click.echo(f"head {report.head}")
    if report.difference is None:
        click.echo("The ledger holds.")
        return 0
    click.echo(f"First difference: {report.difference}", err=True)
    return 1


def statement_in_words(affiliate: str, *, at: str | None) -> int:
    """Print an affiliate's balances, now or at an instant; answers the exit status."""
    try:
        instant = _instant(at) if at else clock.now()
        with unit_of_work() as session:
            balances = statement_at(session, affiliate, instant)
    except (DomainError, ValueError) as refusal:
        click.echo(str(refusal), err=True)
        return 2
    click.echo(f"{affiliate} at {instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
    for each in fields(balances):
        click.echo(f"{each.name.replace('_', ' '):<12}{_euros(getattr(balances, each.name)):>14}")
    click.echo(f"{'debt':<12}{_euros(balances.debt):>14}")
    return 0


def _prove() -> Report:
    with unit_of_work() as session:
        report = prove_ledger(session)
        raise_alarm(session, report, actor=SYSTEM)
    return report


def _instant(at: str) -> datetime:
    """An instant as typed: a date is that day's end in Paris, without an offset Paris's clock."""
    instant = datetime.fromisoformat(at)
    if len(at) == len("2026-01-31"):
        instant = instant.replace(hour=23, minute=59, second=59, microsecond=999_999)
    return instant if instant.tzinfo else instant.replace(tzinfo=clock.PARIS)


def _euros(cents: int) -> str:
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d} €"
