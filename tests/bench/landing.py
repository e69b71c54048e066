"""Figure 1: requests a second of the landing page, against Flask's hello on the same server."""

from collections.abc import Iterator
from dataclasses import replace

from models.accounts import UserType
from tests.bench.ground import Ground
from tests.bench.load import Wish, load
from tests.bench.measure import Figure, compared, told
from tests.bench.served import acting_in, hello, signed_in, web
from tests.shop import open_shop

ANONYMOUS = 4_000
SIGNED_IN = 2_000
SHORT_ROUNDS = 11  # many short ones see a busy machine alike


def figures(ground: Ground) -> Iterator[Figure]:
    """The front door of a shop that sells, for a stranger and for somebody signed in."""
    with acting_in(ground.settings):
        open_shop()
    cookie = signed_in(ground, "bench@example.org", UserType.AFFILIATE)
    products = ground.scalar("SELECT count(*) FROM products")
    with web(ground) as ours, hello() as theirs:
        for what, wish, requests, at_least in (
            ("landing page, anonymous", Wish(ours), ANONYMOUS, 0.9),
            ("landing page, signed in, one read", Wish(ours, cookie=cookie), SIGNED_IN, 0.25),
        ):
            mine = replace(wish, requests=requests)
            yours = Wish(theirs, requests=requests)
            yield compared(
                "1",
                what,
                "Flask hello, requests/s",
                lambda mine=mine: asked(mine),
                lambda yours=yours: asked(yours),
                at_least=at_least,
                rows=products,
                rounds=SHORT_ROUNDS,
                timed=told,
                note=f"{requests:,} requests on {mine.connections} connections",
            )


def asked(wish: Wish) -> float:
    """The seconds that all the requests took. Any but a 200 spoils the run."""
    done = load(wish)
    if done.failed:
        raise RuntimeError(f"port {wish.port} answered {done.outcomes}")
    return done.seconds
