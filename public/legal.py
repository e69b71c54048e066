"""Legal texts: markdown in ``content/legal``, one file per language, read again when it changes."""

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import mistune
from flask import current_app
from markupsafe import Markup

from models.settings import current_settings
from public.legal_words import (
    cancel_words,
    confirm_withdrawal_words,
    vat_mention,
    withdraw_words,
)

NAMES = ("mentions-legales", "cgu", "cgv", "retractation", "confidentialite", "cookies")
SLOT = re.compile(r"\{(\w+)\}")
_markdown = mistune.create_markdown(escape=True, plugins=["table", "strikethrough"])


@dataclass(frozen=True)
class Document:
    """A legal page: its name, its title (the file's first heading) and the rest as HTML."""

    name: str
    title: str
    html: Markup


def document(name: str, language: str) -> Document | None:
    """A legal page in a language, in French where it has no other; None for an unknown name."""
    if name not in NAMES:
        return None
    folder = Path(current_app.root_path) / "content" / "legal"
    path = folder / (f"{name}.md" if language == "fr" else f"{name}.{language}.md")
    if not path.exists():
        path = folder / f"{name}.md"
    return _read_once(name, path, path.stat().st_mtime_ns, particulars())


def edition(name: str) -> str:
    """Which text of a legal page stands today: its name with a digest of its French words."""
    path = Path(current_app.root_path) / "content" / "legal" / f"{name}.md"
    return f"{name}-{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"


def particulars() -> tuple[tuple[str, str], ...]:
    """What the texts say of the company and its delays, from the settings."""
    settings = current_settings()
    return (
        ("company_name", settings.company_name),
        ("company_address", settings.company_address),
        ("company_siren", settings.company_siren),
        ("company_vat", f", {vat}" if (vat := vat_mention()) else ""),
        ("company_email", settings.company_email),
        ("withdrawal_days", str(settings.withdrawal_right_days)),
        ("refund_days", str(settings.refund_within_days)),
        ("withdraw_text", withdraw_words()),
        ("confirm_text", confirm_withdrawal_words()),
        ("cancel_text", cancel_words()),
    )


@lru_cache(maxsize=64)
def _read_once(
    name: str, path: Path, _changed: int, words: tuple[tuple[str, str], ...]
) -> Document:
    known = dict(words)
    text = SLOT.sub(lambda slot: known.get(slot[1], slot[0]), path.read_text(encoding="utf-8"))
    first = text.partition("\n")[0]
    html = Markup(str(_markdown(text)))
    return Document(name=name, title=first.lstrip("# ").strip(), html=html)
