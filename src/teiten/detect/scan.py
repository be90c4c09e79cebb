"""Which series stand out today, in which hours: every family of series, windows of 1 to 24 hours, in packets and in hosts.

A family is all values of some columns (`FAMILIES`). Of each series that has counts enough today, every window of `WIDTHS` hours
within today is held against its baseline. How unlikely its count is counts for nothing by itself: it is held against what the
days before had, each the most unlikely count of any series of its kind (`detect/chance.py`), and so are all that was tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from teiten.detect import baseline, chance, tails
from teiten.detect.baseline import WIDTHS, Baseline, Clock, Floats, Ints

if TYPE_CHECKING:
    from teiten.detect.view import View

Measure = Literal["packets", "hosts"]
MEASURES: Final[tuple[Measure, Measure]] = ("packets", "hosts")
PAST: Final = 28
"""days before today that are looked at"""
BACK: Final = 24
"""hours before today that a change may have begun in"""
_PRIOR: Final[dict[str, float]] = {"packets": 8.0, "hosts": 1.5}
"""dispersion of series with few counts: packets of a source come together, sources hardly"""
_DENSE: Final = 0.25
"""counts of a usual hour from which on a series has counts enough to tell by itself how far they stray"""
_CRUDE: Final = 0.6
"""share of `detect_times` from which on a series is looked at more closely"""
_EACH: Final = 8.0
"""packets of each host more than expected, from which on few hosts carry what is more"""
_VISITS: Final = 2.0
"""large visits at once that few hosts must come to more than: of thousands of series one has two of them on many days"""
_SAMPLE: Final = 250
"""series of a kind that did not stand out today, at most, that tell what days before had"""
_MOST_BINS: Final = 20_000_000
FAMILIES: Final[tuple[tuple[str, ...], ...]] = (
    (),
    ("port",),
    ("country",),
    ("asn",),
    ("group",),
    ("port", "country"),
    ("port", "asn"),
    ("sensor",),
    ("sensor", "port"),
)
DIMENSIONS: Final = ("port", "country", "asn", "sensor")


@dataclass(frozen=True, slots=True)
class Window:
    """What stands out most of a family: places of hours in the ground's recent ones."""

    family: Family
    row: int
    measure: Measure
    first: int
    after: int
    count: float
    usual: float
    chance: float
    """-log10 of the chance of such a count in that window of that series"""
    score: float
    """-log10 of how many days there are that show one so unlikely anywhere"""
    phi: float
    unsure: float


@dataclass
class Family:
    """All series of some columns that had counts enough today. Counts and baselines are of the ground's recent hours."""

    by: tuple[str, ...]
    keys: list[tuple[int, ...]]
    rows: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """of each recent cell: its series; -1: none that is looked at"""
    counts: dict[Measure, Floats] = field(default_factory=dict)
    bases: dict[Measure, Baseline] = field(default_factory=dict)
    chances: dict[Measure, tuple[chance.Maxima, chance.Maxima]] = field(default_factory=dict)
    """what days before had of series with few counts, and of those with many"""
    dense: dict[Measure, npt.NDArray[np.bool_]] = field(default_factory=dict)
    """which series have many counts"""

    @property
    def wide(self) -> bool:
        """Has no port: hosts are counted once for all ports."""
        return "port" not in self.by and "group" not in self.by

    @cached_property
    def places(self) -> dict[tuple[int, ...], int]:
        """Of each key its row."""
        return {key: row for row, key in enumerate(self.keys)}

    best: dict[Measure, Floats] = field(default_factory=dict)
    """a row for each series: how unlikely, score, first, after, count, usual, width's place"""


