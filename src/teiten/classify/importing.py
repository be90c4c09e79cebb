"""Lists that others publish -> watchlists: MISP warning lists, OpenFilters' folder, CSV, plain text, our own schema.

    MISP          a folder of folders with list.json (or one of them): each a list, its version as MISP counts it
    OpenFilters   a folder with cidr/*.txt: one list, each file an organisation
    a folder of *.txt, or one: each file an organisation, a prefix a line, # begins a comment
    CSV           a header with prefix (or address, network, cidr); organisation (or note), from, to, page (or source), name
    .toml .json   the schema of `lists`

A line that is no prefix is rejected and counted with its place; a validity the wrong way round, a prefix as broad as a /7
(IPv6: /15), prefixes that together hold more than a /8, or a list without a prefix refuse the whole import: nothing is kept.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from teiten.classify import lists
from teiten.classify.lists import Entry, Prefix, WatchList
from teiten.errors import InputError, TeitenError, UsageError

LARGEST: Final = 256 << 20
"""bytes of one file: a list is no database"""
_WHOLE: Final = {4: 1 << 24, 6: 1 << 112}
"""addresses that a list may hold in all: a /8, or a /16 of IPv6"""
PREFIX_KEYS: Final = ("prefix", "network", "cidr", "ip_prefix", "address", "ip")
ORGANISATION_KEYS: Final = ("organisation", "organization", "org", "scanner", "owner", "note")
PAGE_KEYS: Final = ("page", "url", "source", "reference")
FROM_KEYS: Final = ("from", "valid_from", "start")
TO_KEYS: Final = ("to", "until", "valid_to", "end")


@dataclass(slots=True)
class Rejected:
    """A line (or entry of a MISP list, counted from 1) that is no prefix, and why."""

    file: str
    line: int
    why: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.why}"


@dataclass(slots=True)
class Wishes:
    """What the user says of the files, where they do not say it themselves."""

    name: str | None = None
    organisation: str | None = None
    licence: str | None = None
    date: dt.date | None = None
    page: str | None = None
    allow_broad: bool = False


@dataclass(slots=True)
class Found:
    """The lists that the files hold, and what is to be said of them."""

    lists: list[WatchList] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    undated: list[int] = field(default_factory=list)
    """places in `lists` of those whose date is only their file's modification time"""


def read(paths: Sequence[Path], wishes: Wishes | None = None) -> Found:
    """Every list of the files and folders. UsageError or InputError, with the place, where the whole is to be refused."""
    wishes = wishes or Wishes()
    found = Found()
    for path in paths:
        before, refused_before = len(found.lists), len(found.rejected)
        try:
            _read(path, wishes, found)
        except UsageError as error:
            refused = found.rejected[refused_before:]
            if not refused:
                raise
            n = len(refused)
            also = f"Before it {n} {'line is' if n == 1 else 'lines are'} malformed (first {refused[0]})."
            raise UsageError(f"{error.message} {also}", hint=error.hint) from None
        except OSError as error:
            raise InputError(f"{error.filename or path} cannot be read: {error.strerror or error}.") from None
        found.lists[before:] = [_checked(one, found, wishes) for one in found.lists[before:]]
        taken = sum(one.prefixes + one.patterns for one in found.lists[before:])
        refused = found.rejected[refused_before:]
        if not taken or len(refused) > taken:
            first = f" (first {refused[0]})" if refused else ""
            raise InputError(
                f"{path} holds no prefixes that I can read{first}.",
                hint="I know MISP's list.json, OpenFilters' cidr folder, a prefix a line, CSV: teiten watchlist import --help.",
            )
    _date_undated(found)
    if wishes.name and len(found.lists) > 1:
        raise UsageError(
            f"The files hold {len(found.lists)} lists, so --name cannot name them.", hint="Import them one by one, or leave it."
        )
    return found


def _read(path: Path, wishes: Wishes, found: Found) -> None:
    if path.is_dir():
        _read_folder(path, wishes, found)
    elif not path.exists():
        raise InputError(f"There is no {path}.", hint="Name a file or a folder of lists.")
    elif path.suffix == ".json":
        _read_json(path, wishes, found)
    elif path.suffix == ".toml":
        one = lists.read(path, "settings")
        found.lists.append(replace(one, licence=one.licence or wishes.licence))
    elif path.suffix == ".csv":
        _read_csv(path, wishes, found)
    else:
        _read_texts([path], path.parent, wishes.name or _slug(path.stem), wishes, found)


