"""Where each site is on the web: the addresses that mails, banks and other machines are given."""

from models.accounts.platform import Platform
from models.settings import current_settings


def site_url(platform: Platform) -> str:
    """A site's own address without a slash at its end; this machine's where none is set."""
    settings = current_settings()
    if platform is Platform.WEOKTO:
        known, hosts = settings.public_url_weokto, settings.weokto_hosts
    else:
        known, hosts = settings.public_url_stam, settings.stam_hosts
    return (known or f"http://{hosts[0]}:{settings.port}").rstrip("/")


def machine_url() -> str:
    """Where other machines reach this one; by number on a development machine, whose
    own programs may not know the names ending in ``localhost``."""
    settings = current_settings()
    return (settings.public_url_weokto or f"http://127.0.0.1:{settings.port}").rstrip("/")
