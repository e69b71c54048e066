"""``python app.py simulate``: play a scenario, print a short table, write the result."""

import json
import logging
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from jobs.simulation.engine import Progress, simulate
from jobs.simulation.scenario import BadScenario, Scenario, read_scenario
from models.settings import Settings

SECONDS_OF_A_DAY = 86_400


def run(path: Path, settings: Settings, *, until: str | None, out: Path | None, keep: bool) -> int:
    """Play one scenario; answers the exit status: 0 done, 2 for one that cannot be played, or
    whose result could not be written."""
    if out is not None and (out.is_dir() or not out.parent.is_dir()):
        click.echo(f"{out}: no file can be written there", err=True)
        return 2
    logging.disable(logging.INFO)  # thousands of jobs well done are no news here
    try:
        scenario = read_scenario(path, until=until)
        result = _with_bar(scenario, settings, keep=keep)
    except BadScenario as refusal:
        click.echo(f"{path.name}: {refusal}", err=True)
        return 2
    finally:
        logging.disable(logging.NOTSET)
    text = json.dumps(result, ensure_ascii=False, indent=1)
    if out is None:
        click.echo(text)
    else:
        out.write_text(text + "\n", "utf-8")
        _print_table(result)
    return 0


def _with_bar(scenario: Scenario, settings: Settings, *, keep: bool) -> dict[str, Any]:
    """Simulate with a bar that shows the date where somebody watches."""
    if not sys.stderr.isatty():
        return simulate(scenario, settings, keep=keep)
    seconds = int((scenario.until - scenario.start).total_seconds())
    bar: Any = click.progressbar(
        length=max(1, seconds),
        file=sys.stderr,
        item_show_func=lambda at: None if at is None else f"{at:%Y-%m-%d}",
    )
    with bar:
        return simulate(scenario, settings, keep=keep, progress=_moving(bar, scenario.start))


def _moving(bar: Any, start: datetime) -> Progress:
    passed = 0

    def move(at: datetime) -> None:
        nonlocal passed
        now = int((at - start).total_seconds())
        if now - passed >= SECONDS_OF_A_DAY:
            bar.update(now - passed, at)
            passed = now

    return move


def _print_table(result: dict[str, Any]) -> None:
    click.echo(f"{'affiliate':<24}{'earned':>12}{'locked':>12}{'available':>12}{'paid out':>12}")
    for slug, sums in result["affiliates"].items():
        figures = (sums[name] for name in ("earned", "locked", "available", "paid_out"))
        click.echo(f"{slug:<24}" + "".join(f"{_euros(cents):>12}" for cents in figures))
    counts = (f"{len(result[part])} {part}" for part in ("customers", "invoices", "commissions"))
    click.echo(" · ".join([*counts, f"{len(result['refused'])} refused"]))
    verdict = "verified" if result["verify"]["ok"] else "NOT VERIFIED"
    click.echo(f"ledger {verdict}: {result['verify']['transfers']} transfers")


def _euros(cents: int) -> str:
    sign, whole = ("-" if cents < 0 else ""), abs(cents)
    return f"{sign}{whole // 100}.{whole % 100:02d} €"
