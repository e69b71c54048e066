"""A sandbox that answers over real HTTP in this process, and a shop that hears its webhooks."""

import json
import threading
import time
from contextlib import contextmanager

from flask import Flask, request
from werkzeug.serving import make_server

from models.settings import Settings
from public.sandbox import create_sandbox
from public.sandbox.serve import QuietHandler
from public.sandbox.state import EXTENSION

PATIENCE = 2
"""Seconds that a client waits for the sandbox: more than it ever takes beside other tests."""
SILENCE = PATIENCE + 0.3
"""Seconds that the sandbox says nothing where it is told to."""


@contextmanager
def serving(app):
    """Serve a WSGI app on a free port of this machine; gives its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=QuietHandler)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Shop:
    """Hears webhooks. ``statuses`` are answered first, in turn; then always 200."""

    def __init__(self):
        self.url = ""
        self.heard = []
        self.statuses = []
        self._arrived = threading.Condition()

    def app(self):
        app = Flask(__name__)

        @app.post("/<path:where>")
        def hear(where):
            with self._arrived:
                self.heard.append((where, dict(request.headers), request.get_data()))
                status = self.statuses.pop(0) if self.statuses else 200
                self._arrived.notify_all()
            return "", status

        return app

    def wait_for(self, count, seconds=10):
        """The first ``count`` webhooks, once they have come."""
        with self._arrived:
            self._arrived.wait_for(lambda: len(self.heard) >= count, seconds)
            return list(self.heard)

    def events(self, count, seconds=10):
        return [json.loads(body) for _, _, body in self.wait_for(count, seconds)]

    def stays_at(self, count, seconds=0.2):
        """Whether no more webhooks than these come within a little while."""
        time.sleep(seconds)
        return len(self.heard) == count


class RunningSandbox:
    """A sandbox's address, its inside, and settings under which our clients talk to it."""

    def __init__(self, url, app, shop, settings):
        self.url = url
        self.app = app
        self.shop = shop
        self.inside = app.extensions[EXTENSION]
        self.settings = settings.model_copy(
            update={
                "pcivault_base_url": f"{url}/vault/v1",
                "psp_base_url": f"{url}/psp",
                "resend_base_url": f"{url}/resend",
                "resend_api_key": "re_sandbox",
            }
        )


@contextmanager
def running_sandbox(data_dir, *, silence_seconds=SILENCE, **changes):
    """Run a sandbox with a file of its own; ``changes`` go to the settings."""
    shop = Shop()
    settings = Settings(
        _env_file=None,
        env="test",
        data_dir=str(data_dir),
        **{"psp_timeout_seconds": PATIENCE, **changes},
    )
    with serving(shop.app()) as shop.url:
        app = create_sandbox(
            settings,
            psp_webhook_url=f"{shop.url}/api/payments/psp/webhook",
            silence_seconds=silence_seconds,
            backoff=(0.0, 0.05, 0.05, 0.05),
        )
        with serving(app) as url:
            running = RunningSandbox(url, app, shop, settings)
            yield running
            running.inside.close()
