"""Standing guards of the house: who may import whom, who commits, who reads the clock."""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
EDGES = ("admin_views", "public", "realtime", "jobs")
OURS = (*EDGES, "models")
AREAS = (
    "accounts",
    "catalog",
    "billing",
    "affiliation",
    "ledger",
    "communities",
    "courses",
    "rewards",
    "oversight",
)
LAYOUT = {
    "models",
    "admin_views",
    "public",
    "realtime",
    "jobs",
    "templates",
    "content",
    "tests",
    "docs",
}
NOT_IN_MODELS = {"flask", "flask_login", "flask_admin", "flask_socketio", "rq", "rq_scheduler"}
LONGEST_FILE = 300
SYSTEMS = ("time", "time")
CLOCKS_OF_OTHERS = {"public/limits.py": {SYSTEMS}, "public/machine_metrics.py": {SYSTEMS}}
"""Who has to compare with an instant that a library took from the system's clock."""

DIVIDED_EXACTLY = ("Fraction(", "Decimal(", "Path(", "total_seconds()", ".c.main_percent / 100")
"""What a division that is exact or gives no amount has in it; the last is SQL's, of integers."""


def sources(*folders: str) -> list[Path]:
    return [
        path
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "versions" not in path.parts
    ]


def browsers_part(kind: str) -> list[Path]:
    return [
        path for folder in ("public/static", "templates") for path in (ROOT / folder).rglob(kind)
    ]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


EVERY = [*sources(*OURS), ROOT / "app.py"]


class TestArrows:
    @pytest.mark.parametrize("path", sources("models"), ids=name_of)
    def test_models_import_no_edge_and_no_web_or_queue(self, path):
        for module, line in imports(path):
            root = module.split(".")[0]
            assert root not in EDGES, f"{name_of(path)}:{line} imports {module}"
            assert root not in NOT_IN_MODELS, f"{name_of(path)}:{line} imports {module}"

    @pytest.mark.parametrize("path", sources(*EDGES), ids=name_of)
    def test_edges_do_not_import_each_other(self, path):
        own = path.relative_to(ROOT).parts[0]
        for module, line in imports(path):
            root = module.split(".")[0]
            assert root not in EDGES or root == own, f"{name_of(path)}:{line} imports {module}"

    def test_areas_depend_one_way(self):
        arrows: dict[str, set[str]] = defaultdict(set)
        for area in AREAS:
            for path in sources(f"models/{area}"):
                for module, _ in imports(path):
                    parts = module.split(".")
                    if parts[0] == "models" and len(parts) > 1 and parts[1] in AREAS:
                        arrows[area].add(parts[1])
        for area in AREAS:
            assert area not in reachable(arrows, area), f"{area} depends on itself: {arrows}"


class TestTheReference:
    """What the product is held against must not lean on the product."""

    def test_knows_only_itself_and_the_standard_library(self):
        hung_between = {"test_every_step.py", "town.py"}
        for path in sources("tests/reference"):
            for module, line in imports(path):
                root = module.split(".")[0]
                assert (
                    path.name in hung_between
                    or root in sys.stdlib_module_names
                    or module.startswith("tests.reference")
                ), f"{name_of(path)}:{line} imports {module}"


def reachable(arrows: dict[str, set[str]], area: str) -> set[str]:
    found: set[str] = set()
    waiting = arrows[area] - {area}
    while waiting:
        found |= waiting
        waiting = {far for near in waiting for far in arrows[near] - {near}} - found
    return found


class TestOneOfEach:
    @pytest.mark.parametrize("path", EVERY, ids=name_of)
    def test_only_the_boundary_commits(self, path):
        if name_of(path) in {"models/session.py", "models/migrations/env.py"}:
            return
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                assert node.func.attr != "commit" or "sandbox" in path.parts, (
                    f"{name_of(path)}:{node.lineno} commits"
                )

    @pytest.mark.parametrize("path", EVERY, ids=name_of)
    def test_only_the_clock_reads_the_systems(self, path):
        if name_of(path) == "models/clock.py":
            return
        asked = {
            (ast.unparse(node.func.value), node.func.attr)
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        }
        now = {"now", "utcnow", "today"}
        found = {
            each for each in asked if each == SYSTEMS or (each[1] in now and each[0] != "clock")
        }
        assert not found - CLOCKS_OF_OTHERS.get(name_of(path), set()), name_of(path)

    @pytest.mark.parametrize("path", sources("models"), ids=name_of)
    def test_only_settings_and_servers_read_the_environment(self, path):
        if "embedded" in path.parts:
            return
        assert not re.search(r"\benviron\b|\bgetenv\b", path.read_text("utf-8")), name_of(path)

    @pytest.mark.parametrize(
        "path",
        sources("models/billing", "models/affiliation", "models/ledger", "models/catalog"),
        ids=name_of,
    )
    def test_no_float_near_money(self, path):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            where = f"{name_of(path)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id != "float", where
            elif isinstance(node, ast.Constant):
                assert not isinstance(node.value, float), where
            elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
                words = ast.unparse(node)
                assert any(exact in words for exact in DIVIDED_EXACTLY), f"{where}: {words}"

    @pytest.mark.parametrize(
        "path",
        sorted(path for kind in ("*.js", "*.html") for path in browsers_part(kind)),
        ids=lambda path: path.name,
    )
    def test_no_float_of_cents_in_the_browser(self, path):
        found = re.findall(r"/ ?100(?![0-9n])|toFixed|parseFloat", path.read_text("utf-8"))
        assert not found, f"{name_of(path)}: {found}"


class TestHouse:
    @pytest.mark.parametrize("path", EVERY, ids=name_of)
    def test_every_module_says_what_it_is(self, path):
        assert ast.get_docstring(ast.parse(path.read_text("utf-8"))), name_of(path)

    @pytest.mark.parametrize("path", EVERY, ids=name_of)
    def test_no_file_outgrows_its_subject(self, path):
        lines = len(path.read_text("utf-8").splitlines())
        assert lines <= LONGEST_FILE, f"{name_of(path)} has {lines} lines: split the area"

    def test_no_folder_stands_beside_the_layout(self):
        ignored = {"var", "node_modules", "__pycache__"}
        found = {
            path.name
            for path in ROOT.iterdir()
            if path.is_dir() and not path.name.startswith(".") and path.name not in ignored
        }
        assert found <= LAYOUT, found - LAYOUT

    @pytest.mark.parametrize(
        "path", sorted((ROOT / "templates").rglob("*.html")), ids=lambda path: path.name
    )
    def test_pages_carry_no_inline_script_or_style(self, path):
        if "mails" in path.parts:
            return  # mail programs know no style sheets
        text = path.read_text("utf-8")
        assert not re.search(r"\son[a-z]+\s*=\s*[\"']", text), "an inline event handler"
        assert not re.search(r"\sstyle\s*=\s*[\"']", text), "an inline style"
        for tag in re.findall(r"<(?:script|style)\b[^>]*>", text):
            inert = "src=" in tag or "nonce=" in tag or "ld+json" in tag or "json" in tag
            assert inert, f"{tag} has neither source nor nonce"
