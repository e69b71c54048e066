"""Secrets: encrypted at rest with rotating keys, hashed where only a comparison is needed."""

import base64
import hashlib
import hmac
import secrets
from functools import lru_cache

from cryptography.fernet import Fernet, MultiFernet

from models.settings import current_settings


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def seal(text: str) -> str:
    """Encrypt with the newest key."""
    return _fernet(current_settings().encryption_key_list).encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Decrypt with whichever of the settings' keys fits."""
    return _fernet(current_settings().encryption_key_list).decrypt(sealed.encode()).decode()


def new_token() -> str:
    """32 random bytes as URL-safe text."""
    return secrets.token_urlsafe(32)


def new_signing_secret() -> str:
    """32 random bytes as Standard Webhooks writes the secret of an endpoint."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


def digest(token: str) -> str:
    """SHA-256 in hex: what a table keeps of a token that only has to be recognised."""
    return hashlib.sha256(token.encode()).hexdigest()


def same(given: str, expected: str) -> bool:
    """Compare two texts in constant time."""
    return hmac.compare_digest(given.encode(), expected.encode())
