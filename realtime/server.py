"""The Socket.IO process: it holds the sockets; the others only publish to it through Redis."""

import random
import time
from dataclasses import dataclass

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue
from flask_socketio import SocketIO
from socketio import RedisManager
from socketio.exceptions import ConnectionRefusedError

from models.settings import Settings

BATCH = 200
SECONDS_BETWEEN_BATCHES = 0.1


@dataclass(frozen=True)
class Realtime:
    """The application to serve, and the Socket.IO server inside it."""

    app: Flask
    socketio: SocketIO

    def send_away(self) -> None:
        """Close every socket in small jittered batches: clients come back by themselves.

        The connection is closed below Socket.IO, which a client takes for a lost line and
        answers by connecting again; a farewell of Socket.IO's own would keep it away.
        """
        engine = self.socketio.server.eio
        sockets = list(engine.sockets)
        random.shuffle(sockets)
        for start in range(0, len(sockets), BATCH):
            for key in sockets[start : start + BATCH]:
                # Beside one another: a client that never reads would hold up all the others.
                self.socketio.start_background_task(engine.disconnect, key)
            time.sleep(SECONDS_BETWEEN_BATCHES * random.uniform(0.5, 1.5))


def create_realtime(settings: Settings) -> Realtime:
    """The Socket.IO server over the settings' Redis. Nobody but a signed-in member gets in."""
    app = Flask("realtime")
    app.config["SECRET_KEY"] = settings.secret_key
    app.extensions["settings"] = settings
    socketio = SocketIO(
        app,
        async_mode="eventlet",
        client_manager=RedisManager(settings.redis_url),
        cors_allowed_origins=_origins(settings),
        manage_session=False,
    )
    app.add_url_rule("/healthz", view_func=_healthz)
    socketio.on_event("connect", _refuse_strangers)
    return Realtime(app, socketio)


def _healthz() -> ResponseReturnValue:
    """This process answers."""
    return jsonify(ok=True)


def _refuse_strangers() -> None:
    raise ConnectionRefusedError("sign in first")


def _origins(settings: Settings) -> list[str]:
    given = [url.rstrip("/") for url in (settings.public_url_weokto, settings.public_url_stam)]
    hosts = (*settings.weokto_hosts, *settings.stam_hosts)
    return [url for url in given if url] or [f"http://{host}:{settings.port}" for host in hosts]
