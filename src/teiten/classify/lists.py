"""A watchlist: who announced which prefixes or names, from when to when, on which page; its schema, read and written.

The same schema is a TOML file (the package's own lists, a user's) and a JSON file (what `teiten watchlist import` keeps):

    format = 1                   list = "notice"             version = "2019-02-13"      date = 2019-02-13
    licence, source = texts      featured = true (a report may have a section on its organisations)
    [[entries]]                  organisation (short name), en, ja, page, from, to (first and last day), prefixes, names

`names` are patterns of PTR names: "*.shodan.io" is any name below shodan.io, on label boundaries; "scan.example.org" itself.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import ipaddress
import json
import re
import socket
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any, Final, Literal

from teiten.errors import DataError, UsageError

FORMAT: Final = 1
NAMES_ALLOWED: Final = r"[a-z0-9][a-z0-9._-]{0,59}"
VERSIONS_ALLOWED: Final = r"[A-Za-z0-9][A-Za-z0-9._+-]{0,39}"
BROADEST: Final = {4: 8, 6: 16}
"""the shortest prefix that a list may hold unless it is allowed to: a broader one would label half the Internet"""
Whose = Literal["package", "imported", "settings"]
KEYS: Final[dict[str, str]] = {
    "format": "1",
    "list": "the list's name: small letters, digits, dots, hyphens",
    "version": "its version; kept with every verdict. Left out in a list of your own: its date and a hash of what it says",
    "date": "when it was made; a day takes the newest version not later than itself, else the oldest",
    "licence": "what its maker allows",
    "source": "where it comes from",
    "featured": "true: reports have a section on its organisations without being told to",
    "entries": "what each organisation announced, below",
}
"""the keys of a list"""
ENTRY_KEYS: Final[dict[str, str]] = {
    "organisation": "short name, as verdicts, filters and settings use it; known spellings are brought to one",
    "en": "its full name in English",
    "ja": "its full name in Japanese",
    "page": "where it says that it scans",
    "from": "first day on which that holds; left out: not stated",
    "to": "last day on which that holds; left out: not stated",
    "prefixes": "IPv4 and IPv6 prefixes, or addresses",
    "names": "patterns of PTR names: `*.example.org` is any name below example.org; `scan.example.org` that name alone",
}
"""the keys of an entry"""


@dataclass(frozen=True, slots=True)
class Organisation:
    """Who scans: `name` is the short name that verdicts, filters and settings use."""

    name: str
    en: str
    ja: str
    page: str | None = None
    featured: bool = False

    def text(self, lang: str) -> str:
        """Its full name in 'ja' or 'en'."""
        return self.ja if lang == "ja" else self.en


@dataclass(frozen=True, slots=True)
class Prefix:
    """An IPv4 (4) or IPv6 (6) prefix; `number` is its network address as an integer."""

    family: int
    number: int
    length: int

    def __str__(self) -> str:
        kind = ipaddress.IPv4Address if self.family == 4 else ipaddress.IPv6Address
        return f"{kind(self.number)}/{self.length}"

    @property
    def last(self) -> int:
        """Its last address as an integer."""
        return self.number | ((1 << (BITS[self.family] - self.length)) - 1)


BITS: Final = {4: 32, 6: 128}


@dataclass(frozen=True, slots=True)
class Entry:
    """What one organisation announced at once. `start` and `end` are the first and last day, None: not stated."""

    organisation: str
    prefixes: tuple[Prefix, ...] = ()
    names: tuple[str, ...] = ()
    start: dt.date | None = None
    end: dt.date | None = None
    page: str | None = None
    en: str | None = None
    ja: str | None = None


@dataclass(frozen=True)
class WatchList:
    """One version of a list."""

    name: str
    version: str
    date: dt.date
    licence: str | None
    source: str
    entries: tuple[Entry, ...]
    featured: bool = False
    whose: Whose = "package"
    file: Path | None = field(default=None, compare=False)
    content: str | None = field(default=None, compare=False)
    """a hash of the file that it was read from"""

    @property
    def prefixes(self) -> int:
        return sum(len(e.prefixes) for e in self.entries)

    @property
    def patterns(self) -> int:
        return sum(len(e.names) for e in self.entries)

    @property
    def organisations(self) -> list[str]:
        return sorted({e.organisation for e in self.entries}, key=str.casefold)

    @functools.cached_property
    def digest(self) -> str:
        """A short hash of what it says, to tell two lists of one version apart."""
        if self.content is not None:
            return self.content
        return _hash(json.dumps(to_table(self), ensure_ascii=False, sort_keys=True))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def parse_prefix(text: str) -> Prefix:
    """'192.0.2.0/24', '2001:db8::/32' or an address -> Prefix. ValueError, saying what is wrong, for anything else."""
    plain = text.strip()
    try:
        network = ipaddress.ip_network(plain)
    except ValueError:
        try:
            loose = ipaddress.ip_network(plain, strict=False)
        except ValueError:
            raise ValueError(f"'{plain[:60]}' is no prefix") from None
        raise ValueError(f"{plain} has host bits set (its prefix is {loose})") from None
    return Prefix(network.version, int(network.network_address), network.prefixlen)


_OCTETS: Final = frozenset(map(str, range(256)))
_LENGTHS: Final = frozenset(map(str, range(33)))


def _quick_prefix(text: str) -> Prefix:
    """`parse_prefix` for what this program wrote itself, several times faster. ValueError."""
    address, slash, length = text.partition("/")
    parts = address.split(".")
    if slash and len(parts) == 4 and length in _LENGTHS and _OCTETS.issuperset(parts):
        a, b, c, d = map(int, parts)
        number = a << 24 | b << 16 | c << 8 | d
        if not number & ((1 << (32 - int(length))) - 1):
            return Prefix(4, number, int(length))
    if slash and ":" in address and length.isascii() and length.isdigit() and int(length) <= 128:
        try:
            wide = int.from_bytes(socket.inet_pton(socket.AF_INET6, address), "big")
        except (OSError, ValueError):
            return parse_prefix(text)
        if not wide & ((1 << (128 - int(length))) - 1):
            return Prefix(6, wide, int(length))
    return parse_prefix(text)


def check_pattern(text: str) -> str:
    """A PTR pattern in small letters: '*.example.org' or 'scan.example.org'. ValueError where it is neither."""
    plain = text.strip().rstrip(".").lower()
    bare = plain.removeprefix("*.")
    label = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
    if len(bare) > 253 or not re.fullmatch(rf"{label}(\.{label})+", bare):
        raise ValueError(f"'{text[:60]}' is no pattern of names: write *.example.org, or a whole name")
    return plain


def _day(value: Any, where: str) -> dt.date | None:
    if value is None or value == "":
        return None
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    try:
        return dt.date.fromisoformat(str(value))
    except ValueError:
        raise UsageError(f"{where}: '{value}' is no day.", hint="Write it like 2019-02-20.") from None


def check_validity(start: dt.date | None, end: dt.date | None, where: str) -> None:
    """UsageError where the validity ends before it begins."""
    if start and end and end < start:
        raise UsageError(
            f"{where}: its validity is the wrong way round (from {start} to {end}).", hint="Swap the two, or mend the one."
        )


def check_broad(prefix: Prefix, where: str) -> None:
    """UsageError for a prefix that no scanner has to itself."""
    if prefix.length < BROADEST[prefix.family]:
        raise UsageError(
            f"{where}: {prefix} is too broad to be anybody's: it would name most of the Internet.",
            hint="If it is meant so, import the list with --allow-broad.",
        )


def from_table(
    table: Mapping[str, Any], where: str, *, whose: Whose, file: Path | None = None, allow_broad: bool = False
) -> WatchList:
    """A list from its TOML or JSON. UsageError, with the place, where it does not hold to the schema."""
    _keys(table, KEYS, where)
    if table.get("format") != FORMAT:
        raise UsageError(f"{where} is of format {table.get('format')!r}; I know {FORMAT}.", hint="Write: format = 1")
    name = str(table.get("list", ""))
    if not re.fullmatch(NAMES_ALLOWED, name):
        raise UsageError(f"{where}: list = '{name}' cannot name a list.", hint="Use small letters, digits, dots and hyphens.")
    date = _day(table.get("date"), f"{where}, date")
    if date is None:
        raise UsageError(f"{where} states no date.", hint="Write: date = 2019-02-13 (when the list was made).")
    version = str(table.get("version") or date.isoformat())
    if not re.fullmatch(VERSIONS_ALLOWED, version):
        raise UsageError(f"{where}: '{version}' cannot name a version.", hint="Use letters, digits, dots and hyphens.")
    raw = table.get("entries")
    if not isinstance(raw, list) or not raw:
        raise UsageError(f"{where} has no entries.", hint="Write at least one [[entries]] with an organisation and prefixes.")
    entries = tuple(_entry(one, f"{where}, entry {n}", whose, allow_broad) for n, one in enumerate(raw, 1))
    licence = table.get("licence")
    return WatchList(
        name=name,
        version=version,
        date=date,
        licence=None if licence is None else str(licence),
        source=str(table.get("source") or ""),
        entries=entries,
        featured=bool(table.get("featured", False)),
        whose=whose,
        file=file,
    )


def _keys(table: Any, known: Mapping[str, str], where: str) -> None:
    if not isinstance(table, Mapping):
        raise UsageError(f"{where} must be a table.")
    for key in table:
        if key not in known:
            raise UsageError(f"{where} knows no key '{key}'.", hint=f"It knows: {', '.join(sorted(known))}.")


def _entry(table: Any, where: str, whose: Whose, allow_broad: bool) -> Entry:
    _keys(table, ENTRY_KEYS, where)
    organisation = short_name(str(table.get("organisation") or ""))
    if not organisation:
        raise UsageError(f"{where} names no organisation.", hint='Write: organisation = "NAME"')
    for key in ("prefixes", "names"):
        if not isinstance(table.get(key, []), list):
            raise UsageError(f"{where}: {key} must be a list of texts.")
    texts, patterns = table.get("prefixes", []), table.get("names", [])
    if not texts and not patterns:
        raise UsageError(f"{where} ({organisation}) has neither prefixes nor names.")
    prefixes = []
    try:
        for text in texts:
            prefix = _quick_prefix(str(text))
            if whose == "settings" and not allow_broad:
                check_broad(prefix, where)
            prefixes.append(prefix)
        names = tuple(check_pattern(str(text)) for text in patterns)
    except ValueError as error:
        raise UsageError(f"{where} ({organisation}): {error}.") from None
    start, end = _day(table.get("from"), f"{where}, from"), _day(table.get("to"), f"{where}, to")
    check_validity(start, end, f"{where} ({organisation})")
    page, en, ja = (None if table.get(k) is None else str(table[k]) for k in ("page", "en", "ja"))
    return Entry(organisation, tuple(prefixes), names, start, end, page, en, ja)


def to_table(chosen: WatchList) -> dict[str, Any]:
    """The list as the table that `from_table` reads, with days as text (JSON)."""
    entries = []
    for one in chosen.entries:
        row: dict[str, Any] = {"organisation": one.organisation, "en": one.en, "ja": one.ja, "page": one.page}
        row |= {"from": one.start and one.start.isoformat(), "to": one.end and one.end.isoformat()}
        row |= {"prefixes": [str(p) for p in one.prefixes], "names": list(one.names)}
        entries.append({key: value for key, value in row.items() if value})
    head: dict[str, Any] = {"format": FORMAT, "list": chosen.name, "version": chosen.version, "date": chosen.date.isoformat()}
    head |= {"licence": chosen.licence, "source": chosen.source, "featured": chosen.featured, "entries": entries}
    return {key: value for key, value in head.items() if value}


def read(path: Path, whose: Whose) -> WatchList:
    """The list in a .toml or .json file. UsageError where it is none; DataError where a file of our own is broken."""
    try:
        text = path.read_text(encoding="utf-8")
        table = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
        found = replace(from_table(table, str(path), whose=whose, file=path), content=_hash(text))
    except OSError as error:
        raise UsageError(f"The watchlist {path} cannot be read: {error.strerror}.") from None
    except ValueError as error:  # of TOML, JSON and UTF-8
        wrong = UsageError(f"{path} is no {path.suffix.lstrip('.').upper()} that I can read: {error}.")
        raise _broken(path, wrong, whose) from None
    except UsageError as error:
        raise _broken(path, error, whose) from None
    if whose == "settings" and "version" not in table:
        # a user's own list changes without a word: its content is its version
        found = replace(found, version=f"{found.date.isoformat()}+{found.digest[:8]}")
    return found


def _broken(path: Path, error: UsageError, whose: Whose) -> UsageError | DataError:
    if whose == "settings":
        return error
    hint = "Install teiten again." if whose == "package" else f"Remove {path} and import it again."
    return DataError(error.message, hint=hint)


# organisations' short names -----------------------------------------------------------------------------------------


def folded(text: str) -> str:
    """A name without case, spaces and punctuation, for comparing."""
    return re.sub(r"[^\w]+|_", "", text.casefold())


@functools.cache
def _known() -> tuple[dict[str, Organisation], dict[str, str]]:
    raw = (resources.files("teiten.data.watchlists") / "organisations.toml").read_text(encoding="utf-8")
    table = tomllib.loads(raw)["organisations"]
    found: dict[str, Organisation] = {}
    spelt: dict[str, str] = {}
    for name, row in table.items():
        en = str(row.get("en", name))
        found[name] = Organisation(name, en, str(row.get("ja", en)), row.get("page"))
        for text in (name, en, *row.get("also", ())):
            spelt.setdefault(folded(text), name)
    return found, spelt


def known_organisation(name: str) -> Organisation | None:
    """What the package knows of an organisation by its short name, or None."""
    return _known()[0].get(name)


def short_name(text: str) -> str:
    """The short name for what a list calls an organisation; the text itself, where none is known."""
    plain = "".join(c for c in " ".join(text.split()) if c.isprintable())[:80].strip()
    return _known()[1].get(folded(plain), plain)


def package_lists() -> list[WatchList]:
    """The lists that the package carries."""
    folder = Path(str(resources.files("teiten.data.watchlists")))
    return [read(path, "package") for path in sorted(folder.glob("*.toml")) if path.name != "organisations.toml"]


def named(lists: Sequence[WatchList]) -> dict[str, Organisation]:
    """Short name -> organisation, with what the lists themselves say of it first."""
    out: dict[str, Organisation] = {}
    for one in lists:
        for entry in one.entries:
            name, base = entry.organisation, known_organisation(entry.organisation)
            old = out.get(name)
            en = (old.en if old and old.en != name else None) or entry.en or (base.en if base else name)
            ja = (old.ja if old and old.ja != name else None) or entry.ja or (base.ja if base else entry.en or name)
            page = (old.page if old else None) or (base.page if base else None) or entry.page
            out[name] = Organisation(name, en, ja, page, one.featured or bool(old and old.featured))
    return out
