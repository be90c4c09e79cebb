"""What all ports and all countries of a line do at once: counts of units, what is expected of them, and their common factor.

A unit is a port (or a country) that is frequent enough to stand alone, or a group of rare ones. Two divisions of the same
packets, by port and by country, keep apart what the world does: a botnet that dies leaves most ports as they are, a country
that is cut off leaves most countries; a line that fails leaves neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from teiten.detect.view import Floats, View

ALONE: Final = 24
"""ports, and countries, with most packets that are units of their own"""
GROUPS: Final = 8
"""groups of the others"""
MOST: Final = 0.12
"""share of the weight that one unit has at most: no port and no country speaks for all"""
_CLIP: Final = 3.0
"""what an hour has more than so many times the expected says nothing of the usual"""
_FEW: Final = 20.0
"""packets of a unit below which its day is shaped like that of all"""
_FOLLOW: Final = 0.85
"""weight of a day in the recent level beside that of the day after it: some six days are followed"""
_AT_ONCE: Final = 32
"""sensors looked at together"""
_ODD: Final = 0.02
"""share of odd ones where all was put in twice"""
_PULL: Final = 10.0
"""packets as which the level of all days counts in the recent one"""

Ints = npt.NDArray[np.int64]


def capped(expected: Floats) -> Floats:
    """Weights of units (on the first axis) by what is expected of them, none with more than about `MOST` of the sum."""
    out = expected
    for _ in range(3):
        out = np.minimum(out, MOST * out.sum(axis=0, keepdims=True))
    return out


@dataclass(frozen=True)
class Rows:
    """A view's rows as numbers in the place of names, since there may be millions."""

    sensors: int
    hours: int
    sensor: Ints
    place: Ints
    packets: Ints
    keys: dict[str, Ints]
    """port and country of each row, as numbers"""
    rare: Floats
    """packets that no row tells (`View.tails`), sensor x hour"""

    def whole(self) -> Floats:
        """Packets, sensor x hour."""
        summed = np.bincount(self.sensor * self.hours + self.place, weights=self.packets, minlength=self.sensors * self.hours)
        return np.asarray(summed, dtype=np.float64).reshape(self.sensors, self.hours) + self.rare


