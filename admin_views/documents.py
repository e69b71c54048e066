"""Documents that a record's page lets one download, made when they are asked for."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Response, abort, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext
from markupsafe import Markup
from sqlalchemy.orm import Session

from admin_views.reading import reading
from admin_views.records import Panel
from admin_views.writing import in_words
from models.errors import N_, DomainError

LANGUAGES = {"fr": "Français", "en": "English"}
PDF = "application/pdf"


class DocumentMixin:
    """Options: ``document`` makes the file of a record in a language; ``document_name`` is the
    column that its file is called after."""

    document: Callable[[Session, UUID, str], bytes]
    document_name = "number"

    @expose("/document/")
    def document_view(self: Any) -> ResponseReturnValue:
        """A record's document as a file; 404 where there is none, in words where it fails."""
        key = self.key_of(request.args.get("id", ""))
        locale = request.args.get("lang", "fr")
        if locale not in LANGUAGES:
            abort(404)
        row = self.record(key)
        try:
            made = type(self).document(reading(), key, locale)
        except DomainError as refusal:
            return in_words(refusal), refusal.status, {"Content-Type": "text/plain; charset=utf-8"}
        return file_of(made, f"{row[self.document_name]}.pdf", PDF)

    def document_panel(self: Any, key: Any) -> Panel:
        """The panel with its links, one a language."""
        links = [
            Markup('<a href="{}">{}</a>').format(
                self.address_of("document_view", id=str(key), lang=locale), name
            )
            for locale, name in LANGUAGES.items()
        ]
        return Panel(N_("Document"), [N_("Language")], [[link] for link in links])


def file_of(made: bytes, name: str, kind: str) -> Response:
    """A file to be saved under a name."""
    answer = Response(made, content_type=kind)
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def download(words: str, address: str) -> Markup:
    """A link in a panel that saves a file."""
    return Markup('<a href="{}">{}</a>').format(address, gettext(words))
