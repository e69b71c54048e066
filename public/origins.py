"""Where a JSON post comes from: browsers must come from the same site, machines prove themselves.

Forms carry a token (``public.forms``). JSON posts carry none: a browser always says which
site a post comes from, and JSON cannot be sent across sites without asking first.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, current_app, request

from models.errors import N_, NotAllowed
from public.forms import csrf

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
View = TypeVar("View", bound=Callable[..., Any])


class ForeignOrigin(NotAllowed):
    code = "foreign_origin"
    message = N_("This request does not come from our site.")


def install(app: Flask) -> None:
    """Check the origin of every unsafe request to a JSON endpoint."""
    app.before_request(check)


def called_by_machines(view: View) -> View:
    """Mark an endpoint that providers call: no token, no origin, its body kept raw.

    Such an endpoint reads no cookie and proves the caller itself (a shared secret, a signature).
    """
    view.called_by_machines = True  # type: ignore[attr-defined]
    csrf.exempt(view)
    return view


def check() -> None:
    """Raises ForeignOrigin for a JSON post that a browser sent from another site."""
    if request.method in SAFE_METHODS or not request.path.startswith("/api/"):
        return
    view: Any = current_app.view_functions.get(request.endpoint or "")
    if getattr(view, "called_by_machines", False) or getattr(view, "any_origin", False):
        return
    if not came_from_here():
        raise ForeignOrigin


def came_from_here() -> bool:
    """Whether the browser says that this site's own page sent the request.

    A caller that says nothing is no browser, and has no cookie of somebody else to abuse.
    """
    origin = request.headers.get("Origin")
    if origin is not None:
        return origin == f"{request.scheme}://{request.host}"
    return request.headers.get("Sec-Fetch-Site", "none") in {"same-origin", "none"}
