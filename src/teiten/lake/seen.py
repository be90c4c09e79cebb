"""Which packets of a capture does the lake have? Told from the events of that time, a stretch at a time.

A packet is told by its event's columns (`packets`). When another capture of the sensor has packets of the same time, the lake's
events of these times are read, hashed, and put in the order of their inputs, with the records that made no event, and those
that were forgotten, of which the lake keeps hashes and places; then they are aligned by runs like lines (`overlap`). Nothing is
read where no time is common.

A stretch is as long as memory allows, `AHEAD` packets; of one that cannot be cut shorter (of an input whose times jump to and
fro over years) only packets with a hash that the input has are held. What was matched before a stretch is known in it: how far
each input was passed, the last match, and which packets were used, the latest `USED` of them.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from teiten.errors import LakeError
from teiten.lake import batch, packets
from teiten.lake.history import farther

if TYPE_CHECKING:
    from pathlib import Path

    from teiten.lake._lake import Lake, LiveFile
    from teiten.lake.history import History
    from teiten.lake.overlap import Alignment, Keys, Stream
    from teiten.lake.packets import Hashes

Ints = npt.NDArray[np.int64]

AHEAD: Final = 1_000_000
"""packets that are held at most where a stretch may be cut, more or less; some 60 bytes each"""
MOST: Final = 4_000_000
"""packets of a stretch that cannot be cut, above which only those with a wanted hash are held"""
USED: Final = 4_000_000
HASHED: Final = 4_000_000
"""records without an event that are held at most, the latest first"""
_AT_ONCE: Final = 1 << 18
"""rows of a file that are read at once"""
_HOUR: Final = 3600 * 10**6
_SPANS: Final = 64
_FEW: Final = 1000
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_FAR: Final = 1 << 62
_COLUMNS: Final = ("source_id", "source_pos", *packets.COLUMNS)


@dataclass(frozen=True, slots=True)
class Spans:
    """Spans of time [low, high] in µs, in order and apart; and whether packets without a time of their own are meant too."""

    low: Ints
    high: Ints
    received: bool = False

    def holds(self, other: Spans) -> bool:
        """Does each of the other's spans lie within one of these?"""
        place = np.searchsorted(self.low, other.low, side="right") - 1
        inside = (place >= 0) & (other.high <= self.high[place]) if len(self.low) else np.zeros(len(place), np.bool_)
        return bool(inside.all()) and self.received >= other.received

    def meet(self, low: Ints, high: Ints) -> npt.NDArray[np.bool_]:
        """Which of the spans given have a moment in common with one of these?"""
        return np.searchsorted(self.low, high, side="right") > np.searchsorted(self.high, low)

    def among(self, times: Ints) -> npt.NDArray[np.bool_]:
        """Which of the times lie in one of these?"""
        return self.meet(times, times)


def spans_of(times: Ints, received: bool = False) -> Spans:
    """The spans of some times: apart where nothing is for an hour, the `_SPANS` longest of such gaps."""
    if not len(times):
        return Spans(times, times, received)
    if not bool((times[1:] >= times[:-1]).all()):
        times = np.sort(times)
    gaps = np.diff(times)
    cuts = np.flatnonzero(gaps > _HOUR)
    if len(cuts) >= _SPANS:
        cuts = np.sort(cuts[np.argsort(gaps[cuts])[-(_SPANS - 1) :]])
    return Spans(times[np.append(0, cuts + 1)], times[np.append(cuts, len(times) - 1)], received)


@dataclass(slots=True)
class _Batches:
    """Batches whose records are told by their events. low, high: first and last time of each, µs; low > high: none."""

    rows: pl.DataFrame
    low: Ints = field(init=False)
    high: Ints = field(init=False)
    events: Ints = field(init=False)

    def __post_init__(self) -> None:
        self.low = self.rows["t_min"].to_physical().fill_null(_FAR).to_numpy()
        self.high = self.rows["t_max"].to_physical().fill_null(-_FAR).to_numpy()
        self.events = self.rows["events"].to_numpy()

    def near(self, spans: Spans) -> pl.DataFrame:
        """Those with a time in common; with `received`, all that have packets."""
        return self.rows.filter((self.events > 0) if spans.received else spans.meet(self.low, self.high))

    def hashed(self, spans: Spans) -> pl.DataFrame:
        """Those with records that are told by a hash, at a time in common or without any time; with no times given, all."""
        chosen = spans.meet(self.low, self.high) | (self.low > self.high) | (not len(spans.low))
        found = self.rows.filter(chosen & (self.rows["hashed"] > 0).to_numpy())
        return found.filter(pl.col("hashed").cum_sum(reverse=True) <= HASHED)

    def packets(self, low: int, high: int) -> float:
        """About how many packets they have of [low, high], as if each were even in its time."""
        length = np.maximum(self.high - self.low, 0) + 1.0
        common = np.minimum(self.high, high) - np.maximum(self.low, low) + 1.0
        return float((self.events * np.clip(common / length, 0, 1)).sum())

    def ahead(self, spans: Spans, step: int) -> Spans:
        """The spans, the last of them longer, for what comes next of an input in order: twice as long as `step`, or as far as
        there are `AHEAD` packets."""
        if not len(spans.low) or not step:
            return spans
        low, high = int(spans.low[-1]), int(spans.high[-1])
        end = min(high + 2 * step, max(int(self.high.max()), high))
        for _ in range(40):
            if end <= high or self.packets(low, end) <= AHEAD:
                break
            end = high + (end - high) // 2
        return Spans(spans.low, np.append(spans.high[:-1], max(end, high)), spans.received)


