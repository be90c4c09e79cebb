"""The ports table: what a port is for, on what kind of machine, who is known to use it, and who says so (`ports.toml`).

The file's own head tells its schema. A user's file of the same schema (setting `ports`) adds entries and overrides:

    load(own)                  all of it, for the functions that need more than one thing
    table(own)                 '23/tcp' -> its row
    groups(own)                'smtp' -> the ports that belong together
    find(port, protocol, own)  one row, or None

Nothing is kept that a caller did not ask for: a table is read once for a file as it lies on the disk, and again when the file
has changed; two files side by side do not see each other.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final, Literal, NoReturn

from teiten.errors import DataError, TeitenError, UsageError

Target = Literal["iot", "windows", "server", "ot", "any"]
Kind = Literal["malware", "device", "exploit", "tool"]
TARGETS: Final[tuple[Target, ...]] = ("iot", "windows", "server", "ot", "any")
KINDS: Final[tuple[Kind, ...]] = ("malware", "device", "exploit", "tool")
PROTOCOLS: Final[dict[int, str]] = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6", 132: "sctp"}
WITH_PORTS: Final = ("tcp", "udp", "sctp")


@dataclass(frozen=True, slots=True)
class Reference:
    """Who says so: a text for the page, the same in Japanese (else empty), and an address where there is one (else empty)."""

    text: str
    url: str
    ja: str = ""

    def said(self, lang: str) -> str:
        """The text in that language (English where there is no other)."""
        return self.ja if lang == "ja" and self.ja else self.text


@dataclass(frozen=True, slots=True)
class Use:
    """What is known to use some ports: malware that looks for them, a device that listens there, an exploit, a tool.

    `what` is a noun phrase by language that can stand after the name ("an IoT botnet that spreads peer to peer").
    `since` is the first year that the reference tells of, or None where it tells none.
    """

    names: Mapping[str, str]
    kind: Kind
    what: Mapping[str, str]
    since: int | None
    ports: tuple[str, ...]
    reference: Reference

    def name(self, lang: str) -> str:
        return self.names.get(lang, self.names["en"])

    def says(self, lang: str) -> str:
        return self.what.get(lang, self.what["en"])


@dataclass(frozen=True, slots=True)
class Group:
    """Ports that belong together, as 'SMTP(S)' for 25, 465 and 587/tcp. `ports` in order of their numbers."""

    key: str
    names: Mapping[str, str]
    ports: tuple[str, ...]

    def name(self, lang: str) -> str:
        return self.names.get(lang, self.names["en"])


@dataclass(frozen=True, slots=True)
class Port:
    """One row of the table. `stands_for` is the port that this one stands in for, as in '80/tcp', or None."""

    number: int
    protocol: str
    names: Mapping[str, str]
    target: Target
    stands_for: str | None
    group: str | None
    reference: Reference
    used_by: tuple[Use, ...] = ()

    def service(self, lang: str) -> str:
        """The service's usual name in that language (English where the table has no other)."""
        return self.names.get(lang, self.names["en"])

    @property
    def key(self) -> str:
        return f"{self.number}/{self.protocol}"

    def users(self, *kinds: Kind) -> tuple[Use, ...]:
        """What is known to use the port, only of these kinds where any are named; in the file's order, the best known first."""
        return tuple(use for use in self.used_by if not kinds or use.kind in kinds)


@dataclass(frozen=True, slots=True)
class Table:
    """All of it. Every mapping is in order: ports by number, groups and references as written."""

    ports: Mapping[str, Port]
    groups: Mapping[str, Group]
    uses: tuple[Use, ...]
    references: Mapping[str, Reference]

    def find(self, port: int | None, protocol: int | str | None) -> Port | None:
        """The row of a port; `protocol` as its IANA number or its name. None where the table does not know it."""
        name = PROTOCOLS.get(protocol, "") if isinstance(protocol, int) else (protocol or "")
        return self.ports.get(f"{port}/{name.lower()}")


def load(own: Path | None = None) -> Table:
    """The package's table, with a user's own file where one is named. UsageError for what is wrong in that file."""
    if own is None:
        return _package()
    path = own.resolve()
    try:
        state = path.stat()
    except OSError as error:
        raise UsageError(
            f"The file of ports {own} cannot be read: {error.strerror}.", hint="Check the setting 'ports'."
        ) from None
    return _with(path, state.st_mtime_ns, state.st_size)


def table(own: Path | None = None) -> Mapping[str, Port]:
    """'23/tcp' -> its row."""
    return load(own).ports


def groups(own: Path | None = None) -> Mapping[str, Group]:
    """'smtp' -> the ports that belong together."""
    return load(own).groups


