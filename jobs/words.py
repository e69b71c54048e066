"""What the terminal says once the house is up: where to click, as whom, with which card."""

from models.billing.sandbox_cards import SANDBOX_CARDS
from models.settings import Settings


def addresses_of(settings: Settings) -> list[tuple[str, str]]:
    """One address per audience."""
    weokto = settings.public_url_weokto or f"http://{settings.weokto_hosts[0]}:{settings.port}"
    stam = settings.public_url_stam or f"http://{settings.stam_hosts[0]}:{settings.port}"
    sandbox = f"http://localhost:{settings.sandbox_port}"
    return [
        ("WEOKTO, affiliates", f"{weokto}/"),
        ("STAM, clients", f"{stam}/"),
        ("Owner's console", f"{weokto}/{settings.owner_console_path}/"),
        ("Mails sent", f"{sandbox}/outbox"),
        ("Sandbox", f"{sandbox}/"),
    ]


def welcome(settings: Settings, *, seconds: float) -> str:
    """The whole text."""
    lines = ["", f"Up after {seconds:.1f} s."]
    lines += [f"  {name:<20} {url}" for name, url in addresses_of(settings)]
    lines += [
        "",
        f"The owner signs in as {settings.owner_email}; the code arrives under «Mails sent».",
        "Test cards, any later date and any code:",
    ]
    lines += [
        f"  {_grouped(card.number)}  {card.label[:1].lower()}{card.label[1:]}"
        for card in SANDBOX_CARDS
    ]
    return "\n".join([*lines, "", "Ctrl-C stops everything."])


def _grouped(number: str) -> str:
    return " ".join(number[start : start + 4] for start in range(0, len(number), 4))
