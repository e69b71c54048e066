"""The demo at the first start: loaded whole, or not at all.

It takes a while, and a Ctrl-C in the middle must not leave half a business that looks
whole. So it is played in a draft database, which takes the real one's place when it is done.
"""

import os
import subprocess
import sys
from pathlib import Path

import click
from sqlalchemy import select

from jobs.worker import addresses
from models.accounts import User
from models.embedded import Running
from models.embedded.postgresql import DATABASE
from models.session import dispose, unit_of_work
from models.settings import Settings

DRAFT = f"{DATABASE}_demo"


def load_where_nobody_is(settings: Settings, root: Path, *, draft: Running | None) -> None:
    """Load the demo into a database without people; one with people is left alone.

    ``draft`` are the embedded servers; a database of someone else's is filled in place.
    A failure is told and leaves the database empty, so that the house starts without it.
    In production there is no demo, whatever was asked for.
    """
    if not _nobody_yet():
        return
    if settings.is_production:
        click.echo("The demo is not loaded with ENV=production: its business is invented.")
        return
    click.echo("First start: loading the demo, which takes a minute or two.")
    if draft is None:
        _told(_play(settings, root))
        return
    dispose()
    draft.draft_database(DRAFT, of=DATABASE)
    there = {
        "database_url": draft.staff_url(DRAFT),
        "database_member_url": draft.member_url(DRAFT),
        "database_owner_url": draft.owner_url(DRAFT),
    }
    if _told(_play(settings.model_copy(update=there), root)):
        draft.replace_database(DATABASE, by=DRAFT)


def _nobody_yet() -> bool:
    with unit_of_work() as session:
        return session.scalar(select(User.id).limit(1)) is None


def _play(settings: Settings, root: Path) -> bool:
    """Run the demo as its own process, because it moves the clock; spare its routine lines."""
    quiet = "DEBUG" if settings.log_level == "DEBUG" else "WARNING"
    done = subprocess.run(
        [sys.executable, str(root / "app.py"), "demo"],
        cwd=root,
        env={**os.environ, **addresses(settings), "LOG_LEVEL": quiet},
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode == 0


def _told(loaded: bool) -> bool:
    if not loaded:
        click.echo("The demo did not load; the house starts without it.", err=True)
    return loaded
