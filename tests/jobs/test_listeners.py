"""Every kind of event has its listeners listed, be it nobody."""

import ast
from pathlib import Path

from jobs.listeners import LISTENERS

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("models", "jobs", "public", "admin_views", "realtime")


def calls_of_emit():
    """Every call of ``emit`` or ``emit_all`` with where it stands; not of a socket's ``emit``."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            tree = ast.parse(path.read_text())
            for node in ast.walk(tree):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Name)
                    and node.func.id in {"emit", "emit_all"}
                    and path != ROOT / "models/oversight/emit.py"
                ):
                    yield path, kind_in(node)


def kind_in(call):
    """What a call says as the kind: by its name, or as the second argument."""
    named = [each.value for each in call.keywords if each.arg == "kind"]
    return named[0] if named else call.args[1]


def literals(node):
    """The texts that an expression can be: a text, or either branch of a condition."""
    if isinstance(node, ast.Constant):
        return {node.value}
    if isinstance(node, ast.IfExp):
        either = literals(node.body), literals(node.orelse)
        return None if None in either else either[0] | either[1]
    return None


def test_every_emitted_kind_is_listed():
    unlisted, unreadable = set(), []
    for path, kind in calls_of_emit():
        kinds = literals(kind)
        if kinds is None:
            unreadable.append(f"{path.relative_to(ROOT)}:{kind.lineno}")
        else:
            unlisted |= {kind for kind in kinds if kind not in LISTENERS}

    assert not unlisted
    assert not unreadable, "write the kind as a text, or this guard cannot read it"


def test_listeners_of_a_kind_have_names_of_their_own():
    for kind, listeners in LISTENERS.items():
        names = [listener.__name__ for listener in listeners]
        assert len(names) == len(set(names)), kind
