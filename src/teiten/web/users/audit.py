"""The audit log: who did what, when, from where, as JSON; no password, no token, nothing that a terminal would obey."""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from teiten.errors import TeitenError
from teiten.station.credentials import owned

FILE: Final = "audit.jsonl"
LARGEST: Final = 8 << 20
"""bytes of one file; then it is put aside as audit.jsonl.1, and so on"""
KEPT: Final = 5
"""files that are put aside at most: older ones go"""
_TEXT: Final = 2000
KINDS: Final = (
    "login", "login refused", "login limited", "logout", "form", "form refused", "token made", "token first used",
    "token refused", "token revoked", "identity", "identity refused", "sql", "export", "user added", "user removed",
    "password changed", "role changed",
)  # fmt: skip


class Audit:
    """The log in a folder; several processes may add to it. What cannot be written is counted, and told with the next line."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._lock = threading.Lock()
        self.lost = 0

    def tell(self, kind: str, who: str, address: str = "", /, **more: Any) -> None:
        """Adds a line: `at`, `what`, `who`, `from`, and more. Never raises."""
        assert kind in KINDS, kind
        line: dict[str, Any] = {
            "at": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"),
            "what": kind,
            "who": _short(who),
        }
        if address:
            line["from"] = address
        line |= {
            key: _short(value) if isinstance(value, str) else value for key, value in more.items() if value not in ("", None)
        }
        with self._lock:
            if self.lost:
                line["lost before"] = self.lost
            try:
                self._add((json.dumps(line).replace("\x7f", "\\u007f") + "\n").encode())
                self.lost = 0
            except OSError as error:
                if not self.lost:
                    with contextlib.suppress(OSError):
                        print(f"teiten: the audit log {self.path} cannot be written: {error.strerror}.", file=sys.stderr)
                self.lost += 1

    def _add(self, data: bytes) -> None:
        with _alone(self.path.with_name(".audit.lock")):
            with contextlib.suppress(FileNotFoundError):
                if self.path.stat().st_size + len(data) > LARGEST:
                    self._put_aside()
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                owned(handle, self.path.parent)
                end = os.fstat(handle).st_size
                if os.write(handle, data) < len(data):
                    os.ftruncate(handle, end)  # the disk is full: half a line is none
                    raise OSError(28, "No space left on device")
            finally:
                os.close(handle)

    def _put_aside(self) -> None:
        for n in range(KEPT, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                self._aside(n - 1).replace(self._aside(n))

    def _aside(self, n: int) -> Path:
        return self.path.with_name(f"{FILE}.{n}") if n else self.path

    def lines(self, most: int = 1000) -> list[dict[str, Any]]:
        """The last lines, oldest first. What is no line of ours is told as it is. TeitenError where it cannot be read."""
        out: list[dict[str, Any]] = []
        for n in range(KEPT + 1):
            try:
                found = self._aside(n).read_text(encoding="utf-8", errors="replace").splitlines()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise TeitenError(f"The audit log {self._aside(n)} cannot be read: {error.strerror}.") from None
            out = [_parsed(line) for line in found[-(most - len(out)) :]] + out
            if len(out) >= most:
                break
        return out


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        owned(handle, path.parent)
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _short(text: str) -> str:
    return text if len(text) <= _TEXT else f"{text[:_TEXT]}... ({len(text)} characters)"


def _parsed(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"at": "", "what": "no line of ours", "who": "", "text": _short(line)}
