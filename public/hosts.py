"""Hosts: which platform a request came to, and which pages exist there."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import Flask, Response, abort, g, request

from models.accounts import Platform
from models.settings import current_settings
from public.brand import platform_of

FOR_MACHINES = frozenset({"health.healthz", "health.readyz", "health.metrics"})
"""What a balancer, a start or Prometheus asks for by number, whatever the sites are called."""

View = TypeVar("View", bound=Callable[..., Any])


def install(app: Flask) -> None:
    """Decide the platform before anything else looks at a request."""
    app.before_request(decide_platform)


def decide_platform() -> Response | None:
    """Set ``g.platform`` from the exact host name; a host of neither site gets a bare 404.

    The pages about the machine answer under every name, and are then of no platform.
    """
    platform = platform_of(request.host, current_settings())
    if platform is not None:
        g.platform = platform
    elif request.endpoint not in FOR_MACHINES:
        return Response(status=404)
    return None


def platform_here() -> Platform:
    """The platform this request came to."""
    return Platform(g.platform)


def only(platform: Platform) -> Callable[[View], View]:
    """A page that exists on one platform; on the other there is nothing at its address."""

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(*args: Any, **kwargs: Any) -> Any:
            if platform_here() is not platform:
                abort(404)
            return view(*args, **kwargs)

        return answer  # type: ignore[return-value]

    return decorate
