"""How often one address may ask; counted in Redis, in this process's memory while it is away."""

import math
import time

from flask import Flask, request
from flask_limiter import Limiter
from redis.backoff import NoBackoff
from redis.retry import Retry

from models.settings import Settings

limiter = Limiter(
    key_func=lambda: request.remote_addr or "nobody",
    default_limits=["100 per 15 minutes"],
    default_limits_exempt_when=lambda: not request.path.startswith("/api/"),
    in_memory_fallback_enabled=True,
)


def seconds_to_wait() -> int:
    """How long until the limit that refused this request lets one more pass."""
    breached = limiter.current_limit
    return max(1, math.ceil(breached.reset_at - time.time())) if breached else 60


def install(app: Flask) -> None:
    """Count in the settings' Redis; JSON endpoints start with 100 per 15 minutes."""
    settings: Settings = app.extensions["settings"]
    where = settings.redis_url or "memory://"
    app.config["RATELIMIT_STORAGE_URI"] = where.replace("unix://", "redis+unix://")
    if settings.redis_url:
        app.config["RATELIMIT_STORAGE_OPTIONS"] = {
            "socket_connect_timeout": 1,
            "socket_timeout": 1,
            "retry": Retry(NoBackoff(), 0),
        }
    limiter.init_app(app)
