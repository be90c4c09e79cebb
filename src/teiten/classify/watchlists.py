"""All watchlists at hand, and what they say of an address, or of many at once, on a day.

Lists come from the package, from `teiten watchlist import` (user folder) and from the setting `watchlists`. Of a list's
versions a day takes the newest not later than itself, else the oldest there is: as with country data, so that a list of
today says nothing of whom an address belonged to before the list before it. Within a version an entry's own validity counts.
"""

from __future__ import annotations

import datetime as dt
import functools
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from teiten.classify import lists
from teiten.classify.lists import Entry, Organisation, Prefix, WatchList
from teiten.enrich import datasets
from teiten.errors import UsageError
from teiten.settings import Settings

OLD_AFTER: Final = dt.timedelta(days=90)
"""as country data: addresses change hands"""
OPEN_END: Final = dt.timedelta(days=365)
"""how long an announcement without an end is taken as stated"""
STATED: Final = 1.0
"""confidence: the announcement states a validity that holds the day"""
FRESH: Final = 0.9
"""confidence: no validity is stated, and the list was made within 90 days of the day"""
AGED: Final = 0.6
"""confidence: no validity is stated, and the list is older or younger than that"""
NAMED: Final = 0.7
"""confidence of a PTR name: whoever holds an address writes its name, and nobody has asked the name for its address"""
CONFIRMED: Final = 0.9
"""confidence of a PTR name that has the address too: whoever holds the organisation's domain says so"""

MATCH_SCHEMA: Final[dict[str, pl.DataType]] = {
    "src_ip": pl.Binary(),
    "day": pl.Date(),
    "organisation": pl.String(),
    "list": pl.String(),
    "list_version": pl.String(),
    "list_date": pl.Date(),
    "prefix": pl.String(),
    "prefix_len": pl.Int16(),
    "valid_from": pl.Date(),
    "valid_to": pl.Date(),
    "page": pl.String(),
    "confidence": pl.Float64(),
}


@dataclass(frozen=True, slots=True)
class Match:
    """One statement of one list about an address (or a PTR name: then `prefix` is the pattern) on a day."""

    organisation: str
    list: str
    list_version: str
    prefix: str
    valid_from: dt.date | None
    valid_to: dt.date | None
    page: str | None
    list_date: dt.date
    licence: str | None
    confidence: float
    by_name: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """A version of a list and the days that take it (inclusive; None: without bound)."""

    list: WatchList
    first: dt.date | None
    last: dt.date | None

    def holds(self, first: dt.date, last: dt.date) -> bool:
        """Does any day of first..last take it?"""
        return (self.first is None or self.first <= last) and (self.last is None or self.last >= first)


def confidence(date: dt.date, start: dt.date | None, end: dt.date | None, day: dt.date) -> float:
    """How sure a prefix on a list of that date is of that day: STATED, FRESH or AGED."""
    if start is not None and (end is not None or day <= max(start, date) + OPEN_END):
        return STATED
    return FRESH if abs(day - date) <= OLD_AFTER else AGED


