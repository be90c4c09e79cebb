"""A view made ready to be scanned: its days put together, what codes mean, the recent hours' cells, what counts at least."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from teiten.detect import chance
from teiten.detect.baseline import Clock, Floats, Ints
from teiten.detect.coded import DIMENSIONS, Piece, remapped

if TYPE_CHECKING:
    from teiten.detect.families import Family
    from teiten.detect.view import View

Measure = Literal["packets", "hosts"]
MEASURES: Final[tuple[Measure, Measure]] = ("packets", "hosts")
PAST: Final = 28
"""days before today that are looked at"""
BACK: Final = 24
"""hours before today that a change may have begun in"""
_LAST: Final = 3
"""days in which these and today lie"""


@dataclass
class Ground:
    """A view's days and what is asked of them. Places of hours count from the first that is looked at (`skip` are left out)."""

    view: View
    clock: Clock
    skip: int
    """hours at the view's beginning that are not looked at: what is looked at before today are whole days"""
    pieces: Sequence[Piece]
    """the days, in order; the last is today"""
    before: int
    """how many of them lie before today"""
    names: Mapping[str, list[Any]]
    """of each dimension: what a code means"""
    codes: Mapping[str, Sequence[Ints]]
    """of each dimension and piece: the view's codes of its own"""
    groups: Ints
    """of each port's code that of its service group (-1: none)"""
    recent: dict[str, Any]
    """the cells of the recent hours: place (from the first of them), the codes, packets, hosts (lowered as changes are told)"""
    recent_wide: dict[str, Any]
    """the same without ports"""
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
    def tails(self) -> frozenset[str]:
        """The dimensions by which rare cells were put together on some day."""
        return frozenset(name for piece in self.pieces for name in piece.tails)

    @cached_property
    def hours(self) -> int:
        """How many recent hours there are."""
        return int(len(self.clock.exposure) - self.first)

    @cached_property
    def begin(self) -> int:
        """Where today begins among the recent hours."""
        return int(self.clock.today.start - self.first)

    @cached_property
    def origin(self) -> int:
        """The hour since 1970 of place 0."""
        return int(self.view.start.timestamp()) // 3600 + self.skip

    @cached_property
    def running(self) -> float:
        """Of the last hour the part that is over."""
        upto, last = self.view.upto, self.view.hours[-1]
        return 1.0 if upto is None else float(min(1.0, max(0.0, (upto - last) / dt.timedelta(hours=1))))

    @cached_property
    def low(self) -> float:
        """Packets of a day below which a series is not looked at."""
        return min(self.least.values())

    @cached_property
    def kept(self) -> dict[str, Ints]:
        """Of each dimension and code: its place among those that have counts enough on some day; else (and of code -1) the
        place after."""
        most = {name: self._most(name) for name in DIMENSIONS}
        groups = np.zeros((len(self.names["group"]), len(self.pieces)))
        for n, (piece, codes) in enumerate(zip(self.pieces, self.codes["port"], strict=True)):
            of, table = self.groups[codes], piece.table(("port",), whole=not piece.tails)
            mine = of[table.codes[0]]
            groups[:, n] = np.bincount(mine[mine >= 0], table.day[mine >= 0], len(groups))
        most["group"] = groups.max(axis=1, initial=0.0)
        return {name: _numbered(counts >= self.low) for name, counts in most.items()}

    def _most(self, name: str) -> Floats:
        """Of each code its packets on the day that has most."""
        out = np.zeros(len(self.names[name]))
        for piece, codes in zip(self.pieces, self.codes[name], strict=True):
            table = piece.table((name,))
            np.maximum.at(out, codes[table.codes[0]], table.day)
        return out

    def past(self, key: Mapping[str, int]) -> pl.DataFrame:
        """The hours before today of the cells with those codes, by every dimension: counts."""
        frames = []
        for n, piece in enumerate(self.pieces[: self.before]):
            base = piece.base
            some = np.flatnonzero(base["hour"] >= self.origin)
            for name, code in key.items():
                own = self.codes["port" if name == "group" else name][n]
                fits = (self.groups[own] if name == "group" else own) == code
                some = some[fits[base["port" if name == "group" else name][some]]]
            frames.append(
                pl.DataFrame(
                    {name: self.codes[name][n][base[name][some]] for name in DIMENSIONS}
                    | {measure: base[measure][some] for measure in MEASURES}
                )
            )
        schema: dict[str, Any] = {**dict.fromkeys(DIMENSIONS, pl.Int64()), **dict.fromkeys(map(str, MEASURES), pl.Float64())}
        past = pl.concat([pl.DataFrame(schema=schema), *frames])
        return past.group_by(*DIMENSIONS).agg(pl.col(*MEASURES).sum())


