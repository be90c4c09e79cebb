"""Whom to tell: contacts by prefix and by AS number, from a CSV and from RDAP answers that the user brings.

The longest prefix decides; where none fits, the AS number. A line that cannot be used is told of with its place, and the
others count. Nothing is asked of any server.
"""

from __future__ import annotations

import csv
import io
import ipaddress
import re
import unicodedata
import zoneinfo
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from teiten.errors import InputError

COLUMNS: Final = ("prefix", "asn", "mail", "name", "language", "zone")
MOST_BYTES: Final = 64 << 20
MOST_LINES: Final = 1_000_000
_LOCAL: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_ASN: Final = re.compile(r"(?:AS)?(\d{1,10})", re.ASCII | re.IGNORECASE)
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Contact:
    """Who is told of a network. `mail` is ASCII (a domain of other letters as xn--); `place`: where it was read."""

    mail: str
    name: str = ""
    language: str = ""
    zone: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """The contact of an address, and by what: a prefix, 'AS64500', or nothing where nobody is known (`contact` None)."""

    contact: Contact | None
    by: str = ""


@dataclass(slots=True)
class Contacts:
    """Contacts by prefix and AS number. `remarks`: what could not be used, with its place."""

    remarks: list[str] = field(default_factory=list)
    count: int = 0
    _prefixes: dict[int, dict[int, dict[int, Contact]]] = field(default_factory=lambda: {4: {}, 6: {}})
    _numbers: dict[int, Contact] = field(default_factory=dict)
    _blocks: list[tuple[int, int, Contact]] = field(default_factory=list)

    def add(self, network: Network, contact: Contact) -> None:
        """For a prefix. The first one stays."""
        bits = self._prefixes[network.version].setdefault(network.prefixlen, {})
        self._keep(bits, int(network.network_address), contact, str(network))

    def add_asn(self, first: int, last: int, contact: Contact) -> None:
        """For AS numbers first..last. The first one, and the smallest block, stay."""
        if first == last:
            self._keep(self._numbers, first, contact, f"AS{first}")
        else:
            self._blocks.append((first, last, contact))
            self.count += 1

    def _keep(self, known: dict[int, Contact], key: int, contact: Contact, what: str) -> None:
        held = known.setdefault(key, contact)
        if held is contact:
            self.count += 1
        elif held.mail != contact.mail:
            self.remarks.append(f"{contact.place}: {what} has {held.mail} in {held.place} already, which stays")

    def of(self, packed: bytes, asn: int | None) -> Match:
        """Who is told of that address."""
        version, whole = (4, 32) if len(packed) == 4 else (6, 128)
        value, lengths = int.from_bytes(packed, "big"), self._prefixes[version]
        for length in sorted(lengths, reverse=True):
            start = value >> (whole - length) << (whole - length)
            if (found := lengths[length].get(start)) is not None:
                kind: type[Any] = ipaddress.IPv4Network if version == 4 else ipaddress.IPv6Network
                return Match(found, str(kind((start, length))))
        if asn is None:
            return Match(None)
        if (found := self._numbers.get(asn)) is not None:
            return Match(found, f"AS{asn}")
        fits = [(last - first, n) for n, (first, last, _) in enumerate(self._blocks) if first <= asn <= last]
        return Match(self._blocks[min(fits)[1]][2], f"AS{asn}") if fits else Match(None)


def mail_address(text: str) -> str:
    """The address in ASCII, its domain in small letters and as xn-- where it is written otherwise. ValueError, with why."""
    found = text.strip()
    local, at, domain = found.rpartition("@")
    if not at or not local or len(found) > 254:
        raise ValueError("is no mail address")
    if not local.isascii():
        raise ValueError("has letters before the @ that many mail servers refuse; write it in ASCII")
    if not _LOCAL.fullmatch(local) or len(local) > 64:
        raise ValueError("is no mail address")
    try:
        plain = unicodedata.normalize("NFC", domain).rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise ValueError("has a domain that cannot be") from None
    labels = plain.split(".")
    if len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels) or labels[-1].isdigit():
        raise ValueError("has a domain that cannot be")
    return f"{local}@{plain}"