class _Index:
    """The prefixes of some lists, to be found by address: covered stretches by numpy, then each length's networks."""

    def __init__(self, windows: Sequence[Window]) -> None:
        self.rows: list[tuple[Window, Entry, Prefix]] = []
        self.networks: dict[int, dict[int, dict[int, list[int]]]] = {4: {}, 6: {}}
        spans: dict[int, list[tuple[int, int]]] = {4: [], 6: []}
        for window in windows:
            for entry in window.list.entries:
                for prefix in entry.prefixes:
                    lengths = self.networks[prefix.family].setdefault(prefix.length, {})
                    lengths.setdefault(prefix.number, []).append(len(self.rows))
                    self.rows.append((window, entry, prefix))
                    spans[prefix.family].append((prefix.number, prefix.last))
        self.covered = {family: _merged(found, family) for family, found in spans.items()}
        self.blocks: npt.NDArray[np.bool_] = np.zeros(1 << 16, dtype=np.bool_)
        for first, last in spans[4]:
            self.blocks[first >> 16 : (last >> 16) + 1] = True

    def of(self, address: bytes) -> list[int]:
        """Numbers of the rows whose prefix holds the address (4 or 16 bytes)."""
        family = 4 if len(address) == 4 else 6
        number, bits = int.from_bytes(address, "big"), lists.BITS[family]
        out: list[int] = []
        for length, networks in self.networks[family].items():
            shift = bits - length
            out += networks.get(number >> shift << shift, ())
        return out

    def inside(self, addresses: pl.Series) -> pl.Series:
        """(n) binary addresses -> (n) booleans: does some prefix hold it?"""
        short = addresses.bin.reinterpret(dtype=pl.UInt32, endianness="big")
        keys = short.fill_null(0).to_numpy()
        # a table of the /16s with anything in them leaves few to be looked for
        held = self.blocks[keys >> 16]
        at = np.flatnonzero(held)
        held[at] = _within(self.covered[4], keys[at])
        if not short.null_count():
            return pl.Series(held)
        held &= short.is_not_null().to_numpy()
        long = short.is_null() & (addresses.bin.size() == 16)
        if len(self.covered[6][0]) and long.any():
            packed: npt.NDArray[Any] = np.frombuffer(b"".join(addresses.filter(long).to_list()), dtype="S16")
            held[long.arg_true().to_numpy()] = _within(self.covered[6], packed)
        return pl.Series(held)


