"""What is spoken at which port: a file each in data/services/, declared, not programmed.

    name = "telnet"                  a file's own name
    ports = [23, 2323]               where it is spoken from the first word on
    whole = "line"                   when a message is complete: any (each piece that comes), line, http, netbios, adb
    knows = ["GET "]                 how a first message begins by which it is known at ports that no service has
    greeting = "login: "             said first, where the server does
    [[say]]                          the first one that fits is said
    to = 0                           the number of the message (the first is 0); without it, any
    starts = "..."  has = "..."      what the message begins with, what it holds (small and capital letters alike)
    answer = "Password: "            nothing: silence
    close = true                     and then the connection ends

Texts are bytes: each letter up to U+00FF is one (`\\u00ff` is the byte ff). In an answer, `<<header CSeq>>` is the value of the
message's header of that name, `<<bytes 4 8>>` bytes 4 to 7 of it, `<<index A>>` the place (two bytes, little end first) of the
text A in an SMB dialect list, `<<filetime>>` the time as Windows counts it. There are no patterns: nothing that a sender
chooses can make a match slow.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

from teiten.errors import UsageError

MOST: Final = 1 << 16
"""bytes of a message, at most, that is waited for"""
MOST_ANSWER: Final = 1024
_EPOCH: Final = 11_644_473_600
"""seconds from 1601, where Windows begins to count, to 1970"""
_SLOT: Final = re.compile(rb"<<([a-z]+)((?: [^<>]+)?)>>")
_HEADERS: Final = 8192
"""bytes at the beginning of a message in which a header is looked for"""
_KEYS: Final = {"name", "ports", "whole", "knows", "greeting", "say", "en", "ja", "source"}
_SAY_KEYS: Final = {"to", "starts", "has", "answer", "close"}


@dataclass(frozen=True, slots=True)
class Say:
    """What is said to which message."""

    to: int | None
    starts: bytes
    has: bytes
    """in small letters"""
    answer: bytes
    close: bool

    def fits(self, number: int, message: bytes) -> bool:
        return (
            (self.to is None or self.to == number)
            and message.startswith(self.starts)
            and (not self.has or self.has in message.lower())
        )

    def bytes(self, message: bytes, now: float) -> bytes:
        """The answer to that message, its slots filled."""
        return _SLOT.sub(lambda slot: _FILL[slot[1]](message, slot[2].strip(), now), self.answer)


@dataclass(frozen=True, slots=True)
class Service:
    """One service."""

    name: str
    ports: tuple[int, ...] = ()
    whole: str = "any"
    knows: tuple[bytes, ...] = ()
    greeting: bytes = b""
    says: tuple[Say, ...] = ()

    def complete(self, data: bytes) -> int:
        """Bytes of the first message of `data`; 0 while it is not complete."""
        return len(data) if len(data) >= MOST else _WHOLE[self.whole](data)

    def say(self, number: int, message: bytes) -> Say | None:
        """What is said to that message; None: nothing."""
        return next((one for one in self.says if one.fits(number, message)), None)


SILENT: Final = Service("none")
"""what is spoken where nothing is known: it listens"""


@dataclass(frozen=True, slots=True)
class Services:
    """All of them, by port and by how a first message begins."""

    by_port: Mapping[int, Service]
    known: tuple[tuple[bytes, Service], ...]

    def at(self, port: int) -> Service:
        return self.by_port.get(port, SILENT)

    def guess(self, message: bytes) -> Service:
        """The service whose first message begins so; SILENT where none does."""
        return next((service for start, service in self.known if message.startswith(start)), SILENT)


def load(folders: tuple[Path, ...] = ()) -> Services:
    """The package's services, and the user's in those folders (*.toml), which come first. UsageError."""
    found: dict[str, Service] = {}
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"There is no folder {folder} of services.", hint="Check [station.input.NAME] services.")
        for file in sorted(folder.glob("*.toml")):
            found.setdefault(file.stem, read(file.stem, file.read_text("utf-8"), str(file)))
    for name, service in _own().items():
        found.setdefault(name, service)
    by_port: dict[int, Service] = {}
    for service in found.values():
        for port in service.ports:
            by_port.setdefault(port, service)
    known = [(start, service) for service in found.values() for start in service.knows]
    return Services(by_port, tuple(sorted(known, key=lambda pair: -len(pair[0]))))


@cache
def _own() -> Mapping[str, Service]:
    folder = resources.files("teiten.data") / "services"
    files = sorted((one for one in folder.iterdir() if one.name.endswith(".toml")), key=lambda one: one.name)
    return {one.name[:-5]: read(one.name[:-5], one.read_text("utf-8"), one.name) for one in files}


def read(name: str, text: str, where: str) -> Service:
    """One file. UsageError, with what is wrong where."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{where}: {error}.") from None
    _known(table, _KEYS, where)
    ports = table.get("ports", [])
    if not isinstance(ports, list) or not all(isinstance(p, int) and 0 < p < 65536 for p in ports):
        raise UsageError(f"{where}: ports is a list of numbers from 1 to 65535.")
    if table.get("whole", "any") not in _WHOLE:
        raise UsageError(f"{where}: whole is one of {', '.join(_WHOLE)}.")
    says = table.get("say", [])
    if not isinstance(says, list) or not all(isinstance(one, dict) for one in says):
        raise UsageError(f"{where}: [[say]] is a list of tables.")
    knows = table.get("knows", [])
    if not isinstance(knows, list):
        raise UsageError(f"{where}: knows is a list of texts.")
    return Service(
        name,
        tuple(ports),
        table.get("whole", "any"),
        tuple(_bytes(one, f"{where}: knows") for one in knows),
        _bytes(table.get("greeting", ""), f"{where}: greeting"),
        tuple(_say(one, f"{where}: say {n}") for n, one in enumerate(says, 1)),
    )


