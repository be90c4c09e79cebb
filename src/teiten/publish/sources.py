"""How a source may be told to strangers: not at all, as its network, under a name that holds for a month, or as it is.

    shown("192.0.2.7", "network", ...)    -> "192.0.2.0/24"
    shown("192.0.2.7", "pseudonym", ...)  -> "s-1f3a9c0b2d4e" (the same all month, another one the month after)

Every page, answer and file that shows sources to somebody who is no user goes through it (settings [publish], `sources`).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import ipaddress
import os
import secrets
from pathlib import Path

from teiten.errors import TeitenError


def shown(address: str, how: str, key: bytes, day: dt.date) -> str | None:
    """The address as it may be told; None for 'none'. `key`: the site's (`key_of`); `day`: of whose month the name is.

    ValueError where it is no address, or `how` none of `publishing.SOURCES`.
    """
    parsed = ipaddress.ip_address(address)
    if how == "none":
        return None
    if how == "address":
        return str(parsed)
    if how == "network":
        return str(ipaddress.ip_network((parsed, 24 if parsed.version == 4 else 48), strict=False))
    if how == "pseudonym":
        text = f"{day:%Y-%m} {parsed}".encode()
        return "s-" + hmac.new(key, text, hashlib.sha256).hexdigest()[:12]
    raise ValueError(f"sources '{how}'")


def key_of(file: Path) -> bytes:
    """The key under which names are made: 32 random bytes in a file that only its owner reads, made where there is none.

    TeitenError where it cannot be read or written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            found = file.read_bytes()
            if len(found) != 32:
                raise TeitenError(f"{file} is no key of 32 bytes.", hint="Remove it: a new one is made.") from None
            return found
        with os.fdopen(handle, "wb") as out:
            made = secrets.token_bytes(32)
            out.write(made)
            return made
    except OSError as error:
        raise TeitenError(f"{file} cannot be used: {error.strerror}.") from None
