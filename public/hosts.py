"""Hosts: which platform a request came to, and which pages exist there."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import Flask, Response, abort, g, request

from models.accounts import Platform
from models.settings import current_settings
from public.brand import platform_of

View = TypeVar("View", bound=Callable[..., Any])


def install(app: Flask) -> None:
    """Decide the platform before anything else looks at a request."""
    app.before_request(decide_platform)


def decide_platform() -> Response | None:
    """Set ``g.platform`` from the exact host name; a host of neither site gets a bare 404."""
    platform = platform_of(request.host, current_settings())
    if platform is None:
        return Response(status=404)
    g.platform = platform
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
