"""Names in a TLS certificate (X.509, DER), read without a cryptographic library: issuer and subject alone."""

from __future__ import annotations

from typing import Final

MOST: Final = 1 << 16
_OIDS: Final = {
    b"\x55\x04\x03": "CN", b"\x55\x04\x06": "C", b"\x55\x04\x07": "L", b"\x55\x04\x08": "ST", b"\x55\x04\x0a": "O",
    b"\x55\x04\x0b": "OU",
}  # fmt: skip
_WIDE: Final = {0x1E: "utf-16-be", 0x1C: "utf-32-be", 0x0C: "utf-8"}


def names(der: bytes) -> tuple[str | None, str | None]:
    """Subject and issuer as CN=..., O=...; None for what cannot be read. Never raises: the bytes are a stranger's."""
    try:
        return _names(der[:MOST])
    except (ValueError, IndexError):
        return None, None


def _names(der: bytes) -> tuple[str | None, str | None]:
    _, whole, _ = _item(der, 0)
    _, body, _ = _item(whole, 0)
    tag, _, at = _item(body, 0)
    if tag == 0xA0:  # the version, which is left out of certificates of version 1
        _, _, at = _item(body, at)
    _, _, at = _item(body, at)
    _, issuer, at = _item(body, at)
    _, _, at = _item(body, at)
    _, subject, _ = _item(body, at)
    return _name(subject), _name(issuer)


def _item(data: bytes, at: int) -> tuple[int, bytes, int]:
    """Tag, value, and where the next one begins. ValueError where it does not fit."""
    tag, length = data[at], data[at + 1]
    at += 2
    if length & 0x80:
        size = length & 0x7F
        if not 1 <= size <= 4:
            raise ValueError("a length of another kind")
        length, at = int.from_bytes(data[at : at + size], "big"), at + size
    if at + length > len(data):
        raise ValueError("cut")
    return tag, data[at : at + length], at + length


def _name(data: bytes) -> str | None:
    parts: list[str] = []
    at = 0
    while at < len(data) and len(parts) < 32:
        _, several, at = _item(data, at)
        inner = 0
        while inner < len(several):
            _, one, inner = _item(several, inner)
            _, oid, after = _item(one, 0)
            tag, value, _ = _item(one, after)
            if oid in _OIDS:
                parts.append(f"{_OIDS[oid]}={value.decode(_WIDE.get(tag, 'latin-1'), 'replace')}")
    return ", ".join(parts) or None
