"""The last look before a report is written: does any file of it name an address that must not be named?

A destination is the observer's own address. Here every token of every file that could be an address (dotted, with
dashes, as a number in hexadecimal or decimal, reversed as in the DNS, IPv6 in any of its spellings, escaped for HTML or an
address of the web) is read as one and looked up; long hexadecimal texts, such as a payload's, are searched for one inside.
"""

from __future__ import annotations

import io
import re
import socket
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Final

_DOTTED = re.compile(r"(?=(?<!\d)((\d{1,3})([.\-])(\d{1,3})\3(\d{1,3})\3(\d{1,3}))(?!\d))")
_HEX = re.compile(r"(?<![0-9A-Za-z])(?:0x)?([0-9A-Fa-f]{8}|[0-9A-Fa-f]{32})(?![0-9A-Za-z])")
_LONG_HEX = re.compile(r"(?<![0-9A-Za-z])(?:0x)?((?:[0-9A-Fa-f]{2}){5,})(?![0-9A-Za-z])")
_DIGEST: Final = 64
"""digits of a SHA-256, of which manifests hold many: no bytes of a packet"""
_DECIMAL = re.compile(r"(?<![0-9A-Za-z.,_-])([1-9]\d{7,9})(?![0-9A-Za-z]|[.,_-]\d)")
"""a whole number as large as an address: Mirai's sequence number is one"""
_ROUND: Final = 4
"""noughts at its end that a number needs not to be taken for an address: a figure that was rounded has them"""
_SMALL: Final = 1 << 24
_MANY: Final = 4096
"""addresses beyond which decimal numbers are not looked up: with so many, a true count would be taken for one"""
_ESCAPED = re.compile(r"&#(?:x[0-9A-Fa-f]{2}|\d{2,3});|%[0-9A-Fa-f]{2}")
_COLONS = re.compile(r"(?<![0-9A-Za-z:])[0-9A-Fa-f:]{2,39}(?:\d{1,3}(?:\.\d{1,3}){3})?(?![0-9A-Za-z:])")
_NIBBLES = re.compile(r"(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]\.){31}[0-9A-Fa-f](?![0-9A-Fa-f])")


def _spoken(text: str, decimal: bool = True) -> Iterator[bytes]:
    """Every address that the text may be spelling, packed."""
    if _ESCAPED.search(text):
        # a dot as &#46; or %2e
        yield from _spoken(_ESCAPED.sub(_letter, text), decimal)
    for match in _DECIMAL.finditer(text) if decimal else ():
        number = int(match[1])
        if _SMALL <= number < 1 << 32 and number % 10**_ROUND:
            yield number.to_bytes(4, "big")
            yield number.to_bytes(4, "little")
    for match in _DOTTED.finditer(text):
        numbers = [int(match[i]) for i in (2, 4, 5, 6)]
        if max(numbers) < 256:
            yield bytes(numbers)
            yield bytes(reversed(numbers))
    for match in _HEX.finditer(text):
        # eight plain digits are a count, not an address
        if len(match[1]) > 8 or not match[1].isdecimal() or match[0].startswith("0x"):
            packed = bytes.fromhex(match[1])
            yield packed
            yield packed[::-1]
    for match in _LONG_HEX.finditer(text):
        # bytes of a packet: an address may lie anywhere in them (digits alone are a number)
        if len(match[1]) != _DIGEST and (not match[1].isdecimal() or match[0].startswith("0x")):
            data = bytes.fromhex(match[1])
            yield from (data[at : at + size] for size in (4, 16) for at in range(len(data) - size + 1))
    for match in _COLONS.finditer(text):
        if match[0].count(":") >= 2:
            try:
                yield socket.inet_pton(socket.AF_INET6, match[0])
            except OSError:
                continue
    for match in _NIBBLES.finditer(text):
        nibbles = match[0].replace(".", "")
        yield bytes.fromhex(nibbles[::-1])
        yield bytes.fromhex(nibbles)


def _letter(match: re.Match[str]) -> str:
    text = match[0]
    code = int(text[1:], 16) if text[0] == "%" else int(text[3:-1], 16) if text[2] == "x" else int(text[2:-1])
    return chr(code) if 32 < code < 127 else " "


def _texts(name: str, content: bytes) -> Iterator[str]:
    """What can be read in a file: of a picture all but its pixels, of Parquet its cells, of a PDF its text, of a font nothing,
    else all of it."""
    if name.endswith(".woff2"):
        return
    magic, parts = next((found for ending, found in _BINARY.items() if name.endswith(ending)), (b"", None))
    if parts is None or not content.startswith(magic):
        yield content.decode("utf-8", "replace")
        return
    for part in parts(content):
        yield part.decode("latin-1")
        yield part.decode("utf-8", "replace")


