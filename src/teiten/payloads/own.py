"""The observer's own addresses in what was sent to them, covered: a Host: header holds where a request went.

    own.covered(b"GET / HTTP/1.1\\r\\nHost: 198.51.100.1", {bytes([198, 51, 100, 1])})   b"... Host: ***.***.***.***"

Every payload is covered as soon as it is read, before it is hashed, grouped or shown: of a hash of the whole, an address that
is all that is not known of it could be found by trying. Covered are addresses as text (dotted, with dashes, turned round, IPv6
in its spellings), as a number, in hexadecimal, and as the bytes themselves. What is written in yet another way is looked for
where a payload is told (`publish.said`).
"""

from __future__ import annotations

import re
import socket
from collections.abc import Collection
from typing import Final

import numpy as np

V4: Final = b"***.***.***.***"
V6: Final = b":".join([b"****"] * 8)
_DOTTED: Final = re.compile(rb"(?<!\d)(\d{1,3})([.\-_])(\d{1,3})\2(\d{1,3})\2(\d{1,3})(?!\d)")
_COLONS: Final = re.compile(
    rb"(?<![0-9A-Za-z:])(?=[0-9A-Fa-f]{0,4}:)[0-9A-Fa-f:]{2,39}(?:\d{1,3}(?:\.\d{1,3}){3})?(?![0-9A-Za-z:])"
)
_HEX: Final = re.compile(rb"(?<![0-9A-Za-z])(?:0[xX])?(?:[0-9A-Fa-f]{32}|[0-9A-Fa-f]{8})(?![0-9A-Za-z])")
_NUMBER: Final = re.compile(rb"(?<![0-9A-Za-z.])[1-9]\d{7,9}(?![0-9A-Za-z])")
_FEW: Final = 32
"""addresses up to which each one's bytes are looked for, one after the other"""


def covered(data: bytes, own: Collection[bytes]) -> bytes:
    """The payload without them. own: packed addresses; a binary keeps its length."""
    secret = own if isinstance(own, set | frozenset) else frozenset(own)
    if not secret:
        return data
    keeps = b"\0" in data[:1024]

    def stars(found: re.Match[bytes], mask: bytes) -> bytes:
        return b"*" * len(found[0]) if keeps else mask

    def dotted(found: re.Match[bytes]) -> bytes:
        numbers = [int(found[n]) for n in (1, 3, 4, 5)]
        ours = max(numbers) < 256 and (bytes(numbers) in secret or bytes(reversed(numbers)) in secret)
        return stars(found, V4) if ours else found[0]

    def colons(found: re.Match[bytes]) -> bytes:
        try:
            packed = socket.inet_pton(socket.AF_INET6, found[0].decode("ascii"))
        except OSError:
            return found[0]
        inner = packed[12:] if packed[:12] == _MAPPED else packed
        return stars(found, V6) if packed in secret or inner in secret else found[0]

    def spelt(found: re.Match[bytes]) -> bytes:
        packed = bytes.fromhex(found[0].removeprefix(b"0x").removeprefix(b"0X").decode("ascii"))
        return b"*" * len(found[0]) if packed in secret or packed[::-1] in secret else found[0]

    def number(found: re.Match[bytes]) -> bytes:
        value = int(found[0])
        ours = value < 1 << 32 and (value.to_bytes(4, "big") in secret or value.to_bytes(4, "little") in secret)
        return b"*" * len(found[0]) if ours else found[0]

    for pattern, by in ((_DOTTED, dotted), (_COLONS, colons), (_HEX, spelt), (_NUMBER, number)):
        data = pattern.sub(by, data)
    return _without_bytes(data, secret)


_MAPPED: Final = bytes(10) + b"\xff\xff"


def _without_bytes(data: bytes, secret: Collection[bytes]) -> bytes:
    """Without the addresses' bytes, as they are and turned round."""
    if len(secret) <= _FEW:
        for one in secret:
            for form in (one, one[::-1]):
                data = data.replace(form, b"*" * len(form))
        return data
    for size in (4, 16):
        wanted = [form for one in secret if len(one) == size for form in (one, one[::-1])]
        if not wanted or len(data) < size:
            continue
        # of a long address, its last four bytes are looked for first
        known = np.unique(np.frombuffer(b"".join(form[-4:] for form in wanted), dtype=">u4"))
        windows = np.lib.stride_tricks.sliding_window_view(np.frombuffer(data, np.uint8), 4)
        numbers = windows.astype(np.uint32) @ np.array([1 << 24, 1 << 16, 1 << 8, 1], np.uint32)
        places = np.flatnonzero(np.isin(numbers, known.astype(np.uint32)))
        forms, out = frozenset(wanted), bytearray(data)
        for place in places.tolist():
            begin = place + 4 - size
            if begin >= 0 and bytes(data[begin : begin + size]) in forms:
                out[begin : begin + size] = b"*" * size
        data = bytes(out)
    return data
