"""What is taken out of every text that is kept or told: cards, secrets, tokens, addresses."""

import re

from models.card_numbers import without_card_numbers

HIDDEN = "[hidden]"
ADDRESS = re.compile(r"(?<![\w.%+-])([.%+-]*\w)[\w.%+-]*@([\w-]+(?:\.[\w-]+)+)")
TOKENS = re.compile(
    r"\b(?P<key>(?:sk|rk|pk)_(?:test|live)_|re_(?=\w*\d))[A-Za-z0-9_]{6,}"
    r"|\b(?P<signing>whsec_)[A-Za-z0-9_+/=]{6,}"
    r"|(?P<word>\b(?:Bearer|Basic)\s+)[A-Za-z0-9._~+/=-]{8,}"
    r"|(?P<login>://[^\s:/@]*:)[^\s/@]+(?=@)"
    r"|(?P<field>(?:token|secret|passphrase|password)[\"']?\s{0,3}[:=]\s{0,3}[\"']?)[^&\s\"',;}]+"
    r"|(?P<short>\b(?:code|otp)=)[^&\s\"']+",
    re.IGNORECASE,
)


def clean_text(text: str, *, addresses: bool = True) -> str:
    """A text without card numbers, secrets and tokens; of e-mail addresses a hint is left."""
    text = without_card_numbers(text, HIDDEN)
    text = TOKENS.sub(_hide_token, text)
    return ADDRESS.sub(r"\1…@\2", text) if addresses else text


def _hide_token(match: re.Match[str]) -> str:
    return str(match[match.lastgroup or 0]) + HIDDEN
