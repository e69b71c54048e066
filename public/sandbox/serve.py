"""Runs the sandbox on its own port, a thread per call, until it is told to stop."""

import logging
import signal
from contextlib import suppress

from werkzeug.serving import WSGIRequestHandler, make_server

from models.settings import current_settings
from public.sandbox import create_sandbox
from public.sandbox.state import EXTENSION

log = logging.getLogger(__name__)


class QuietHandler(WSGIRequestHandler):
    """Writes no access log: the vault's addresses carry secrets."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return


def serve_sandbox(host: str = "127.0.0.1") -> None:
    """Answer until SIGTERM or SIGINT, then give up waiting webhooks and close the file.

    Werkzeug's server is used because it lets a fault cut a connection without an answer.
    """
    settings = current_settings()
    app = create_sandbox(settings)
    server = make_server(
        host, settings.sandbox_port, app, threaded=True, request_handler=QuietHandler
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    log.info("serving", extra={"port": settings.sandbox_port})
    try:
        with suppress(KeyboardInterrupt):
            server.serve_forever()
    finally:
        app.extensions[EXTENSION].close()
        server.server_close()
