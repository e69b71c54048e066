"""Stand-ins for the outside services, speaking their APIs over HTTP on a port of their own.

The vault under ``/vault/v1``, the PSP under ``/psp``, the mailer under ``/resend``; plus
pages for people: the card form, the bank, the outbox. It is never made in production.
"""

from pathlib import Path
from typing import Any

from flask import Flask, request
from flask_babel import Babel

from models.settings import Settings, current_settings
from public.sandbox.bank import bank
from public.sandbox.card_form import card_form
from public.sandbox.front_desk import front_desk
from public.sandbox.outbox import outbox
from public.sandbox.psp import psp
from public.sandbox.psp_intents import psp_intents
from public.sandbox.psp_refunds import psp_refunds
from public.sandbox.state import EXTENSION, Sandbox
from public.sandbox.vault import vault
from public.sandbox.vault_proxy import vault_proxy
from public.sandbox.vault_rules import vault_rules

ROOT = Path(__file__).parents[2]
LANGUAGES = ("fr", "en")


class SandboxInProduction(RuntimeError):
    """Somebody tried to start the sandbox where real money moves."""


def create_sandbox(settings: Settings | None = None, **options: Any) -> Flask:
    """The sandbox as a WSGI application. Raises SandboxInProduction.

    ``options`` go to ``Sandbox``: where the PSP's webhooks are sent (by default our web
    process on this machine), how long a silent answer lasts, and the waits between tries.
    """
    settings = settings or current_settings()
    if settings.is_production:
        raise SandboxInProduction("the sandbox is never started with ENV=production")
    options.setdefault(
        "psp_webhook_url", f"http://127.0.0.1:{settings.port}/api/payments/psp/webhook"
    )
    app = Flask(__name__, template_folder=str(ROOT / "templates"), static_folder="static")
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(ROOT / "content" / "translations")
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions[EXTENSION] = Sandbox(settings, **options)
    Babel(app, locale_selector=readers_language)
    for blueprint in (vault, card_form, vault_proxy, vault_rules):
        app.register_blueprint(blueprint, url_prefix="/vault/v1")
    for blueprint in (psp, psp_intents, psp_refunds):
        app.register_blueprint(blueprint, url_prefix="/psp")
    for blueprint in (bank, outbox, front_desk):
        app.register_blueprint(blueprint)
    app.context_processor(lambda: {"reader": readers_language()})
    return app


def readers_language() -> str:
    """French unless the browser would rather have English."""
    return request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]
