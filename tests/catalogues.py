"""The catalogues as tests see them: read, compiled, and extracted anew from the code."""

import io
import os
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parents[1]
TRANSLATIONS = ROOT / "content/translations"
FRENCH = TRANSLATIONS / "fr/LC_MESSAGES/messages.po"
NOT_READ = {".venv", "node_modules", "var", "tests", "content", "docs"}


def compile_catalogues() -> None:
    """Write every .mo that is older than its .po, as ``make install`` does."""
    for source in TRANSLATIONS.glob("*/LC_MESSAGES/*.po"):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        compiled = io.BytesIO()
        write_mo(compiled, catalogue_at(source))
        unfinished = target.with_suffix(f".{os.getpid()}")
        unfinished.write_bytes(compiled.getvalue())
        unfinished.replace(target)


def catalogue_at(path: Path) -> Catalog:
    """One catalogue, read strictly: a broken line is an error."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parts[-3], abort_invalid=True)


def marked_texts() -> Catalog:
    """Every text that code and templates mark, by the mapping that ``make texts`` uses."""
    mapping = TRANSLATIONS / "babel.cfg"
    with mapping.open() as file:
        methods, options = parse_mapping_cfg(file, filename=str(mapping))
    found = Catalog()
    for place, line, text, notes, context in extract_from_dir(
        ROOT,
        methods,
        options,
        keywords=DEFAULT_KEYWORDS,
        directory_filter=lambda path: Path(path).name not in NOT_READ,
    ):
        found.add(text, None, [(place, line)], auto_comments=notes, context=context)
    return found