def find(port: int | None, protocol: int | str | None, own: Path | None = None) -> Port | None:
    """The row of a port; `protocol` as its IANA number or its name. None where the table does not know it."""
    return load(own).find(port, protocol)


@functools.cache
def _text() -> str:
    return (resources.files(__package__) / "ports.toml").read_text(encoding="utf-8")


@functools.cache
def _package() -> Table:
    return _Reader(Path("ports.toml"), _text(), DataError).table()


@functools.lru_cache(maxsize=8)
def _with(path: Path, _changed: int, _size: int) -> Table:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The file of ports {path} cannot be read: {error}.", hint="Check the setting 'ports'.") from None
    return _Reader(path, text, UsageError, upon=_Reader(Path("ports.toml"), _text(), DataError)).table()


Shape = Mapping[str, tuple[bool, type]]
"""field -> whether it must be there, and its type"""
_SECTIONS: Final = ("references", "groups", "ports", "used_by")
_REFERENCE: Final[Shape] = {"text": (True, str), "ja": (False, str), "url": (False, str)}
_GROUP: Final[Shape] = {"en": (True, str), "ja": (True, str)}
_PORT: Final[Shape] = {
    "service": (True, str), "ja": (False, str), "target": (True, str),
    "for": (False, str), "group": (False, str), "reference": (True, str),
}  # fmt: skip
_USE: Final[Shape] = {
    "name": (True, str), "name_ja": (False, str), "kind": (True, str), "since": (False, int), "ports": (True, list),
    "en": (True, str), "ja": (True, str), "reference": (True, str),
}  # fmt: skip
_WORDS: Final[dict[type, str]] = {str: "a text", int: "a whole number", list: "a list"}


