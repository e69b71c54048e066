"""What the sandbox remembers across restarts: the PSP's objects, its replies, and mails.

One SQLite file. Card numbers never come here: a payment method keeps only the last four
digits, which tell the published test cards apart.
"""

import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

Thing = dict[str, Any]

_TABLES = """
CREATE TABLE IF NOT EXISTS things (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    customer TEXT,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS things_of_customer ON things (kind, customer, seq);
CREATE TABLE IF NOT EXISTS replies (
    key TEXT PRIMARY KEY,
    input TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS mails (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    recipients TEXT NOT NULL,
    created_at TEXT NOT NULL,
    body TEXT NOT NULL
);
"""


class Store:
    """Rows of JSON behind one lock; ``lock`` may be held around a read and a write."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_TABLES)

    def close(self) -> None:
        with self.lock:
            self._db.close()

    def put(self, kind: str, thing: Thing) -> None:
        """Write a thing under its ``id``, new or changed; a changed one keeps its place."""
        with self.lock:
            self._db.execute(
                "INSERT INTO things (id, kind, customer, body) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (id)"
                " DO UPDATE SET customer = excluded.customer, body = excluded.body",
                (thing["id"], kind, thing.get("customer"), json.dumps(thing)),
            )

    def get(self, kind: str, thing_id: str) -> Thing | None:
        with self.lock:
            row = self._db.execute(
                "SELECT body FROM things WHERE id = ? AND kind = ?", (thing_id, kind)
            ).fetchone()
        return json.loads(row[0]) if row else None

    def newest(
        self, kind: str, *, customer: str | None = None, after: str | None = None, limit: int = 100
    ) -> list[Thing]:
        """Things of a kind, newest first, from the one after ``after`` on."""
        with self.lock:
            rows = self._db.execute(
                "SELECT body FROM things WHERE kind = :kind"
                " AND (:customer IS NULL OR customer = :customer)"
                " AND (:after IS NULL OR seq < (SELECT seq FROM things WHERE id = :after))"
                " ORDER BY seq DESC LIMIT :limit",
                {"kind": kind, "customer": customer, "after": after, "limit": limit},
            ).fetchall()
        return [json.loads(row[0]) for row in rows]

    def reply(self, key: str) -> tuple[str, int, Thing] | None:
        """The (input, status, body) that was answered under an idempotency key."""
        with self.lock:
            row = self._db.execute(
                "SELECT input, status, body FROM replies WHERE key = ?", (key,)
            ).fetchone()
        return (row[0], row[1], json.loads(row[2])) if row else None

    def keep_reply(self, key: str, given: str, status: int, body: Thing) -> None:
        with self.lock:
            self._db.execute(
                "INSERT OR IGNORE INTO replies VALUES (?, ?, ?, ?)",
                (key, given, status, json.dumps(body)),
            )

    def keep_mail(self, mail: Thing) -> None:
        with self.lock:
            self._db.execute(
                "INSERT INTO mails (id, recipients, created_at, body) VALUES (?, ?, ?, ?)",
                (
                    mail["id"],
                    "\n".join(mail["to"]).lower(),
                    mail["created_at"],
                    json.dumps(mail),
                ),
            )

    def mail(self, mail_id: str) -> Thing | None:
        with self.lock:
            row = self._db.execute("SELECT body FROM mails WHERE id = ?", (mail_id,)).fetchone()
        return json.loads(row[0]) if row else None

    def mails(self, *, to: str = "", limit: int = 50, offset: int = 0) -> list[Thing]:
        """Mails newest first; ``to`` is any part of a recipient's address."""
        with self.lock:
            rows = self._db.execute(
                "SELECT body FROM mails WHERE instr(recipients, ?) > 0"
                " ORDER BY seq DESC LIMIT ? OFFSET ?",
                (to.strip().lower(), limit, offset),
            ).fetchall()
        return [json.loads(row[0]) for row in rows]
