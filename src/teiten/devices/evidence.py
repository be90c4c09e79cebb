"""A row of evidence from what others' programs wrote down: bounded, and in one spelling, whatever they gave."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import html
import ipaddress
import re
from collections.abc import Mapping
from typing import Any, Final

from teiten.lake import device

LONGEST: Final = 1000
"""characters that are kept of a field"""
LOOKED_AT: Final = 1 << 16
"""characters of a page in which its title, or of a header in which its realm, is looked for"""
EARLIEST: Final = dt.datetime(1990, 1, 1, tzinfo=dt.UTC)
_REALM: Final = re.compile(r'realm\s*=\s*(?:"([^"]{0,300})"|([^\s,"]{1,300}))', re.IGNORECASE)
_UUID: Final = re.compile(r"(?:uuid:)?\{?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\}?", re.IGNORECASE)
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.IGNORECASE)


class UnusableError(ValueError):
    """A record that gives no row. Its text is the reason, in a few words."""


def row(address: object, time: object, origin: str, port: object, **told: Any) -> dict[str, Any]:
    """A row (`lake.device.GIVEN` but for the input). UnusableError without an address, or a time that can be.

    told: columns of `lake.device.EVIDENCE`, and protocol (6), service."""
    out: dict[str, Any] = dict.fromkeys(device.GIVEN)
    out |= {"src_ip": _address(address), "time": _time(time), "origin": origin, "port": _port(port)}
    out["protocol"] = told.pop("protocol", 6)
    for name, value in told.items():
        out[name] = _ONE.get(name, text)(value)
    return out


def text(value: object) -> str | None:
    """The text without spaces around it, NUL and what is no character; None for nothing."""
    if isinstance(value, list | tuple):
        value = value[0] if value else None
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return None
    told = value[: LONGEST * 4].encode("utf-8", "replace").decode("utf-8").replace("\0", "").strip()[:LONGEST]
    return told or None


def title_of(page: object) -> str | None:
    """The title of an HTML page, on one line; found in time that grows with the page alone."""
    if isinstance(page, bytes):
        page = page[:LOOKED_AT].decode("utf-8", "replace")
    if not isinstance(page, str):
        return None
    page = page[:LOOKED_AT]
    low = page.lower() if page.isascii() else page.translate(_LOWER)
    at = low.find("<title")
    start = low.find(">", at) if at >= 0 else -1
    if start < 0:
        return None
    end = low.find("</title", start)
    told = page[start + 1 : end if end >= 0 else start + 1 + LONGEST]
    return text(" ".join(html.unescape(told).split()))


_LOWER: Final = {ord("A") + n: ord("a") + n for n in range(26)}


def realm_of(header: object) -> str | None:
    """The realm of a header WWW-Authenticate."""
    if isinstance(header, list | tuple):
        header = " ".join(str(one) for one in header[:8])
    found = _REALM.search(header[:LOOKED_AT]) if isinstance(header, str) else None
    return text(found[1] or found[2]) if found else None


def header_of(raw: object, name: str) -> str | None:
    """A header of an HTTP-shaped text."""
    if not isinstance(raw, str):
        return None
    for one in raw[:LOOKED_AT].split("\n\r\n", 1)[0].split("\n")[:200]:
        key, found, value = one.partition(":")
        if found and key.strip().lower() == name:
            return text(value)
    return None


def distinguished(name: object) -> str | None:
    """A name of a certificate as CN=..., O=...; of parts, or as it was written."""
    if isinstance(name, Mapping):
        parts = [f"{key}={text(value)}" for key, value in list(name.items())[:16] if isinstance(key, str) and text(value)]
        return text(", ".join(parts))
    return text(name)


def uuid_of(value: object) -> str | None:
    """A UUID in small letters; None for none, and for one of zeros or of one digit alone, which tells nobody."""
    told = text(value)
    found = _UUID.search(told) if told else None
    if found is None or len(set(found[1].replace("-", ""))) < 3:
        return None
    return found[1].lower()


def sha256_of(value: object) -> str | None:
    """A SHA-256 as 64 hexadecimal digits, from these (with colons), or from SHA256:base64; None for anything else."""
    told = text(value)
    if not told:
        return None
    plain = told.replace(":", "") if ":" in told else told
    if _SHA256.fullmatch(plain):
        return plain.lower() if len(set(plain.lower())) > 2 else None
    try:
        data = base64.b64decode(told.removeprefix("SHA256:") + "=" * (-len(told.removeprefix("SHA256:")) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    return data.hex() if len(data) == 32 else None


_ONE: Final = {"uuid": uuid_of, "cert_sha256": sha256_of, "host_key": sha256_of}


def _address(value: object) -> bytes:
    try:
        return ipaddress.ip_address(value.strip() if isinstance(value, str) else str(value)).packed
    except (ValueError, AttributeError):
        raise UnusableError("no address") from None


def _port(value: object) -> int | None:
    if value is None:
        return None
    try:
        port = int(value)  # type: ignore[call-overload]
    except (TypeError, ValueError, OverflowError):
        raise UnusableError("no port") from None
    if not 0 < port < 65_536:
        raise UnusableError("no port")
    return int(port)


def _time(value: object) -> dt.datetime:
    """An aware time of an ISO text (of UTC, where it names no zone), of seconds since 1970, or of a time."""
    try:
        if isinstance(value, str):
            value = dt.datetime.fromisoformat(_NANO.sub(r"\1", value.strip())) if not value.strip().isdigit() else int(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = dt.datetime.fromtimestamp(value, dt.UTC)
    except (ValueError, OverflowError, OSError):
        raise UnusableError("no time") from None
    if not isinstance(value, dt.datetime):
        raise UnusableError("no time")
    try:
        moment = (value if value.tzinfo else value.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise UnusableError("no time") from None
    if not EARLIEST <= moment <= dt.datetime.now(dt.UTC) + dt.timedelta(days=1):
        raise UnusableError("a time that cannot be")
    return moment


_NANO: Final = re.compile(r"(\.\d{6})\d+")
