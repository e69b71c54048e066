"""Texts that people read: all marked, all in French, and shown in the reader's language."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import nodes
from sqlalchemy import Enum

import models.tables  # noqa: F401 -- so that every table is known
from admin_views.happenings import HAPPENINGS, MAILS, RECORDS
from admin_views.job_names import JOBS
from admin_views.labels import LABELS
from admin_views.registry import MENU
from admin_views.words import STATUSES
from jobs.listeners import LISTENERS
from jobs.schedule import PERIODIC
from models.base import Base
from tests.catalogues import FRENCH, ROOT, catalogue_at, marked_texts

NAMED = re.compile(r"%\((\w+)\)|\{(\w+)\}")
MARKS = {"_", "N_", "gettext", "ngettext", "pgettext", "npgettext", "lazy_gettext", "lazy_ngettext"}
NAMES = re.compile(
    r"\b(?:WEOKTO|STAM|Stam|Community Academy|Academy Premium|TBCB Inner Circle"
    r"|The Best Community Builder|Instagram|YouTube|LinkedIn|PCI Vault|PayPal|Stripe|Resend|UTC"
    r"|SVG|PNG|Français|English|FR|EN|Inès|Malik|Lou|Solène|Yanis|Clara|Théo|Sam|Aïcha)\b"
    r"|^\s*(?:/|weokto |guilds/).*"
)
"""What stays as it is in every language: names, commands and addresses."""

ATTRIBUTES = re.compile(r'[\w-]+="[^"]*"(?:\s+(?:hidden|autofocus))?')
"""What a macro or a condition adds to a tag, left alone once its Jinja is gone."""

LEGAL = ROOT / "content" / "legal"
SENTENCE = re.compile(r"[A-Z][a-z]+ [a-z]")
WORD = re.compile(r"[^\W\d_]{2,}")
ACCENTED = re.compile(r"[àâçéèêëîïôûùüœ«»ÀÉÊ]")
BAD_FRENCH = re.compile(r"(?<=\w)'(?=\w)| [;:!?»€](?=\W|$)|« |\d %")
"""A typewriter's apostrophe, or an ordinary space where a line must not break."""


@pytest.fixture(scope="module")
def french():
    return catalogue_at(FRENCH)


@pytest.fixture(scope="module")
def marked():
    return marked_texts()


def texts_of(catalogue):
    return [message for message in catalogue if message.id]


def forms(text) -> tuple[str, ...]:
    return text if isinstance(text, tuple) else (text,)


def names_in(text: str) -> set[str]:
    return {name for pair in NAMED.findall(text) for name in pair if name}


class TestFrench:
    def test_holds_every_marked_text_and_no_other(self, french, marked):
        keys = {(m.context, m.id) for m in texts_of(french)}
        wanted = {(m.context, m.id) for m in texts_of(marked)}

        assert not wanted - keys, "make texts, then translate what it added"
        assert not keys - wanted, "make texts drops what the code no longer says"

    def test_translates_every_text(self, french):
        bare = [m.id for m in texts_of(french) if not all(forms(m.string or ""))]

        assert not bare

    def test_leaves_no_guess(self, french):
        assert not [m.id for m in texts_of(french) if m.fuzzy]

    def test_keeps_the_placeholders(self, french):
        wrong = []
        for message in texts_of(french):
            *_first, full = [names_in(text) for text in forms(message.id)]
            *fewer, last = [names_in(text) for text in forms(message.string)]
            if last != full or any(not names <= full for names in fewer):
                wrong.append(message.id)
        assert not wrong

    def test_can_be_filled_in(self, french):
        for message in texts_of(french):
            if message.python_format:
                for text in forms(message.string):
                    assert text % defaultdict(int), message.id

    def test_is_set_as_french_is(self, french):
        wrong = [
            text for m in texts_of(french) for text in forms(m.string) if BAD_FRENCH.search(text)
        ]

        assert not wrong

    def test_is_so_in_the_legal_texts_too(self):
        french = [path for path in LEGAL.glob("*.md") if "." not in path.stem]
        wrong = [
            f"{path.name}: {found.group()!r}"
            for path in french
            for found in BAD_FRENCH.finditer(path.read_text(encoding="utf-8"))
        ]

        assert french
        assert not wrong

    def test_calls_a_mail_by_one_name(self, french):
        others = [
            text
            for m in texts_of(french)
            for text in forms(m.string)
            if re.search(r"courriel|\b(?:ce|le|du) e-mail\b", text, re.I)
        ]

        assert not others


class TestEnglish:
    def test_is_english(self, marked):
        assert not [m.id for m in texts_of(marked) if ACCENTED.search("".join(forms(m.id)))]


class Visible(HTMLParser):
    """Collects what a reader would see or hear of a template without its Jinja."""

    silent = {"script", "style", "code", "pre", "kbd", "samp"}
    told = {"alt", "title", "placeholder", "aria-label", "aria-description", "label"}

    def __init__(self) -> None:
        super().__init__()
        self.inside: list[str] = []
        self.found: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag in self.silent:
            self.inside.append(tag)
        self.found += [value or "" for name, value in attrs if name in self.told]

    def handle_endtag(self, tag):
        if tag in self.inside:
            self.inside.remove(tag)

    def handle_data(self, data):
        if not self.inside:
            self.found.append(data)