@dataclass
class Ground:
    """A view made ready to be scanned: its cells as arrays, what their codes mean, and its families."""

    view: View
    clock: Clock
    skip: int
    """hours at the view's beginning that are not looked at: what is looked at before today are whole days"""
    cells: Mapping[str, Any]
    """of all hours, in their order: place, port, country, asn, sensor, group (codes), packets, hosts"""
    wide: Mapping[str, Any]
    """the same without ports: of an AS and hour at least as many hosts as one of its ports has, so that one is no hundred"""
    tails: Mapping[str, Mapping[str, Any]]
    """of single dimensions: the same of rare cells that were put together"""
    names: Mapping[str, list[Any]]
    """of each dimension: what a code means"""
    recent: dict[str, Any]
    """the cells of the recent hours: place (from the first of them), the codes, packets, hosts (lowered as changes are told)"""
    recent_wide: dict[str, Any]
    link: Ints
    """of each recent cell its place among those without ports"""
    first: int
    """the place of the first recent hour"""
    families: list[Family]
    least: Mapping[Measure, float]
    """counts more than expected, at least"""
    visits: tuple[float, float]
    """packets that what few hosts carry must have more than expected, over all ports, and of one port: a single visit has as
    many on few days"""
    kinds: float = 1.0
    """of how many kinds (families and measures) the days before were looked at"""

    @cached_property
    def hours(self) -> int:
        """How many recent hours there are."""
        return int(len(self.clock.exposure) - self.first)

    @cached_property
    def begin(self) -> int:
        """Where today begins among the recent hours."""
        return int(self.clock.today.start - self.first)

    @cached_property
    def kept(self) -> dict[str, Ints]:
        """Of each dimension and code: its place among those that have counts enough on some day; else the place after."""
        return {name: _numbered(_enough(self, name)) for name in (*DIMENSIONS, "group")}


def ground(view: View) -> Ground | None:
    """The view made ready. None where there is too little to say what is usual, or nothing to look at."""
    skip, clock = clock_of(view)
    if clock.before < 24 * view.threshold("detect_days") or view.cells.is_empty() or clock.today.start >= len(clock.exposure):
        return None
    cells, tails, names = _coded(view, skip)
    if not len(cells["place"]):
        return None  # announced scanners alone
    first = max(0, clock.today.start - BACK)
    wide = _without_ports(cells)
    recent, recent_wide = _late(cells, first), _late(wide, first)
    link = _linked(recent, recent_wide)
    least = {measure: _least(view, clock, wide, measure) for measure in MEASURES}
    made = Ground(
        view, clock, skip, cells, wide, tails, names, recent, recent_wide, link, first, [], least,
        (_visit(view, clock, wide), _visit(view, clock, cells)),
    )  # fmt: skip
    families = [_family(made, by) for by in FAMILIES if "sensor" not in by or len(names["sensor"]) > 1]
    made.kinds = max(1.0, 2.0 * len(families))
    made.families = [one for one in families if one.keys]
    for one in made.families:
        for measure in MEASURES:
            one.best[measure] = _scores(made, one, measure, np.arange(len(one.keys)))
    return made


_WIDE: Final = ("place", "country", "asn", "sensor")


def _without_ports(cells: Mapping[str, Any]) -> dict[str, Any]:
    """Cells of all ports together: packets add up, and of hosts there are at least those of the port that has most."""
    sizes = [int(cells[name].max(initial=0)) + 1 for name in _WIDE]
    source = cells["country"].astype(np.int64) * sizes[2] + cells["asn"]
    sources = np.flatnonzero(np.bincount(source, minlength=1))  # few of all pairs of country and AS are there
    at = _placed(sources, source)
    key = (cells["place"].astype(np.int64) * max(1, len(sources)) + at) * sizes[3] + cells["sensor"]
    if sizes[0] * len(sources) * sizes[3] <= _MOST_BINS:
        packets = np.bincount(key, cells["packets"])
        hosts = np.zeros(len(packets))
        np.maximum.at(hosts, key, cells["hosts"])
        keys = np.flatnonzero(packets)
        packets, hosts = packets[keys], hosts[keys]
    else:
        frame = pl.DataFrame({"key": key, "packets": cells["packets"], "hosts": cells["hosts"]})
        summed = frame.group_by("key").agg(pl.col("packets").sum(), pl.col("hosts").max()).sort("key")
        keys, packets, hosts = (summed[name].to_numpy() for name in ("key", "packets", "hosts"))
    left, sensor = np.divmod(keys, sizes[3])
    place, at = np.divmod(left, max(1, len(sources)))
    country, asn = np.divmod(sources[at], sizes[2])
    return {"place": place, "country": country, "asn": asn, "sensor": sensor, "packets": packets, "hosts": hosts}


