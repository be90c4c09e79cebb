"""What others published, as a CSV that a user gives; and how one's own counts of the same time compare with it.

The columns, in any order, names in the first line: source, period, thing (port or country), name (23/tcp, 445, icmp; CN), and
at least one of rank, share (0.123 or 12.3%), count; unit (packets where it is not said, or hosts), url. One set of figures is
one source, period, thing and unit: the first so many of somebody's ranking.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from teiten import periods
from teiten.data import countries
from teiten.errors import UsageError

REQUIRED: Final = ("source", "period", "thing", "name")
FIGURES: Final = ("rank", "share", "count")
COLUMNS: Final = (*REQUIRED, *FIGURES, "unit", "url")
THINGS: Final = {"port": "ports", "country": "countries"}
UNITS: Final = ("packets", "hosts")
MOST_BYTES: Final = 64 << 10
"""of one text"""
MOST_LINES: Final = 5000
MOST_FILES: Final = 200
COMPARED: Final = 100
"""things whose order is compared: the first so many of theirs"""
_LONGEST: Final = 200
"""characters of a field"""
_PORT: Final = re.compile(r"(?:(?P<before>tcp|udp)[\s/#:]*)?(?P<number>\d{1,5})(?:\s*/\s*(?P<after>tcp|udp))?", re.IGNORECASE)
PROTOCOLS: Final = {"tcp": 6, "udp": 17}
_ICMP: Final = {"icmp": 1, "icmpv6": 58}

Key = tuple[int | None, int | None] | str
"""of a port: protocol (None: TCP and UDP together) and number; of a country: its code"""


@dataclass(frozen=True, slots=True)
class Line:
    """One published figure."""

    key: Key
    name: str
    rank: int | None
    share: float | None
    count: float | None


@dataclass(frozen=True, slots=True)
class Published:
    """The first so many of somebody's ranking, the highest first."""

    source: str
    period: periods.Period
    thing: str
    unit: str
    url: str
    lines: Sequence[Line]

    @property
    def id(self) -> str:
        """Of letters and digits: the same for the same source, period, thing and unit."""
        told = "\0".join((self.source, self.period.name, self.thing, self.unit))
        return hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


@dataclass(frozen=True, slots=True)
class Bad:
    """A line that could not be taken, counted from 1, and why (a key of `web_compare.bad_*`)."""

    number: int
    why: str


def read(text: str, zone: ZoneInfo) -> tuple[list[Published], list[Bad]]:
    """The sets of a text, and the lines that are none. UsageError where it is no such CSV at all."""
    if len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        raise UsageError(f"That is more than {MOST_BYTES >> 10} KiB.", hint="Give the first hundred of each ranking.")
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff").replace("\0", "")), skipinitialspace=True)
    sets: dict[tuple[str, periods.Period, str, str], tuple[str, dict[Key, Line]]] = {}
    bad: list[Bad] = []
    columns: list[str] = []
    try:
        for row in reader:
            if not any(cell.strip() for cell in row) or row[0].lstrip().startswith("#"):
                continue
            if not columns:
                columns = _columns(row)
            elif reader.line_num > MOST_LINES:
                bad.append(Bad(reader.line_num, "many"))
                break
            else:
                why = _take(dict(zip(columns, (cell.strip() for cell in row), strict=False)), sets, zone)
                bad += [Bad(reader.line_num, why)] if why else []
    except csv.Error:
        bad.append(Bad(reader.line_num, "csv"))
    if not columns:
        raise UsageError("There is no line in that.", hint=f"The first names the columns: {', '.join(COLUMNS)}.")
    found = [
        Published(source, period, thing, unit, url, _ordered(lines.values()))
        for (source, period, thing, unit), (url, lines) in sets.items()
    ]
    return found, bad


def _columns(row: Sequence[str]) -> list[str]:
    columns = [cell.strip().lower() for cell in row]
    missing = [name for name in REQUIRED if name not in columns]
    if missing or not set(columns) & set(FIGURES):
        raise UsageError(
            f"The first line does not name {', '.join(missing) or 'a rank, a share or a count'}.",
            hint=f"The columns are {', '.join(COLUMNS)}.",
        )
    return columns