def _read_folder(path: Path, wishes: Wishes, found: Found) -> None:
    several = sorted(path.glob("*/list.json"))
    if (path / "list.json").is_file():
        _read_json(path / "list.json", wishes, found)
    elif several:
        for file in several:
            _read_json(file, wishes, found)
    elif files := sorted((path / "cidr").glob("*.txt")):
        _read_texts(files, path, wishes.name or _slug(path.name.removesuffix("_cidr")), wishes, found)
    elif files := sorted(path.glob("*.txt")):
        _read_texts(files, path, wishes.name or _slug(path.name), wishes, found)
    else:
        raise InputError(f"{path} holds no list that I know.", hint="I look for */list.json, cidr/*.txt and *.txt.")


# the kinds ----------------------------------------------------------------------------------------------------------


def _text(path: Path) -> str:
    if path.stat().st_size > LARGEST:
        raise InputError(f"{path} is too large for a list ({path.stat().st_size:,} bytes).", hint="Is it the right file?")
    return path.read_text(encoding="utf-8-sig", errors="replace")


def _take(text: str, file: Path, line: int, wishes: Wishes, found: Found) -> Prefix | None:
    """The prefix, or None where it is rejected. UsageError for one that is too broad."""
    try:
        prefix = lists.parse_prefix(text)
    except ValueError as error:
        found.rejected.append(Rejected(str(file), line, str(error)))
        return None
    if not wishes.allow_broad:
        lists.check_broad(prefix, f"{file}:{line}")
    return prefix


def _read_json(path: Path, wishes: Wishes, found: Found) -> None:
    try:
        table: Any = json.loads(_text(path))
    except ValueError as error:
        raise InputError(f"{path} is no JSON that I can read: {error}.") from None
    if isinstance(table, dict) and "entries" in table:
        found.lists.append(lists.from_table(table, str(path), whose="settings", file=path, allow_broad=wishes.allow_broad))
        return
    if not isinstance(table, dict) or not isinstance(table.get("list"), list) or "name" not in table:
        raise InputError(f"{path} is no MISP warning list: it has no 'name' and 'list'.")
    kind = str(table.get("type", "cidr"))
    if kind != "cidr":
        raise InputError(f"{path} is a warning list of type '{kind}', not of prefixes (cidr).")
    prefixes = [p for n, text in enumerate(table["list"], 1) if (p := _take(str(text), path, n, wishes, found))]
    about = " ".join(str(table.get("description", "")).split())
    version = re.sub(r"[^A-Za-z0-9._+-]", "-", str(table.get("version", ""))).strip("-._+")[:40]
    date = _misp_date(version) or _said_date(about) or wishes.date
    if date is None:
        found.undated.append(len(found.lists))
        date = _mtime_day([path])
    page = wishes.page or next(iter(re.findall(r"https?://[^\s\]\[()<>\"]+", about)), None)
    organisation = lists.short_name(wishes.organisation or misp_organisation(str(table["name"])))
    entry = Entry(organisation, tuple(prefixes), page=page)
    found.lists.append(
        WatchList(
            name=wishes.name or _slug("misp-" + path.parent.name),
            version=version or date.isoformat(),
            date=date,
            licence=wishes.licence or "CC0-1.0",
            source=f"MISP warning lists: {' '.join(str(table['name']).split())}",
            entries=(entry,),
            whose="imported",
        )
    )


def misp_organisation(title: str) -> str:
    """The organisation in a MISP list's name: 'Censys IP Ranges Used for Scanning' -> 'Censys'."""
    plain = " ".join(title.split())
    plain = re.sub(r"^List of published IP address ranges for (.*?)( scanners?)?$", r"\1", plain, flags=re.IGNORECASE)
    plain = re.sub(r"^List of known ", "", plain, flags=re.IGNORECASE)
    plain = re.sub(r"\s*(IP[ -]Ranges?,?|IP address(es)?( ranges)?)\b.*$", "", plain, flags=re.IGNORECASE)
    return plain or title