def rows(view: View, sensors: list[str]) -> Rows:
    """The rows of those sensors."""
    place = ((pl.col("time").to_physical() - int(view.start.timestamp()) * 1_000_000) // 3_600_000_000).alias("_place")
    port = pl.col("protocol").cast(pl.Int64) * 65_537 + pl.col("dst_port").fill_null(65_536)
    country = pl.col("country").fill_null("").cast(pl.Categorical).to_physical().cast(pl.Int64).alias("country")
    sensor = pl.col("sensor").cast(pl.Enum(sensors), strict=False).to_physical().cast(pl.Int64)
    made = view.cells.select(sensor, place, port.alias("port"), country, "packets")
    made = made.filter(pl.col("_place").is_between(0, len(view.hours) - 1) & pl.col("sensor").is_not_null())
    column = {name: made[name].to_numpy() for name in made.columns}
    keys = {name: column[name] for name in ("port", "country")}
    rare = np.zeros((len(sensors), len(view.hours)))
    for tail in view.tails:
        if "sensor" in tail.columns:
            left = (
                tail.select(sensor, place, "packets")
                .drop_nulls("sensor")
                .filter(pl.col("_place").is_between(0, len(view.hours) - 1))
            )
            np.add.at(rare, (left["sensor"].to_numpy(), left["_place"].to_numpy()), left["packets"].to_numpy())
    return Rows(len(sensors), len(view.hours), column["sensor"], column["_place"], column["packets"], keys, rare)


def counted(of: Rows) -> dict[str, Floats]:
    """Division -> packets, sensor x unit x hour; only divisions with units to tell apart."""
    out = {}
    for name, keys in of.keys.items():
        every = np.bincount(keys, weights=of.packets)
        many = int(np.count_nonzero(every))
        if many < 2:
            continue
        unit = np.zeros(len(every), dtype=np.int64)
        unit[np.argsort(-every, kind="stable")[:many]] = [n if n < ALONE else ALONE + n % GROUPS for n in range(many)]
        units = min(many, ALONE + GROUPS)
        flat = (of.sensor * units + unit[keys]) * of.hours + of.place
        summed = np.bincount(flat, weights=of.packets, minlength=of.sensors * units * of.hours)
        out[name] = np.asarray(summed, dtype=np.float64).reshape(of.sensors, units, of.hours)
        if of.rare.any():
            out[name] = np.concatenate([out[name], of.rare[:, None]], axis=1)
    return out


def twice(of: Rows) -> Floats:
    """Evidence of each sensor and hour that all of it was put in twice: log likelihood ratio of so many even counts.

    A country's cells of an hour are one witness, even or not, since one tool may send two of everything. How often they are
    even by themselves is known from all other hours, by how many cells there are.
    """
    countries = int(of.keys["country"].max(initial=0)) + 1
    out = np.zeros((of.sensors, of.hours))
    for begin in range(0, of.sensors, _AT_ONCE):
        many = min(_AT_ONCE, of.sensors - begin)
        on = (of.sensor >= begin) & (of.sensor < begin + many) if of.sensors > _AT_ONCE else slice(None)
        flat = ((of.sensor[on] - begin) * of.hours + of.place[on]) * countries + of.keys["country"][on]
        shape = many * of.hours * countries
        cells = np.bincount(flat, minlength=shape)
        seen = np.flatnonzero(cells)
        odd = np.bincount(flat, weights=of.packets[on] % 2, minlength=shape)[seen] > 0
        size = np.minimum(np.log2(cells[seen]).astype(np.int64), 4)
        share = (np.bincount(size, weights=odd, minlength=5) + 1) / (np.bincount(size, minlength=5) + 2)
        share = np.clip(share, 0.05, 0.95)[size]
        gains = np.where(odd, np.log(_ODD / share), np.log((1 - _ODD) / (1 - share)))
        summed = np.bincount(seen // countries, weights=gains, minlength=many * of.hours)
        out[begin : begin + many] = summed.reshape(many, of.hours)
    return out


def expected(packets: Floats, exposure: Floats) -> Floats:
    """What is expected of each unit and hour: packets and exposure of ... x hour, the latter without the units' axis.

    The level of all days by the hour of the day, and the level of the days before that hour's, both without the part of an
    hour that is far above them. No hour is judged by itself more than by one day in all.
    """
    shape, hours = packets.shape, packets.shape[-1]
    days = -(-hours // 24)
    spare = [(0, 0)] * (packets.ndim - 1) + [(0, days * 24 - hours)]
    x = np.pad(packets, spare).reshape(*shape[:-1], days, 24).astype(np.float64)
    e = np.pad(exposure, spare[1:]).reshape(*exposure.shape[:-1], 1, days, 24)
    x = np.where(e > 0, x, 0.0)
    summed = np.maximum(e.sum(axis=-2), 1e-9)
    usual = (x.sum(axis=-2) / summed)[..., None, :]
    kept = x
    for _ in range(4):
        kept = np.minimum(x, (_CLIP * usual + 2) * e)
        usual = _shaped(kept.sum(axis=-2), summed)[..., None, :]
    usual = usual * e
    return np.asarray(_followed(kept, usual).reshape(*shape[:-1], -1)[..., :hours])


def _shaped(kept: Floats, summed: Floats) -> Floats:
    """Packets of an hour of the day (last axis) at full exposure; of rare units in the shape of all together."""
    every = kept.sum(axis=-2, keepdims=True) / summed
    shape = every / np.maximum(every.mean(axis=-1, keepdims=True), 1e-9)
    prior = shape * kept.sum(axis=-1, keepdims=True) / np.maximum((summed * shape).sum(axis=-1, keepdims=True), 1e-9)
    return np.asarray((kept + _FEW / 24) / (summed + _FEW / 24 / np.maximum(prior, 1e-9)))


def _followed(kept: Floats, usual: Floats) -> Floats:
    """The usual, by the level of the days before; the first days' by that of the first four."""
    seen, due = kept.sum(axis=-1), usual.sum(axis=-1)
    days = seen.shape[-1]
    x, e = seen[..., :4].mean(axis=-1), due[..., :4].mean(axis=-1)
    level = np.ones_like(due)
    for day in range(days):
        level[..., day] = (x + _PULL) / (e + _PULL)
        if day + 1 < days:
            near = np.clip(seen[..., day], due[..., day] / _CLIP, due[..., day] * _CLIP)
            x, e = _FOLLOW * x + near, _FOLLOW * e + due[..., day]
    return np.asarray(usual * level[..., None])


def quantile(ratios: Floats, weights: Floats, share: float) -> Floats:
    """The ratio (of units, first axis) below which that share of the weight lies."""
    order = np.argsort(ratios, axis=0)
    ratios, weights = np.take_along_axis(ratios, order, 0), np.take_along_axis(weights, order, 0)
    reached = np.cumsum(weights, axis=0) >= share * weights.sum(axis=0, keepdims=True) - 1e-12
    return np.asarray(np.take_along_axis(ratios, reached.argmax(axis=0)[None], 0)[0])