def _merged(spans: list[tuple[int, int]], family: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """First and last addresses of the stretches that the spans cover together."""
    out: list[list[int]] = []
    for first, last in sorted(spans):
        if out and first <= out[-1][1] + 1:
            out[-1][1] = max(out[-1][1], last)
        else:
            out.append([first, last])
    if family == 4:
        whole = np.array(out, dtype=np.uint32).reshape(-1, 2)
        return whole[:, 0], whole[:, 1]
    packed = [np.frombuffer(b"".join(o[i].to_bytes(16, "big") for o in out), dtype="S16") for i in (0, 1)]
    return packed[0], packed[1]


def _within(stretches: tuple[npt.NDArray[Any], npt.NDArray[Any]], keys: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    first, last = stretches
    if not len(first):
        return np.zeros(len(keys), dtype=np.bool_)
    at = np.searchsorted(first, keys, side="right") - 1
    inside: npt.NDArray[np.bool_] = (at >= 0) & (keys <= last[at.clip(min=0)])
    return inside


class Watchlists:
    """Every list at hand. What is asked for is indexed once for each set of versions that the days need."""

    def __init__(self, found: Iterable[WatchList]) -> None:
        self.lists: tuple[WatchList, ...] = tuple(sorted(found, key=lambda one: (one.name, one.date, one.version)))
        self.windows = tuple(_windows(self.lists))
        self._indices: dict[tuple[int, ...], _Index] = {}

    # what there is

    @functools.cached_property
    def organisations(self) -> dict[str, Organisation]:
        """Short name -> organisation, of every list."""
        return lists.named(self.lists)

    def organisation(self, name: str) -> Organisation:
        """The organisation of that short name (or another spelling of it). UsageError where no list has it."""
        known = self.organisations
        short = lists.short_name(name)
        if short in known:
            return known[short]
        same = next((o for o in known.values() if lists.folded(name) in map(lists.folded, (o.name, o.en, o.ja))), None)
        if same is None:
            raise UsageError(f"No watchlist names '{name}'.", hint="`teiten watchlist list` shows the organisations.")
        return same

    def featured(self) -> list[Organisation]:
        """The organisations of the package's own announcements, which reports follow unless told otherwise."""
        return [o for o in self.organisations.values() if o.featured]

    def of_day(self, day: dt.date) -> list[WatchList]:
        """The version of each list that counts on that day."""
        return [w.list for w in self.windows if w.holds(day, day)]

    def newest(self) -> list[WatchList]:
        """The newest version of each list."""
        return [w.list for w in self.windows if w.last is None]

    def prefixes(self, organisation: str, day: dt.date | None = None) -> list[Match]:
        """Every prefix of an organisation, on a day or (None) in the newest versions whatever their validity."""
        chosen = self.newest() if day is None else self.of_day(day)
        short = self.organisation(organisation).name
        found = []
        for one in chosen:
            for entry in one.entries:
                if entry.organisation == short and (day is None or _valid(entry, day)):
                    found += [self._match(one, entry, str(p), day or one.date, False) for p in entry.prefixes]
        return found

    # asking

    def match(self, address: bytes, day: dt.date) -> list[Match]:
        """What the lists say of an address (4 or 16 bytes) on a day, the best first: surest, longest prefix, newest list."""
        index = self._index(day, day)
        hits = [index.rows[n] for n in index.of(address)]
        found = [
            (prefix.length, self._match(window.list, entry, str(prefix), day, False))
            for window, entry, prefix in hits
            if window.holds(day, day) and _valid(entry, day)
        ]
        found.sort(
            key=lambda pair: (
                -pair[1].confidence,
                -pair[0],
                -pair[1].list_date.toordinal(),
                pair[1].list,
                pair[1].organisation,
            )
        )
        return [match for _, match in found]

    def match_ever(self, address: bytes) -> list[Match]:
        """What the newest version of each list says of an address, whatever its validity; each as on the list's own day."""
        index = _Index([w for w in self.windows if w.last is None])
        hits = [index.rows[n] for n in index.of(address)]
        return [self._match(w.list, entry, str(p), entry.start or w.list.date, False) for w, entry, p in hits]

    def match_name(self, name: str, day: dt.date) -> list[Match]:
        """What the lists say of a PTR name on a day."""
        wanted = patterns_of(name.strip().rstrip(".").lower())
        return [
            self._match(one, entry, pattern, day, True)
            for one in self.of_day(day)
            for entry in one.entries
            for pattern in entry.names
            if pattern in wanted and _valid(entry, day)
        ]

    def match_frame(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Rows of src_ip (binary) and day (date) -> a row of MATCH_SCHEMA for each statement, the best of a pair first.

        Pairs on no list have no row. Pairs may repeat; each is answered once. Other columns of the frame come along.
        """
        more = {k: v for k, v in frame.schema.items() if k not in ("src_ip", "day")}
        if not frame.height:
            return pl.DataFrame(schema=MATCH_SCHEMA | more)
        low: Any = frame["day"].min()
        high: Any = frame["day"].max()
        index = self._index(low, high)
        # most sources are on no list: they are left out before anything is hashed or joined
        kept = frame.filter(index.inside(frame["src_ip"])).with_columns(pl.col("day").cast(pl.Date))
        pairs = kept.unique(["src_ip", "day"])
        hits = [(address, n) for address in pairs["src_ip"].unique() for n in index.of(address)]
        if not hits:
            return pl.DataFrame(schema=MATCH_SCHEMA | more)
        said = pl.DataFrame(hits, schema={"src_ip": pl.Binary(), "row": pl.Int64()}, orient="row")
        wanted = said["row"].unique()
        answers = _answers(index, wanted.to_list())
        found = pairs.join(said, on="src_ip").join(answers, on="row")
        day = pl.col("day")
        return (
            found.filter(
                (pl.col("use_from").is_null() | (day >= pl.col("use_from")))
                & (pl.col("use_to").is_null() | (day <= pl.col("use_to")))
                & (pl.col("valid_from").is_null() | (day >= pl.col("valid_from")))
                & (pl.col("valid_to").is_null() | (day <= pl.col("valid_to")))
            )
            .with_columns(_confidence().alias("confidence"))
            .sort(
                ["day", "src_ip", "confidence", "prefix_len", "list_date", "list", "organisation"],
                descending=[False, False, True, True, True, False, False],
            )
            .select(list(MATCH_SCHEMA | more))
        )

    def _index(self, first: dt.date, last: dt.date) -> _Index:
        key = tuple(n for n, w in enumerate(self.windows) if w.holds(first, last))
        if key not in self._indices:
            self._indices.clear()  # days are asked for in order: the one before is not needed again
            self._indices[key] = _Index([self.windows[n] for n in key])
        return self._indices[key]

    def _match(self, one: WatchList, entry: Entry, prefix: str, day: dt.date, by_name: bool) -> Match:
        sure = NAMED if by_name else confidence(one.date, entry.start, entry.end, day)
        page = entry.page or self.organisations[entry.organisation].page
        return Match(
            organisation=entry.organisation,
            list=one.name,
            list_version=one.version,
            prefix=prefix,
            valid_from=entry.start,
            valid_to=entry.end,
            page=page,
            list_date=one.date,
            licence=one.licence,
            confidence=sure,
            by_name=by_name,
        )


def patterns_of(name: str) -> set[str]:
    """Every pattern that holds the name (small letters): itself, and `*.` before each of the domains that it lies in."""
    labels = name.split(".")
    return {name, *("*." + ".".join(labels[n:]) for n in range(1, len(labels)))}


def _valid(entry: Entry, day: dt.date) -> bool:
    return (entry.start is None or entry.start <= day) and (entry.end is None or day <= entry.end)


def _windows(found: Sequence[WatchList]) -> Iterable[Window]:
    """Versions in order -> the days that take each."""
    for _, group in itertools.groupby(found, key=lambda one: one.name):
        versions = list(group)
        for n, one in enumerate(versions):
            later = versions[n + 1].date - dt.timedelta(days=1) if n + 1 < len(versions) else None
            yield Window(one, one.date if n else None, later)


def _answers(index: _Index, numbers: list[int]) -> pl.DataFrame:
    """The rows of an index as a frame, with the days that take their version."""
    rows = []
    for n in numbers:
        window, entry, prefix = index.rows[n]
        page = entry.page or (known.page if (known := lists.known_organisation(entry.organisation)) else None)
        one = window.list
        rows.append(
            (n, window.first, window.last, entry.organisation, one.name, one.version, one.date, str(prefix), prefix.length,
             entry.start, entry.end, page)
        )  # fmt: skip
    days = {"use_from": pl.Date(), "use_to": pl.Date()}
    kept = {k: v for k, v in MATCH_SCHEMA.items() if k not in ("src_ip", "day", "confidence")}
    return pl.DataFrame(rows, schema={"row": pl.Int64(), **days, **kept}, orient="row")


def _confidence() -> pl.Expr:
    """`confidence` for columns."""
    start, end, date, day = (pl.col(c) for c in ("valid_from", "valid_to", "list_date", "day"))
    stated = start.is_not_null() & (end.is_not_null() | (day <= pl.max_horizontal(start, date) + OPEN_END))
    fresh = (day - date).abs() <= OLD_AFTER
    return pl.when(stated).then(STATED).when(fresh).then(FRESH).otherwise(AGED)


# loading ------------------------------------------------------------------------------------------------------------


def user_folder() -> Path:
    """Where `teiten watchlist import` writes: beside the data of `teiten geo import`."""
    return datasets.user_folder().parent / "watchlists"


def load(settings: Settings | None = None) -> Watchlists:
    """The package's lists, the imported ones and those of the setting `watchlists`. UsageError, DataError."""
    from teiten.classify import importing

    found = lists.package_lists()
    folder = user_folder()
    if folder.is_dir():
        found += [lists.read(path, "imported") for path in sorted(folder.glob("*.json"))]
    for path in settings.watchlists if settings is not None else ():
        found += importing.own_file(path)
    same: dict[tuple[str, str], WatchList] = {}
    for one in found:  # of two that are called the same, the one nearer to the user counts
        same[one.name, one.version] = one
    return Watchlists(same.values())
