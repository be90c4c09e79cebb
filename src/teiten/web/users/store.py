"""Users and tokens in one file beside the lake: `LAKE.users/users.json`, mode 0600, written whole or left as it was.

Where that folder is not there, there are no users. A folder without its file, a file that is no longer what it was, or one that
others can read or change, is refused: nobody is let in because something is broken.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import hashlib
import hmac
import json
import os
import re
import secrets
import stat
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from teiten.disk import sync_folder
from teiten.errors import TeitenError, UsageError
from teiten.hosting import ROLES
from teiten.station.credentials import owned
from teiten.web.users import passwords

if TYPE_CHECKING:
    from teiten.settings import Settings

FORMAT: Final = 1
NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9._@+\-]{0,62}[a-z0-9])?", re.ASCII)
SCOPES: Final = ("read", "events", "sql")
"""what a token may be for: counts; events and single sources; the SQL console"""
MOST_DAYS: Final = 366
MOST_TOKENS: Final = 50
"""of a user"""
_LABEL: Final = 60
_TOKEN: Final = re.compile(r"teiten_([0-9a-f]{12})_([A-Za-z0-9_\-]{43})", re.ASCII)
_NOBODY: Final = "0" * 64


class UsersError(TeitenError):
    """The file of users is not to be trusted, or cannot be read or written: nobody is let in."""


@dataclass(frozen=True, slots=True)
class User:
    """One person. hash: Argon2id; stamp: changes with the password, and ends the logins made with the old one; Unix times."""

    name: str
    role: str
    hash: str
    stamp: str
    made: float
    changed: float


@dataclass(frozen=True, slots=True)
class Token:
    """What a program shows in a user's name. hash: SHA-256 of its secret of 256 random bits; used: when first, if ever."""

    id: str
    user: str
    label: str
    scopes: tuple[str, ...]
    hash: str
    made: float
    ends: float
    used: float | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What the file says, at one moment."""

    users: dict[str, User] = field(default_factory=dict)
    tokens: tuple[Token, ...] = ()

    def token(self, text: str, now: float) -> Token | None:
        """The token that this text is, if it is valid now and its user is there."""
        found = _TOKEN.fullmatch(text)
        given = digest(found[2] if found else "")
        mine = next((one for one in self.tokens if found and one.id == found[1]), None)
        same = hmac.compare_digest(mine.hash if mine else _NOBODY, given)
        return mine if mine and same and now < mine.ends and mine.user in self.users else None


def digest(text: str) -> str:
    """SHA-256, hex: enough for what is random."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def folder_of(settings: Settings) -> Path:
    """Where users and the audit log are: as the settings say, else beside the lake."""
    return settings.serving.users or settings.lake.absolute().with_name(f"{settings.lake.name}.users")


