"""Logs: one line per fact, JSON or readable, never a card number, secret, token or address.

Whatever goes through structlog or the standard library passes the same cleaning; request
and job ids come along from the context they are bound in.
"""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from models.card_numbers import is_card_number
from models.clean_text import HIDDEN, clean_text
from models.oversight.keep_logs import keep
from models.settings import Settings

SECRET_NAMES = re.compile(
    r"token|secret|password|passphrase|passwd|authorization|cookie|api_?key|otp|card_?number"
    r"|cvc|cvv|encryption_keys|recovery_code",
    re.IGNORECASE,
)


def configure_logging(settings: Settings) -> None:
    """Send every log of this process to standard error in one form. A second call replaces."""
    pretty = settings.log_format == "pretty" or (
        settings.log_format == "auto" and sys.stderr.isatty()
    )
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.format_exc_info,
        clean,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                keep,
                _renderer(pretty),
            ],
        )
    )
    logging.root.handlers = [handler]
    logging.root.setLevel(settings.log_level)
    for chatty in (
        "alembic",
        "urllib3",
        "eventlet.wsgi",
        "rq",
        "rq_scheduler",
        "engineio",
        "socketio",
        "stripe",
        "fontTools",
    ):
        logging.getLogger(chatty).setLevel(max(logging.root.level, logging.WARNING))


def clean(_logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Take out of an event whatever must not be kept; addresses stay readable at DEBUG only."""
    return {
        key: HIDDEN if SECRET_NAMES.search(key) and value else _clean(value, method != "debug")
        for key, value in event.items()
    }


def _clean(value: Any, addresses: bool) -> Any:
    if isinstance(value, str):
        return clean_text(value, addresses=addresses)
    if isinstance(value, bool | float) or value is None:
        return value
    if isinstance(value, int):
        return HIDDEN if is_card_number(str(value)) else value
    if isinstance(value, Mapping):
        return clean(None, "info" if addresses else "debug", dict(value))
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(part, addresses) for part in value]
    return clean_text(str(value), addresses=addresses)


def _renderer(pretty: bool) -> Processor:
    if pretty:
        return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    return structlog.processors.JSONRenderer(ensure_ascii=False)