def _late(cells: Mapping[str, Any], first: int) -> dict[str, Any]:
    late = cells["place"] >= first
    out: dict[str, Any] = {name: cells[name][late] for name in cells}
    out["place"] -= first
    return out


def _linked(recent: Mapping[str, Any], wide: Mapping[str, Any]) -> Ints:
    own = pl.DataFrame({name: recent[name] for name in _WIDE})
    other = pl.DataFrame({**{name: wide[name] for name in _WIDE}, "_at": np.arange(len(wide["place"]))})
    return own.join(other, on=list(_WIDE), how="left", maintain_order="left")["_at"].to_numpy()


def _least(view: View, clock: Clock, wide: Mapping[str, Any], measure: Measure) -> float:
    """Counts more than expected, at least: a stated number, or so many times the square root of a usual day's."""
    day = np.bincount(wide["place"] // 24, wide[measure], clock.days + 2)[: clock.days]
    root = view.threshold("detect_root") * float(np.sqrt(np.median(day))) if len(day) else 0.0
    return max(view.threshold(f"detect_{measure}"), root)


def _visit(view: View, clock: Clock, cells: Mapping[str, Any]) -> float:
    """Packets that a single host sends (to one port) within an hour on `detect_visit_days` of the days."""
    alone = (cells["hosts"] == 1) & (cells["place"] < clock.today.start)
    most = np.zeros(clock.days)
    np.maximum.at(most, cells["place"][alone] // 24, cells["packets"][alone])
    return chance.fit(most).height(view.threshold("detect_visit_days"))


def clock_of(view: View, sensor: str | None = None) -> tuple[int, Clock]:
    """The view's hours as baselines use them (of one sensor, if it is named), and how many at its beginning are left out."""
    skip = max(view.today.start % 24, view.today.start - 24 * PAST)
    weekend = np.array([hour.weekday() >= 5 for hour in view.local[skip:]], dtype=bool)
    exposure = view.exposure if sensor is None else view.exposure_of(sensor)
    return skip, Clock(exposure[skip:], weekend, slice(view.today.start - skip, view.today.stop - skip))


def _coded(view: View, skip: int) -> tuple[dict[str, Any], dict[str, dict[str, Any]], dict[str, list[Any]]]:
    """Cells and tails with places in the place of times, and numbers in that of names. Announced scanners are left out."""
    frames = [_plain(view, skip, frame) for frame in (view.cells, *view.tails)]
    names: dict[str, list[Any]] = {}
    for name in DIMENSIONS:
        values = pl.concat([frame[name].unique() for frame in frames if name in frame.columns]).unique().sort()
        names[name] = values.to_list()
        for n, frame in enumerate(frames):
            if name in frame.columns:
                frames[n] = frame.with_columns(_numbers(frame[name], values))
    names["group"], of = _groups(names["port"])
    made = [{name: frame[name].to_numpy() for name in frame.columns} for frame in frames]
    for one in made:
        if "port" in one:
            one["group"] = of[one["port"]]
    return made[0], {name: one for one in made[1:] for name in DIMENSIONS if name in one}, names


def _numbers(column: pl.Series, values: pl.Series) -> pl.Series:
    """Of each value its place among the values (which are in order)."""
    if column.dtype == pl.String:
        return column.cast(pl.Enum(values)).to_physical().cast(pl.Int32)
    if not len(values):
        return column.cast(pl.Int32)
    low, high = int(values[0]), int(values[-1])
    if high - low < _MOST_BINS // 4:
        places = np.zeros(high - low + 1, dtype=np.int32)
        places[values.to_numpy() - low] = np.arange(len(values))
        return pl.Series(column.name, places[column.to_numpy() - low])
    return pl.Series(column.name, np.searchsorted(values.to_numpy(), column.to_numpy()).astype(np.int32))


def _plain(view: View, skip: int, frame: pl.DataFrame) -> pl.DataFrame:
    """Of cells or a tail: place, the dimensions that it has, counts; in order of time."""
    from teiten.detect.view import OTHERS

    micros = pl.lit(view.start).dt.epoch("us")
    place = ((pl.col("time").to_physical() - micros) // 3_600_000_000 - skip).cast(pl.Int32).alias("place")
    has = frame.columns
    kept = frame.filter(~pl.col("scanner").fill_null(False)) if "scanner" in has else frame
    kept = kept.with_columns(place).filter(pl.col("place").is_between(0, len(view.hours) - skip - 1))
    columns = [pl.col("place")]
    if "dst_port" in has:
        kept = kept.filter((pl.col("dst_port") != OTHERS).fill_null(True))
        port = pl.col("protocol").cast(pl.Int64) * 70_000 + pl.col("dst_port").fill_null(-1) + 1
        columns.append(port.alias("port"))
    if "asn" in has:
        kept = kept.filter((pl.col("asn") != OTHERS).fill_null(True))
        columns.append(pl.col("asn").fill_null(0))
    columns += [pl.col(name).fill_null("") for name in ("country", "sensor") if name in has]
    return kept.select(*columns, *(pl.col(name).cast(pl.Float64) for name in MEASURES))


def port_of(code: int) -> tuple[int, int | None]:
    """The port that a code of the cells stands for."""
    protocol, port = divmod(code, 70_000)
    return protocol, port - 1 if port else None


def _groups(codes: list[int]) -> tuple[list[str], Ints]:
    """The service groups of which there are several ports, and of each port the place of its group (-1: none)."""
    from teiten.data import ports as table

    where = {code: at for at, code in enumerate(codes)}
    members: dict[str, list[int]] = {}
    for row in table.table().values():
        code = {"tcp": 6, "udp": 17}.get(row.protocol, 0) * 70_000 + row.number + 1
        if row.group and code in where:
            members.setdefault(row.group, []).append(where[code])
    several = sorted(name for name, ports in members.items() if len(ports) > 1)
    of = np.full(len(codes), -1, dtype=np.int32)
    for place, name in enumerate(several):
        of[members[name]] = place
    return several, of.astype(np.int64)


def _enough(made: Ground, name: str) -> npt.NDArray[np.bool_]:
    """Which values of a dimension have counts enough on some day."""
    size, span = len(made.names[name]), made.clock.days + 2
    out = np.zeros((size, span))
    for cells in (made.cells, *([made.tails[name]] if name in made.tails else [])):
        fine = cells[name] >= 0
        at = cells[name][fine].astype(np.int64) * span + cells["place"][fine] // 24
        out += np.bincount(at, cells["packets"][fine], size * span).reshape(size, span)
    return np.asarray((out >= _low(made)).any(axis=1))


def _low(made: Ground) -> float:
    """Packets of a day below which a series is not looked at."""
    return min(made.least.values())


def _numbered(which: npt.NDArray[np.bool_]) -> Ints:
    """The places of the true ones among themselves, and of the others (and of code -1) the place after these."""
    return np.append(np.where(which, np.cumsum(which) - 1, which.sum()), which.sum())


def _codes(made: Ground, by: tuple[str, ...], cells: Mapping[str, Any]) -> tuple[Ints, list[Ints]]:
    """Of each cell the number of its series, and the codes of each dimension that the numbers are made of (-1: all others)."""
    out: Any = np.zeros(len(cells["place"]), dtype=np.int64)
    values = []
    for name in by:
        kept = made.kept[name]
        values.append(np.append(np.flatnonzero(kept[:-1] < kept[-1]), -1))
        own = kept[cells[name]]
        out = out * len(values[-1]) + own if len(values) > 1 else own
    return out, values


def _parted(numbers: Ints, values: list[Ints]) -> list[Ints]:
    """Of each number the codes of its dimensions."""
    out: list[Ints] = []
    for value in reversed(values):
        numbers, at = np.divmod(numbers, len(value))
        out.insert(0, value[at])
    return out


def _family(made: Ground, by: tuple[str, ...]) -> Family:
    out = Family(by, [])
    cells = made.wide if out.wide else made.cells
    codes, values = _codes(made, by, cells)
    coded = [(cells, codes)]
    tail = made.tails.get(by[0] if by else next(iter(made.tails))) if len(by) <= 1 and made.tails else None
    if tail is not None:
        coded.append((tail, _codes(made, by, tail)[0]))
    numbers = _busy(made, coded, values)
    parts = [(one, _placed(numbers, own)) for one, own in coded]
    packets = _matrix(made, parts, len(numbers), "packets")
    seen = _exposures(made, by, numbers, values)
    hot, asked = _chosen(made, packets, seen)
    again = np.full(len(numbers) + 1, len(hot))
    again[hot] = np.arange(len(hot))
    rows = again[parts[0][1][cells["place"] >= made.first]]
    out.rows = np.where(rows < len(hot), rows, -1)
    out.keys = list(zip(*(key.tolist() for key in _parted(numbers[hot], values)), strict=True)) if by else [()] * len(hot)
    back = made.clock.today.start - made.first
    hosts = _matrix(made, [(one, again[own]) for one, own in parts], len(hot), "hosts")
    both: dict[Measure, Floats] = {"packets": packets[hot], "hosts": hosts}
    for measure, full in both.items():
        base = baseline.expect(full, made.clock, _PRIOR[measure], seen if len(seen) == 1 else seen[hot], back)
        np.maximum(base.mu, _weekly(made, full), out=base.mu)
        _floor(made, out, measure, base)
        out.counts[measure], out.bases[measure], out.dense[measure] = full[:, made.first :], base, base.level >= _DENSE
    for measure in MEASURES:
        most, many = _most(made, out, measure), out.dense[measure]
        few, many_ = (_worst(most, which, asked) for which in (~many, many))
        out.chances[measure] = chance.fit(few), chance.fit(many_)
    return out


def _chosen(made: Ground, packets: Floats, seen: Floats) -> tuple[Ints, Floats]:
    """The series that are looked at: those that stand out today, and of those that did on some day before as many as it takes.

    Beside each for how many it stands. In order of their numbers.
    """
    past, today = _hot(made, packets, seen)
    level = packets.sum(axis=1) / max(1.0, made.clock.before)
    weight = np.where(today, 1.0, 0.0)
    for which in (level < _DENSE, level >= _DENSE):
        others = np.flatnonzero(past & ~today & which)
        some = others[np.linspace(0, len(others) - 1, _SAMPLE).astype(int)] if len(others) > _SAMPLE else others
        weight[some] = len(others) / max(1, len(some))
    chosen = np.flatnonzero(weight > 0)
    return chosen, weight[chosen]


def _floor(made: Ground, family: Family, measure: Measure, base: Baseline) -> None:
    """Where a view leaves rare cells out, what is not there is as many as may have been left out, and not none."""
    view = made.view
    alone = len(family.by) == 1 and family.by[0] in made.tails
    rare = 0.0 if not family.by else view.least_alone * (family.by[0] in {"port", "asn"}) if alone else view.least
    if rare <= 0:
        return
    whole = max(float(made.wide["packets"].sum()), 1.0)
    share = 1.0 if measure == "packets" else float(made.cells["hosts"].sum()) / whole
    hour = rare * share / 24 * made.clock.exposure
    np.maximum(base.mu, hour[made.first :], out=base.mu)
    np.maximum(base.past[1], hour[: made.clock.today.start], out=base.past[1])


def _weekly(made: Ground, counts: Floats) -> Floats:
    """By recent hour what three of the four weeks before had at that hour, at least: what comes every week is usual."""
    hours = np.arange(made.first, counts.shape[1])
    weeks = [np.where(hours >= 168 * n, counts[:, np.maximum(hours - 168 * n, 0)], 0.0) for n in range(1, 5)]
    out: Floats = np.sort(np.stack(weeks), axis=0)[1]
    return out


def _worst(most: Floats, which: npt.NDArray[np.bool_], weight: Floats) -> Floats:
    """Of each day the least likely of these series; of those that stand for others the least likely there would be of all."""
    out = np.zeros(most.shape[1])
    for own in (1.0, weight.max(initial=1.0)):
        rows = which & (weight <= 1.0 if own == 1.0 else weight > 1.0)
        if rows.any():
            found = most[rows].max(axis=0)
            out = np.maximum(out, np.where(found > 0, found + np.log10(weight[rows].max()), 0.0))
    return out


def _busy(made: Ground, coded: list[tuple[Mapping[str, Any], Ints]], values: list[Ints]) -> Ints:
    """The numbers of the series that have counts enough on some day, in order."""
    span, low = made.clock.days + 2, _low(made)
    size = int(np.prod([len(value) for value in values]))
    if size * span <= _MOST_BINS:
        sums = np.zeros(size * span)
        for cells, codes in coded:
            sums += np.bincount(codes * span + cells["place"] // 24, cells["packets"], len(sums))
        found = np.flatnonzero((sums.reshape(size, span) >= low).any(axis=1))
    else:
        codes = np.concatenate([own for _, own in coded])
        days = np.concatenate([cells["place"] // 24 for cells, _ in coded])
        pairs, where = np.unique(codes * span + days, return_inverse=True)
        packets = np.bincount(where, np.concatenate([cells["packets"] for cells, _ in coded]), len(pairs))
        found = np.unique(pairs[packets >= low] // span)
    fine = np.ones(len(found), dtype=bool)
    for codes in _parted(found, values):
        fine &= codes >= 0
    return found[fine]


def _placed(numbers: Ints, codes: Ints) -> Ints:
    """Of each code its place among the numbers; where it is none of them the place after these."""
    size = int(codes.max(initial=-1)) + 1
    if size <= _MOST_BINS:
        places = np.full(size, len(numbers))
        some = numbers[numbers < size]
        places[some] = np.arange(len(some))
        return places[codes]
    place = np.searchsorted(numbers, codes)
    known = np.append(numbers, -1)
    return np.where(known[place] == codes, place, len(numbers))


def _matrix(made: Ground, parts: list[tuple[Mapping[str, Any], Ints]], count: int, measure: Measure) -> Floats:
    """Counts of series (rows) by hour (columns), of cells and of those put together, with their rows."""
    span = len(made.clock.exposure)
    out = np.zeros((count + 1) * span)
    for cells, rows in parts:
        out += np.bincount(rows * span + cells["place"], cells[measure], len(out))
    return out[: count * span].reshape(count, span)


def _exposures(made: Ground, by: tuple[str, ...], numbers: Ints, values: list[Ints]) -> Floats:
    """What was watched of each series: a row for all of them, or, of sensors, a row for each."""
    if "sensor" not in by:
        return made.clock.exposure[None, :]
    sensors = _parted(numbers, values)[0]
    each = {int(code): made.view.exposure_of(made.names["sensor"][int(code)])[made.skip :] for code in np.unique(sensors)}
    return np.stack([each[int(code)] for code in sensors]) if len(sensors) else made.clock.exposure[None, :]


def _hot(made: Ground, counts: Floats, seen: Floats) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which series lie so much above their mean of some hours that it is worth a look: on a day before, and today."""
    least, times = min(made.least.values()), _CRUDE * made.view.threshold("detect_times")
    span = counts.shape[1] + -counts.shape[1] % 24
    x, e = (np.pad(each, ((0, 0), (0, span - each.shape[1]))) for each in (counts, seen))
    by_hour = x.reshape(len(x), span // 24, 24).sum(axis=1), e.reshape(len(e), span // 24, 24).sum(axis=1)
    usual = times * by_hour[0] / np.maximum(by_hour[1], 1e-9)
    above = x - np.tile(usual, span // 24) * e
    past, today = np.zeros(len(x), dtype=bool), np.zeros(len(x), dtype=bool)
    for width, sums in zip(WIDTHS, baseline.sums_of(above), strict=True):
        before = made.clock.today.start // width
        past |= sums[:, :before].max(axis=1, initial=0.0) >= least
        today |= sums[:, before:].max(axis=1, initial=0.0) >= least
    return past, today


def _told(made: Ground, family: Family, measure: Measure, x: Floats, mu: Floats, more: Floats) -> npt.NDArray[np.bool_]:
    """Which counts are worth telling, if they are unlikely: enough, enough times the usual, no single visit. more: hosts."""
    least, times = made.least[measure], made.view.threshold("detect_times")
    out: npt.NDArray[np.bool_] = (x >= times * mu) & (x - mu >= least) & (mu > 0)
    if measure == "hosts":
        return out
    return out & ((x - mu <= _EACH * more) | (x - mu >= _VISITS * made.visits[0 if family.wide else 1]))


def _most(made: Ground, family: Family, measure: Measure) -> Floats:
    """By series and whole day the least likely of windows beside each other."""
    base, hosts = family.bases[measure], family.bases["hosts"].past
    days = base.past[0].shape[1] // 24
    out = np.zeros((len(base.level), days))
    more = baseline.sums_of(hosts[0] - hosts[1])
    for at, (count, usual) in enumerate(zip(*(baseline.sums_of(each) for each in base.past), strict=True)):
        row, block = np.nonzero(_told(made, family, measure, count, usual, more[at]))
        if row.size:
            found = tails.tail(count[row, block], usual[row, block], base.phi[row, at], base.unsure[row])
            np.maximum.at(out, (row, block // (24 // WIDTHS[at])), found)
    return out


def _windows(x: Floats, width: int) -> Floats:
    """Sums of every so many hours in a row."""
    sums = np.cumsum(np.pad(x, ((0, 0), (1, 0))), axis=1)
    return sums[:, width:] - sums[:, :-width]


def _scores(made: Ground, family: Family, measure: Measure, rows: Ints) -> Floats:
    """For each of these series its best window: how unlikely, score, first, after, count, usual, place of the width."""
    base, begin = family.bases[measure], made.begin
    mu = base.mu[rows][:, begin:]
    x = np.where(mu > 0, family.counts[measure][rows][:, begin:], 0.0)
    hosts = family.counts["hosts"][rows][:, begin:] - family.bases["hosts"].mu[rows][:, begin:]
    out = np.zeros((len(rows), 7))
    for at, width in enumerate(WIDTHS):
        if width > x.shape[1]:
            break
        count, usual = _windows(x, width), _windows(mu, width)
        row, end = np.nonzero(_told(made, family, measure, count, usual, _windows(hosts, width)))
        if not row.size:
            continue
        c, u = count[row, end], usual[row, end]
        found = tails.tail(c, u, base.phi[rows[row], at], base.unsure[rows[row]])
        order = np.lexsort((-found, row))
        top = order[np.concatenate([[True], row[order][1:] != row[order][:-1]])]
        top = top[found[top] > out[row[top], 0]]
        score = _score(made, family, measure, rows[row[top]], found[top])
        columns = found[top], score, begin + end[top], begin + end[top] + width, c[top], u[top], np.full(len(top), at)
        out[row[top]] = np.column_stack(columns)
    return out


def _score(made: Ground, family: Family, measure: Measure, rows: Ints, found: Floats) -> Floats:
    """-log10 of how many days there are that have one so unlikely anywhere: all kinds of series reckoned in."""
    few, many = (each.score(found) for each in family.chances[measure])
    out: Floats = np.where(family.dense[measure][rows], many, few) - np.log10(made.kinds)
    return out


def best(made: Ground, score: float) -> Window | None:
    """What is least likely of all that is left, of what has at least this score."""
    top: Window | None = None
    for family in made.families:
        for measure in MEASURES:
            found = family.best[measure]
            row = int(np.where(found[:, 1] >= score, found[:, 0], -1.0).argmax())
            if found[row, 1] >= score and (top is None or found[row, 0] > top.chance):
                top = _window(family, row, measure)
    return top


def _window(family: Family, row: int, measure: Measure) -> Window:
    found, score, first, after, count, usual, at = (float(n) for n in family.best[measure][row])
    base = family.bases[measure]
    phi, unsure = float(base.phi[row, int(at)]), float(base.unsure[row])
    return Window(family, row, measure, int(first), int(after), count, usual, found, score, phi, unsure)


def over(made: Ground, window: Window, family: Family, row: int) -> Window:
    """Another series in the hours of a window: what it had there, and how unlikely that is."""
    base, measure = family.bases[window.measure], window.measure
    hours = slice(window.first, window.after)
    count, usual = float(family.counts[measure][row, hours].sum()), float(base.mu[row, hours].sum())
    at = WIDTHS.index(window.after - window.first)
    phi, unsure = float(base.phi[row, at]), float(base.unsure[row])
    found = tails.tail(*(np.array([n]) for n in (count, max(usual, 1e-9), phi, unsure)))
    score = float(_score(made, family, measure, np.array([row]), found)[0])
    return Window(family, row, measure, window.first, window.after, count, usual, float(found[0]), score, phi, unsure)


def lower(made: Ground, cells: Ints, by: Mapping[Measure, Floats]) -> None:
    """Takes counts out: of these recent cells the share `by` (0 to 1), in every series that they are part of."""
    if not cells.size:
        return
    gone = {measure: made.recent[measure][cells] * by[measure] for measure in MEASURES}
    wide, at = np.unique(made.link[cells], return_inverse=True)
    gone_wide: dict[Measure, Floats] = {"packets": np.bincount(at, gone["packets"]).astype(np.float64)}
    left = 1.0 - gone_wide["packets"] / np.maximum(made.recent_wide["packets"][wide], 1e-9)
    gone_wide["hosts"] = made.recent_wide["hosts"][wide] * np.clip(1.0 - left, 0.0, 1.0)
    for measure in MEASURES:
        made.recent[measure][cells] -= gone[measure]
        made.recent_wide[measure][wide] -= gone_wide[measure]
    for family in made.families:
        own, which, less = (made.recent_wide, wide, gone_wide) if family.wide else (made.recent, cells, gone)
        rows, places = family.rows[which], own["place"][which]
        some = rows >= 0
        if not some.any():
            continue
        for measure in MEASURES:
            np.subtract.at(family.counts[measure], (rows[some], places[some]), less[measure][some])
        changed = np.unique(rows[some])
        for measure in MEASURES:
            family.best[measure][changed] = _scores(made, family, measure, changed)


def flatten(made: Ground, window: Window, first: int, after: int) -> None:
    """Takes out what a series still has above its usual: counts of rare cells that were put together, of it and of all."""
    for measure in MEASURES:
        counts, mu = window.family.counts[measure][window.row], window.family.bases[measure].mu[window.row]
        more = np.maximum(counts[first:after] - mu[first:after], 0.0)
        counts[first:after] -= more
        for family in made.families:
            if not family.by and family is not window.family:
                family.counts[measure][0, first:after] -= more
    for family in made.families:
        if not family.by or family is window.family:
            row = np.array([window.row if family is window.family else 0])
            for measure in MEASURES:
                family.best[measure][row] = _scores(made, family, measure, row)
