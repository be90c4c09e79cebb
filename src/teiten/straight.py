"""Rankings straight from captures, counted while they are read: no lake, no frames. The same answers as by way of the lake.

What is asked for must be simple: ports, sources, countries, ASes or sensors, by packets or hosts, in a span of time, of ports,
protocols, sources, sensors. Whatever else is asked, or comes up on the way (records that may be in two files, sources beyond
number), is left to the lake: the answer is None.
"""

from __future__ import annotations

import datetime as dt
import itertools
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from teiten import periods, readers
from teiten.engine.filters import Filters, Network, PortRange
from teiten.engine.questions import By, Rows, Span
from teiten.errors import InputError
from teiten.readers import _counts, _input, _jit
from teiten.readers._base import ReadOptions, Rejected, Tally
from teiten.readers._rows import integers
from teiten.readers.capture._columns import Columns
from teiten.settings import DEFAULT_SENSOR, Settings

if TYPE_CHECKING:
    from teiten.readers._base import Plain

Ints = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]

THINGS: Final = ("ports", "sources", "countries", "asns", "sensors")
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_DAY: Final = 86_400_000_000
_ROWS: Final = 1 << 16


class _Otherwise(Exception):
    """This is for the lake."""


@dataclass(slots=True)
class Read:
    """What became of an input."""

    name: str
    sensor: str
    tally: Tally = field(default_factory=lambda: Tally(unit="packets"))
    notes: list[str] = field(default_factory=list)
    span: tuple[int, int] | None = None
    """first and last time of its events, in microseconds"""


@dataclass(slots=True)
class Answer:
    """The ranking, and what became of the inputs."""

    rows: Rows
    inputs: list[Read]


OnRejected = Callable[[str, Sequence[Rejected]], None]


def rank(
    files: Sequence[str],
    settings: Settings,
    what: str,
    wanted: Filters,
    *,
    by: By = "packets",
    before: Span | None = None,
    n: int = 10,
    fmt: str = readers.AUTO,
    zone: str | None = None,
    rejected: OnRejected | None = None,
) -> Answer | None:
    """The ranking of a thing over those files, as `engine.questions.rank` gives it over a lake of them; None where that must be
    asked instead. `zone`: as in `intake.ingest`. DataError where geo data are broken."""
    if what not in THINGS or not _simple(wanted):
        return None
    try:
        sources = _input.inputs(files, settings.reading)
        if not all(s.seekable and readers.pick(s.head(), fmt, s.name).NAME == "capture" for s in sources):
            return None
        return _Run(sources, settings, what, wanted, by, before, zone).answer(n, rejected)
    except (InputError, _Otherwise, _counts.TooMany):
        return None  # the way by the lake says what is wrong, in its own words


def _simple(wanted: Filters) -> bool:
    """Are only those filters set that are known here?"""
    known = replace(Filters(), start=wanted.start, end=wanted.end, port=wanted.port, protocol=wanted.protocol, src=wanted.src)
    return replace(wanted, words={}, all_events=False) == replace(known, sensor=wanted.sensor)


def _micros(moment: dt.datetime | None) -> int | None:
    return None if moment is None else (moment - _EPOCH) // dt.timedelta(microseconds=1)