def _png(data: bytes) -> Iterator[bytes]:
    """Every chunk but pixels (IDAT, and fdAT of an APNG), and what follows the last."""
    at = 8
    while at + 8 <= len(data):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if kind not in (b"IDAT", b"fdAT"):
            yield data[at + 8 : at + 8 + size]
        at += 12 + size
        if kind == b"IEND":
            break
    yield data[at:]


def _gif(data: bytes) -> Iterator[bytes]:
    """Comments, texts and the applications' extensions (GIF89a), and what follows the end."""
    at = 13 + (3 << (data[10] & 7) + 1 if len(data) > 10 and data[10] & 0x80 else 0)
    while at < len(data) and data[at] in (0x21, 0x2C):
        said = data[at] == 0x21
        if said:
            at += 2
        else:
            colours = data[at + 9] if at + 9 < len(data) else 0
            at += 11 + (3 << (colours & 7) + 1 if colours & 0x80 else 0)
        text = bytearray()
        while at < len(data) and data[at]:
            text += data[at + 1 : at + 1 + data[at]]
            at += 1 + data[at]
        at += 1
        if said:
            yield bytes(text)
    yield data[at:]


def _webp(data: bytes) -> Iterator[bytes]:
    """Every chunk but pixels, those inside a frame too, and what follows the file's end (RIFF)."""
    yield from _riff(data[12 : 8 + int.from_bytes(data[4:8], "little")])
    yield data[8 + int.from_bytes(data[4:8], "little") :]


def _riff(data: bytes) -> Iterator[bytes]:
    at = 0
    while at + 8 <= len(data):
        kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        body = data[at + 8 : at + 8 + size]
        if kind == b"ANMF":
            yield from _riff(body[16:])
        elif kind not in (b"VP8 ", b"VP8L", b"ALPH"):
            yield body
        at += 8 + size + size % 2


def _parquet(data: bytes) -> Iterator[bytes]:
    """The names of columns, every cell, and what else its writer noted."""
    import polars as pl

    yield pl.read_parquet(data).write_csv().encode()
    yield repr(pl.read_parquet_metadata(io.BytesIO(data))).encode()


_STREAM: Final = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
_GLYPH: Final = re.compile(rb"<([0-9A-F]{4})> <([0-9A-F]+)>")
_SHOWN: Final = re.compile(rb"<([0-9A-Fa-f]*)>\s*Tj")
_WIDE: Final = re.compile(rb"<FEFF([0-9A-F]*)>")
_DIGITS: Final = re.compile(rb"<[0-9A-Fa-f]{16,}>")


def _pdf(data: bytes) -> Iterator[bytes]:
    """What its pages show, by its own table of letters, and what its dictionaries say (metadata, links, descriptions)."""
    streams = []
    for match in _STREAM.finditer(data):
        try:
            streams.append(zlib.decompress(match[1]))
        except zlib.error:
            streams.append(match[1])
    letters = {m[1]: m[2] for s in streams if b"beginbfchar" in s for m in _GLYPH.finditer(s)}
    for stream in streams:
        if b"beginbfchar" in stream or b"begincmap" in stream:
            continue
        shown = [m[1] for m in _SHOWN.finditer(stream)]
        said = (b"".join(letters.get(one[n : n + 4].upper(), b"FFFD") for n in range(0, len(one), 4)) for one in shown)
        yield "\n".join(bytes.fromhex(s.decode()).decode("utf-16-be", "replace") for s in said).encode()
        if b"<x:xmpmeta" in stream:
            yield stream
    rest = _DIGITS.sub(b"", _WIDE.sub(_narrow, _STREAM.sub(b"", data)))
    # the list of places at the end is numbers alone
    yield rest[: rest.rfind(b"\nxref\n")] + rest[rest.rfind(b"trailer") :]


def _narrow(match: re.Match[bytes]) -> bytes:
    return b"(" + bytes.fromhex(match[1].decode()).decode("utf-16-be", "replace").encode() + b")"


_BINARY: Final[dict[str, tuple[bytes, Callable[[bytes], Iterator[bytes]]]]] = {
    ".png": (b"\x89PNG\r\n\x1a\n", _png),
    ".apng": (b"\x89PNG\r\n\x1a\n", _png),
    ".gif": (b"GIF8", _gif),
    ".webp": (b"RIFF", _webp),
    ".parquet": (b"PAR1", _parquet),
    ".pdf": (b"%PDF-", _pdf),
}


def find(files: Mapping[str, bytes], addresses: Collection[bytes]) -> str | None:
    """The name of the first file that spells one of the (packed) addresses; None where none does."""
    secret = set(addresses)
    decimal = len(secret) <= _MANY
    for name, content in files.items():
        for text in (name, *_texts(name, content)):
            if any(packed in secret for packed in _spoken(text, decimal)):
                return name
    return None


def packed(addresses: Iterable[str]) -> set[bytes]:
    """Addresses as text -> packed."""
    return {socket.inet_pton(socket.AF_INET6 if ":" in a else socket.AF_INET, a) for a in addresses}
