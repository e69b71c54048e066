"""JSON endpoints: what they take and answer as pydantic models, described as OpenAPI 3.1.

    class Ask(Body):
        email: EmailStr

    @pages.post("/api/…")
    @endpoint(answers=Sent, refuses=(429,))
    def send(json: Ask) -> Sent: ...

``json`` and ``query`` parameters are parsed from the request and checked before the view
runs; the description is at ``/api/openapi.json``. Refusals are DomainErrors, answered as
``{"error": {"code", "message"}}`` by ``public.errors`` like everywhere.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, ConfigDict, ValidationError
from spectree import Response, SpecTree

from models.errors import N_, BadInput, DomainError
from public.forms import csrf

pages = Blueprint("json_api", __name__)

View = Callable[..., Any]

DESCRIPTION = "openapi"


class Body(BaseModel):
    """What an endpoint takes, in its body or its query: known fields only, bounded texts."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, str_max_length=2000)


class Answer(BaseModel):
    """What an endpoint answers."""

    model_config = ConfigDict(extra="forbid")


class Refusal(Answer):
    """Why not: a stable code for programs, words for people, the field where one is to blame,
    and where to go instead."""

    code: str
    message: str
    field: str | None = None
    url: str | None = None


class ErrorAnswer(Answer):
    """Every refusal's shape."""

    error: Refusal


class NotJson(DomainError):
    status = 400
    code = "not_json"
    message = N_("The body is not valid JSON.")


class NotJsonType(DomainError):
    status = 415
    code = "not_json_type"
    message = N_("Send the body as application/json.")


class NotAnObject(BadInput):
    code = "not_an_object"
    message = N_("The body must be a JSON object.")


class FieldMissing(BadInput):
    code = "field_missing"
    message = N_("“%(name)s” is missing.")


class FieldUnknown(BadInput):
    code = "field_unknown"
    message = N_("“%(name)s” is not known here.")


class FieldTooLong(BadInput):
    code = "field_too_long"
    message = N_("“%(name)s” is too long: at most %(most)s characters.")


class FieldInvalid(BadInput):
    code = "field_invalid"
    message = N_("“%(name)s” is not valid.")


def _refuse(_request: Any, _answer: Any, error: Any, _instance: Any, _adapter: Any) -> None:
    if isinstance(error, ValidationError):
        raise in_our_words(error)


_api = SpecTree(
    "flask",
    mode="strict",
    path="api-description",  # its own routes are not registered; ours is below
    title="WEOKTO & STAM",
    version="1",
    before=_refuse,
    validation_error_model=ErrorAnswer,
    naming_strategy=lambda model: model.__name__,
    nested_naming_strategy=lambda _parent, child: child,
)


def endpoint(
    *,
    answers: type[Answer],
    status: int = 200,
    refuses: tuple[int, ...] = (),
    tag: str = "site",
    any_origin: bool = False,
) -> Callable[[View], View]:
    """Make a view a described JSON endpoint.

    ``answers`` is returned as a model; ``refuses`` lists its own refusals' statuses beside
    those every endpoint has (400, 403, 413, 415, 422, 429). ``any_origin`` is for what
    pages of other sites may post: such an endpoint must not act on a cookie.
    """
    described: dict[str, Any] = {
        f"HTTP_{code}": ErrorAnswer for code in (400, 403, 413, 415, 422, 429, *refuses)
    }
    described[f"HTTP_{status}"] = answers

    def decorate(view: View) -> View:
        takes_body = "json" in view.__annotations__
        checked = _api.validate(resp=Response(**described), tags=[tag], operation_id=view.__name__)(
            view
        )

        @wraps(checked)
        def answer(*args: Any, **kwargs: Any) -> ResponseReturnValue:
            if takes_body:
                _check_body()
            result: ResponseReturnValue = checked(*args, **kwargs)
            return result

        answer.any_origin = any_origin  # type: ignore[attr-defined]
        csrf.exempt(answer)
        return answer

    return decorate


@pages.get("/api/openapi.json")
def openapi() -> ResponseReturnValue:
    """The description of every JSON endpoint, for people and for the tests that attack it."""
    kept = current_app.extensions
    if DESCRIPTION not in kept:
        vars(_api).pop("_spec", None)  # the library keeps the first application's for all
        kept[DESCRIPTION] = _api.spec
    return jsonify(kept[DESCRIPTION])


def in_our_words(error: ValidationError) -> BadInput:
    """The first thing wrong with a body, as a refusal that names the field."""
    first = error.errors(include_url=False, include_context=True)[0]
    name = ".".join(str(part) for part in first["loc"])[:60]
    match first["type"]:
        case "missing":
            return FieldMissing(field=name, name=name)
        case "extra_forbidden":
            return FieldUnknown(field=name, name=name)
        case "string_too_long":
            return FieldTooLong(field=name, name=name, most=first["ctx"]["max_length"])
    return FieldInvalid(field=name, name=name)


def _check_body() -> None:
    if not request.is_json:
        raise NotJsonType
    body = request.get_json(silent=True)
    if body is None and request.get_data().strip() != b"null":
        raise NotJson
    if not isinstance(body, dict):
        raise NotAnObject
