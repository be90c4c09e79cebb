"""The last look before a report is written: does any file of it name an address that must not be named?

A destination is the observer's own address. Here every token of every file that could be an address (dotted, with
dashes, hexadecimal, reversed as in the DNS, IPv6 in any of its spellings) is read as one and looked up.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Collection, Iterable, Iterator, Mapping

_DOTTED = re.compile(r"(?=(?<!\d)((\d{1,3})([.\-])(\d{1,3})\3(\d{1,3})\3(\d{1,3}))(?!\d))")
_HEX = re.compile(r"(?<![0-9A-Za-z])(?:0x)?([0-9A-Fa-f]{8}|[0-9A-Fa-f]{32})(?![0-9A-Za-z])")
_COLONS = re.compile(r"(?<![0-9A-Za-z:])[0-9A-Fa-f:]{2,39}(?:\d{1,3}(?:\.\d{1,3}){3})?(?![0-9A-Za-z:])")
_NIBBLES = re.compile(r"(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]\.){31}[0-9A-Fa-f](?![0-9A-Fa-f])")


def _spoken(text: str) -> Iterator[bytes]:
    """Every address that the text may be spelling, packed."""
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


def _texts(name: str, content: bytes) -> Iterator[str]:
    """What can be read in a file: of a PNG every chunk but the pixels, of a font nothing, else all of it."""
    if name.endswith(".woff2"):
        return
    if name.endswith(".png"):
        at = 8
        while at + 8 <= len(content):
            size, kind = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
            if kind != b"IDAT":
                yield content[at + 8 : at + 8 + size].decode("latin-1")
            at += 12 + size
        return
    yield content.decode("utf-8", "replace")


def find(files: Mapping[str, bytes], addresses: Collection[bytes]) -> str | None:
    """The name of the first file that spells one of the (packed) addresses; None where none does."""
    secret = set(addresses)
    for name, content in files.items():
        for text in (name, *_texts(name, content)):
            if any(packed in secret for packed in _spoken(text)):
                return name
    return None


def packed(addresses: Iterable[str]) -> set[bytes]:
    """Addresses as text -> packed."""
    return {socket.inet_pton(socket.AF_INET6 if ":" in a else socket.AF_INET, a) for a in addresses}
