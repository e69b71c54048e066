"""The machine's own Chromium: Playwright's are not fetched."""

import shutil
from typing import Any

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class NoChromium(Exception):
    """The browser tests have nothing to drive."""


def launch_arguments() -> dict[str, Any]:
    """What Playwright needs to start it. Raises NoChromium, saying how to get it."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise NoChromium(
            f"The browser tests need Chromium: none of {', '.join(NAMES)} is on the PATH. "
            "On Debian: apt-get install chromium"
        )
    return {"executable_path": found, "args": list(FLAGS)}