class Store:
    """The file, for any number of threads. `known` answers, from memory until it changes; the others change it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / "users.json"
        self._lock = threading.Lock()
        self._seen: tuple[int, ...] | None = None
        self._known = Known()

    def known(self) -> Known | None:
        """Users and tokens; None where there never were any. UsersError."""
        with self._lock:
            try:
                found = self.path.lstat()
            except FileNotFoundError:
                if not self._begun():
                    return None
                raise UsersError(
                    f"{self.folder} is there, and its users.json is not.",
                    hint="Bring it back from a copy; or, for no users at all, remove the folder and start the server anew.",
                ) from None
            except OSError as error:
                raise self._unreadable(error.strerror or str(error)) from None
            seen = (found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_size)
            if seen != self._seen:
                self._known, self._seen = self._read(), seen
            return self._known

    # changes -----------------------------------------------------------------------------------------------------------------

    def add(self, name: str, role: str, password: str) -> User:
        """A new user. UsageError for a name that is taken or none, a role that there is not, a password that will not do."""
        if not NAME.fullmatch(name):
            raise UsageError(f"'{name[:80]}' is no name of a user.", hint="Small letters, digits and . _ - + @, 64 at most.")
        if role not in ROLES:
            raise UsageError(f"There is no role '{role[:40]}'.", hint=f"Choose one of: {', '.join(ROLES)}.")
        hashed = passwords.hashed(passwords.check(password, name))
        with self._changing() as known:
            if name in known.users:
                raise UsageError(f"There is a user {name} already.", hint=f"teiten users password {name}")
            now = time.time()
            one = User(name, role, hashed, secrets.token_hex(8), now, now)
            self._write(replace(known, users={**known.users, name: one}))
        return one

    def begin(self) -> None:
        """Writes the file where there is none, for a server that a proxy tells of its users."""
        with self._changing() as known:
            if not self.path.exists():
                self._write(known)

    def password(self, name: str, password: str) -> None:
        """Another password: ends all of that user's logins. UsageError."""
        hashed = passwords.hashed(passwords.check(password, name))
        with self._changing() as known:
            one = replace(_user(known, name), hash=hashed, stamp=secrets.token_hex(8), changed=time.time())
            self._write(replace(known, users={**known.users, name: one}))

    def rehash(self, name: str, stamp: str, password: str) -> None:
        """The same password at today's cost; logins stay."""
        hashed = passwords.hashed(password)
        with self._changing() as known:
            if (one := known.users.get(name)) is not None and one.stamp == stamp:
                self._write(replace(known, users={**known.users, name: replace(one, hash=hashed)}))

    def role(self, name: str, role: str) -> None:
        """Another role, from the next request on. UsageError."""
        if role not in ROLES:
            raise UsageError(f"There is no role '{role[:40]}'.", hint=f"Choose one of: {', '.join(ROLES)}.")
        with self._changing() as known:
            users = {**known.users, name: replace(_user(known, name), role=role)}
            _administered(users)
            self._write(replace(known, users=users))

    def remove(self, name: str) -> int:
        """Ends a user, their logins and tokens; how many tokens that were. UsageError."""
        with self._changing() as known:
            _user(known, name)
            users = {key: one for key, one in known.users.items() if key != name}
            _administered(users)
            left = tuple(one for one in known.tokens if one.user != name)
            self._write(Known(users, left))
            return len(known.tokens) - len(left)

    def token(self, user: str, label: str, scopes: tuple[str, ...], days: int) -> tuple[Token, str]:
        """A new token of that user, and its text, which nobody can tell again. UsageError."""
        label = " ".join(label.split())
        if not label or len(label) > _LABEL or not label.isprintable():
            raise UsageError(f"A token has a name of 1 to {_LABEL} characters that can be seen.")
        if not scopes or not set(scopes) <= set(SCOPES):
            raise UsageError("That is nothing a token can be for.", hint=f"Choose of: {', '.join(SCOPES)}.")
        if not 1 <= days <= MOST_DAYS:
            raise UsageError(f"A token is valid for 1 to {MOST_DAYS} days.")
        text, now = secrets.token_urlsafe(32), time.time()
        with self._changing() as known:
            _user(known, user)
            if sum(one.user == user for one in known.tokens) >= MOST_TOKENS:
                raise UsageError(f"{user} has {MOST_TOKENS} tokens already.", hint="Revoke one that is not used any more.")
            scopes = tuple(one for one in SCOPES if one in scopes)
            one = Token(secrets.token_hex(6), user, label, scopes, digest(text), now, now + days * 86400)
            self._write(replace(known, tokens=(*known.tokens, one)))
        return one, f"teiten_{one.id}_{text}"

    def revoke(self, id: str, user: str | None = None) -> Token:
        """Ends a token at once. user: whose it must be. UsageError."""
        with self._changing() as known:
            mine = next((one for one in known.tokens if one.id == id and user in (None, one.user)), None)
            if mine is None:
                raise UsageError("There is no such token.", hint="See: teiten users list --tokens")
            self._write(replace(known, tokens=tuple(one for one in known.tokens if one is not mine)))
            return mine

    def used(self, id: str, now: float) -> None:
        """Keeps when a token was first used."""
        with self._changing() as known:
            tokens = tuple(replace(one, used=now) if one.id == id and one.used is None else one for one in known.tokens)
            if tokens != known.tokens:
                self._write(replace(known, tokens=tokens))

    # the file ----------------------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _changing(self) -> Iterator[Known]:
        """What is known, while no other process changes it."""
        try:
            if not self.folder.exists():
                self.folder.mkdir(mode=0o700, parents=True)
                sync_folder(self.folder.parent)
            handle = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise UsersError(f"The users in {self.folder} cannot be changed: {error.strerror}.") from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield self.known() or Known()
        finally:
            os.close(handle)

    def _begun(self) -> bool:
        """Was anything ever written here? A first change that a kill cut short left a lock alone."""
        try:
            return any(one.name != ".lock" and not one.name.endswith(".new") for one in self.folder.iterdir())
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self._unreadable(error.strerror or str(error)) from None

    def _write(self, known: Known) -> None:
        told = {
            "format": FORMAT,
            "users": [asdict(one) for one in known.users.values()],
            "tokens": [asdict(one) for one in known.tokens],
        }
        fresh = self.folder / f".users.json.{secrets.token_hex(4)}.new"
        try:
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as stream:
                owned(stream.fileno(), self.folder.parent)
                stream.write(json.dumps(told, indent=1, ensure_ascii=False).encode() + b"\n")
                stream.flush()
                os.fsync(stream.fileno())
            fresh.replace(self.path)
            sync_folder(self.folder)
            for path in (self.folder, self.folder / ".lock"):
                handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    owned(handle, self.folder.parent)
                finally:
                    os.close(handle)
        except OSError as error:
            with contextlib.suppress(OSError):
                fresh.unlink(missing_ok=True)
            raise UsersError(f"The users in {self.folder} cannot be written: {error.strerror}.") from None

    def _read(self) -> Known:
        try:
            handle = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            with os.fdopen(handle, "rb") as stream:
                found = os.fstat(stream.fileno())
                if not stat.S_ISREG(found.st_mode) or (os.geteuid() and found.st_uid != os.geteuid()):
                    raise UsersError(
                        f"{self.path} is no file of this user's.", hint="Give it to the user that runs teiten: chown."
                    )
                if stat.S_IMODE(found.st_mode) & 0o077:
                    raise UsersError(f"Others can read or change {self.path}.", hint=f"chmod 600 {self.path}")
                table = json.loads(stream.read())
            return _known(table)
        except OSError as error:
            raise self._unreadable(error.strerror or str(error)) from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise self._unreadable("it is not what `teiten users` writes") from None

    def _unreadable(self, why: str) -> UsersError:
        return UsersError(
            f"The users in {self.path} cannot be read: {why}.", hint="Bring it back from a copy; nobody is let in."
        )