def _micros(moment: dt.datetime | None, none: int) -> int:
    return none if moment is None else (moment - _EPOCH) // dt.timedelta(microseconds=1)


class Seen:
    """What the lake has of one input's packets; asked piece by piece, in the input's order.

    reached, cursor: how far it came in other sources' packets (keys are places in bytes), as of `overlap.Alignment`.
    """

    def __init__(self, lake: Lake, history: History, sensor: str, own: int, reached: dict[int, int], segment: str = "") -> None:
        self._lake, self._history = lake, history
        self._batches = _Batches(history.packets(sensor, own, segment))
        self._loaded: Spans | None = None
        self._step = 0
        self._alignment: Alignment | None = None
        self._others: Alignment | None = None
        self._used: list[dict[int, Keys]] = []
        self._cursor: tuple[int, int] | None = None
        self.reached = reached

    def near(self, times: Ints, received: bool) -> Spans | None:
        """The spans of a piece's times, where the lake has anything of them; None: nothing is to be compared.

        times: of its packets that have one, µs. received: it has packets without a time of their own."""
        if not self._batches.rows.height:
            return None
        spans = spans_of(times, received)
        return spans if self._batches.near(spans).height or self._batches.hashed(spans).height else None

    def match(self, hashes: Hashes, spans: Spans, known: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """For each of the piece's records: does the lake have it? `spans`: from `near`. `known`: need not be looked for."""
        if self._loaded is None or not self._loaded.holds(spans):
            self._alignment, self._others = self._load(hashes, spans)
        alignment, others = self._alignment, self._others
        assert alignment is not None and others is not None
        # apart, since a copy of a capture may hold nothing but packets
        packet = (hashes & packets.OTHER) == 0
        had = np.zeros(len(hashes), np.bool_)
        had[packet] = alignment.match(hashes[packet], known=known[packet])
        had[~packet] = others.match(hashes[~packet], known=known[~packet])
        farther(self.reached, alignment.reached())
        self._cursor = alignment.cursor or self._cursor
        return had

    def _load(self, hashes: Hashes, spans: Spans) -> tuple[Alignment, Alignment]:
        """What the lake has of those spans: its packets, and its records without an event."""
        from teiten.lake.overlap import Alignment  # numba: where nothing overlaps it is not loaded

        if self._alignment is not None:
            self._remember(self._alignment)
        wanted = None
        if sum(self._batches.packets(*span) for span in zip(spans.low.tolist(), spans.high.tolist(), strict=True)) > MOST:
            wanted = np.sort(hashes)
        else:
            length = int(spans.high[-1] - spans.low[-1]) if len(spans.low) else 0
            self._step, spans = max(2 * self._step, length), self._batches.ahead(spans, self._step)
        self._loaded = None if wanted is not None else spans
        rows = _rows(self._lake, self._batches.near(spans), spans, wanted)
        kept = self._kept(self._batches.hashed(spans))
        streams = list(_streams([one.some(forgotten=True) for one in kept] + rows, self.reached))
        for stream in streams:
            stream.used = [one[stream.source_id] for one in self._used if stream.source_id in one]
        alignment = Alignment(streams)
        alignment.go_on(self._cursor)
        return alignment, Alignment(list(_streams([one.some(forgotten=False) for one in kept], {})))

    def _remember(self, alignment: Alignment) -> None:
        """Which packets were used, of the latest stretches."""
        self._used.append({source: keys for source, keys in alignment.used().items() if len(keys)})
        while len(self._used) > 1 and sum(len(keys) for one in self._used for keys in one.values()) > USED:
            del self._used[0]

    def _kept(self, hashed: pl.DataFrame) -> list[_Part]:
        """Records of those batches that are told by a hash."""
        found = self._history.kept(hashed["batch"].to_list())
        out = []
        for number, source, start, records in hashed.select("batch", "source_id", "start", "hashed").iter_rows():
            values, places = batch.unpack(found[number], records)
            out.append(_Part(np.full(len(places), source, np.int64), places + start, values))
        return out


@dataclass(frozen=True, slots=True)
class _Part:
    """Some records of the lake: input, place in it, hash."""

    source: Ints
    place: Ints
    hashes: Hashes

    def some(self, *, forgotten: bool) -> _Part:
        """Of records that are told by a hash those that were forgotten, or the others, which made no event."""
        chosen = ((self.hashes & packets.OTHER) == 0) == forgotten
        return _Part(self.source[chosen], self.place[chosen], self.hashes[chosen])


def _streams(parts: list[_Part], reached: dict[int, int]) -> Iterator[Stream]:
    """The records of each source in its order. What was being forgotten when somebody pulled the plug is there twice."""
    from teiten.lake.overlap import Stream

    if not sum(len(part.place) for part in parts):
        return
    source, place = (np.concatenate([getattr(part, name) for part in parts]) for name in ("source", "place"))
    hashes = np.concatenate([part.hashes for part in parts])
    del parts
    rising = (source[1:] > source[:-1]) | ((source[1:] == source[:-1]) & (place[1:] > place[:-1]))
    if not bool(rising.all()):
        order = np.lexsort([place, source])
        source, place, hashes = source[order], place[order], hashes[order]
        first = np.append(True, (source[1:] != source[:-1]) | (place[1:] != place[:-1]))
        if not bool(first.all()):
            source, place, hashes = source[first], place[first], hashes[first]
    starts = np.flatnonzero(np.append(True, source[1:] != source[:-1]))
    for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(source)], strict=True):
        number = int(source[start])
        yield Stream(number, hashes[start:end], keys=place[start:end], reach=reached.get(number, 0))