def ground(view: View) -> Ground | None:
    """The view made ready, without its families. None where there is too little to say what is usual, or nothing to look at."""
    skip, clock = clock_of(view)
    if clock.before < 24 * view.threshold("detect_days") or view.cells.is_empty() or clock.today.start >= len(clock.exposure):
        return None
    first_day = view.local[skip].date()
    days = [day for day in sorted(view.by_day) if first_day <= day <= view.day]
    pieces = [view.by_day[day].coded for day in days]
    if not any(len(piece.base["hour"]) for piece in pieces):
        return None  # announced scanners alone
    names, codes = {}, {}
    for name in DIMENSIONS:
        names[name], codes[name] = remapped(pieces, name)
    names["group"], groups = _groups(names["port"])
    first = max(0, clock.today.start - BACK)
    before = sum(day < view.day for day in days)
    least = {measure: _least(view, pieces[:before], measure) for measure in MEASURES}
    visits = tuple(_visit(view, [piece.visits[n] for piece in pieces[:before]][-clock.days :]) for n in (0, 1))
    made = Ground(
        view, clock, skip, pieces, before, names, codes, groups, {}, {}, np.zeros(0, np.int64), first, [], least,
        (visits[0], visits[1]),
    )  # fmt: skip
    made.recent, made.recent_wide = _late(made, "base"), _late(made, "wide")
    made.recent["group"] = groups[made.recent["port"]] if len(groups) else made.recent["port"]
    made.link = _linked(made)
    return made


def clock_of(view: View, sensor: str | None = None) -> tuple[int, Clock]:
    """The view's hours as baselines use them (of one sensor, if it is named), and how many at its beginning are left out."""
    skip = max(view.today.start % 24, view.today.start - 24 * PAST)
    weekend = np.array([hour.weekday() >= 5 for hour in view.local[skip:]], dtype=bool)
    exposure = view.exposure if sensor is None else view.exposure_of(sensor)
    return skip, Clock(exposure[skip:], weekend, slice(view.today.start - skip, view.today.stop - skip))


def port_of(code: int) -> tuple[int, int | None]:
    """The port that a name of the dimension `port` stands for."""
    protocol, port = divmod(code, 70_000)
    return protocol, port - 1 if port else None


def _late(made: Ground, what: Literal["base", "wide"]) -> dict[str, Any]:
    """The cells of the recent hours: they are of the last days' pieces."""
    begin, parts = made.origin + made.first, []
    for n in range(max(0, len(made.pieces) - _LAST), len(made.pieces)):
        cells = getattr(made.pieces[n], what)
        late = np.flatnonzero(cells["hour"] >= begin)
        part: dict[str, Any] = {"place": cells["hour"][late].astype(np.int64) - begin}
        part |= {name: made.codes[name][n][cells[name][late]] for name in DIMENSIONS if name in cells}
        parts.append(part | {measure: cells[measure][late] for measure in MEASURES})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _linked(made: Ground) -> Ints:
    """Of each recent cell the place of its hour, country, AS and sensor among those without ports."""
    on = ("place", "country", "asn", "sensor")
    own = pl.DataFrame({name: made.recent[name] for name in on})
    wide = made.recent_wide
    other = pl.DataFrame({**{name: wide[name] for name in on}, "_at": np.arange(len(wide["place"]))})
    return own.join(other, on=list(on), how="left", maintain_order="left")["_at"].to_numpy()


def _least(view: View, before: Sequence[Piece], measure: Measure) -> float:
    """Counts more than expected, at least: a stated number, or so many times the square root of a usual day's."""
    day = [float(piece.wide[measure].sum()) for piece in before]
    root = view.threshold("detect_root") * float(np.sqrt(np.median(day))) if day else 0.0
    return max(view.threshold(f"detect_{measure}"), root)


def _visit(view: View, most: Sequence[float]) -> float:
    """Packets that a single host sends (to one port) within an hour on `detect_visit_days` of the days."""
    return chance.fit(np.array(most)).height(view.threshold("detect_visit_days"))


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
    of = np.full(len(codes), -1, dtype=np.int64)
    for place, name in enumerate(several):
        of[members[name]] = place
    return several, of


def _numbered(which: npt.NDArray[np.bool_]) -> Ints:
    """The places of the true ones among themselves, and of the others (and of code -1) the place after these."""
    return np.append(np.where(which, np.cumsum(which) - 1, which.sum()), which.sum())