def _known(table: Any) -> Known:
    """What a file says. ValueError, KeyError, TypeError where it is none of ours."""
    if table["format"] != FORMAT:
        raise ValueError("another format")
    users = [User(**one) for one in table["users"]]
    tokens = [Token(**{**one, "scopes": tuple(one["scopes"])}) for one in table["tokens"]]
    for user in users:
        texts = (user.name, user.role, user.hash, user.stamp)
        if not all(isinstance(text, str) for text in texts) or user.role not in ROLES or not NAME.fullmatch(user.name):
            raise ValueError(user.name)
        if not user.hash.startswith("$argon2id$") or not user.stamp:
            raise ValueError(user.name)
    for token in tokens:
        if len(str(token.hash)) != len(_NOBODY) or not set(token.scopes) <= set(SCOPES) or not token.ends > 0:
            raise ValueError(token.id)
    if len({one.name for one in users}) < len(users):
        raise ValueError("twice")
    return Known({one.name: one for one in users}, tuple(tokens))


def _user(known: Known, name: str) -> User:
    found = known.users.get(name)
    if found is None:
        raise UsageError(f"There is no user {name[:80]!r}.", hint="See: teiten users list")
    return found


def _administered(users: dict[str, User]) -> None:
    if users and not any(one.role == "administrator" for one in users.values()):
        raise UsageError(
            "Nobody would be administrator any more.", hint="Make somebody else one first: teiten users role NAME administrator"
        )


def day(moment: float) -> str:
    """A Unix time as people read it."""
    return dt.datetime.fromtimestamp(moment, dt.UTC).strftime("%Y-%m-%d %H:%M")
