"""The limit that pages are measured against: Flask's hello on the very server that ours use."""

import sys
import warnings

warnings.filterwarnings("ignore", message="\nEventlet is deprecated")

import eventlet  # noqa: E402 - it patches what the other imports import

eventlet.monkey_patch()

from flask import Flask  # noqa: E402

from public.serving import serve  # noqa: E402

app = Flask(__name__)


@app.get("/")
def hello() -> str:
    return "Hello, World!"


if __name__ == "__main__":
    serve(app, port=int(sys.argv[1]))