JINJA = re.compile(
    r"{%-?\s*trans\b.*?endtrans\s*-?%}|{%-? block (?:\w+_class|kind|width) %}[^{]*"
    r"|{#.*?#}|{{.*?}}|{%.*?%}",
    re.S,
)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))


def place(path: Path) -> str:
    return str(path.relative_to(ROOT))


class TestTemplates:
    @pytest.mark.parametrize("path", TEMPLATES, ids=place)
    def test_show_no_text_outside_the_catalogues(self, path):
        page = Visible()
        page.feed(JINJA.sub("", path.read_text("utf-8")))
        page.close()
        bare = [text for text in page.found if WORD.search(NAMES.sub("", ATTRIBUTES.sub("", text)))]

        assert not bare

    @pytest.mark.parametrize("path", TEMPLATES, ids=place)
    def test_pass_on_no_sentence_unmarked(self, path, app):
        tree = app.jinja_env.parse(path.read_text("utf-8"))
        marks = [call for call in tree.find_all(nodes.Call) if name_called(call) in MARKS]
        ours = {id(text) for call in marks for text in call.find_all(nodes.Const)}
        bare = [
            text.value
            for text in tree.find_all(nodes.Const)
            if id(text) not in ours and isinstance(text.value, str) and SENTENCE.match(text.value)
        ]
        assert not bare


def name_called(call: nodes.Call) -> str:
    return call.node.name if isinstance(call.node, nodes.Name) else ""


EDGES = sorted(
    path
    for folder in ("admin_views", "public", "realtime")
    for path in (ROOT / folder).rglob("*.py")
    if "sandbox" not in path.parts  # plays services that speak English to programs
)
NOT_SHOWN = {
    *("TypeError", "ValueError", "RuntimeError", "LookupError", "KeyError"),
    *("Counter", "Gauge", "Histogram", "echo", "print"),
}


def bare_sentences(tree: ast.AST) -> Iterator[str]:
    """Sentences that no mark surrounds; docstrings, logs and programming errors are not shown."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.Call):
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            of_log = getattr(getattr(node.func, "value", None), "id", "") in ("log", "logger")
            if called in MARKS | NOT_SHOWN or of_log:
                continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if SENTENCE.match(node.value):
                yield node.value
        else:
            yield from bare_sentences(node)


class TestCode:
    @pytest.mark.parametrize("path", EDGES, ids=place)
    def test_edges_say_nothing_unmarked(self, path):
        assert not list(bare_sentences(ast.parse(path.read_text("utf-8"))))

    def test_refusals_are_marked(self):
        bare = [
            f"{place(path)}:{node.lineno}"
            for path in sorted((ROOT / "models").rglob("*.py"))
            for refusal in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(refusal, ast.ClassDef)
            for node in refusal.body
            if isinstance(node, ast.Assign)
            and any(getattr(target, "id", "") == "message" for target in node.targets)
            and isinstance(node.value, ast.Constant)
        ]
        assert not bare


def labels_of(view) -> dict[str, str]:
    """The view's own labels; Flask-Admin's placeholder where it has none."""
    return view.column_labels if isinstance(view.column_labels, dict) else {}


class TestCodes:
    """What the system calls by a code has words in the consoles."""

    def test_every_kind_of_event_has_words(self):
        assert not LISTENERS.keys() - HAPPENINGS.keys()

    def test_every_table_has_words(self):
        assert not Base.metadata.tables.keys() - RECORDS.keys() - {"audit_events", "outbox_events"}

    def test_every_mail_has_words(self):
        kinds = {path.stem for path in (ROOT / "templates/mails").glob("*.html")}

        assert not kinds - MAILS.keys()

    def test_every_scheduled_job_has_words(self):
        assert not {periodic.name for periodic in PERIODIC} - JOBS.keys()

    def test_every_status_has_words(self):
        kinds = {
            column.type.enum_class
            for table in Base.metadata.tables.values()
            for column in table.columns
            if isinstance(column.type, Enum) and column.type.enum_class
        }
        bare = [
            f"{kind.__name__}.{member.name}"
            for kind in kinds
            for member in kind
            if member.value not in STATUSES.get(kind.__name__, {})
        ]
        assert not bare

    def test_every_column_shown_has_words(self):
        bare = {
            name
            for _group, views in MENU
            for view in views
            for option in ("column_list", "column_details_list", "form_columns")
            for name in getattr(view, option, None) or ()
            if name not in labels_of(view) and not {name, name.rpartition(".")[2]} & LABELS.keys()
        }
        assert not bare


class TestPages:
    @pytest.mark.parametrize("host", ["weokto.localhost", "stam.localhost"])
    @pytest.mark.parametrize(
        ("asked", "language", "words"),
        [
            ("fr-FR,fr;q=0.9", "fr", "Aller au contenu"),
            ("en-GB,en;q=0.9", "en", "Skip to content"),
            ("de", "fr", "Aller au contenu"),
        ],
    )
    def test_answer_in_the_language_asked(self, client, host, asked, language, words):
        page = client.get(
            "/login", base_url=f"http://{host}", headers={"Accept-Language": asked}
        ).text

        assert f'<html lang="{language}"' in page
        assert words in page

    def test_refuse_in_the_language_asked(self, client):
        answers = {
            language: client.get("/api/nothing", headers={"Accept-Language": language}).json
            for language in ("fr", "en")
        }
        assert answers["fr"]["error"]["message"] == "Il n’y a rien à cette adresse."
        assert answers["en"]["error"]["message"] == "There is nothing at this address."