def _misp_date(version: str) -> dt.date | None:
    """20260811 -> that day; 26081010 (year, month, day, a count) -> its day; a small number tells no day."""
    for pattern, century in ((r"(20\d\d)(\d\d)(\d\d)", 0), (r"(\d\d)(\d\d)(\d\d)\d\d", 2000)):
        match = re.fullmatch(pattern, version)
        if match:
            try:
                return dt.date(century + int(match[1]), int(match[2]), int(match[3]))
            except ValueError:
                continue
    return None


def _said_date(text: str) -> dt.date | None:
    match = re.search(r"\b(20\d\d)[-/](\d\d)[-/](\d\d)\b", text)
    try:
        return dt.date(int(match[1]), int(match[2]), int(match[3])) if match else None
    except ValueError:
        return None


def _mtime_day(files: Sequence[Path]) -> dt.date:
    return dt.datetime.fromtimestamp(max(f.stat().st_mtime for f in files), dt.UTC).date()


def _mtime(files: Sequence[Path], found: Found) -> dt.date:
    """The modification time's day, said."""
    day = _mtime_day(files)
    found.notes.append(f"{files[0]} states no date: {day} is its modification time's; give --date where that is wrong.")
    return day


def _date_undated(found: Found) -> None:
    """MISP's lists that count their versions 1, 2, 3 take the newest day of those beside them, else their file's."""
    if not found.undated:
        return
    stated = [one.date for n, one in enumerate(found.lists) if n not in found.undated]
    for n in found.undated:
        found.lists[n] = replace(found.lists[n], date=max(stated) if stated else found.lists[n].date)
    names = ", ".join(found.lists[n].name for n in found.undated)
    how = "the newest day of the others is taken" if stated else "their files' modification time is taken"
    found.notes.append(f"The versions of {names} tell no day: {how} ({found.lists[found.undated[0]].date}).")


def _read_texts(files: Sequence[Path], folder: Path, name: str, wishes: Wishes, found: Found) -> None:
    """One list of plain files, each an organisation."""
    about = _about_folder(folder)
    kept: dict[str, list[Prefix]] = {}
    for file in files:
        stem = re.sub(r"[-_.](ip)?v[46]$", "", file.stem, flags=re.IGNORECASE)
        organisation = lists.short_name(wishes.organisation or stem)
        into = kept.setdefault(organisation, [])
        for number, line in enumerate(io.StringIO(_text(file)), 1):
            plain = re.split(r"[#;]", line, maxsplit=1)[0].strip()
            if plain and (prefix := _take(plain, file, number, wishes, found)):
                into.append(prefix)
    date = about.date or wishes.date or _mtime(files, found)
    entries = [Entry(organisation, tuple(p), page=wishes.page) for organisation, p in kept.items() if p]
    empty = sorted(organisation for organisation, p in kept.items() if not p)
    if empty:
        found.notes.append(f"Without a prefix, so left out: {', '.join(empty)}.")
    if not entries:
        return
    source = about.title or ", ".join(f.name for f in files[:3])
    found.lists.append(_made(name, date, wishes.licence or about.licence, source, entries))


def _made(name: str, date: dt.date, licence: str | None, source: str, entries: Sequence[Entry]) -> WatchList:
    return WatchList(name, date.isoformat(), date, licence, source, tuple(entries), whose="imported")


@dataclass(slots=True)
class _About:
    title: str | None = None
    licence: str | None = None
    date: dt.date | None = None


def _about_folder(folder: Path) -> _About:
    """What README and LICENSE beside the files say: title, licence, a date."""
    about = _About()
    for name in ("README.md", "README.txt", "README"):
        if (folder / name).is_file():
            text = _text(folder / name)
            heading = re.search(r"^#\s+(.+)$", text, re.MULTILINE)
            about.title = heading[1].strip() if heading else None
            stated = re.search(r"(?i)\b(?:updated|date|generated|version)\b[^\n]{0,20}?(20\d\d-\d\d-\d\d)", text)
            about.date = _said_date(stated[1]) if stated else None
            break
    for name in ("LICENSE", "LICENSE.md", "LICENSE.txt", "COPYING"):
        if (folder / name).is_file():
            text = _text(folder / name)[:4000].casefold()
            known = (("unlicense", "Unlicense"), ("cc0", "CC0-1.0"), ("mit license", "MIT"), ("apache license", "Apache-2.0"))
            first = text.strip().splitlines()[0][:60] if text.strip() else None
            about.licence = next((licence for mark, licence in known if mark in text), first)
            break
    return about


