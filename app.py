"""The application and the command line: settings read once, extensions bound, edges installed."""

import sys
import warnings

if sys.argv[1:2] in (["web"], ["realtime"]):  # before any import, or they would hang silently
    warnings.filterwarnings("ignore", message="\nEventlet is deprecated")
    import eventlet

    eventlet.monkey_patch()

import importlib
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from models.embedded import CannotStart, settings_with
from models.errors import DomainError
from models.oversight.keep_logs import start_keeping
from models.oversight.logs import configure_logging
from models.oversight.report_crashes import start_reporting
from models.settings import BadSettings, Settings, load_settings, use_settings

HERE = Path(__file__).resolve().parent
EDGES = ("public", "admin_views", "realtime", "jobs")  # loaded by those processes that serve them
REALTIME_OFFSET = 1
LARGEST_REQUEST = 4 * 1024 * 1024


def create_app(settings: Settings) -> Flask:
    """The Flask application of pages and consoles. Runs no query."""
    use_settings(settings)
    app = Flask(
        "weokto", root_path=str(HERE), template_folder="templates", static_folder="public/static"
    )
    app.config.update(
        SECRET_KEY=settings.secret_key,
        TESTING=settings.env == "test",
        MAX_CONTENT_LENGTH=LARGEST_REQUEST,
        SESSION_COOKIE_SECURE=settings.is_production,
        SESSION_COOKIE_SAMESITE="Lax",
        REALTIME_PORT=settings.port + REALTIME_OFFSET,
    )
    app.extensions["settings"] = settings
    if settings.is_production:  # one proxy stands in front and says who really asks
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    for edge in EDGES:
        later(edge).install(app)
    return app


def prepared(*, embedded: bool = True) -> Settings:
    """This process's settings with logging set up; servers are started where none is named."""
    settings = load_settings()
    if embedded and not settings.is_production:
        settings = settings_with(settings)
    use_settings(settings)
    configure_logging(settings)
    start_keeping()
    start_reporting(settings)
    return settings


def later(module: str) -> Any:
    """Import what only one command needs."""
    return importlib.import_module(module)


@click.group(help=__doc__)
def commands() -> None:
    """Every command reads the environment and .env; .env.example explains the settings."""


@commands.command()
@click.option("--demo/--no-demo", default=True, help="Load the demo into an empty database.")
def run(demo: bool) -> None:
    """Start everything on this machine: servers, web, realtime, worker, scheduler, sandbox."""
    sys.exit(later("jobs.house").run(prepared(embedded=False), HERE, demo=demo))


@commands.command()
@click.option("--host", default=None, help="Address to listen on; this machine only by default.")
def web(host: str | None) -> None:
    """Serve pages and consoles on PORT."""
    settings = prepared()
    serve = later("public.serving").serve
    serve(create_app(settings), port=settings.port, host=host)


@commands.command("realtime")
@click.option("--host", default=None, help="Address to listen on; this machine only by default.")
def realtime_command(host: str | None) -> None:
    """Serve Socket.IO on PORT + 1."""
    settings = prepared()
    server = later("realtime.server").create_realtime(settings)
    later("public.serving").serve(
        server.app,
        port=settings.port + REALTIME_OFFSET,
        host=host,
        while_stopping=server.send_away,
    )


@commands.command()
def sandbox() -> None:
    """Serve the stand-ins of the vault, the payment provider and the mail box on PORT + 10."""
    prepared()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        later("public.sandbox.serve").serve_sandbox()


@commands.command()
@click.option("--processes", default=1, show_default=True, help="How many work side by side.")
@click.option("--alone", is_flag=True, help="Work in this process, without a supervisor.")
def worker(processes: int, alone: bool) -> None:
    """Run queued jobs: money, outbox, mail, default, in that order."""
    settings = prepared()
    module = later("jobs.worker")
    sys.exit(module.work(settings) if alone else module.supervise(settings, HERE, processes))


@commands.command()
def scheduler() -> None:
    """Queue scheduled jobs when they fall due; any number may run."""
    later("jobs.clockwork").tick(prepared())


@commands.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    later("models.migrations.run").upgrade(prepared().database_owner_url)
    click.echo("The database has the newest schema.")


@commands.command("check-pages")
def check_pages() -> None:
    """Render every landing page; an unknown button key fails."""
    sys.exit(later("public.check_pages").check_pages(create_app(prepared())))


@commands.command()
def demo() -> None:
    """Load six months of living business into an empty database."""
    prepared()
    later("jobs.simulation.demo").load_demo()


@commands.command()
@click.argument("scenario", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--until", default=None, help="Stop at this instant rather than at the scenario's.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the result here as JSON.")
@click.option("--keep", is_flag=True, help="Keep the scratch database.")
def simulate(scenario: Path, until: str | None, out: Path | None, keep: bool) -> None:
    """Run a scenario of business in fast motion, in a database of its own."""
    command = later("jobs.simulation.command")
    sys.exit(command.run(scenario, prepared(), until=until, out=out, keep=keep))


@commands.group()
def ledger() -> None:
    """Prove the ledger, or read one account."""


@ledger.command()
def verify() -> None:
    """Prove every posting; exits 1 and names the row at the first difference."""
    prepared()
    sys.exit(later("jobs.ledger").verify_in_words())


@ledger.command()
@click.option("--affiliate", required=True, help="Whose: the affiliate's slug.")
@click.option("--at", default=None, help="As it stood at this instant.")
def statement(affiliate: str, at: str | None) -> None:
    """Print an affiliate's statement."""
    prepared()
    sys.exit(later("jobs.ledger").statement_in_words(affiliate, at=at))


def main() -> None:
    """Run a command; a wrong setting, a server that is away, a refusal: one line and exit 2."""
    try:
        commands()
    except (BadSettings, CannotStart, DomainError) as refusal:
        click.echo(f"Cannot start: {refusal}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
