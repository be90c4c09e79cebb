"""What a TLS client says first: version, name, protocols, and the fingerprints JA3 and JA4.

JA3: the MD5 of version, ciphers, extensions, curves and point formats in the order sent (Salesforce, 2017). JA4: counts, and
two hashes over what is sorted first, so that a client that shuffles its extensions stays one (FoxIO, 2023; the TLS client's
fingerprint is under BSD-3-Clause). GREASE values (RFC 8701) count in neither.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

_VERSIONS: Final = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", 0x0002: "s2"}
_NONE: Final = "000000000000"
_MOST: Final = 1 << 16


class _Reader:
    """Goes over bytes; ValueError where they end too early."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, size: int) -> bytes:
        if size < 0 or self.at + size > len(self.data):
            raise ValueError("cut short")
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def block(self, size: int) -> bytes:
        """What follows a length of `size` bytes."""
        return self.take(self.number(size))

    @property
    def left(self) -> int:
        return len(self.data) - self.at


def is_hello(data: bytes) -> bool:
    """Does it begin as a TLS record with a ClientHello does?"""
    return len(data) >= 6 and data[0] == 0x16 and data[1] == 3 and data[5] == 1


def facts(data: bytes) -> dict[str, Any] | None:
    """sni, alpn, ja3 and ja4 of a ClientHello; None where it is none, or is not whole."""
    if not is_hello(data):
        return None
    try:
        return _facts(_message(data))
    except ValueError:
        return None


def _message(data: bytes) -> bytes:
    """The handshake message, put together from its records."""
    reader, out = _Reader(data), b""
    while len(out) < 4 or len(out) < 4 + int.from_bytes(out[1:4], "big"):
        if reader.number(1) != 0x16 or len(out) > _MOST:
            raise ValueError("no handshake record")
        reader.take(2)
        piece = reader.block(2)
        if not piece:
            raise ValueError("an empty record")
        out += piece
    return out[4 : 4 + int.from_bytes(out[1:4], "big")]


def _facts(message: bytes) -> dict[str, Any]:
    reader = _Reader(message)
    version = reader.number(2)
    reader.take(32)
    reader.block(1)
    ciphers = _pairs(reader.block(2))
    reader.block(1)
    extensions: list[tuple[int, bytes]] = []
    if reader.left:
        inner = _Reader(reader.block(2))
        while inner.left:
            kind = inner.number(2)
            extensions.append((kind, inner.block(2)))
    told = dict(reversed(extensions))
    sni, alpn = _name(told.get(0)), _protocols(told.get(16))
    curves = _pairs(_Reader(told[10]).block(2)) if 10 in told else []
    points = list(_Reader(told[11]).block(1)) if 11 in told else []
    kinds = [kind for kind, _ in extensions if not _grease(kind)]
    out: dict[str, Any] = {}
    if sni is not None:
        out["sni"] = sni
    if alpn:
        out["alpn"] = [one.decode("ascii", "backslashreplace") for one in alpn]
    lists = (ciphers, kinds, curves, points)
    text = ",".join([str(version), *("-".join(str(n) for n in one if not _grease(n)) for one in lists)])
    out["ja3"] = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    out["ja4"] = _ja4(version, [c for c in ciphers if not _grease(c)], kinds, told, alpn)
    return out


def _ja4(version: int, ciphers: list[int], kinds: list[int], told: dict[int, bytes], alpn: list[bytes]) -> str:
    if 43 in told:
        version = max((v for v in _pairs(_Reader(told[43]).block(1)) if not _grease(v)), default=version)
    signed = _pairs(_Reader(told[13]).block(2)) if 13 in told else []
    head = (
        f"t{_VERSIONS.get(version, '00')}{'d' if 0 in kinds else 'i'}{min(len(ciphers), 99):02}{min(len(kinds), 99):02}"
        f"{_ends(alpn[0]) if alpn and alpn[0] else '00'}"
    )
    third = _hexes(sorted(kind for kind in kinds if kind not in (0, 16)))
    if signed:
        third += "_" + _hexes([one for one in signed if not _grease(one)])
    return f"{head}_{_short(_hexes(sorted(ciphers)))}_{_short(third) if kinds else _NONE}"


def _ends(protocol: bytes) -> str:
    """The first and last letter of a protocol's name, or of its hexadecimal digits where those are none."""
    first, last = chr(protocol[0]), chr(protocol[-1])
    if first.isascii() and first.isalnum() and last.isascii() and last.isalnum():
        return first + last
    digits = protocol.hex()
    return digits[0] + digits[-1]


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12] if text else _NONE


def _hexes(numbers: list[int]) -> str:
    return ",".join(f"{n:04x}" for n in numbers)


def _grease(number: int) -> bool:
    return number > 0xFF and number & 0x0F0F == 0x0A0A and number >> 8 == number & 0xFF


def _pairs(data: bytes) -> list[int]:
    return [int.from_bytes(data[n : n + 2], "big") for n in range(0, len(data) - 1, 2)]


def _name(data: bytes | None) -> str | None:
    if not data:
        return None
    reader = _Reader(_Reader(data).block(2))
    while reader.left:
        kind, name = reader.number(1), reader.block(2)
        if kind == 0:
            return name.decode("ascii", "backslashreplace")[:255]
    return None


def _protocols(data: bytes | None) -> list[bytes]:
    if not data:
        return []
    reader, out = _Reader(_Reader(data).block(2)), []
    while reader.left:
        out.append(reader.block(1))
    return out
