"""Saved UPnP device descriptions: one XML document a file, whose name tells whose it is.

    203.0.113.5.xml   203.0.113.5_52869.xml   203.0.113.5_52869_20210525T031500Z.xml   2001-db8--7_1900.xml

A name without a time: the file's own (its last change).
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from teiten.devices import evidence
from teiten.devices.xml import Node

NAME = "upnp"
ELEMENTS = ("root",)
_NAMED: Final = re.compile(r"([0-9a-fA-F.:-]{3,45})(?:_(\d{1,5}))?(?:_(\d{8}T\d{6}Z))?(?:\.[a-z]{2,4}){0,2}")
MOST_DEVICES: Final = 16


def rows(root: Node, place: str) -> Iterator[dict[str, Any]]:
    """A row of the root device, whose UUID is the device's; another of each device in it that names another maker or model."""
    address, port, when = _of(place)
    devices = [one for one in root.walk() if one.name == "device"]
    if not devices:
        raise evidence.UnusableError("no device in it")
    seen = set()
    for number, one in enumerate(devices[:MOST_DEVICES]):
        model = " ".join(part for part in (one.told("modelName"), one.told("modelNumber")) if part)
        told = (one.told("manufacturer"), model)
        if number and told in seen:
            continue
        seen.add(told)
        uuid = one.told("UDN") if not number else None
        yield evidence.row(address, when, NAME, port, service="upnp", manufacturer=told[0], model=model, uuid=uuid)


def _of(place: str) -> tuple[str, str | None, dt.datetime | None]:
    """Address, port and time of a file's name."""
    path = Path(place)
    found = _NAMED.fullmatch(path.name)
    if found is None:
        raise evidence.UnusableError("no address in the file's name")
    address = found[1] if "." in found[1] else found[1].replace("-", ":")
    try:
        ipaddress.ip_address(address)
    except ValueError:
        raise evidence.UnusableError("no address in the file's name") from None
    try:
        when = dt.datetime.strptime(found[3], "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC) if found[3] else None
        if when is None:
            when = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
    except (ValueError, OSError):
        raise evidence.UnusableError("no time") from None
    return address, found[2], when
