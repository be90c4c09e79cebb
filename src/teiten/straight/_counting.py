"""Captures are read, and what is asked for is counted on the way: packets and distinct sources of each thing, in two spans."""

from __future__ import annotations

import datetime as dt
import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from teiten import periods, readers
from teiten.engine.filters import Filters, Network, PortRange
from teiten.engine.questions import By, Rows, Span
from teiten.readers import _counts, _input, _jit
from teiten.readers._base import Plain, ReadOptions, Rejected, Tally
from teiten.readers.capture._columns import Columns
from teiten.settings import DEFAULT_SENSOR, Settings
from teiten.straight import _things
from teiten.straight._things import Earlier, Ranked, Sources

Ints = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]
OnRejected = Callable[[str, Sequence[Rejected]], None]

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_DAY: Final = 86_400_000_000
_ROWS: Final = 1 << 16
_COMPILE_SECONDS: Final = 5
_AHEAD: Final = 2
"""chunks that wait to be counted"""
_BITS: Final = 26
"""what bounds memory: 2^26 places of 8 bytes, some 47 million distinct sources of ports, are half a gigabyte"""


class Otherwise(Exception):
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


def _micros(moment: dt.datetime | None) -> int | None:
    return None if moment is None else (moment - _EPOCH) // dt.timedelta(microseconds=1)


class _Set:
    """Packets and distinct sources of slots, of both families."""

    def __init__(self, slots: int, bits: int, *, counted: bool = False) -> None:
        """bits: the table holds no more than some 0.7 x 2^bits sources of slots."""
        self._slots = slots
        self.four = _counts.Four(slots, counted=counted, most_bits=bits)
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


class _Period:
    """What is counted of one span of time."""

    def __init__(self, run: Run, start: dt.datetime | None, end: dt.datetime | None, bits: int) -> None:
        self._start, self._end = _micros(start), _micros(end)
        self._what = run.what
        one = run.what in ("sources", "countries", "asns")
        self.things = _Set({"ports": _counts.SLOTS, "sensors": len(run.sensors)}.get(run.what, 1), bits, counted=one)
        # whose shares are of all hosts; where things are sources, these are known already
        self.all = _Set(1, bits - 1) if run.by == "hosts" and not one else None

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

    def sources(self) -> Sources:
        low, packets = self.things.four.sources()
        n = len(low)
        families, high, wide = np.full(n, 4), np.zeros(n, np.int64), low.astype(np.int64)
        if self.things.six is not None:
            h, v, p = self.things.six.sources()
            families, packets = np.concatenate([families, np.full(len(p), 6)]), np.concatenate([packets, p])
            high, wide = np.concatenate([high, h]), np.concatenate([wide, v])
        return Sources(families, high, wide, packets)


_NOTHING: Final = np.zeros(_ROWS, np.int32)


def _zeros(n: int) -> npt.NDArray[np.int32]:
    return _NOTHING[:n] if n <= _ROWS else np.zeros(n, np.int32)


class Run:
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
        bits = _BITS if before is None else _BITS - 2
        self.now = _Period(self, wanted.start, wanted.end, bits)
        self.before = _Period(self, *before, bits) if before else None
        self._seen_before = False
        self._slots = np.empty(_ROWS, np.int32)

    def rows(self, n: int, rejected: OnRejected | None) -> tuple[Rows, list[Read]]:
        """The ranking's first n rows, and what became of the inputs. Otherwise; _counts.TooMany; InputError."""
        for source, one, options in self._inputs:
            self._read(source, one, options, rejected)
            self._apart()
        then = self.before if self.before is not None and self._seen_before else None
        found = self._rows(n, then)
        return found, [one for _, one, _ in self._inputs]

    def _read(self, source: _input.Input, one: Read, options: ReadOptions, rejected: OnRejected | None) -> None:
        """Counts go on beside the reading, on a thread of their own: the kernels hold no GIL."""
        _jit.announce(_counts.four, _COMPILE_SECONDS)
        flying: deque[Future[None]] = deque()
        with ThreadPoolExecutor(1, thread_name_prefix="teiten-count") as counter:
            for rows in self._rows_of(source, one, options, rejected):
                flying.append(counter.submit(self._count, rows, one.sensor))
                if len(flying) > _AHEAD:
                    flying.popleft().result()
            for future in flying:
                future.result()
        one.tally.check()

    def _rows_of(
        self, source: _input.Input, one: Read, options: ReadOptions, rejected: OnRejected | None
    ) -> Iterator[Columns]:  # fmt: skip
        """An input's events; what became of its records goes to `one`."""
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
                    raise Otherwise
                times = _numbers(rows, "time")
                low, high = int(times.min()), int(times.max())
                one.span = (low, high) if one.span is None else (min(low, one.span[0]), max(high, one.span[1]))
            yield rows

    def _apart(self) -> None:
        """Records that two inputs have count once: that is the lake's affair. A record in both has one time in both."""
        spans = sorted((one.sensor, one.span) for _, one, _ in self._inputs if one.span is not None)
        for (sensor, span), (other, later) in itertools.pairwise(spans):
            if sensor == other and later[0] <= span[1]:
                raise Otherwise

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

    def _ranked(self, period: _Period) -> Ranked:
        if self.what == "ports":
            return _things.ports(period.things.packets, period.things.hosts)
        if self.what == "sensors":
            return self._sensors(period)
        found = period.sources()
        if self.what == "sources":
            return _things.sources(found, self._located(found))
        return _things.places(self.what, found, self._located(found))

    def _sensors(self, period: _Period) -> Ranked:
        at = np.flatnonzero(period.things.packets)
        names = [self.sensors[i] for i in at.tolist()]
        packets, hosts = period.things.packets[at], period.things.hosts[at]
        return Ranked(packets, hosts, np.ones(len(at), np.bool_), [names], [at], lambda i: {"sensor": names[i]})

    def _located(self, found: Sources) -> dict[str, Plain]:
        """Country and AS of distinct sources, where the same data answer for every day that there is."""
        from teiten.enrich import columns

        spans = [one.span for _, one, _ in self._inputs if one.span is not None]
        low, high = min((s[0] for s in spans), default=0) // _DAY, max((s[1] for s in spans), default=0) // _DAY
        addresses = Plain("addresses", numbers=found.families, high=found.high, low=found.low)
        located = columns.located_on(addresses, low, high)
        if located is None:
            raise Otherwise
        return located

    def _rows(self, n: int, then: _Period | None) -> Rows:
        found, share_of = self._ranked(self.now), self.now.share_of(self.by)
        places = found.places(self.by)
        earlier = Earlier(self._ranked(then), self.by) if then is not None else None
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
