"""Messages of systemd's journal, through journalctl: what the kernel logs, also what came while the station was stopped."""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from teiten.errors import InputError, UsageError
from teiten.station.inputs import Host
from teiten.stationing import Given, Key, text

NAME: Final = "journald"
MEANS: Final = "messages of systemd's journal"
KEEPS: Final = True
"""what is written while it does not run is there afterwards"""
_MISSED: Final = "e9bf28e6e834481bb6f48f548ad13606"
"""id of the message by which journald says how many of the kernel's it missed (SD_MESSAGE_JOURNAL_MISSED)"""
_FIELDS: Final = "MESSAGE,MESSAGE_ID,PRIORITY,SYSLOG_IDENTIFIER,_HOSTNAME,_TRANSPORT,_SOURCE_REALTIME_TIMESTAMP"
_PIECE: Final = 1 << 18
_MOST: Final = 4 << 20
"""bytes of a message with its fields; a longer one is refused, and counted"""


def _matches(value: Any, where: str) -> tuple[str, ...]:
    given = value if isinstance(value, list) else [value]
    for one in given:
        if not isinstance(one, str) or not re.fullmatch(r"\+|[A-Z0-9_]+=.*", one, re.ASCII):
            raise UsageError(
                f'{where} must be matches of journalctl such as "_TRANSPORT=kernel", not {one!r}.',
                hint="`journalctl -o verbose` shows a message's fields.",
            )
    return tuple(given)


KEYS: Final = (
    Key("sensor", text, "the sensor that they count for", "home"),
    Key(
        "matches",
        _matches,
        "which messages, in journalctl's words (`man systemd.journal-fields`)",
        ("_TRANSPORT=kernel", "+", f"MESSAGE_ID={_MISSED}"),
    ),
    Key("directory", text, "a folder of journals, if not this machine's own (those of systemd-journal-remote)"),
)


class Cutter:
    """Cuts journald's export format where messages end. A message is fields and an empty line; a field is `NAME=value`, or a
    name, its length in 8 bytes and the bytes. Source: systemd.io/JOURNAL_EXPORT_FORMATS."""

    def __init__(self) -> None:
        self._rest = b""
        self._at = 0
        self._over = False

    def feed(self, data: bytes) -> Iterator[bytes | None]:
        """The whole messages, each with the empty line behind it; None for one that is too long."""
        self._rest += data
        begin = 0
        while True:
            end = self._end(begin)
            if end is None:
                break
            yield None if self._over else self._rest[begin:end]
            self._over = False
            begin = self._at = end
        self._rest, self._at = self._rest[begin:], self._at - begin
        if len(self._rest) > _MOST:  # what is left of it is looked over, not kept
            self._over = True
            begin = min(self._at, len(self._rest))
            self._rest, self._at = self._rest[begin:], self._at - begin
            self._rest = self._rest if len(self._rest) <= _MOST else self._rest[:256]

    def _end(self, begin: int) -> int | None:
        """Where the message at `begin` ends; None: not here. `_at` is the first field that was not looked at."""
        rest = self._rest
        while True:
            at = self._at
            stop = rest.find(b"\n", at) + 1
            if not stop:
                return None
            if stop == at + 1:
                if at > begin or self._over:
                    return stop
                self._at = stop  # an empty line before a message belongs to it
            elif rest.find(b"=", at, stop) >= 0:
                self._at = stop
            else:
                if len(rest) < stop + 8:
                    return None
                past = stop + 8 + int.from_bytes(rest[stop : stop + 8], "little") + 1
                if past > len(rest) and past - begin <= _MOST:
                    return None
                self._at = past
                if past > len(rest):
                    return None


_CURSOR: Final = re.compile(rb"^__CURSOR=([^\n]+)$", re.MULTILINE)
_DROPPED: Final = re.compile(rb"^MESSAGE=Missed (\d{1,18}) kernel messages", re.MULTILINE)


def missed(message: bytes) -> int:
    """How many of the kernel's messages journald says it missed; only journald itself can say so."""
    if f"MESSAGE_ID={_MISSED}\n".encode() not in message or b"\n_TRANSPORT=driver\n" not in message:
        return 0
    found = _DROPPED.search(message)
    return int(found[1]) if found else 0


class _Journald:
    def __init__(self, given: Given, host: Host) -> None:
        self.given, self.tell = given, host.tell
        self.feed = host.desk.feed(given.name, given["sensor"], told=host.told)
        self.last = 0.0
        self._cutter = Cutter()

    def run(self, stop: threading.Event) -> None:
        command = shutil.which("journalctl")
        if command is None:
            raise InputError("journalctl is not there.", hint='This machine has no journal: follow its log with kind = "file".')
        mark = self.feed.mark
        cursor = str(mark["cursor"]) if isinstance(mark, dict) and "cursor" in mark else None
        # with --after-cursor, journalctl leaves one too many out where the cursor's own message is gone by now
        words = [command, "--quiet", "--no-pager", "--output=export", f"--output-fields={_FIELDS}", "--follow", "--no-tail"]
        words += [f"--cursor={cursor}"] if cursor else []
        if self.given["directory"] is not None:
            words += [f"--directory={self.given.base / self.given['directory']}"]
        environment = {**os.environ, "LC_ALL": "C"}
        child = subprocess.Popen(
            [*words, "--", *self.given["matches"]], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=environment,
        )  # fmt: skip
        try:
            self._read(child, cursor, stop)
        finally:
            child.kill()
            child.communicate()

    def _read(self, child: subprocess.Popen[bytes], cursor: str | None, stop: threading.Event) -> None:
        assert child.stdout is not None and child.stderr is not None
        self._cutter = Cutter()
        told = b""
        while not stop.is_set():
            ready = select.select([child.stdout, child.stderr], [], [], 0.2)[0]
            if child.stderr in ready:
                piece = os.read(child.stderr.fileno(), 4096)
                told = (told + piece)[-1000:]
            if child.stdout in ready:
                data = os.read(child.stdout.fileno(), _PIECE)
                if not data:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        child.wait(5)
                    told = (told + (os.read(child.stderr.fileno(), 1000) if child.poll() is not None else b""))[-1000:]
                    said = told.decode(errors="replace").strip().splitlines()
                    raise InputError(
                        f"journalctl ended ({child.returncode}): {said[-1] if said else 'it says nothing'}.",
                        hint="May this user read the journal? The group systemd-journal may.",
                    )
                cursor = self._put(data, cursor, stop)

    def _put(self, data: bytes, cursor: str | None, stop: threading.Event) -> str | None:
        block, counts = [], {"received": 0, "refused": 0, "dropped_kernel": 0}
        newest = cursor
        for message in self._cutter.feed(data):
            found = _CURSOR.search(message) if message is not None else None
            if message is not None and found is not None and found[1].decode(errors="replace") == cursor:
                cursor = None
                continue  # the last one of the run before
            counts["received"] += 1
            if message is None or found is None:
                counts["refused"] += 1
                continue
            newest = found[1].decode(errors="replace")
            counts["dropped_kernel"] += missed(message)
            block.append(message)
        if block or counts["refused"]:
            mark = {"cursor": newest} if newest else None
            if self.feed.put(b"".join(block), mark=mark, stop=stop, **counts) < 0:
                return cursor
            self.last = time.time()
            return None
        return cursor

    def status(self) -> Mapping[str, Any]:
        return {"last": self.last}


def open(given: Given, host: Host) -> _Journald:
    return _Journald(given, host)
