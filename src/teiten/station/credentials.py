"""Credentials by which sensors may speak to a collector: made, rotated, revoked; only hashes of their secrets are kept.

    NAME.SECRET        what stands in a sensor's teiten.toml: the sensor's name and 64 random hex digits (256 bits)

A secret of 256 random bits cannot be guessed, so that a fast hash (BLAKE2b) is enough; it is compared in constant time. Several
may be valid at once, which is how one is replaced without a pause. The file is read again when it has changed: what is revoked
is refused from the next request on.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import json
import os
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from teiten.disk import sync_folder
from teiten.errors import TeitenError, UsageError
from teiten.stationing import NAME

FILE: Final = "credentials.json"
"""where they are in the collector's spool, unless its table says otherwise"""
_NOBODY: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class Credential:
    """One secret's hash, and what it is good for.

    id           eight hex digits by which people name it
    name         the sensor's; all that comes in with it counts for this sensor
    also         further sensors whose streams it may bring (a box at which several are received)
    hash         BLAKE2b of the secret, hex
    made, until  Unix times; until None: until it is revoked
    """

    id: str
    name: str
    hash: str
    made: float
    until: float | None = None
    also: tuple[str, ...] = ()

    def valid(self, now: float) -> bool:
        return self.until is None or now < self.until

    def may(self, sensor: str | None) -> bool:
        """May it bring what counts for that sensor? (None: counters of an input alone.)"""
        return sensor is None or sensor == self.name or sensor in self.also


def digest(secret: str) -> str:
    """The hash that is kept of a secret."""
    return hashlib.blake2b(secret.encode(), digest_size=32, person=b"teiten-collect").hexdigest()


class Credentials:
    """The credentials in that file, for any number of threads. `check` answers; the others change, one process at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._all: tuple[Credential, ...] = ()

    def all(self) -> tuple[Credential, ...]:
        """All of them, revoked ones too. TeitenError where the file is there and cannot be read."""
        with self._lock:
            try:
                found = self.path.stat()
            except FileNotFoundError:
                self._seen, self._all = None, ()
                return ()
            except OSError as error:
                raise self._unreadable(error.strerror or str(error)) from None
            seen = (found.st_mtime_ns, found.st_ino, found.st_size)
            if seen != self._seen:
                self._all, self._seen = self._read(), seen
            return self._all

    def check(self, name: str, secret: str, now: float | None = None) -> Credential | None:
        """The credential that this is, if it is valid now."""
        given, moment, found = digest(secret), time.time() if now is None else now, None
        for one in (*self.all(), Credential("", "", _NOBODY, 0)):
            if hmac.compare_digest(one.hash, given) and one.name == name and one.id and one.valid(moment):
                found = one
        return found

    def add(self, name: str, also: tuple[str, ...] = ()) -> tuple[Credential, str]:
        """A new credential for a sensor that has none, and its text, which nobody can tell again. UsageError."""
        for one in (name, *also):
            if not NAME.fullmatch(one):
                raise UsageError(f"'{one}' is no name of a sensor: letters, digits, - _ and . alone, 64 at most.")
        with self._changing() as now:
            if any(one.name == name and one.valid(now) for one in self.all()):
                raise UsageError(f"{name} has a credential already.", hint=f"Replace it: teiten collect rotate {name}")
            return self._new(name, also, self.all(), now)

    def rotate(self, name: str, grace: float) -> tuple[Credential, str]:
        """A new credential for that sensor; those that it has are valid for `grace` more seconds. UsageError."""
        with self._changing() as now:
            mine = [one for one in self.all() if one.name == name and one.valid(now)]
            if not mine:
                raise UsageError(f"{name} has no valid credential.", hint=f"Make one: teiten collect add {name}")
            kept = [
                replace(one, until=min(now + grace, one.until or now + grace)) if one in mine else one for one in self.all()
            ]
            return self._new(name, mine[-1].also, tuple(kept), now)

    def revoke(self, name: str, id: str | None = None) -> int:
        """Ends that sensor's credentials at once, or the one of that id; how many. UsageError where there is none."""
        with self._changing() as now:
            mine = [one for one in self.all() if one.name == name and one.valid(now) and id in (None, one.id)]
            if not mine:
                raise UsageError(f"{name} has no valid credential{f' {id}' if id else ''}.", hint="See: teiten collect list")
            self._write([replace(one, until=now) if one in mine else one for one in self.all()])
            return len(mine)

    def _new(self, name: str, also: tuple[str, ...], before: tuple[Credential, ...], now: float) -> tuple[Credential, str]:
        secret = secrets.token_hex(32)
        one = Credential(secrets.token_hex(4), name, digest(secret), now, None, also)
        self._write([*before, one])
        return one, f"{name}.{secret}"

    @contextlib.contextmanager
    def _changing(self) -> Iterator[float]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path.with_name(self.path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            owned(handle, self.path.parent)
        except OSError as error:
            raise TeitenError(f"The credentials {self.path} cannot be changed: {error.strerror}.") from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield time.time()
        finally:
            os.close(handle)

    def _write(self, all: list[Credential]) -> None:
        text = json.dumps({"format": 1, "credentials": [asdict(one) for one in all]}, indent=1, ensure_ascii=False) + "\n"
        fresh = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}.new")
        try:
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as stream:
                owned(handle, self.path.parent)
                stream.write(text.encode())
                stream.flush()
                os.fsync(stream.fileno())
            fresh.replace(self.path)
            sync_folder(self.path.parent)
        except OSError as error:
            fresh.unlink(missing_ok=True)
            raise TeitenError(f"The credentials {self.path} cannot be written: {error.strerror}.") from None

    def _read(self) -> tuple[Credential, ...]:
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
            return tuple(
                Credential(
                    str(one["id"]), str(one["name"]), str(one["hash"]), float(one["made"]),
                    None if one["until"] is None else float(one["until"]), tuple(map(str, one["also"])),
                )
                for one in found["credentials"]
            )  # fmt: skip
        except OSError as error:
            raise self._unreadable(error.strerror or str(error)) from None
        except (ValueError, KeyError, TypeError):
            raise self._unreadable("it is not what `teiten collect add` writes") from None

    def _unreadable(self, why: str) -> TeitenError:
        return TeitenError(
            f"The credentials {self.path} cannot be read: {why}.", hint="Bring back a copy, or remove it and add them anew."
        )


def owned(handle: int, folder: Path) -> None:
    """What root makes in a service's folder is the service's: it must be able to read it."""
    if os.geteuid() == 0:
        there = folder.stat()
        os.fchown(handle, there.st_uid, there.st_gid)


def parts(text: str) -> tuple[str, str]:
    """Name and secret of NAME.SECRET; ('', '') for anything else."""
    name, dot, secret = text.strip().rpartition(".")
    return (name, secret) if dot and NAME.fullmatch(name) and secret else ("", "")
