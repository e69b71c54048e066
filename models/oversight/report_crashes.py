"""Reporting crashes to Sentry, where ``SENTRY_DSN`` names one: what is logged as an error, cleaned.

A report holds the log's line, its request and job, and the stack with our own source; no
local variables, no request, nothing of who asked.
"""

import logging
import warnings
from typing import Any

import structlog

from models.oversight.logs import clean
from models.settings import Settings


def start_reporting(settings: Settings) -> None:
    """Report this process's errors from now on, the last ones when it ends.

    Only what is named here is switched on: by itself the library would also send what pages
    were asked for, and add headers of its own to our calls of other services.
    """
    if not settings.sentry_dsn:
        return
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="\nEventlet is deprecated")
        import sentry_sdk
        from sentry_sdk.integrations.atexit import AtexitIntegration
        from sentry_sdk.integrations.dedupe import DedupeIntegration
        from sentry_sdk.integrations.excepthook import ExcepthookIntegration
        from sentry_sdk.integrations.logging import LoggingIntegration

        sentry_sdk.init(
            dsn=settings.sentry_dsn,
            environment=settings.env,
            default_integrations=False,
            auto_enabling_integrations=False,
            integrations=[
                AtexitIntegration(callback=_say_nothing),
                DedupeIntegration(),
                ExcepthookIntegration(),
                LoggingIntegration(level=None, event_level=logging.ERROR, sentry_logs_level=None),
            ],
            send_default_pii=False,
            include_local_variables=False,
            max_breadcrumbs=0,
            max_request_body_size="never",
            auto_session_tracking=False,
            send_client_reports=False,
            before_send=_cleaned,
        )


def _cleaned(event: Any, _hint: dict[str, Any]) -> Any:
    """An event as it may leave; one that cannot be cleaned does not."""
    tags = {**event.get("tags", {}), **structlog.contextvars.get_contextvars()}
    told = clean(None, "error", {**event, "tags": tags})
    return {**told, "event_id": event["event_id"]}


def _say_nothing(_pending: int, _timeout: float) -> None:
    """While the last reports leave, nobody at a terminal is told about it."""