def _read_csv(path: Path, wishes: Wishes, found: Found) -> None:
    rows = csv.reader(io.StringIO(_text(path)))
    head: list[str] = []
    groups: dict[tuple[Any, ...], list[Prefix]] = {}
    names: dict[tuple[Any, ...], list[str]] = {}
    for row in _lines(rows, path):
        if not head:
            head = [cell.strip().casefold() for cell in row]
            if not any(k in head for k in PREFIX_KEYS):
                raise InputError(
                    f"{path} has no column of prefixes (its first line is {','.join(row)[:60]!r}).",
                    hint=f"Name one column {' or '.join(PREFIX_KEYS[:3])}.",
                )
            continue
        _take_row(dict(zip(head, row, strict=False)), path, rows.line_num, wishes, found, groups, names)
    if not groups and not names:
        return
    date = wishes.date or _mtime([path], found)
    entries = [
        Entry(key[0], tuple(groups.get(key, ())), tuple(names.get(key, ())), key[1], key[2], key[3])
        for key in dict.fromkeys([*groups, *names])
    ]
    found.lists.append(_made(wishes.name or _slug(path.stem), date, wishes.licence, path.name, entries))


def _lines(rows: Any, path: Path) -> Iterator[list[str]]:
    try:
        for row in rows:
            if row and any(cell.strip() for cell in row) and not row[0].lstrip().startswith("#"):
                yield row
    except csv.Error as error:
        raise InputError(f"{path}:{rows.line_num} cannot be read: {error}.") from None


def _take_row(
    row: dict[str, str],
    path: Path,
    line: int,
    wishes: Wishes,
    found: Found,
    groups: dict[tuple[Any, ...], list[Prefix]],
    names: dict[tuple[Any, ...], list[str]],
) -> None:
    def cell(keys: Sequence[str]) -> str:
        return next((row[k].strip() for k in keys if row.get(k, "").strip()), "")

    where = f"{path}:{line}"
    days = []
    for keys in (FROM_KEYS, TO_KEYS):
        try:
            days.append(dt.date.fromisoformat(cell(keys)) if cell(keys) else None)
        except ValueError:
            found.rejected.append(Rejected(str(path), line, f"'{cell(keys)[:40]}' is no day"))
            return
    lists.check_validity(days[0], days[1], where)
    organisation = lists.short_name(wishes.organisation or cell(ORGANISATION_KEYS) or path.stem)
    page = next(iter(re.findall(r"https?://\S+", wishes.page or cell(PAGE_KEYS))), None)
    key = (organisation, days[0], days[1], page)
    text, pattern = cell(PREFIX_KEYS), cell(("name", "names", "ptr"))
    if text and (prefix := _take(text, path, line, wishes, found)):
        groups.setdefault(key, []).append(prefix)
    if pattern:
        try:
            names.setdefault(key, []).append(lists.check_pattern(pattern))
        except ValueError as error:
            found.rejected.append(Rejected(str(path), line, str(error)))
    if not text and not pattern:
        found.rejected.append(Rejected(str(path), line, "it has no prefix"))


# what is wrong with a list as a whole ---------------------------------------------------------------------------------


