"""The user's own country and AS data, MMDB or CSV, as data sets of `teiten geo import`.

Understood: MMDB with `country.iso_code`, `country_code`, `autonomous_system_number` and the like (GeoLite2, DB-IP,
IPinfo); CSV of `first,last,code[,name]` (addresses as text or numbers) or `prefix,code[,name]`, with or without a
header; GeoLite2's CSV of blocks, whose locations file lies beside it. A code is an alpha-2 code or an AS number.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from teiten.enrich import _mmdb, _table, datasets
from teiten.errors import InputError, UsageError

Range = tuple[int, int, int, int]
"""family, first address, last address, code"""

NAMES_ALLOWED: Final = r"[a-z0-9][a-z0-9._]*(-[a-z0-9._]+)*"
LICENCES: Final[tuple[tuple[str, str, str, str], ...]] = (
    (
        r"geolite2",
        "GeoLite End User License",
        "This product includes GeoLite Data created by MaxMind",
        "https://www.maxmind.com",
    ),
    (r"db-?ip", "CC BY 4.0", "IP Geolocation by DB-IP", "https://db-ip.com"),
    (r"ipinfo", "CC BY-SA 4.0", "IP address data powered by IPinfo", "https://ipinfo.io"),
)
"""What the free data of that name ask for; other data are named by their name."""

COUNTRY_KEYS: Final = ("country_code", "country_iso_code", "iso_code", "country")
ASN_KEYS: Final = ("autonomous_system_number", "asn", "as_number")
NAME_KEYS: Final = ("autonomous_system_organization", "as_name", "as_organization", "organization", "name")
FIRST_KEYS: Final = ("start_ip", "ip_range_start", "range_start", "start", "first")
LAST_KEYS: Final = ("end_ip", "ip_range_end", "range_end", "end", "last")
PREFIX_KEYS: Final = ("network", "prefix", "cidr", "ip_prefix")


@dataclass(slots=True)
class Found:
    """What the files say: ranges and names for each kind, and the lines that say nothing readable."""

    ranges: dict[datasets.Kind, list[Range]] = field(default_factory=lambda: {"country": [], "asn": []})
    names: dict[datasets.Kind, dict[int, str]] = field(default_factory=lambda: {"country": {}, "asn": {}})
    date: dt.date | None = None
    title: str = ""
    rejected: int = 0
    first_rejected: str = ""

    def country(self, text: Any) -> int | None:
        """The code that stands for a country; 0 for nothing, ZZ and XX (unknown), None for what is no country."""
        code = str(text or "").strip().upper()
        if code in ("", "ZZ", "XX", "-"):
            return 0
        if not re.fullmatch("[A-Z]{2}", code):
            return None
        number = ord(code[0]) << 8 | ord(code[1])
        self.names["country"][number] = code
        return number

    def asn(self, text: Any, name: Any) -> int | None:
        """The AS number of 13335 or AS13335, whose name is kept; 0 for nothing, None for what is no number."""
        plain = str("" if text is None else text).strip().upper()
        match = re.fullmatch(r"(?:AS)?(\d{1,10})", plain, re.ASCII)
        if match is None:
            return None if plain else 0
        number = int(match[1])
        if number >= 1 << 32:
            return None
        if number and name:
            self.names["asn"].setdefault(number, str(name))
        return number

    def take(self, family: int, first: int, last: int, country: int | None, asn: int | None) -> bool:
        """Takes what is known of a range (0: nothing); False where one of the two could not be read."""
        if country:
            self.ranges["country"].append((family, first, last, country))
        if asn:
            self.ranges["asn"].append((family, first, last, asn))
        return country is not None and asn is not None

    def reject(self, where: str) -> None:
        self.rejected += 1
        self.first_rejected = self.first_rejected or where


def read(paths: Sequence[Path]) -> Found:
    """Everything that the files say. InputError where a file is neither of the two, or most of it unreadable."""
    found = Found()
    for path in paths:
        before, rejected = sum(map(len, found.ranges.values())), found.rejected
        try:
            head = _head(path)
            if path.suffix == ".mmdb" or _looks_like_mmdb(path):
                _read_mmdb(path, found)
            else:
                _read_csv(path, head, found)
        except (OSError, EOFError) as error:
            raise InputError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
        except (ValueError, csv.Error) as error:
            raise InputError(
                f"{path} cannot be read: {error}.", hint="I know MMDB and CSV: see teiten geo import --help."
            ) from None
        taken = sum(map(len, found.ranges.values())) - before
        if taken < 1 or found.rejected - rejected > taken:
            raise InputError(
                f"{path} tells no countries or AS numbers that I can read"
                + (f" (first at {found.first_rejected})." if found.first_rejected else "."),
                hint="I know MMDB, and CSV of first,last,code or prefix,code.",
            )
    return found


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4096)


def _looks_like_mmdb(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _mmdb.MARK_WITHIN))
        return _mmdb.MARK in file.read()


# MMDB ---------------------------------------------------------------------------------------------------------------


def _dig(record: dict[str, Any], keys: Sequence[str], inner: str | None = None) -> Any:
    for key in keys:
        value = record.get(key)
        if inner:
            value = value.get(inner) if isinstance(value, dict) else None
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            return value
    return None


def _read_mmdb(path: Path, found: Found) -> None:
    database = _mmdb.Database(path)
    found.title = found.title or str(database.about.get("database_type", ""))
    built = database.about.get("build_epoch")
    if isinstance(built, int) and 0 < built < 1 << 33:
        day = dt.datetime.fromtimestamp(built, dt.UTC).date()
        found.date = max(found.date, day) if found.date else day
    known: dict[int, tuple[int | None, int | None]] = {}
    for network in database.networks():
        if network.record not in known:
            known[network.record] = _codes(database.record(network.record), found)
        if not found.take(network.family, network.first, network.last, *known[network.record]):
            found.reject(f"{path}, network {network.first:#x}")


def _codes(record: Any, found: Found) -> tuple[int | None, int | None]:
    """Country and AS number of one record."""
    if not isinstance(record, dict):
        return None, None
    code = _dig(record, ("country",), "iso_code") or _dig(record, COUNTRY_KEYS)
    # 'country' may be a name in full (IPinfo): then the code stands elsewhere, or nowhere
    country = found.country(code) if isinstance(code, str) and len(code) == 2 else 0
    return country, found.asn(_dig(record, ASN_KEYS), _dig(record, NAME_KEYS))


# CSV ----------------------------------------------------------------------------------------------------------------


def _lines(path: Path, head: bytes) -> Iterator[list[str]]:
    with path.open("rb") as raw:
        plain: Any = gzip.GzipFile(fileobj=raw) if head[:2] == b"\x1f\x8b" else raw
        with io.TextIOWrapper(plain, encoding="utf-8-sig", errors="replace", newline="") as text:
            yield from csv.reader(text)


def _address(text: str) -> tuple[int, int] | None:
    """Family and number of an address as text or as a number; None for neither."""
    text = text.strip()
    if text.isdecimal() and text.isascii() and len(text) <= 39:
        number = int(text)
        return (4 if number < 1 << 32 else 6, number) if number < 1 << 128 else None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return address.version, int(address)


def _span(first: str, last: str) -> tuple[int, int, int] | None:
    a, b = _address(first), _address(last)
    if a is None or b is None:
        return None
    family = max(a[0], b[0])
    return (family, a[1], b[1]) if a[1] <= b[1] and (a[0] == b[0] or first.strip().isdecimal()) else None


def _prefix(text: str) -> tuple[int, int, int] | None:
    try:
        network = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        return None
    first = int(network.network_address)
    return network.version, first, first + network.num_addresses - 1


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which column says what; -1: none."""

    first: int
    last: int = -1
    country: int = -1
    asn: int = -1
    name: int = -1
    geoname: int = -1