def one_line(text: str, most: int = 200) -> str:
    """A name as one line of what can be seen: others wrote it, and it goes into heads of mails."""
    told = "".join(c if c.isprintable() or unicodedata.category(c) == "Zs" else " " for c in text)
    return " ".join(told.split())[:most]


def load(file: Path | None, rdap: Path | None) -> Contacts:
    """The contacts of a CSV and of RDAP answers; the CSV's, which somebody wrote by hand, win. InputError."""
    from teiten.notify import rdap as answers

    out = Contacts()
    if file is not None:
        read(file, out)
    if rdap is not None:
        answers.read(rdap, out)
    return out


def read(file: Path, out: Contacts) -> None:
    """Adds what a CSV has (UTF-8, a first line with names of COLUMNS). InputError where it cannot be read at all."""
    try:
        if file.stat().st_size > MOST_BYTES:
            raise InputError(f"{file} is larger than {MOST_BYTES >> 20} MiB: no list of contacts is.")
        text = file.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}.", hint="[notify] contacts names it.") from None
    rows = csv.reader(io.StringIO(text.replace("\0", " "), newline=""))
    try:
        head = [name.strip().lower() for name in next(rows, [])]
        if "mail" not in head or not {"prefix", "asn"} & set(head) or len(set(head)) < len(head):
            raise InputError(f"{file} is no list of contacts.", hint=f"Its first line names the columns: {','.join(COLUMNS)}.")
        _lines(file, head, rows, out)
    except csv.Error as error:
        out.remarks.append(f"{file.name}:{rows.line_num}: {error}; nothing after it was read")


def _lines(file: Path, head: list[str], rows: Iterable[list[str]], out: Contacts) -> None:
    for number, row in enumerate(rows, 2):
        place = f"{file.name}:{getattr(rows, 'line_num', number)}"
        if number > MOST_LINES:
            out.remarks.append(f"{place}: more lines than {MOST_LINES:,}; nothing after it was read")
            return
        if not any(cell.strip() for cell in row) or row[0].lstrip().startswith("#"):
            continue
        if len(row) > len(head):
            out.remarks.append(f"{place}: more cells than columns")
            continue
        told = {name: cell.strip() for name, cell in zip(head, row, strict=False)}
        try:
            _line(told, place, out)
        except ValueError as error:
            out.remarks.append(f"{place}: {error}")


def _line(told: dict[str, str], place: str, out: Contacts) -> None:
    """ValueError for a line that cannot be used."""
    try:
        mail = mail_address(told.get("mail", ""))
    except ValueError as error:
        raise ValueError(f"mail '{one_line(told.get('mail', ''), 80)}' {error}") from None
    language, zone = told.get("language", "").lower(), told.get("zone", "")
    if language not in ("", "ja", "en"):
        raise ValueError(f"language '{one_line(language, 20)}' is neither ja nor en")
    if zone and not zone_known(zone):
        raise ValueError(f"zone '{one_line(zone, 40)}' is no time zone")
    contact = Contact(mail, one_line(told.get("name", "")), language, zone, place)
    prefix, asn = told.get("prefix", ""), told.get("asn", "")
    if bool(prefix) == bool(asn):
        raise ValueError("a line has a prefix or an AS number")
    if prefix:
        try:
            out.add(ipaddress.ip_network(prefix, strict=False), contact)
        except ValueError:
            raise ValueError(f"'{one_line(prefix, 60)}' is no prefix") from None
        return
    match = _ASN.fullmatch(asn)
    if match is None or not 0 < int(match[1]) < 1 << 32:
        raise ValueError(f"'{one_line(asn, 30)}' is no AS number")
    out.add_asn(int(match[1]), int(match[1]), contact)


def zone_known(name: str) -> bool:
    """Is it the name of a zone here?"""
    try:
        zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return False
    return True


def filled(contact: Contact, language: str | None, zone: str) -> Contact:
    """The contact with a language and a zone: as it states them, as configured, else by its mail's country."""
    japan = contact.mail.endswith(".jp")
    return replace(
        contact,
        language=contact.language or language or ("ja" if japan else "en"),
        zone=contact.zone or ("Asia/Tokyo" if japan else zone),
    )
