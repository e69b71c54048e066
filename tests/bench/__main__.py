"""``python -m tests.bench [NUMBER …]``: measure, print a table, write it as JSON."""

import importlib
import json
import sys

from tests.bench.ground import DATA, ground, servers
from tests.bench.measure import Figure

GROUPS = {
    "1": "landing",
    "2": "console_lists",
    "8": "posting",
    "10": "renewals",
    "9": "maturing",
    "11": "purchase",
    "17": "member_reads",
    "18": "cold_start",
    "19": "restarts",
}


def main(wanted: list[str]) -> None:
    """Measure the wanted figures, or all of them, one group's database at a time."""
    modules = dict.fromkeys(
        module for number, module in GROUPS.items() if not wanted or number in wanted
    )
    found: list[Figure] = []
    with servers() as settings:
        for name in modules:
            module = importlib.import_module(f"tests.bench.{name}")
            with ground(settings) as here:
                for figure in module.figures(here):
                    found.append(figure)
                    show(figure)
    path = DATA / "figures.json"
    path.write_text(json.dumps([figure.as_json() for figure in found], indent=1), "utf-8")
    missed = [figure.number for figure in found if not figure.met]
    print(f"{len(found)} figures, {len(missed)} goals missed{': ' if missed else ''}", end="")
    print(", ".join(missed), f"\nas JSON: {path.relative_to(DATA.parents[1])}")


def show(figure: Figure) -> None:
    """Print one line of the table as soon as it is known."""
    mark = "met" if figure.met else "MISSED"
    spread = f"{min(figure.rounds):.2f} to {max(figure.rounds):.2f}" if figure.rounds else ""
    columns = (
        f"{figure.number:>4}",
        f"{figure.what[:44]:<44}",
        f"{figure.ratio:>6.2f} × {figure.against[:32]:<32}",
        f"goal {figure.goal:<7} {mark:<7}",
        f"{figure.ours_seconds:.3f} s / {figure.theirs_seconds:.3f} s",
        f"{figure.rows:>9,} rows",
        spread,
        figure.note,
    )
    print("  ".join(columns), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
