"""The two sites. A request's host decides which one it came to."""

import enum


class Platform(enum.StrEnum):
    WEOKTO = "WEOKTO"
    STAM = "STAM"
