"""Which provider takes the payments: the real clients, or the one put in their place."""

from models.billing.http_provider import HttpProvider
from models.billing.provider import PaymentProvider

_current: PaymentProvider | None = None


def current_provider() -> PaymentProvider:
    """The provider of this process: the real clients unless another was put in place."""
    global _current
    if _current is None:
        _current = HttpProvider()
    return _current


def use_provider(provider: PaymentProvider | None) -> None:
    """Put a provider in place (simulations, tests), or the real clients again with None."""
    global _current
    _current = provider