def _take(told: Mapping[str, str], sets: dict[Any, tuple[str, dict[Key, Line]]], zone: ZoneInfo) -> str:
    """Puts a line where it belongs; '' or why it belongs nowhere."""
    if any(len(cell) > _LONGEST for cell in told.values()):
        return "long"
    thing, unit = told.get("thing", "").lower(), told.get("unit", "").lower() or "packets"
    period = _period(told.get("period", ""), zone)
    if not told.get("source") or period is None or thing not in THINGS or unit not in UNITS:
        return next(why for why, wrong in (
            ("source", not told.get("source")), ("period", period is None), ("thing", thing not in THINGS), ("unit", True),
        ) if wrong)  # fmt: skip
    key = port(told.get("name", "")) if thing == "port" else countries.find(told.get("name", ""))
    if key is None:
        return "name"
    try:
        rank = int(told["rank"]) if told.get("rank") else None
        share, count = _share(told.get("share", "")), _number(told.get("count", ""))
    except ValueError:
        return "figure"
    if (rank, share, count) == (None, None, None) or (rank is not None and not 1 <= rank <= 100_000):
        return "figure"
    url = told.get("url", "")
    url = url if url.startswith(("https://", "http://")) else ""
    _, lines = sets.setdefault((told["source"], period, thing, unit), (url, {}))
    if key in lines:
        return "twice"
    lines[key] = Line(key, told["name"], rank, share, count)
    return ""


def _period(text: str, zone: ZoneInfo) -> periods.Period | None:
    for kind in periods.KINDS:
        try:
            return periods.parse(kind, text, zone)
        except UsageError:
            continue
    return None


def port(text: str) -> tuple[int | None, int | None] | None:
    """Protocol (None where it is not said) and number of 23/tcp, TCP/23, 23/TCP, TCP#23, 445; (1, None) of icmp."""
    low = text.strip().lower()
    if low in _ICMP:
        return _ICMP[low], None
    found = _PORT.fullmatch(low)
    if found is None or not 0 < int(found["number"]) < 65536 or (found["before"] and found["after"]):
        return None
    named = found["before"] or found["after"]
    return (PROTOCOLS[named] if named else None), int(found["number"])


def _share(text: str) -> float | None:
    if not text:
        return None
    value = float(text.rstrip("%\uff05")) / 100 if text.endswith(("%", "\uff05")) else float(text)
    if not 0 <= value <= 1:
        raise ValueError(text)
    return value


def _number(text: str) -> float | None:
    if not text:
        return None
    value = float(text.replace(",", ""))
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(text)
    return value


def _ordered(lines: Any) -> list[Line]:
    """By rank; without one by count or share, and then with the ranks that follow from these."""
    found = list(lines)
    if all(one.rank is not None for one in found):
        return sorted(found, key=lambda one: one.rank)
    found.sort(key=lambda one: (-(one.count or 0.0), -(one.share or 0.0)))
    return [Line(one.key, one.name, at + 1, one.share, one.count) for at, one in enumerate(found)]


# the folder ----------------------------------------------------------------------------------------------------------


def folder(lake: Path) -> Path:
    """Where the texts lie: beside the lake."""
    return lake.parent / f"{lake.name}-published"


def kept(lake: Path, zone: ZoneInfo) -> tuple[list[Published], list[tuple[str, int]]]:
    """Every set of the folder's files, the latest period first, and the files with lines that are none: name, how many.

    Of two sets of one id the one in the later file (by name) counts. What cannot be read at all counts as one such line.
    """
    sets: dict[str, Published] = {}
    wrong: list[tuple[str, int]] = []
    place = folder(lake)
    files = sorted(place.glob("*.csv"))[:MOST_FILES] if place.is_dir() else []
    for file in files:
        try:
            if not file.is_file() or file.stat().st_size > MOST_BYTES:
                raise UsageError("too large")
            found, bad = read(file.read_text(encoding="utf-8", errors="replace"), zone)
        except (OSError, UsageError):
            wrong.append((file.name, 1))
            continue
        sets |= {one.id: one for one in found}
        wrong += [(file.name, len(bad))] if bad else []
    return sorted(sets.values(), key=lambda one: (one.period.start, one.source), reverse=True), wrong


def keep(lake: Path, text: str) -> Path:
    """Puts the text into the folder, under a name made of what is in it. UsageError where there are too many."""
    place = folder(lake)
    place.mkdir(exist_ok=True)
    if len(list(place.glob("*.csv"))) >= MOST_FILES:
        raise UsageError(
            f"There are {MOST_FILES} files already.", hint=f"Remove some from the folder {place.name} beside the lake."
        )
    data = text.encode("utf-8", "replace")
    file = place / f"given-{hashlib.blake2b(data, digest_size=8).hexdigest()}.csv"
    half = file.with_suffix(".half")
    half.write_bytes(data)
    half.replace(file)
    return file


