"""How tests are spread over workers: file by file, and all browser tests to one."""

from xdist.scheduler import LoadScopeScheduling

BROWSER = "tests/browser/"


class OneHouse(LoadScopeScheduling):
    """Starting the house costs more than most tests, so one worker runs all that need it."""

    def _split_scope(self, nodeid: str) -> str:
        return BROWSER if nodeid.startswith(BROWSER) else super()._split_scope(nodeid)
