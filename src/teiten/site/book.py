"""The days' counts as the rules settle them: sums in which no sensor stands out, by day, group and thing. Pages read it alone.

What a `Book` gives out is rounded or withheld (`publish.release`); the sums behind it are its own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from teiten.publish import release
from teiten.publish.release import WITHHELD, Cell, Taken
from teiten.settings import Settings
from teiten.site.counts import Day

ALL: Final = ""
"""the group of all sensors, and the key of all packets"""
HALF: Final = 43_200
"""seconds of a day that a sensor watched to have watched on it"""
LEAST_DAYS: Final = 0.5
"""share of a period's days that must be told for the period to be"""
WHATS: Final = ("port", "country", "asn", "source")
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Row:
    """A thing of a table, and its cell in the period and in the one before (None: nothing can be said of that)."""

    key: str
    cell: Cell
    before: Cell | None


@dataclass(frozen=True, slots=True)
class Ranking:
    """A table that may be published: its rows, the most first; how many more things there were, about; and the whole."""

    rows: list[Row]
    withheld: int
    """things that enough sensors saw, but that are too rare (rounded)"""
    whole: Cell
    before: Cell | None
    taken: Taken


@dataclass(slots=True)
class _Sums:
    """Of each thing that some day may tell, by day: as settled, and as counted (`raw`)."""

    packets: dict[str, Floats]
    hosts: dict[str, Floats]
    raw: dict[str, Floats]
    rare: Floats
    """by day, of all other things: how many, how many that enough sensors saw, packets as counted"""

    @classmethod
    def of(cls, days: int) -> _Sums:
        return cls({}, {}, {}, np.zeros((3, days)))