def _by_header(row: list[str]) -> _Columns | None:
    known = [cell.strip().casefold() for cell in row]

    def at(keys: Sequence[str]) -> int:
        return next((known.index(k) for k in keys if k in known), -1)

    first = at(FIRST_KEYS)
    begin = first if first >= 0 else at(PREFIX_KEYS)
    if begin < 0:
        return None
    return _Columns(
        begin, at(LAST_KEYS) if first >= 0 else -1, at(COUNTRY_KEYS), at(ASN_KEYS), at(NAME_KEYS), at(["geoname_id"])
    )


def _by_content(row: list[str]) -> _Columns | None:
    if len(row) >= 3 and _span(row[0], row[1]):
        code, last = 2, 1
    elif len(row) >= 2 and "/" in row[0] and _prefix(row[0]):
        code, last = 1, -1
    else:
        return None
    if re.fullmatch(r"(AS)?\d+", row[code].strip(), re.IGNORECASE | re.ASCII):
        return _Columns(0, last, asn=code, name=code + 1 if len(row) > code + 1 else -1)
    return _Columns(0, last, country=code)


def _locations(path: Path) -> dict[str, str]:
    """GeoLite2's geoname_id -> alpha-2, from the locations file beside the blocks."""
    files = sorted(path.parent.glob("*Locations-en.csv")) or sorted(path.parent.glob("*Locations-*.csv"))
    if not files:
        raise ValueError("it needs its locations file (GeoLite2-Country-Locations-en.csv) in the same folder")
    with files[0].open(encoding="utf-8-sig", newline="") as file:
        return {row["geoname_id"]: row.get("country_iso_code", "") for row in csv.DictReader(file) if row.get("geoname_id")}