class _Set:
    """Packets and distinct sources of slots, of both families."""

    def __init__(self, slots: int, *, counted: bool = False) -> None:
        self._slots, self._counted = slots, counted
        self.four = _counts.Four(slots, counted=counted)
        self.six: _counts.Six | None = None

    def add4(self, slots: npt.NDArray[np.int32], sources: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        return self.four.add(slots, sources)

    def add6(self, slots: npt.NDArray[np.int32], high: Ints, low: Ints) -> Ints:
        if self.six is None:
            self.six = _counts.Six(self._slots)
        return self.six.add(slots, high, low)

    @property
    def packets(self) -> Ints:
        return self.four.packets + (self.six.packets if self.six is not None else 0)

    @property
    def hosts(self) -> Ints:
        return self.four.hosts + (self.six.hosts if self.six is not None else 0)


@dataclass(slots=True)
class _Sources:
    """Distinct sources with their packets: families, addresses in halves (IPv4 in `low`)."""

    families: Ints
    high: Ints
    low: Ints
    packets: Ints


class _Period:
    """What is counted of one span of time."""

    def __init__(self, run: _Run, start: dt.datetime | None, end: dt.datetime | None) -> None:
        self._start, self._end = _micros(start), _micros(end)
        self._what = run.what
        one = run.what in ("sources", "countries", "asns")
        self.things = _Set({"ports": _counts.SLOTS, "sensors": len(run.sensors)}.get(run.what, 1), counted=one)
        # whose shares are of all hosts; where things are sources, these are known already
        self.all = _Set(1) if run.by == "hosts" and not one else None

    def chosen(self, times: Ints) -> Truths | None:
        """Which of the rows lie in the span; None: all."""
        out = None
        if self._start is not None:
            out = times >= self._start
        if self._end is not None:
            out = times < self._end if out is None else out & (times < self._end)
        return out if out is None or not out.all() else None

    def add(self, rows: Columns, slots: npt.NDArray[np.int32], chosen: Truths | None) -> None:
        """Rows with the slot of each, or those of them that are chosen."""
        if chosen is not None:
            slots = np.where(chosen, slots, np.int32(-1))
        source = rows.narrow("src_ip")
        assert source.low is not None
        if source.numbers is None:
            self._four(slots, source.low.view(np.int32))
            return
        assert source.high is not None
        four = source.numbers == 4
        self._four(np.where(four, slots, np.int32(-1)), source.low.astype(">u4").view(np.int32))
        at = np.flatnonzero(~four)
        self._six(slots[at], source.high[at], source.low[at])

    def _four(self, slots: npt.NDArray[np.int32], sources: npt.NDArray[np.int32]) -> None:
        fresh = self.things.add4(slots, sources)
        if self.all is not None:
            self.all.add4(_zeros(len(fresh)), fresh)

    def _six(self, slots: npt.NDArray[np.int32], high: Ints, low: Ints) -> None:
        fresh = self.things.add6(slots, high, low)
        if self.all is not None:
            self.all.add6(_zeros(len(fresh)), high[fresh], low[fresh])

    def share_of(self, by: By) -> int:
        if by == "packets":
            return int(self.things.packets.sum())
        return int((self.all or self.things).hosts.sum())

    def sources(self) -> _Sources:
        low, packets = self.things.four.sources()
        n = len(low)
        families, high, wide = np.full(n, 4), np.zeros(n, np.int64), low.astype(np.int64)
        if self.things.six is not None:
            h, v, p = self.things.six.sources()
            families, packets = np.concatenate([families, np.full(len(p), 6)]), np.concatenate([packets, p])
            high, wide = np.concatenate([high, h]), np.concatenate([wide, v])
        return _Sources(families, high, wide, packets)


_NOTHING: Final = np.zeros(_ROWS, np.int32)


def _zeros(n: int) -> npt.NDArray[np.int32]:
    return _NOTHING[:n] if n <= _ROWS else np.zeros(n, np.int32)


@dataclass(slots=True)
class _Ranked:
    """Things with their counts. keys: what tells a thing from another, in columns; order: the columns by which equals are
    sorted, the most weighty first; name: what a row of the answer says of a thing."""

    packets: Ints
    hosts: Ints
    known: Truths
    keys: list[Sequence[Any] | npt.NDArray[Any]]
    order: list[npt.NDArray[Any]]
    name: Callable[[int], dict[str, Any]]

    def first(self, by: By, n: int) -> list[int]:
        """The n best that are known, and the n best of the unknown after them."""
        one, two = (self.packets, self.hosts) if by == "packets" else (self.hosts, self.packets)
        out: list[int] = []
        for which in (np.flatnonzero(self.known), np.flatnonzero(~self.known)):
            if len(which) > n:  # what cannot be among them need not be sorted
                least = np.partition(one[which], len(which) - n)[len(which) - n]
                which = which[one[which] >= least]
            order = np.lexsort([*(column[which] for column in self.order[::-1]), -two[which], -one[which]])
            out += which[order[:n]].tolist()
        return out

    def places(self, by: By) -> Ints:
        """Each known thing's rank; equals share one."""
        values = self.packets if by == "packets" else self.hosts
        known = np.sort(values[self.known])
        return len(known) - np.searchsorted(known, values, side="right") + 1


class _Run:
    """One ranking."""

    def __init__(
        self,
        sources: Sequence[_input.Input],
        settings: Settings,
        what: str,
        wanted: Filters,
        by: By,
        before: Span | None,
        zone: str | None,
    ) -> None:
        self.what, self.by, self.wanted, self._settings = what, by, wanted, settings
        self._inputs: list[tuple[_input.Input, Read, ReadOptions]] = []
        for source in sources:
            chosen = settings.sensor_of(source.path) if source.path is not None else None
            sensor = chosen.name if chosen else DEFAULT_SENSOR
            named = zone or (chosen.zone if chosen else None) or settings.zone_name
            options = ReadOptions(zone=periods.zone(named), sensor=sensor, hashed=False, reading=settings.reading)
            self._inputs.append((source, Read(source.name, sensor), options))
        self.sensors = sorted({one.sensor for _, one, _ in self._inputs})
        self.now = _Period(self, wanted.start, wanted.end)
        self.before = _Period(self, *before) if before else None
        self._seen_before = False
        self._slots = np.empty(_ROWS, np.int32)

    def answer(self, n: int, rejected: OnRejected | None) -> Answer:
        for source, one, options in self._inputs:
            self._read(source, one, options, rejected)
            self._apart()
        then = self.before if self.before is not None and self._seen_before else None
        found = self._rows(n, then)
        return Answer(found, [one for _, one, _ in self._inputs])

    def _read(self, source: _input.Input, one: Read, options: ReadOptions, rejected: OnRejected | None) -> None:
        reader = readers.module("capture")
        several = len(self._inputs) > 1 or self.what in ("sources", "countries", "asns")
        for chunk in reader.read(source, options):
            one.notes += chunk.notes
            rows = chunk.made
            lines = len(chunk.outcome)
            one.tally.lines += lines
            one.tally.events += len(rows)
            if len(rows) == lines:
                one.tally.made_events += lines
            else:
                one.tally.count(chunk.outcome, reader)
            if rejected is not None and chunk.rejected:
                rejected(one.name, chunk.rejected)
            if not len(rows):
                continue
            if several:
                if rows.received is not None and len(self._inputs) > 1:
                    raise _Otherwise
                times = _numbers(rows, "time")
                low, high = int(times.min()), int(times.max())
                one.span = (low, high) if one.span is None else (min(low, one.span[0]), max(high, one.span[1]))
            self._count(rows, one.sensor)
        one.tally.check()

    def _apart(self) -> None:
        """Records that two inputs have count once: that is the lake's affair. A record in both has one time in both."""
        spans = sorted((one.sensor, one.span) for _, one, _ in self._inputs if one.span is not None)
        for (sensor, span), (other, later) in itertools.pairwise(spans):
            if sensor == other and later[0] <= span[1]:
                raise _Otherwise

    def _count(self, rows: Columns, sensor: str) -> None:
        if self.wanted.sensor and sensor not in self.wanted.sensor:
            return
        times = _numbers(rows, "time")
        if self.before is not None and not self._seen_before:
            inside = self.before.chosen(times)
            self._seen_before = inside is None or bool(inside.any())
        slots = self._slots_of(rows, sensor)
        asked = self._asked(rows)
        for period in (self.now, self.before):
            if period is None:
                continue
            inside = period.chosen(times)
            chosen = inside if asked is None else asked if inside is None else inside & asked
            if chosen is None or chosen.any():
                period.add(rows, slots, chosen)

    def _slots_of(self, rows: Columns, sensor: str) -> npt.NDArray[np.int32]:
        n = len(rows)
        if self.what == "sensors":
            return np.full(n, self.sensors.index(sensor), np.int32)
        if self.what != "ports":
            return _zeros(n)
        if n > len(self._slots):
            self._slots = np.empty(n, np.int32)
        protocols, ports = _numbers(rows, "protocol"), _numbers(rows, "dst_port")
        _counts.port_slots(n, _jit.view(protocols), _jit.view(ports), _jit.view(self._slots))
        return self._slots[:n]

    def _asked(self, rows: Columns) -> Truths | None:
        """Which rows the filters let through, but for time and sensor; None: all."""
        wanted = self.wanted
        parts: list[Truths] = []
        protocols = _numbers(rows, "protocol")
        if wanted.protocol:
            parts.append(np.isin(protocols, wanted.protocol))
        if wanted.port:
            ports = _numbers(rows, "dst_port")
            parts.append(_any(_in_range(p, protocols, ports) for p in wanted.port))
        if wanted.src:
            source = rows.column("src_ip")
            parts.append(_any(_in_network(network, source) for network in wanted.src))
        return np.logical_and.reduce(parts) if parts else None

    # the ranking ------------------------------------------------------------------------------------------------------

    def _ranked(self, period: _Period) -> _Ranked:
        if self.what == "ports":
            return _ports(period)
        if self.what == "sensors":
            return self._sensors(period)
        found = period.sources()
        if self.what == "sources":
            return _sources(found, self._located(found))
        return _places(self.what, found, self._located(found))

    def _sensors(self, period: _Period) -> _Ranked:
        at = np.flatnonzero(period.things.packets)
        names = [self.sensors[i] for i in at.tolist()]
        packets, hosts = period.things.packets[at], period.things.hosts[at]
        return _Ranked(packets, hosts, _all(at), [names], [at], lambda i: {"sensor": names[i]})

    def _located(self, found: _Sources) -> dict[str, Plain]:
        """Country and AS of distinct sources, where the same data answer for every day that there is."""
        from teiten.enrich import columns
        from teiten.readers._base import Plain

        spans = [one.span for _, one, _ in self._inputs if one.span is not None]
        low, high = min((s[0] for s in spans), default=0) // _DAY, max((s[1] for s in spans), default=0) // _DAY
        addresses = Plain("addresses", numbers=found.families, high=found.high, low=found.low)
        located = columns.located_on(addresses, low, high)
        if located is None:
            raise _Otherwise
        return located

    def _rows(self, n: int, then: _Period | None) -> Rows:
        found, share_of = self._ranked(self.now), self.now.share_of(self.by)
        places = found.places(self.by)
        earlier = _Earlier(self._ranked(then), self.by) if then is not None else None
        out = []
        for i in found.first(self.by, n):
            packets, hosts = int(found.packets[i]), int(found.hosts[i])
            value = packets if self.by == "packets" else hosts
            row = {"rank": int(places[i]) if found.known[i] else None, **found.name(i), "packets": packets, "hosts": hosts}
            row |= {"share": value / share_of, "share_of": share_of}
            row |= dict.fromkeys(("rank_before", "packets_before", "hosts_before", "difference", "change"))
            if earlier is not None:
                row |= earlier.of(tuple(column[i] for column in found.keys), value)
            out.append(row)
        return Rows(out, "", total=share_of if out else 0)


class _Earlier:
    """What the period before tells of a thing."""

    def __init__(self, ranked: _Ranked, by: By) -> None:
        self._ranked, self._by, self._places = ranked, by, ranked.places(by)
        keys = [column.tolist() if isinstance(column, np.ndarray) else column for column in ranked.keys]
        self._at = {key: i for i, key in enumerate(zip(*keys, strict=True))}

    def of(self, key: tuple[Any, ...], value: int) -> dict[str, Any]:
        ranked = self._ranked
        i = self._at.get(key)
        packets, hosts = (0, 0) if i is None else (int(ranked.packets[i]), int(ranked.hosts[i]))
        was = packets if self._by == "packets" else hosts
        return {
            "rank_before": int(self._places[i]) if i is not None and ranked.known[i] else None,
            "packets_before": packets,
            "hosts_before": hosts,
            "difference": value - was,
            "change": 100.0 * (value - was) / was if was else None,
        }


_LAST: Final = 1 << 40
"""a null, where the least comes first"""


def _all(values: npt.NDArray[Any]) -> Truths:
    return np.ones(len(values), np.bool_)


def _ports(period: _Period) -> _Ranked:
    at = np.flatnonzero(period.things.packets)
    ported = at < _counts.OTHERS
    protocols = np.where(ported, np.array([*_counts.WITH_PORTS, -1])[at // _counts.PORTS], at - _counts.OTHERS)
    protocols[at == _counts.UNKNOWN] = -1
    ports = np.where(ported, at % _counts.PORTS, -1)
    packets, hosts = period.things.packets[at], period.things.hosts[at]
    order = [np.where(ports < 0, _LAST, ports), np.where(protocols < 0, _LAST, protocols)]

    def name(i: int) -> dict[str, Any]:
        return {"dst_port": _or_none(ports[i]), "protocol": _or_none(protocols[i])}

    return _Ranked(packets, hosts, protocols >= 0, [ports, protocols], order, name)


def _or_none(value: Any) -> int | None:
    return None if value < 0 else int(value)


def _sources(found: _Sources, located: dict[str, Plain]) -> _Ranked:
    n = len(found.packets)
    four = found.families == 4
    high, low = found.high.view(np.uint64), found.low.view(np.uint64)
    # as bytes are compared: an address that begins another one is the lesser
    order = [np.where(four, low << np.uint64(32), high), np.where(four, np.uint64(0), low), found.families]
    told = {name: _values(located[name], n) for name in ("country", "asn", "as_name")}

    def name(i: int) -> dict[str, Any]:
        if four[i]:
            text = socket.inet_ntop(socket.AF_INET, int(low[i]).to_bytes(4, "big"))
        else:
            text = socket.inet_ntop(socket.AF_INET6, ((int(high[i]) << 64) | int(low[i])).to_bytes(16, "big"))
        return {"src_ip": text, **{column: values(i) for column, values in told.items()}}

    return _Ranked(found.packets, np.ones(n, np.int64), _all(four), [found.families, found.high, found.low], order, name)


def _values(plain: Plain, n: int) -> Callable[[int], Any]:
    """A column's values by their rows."""
    if plain.kind == "constant" or plain.numbers is None:
        return lambda i: plain.value
    if plain.kind == "texts":
        texts, places = plain.texts, plain.numbers
        return lambda i: texts[places[i]] if 0 <= places[i] < len(texts) else None
    numbers = integers(plain, n)
    return lambda i: _or_none(numbers[i])


def _places(what: str, found: _Sources, located: dict[str, Plain]) -> _Ranked:
    """Countries or ASes: sources put together."""
    n = len(found.packets)
    if what == "countries":
        of, texts = located["country"], located["country"].texts
        numbers = of.numbers if of.kind == "texts" and of.numbers is not None else np.full(n, -1)
        numbers = np.where((numbers < 0) | (numbers >= len(texts)), -1, numbers)
    else:
        numbers = integers(located["asn"], n) if located["asn"].kind != "constant" else np.full(n, -1)
    values, which = np.unique(numbers, return_inverse=True)
    packets = np.zeros(len(values), np.int64)
    np.add.at(packets, which, found.packets)
    hosts = np.bincount(which, minlength=len(values))
    if what == "countries":
        codes = [texts[v] if v >= 0 else None for v in values.tolist()]
        order = np.argsort(np.argsort(np.array([code or "" for code in codes])))
        return _Ranked(packets, hosts, values >= 0, [codes], [order], lambda i: {"country": codes[i]})
    names: dict[int, str] = {}
    told = located["as_name"]
    if told.kind == "texts" and told.numbers is not None:
        pairs = np.unique(np.stack([which.reshape(-1), told.numbers]), axis=1)
        for group, place in pairs.T.tolist():
            if 0 <= place < len(told.texts):
                names[group] = max(names.get(group, ""), told.texts[place])

    def name(i: int) -> dict[str, Any]:
        return {"asn": _or_none(values[i]), "as_name": names.get(i)}

    return _Ranked(packets, hosts, values >= 0, [values], [values], name)


def _numbers(rows: Columns, name: str) -> npt.NDArray[Any]:
    numbers = rows.narrow(name).numbers
    assert numbers is not None
    return numbers


def _any(parts: Iterable[Truths]) -> Truths:
    out: Truths = np.logical_or.reduce(list(parts))
    return out


def _in_range(port: PortRange, protocols: npt.NDArray[Any], ports: npt.NDArray[Any]) -> Truths:
    out: Truths = (ports >= port.first) & (ports <= port.last)
    return out if port.protocol is None else out & (protocols == port.protocol)


def _in_network(network: Network, source: Plain) -> Truths:
    assert source.numbers is not None and source.high is not None and source.low is not None
    first, last = int(network[0]), int(network[-1])
    out: Truths = source.numbers == network.version
    if network.version == 4:
        return out & (source.low >= first) & (source.low <= last)
    high, low = source.high.view(np.uint64), source.low.view(np.uint64)
    h, v = np.uint64(first >> 64), np.uint64(first & (1 << 64) - 1)
    out &= (high > h) | ((high == h) & (low >= v))
    h, v = np.uint64(last >> 64), np.uint64(last & (1 << 64) - 1)
    out &= (high < h) | ((high == h) & (low <= v))
    return out
