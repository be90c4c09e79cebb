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

from teiten.detect import baseline, chance
from teiten.detect.baseline import WIDTHS, Baseline, Clock, Floats, Ints

if TYPE_CHECKING:
    from teiten.detect.view import View

Measure = Literal["packets", "hosts"]
MEASURES: Final[tuple[Measure, Measure]] = ("packets", "hosts")
BACK: Final = 24
"""hours before today that a change may have begun in"""
_PRIOR: Final[dict[str, float]] = {"packets": 8.0, "hosts": 1.5}
"""dispersion of series with few counts: packets of a source come together, sources hardly"""
_DENSE: Final = 0.25
"""counts of a usual hour from which on a series has counts enough to tell by itself how far they stray"""
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


@dataclass(frozen=True)
class Family:
    """All series of some columns that had counts enough today. Counts and baselines are of the ground's recent hours."""

    by: tuple[str, ...]
    keys: list[tuple[int, ...]]
    rows: Ints
    """of each recent cell: its series; -1: none that is looked at"""
    counts: Mapping[Measure, Floats]
    bases: Mapping[Measure, Baseline]
    chances: Mapping[Measure, tuple[chance.Maxima, chance.Maxima]]
    """what days before had of series with few counts, and of those with many"""
    dense: Mapping[Measure, npt.NDArray[np.bool_]]
    """which series have many counts"""
    best: dict[Measure, Floats] = field(default_factory=dict)
    """a row for each series: how unlikely, score, first, after, count, usual, width's place"""


@dataclass
class Ground:
    """A view made ready to be scanned: its recent cells as arrays, what their codes mean, and its families."""

    view: View
    clock: Clock
    cells: pl.DataFrame
    """place, port, country, asn, sensor, group (codes), packets, hosts; of all hours"""
    names: Mapping[str, list[Any]]
    """of each dimension: what a code means"""
    recent: dict[str, Any]
    """the cells of the recent hours: place (from the first of them), the codes, packets, hosts (lowered as changes are told)"""
    first: int
    """the place of the first recent hour"""
    families: list[Family]
    kinds: float = 1.0
    """of how many kinds (families, measures, few or many counts) the days before were looked at"""

    @cached_property
    def hours(self) -> int:
        """How many recent hours there are."""
        return int(len(self.clock.exposure) - self.first)

    @cached_property
    def begin(self) -> int:
        """Where today begins among the recent hours."""
        return int(self.clock.today.start - self.first)


def ground(view: View) -> Ground | None:
    """The view made ready. None where there is too little to say what is usual, or nothing to look at."""
    clock = _clock(view)
    if clock.before < 24 * view.threshold("detect_days") or view.cells.is_empty() or clock.today.start >= len(clock.exposure):
        return None
    cells, names = _coded(view)
    first = max(0, clock.today.start - BACK)
    late = cells.filter(pl.col("place") >= first)
    recent: dict[str, Any] = {name: late[name].to_numpy() for name in ("place", *DIMENSIONS, "group")}
    recent["place"] = recent["place"] - first
    for measure in MEASURES:
        recent[measure] = late[measure].to_numpy().astype(np.float64)
    made = Ground(view, clock, cells, names, recent, first, [])
    families = [_family(made, by) for by in FAMILIES if _worth(by, names)]
    made.families = [one for one in families if one.keys]
    made.kinds = max(1.0, 2.0 * len(made.families))
    for one in made.families:
        for measure in MEASURES:
            one.best[measure] = _scores(made, one, measure, np.arange(len(one.keys)))
    return made


def _clock(view: View) -> Clock:
    first = view.local[0].date() if view.local else view.day
    days = np.array([(hour.date() - first).days for hour in view.local], dtype=np.int64)
    bins = np.array([hour.hour + 24 * (hour.weekday() >= 5) for hour in view.local], dtype=np.int64)
    return Clock(days, bins, view.exposure, view.today)


def _worth(by: tuple[str, ...], names: Mapping[str, list[Any]]) -> bool:
    return "sensor" not in by or len(names["sensor"]) > 1