def _read_csv(path: Path, head: bytes, found: Found) -> None:
    columns: _Columns | None = None
    places: dict[str, str] = {}
    for number, row in enumerate(_lines(path, head), 1):
        if not row or row[0].startswith("#"):
            continue
        if columns is None:
            columns = _by_header(row)
            if columns is not None:
                if columns.geoname >= 0 and columns.country < 0 and columns.asn < 0:
                    places = _locations(path)
                continue
            columns = _by_content(row)
            if columns is None:
                raise ValueError(f"line {number} is neither a header that I know, nor first,last,code, nor prefix,code")
        if not _take(row, columns, places, found):
            found.reject(f"line {number}")
    found.title = found.title or re.sub(r"\.csv(\.gz)?$", "", path.name)
    named = re.search(r"(20\d\d)[-_.]?(\d\d)(?:[-_.]?(\d\d))?(?!\d)", path.name) or re.search(
        r"_(20\d\d)(\d\d)(\d\d)$", path.parent.name
    )
    if named and not found.date:
        try:
            found.date = dt.date(int(named[1]), int(named[2]), int(named[3] or 1))
        except ValueError:
            return


def _take(row: list[str], columns: _Columns, places: dict[str, str], found: Found) -> bool:
    def cell(at: int) -> str:
        return row[at] if 0 <= at < len(row) else ""

    place = _span(cell(columns.first), cell(columns.last)) if columns.last >= 0 else _prefix(cell(columns.first))
    if place is None:
        return False
    country: int | None = 0
    if places:
        country = found.country(places.get(cell(columns.geoname), ""))
    elif columns.country >= 0:
        country = found.country(cell(columns.country))
    asn = found.asn(cell(columns.asn), cell(columns.name)) if columns.asn >= 0 else 0
    return found.take(*place, country, asn)


# all together -------------------------------------------------------------------------------------------------------


def _name(given: str | None, title: str) -> str:
    if given is not None:
        if not re.fullmatch(NAMES_ALLOWED, given) or len(given) > 40:
            raise UsageError(
                f"'{given}' cannot name a data set.", hint="Use small letters, digits, dots and hyphens, 40 at most."
            )
        return given
    bare = re.sub(r"[-_.]?20\d\d[-_.]?\d\d([-_.]?\d\d)?", "", title.casefold())
    bare = re.sub(r"[-_.]?(ip[_-]?v[46]|num)(?=[-_.]|$)", "", bare)
    return re.sub(r"[^a-z0-9._]+", "-", bare).strip("-._")[:40].rstrip("-._") or "own"


def import_files(
    paths: Sequence[Path],
    *,
    name: str | None = None,
    date: dt.date | None = None,
    kind: datasets.Kind | None = None,
    say: Callable[[str], None] = lambda _text: None,
) -> list[datasets.DataSet]:
    """Makes data sets of the files in the user's folder: one for each kind that they tell, both families together.

    `date`: else the date that the file states, else the newest file's modification time. UsageError, InputError.
    """
    found = read(paths)
    called = _name(name, found.title)
    date = date or found.date
    if date is None:
        date = dt.datetime.fromtimestamp(max(p.stat().st_mtime for p in paths), dt.UTC).date()
        say(f"The files state no date: {date.isoformat()} is their modification time's; give --date where that is wrong.")
    if found.rejected:
        say(f"{found.rejected:,} entries could not be read, the first at {found.first_rejected}; they are left out.")
    made = []
    for each in datasets.KINDS:
        ranges = found.ranges[each]
        if not ranges or (kind and each != kind):
            continue
        licence, text, url = _licence(" ".join([found.title, called, *(p.name for p in paths)]), called)
        tables = (_build(4, ranges), _build(6, ranges))
        source = ", ".join(p.name for p in paths)
        made.append(
            datasets.write(
                datasets.user_folder(), kind=each, name=called, date=date, licence=licence, source=source, links=[(text, url)],
                tables=tables, names=found.names[each],
            )
        )  # fmt: skip
    if not made:
        raise InputError(f"{paths[0]} tells no {kind}.", hint="Leave --kind away to take what there is.")
    return made


def _build(family: int, ranges: list[Range]) -> _table.Table:
    return _table.build(family, ((first, last, code) for f, first, last, code in ranges if f == family))


def _licence(told: str, name: str) -> tuple[str | None, str, str | None]:
    for pattern, licence, text, url in LICENCES:
        if re.search(pattern, told.casefold()):
            return licence, text, url
    return None, name, None
