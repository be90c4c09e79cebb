"""What members say together: rates an address and day by a mean from which the highest and lowest are cut; none counts twice.

Of n members that watched, the ceil(n/4) highest and as many of the lowest rates of a thing are left out, and the mean of the
rest is the figure (the trimmed mean of Tukey, "The Future of Data Analysis", 1962; of three or four members it is the
median). As long as no more members than that lie (its breakdown point: 25 %), it stays within what the honest ones tell,
however they lie. Each member has one voice, whatever its size. A member that did not watch has none; what it withheld, or
was not hit by, counts as 0.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from teiten.federation import sketch, telling
from teiten.federation.form import Contribution
from teiten.federation.sketch import Sketch
from teiten.federation.store import Store

Floats = npt.NDArray[np.float64]
CUT: Final = 4
"""one in so many members is cut at either end, rounded up"""
HOURS: Final = 25
"""of a day: one that is set back has 25"""


def cut(n: int) -> int:
    """How many of n rates are left out at either end: as many members may lie. 0 of one or two: nobody can tell who is
    right."""
    return min(math.ceil(n / CUT), (n - 1) // 2) if n > 2 else 0


def robust(rates: Floats) -> Floats:
    """Things x members (of which all watched) -> the trimmed mean of each thing. NaN where there is no member."""
    n = rates.shape[-1]
    if not n:
        return np.full(rates.shape[:-1], np.nan)
    g = cut(n)
    out: Floats = np.sort(rates, axis=-1)[..., g : n - g].mean(axis=-1)
    return out


@dataclass(frozen=True, slots=True)
class Table:
    """Things x members. packets, hosts: as told, over the days; rates: an address and day, NaN for who did not watch; rate:
    what the members say together; places: rank of each by it, from 1, 0 where it is none."""

    keys: list[str]
    packets: Floats
    hosts: Floats
    rates: Floats
    rate: Floats
    places: npt.NDArray[np.int64]

    def at(self, key: str) -> int | None:
        return self.keys.index(key) if key in self.keys else None

    @property
    def ranked(self) -> list[int]:
        """Rows in order of their rank."""
        order = np.argsort(self.places, kind="stable")
        return [int(n) for n in order if self.places[n]]


class Merged:
    """The members' words on a span of days."""

    def __init__(self, store: Store, first: dt.date, last: dt.date) -> None:
        self.store = store
        self.days = [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
        self.members = sorted(one.name for one in store.members.members)
        self.used, self._rows = _winners(store, self.members, first, last)
        shape = (len(self.members), len(self.days), HOURS)
        self.seconds, self.addresses = np.zeros(shape), np.zeros(shape)
        watching = self._rows.filter(pl.col("what") == "watching")
        at = tuple(watching[name].to_numpy() for name in ("member", "at")), watching["key"].cast(pl.Int64).to_numpy()
        self.seconds[(*at[0], at[1])] = watching["packets"].to_numpy()
        self.addresses[(*at[0], at[1])] = watching["hosts"].to_numpy()
        self.address_days_by: Floats = (self.seconds * self.addresses).sum(axis=2) / 86_400
        """members x days: addresses times days that were watched"""
        self.address_days: Floats = self.address_days_by.sum(axis=1)
        self.there = np.flatnonzero(self.address_days > 0)
        """members that watched"""
        self._tables: dict[str, Table] = {}
        self._heads = {store.name(one): one for one in sorted(self.used, key=lambda one: one.head.sequence)}

    @property
    def watched(self) -> list[str]:
        return [self.members[m] for m in self.there]

    def head(self, member: str) -> Contribution | None:
        """The newest contribution of a member that has a say in the span."""
        return self._heads.get(member)

    def rows(self, what: str) -> pl.DataFrame:
        """member, at (place of the day), key, packets, hosts."""
        return self._rows.filter(pl.col("what") == what).drop("what")

    def rows_of(self, *whats: str) -> pl.DataFrame:
        """The same of several, with `what` first."""
        return self._rows.filter(pl.col("what").is_in(whats)).select("what", "member", "at", "key", "packets", "hosts")

    def table(self, what: str) -> Table:
        """What is told of each port, country ... of the span ('all' has one row, '')."""
        if what not in self._tables:
            self._tables[what] = self._table(what)
        return self._tables[what]

    def _table(self, what: str) -> Table:
        summed = self.rows(what).group_by("key", "member").agg(pl.col("packets", "hosts").sum())
        keys = sorted(summed["key"].unique())
        place = {key: n for n, key in enumerate(keys)}
        packets, hosts = np.zeros((len(keys), len(self.members))), np.zeros((len(keys), len(self.members)))
        for key, member, many, some in summed.select("key", "member", "packets", "hosts").iter_rows():
            packets[place[key], member], hosts[place[key], member] = many, some
        rates = self.per_address(packets)
        rate = robust(rates[:, self.there]) if len(self.there) else np.zeros(len(keys))
        return Table(keys, packets, hosts, rates, rate, _places(keys, rate, (packets > 0).sum(axis=1)))

    def per_address(self, counts: Floats) -> Floats:
        """Things x members -> the same an address and day; NaN for who did not watch."""
        with np.errstate(divide="ignore", invalid="ignore"):
            out: Floats = np.where(self.address_days > 0, counts / self.address_days, np.nan)
        return out

    def course(self, what: str, key: str) -> list[float | None]:
        """A thing's rate by day; None where nobody watched."""
        counts = self._by_day(what, key)
        out: list[float | None] = []
        for n in range(len(self.days)):
            there = self.address_days_by[:, n] > 0
            out.append(float(robust((counts[there, n] / self.address_days_by[there, n])[None, :])[0]) if there.any() else None)
        return out

    def _by_day(self, what: str, key: str, value: str = "packets") -> Floats:
        """Members x days."""
        out = np.zeros((len(self.members), len(self.days)))
        own = self.rows(what).filter(pl.col("key") == key)
        out[own["member"].to_numpy(), own["at"].to_numpy()] = own[value].to_numpy()
        return out

    def hourly(self) -> Floats:
        """Members x days x hours: packets an address and hour; NaN where nothing was told, or less than half an hour
        watched."""
        out = np.full(self.seconds.shape, np.nan)
        own = self.rows("hour")
        at = own["member"].to_numpy(), own["at"].to_numpy(), own["key"].cast(pl.Int64).to_numpy()
        out[at] = own["packets"].to_numpy()
        watched = self.seconds * self.addresses / 3600
        out[self.seconds < 1800] = np.nan
        return np.where(watched > 0, out / np.maximum(watched, 1e-9), np.nan)

    def clock(self) -> list[float | None]:
        """The hours of a day, 24: each member's mean over its days, then what the members say together."""
        by_hour = self.hourly()[:, :, :24]
        out: list[float | None] = []
        for hour in range(24):
            told = [row[~np.isnan(row)].mean() for row in by_hour[:, :, hour] if (~np.isnan(row)).any()]
            out.append(float(robust(np.array([told]))[0]) if told else None)
        return out

    # hosts ---------------------------------------------------------------------------------------------------------

    def hosts_by_day(self, without: Sequence[str] = ()) -> list[tuple[int, int, int] | None]:
        """By day: hosts of all members together lie from the most that one has to the sum of all; of how many members. None
        where none tells. without: members whose hosts are not believed."""
        told = self._by_day("all", "", "hosts")
        keep = np.array([name not in without for name in self.members])
        out: list[tuple[int, int, int] | None] = []
        for n in range(len(self.days)):
            own = told[keep & (told[:, n] > 0), n]
            out.append((int(own.max()), int(own.sum()), len(own)) if len(own) else None)
        return out

    def united(self, without: Sequence[str] = ()) -> tuple[Sketch, list[str]] | None:
        """The hosts of the span as one sketch, of the members that gave sketches of one key (of the key that most have)."""
        keyed = {self.store.name(one): str(one.head.rules["hosts_key"]) for one in self.used}
        own = self.rows("sketch").filter(~pl.col("member").is_in([m for m, name in enumerate(self.members) if name in without]))
        names = [self.members[m] for m in own["member"].unique().sort()]
        if not names:
            return None
        counts: dict[str, int] = {}
        for name in names:
            counts[keyed[name]] = counts.get(keyed[name], 0) + 1
        most = max(sorted(counts), key=lambda key: counts[key])
        chosen = [name for name in names if keyed[name] == most]
        texts = own.filter(pl.col("member").is_in([self.members.index(name) for name in chosen]))["key"]
        return sketch.union(sketch.read(text) for text in texts), chosen

    # what the true sums may be ---------------------------------------------------------------------------------------

    def sums(self, what: str) -> dict[str, tuple[int, int]]:
        """Of each key, between which sums the packets lie that a lake with everything would count: rounding, and what may have
        been withheld. Only where no member adds noise, or settles its sensors (ValueError)."""
        rules = {self.store.name(one): one.head.rules for one in self.used}
        if any(own["epsilon"] or own["least_sensors"] > 1 for own in rules.values()):
            raise ValueError("noise has no bounds")
        digits = {m: int(rules[name]["digits"]) for m, name in enumerate(self.members) if name in rules}
        every = {(m, d): telling.bounds(p, digits[m])[1] for m, d, _, p, _ in self.rows("all").iter_rows()}
        own = [(m, d, key, *telling.bounds(p, digits[m])) for m, d, key, p, _ in self.rows(what).iter_rows()]
        rest = dict(every)
        for m, d, _, low, _ in own:
            rest[m, d] = max(0, rest.get((m, d), 0) - low)
        for (m, d), left in rest.items():
            name = self.members[m]
            if rules[name]["least_hosts"] <= 1:
                rest[m, d] = min(left, max(0, rules[name]["least_packets"] - 1))
        whole = sum(rest.values())
        out: dict[str, tuple[int, int]] = {}
        for m, d, key, low, high in own:
            before = out.get(key, (0, whole))
            out[key] = before[0] + low, before[1] + high - rest[m, d]
        return out


def _places(keys: Sequence[str], rate: Floats, told: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Ranks by rate; of equals that which more members tell comes first. What nothing is known of ('', '/') has none."""
    places = np.zeros(len(keys), dtype=np.int64)
    order = sorted(
        (n for n in range(len(keys)) if rate[n] > 0 and keys[n] not in ("", "/")), key=lambda n: (-rate[n], -told[n], keys[n])
    )
    places[order] = np.arange(1, len(order) + 1)
    return places


def _winners(store: Store, members: Sequence[str], first: dt.date, last: dt.date) -> tuple[list[Contribution], pl.DataFrame]:
    """The contributions that have a say in the span, and their rows there: of a member's day, those of its newest one."""
    newest: dict[tuple[str, dt.date], Contribution] = {}
    for one in sorted(store.contributions, key=lambda c: c.head.sequence):
        for day in one.head.days:
            if first <= day <= last:
                newest[store.name(one), day] = one
    chosen: dict[str, tuple[Contribution, list[dt.date]]] = {}
    for (_, day), one in newest.items():
        chosen.setdefault(one.digest, (one, []))[1].append(day)
    schema: dict[str, Any] = {
        "member": pl.Int64(), "at": pl.Int64(), "what": pl.String(), "key": pl.String(), "packets": pl.Int64(),
        "hosts": pl.Int64(),
    }  # fmt: skip
    frames = [pl.DataFrame(schema=schema)]
    for digest in sorted(chosen):
        one, days = chosen[digest]
        own = one.rows if len(days) == len(one.head.days) else one.rows.filter(pl.col("day").is_in(days))
        place = members.index(store.name(one))
        frames.append(
            own.select(
                pl.lit(place, pl.Int64).alias("member"),
                (pl.col("day") - first).dt.total_days().cast(pl.Int64).alias("at"),
                "what",
                "key",
                "packets",
                "hosts",
            )
        )
    used = [chosen[digest][0] for digest in sorted(chosen)]
    return used, pl.concat(frames).sort("what", "key", "member", "at")
