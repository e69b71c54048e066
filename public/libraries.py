"""Front-end libraries: served from where npm installed them, and only the files named here."""

from pathlib import Path

from flask import Blueprint, abort, current_app, send_from_directory
from flask.typing import ResponseReturnValue

A_DAY = 24 * 3600
FILES = {
    "chart.js": "chart.js/dist/chart.umd.min.js",
    "socket.io.js": "socket.io-client/dist/socket.io.min.js",
}
pages = Blueprint("libraries", __name__)


@pages.get("/libraries/<name>")
def library(name: str) -> ResponseReturnValue:
    """One library's file; an unknown name is 404."""
    if name not in FILES:
        abort(404)
    folder = Path(current_app.root_path) / "node_modules"
    return send_from_directory(folder, FILES[name], max_age=A_DAY)