# the comparison ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """A thing beside itself. theirs, own: rank (None: not among their figures; not seen here); low, high: between which our
    share lies with 95 % (of so many hosts by chance); side: 'both', 'ours', 'theirs', by the first `places` of each."""

    key: Key
    theirs: int | None
    own: int | None
    their_share: float | None
    their_count: float | None
    share: float | None
    low: float | None
    high: float | None
    packets: int
    hosts: int
    side: str

    @property
    def apart(self) -> bool:
        """Is their share beyond what chance explains of ours?"""
        return None not in (self.their_share, self.low, self.high) and not self.low <= self.their_share <= self.high  # type: ignore[operator]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two rankings. places: how many of theirs there are; shared: of these among our first as many; tau: Kendall's, of their
    things that were seen here (None: fewer than four); chance: how likely as high a tau is between unrelated orders."""

    rows: Sequence[Row]
    places: int
    shared: int
    tau: float | None
    chance: float | None
    total: int

    @property
    def looks(self) -> str:
        """'alike', 'partly', 'apart', or 'few': with less than four things, or nothing seen here, nothing is said."""
        if self.places < 4 or not self.total:
            return "few"
        part = self.shared / self.places
        if part >= 0.6 and self.chance is not None and self.chance < 0.05:
            return "alike"
        return "apart" if part < 0.3 else "partly"


def compare(published: Published, own: Sequence[Mapping[str, Any]], total: int, hosts: int) -> Comparison:
    """Their figures beside our ranking of the same thing (rows of `questions.rank`, by the set's unit).

    total: packets, or hosts, of everything; hosts: all hosts. Packets of one host are no independent draws, so the interval of
    a share is that of so many hosts (Wilson, 95 %).
    """
    by, ours = published.unit, _own(published, own)
    ranks = {key: rank for rank, key in enumerate(sorted(ours, key=lambda key: -ours[key][by]), 1)}
    places = len(published.lines)
    theirs = {line.key: line for line in published.lines}
    keys = [*theirs, *(key for key, rank in ranks.items() if rank <= places and key not in theirs)]
    rows = []
    for key in keys:
        line, counts = theirs.get(key), ours.get(key, {"packets": 0, "hosts": 0})
        rank = ranks.get(key)
        share = counts[by] / total if total else None
        low, high = wilson(share, min(total, hosts)) if share is not None else (None, None)
        side = "ours" if line is None else "both" if rank is not None and rank <= places else "theirs"
        rows.append(
            Row(key, line.rank if line else None, rank, line.share if line else None, line.count if line else None, share, low,
                high, counts["packets"], counts["hosts"], side)
        )  # fmt: skip
    rows.sort(key=lambda row: (row.theirs or 10**9, row.own or 10**9))
    order = [row.own for row in rows if row.theirs is not None and row.own is not None]
    tau, chance = kendall(order[:COMPARED]) if len(order) >= 4 else (None, None)
    return Comparison(rows, places, sum(row.side == "both" for row in rows), tau, chance, total)


def _own(published: Published, rows: Sequence[Mapping[str, Any]]) -> dict[Key, dict[str, int]]:
    """Our counts by their keys: where they name ports without a protocol, TCP and UDP together (of hosts the larger)."""
    together = published.thing == "port" and any(line.key[0] is None for line in published.lines)
    out: dict[Key, dict[str, int]] = {}
    for row in rows:
        if row["rank"] is None:
            continue
        key: Key = row["country"] if published.thing == "country" else (row["protocol"], row["dst_port"])
        if together and isinstance(key, tuple) and key[0] in PROTOCOLS.values():
            key = (None, key[1])
        there = out.setdefault(key, {"packets": 0, "hosts": 0})
        there["packets"] += int(row["packets"])
        there["hosts"] = max(there["hosts"], int(row["hosts"]))
    return out


def wilson(share: float, n: int, z: float = 1.96) -> tuple[float, float]:
    """Between which a share seen in n independent draws lies (Wilson 1927)."""
    if n <= 0:
        return 0.0, 1.0
    share = min(1.0, max(0.0, share))
    middle, spread = share + z * z / (2 * n), z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, (middle - spread) / (1 + z * z / n)), min(1.0, (middle + spread) / (1 + z * z / n))


def kendall(order: Sequence[int]) -> tuple[float, float]:
    """Kendall's tau of these ranks against 1, 2, 3, ...; and how likely at least so high a tau is by chance (exactly)."""
    n = len(order)
    inversions = sum(a > b for at, a in enumerate(order) for b in order[at + 1 :])
    pairs = n * (n - 1) // 2
    # of how many orders of n things each number of inversions is: the counts of n - 1 things, spread over n places
    counts = [1.0]
    for size in range(2, n + 1):
        spread = [0.0] * (len(counts) + size - 1)
        for at, count in enumerate(counts):
            for place in range(size):
                spread[at + place] += count / size
        counts = spread
    return 1 - 2 * inversions / pairs, sum(counts[: inversions + 1])
