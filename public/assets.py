"""Our own style sheets, scripts and images: addressed by content, kept by browsers for a year."""

import hashlib
from functools import lru_cache
from pathlib import Path

from flask import Flask, Response, current_app, request

from public.rendered import keep_this_answer

FOR_A_YEAR = "public, max-age=31536000, immutable"
FOR_AN_HOUR = "public, max-age=3600"
WORTH_KEEPING = (".css", ".js", ".svg")


def install(app: Flask) -> None:
    """Give templates ``asset("css/base.css")``."""
    app.jinja_env.globals["asset"] = asset
    app.after_request(_let_browsers_keep)


def asset(name: str) -> str:
    """The address of one of our files; it changes when the file does."""
    return f"/static/{name}?v={fingerprint(name)}"


def fingerprint(name: str) -> str:
    """A few letters that tell a file's content; empty for a file that is not there."""
    path = Path(str(current_app.static_folder)) / name
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        return ""
    return _read_once(path, changed)


@lru_cache(maxsize=256)
def _read_once(path: Path, _changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:10]


def _let_browsers_keep(response: Response) -> Response:
    """A file asked for by its content never changes; any other is looked at again soon."""
    if request.endpoint != "static" or response.status_code not in (200, 304):
        return response
    name = (request.view_args or {}).get("filename", "")
    if request.args.get("v") and request.args["v"] == fingerprint(name):
        response.headers["Cache-Control"] = FOR_A_YEAR
        if name.endswith(WORTH_KEEPING):
            keep_this_answer()
    else:
        response.headers["Cache-Control"] = FOR_AN_HOUR
    return response