def _say(table: Mapping[str, Any], where: str) -> Say:
    _known(table, _SAY_KEYS, where)
    to, close = table.get("to"), table.get("close", False)
    if not (to is None or isinstance(to, int)) or not isinstance(close, bool):
        raise UsageError(f"{where}: to is a number, close true or false.")
    answer = _bytes(table.get("answer", ""), f"{where}: answer")
    for slot in _SLOT.finditer(answer):
        if slot[1] not in _FILL:
            raise UsageError(f"{where}: <<{slot[1].decode()}>> is unknown.", hint="There are header, bytes, index, filetime.")
        if slot[1] == b"bytes" and not re.fullmatch(rb" \d{1,5} \d{1,5}", slot[2]):
            raise UsageError(f"{where}: <<bytes FROM TO>> wants two numbers.")
    starts, has = (_bytes(table.get(key, ""), f"{where}: {key}") for key in ("starts", "has"))
    return Say(to, starts, has.lower(), answer, close)


def _known(table: Mapping[str, Any], keys: set[str], where: str) -> None:
    for key in table:
        if key not in keys:
            raise UsageError(f"{where}: '{key}' is unknown.", hint=f"There are {', '.join(sorted(keys))}.")


def _bytes(text: Any, where: str) -> bytes:
    if not isinstance(text, str):
        raise UsageError(f"{where} must be a text.")
    try:
        out = text.encode("latin-1")
    except UnicodeEncodeError:
        raise UsageError(f"{where}: a letter beyond U+00FF is no byte.", hint="Write its UTF-8 bytes, as \\u00e3.") from None
    if len(out) > MOST_ANSWER:
        raise UsageError(f"{where}: more than {MOST_ANSWER} bytes.")
    return out


# when a message is complete -----------------------------------------------------------------------------------------------


def _line(data: bytes) -> int:
    """A line with its end: CR LF, LF, CR NUL (telnet), or a CR that is last."""
    for place, byte in enumerate(data):
        if byte == 0x0A:
            return place + 1
        if byte == 0x0D:
            return place + (2 if data[place + 1 : place + 2] in (b"\n", b"\0") else 1)
    return 0


def _http(data: bytes) -> int:
    """Head and body, by Content-Length; a body in chunks: up to its last."""
    head = data.find(b"\r\n\r\n")
    end = head + 4
    if head < 0:
        head = data.find(b"\n\n")
        end = head + 2
    if head < 0:
        return 0
    if (length := header(data[:head], b"content-length")).isdigit():
        return end + int(length[:9]) if len(data) >= end + int(length[:9]) else 0
    if b"chunked" in header(data[:head], b"transfer-encoding").lower():
        last = data.find(b"0\r\n\r\n", end)
        return last + 5 if last >= 0 else 0
    return end


def _netbios(data: bytes) -> int:
    """SMB over TCP: a zero byte, three of length."""
    if len(data) < 4:
        return 0
    size = 4 + int.from_bytes(data[1:4], "big")
    return size if len(data) >= size else 0


def _adb(data: bytes) -> int:
    """An ADB message: 24 bytes, of which 12 to 15 say how many follow."""
    if len(data) < 24:
        return 0
    size = 24 + int.from_bytes(data[12:16], "little")
    return size if len(data) >= size else 0


_WHOLE: Final[Mapping[str, Callable[[bytes], int]]] = {
    "any": len, "line": _line, "http": _http, "netbios": _netbios, "adb": _adb,
}  # fmt: skip


# what stands in an answer's slots -------------------------------------------------------------------------------------------


def header(message: bytes, name: bytes) -> bytes:
    """The value of a header, as HTTP, RTSP and SIP write them; empty where there is none."""
    wanted = name.lower() + b":"
    for line in message[:_HEADERS].split(b"\n")[1:]:
        if line[: len(wanted)].lower() == wanted:
            return line[len(wanted) :].strip()
        if not line.strip():
            break
    return b""


def _header(message: bytes, name: bytes, _: float) -> bytes:
    value = header(message, name)[:256]
    return bytes(byte for byte in value if 0x20 <= byte < 0x7F)


def _slice(message: bytes, places: bytes, _: float) -> bytes:
    start, end = (int(one) for one in places.split())
    return message[start:end].ljust(max(0, end - start), b"\0")


def _index(message: bytes, text: bytes, _: float) -> bytes:
    """SMB 1: after the header and the count of bytes, dialects, each 02, its text, 00."""
    names = [one.partition(b"\0")[0] for one in message[39:].split(b"\x02")[1:]]
    return (names.index(text) if text in names else 0xFFFF).to_bytes(2, "little")


def _filetime(_: bytes, __: bytes, now: float) -> bytes:
    return int((now + _EPOCH) * 1e7).to_bytes(8, "little")


_FILL: Final[Mapping[bytes, Callable[[bytes, bytes, float], bytes]]] = {
    b"header": _header, b"bytes": _slice, b"index": _index, b"filetime": _filetime,
}  # fmt: skip
