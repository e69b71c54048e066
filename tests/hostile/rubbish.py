"""What attackers type, by name: texts for forms and queries, values for JSON."""

TEXTS = {
    "nothing": "",
    "blanks": " \t ",
    "emoji": "🦊👩‍👩‍👧",
    "a million letters": "x" * 1_000_000,
    "nul": "a\x00b",
    "sql": "'; DROP TABLE users; --",
    "html": "\"'><script>alert(1)</script><img src=x onerror=alert(1)>",
    "template": "{{7*7}} ${7*7} %(name)s %s %d {0}",
    "huge number": "9" * 400,
    "negative": "-1",
    "infinite": "1e999",
    "not a number": "NaN",
    "path": "../../../../etc/passwd",
    "encoded path": "..%2f..%2fetc%2fpasswd",
    "line ends": "a\r\nSet-Cookie: weokto_session=x",
    "turned round": "\u202egnp.exe",
    "another site": "//evil.example/",
    "script": "javascript:alert(1)",
    "no day": "0000-00-00",
    "a key of nobody": "0192f0c4-7c3e-7000-8000-000000000000",
    "card": "4242 4242 4242 4242",
}

VALUES = {
    **TEXTS,
    "half an emoji": "\ud83d",
    "null": None,
    "true": True,
    "zero": 0,
    "minus": -1,
    "huge": 10**40,
    "part": 1.5,
    "infinity": float("inf"),
    "list": [],
    "list of texts": ["a", "b"],
    "object": {},
    "operator": {"$ne": None},
    "card number": 4242424242424242,
}


def nested(depth):
    """A list in a list in a list, as text."""
    return "[" * depth + "]" * depth