def _coded(view: View) -> tuple[pl.DataFrame, dict[str, list[Any]]]:
    """The cells with places in the place of times, and numbers in the place of names. Announced scanners are left out."""
    micros = pl.lit(view.start).dt.epoch("us")
    place = (pl.col("time").to_physical() - micros) // 3_600_000_000
    kept = view.cells.filter(~pl.col("scanner").fill_null(False))
    cells = kept.select(
        place.alias("place"),
        (pl.col("protocol").cast(pl.Int64) * 70_000 + pl.col("dst_port").fill_null(-1) + 1).alias("port"),
        pl.col("country").fill_null(""),
        pl.col("asn").fill_null(0),
        pl.col("sensor").fill_null(""),
        "packets",
        "hosts",
    ).filter(pl.col("place").is_between(0, len(view.hours) - 1))
    names: dict[str, list[Any]] = {}
    for name in DIMENSIONS:
        values = cells[name].unique().sort()
        names[name] = values.to_list()
        codes = pl.DataFrame({name: values, "_code": np.arange(len(values), dtype=np.int64)})
        cells = cells.join(codes, on=name, how="left", maintain_order="left").drop(name).rename({"_code": name})
    names["group"], of = _groups([port_of(code) for code in names["port"]])
    return cells.with_columns(pl.Series("group", of, dtype=pl.Int64)[cells["port"]].alias("group")), names


def port_of(code: int) -> tuple[int, int | None]:
    """The port that a code of the cells stands for."""
    protocol, port = divmod(code, 70_000)
    return protocol, port - 1 if port else None


def _groups(ports: list[tuple[int, int | None]]) -> tuple[list[str], list[int]]:
    """The service groups of which there are several ports, and of each port the place of its group (-1: none)."""
    from teiten.data import ports as table

    rows = [table.find(port, protocol) for protocol, port in ports]
    groups = [row.group or "" if row else "" for row in rows]
    several = sorted({name for name in groups if name and groups.count(name) > 1})
    where = {name: at for at, name in enumerate(several)}
    return several, [where.get(name, -1) for name in groups]


def _family(made: Ground, by: tuple[str, ...]) -> Family:
    least = min(made.view.threshold("detect_packets"), made.view.threshold("detect_hosts"))
    cells = made.cells.filter(pl.col("group") >= 0) if "group" in by else made.cells
    today = cells.filter(pl.col("place") >= made.clock.today.start)
    totals = today.group_by(*by).agg(pl.col("packets").sum()) if by else today.select(pl.col("packets").sum())
    chosen = totals.filter(pl.col("packets") >= least).drop("packets").sort(*by) if by else totals.drop("packets")
    keys: list[tuple[int, ...]] = chosen.rows() if by else [()]
    rows = chosen.with_columns(pl.Series("_row", np.arange(len(keys), dtype=np.int64)))
    late = pl.DataFrame({name: made.recent[name] for name in by}) if by else pl.DataFrame()
    of = (
        late.join(rows, on=list(by), how="left", maintain_order="left")["_row"].fill_null(-1).to_numpy()
        if by
        else np.zeros(len(made.recent["place"]), dtype=np.int64)
    )
    joined = cells.join(rows, on=list(by)) if by else cells.with_columns(pl.lit(0).alias("_row"))
    summed = joined.group_by("_row", "place").agg(pl.col("packets", "hosts").sum())
    at = summed["_row"].to_numpy(), summed["place"].to_numpy()
    rare = _rare(made, cells, by)
    counts: dict[Measure, Floats] = {}
    bases: dict[Measure, Baseline] = {}
    chances: dict[Measure, tuple[chance.Maxima, chance.Maxima]] = {}
    dense: dict[Measure, npt.NDArray[np.bool_]] = {}
    for measure in MEASURES:
        full = np.zeros((len(keys), len(made.clock.exposure)))
        full[at] = summed[measure].to_numpy()
        back = made.clock.today.start - made.first
        bases[measure] = base = baseline.expect(full, made.clock, _PRIOR[measure], back=back)
        counts[measure] = full[:, made.first :]
        dense[measure] = many = base.level >= _DENSE
        chances[measure] = (
            chance.fit(rare[measure]),
            chance.fit(_most(made, measure, base.past[0][many], base.past[1][many], base.phi[many], base.unsure[many])),
        )
    return Family(by, keys, of, counts, bases, chances, dense)


