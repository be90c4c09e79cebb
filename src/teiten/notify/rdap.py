"""Abuse contacts out of saved RDAP answers (RFC 9083): ip networks and AS numbers, with entities of the role abuse.

The files are others' text: bounded in size, depth and number, of any shape. What is no answer is told of with its place.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from teiten.errors import InputError
from teiten.notify.contacts import Contact, Contacts, Network, mail_address, one_line

MOST_BYTES: Final = 8 << 20
MOST_FILES: Final = 100_000
MOST_OBJECTS: Final = 100_000
"""in one file"""
DEPTH: Final = 6
"""of entities within entities"""
MOST_ENTITIES: Final = 1_000
"""looked at for one object"""
MOST_PREFIXES: Final = 256
"""into which a range from..to is cut"""
_LANGUAGES: Final = {"JP": ("ja", "Asia/Tokyo")}


def read(place: Path, out: Contacts) -> None:
    """Adds the contacts of a file, or of every *.json in a folder. InputError where there is no such place."""
    if place.is_dir():
        files = sorted(one for one in place.rglob("*.json") if one.is_file())
        if len(files) > MOST_FILES:
            out.remarks.append(f"{place}: more than {MOST_FILES:,} files; the others were not read")
    elif place.is_file():
        files = [place]
    else:
        raise InputError(f"{place} is not there.", hint="[notify] rdap names a saved answer, or a folder of them.")
    for file in files[:MOST_FILES]:
        _file(file, out)


def _file(file: Path, out: Contacts) -> None:
    name = one_line(file.name, 100)
    try:
        if file.stat().st_size > MOST_BYTES:
            out.remarks.append(f"{name}: larger than {MOST_BYTES >> 20} MiB: no answer of RDAP is")
            return
        told = json.loads(file.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        out.remarks.append(f"{name}: cannot be read: {error.strerror}")
        return
    except (ValueError, RecursionError):
        out.remarks.append(f"{name}: is no JSON")
        return
    objects = told if isinstance(told, list) else [told]
    if len(objects) > MOST_OBJECTS:
        out.remarks.append(f"{name}: more than {MOST_OBJECTS:,} answers; the others were not read")
    for number, one in enumerate(objects[:MOST_OBJECTS]):
        spot = f"{name}[{number}]" if isinstance(told, list) else name
        try:
            _object(one, spot, out)
        except ValueError as error:
            out.remarks.append(f"{spot}: {error}")


def _object(told: Any, place: str, out: Contacts) -> None:
    """ValueError for what is no answer that names an abuse contact."""
    if not isinstance(told, dict):
        raise ValueError("is no answer of RDAP")
    kind = told.get("objectClassName")
    if kind not in ("ip network", "autnum"):
        raise ValueError("is about neither an ip network nor an autnum")
    mail, name = _abuse(told)
    country = told.get("country")
    language, zone = _LANGUAGES.get(country.upper() if isinstance(country, str) else "", ("", ""))
    contact = Contact(mail, name, language, zone, place)
    if kind == "autnum":
        first, last = (_number(told.get(key)) for key in ("startAutnum", "endAutnum"))
        if first > last:
            raise ValueError("its AS numbers end before they begin")
        out.add_asn(first, last, contact)
        return
    for network in _networks(told):
        out.add(network, contact)


def _number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 1 << 32:
        raise ValueError("it states no AS numbers")
    return value


def _networks(told: dict[str, Any]) -> list[Network]:
    """Its prefixes: as it states them (cidr0_cidrs), else its first and last address cut into some. ValueError."""
    cidrs, out = told.get("cidr0_cidrs"), []
    for one in cidrs[:MOST_PREFIXES] if isinstance(cidrs, list) else []:
        if isinstance(one, dict):
            prefix, length = one.get("v4prefix") or one.get("v6prefix"), one.get("length")
            if isinstance(prefix, str) and isinstance(length, int) and not isinstance(length, bool):
                try:
                    out.append(ipaddress.ip_network(f"{prefix}/{length}", strict=False))
                except ValueError:
                    raise ValueError("one of its prefixes is none") from None
    if out:
        return out
    try:
        first, last = (ipaddress.ip_address(str(told.get(key))) for key in ("startAddress", "endAddress"))
        found: list[Network] = []
        for network in ipaddress.summarize_address_range(first, last):
            found.append(network)
            if len(found) > MOST_PREFIXES:
                raise ValueError("more prefixes than an answer has")
    except TypeError:
        raise ValueError("its addresses are of two kinds") from None
    except ValueError as error:
        raise ValueError(f"its addresses are no range ({one_line(str(error), 80)})") from None
    return found


def _abuse(told: dict[str, Any]) -> tuple[str, str]:
    """Mail and name of the first entity of the role abuse that has a mail, the nearest first. ValueError."""
    why = "it names no abuse contact"
    for entity in _entities(told):
        roles = entity.get("roles")
        if not isinstance(roles, list) or "abuse" not in roles:
            continue
        mails, name = _card(entity.get("vcardArray"))
        for mail in mails:
            try:
                return mail_address(mail), name
            except ValueError as error:
                why = f"mail '{one_line(mail, 80)}' {error}"
    raise ValueError(why)


def _entities(told: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Entities level by level."""
    level, seen = [told], 0
    for _ in range(DEPTH):
        below: list[dict[str, Any]] = []
        for one in level:
            entities = one.get("entities")
            below += [entity for entity in entities if isinstance(entity, dict)] if isinstance(entities, list) else []
        for entity in below:
            seen += 1
            if seen > MOST_ENTITIES:
                return
            yield entity
        level = below


def _card(told: Any) -> tuple[list[str], str]:
    """Mails and name of a jCard (RFC 7095): ["vcard", [[name, parameters, type, value], ...]]."""
    lines = told[1] if isinstance(told, list) and len(told) > 1 and isinstance(told[1], list) else []
    mails, name = [], ""
    for line in lines[:MOST_ENTITIES]:
        if isinstance(line, list) and len(line) > 3 and isinstance(line[3], str):
            if line[0] == "email":
                mails.append(line[3].removeprefix("mailto:"))
            elif line[0] == "fn" and not name:
                name = one_line(line[3])
    return mails[:20], name