def _rows(lake: Lake, near: pl.DataFrame, spans: Spans, wanted: Hashes | None) -> list[_Part]:
    """The lake's events of those batches and spans."""
    if not near.height:
        return []
    first = near.group_by("source_id").agg(pl.col("start").min()).sort("source_id")
    for _ in range(3):
        with contextlib.suppress(FileNotFoundError):  # put together with others between the list and its reading
            out = []
            for file in _files(lake, spans):
                out += list(_of_file(file, first, spans, wanted, lake.hash_key))
            return out
    raise LakeError(f"The lake {lake.path} changes too quickly to be read (its table events).", hint="Try again.")


def _files(lake: Lake, spans: Spans) -> list[LiveFile]:
    files = lake.live_files()[0]
    if spans.received:
        return files
    low = np.array([_micros(f.t_min, -_FAR) for f in files], np.int64)
    # Delta's statistics may be cut to milliseconds
    high = np.array([_micros(f.t_max, _FAR - 1000) + 1000 for f in files], np.int64)
    return [files[i] for i in np.flatnonzero(spans.meet(low, high)).tolist()]


def _of_file(file: LiveFile, first: pl.DataFrame, spans: Spans, wanted: Hashes | None, key: int) -> Iterator[_Part]:
    ids, starts = first["source_id"].to_numpy(), first["start"].to_numpy()
    own = pl.col("source_id")
    choice = own.is_in(ids.tolist()) if len(ids) <= _FEW else own.is_between(int(ids[0]), int(ids[-1]))
    in_time = pl.lit(False)
    if len(spans.low):
        in_time = pl.col("time").is_between(_moment(int(spans.low[0])), _moment(int(spans.high[-1])))
    choice &= in_time | (pl.col("time_basis") == packets.RECEIVED) if spans.received else in_time
    for rows in _pieces(file.path, file.rows, choice):
        source, place = rows["source_id"].to_numpy(), rows["source_pos"].to_numpy()
        of = np.minimum(np.searchsorted(ids, source), len(ids) - 1)
        good = (ids[of] == source) & (place >= starts[of])
        if len(spans.low) > 1:
            inside = spans.among(rows["time"].to_physical().to_numpy())
            good &= inside | (rows["time_basis"] == packets.RECEIVED).to_numpy() if spans.received else inside
        values = packets.of_frame(rows, key)
        if wanted is not None:
            good &= np.isin(values, wanted)
        if good.all():
            yield _Part(source, place, values)
        elif good.any():
            yield _Part(source[good], place[good], values[good])


def _pieces(path: Path, rows: int, choice: pl.Expr) -> Iterator[pl.DataFrame]:
    for at in range(0, max(rows, 1), _AT_ONCE):
        scan = pl.scan_parquet(path)
        part = scan.slice(at, _AT_ONCE) if rows > _AT_ONCE else scan
        found = part.filter(choice).select(_COLUMNS).collect()
        if found.height:
            yield found


def _moment(micros: int) -> pl.Expr:
    return pl.lit(micros, dtype=pl.Int64).cast(pl.Datetime("us", "UTC"))
