"""Headers that keep browsers strict: content policy with nonces, no framing, no sniffing.

A page that needs one more source says so with ``allow("frame-src", origin)`` while it is
made; the next page starts strict again. A nonce is sent where a template asked for one only,
so that pages kept in a cache never repeat one.
"""

from secrets import token_urlsafe
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, request

from models.settings import current_settings

STRICT = {
    "default-src": "'self'",
    "script-src": "'self' {nonce}",
    "style-src": "'self' {nonce}",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "frame-src": "'none'",
    "frame-ancestors": "'none'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "object-src": "'none'",
}
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), browsing-topics=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def install(app: Flask) -> None:
    """Send the headers with every answer; templates get ``csp_nonce()``."""
    app.after_request(_add)
    app.jinja_env.globals["csp_nonce"] = csp_nonce


def csp_nonce() -> str:
    """The one-time word that lets this answer's own inline scripts and styles run."""
    if "csp_nonce" not in g:
        g.csp_nonce = token_urlsafe(16)
    return str(g.csp_nonce)


def allow(directive: str, source: str) -> None:
    """Let this answer use one more source; ``'none'`` gives way to it."""
    g.setdefault("csp_sources", {}).setdefault(directive, []).append(source)


def allow_vault() -> None:
    """Let this answer show the vault's card form in a frame."""
    parts = urlsplit(current_settings().vault_url)
    allow("frame-src", f"{parts.scheme}://{parts.netloc}")


def _policy() -> str:
    nonce = f"'nonce-{g.csp_nonce}'" if "csp_nonce" in g else ""
    extra = g.get("csp_sources", {})
    parts = []
    for directive, strict in STRICT.items():
        more = " ".join(extra.get(directive, ()))
        base = "" if more and strict == "'none'" else strict.format(nonce=nonce)
        parts.append(" ".join([directive, *base.split(), *more.split()]))
    return "; ".join(parts)


def _add(response: Response) -> Response:
    for name, value in ALWAYS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Content-Security-Policy", _policy())
    if request.is_secure and current_app.extensions["settings"].is_production:
        response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return response