class Book:
    """The settled sums of days that follow each other; days of which nothing is told are gaps."""

    def __init__(self, days: Mapping[dt.date, Day], settings: Settings) -> None:
        """days: what `counts.of` gives; what is missing between the first and the last is a gap."""
        self.settings, self.rules = settings, settings.publishing
        first, last = (min(days), max(days)) if days else (dt.date(1970, 1, 1), dt.date(1969, 12, 31))
        self.days = [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
        self._at = {day: n for n, day in enumerate(self.days)}
        names = sorted({name for day in days.values() for name in day.frame["sensor"].unique()})
        self.sensors = names
        configured = {sensor.name: sensor.group for sensor in settings.sensors}
        self.groups = release.groups(names, {name: configured.get(name) for name in names}, self.rules)
        self._seconds = np.zeros((len(self.days), len(names)))
        place = {name: n for n, name in enumerate(names)}
        for day, found in days.items():
            for name, seconds in found.frame.filter(what="watching").select("sensor", "packets").iter_rows():
                self._seconds[self._at[day], place[name]] = seconds
        self.watching = {g: self._seconds[:, own].sum(axis=1) / 86_400 for g, own in self.groups.items()}
        self.told = {g: self._tellable(own) for g, own in self.groups.items()}
        self._sums: dict[tuple[str, str], _Sums] = {
            (w, g): _Sums.of(len(self.days)) for w in ("all", *WHATS) for g in self.groups
        }
        for (what, group), sums in self._sums.items():
            self._fill(sums, [(self._at[day], *self._settled(found, what, group, place)) for day, found in days.items()])

    def _tellable(self, own: Sequence[int]) -> npt.NDArray[np.bool_]:
        """On which days enough sensors of a group watched: as many as the rules ask for, where the group ever had so many."""
        there = (self._seconds[:, own] >= HALF).sum(axis=1)
        most = int(there.max()) if there.size else 0
        out: npt.NDArray[np.bool_] = there >= max(1, min(most, self.rules.least_sensors if len(own) > 1 else 1))
        return out

    def _settled(self, found: Day, what: str, group: str, place: Mapping[str, int]) -> tuple[Any, Floats, Floats, Floats]:
        """Keys of a day, and their packets and hosts as settled, and packets as counted; nothing where nothing is told."""
        own = found.frame.filter(what=what)
        if not own.height or not self.told[group][self._at[found.day]]:
            return np.array([], dtype=object), np.zeros(0), np.zeros(0), np.zeros(0)
        keys, codes = np.unique(own["key"].to_numpy(), return_inverse=True)
        columns = np.array([place[name] for name in own["sensor"]])
        packets, hosts = (np.zeros((len(keys), len(place)), dtype=np.int64) for _ in range(2))
        packets[codes, columns] = own["packets"].to_numpy()
        hosts[codes, columns] = own["hosts"].to_numpy()
        members = self.groups[group]
        packets, hosts = packets[:, members], hosts[:, members]
        return keys, release.settled(packets, self.rules), release.settled(hosts, self.rules), packets.sum(axis=1).astype(float)

    def _fill(self, sums: _Sums, days: Sequence[tuple[int, Any, Floats, Floats, Floats]]) -> None:
        # a mean reaches the least only where some day does: the many that never do need no row of days
        wanted = {str(key) for _, keys, packets, *_ in days for key in keys[packets >= self.rules.least_packets]}
        for key in wanted:
            for table in (sums.packets, sums.hosts, sums.raw):
                table[key] = np.zeros(len(self.days))
        for at, keys, packets, hosts, raw in days:
            for key, own, many, counted in zip(map(str, keys), packets, hosts, raw, strict=True):
                if key in wanted:
                    sums.packets[key][at], sums.hosts[key][at], sums.raw[key][at] = own, many, counted
                elif counted:
                    sums.rare[:, at] += (1, own > 0, counted)

    # what may be told

    def span(self, first: dt.date, last: dt.date) -> slice:
        """The places of the days from one to the other, both included."""
        if not self.days:
            return slice(0, 0)
        low = max(0, (first - self.days[0]).days)
        return slice(low, max(low, (last - self.days[0]).days + 1))

    def _within(self, group: str, span: slice) -> tuple[npt.NDArray[np.bool_], float]:
        told = self.told[group][span]
        return told, float(self.watching[group][span][told].sum())

    def enough(self, group: str, span: slice, length: int) -> bool:
        """Were enough of the span's days told?"""
        return length > 0 and int(self.told[group][span].sum()) >= LEAST_DAYS * length

    def cell(self, what: str, key: str, group: str, span: slice) -> Cell:
        """The cell of a thing over days, or `WITHHELD`: rare, or nothing told on these days."""
        sums = self._sums[what, group]
        told, watching = self._within(group, span)
        if key not in sums.packets or not told.any():
            return WITHHELD
        packets, hosts = sums.packets[key][span][told].sum(), sums.hosts[key][span][told].sum()
        if not self._passes(what, packets / told.sum(), hosts / told.sum()):
            return WITHHELD
        return release.cell(packets, hosts, watching, self.rules)

    def _passes(self, what: str, packets: float, hosts: float) -> bool:
        # a source, or its network, is not a thing that many hosts could belong to
        many = float(self.rules.least_hosts) if what == "source" else hosts
        return bool(release.shown(np.array([packets]), np.array([many]), self.rules)[0])

    def ranking(
        self, what: str, span: slice, before: slice | None = None, *, group: str = ALL, most: int | None = None
    ) -> Ranking:
        """The things over the days of `span`, the most first, beside those of `before`."""
        sums = self._sums[what, group]
        told, _ = self._within(group, span)
        days = int(told.sum())
        rows: list[tuple[float, Row]] = []
        # of those that no day tells, each day's is a cell by itself
        others, rarely, lost = (float(row[span][told].sum()) for row in sums.rare)
        taken = Taken(packets=lost + sum(float(raw[span][told].sum()) for raw in sums.raw.values()))
        cells, gone, single = int(others), int(others), 0.0
        rare = rarely / days if days else 0.0
        for key, own in sums.packets.items():
            raw = float(sums.raw[key][span][told].sum())
            if not raw:
                continue
            cells += 1
            packets = float(own[span][told].sum())
            cell = self.cell(what, key, group, span)
            if cell.withheld:
                gone, lost = gone + 1, lost + raw
                rare += packets > 0
                continue
            single += raw - packets
            rows.append((packets, Row(key, cell, self.cell(what, key, group, before) if before is not None else None)))
        rows.sort(key=lambda one: (-(one[1].cell.packets or 0), one[1].key))
        chosen = [row for _, row in rows][: most or self.rules.rows]
        cut = len(rows) - len(chosen)
        taken += Taken(cells=cells, withheld=gone, packets_withheld=lost, packets_settled=single)
        count = round(release.rounded(rare + cut, self.rules)) if days else 0
        whole = self.cell("all", ALL, group, span)
        return Ranking(chosen, count, whole, self.cell("all", ALL, group, before) if before is not None else None, taken)

    def daily(self, what: str, key: str, span: slice) -> dict[str, list[Cell]]:
        """The cells of a thing on each day, of every group; what a sum would give away is withheld as well."""
        cells = {
            g: [self.cell(what, key, g, slice(n, n + 1)) for n in range(*span.indices(len(self.days)))] for g in self.groups
        }
        parts = [g for g in self.groups if g != ALL]
        if len(parts) < 2 or self.rules.sensors == "alias":
            return cells
        seen = np.array([[not c.withheld for c in cells[g]] for g in parts])
        sums = [self._sums[what, g].packets.get(key) for g in parts]
        sizes = np.array([s[span] if s is not None else np.zeros(seen.shape[1]) for s in sums])
        remain = release.complement(seen, sizes, rows=False, columns=True)
        for n, g in enumerate(parts):
            cells[g] = [c if keep else WITHHELD for c, keep in zip(cells[g], remain[n], strict=True)]
        return cells

    def weekly(self, what: str, key: str, weeks: Sequence[dt.date]) -> dict[str, list[Cell]]:
        """The cells of a thing in the weeks that begin on those days, of every group."""
        out: dict[str, list[Cell]] = {}
        for group in self.groups:
            own = []
            for week in weeks:
                span = self.span(week, week + dt.timedelta(days=6))
                own.append(self.cell(what, key, group, span) if self.enough(group, span, 7) else WITHHELD)
            out[group] = own
        parts = [g for g in self.groups if g != ALL]
        for n in range(len(weeks) if len(parts) > 1 and self.rules.sensors != "alias" else 0):
            if sum(out[g][n].withheld for g in parts) == 1 and not out[ALL][n].withheld:
                for g in parts:
                    out[g][n] = WITHHELD
        return out

    def last(self) -> dt.date | None:
        """The last day of which something is told."""
        found = np.flatnonzero(self.told[ALL])
        return self.days[int(found[-1])] if found.size else None
