"""How tests are spread over workers: file by file, all browser tests to one, the long first."""

from xdist.scheduler import LoadScopeScheduling

BROWSER = "tests/browser/"
LONG = (BROWSER, "tests/reference/", "tests/jobs/simulation/", "tests/faults/", "tests/hostile/")
"""What takes longest, in order: begun last it would keep one worker busy and the others idle."""


def begins(nodeid: str) -> int:
    """A test's place among the long ones, or after them."""
    return next((place for place, each in enumerate(LONG) if nodeid.startswith(each)), len(LONG))


class OneHouse(LoadScopeScheduling):
    """Starting the house costs more than most tests, so one worker runs all that need it."""

    def _split_scope(self, nodeid: str) -> str:
        return BROWSER if nodeid.startswith(BROWSER) else super()._split_scope(nodeid)