def _checked(one: WatchList, found: Found, wishes: Wishes) -> WatchList:
    """The list without repeats; overlaps are said, one that would name too much of the Internet is refused."""
    entries, repeats = [], 0
    seen: set[tuple[Any, ...]] = set()
    for entry in one.entries:
        kept = []
        for prefix in entry.prefixes:
            key = (entry.organisation, entry.start, entry.end, prefix)
            repeats += key in seen
            if key not in seen:
                kept.append(prefix)
            seen.add(key)
        ordered = tuple(sorted(kept, key=lambda p: (p.family, p.number, p.length)))
        if ordered or entry.names:
            entries.append(replace(entry, prefixes=ordered))
    label = f"{one.name} {one.version}"
    if repeats:
        found.notes.append(f"{label}: {repeats:,} prefixes stand there twice; kept once.")
    inside, first, whole = _overlaps([(p, e.organisation) for e in entries for p in e.prefixes])
    if inside:
        found.notes.append(f"{label}: {inside:,} prefixes lie inside others ({first}); the longest counts.")
    for family, size in whole.items():
        if size > _WHOLE[family] and not wishes.allow_broad:
            raise UsageError(
                f"{label} holds {size:,} addresses of IPv{family}: more than any scanner has.",
                hint="If it is meant so, import it with --allow-broad.",
            )
    made = replace(one, entries=tuple(entries), whose="imported", file=None, content=None)
    # what is kept must be readable again: one bad file would stop every command that asks for lists
    return lists.from_table(lists.to_table(made), label, whose="imported") if entries else made


def _overlaps(held: list[tuple[Prefix, str]]) -> tuple[int, str, dict[int, int]]:
    """How many prefixes lie inside another, an example, and how many addresses the list holds by family."""
    inside, first = 0, ""
    whole = {4: 0, 6: 0}
    outer: tuple[Prefix, str] | None = None
    for prefix, organisation in sorted(held, key=lambda pair: (pair[0].family, pair[0].number, pair[0].length)):
        if outer and outer[0].family == prefix.family and prefix.number <= outer[0].last:
            inside += prefix != outer[0] or organisation != outer[1]
            first = first or f"{prefix} of {organisation} in {outer[0]} of {outer[1]}"
        else:
            outer = (prefix, organisation)
            whole[prefix.family] += prefix.last - prefix.number + 1
    return inside, first, whole


# keeping ------------------------------------------------------------------------------------------------------------


def store(one: WatchList, folder: Path) -> Path:
    """Keeps a list in the folder, whole or not at all; an older import of the same version is replaced, others stay.

    OSError where the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{one.name}--{one.version}.json"
    fd, scratch = tempfile.mkstemp(prefix=".new-", suffix=".part", dir=folder)
    try:
        with os.fdopen(fd, "w", encoding="utf-8") as sink:
            json.dump(lists.to_table(one), sink, ensure_ascii=False, indent=1)
            sink.write("\n")
            sink.flush()
            os.fsync(sink.fileno())
        Path(scratch).chmod(0o644)
        Path(scratch).replace(target)
        place = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(place)
        finally:
            os.close(place)
    finally:
        Path(scratch).unlink(missing_ok=True)
    return target


def import_files(
    paths: Sequence[Path], wishes: Wishes, folder: Path, say: Callable[[str], None] = lambda _text: None
) -> tuple[list[WatchList], list[Rejected]]:
    """Reads all, then keeps all. UsageError, InputError; TeitenError where the folder cannot be written."""
    found = read(paths, wishes)
    for note in found.notes[:20]:
        say(note)
    if len(found.notes) > 20:
        say(f"... and {len(found.notes) - 20} notes more.")
    try:
        for one in found.lists:
            store(one, folder)
    except OSError as error:
        raise TeitenError(
            f"{error.filename or folder} cannot be written: {error.strerror}.", hint="Name another place in $TEITEN_DATA."
        ) from None
    return found.lists, found.rejected


def own_file(path: Path) -> list[WatchList]:
    """The lists of a file of the setting `watchlists`; whatever is wrong in it is an error there. UsageError, InputError."""
    if path.suffix == ".toml":
        return [lists.read(path, "settings")]
    found = read([path])
    if found.rejected:
        first = found.rejected[0]
        raise UsageError(f"{first}.", hint="Mend the list that the setting watchlists names.")
    out = []
    for one in found.lists:
        version = one.version if path.suffix == ".json" else f"{one.date.isoformat()}+{one.digest[:8]}"
        out.append(replace(one, version=version, whose="settings", file=path))
    return out


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9._]+", "-", text.casefold()).strip("-._")[:60] or "own"