class _Reader:
    """One file, held to the schema; `upon` is what it adds to. Every fault names the file, the line and the entry."""

    def __init__(self, path: Path, text: str, fault: type[TeitenError], upon: _Reader | None = None) -> None:
        self.path, self.lines, self.fault, self.upon = path, text.splitlines(), fault, upon
        try:
            self.found: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise fault(f"{path} is no TOML that I can read: {error}.") from None
        for name, value in self.found.items():
            if name not in _SECTIONS:
                self.wrong(name, f"is no part of a file of ports (it has {', '.join(_SECTIONS)})")
            if not isinstance(value, list if name == "used_by" else dict):
                self.wrong(name, "must be a list of tables, written [[used_by]]" if name == "used_by" else "must be a table")

    def wrong(self, entry: str, why: str, nth: int | None = None) -> NoReturn:
        """Raises, with the line where the entry begins if it can be found."""
        shown = entry if nth is None else f"used_by number {nth + 1} ({entry})"
        heads = [n for n, line in enumerate(self.lines, 1) if re.match(r"\s*\[\[\s*used_by\s*\]\]", line)]
        if nth is not None:
            line = heads[nth] if nth < len(heads) else None
        else:
            begins = re.compile(rf'\s*(\[\s*(\w+\.)?)?"?{re.escape(entry)}"?\s*[=\].]')
            line = next((n for n, text in enumerate(self.lines, 1) if begins.match(text)), None)
        where = f"{self.path}:{line}" if line else f"{self.path}"
        raise self.fault(
            f"{where}: {shown} {why}.",
            hint="Install teiten again." if self.fault is DataError else "docs/reference/ports.md tells the schema.",
        )

    def hold(self, entry: str, value: Any, shape: Shape, nth: int | None = None, all_: bool = True) -> None:
        """The fields of an entry are known, of their type, not empty; none is missing (`all_`: it changes no other entry)."""
        if not isinstance(value, dict):
            self.wrong(entry, "must be a table", nth)
        for field, held in value.items():
            if field not in shape:
                self.wrong(entry, f"has a field '{field}' that I do not know (it has {', '.join(shape)})", nth)
            kind = shape[field][1]
            if isinstance(held, bool) or not isinstance(held, kind):
                self.wrong(entry, f"has in '{field}' {held!r}, which must be {_WORDS[kind]}", nth)
            if isinstance(held, str) and field != "url" and not held.strip():
                self.wrong(entry, f"has nothing in '{field}'", nth)
        missing = [field for field, (needed, _) in shape.items() if needed and all_ and field not in value]
        if missing:
            self.wrong(entry, f"lacks '{missing[0]}'", nth)

    def port_key(self, entry: str, key: Any, nth: int | None = None) -> str:
        match = re.fullmatch(r"([1-9]\d{0,4})/([a-z]+)", key) if isinstance(key, str) else None
        if not match or int(match[1]) > 65535 or match[2] not in WITH_PORTS:
            self.wrong(entry, f'is no port: {key!r} should be written as "23/tcp" ({", ".join(WITH_PORTS)})', nth)
        return str(key)

    def _named(self, section: str, shape: Shape) -> dict[str, dict[str, Any]]:
        """A section of named entries: those of the file below, changed and added to by this one."""
        below = self.upon._named(section, shape) if self.upon else {}
        out = dict(below)
        for key, value in self.found.get(section, {}).items():
            self.hold(key, value, shape, all_=key not in below)
            out[key] = {**below.get(key, {}), **value}
        return out

    def uses(self) -> list[tuple[dict[str, Any], _Reader, int]]:
        """Each entry of used_by with where it stands; a user's own takes the place of one of that name at its ports."""
        own = []
        for nth, value in enumerate(self.found.get("used_by", [])):
            name = str(value.get("name", "without a name")) if isinstance(value, dict) else "no table"
            self.hold(name, value, _USE, nth)
            if not value["ports"]:
                self.wrong(name, "names no port", nth)
            for key in value["ports"]:
                self.port_key(name, key, nth)
            own.append((value, self, nth))
        taken = {(value["name"], key) for value, _, _ in own for key in value["ports"]}
        kept = []
        for value, reader, nth in self.upon.uses() if self.upon else []:
            left = [key for key in value["ports"] if (value["name"], key) not in taken]
            if left:
                kept.append(({**value, "ports": left}, reader, nth))
        return kept + own

    def table(self) -> Table:
        references = {
            key: Reference(value["text"], value.get("url", ""), value.get("ja", ""))
            for key, value in self._named("references", _REFERENCE).items()
        }
        for key, reference in references.items():
            if reference.url and not re.match(r"https?://\S+$", reference.url):
                self.wrong(key, f"has in 'url' {reference.url!r}, which is no address of a page")
        named = self._named("groups", _GROUP)
        rows = self._named("ports", _PORT)
        uses = [self._use(value, reader, nth, rows, references) for value, reader, nth in self.uses()]
        by_port: dict[str, list[Use]] = {}
        for use in uses:
            for key in use.ports:
                by_port.setdefault(key, []).append(use)
        ports = {}
        for key in sorted(rows, key=_order):
            ports[key] = self._port(key, rows[key], rows, named, references, by_port.get(key, ()))
        groups = {
            key: Group(key, names, tuple(k for k, port in ports.items() if port.group == key)) for key, names in named.items()
        }
        return Table(ports, groups, tuple(uses), references)

    def _use(
        self, value: dict[str, Any], reader: _Reader, nth: int, rows: Mapping[str, Any], references: Mapping[str, Reference]
    ) -> Use:
        name = value["name"]
        wrong: Callable[[str], NoReturn] = functools.partial(reader.wrong, name, nth=nth)
        if value["kind"] not in KINDS:
            wrong(f"has the kind {value['kind']!r}, which must be one of {', '.join(KINDS)}")
        if not 1970 <= value.get("since", 2000) < 2200:
            wrong(f"has in 'since' {value['since']}, which is no year")
        for key in value["ports"]:
            if key not in rows:
                wrong(f"names the port {key}, of which the table has no entry")
        if value["reference"] not in references:
            wrong(f"names the reference '{value['reference']}', which is not there")
        names = {"en": name} | ({"ja": value["name_ja"]} if "name_ja" in value else {})
        what = {"en": value["en"], "ja": value["ja"]}
        return Use(names, value["kind"], what, value.get("since"), tuple(value["ports"]), references[value["reference"]])

    def _port(
        self,
        key: str,
        row: dict[str, Any],
        rows: Mapping[str, Any],
        groups: Mapping[str, Any],
        references: Mapping[str, Reference],
        used_by: Iterable[Use],
    ) -> Port:
        number, _, protocol = self.port_key(key, key).partition("/")
        if row["target"] not in TARGETS:
            self.wrong(key, f"has the target {row['target']!r}, which must be one of {', '.join(TARGETS)}")
        if row.get("for") is not None and (row["for"] not in rows or row["for"] == key):
            self.wrong(key, f"stands in for {row['for']!r}, of which the table has no entry")
        if row.get("group") is not None and row["group"] not in groups:
            self.wrong(key, f"names the group '{row['group']}', which is not there")
        if row["reference"] not in references:
            self.wrong(key, f"names the reference '{row['reference']}', which is not there")
        names = {"en": row["service"]} | ({"ja": row["ja"]} if "ja" in row else {})
        reference = references[row["reference"]]
        return Port(int(number), protocol, names, row["target"], row.get("for"), row.get("group"), reference, tuple(used_by))


def _order(key: str) -> tuple[int, str]:
    number, _, protocol = key.partition("/")
    return (int(number) if number.isdigit() else 0, protocol)