def _rare(made: Ground, cells: pl.DataFrame, by: tuple[str, ...]) -> dict[Measure, Floats]:
    """Of each whole day before, how unlikely the least likely count was of all series that have few."""
    today, days = made.clock.today.start, made.clock.today.start // 24
    if not by or not days:
        return {measure: np.zeros(0) for measure in MEASURES}
    past = cells.filter(pl.col("place").is_between(today - 24 * days, today - 1))
    past = past.with_columns(((pl.col("place") - today) // 24 + days).alias("_day"))
    daily = past.group_by(*by, "_day").agg(pl.col("packets", "hosts").sum())
    every = pl.col("packets", "hosts").sum().over(*by).name.prefix("all_")
    low = min(made.view.threshold(f"detect_{measure}") for measure in MEASURES)
    daily = daily.with_columns(every).filter(pl.col("packets") >= low, pl.col("all_packets") < 2 * _DENSE * 24 * days + low * 3)
    daily = daily.with_row_index("_at")
    hourly = (
        past.join(daily.select(*by, "_day", "_at"), on=[*by, "_day"])
        .group_by("_at", "place")
        .agg(pl.col("packets", "hosts").sum())
    )
    at = (
        hourly["_at"].to_numpy(),
        hourly["place"].to_numpy() % 24 if not today % 24 else (hourly["place"].to_numpy() - today) % 24,
    )
    out: dict[Measure, Floats] = {}
    hours = max(24.0, made.clock.before)
    for measure in MEASURES:
        x = np.zeros((daily.height, 24))
        x[at] = hourly[measure].to_numpy()
        own = daily[measure].to_numpy().astype(np.float64)
        rest = np.maximum(daily[f"all_{measure}"].to_numpy() - own, 0.0) + 0.5
        mu = np.repeat((rest / max(hours - 24.0, 24.0))[:, None], 24, axis=1)
        phi = np.full((len(own), len(WIDTHS)), _PRIOR[measure])
        unsure = _PRIOR[measure] / np.maximum(rest, 0.5)
        best = _most(made, measure, x, mu, phi, unsure)[:, 0] if len(own) else np.zeros(0)
        most = np.zeros(days)
        np.maximum.at(most, daily["_day"].to_numpy(), best)
        out[measure] = most
    return out


def _most(made: Ground, measure: Measure, x: Floats, mu: Floats, phi: Floats, unsure: Floats) -> Floats:
    """By series and whole day the least likely of windows beside each other; of dense series, the least likely of all."""
    least, times = made.view.threshold(f"detect_{measure}"), made.view.threshold("detect_times")
    days = x.shape[1] // 24
    out = np.zeros((len(x), days))
    for at, width in enumerate(WIDTHS):
        count = x.reshape(len(x), days, 24 // width, width).sum(axis=3)
        usual = mu.reshape(len(x), days, 24 // width, width).sum(axis=3)
        row, day, block = np.nonzero((count >= times * usual) & (count - usual >= least) & (usual > 0))
        if row.size:
            found = baseline.tail(count[row, day, block], usual[row, day, block], phi[row, at], unsure[row])
            np.maximum.at(out, (row, day), found)
    return out


def _scores(made: Ground, family: Family, measure: Measure, rows: Ints) -> Floats:
    """For each of these series its best window: how unlikely, score, first, after, count, usual, place of the width."""
    base, begin = family.bases[measure], made.begin
    x, mu = family.counts[measure][rows][:, begin:], base.mu[rows][:, begin:]
    x = np.where(mu > 0, x, 0.0)
    sum_x = np.concatenate([np.zeros((len(rows), 1)), np.cumsum(x, axis=1)], axis=1)
    sum_mu = np.concatenate([np.zeros((len(rows), 1)), np.cumsum(mu, axis=1)], axis=1)
    least, times = made.view.threshold(f"detect_{measure}"), made.view.threshold("detect_times")
    out = np.zeros((len(rows), 7))
    for at, width in enumerate(WIDTHS):
        if width > x.shape[1]:
            break
        count, usual = sum_x[:, width:] - sum_x[:, :-width], sum_mu[:, width:] - sum_mu[:, :-width]
        row, end = np.nonzero((count >= times * usual) & (count - usual >= least) & (usual > 0))
        if not row.size:
            continue
        c, u = count[row, end], usual[row, end]
        found = baseline.tail(c, u, base.phi[rows[row], at], base.unsure[rows[row]])
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
    found = baseline.tail(*(np.array([n]) for n in (count, max(usual, 1e-9), phi, unsure)))
    score = float(_score(made, family, measure, np.array([row]), found)[0])
    return Window(family, row, measure, window.first, window.after, count, usual, float(found[0]), score, phi, unsure)


def lower(made: Ground, cells: Ints, by: Mapping[Measure, Floats]) -> None:
    """Takes counts out: of these recent cells the share `by` (0 to 1), in every series that they are part of."""
    if not cells.size:
        return
    places = made.recent["place"][cells]
    gone = {measure: made.recent[measure][cells] * by[measure] for measure in MEASURES}
    for measure in MEASURES:
        made.recent[measure][cells] -= gone[measure]
    for family in made.families:
        rows = family.rows[cells]
        some = rows >= 0
        if not some.any():
            continue
        changed = np.unique(rows[some])
        for measure in MEASURES:
            np.subtract.at(family.counts[measure], (rows[some], places[some]), gone[measure][some])
            family.best[measure][changed] = _scores(made, family, measure, changed)
