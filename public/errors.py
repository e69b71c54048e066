"""How a refusal, a wrong address or a crash is told: a page in words, or JSON with a code."""

import logging
from http import HTTPStatus
from typing import Any

from flask import Flask, g, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.exceptions import HTTPException

from models.errors import N_, BadInput, DomainError
from public.limits import seconds_to_wait

log = logging.getLogger(__name__)

WORDS = {
    400: N_("The request could not be understood. Go back, reload the page and try again."),
    401: N_("Sign in first."),
    403: N_("You are not allowed to do this."),
    404: N_("There is nothing at this address."),
    405: N_("This address does not take that kind of request."),
    409: N_("This cannot be done."),
    410: N_("This has expired."),
    413: N_("What was sent is too large."),
    415: N_("This kind of content is not understood here."),
    422: N_("What was entered is not valid."),
    429: N_("Too many attempts. Wait a little and try again."),
    500: N_("Something broke on our side. It has been noted; try again in a moment."),
    503: N_("The site is being looked after. Try again in a moment."),
}


def install(app: Flask) -> None:
    """Answer every kind of error in one way."""
    app.register_error_handler(DomainError, tell_refusal)
    app.register_error_handler(HTTPException, tell_http)
    app.register_error_handler(Exception, tell_crash)


def wants_json() -> bool:
    """Whether the asker is a program: a JSON endpoint, or one that takes JSON before HTML."""
    if request.path.startswith("/api/") or request.is_json:
        return True
    best = request.accept_mimetypes.best_match(["text/html", "application/json"], "text/html")
    return best == "application/json"


def in_words(error: DomainError) -> str:
    """A refusal's message in the reader's language."""
    text = _(error.template)
    return text % error.params if error.params else text


def tell_refusal(error: DomainError) -> ResponseReturnValue:
    """The business says no: its own status, its stable code, its words."""
    field = error.field if isinstance(error, BadInput) else None
    extra = {"field": field} if field else {}
    if url := getattr(error, "url", None):  # where to go instead
        extra["url"] = url
    answer = _answer(error.status, error.code, in_words(error), extra)
    if error.status == 429:
        answer[2]["Retry-After"] = str(int(error.params.get("minutes", 1)) * 60)
    return answer


def tell_http(error: HTTPException) -> ResponseReturnValue:
    """A wrong address, method, form or pace; a redirect passes as it is."""
    if error.response is not None or (error.code or 500) < 400:
        return error.get_response()
    status = error.code or 500
    code = HTTPStatus(status).phrase.lower().replace(" ", "_").replace("'", "")
    words = WORDS.get(status) or WORDS[500 if status >= 500 else 400]
    answer = _answer(status, code, _(words), {}, own_words=False)
    kept = ("Allow", "Retry-After", "WWW-Authenticate")
    if status == 429:
        answer[2]["Retry-After"] = str(seconds_to_wait())
    answer[2].update({k: v for k, v in error.get_headers() if k in kept})
    return answer


def tell_crash(error: Exception) -> ResponseReturnValue:
    """A defect of ours: logged whole, told in general words with the id to quote."""
    log.error("request crashed", exc_info=error)
    return _answer(500, "internal_error", _(WORDS[500]), {}, own_words=False)


def _answer(
    status: int, code: str, message: str, extra: dict[str, Any], *, own_words: bool = True
) -> tuple[Any, int, dict[str, str]]:
    if wants_json():
        return jsonify(error={"code": code, "message": message, **extra}), status, {}
    page = render_template(
        [f"public/errors/{status}.html", "public/errors/page.html"],
        status=status,
        message=message,
        own_words=own_words,
        request_id=g.get("request_id"),
    )
    return page, status, {}
