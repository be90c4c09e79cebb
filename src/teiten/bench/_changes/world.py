"""Usual traffic as cells of 35 days: who tries which port from where, with the nuisances that a detector must live with."""

from __future__ import annotations

import datetime as dt
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from teiten.detect.view import CELLS, WATCHED

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ZONE: Final = "Asia/Tokyo"
DAYS: Final = 35
FIRST: Final = 28
"""the first day (counted from 0) on which something may change: four weeks lie before it"""
HOURS: Final = DAYS * 24


@dataclass(frozen=True, slots=True)
class Scale:
    """A place of observation. `a_day`: packets on a usual day; `series`: port, country, AS together, at most."""

    name: str
    a_day: float
    sensors: int
    addresses: int
    series: int = 8000
    words: str = ""


SCALES: Final = {
    s.name: s
    for s in (
        Scale("home300", 300, 1, 1, words="a home line, 300 packets a day"),
        Scale("home7000", 7_000, 1, 1, words="a home line, 7,000 packets a day"),
        Scale("sensors30", 210_000, 30, 1, words="30 sensors, 210,000 packets a day"),
        Scale("p16", 10_000_000, 1, 65_536, 4000, words="a /16, 10 million packets a day, as counts"),
    )
}

_IOT = "CN26 IN10 BR9 TW8 RU7 KR6 VN6 US6 TR4 ID3 EG3 IR3 TH2 AR2 MX2 IT2 UA2 JP1.6 PK1.4 GR1 NP.7 EE.4 BD.8"
_PCS = "VN15 RU12 ID11 IN10 BR9 CN8 TW6 TH5 VE5 TR4 UA4 MX3 JP2.5 PH3 EG2 NP1 BD2 KR2 US2"
_SERVERS = "CN25 US20 SG8 DE7 KR6 FR5 HK5 IN5 RU5 BR4 VN4 GB3 NL3 JP2 ID3 CA2 IT1.5 RO1 EE.5"
_SURVEYS = "US55 NL12 GB8 RU7 RO4 DE4 BZ3 CN3 SC2 HK2 FR1.5 CA1.5 BG2 JP.5"
_PROFILES: Final = {
    name: {word[:2]: float(word[2:]) for word in text.split()}
    for name, text in (("iot", _IOT), ("pcs", _PCS), ("servers", _SERVERS), ("surveys", _SURVEYS))
}
_OFF_UTC: Final = dict(
    zip(
        [
            "AR",
            "BD",
            "BG",
            "BR",
            "BZ",
            "CA",
            "CN",
            "DE",
            "EE",
            "EG",
            "FR",
            "GB",
            "GR",
            "HK",
            "ID",
            "IN",
            "IR",
            "IT",
            "JP",
            "KR",
            "MX",
            "NL",
            "NP",
            "PH",
            "PK",
            "RO",
            "RU",
            "SC",
            "SG",
            "TH",
            "TR",
            "TW",
            "UA",
            "US",
            "VE",
            "VN",
        ],
        (-3, 6, 2, -3, -6, -5, 8, 1, 2, 2, 1, 0, 2, 8, 7, 5, 3, 1, 9, 9, -6, 1, 5, 8, 5, 2, 3, 4, 8, 7, 3, 8, 2, -6, -4, 7),
        strict=True,
    )
)
PORTS: Final[tuple[tuple[int, int | None, float, str], ...]] = (
    (6, 23, 22, "iot"), (6, 445, 13, "pcs"), (6, 22, 6, "servers"), (6, 1433, 4.5, "servers"), (6, 80, 4, "surveys"),
    (6, 8080, 3.5, "iot"), (6, 3389, 3.2, "servers"), (6, 443, 3, "surveys"), (6, 2323, 2.4, "iot"), (6, 5555, 2, "iot"),
    (17, 5060, 1.8, "surveys"), (6, 81, 1.6, "iot"), (6, 6379, 1.5, "servers"), (6, 8443, 1.3, "surveys"),
    (6, 3306, 1.2, "servers"), (17, 53, 1.1, "surveys"), (1, None, 1.1, "servers"), (6, 25, 1, "surveys"),
    (17, 123, .9, "surveys"), (6, 8291, .9, "iot"), (6, 7547, .8, "iot"), (17, 1900, .8, "surveys"), (6, 5900, .7, "servers"),
    (6, 21, .7, "surveys"), (6, 139, .6, "pcs"), (6, 9200, .55, "servers"), (6, 5432, .5, "servers"), (6, 37215, .5, "iot"),
    (6, 52869, .5, "iot"), (6, 8888, .45, "servers"), (6, 110, .4, "surveys"), (6, 2222, .4, "servers"),
    (6, 8000, .4, "servers"),
    (6, 5500, .35, "iot"), (6, 465, .3, "surveys"), (6, 587, .3, "surveys"), (17, 161, .3, "surveys"), (6, 993, .25, "surveys"),
    (6, 995, .22, "surveys"), (6, 143, .22, "surveys"), (6, 8081, .3, "servers"), (6, 88, .2, "servers"),
    (6, 27017, .25, "servers"), (17, 11211, .2, "surveys"), (6, 5985, .15, "surveys"), (17, 389, .2, "surveys"),
    (6, 2375, .15, "servers"), (6, 9001, .1, "surveys"), (6, 60001, .1, "iot"), (6, 32764, .08, "iot"),
    (6, 4567, .06, "iot"), (6, 1883, .08, "surveys"), (6, 502, .06, "surveys"), (17, 137, .1, "pcs"), (6, 135, .25, "pcs"),
)  # fmt: skip
"""protocol, port, share in %, who tries it: much as public reports of 2019 to 2025 have it"""
_RARE: Final = 0.06
"""of all packets: to ports anywhere, by surveys"""
_LARGEST: Final = 60
"""packets of one visit, at most: what sends more is a change, and no nuisance"""

_sizes = np.arange(1, _LARGEST + 1)
_chances = _sizes**-2.5 / (_sizes**-2.5).sum()
MEAN: Final = float((_sizes * _chances).sum())
"""packets of a visit: a tail like k^-2.5, some 1.8 on average"""
_SQUARE: Final = float((_sizes**2 * _chances).sum())


def generator(*words: object) -> np.random.Generator:
    """A stream of its own for each name, so that one change more alters no other."""
    return np.random.default_rng(zlib.crc32("|".join(map(str, words)).encode()))


def sizes(rng: np.random.Generator, visits: int) -> Ints:
    """Packets of each visit."""
    return np.searchsorted(np.cumsum(_chances), rng.random(visits)).clip(max=_LARGEST - 1) + 1


def packets_of(rng: np.random.Generator, visits: Ints) -> Ints:
    """Packets of so many visits together, of the same mean and variance; for counts too many to draw one by one."""
    some = np.maximum(visits, 1)
    variance = _SQUARE - MEAN**2
    drawn = rng.gamma(some * MEAN**2 / variance, variance / MEAN)
    return np.where(visits > 0, np.maximum(visits, np.rint(drawn)), 0).astype(np.int64)


@dataclass(frozen=True)
class World:
    """A place and its usual five weeks, by seed. Places of hours count from `start`."""

    scale: Scale
    seed: int

    @cached_property
    def first_day(self) -> dt.date:
        return dt.date(2026, 3, 2) + dt.timedelta(days=self.seed % 7)

    @cached_property
    def start(self) -> dt.datetime:
        return dt.datetime.combine(self.first_day, dt.time(), dt.UTC) - dt.timedelta(hours=9)

    def day(self, number: int) -> dt.date:
        return self.first_day + dt.timedelta(days=number)

    def time(self, hour: float) -> dt.datetime:
        return self.start + dt.timedelta(hours=hour)

    @cached_property
    def countries(self) -> list[str]:
        return sorted({c for profile in _PROFILES.values() for c in profile})

    @cached_property
    def shares(self) -> Floats:
        """(ports, countries) of all visits but the rare ones: this place's own mixture, 1 in all."""
        rng = generator("shares", self.scale.name, self.seed)
        out = np.zeros((len(PORTS), len(self.countries)))
        for row, (_, _, share, profile) in enumerate(PORTS):
            weights = np.array([_PROFILES[profile].get(c, 0.02) for c in self.countries])
            # who tries what differs from place to place: some countries hardly know a port
            weights = weights * rng.lognormal(0, 0.8, len(weights))
            out[row] = share * rng.lognormal(0, 0.25) * weights / weights.sum()
        whole: Floats = out / out.sum()
        return whole

    @cached_property
    def visits_an_hour(self) -> float:
        return self.scale.a_day / MEAN / 24

    @cached_property
    def rhythm(self) -> Floats:
        """(countries, hours): day and night, weekday and weekend by the country's own clock; 1 on average."""
        rng = generator("rhythm", self.scale.name, self.seed)
        hour = np.arange(HOURS)
        out = np.zeros((len(self.countries), HOURS))
        for row, country in enumerate(self.countries):
            local = hour - 9 + _OFF_UTC.get(country, 0)
            weekday = (self.first_day.weekday() + local // 24) % 7
            out[row] = 1 + rng.uniform(0.05, 0.4) * np.cos((local - 15) % 24 * np.pi / 12)
            out[row] *= np.where(weekday >= 5, 1 - rng.uniform(0, 0.15), 1)
        even: Floats = out / out.mean(axis=1, keepdims=True)
        return even

    def _wander(self, rows: int, daily: float, hourly: float, rng: np.random.Generator) -> Floats:
        """(rows, hours) factors that drift slowly and tremble from hour to hour; about 1."""
        days = np.zeros((rows, DAYS + 1))
        for n in range(1, DAYS + 1):
            days[:, n] = 0.9 * days[:, n - 1] + rng.normal(0, daily * np.sqrt(1 - 0.81), rows)
        at = np.arange(HOURS) / 24
        slow = np.array([np.interp(at, np.arange(DAYS + 1), row) for row in days])
        quick = np.zeros((rows, HOURS))
        noise = rng.normal(0, hourly * np.sqrt(1 - 0.49), (rows, HOURS))
        for n in range(1, HOURS):
            quick[:, n] = 0.7 * quick[:, n - 1] + noise[:, n]
        return np.exp(slow + quick)

    @cached_property
    def watching(self) -> npt.NDArray[np.float64]:
        """(sensors, hours): the share of the hour that was watched. Sensors come and go, with gaps; the last week has none
        that is due to the observer, but one sensor of thirty that has left and one that is new."""
        rng = generator("watching", self.scale.name, self.seed)
        count = self.scale.sensors
        out = np.ones((count, HOURS))
        for sensor in range(count):
            for _ in range(rng.poisson(1.0 if count == 1 else 0.3)):
                begin = int(rng.integers(0, 27 * 24))
                out[sensor, begin : min(27 * 24, begin + int(rng.integers(2, 30)))] = 0.0
        if count > 5:
            joined, left = rng.choice(count, 2, replace=False)
            out[joined, : int(rng.integers(8, 20)) * 24] = 0.0
            out[left, int(rng.integers(20, 30)) * 24 :] = 0.0
        return out

    def sensor(self, number: int) -> str:
        return f"s{number + 1:02d}" if self.scale.sensors > 1 else "home" if self.scale.addresses == 1 else "scope"

    @cached_property
    def watched(self) -> pl.DataFrame:
        """As `detect.view.WATCHED`."""
        sensor, hour = np.nonzero(self.watching)
        return pl.DataFrame(
            {
                "time": self.times(hour),
                "sensor": np.array([self.sensor(n) for n in range(self.scale.sensors)])[sensor],
                "share": self.watching[sensor, hour],
                "addresses": np.full(len(hour), self.scale.addresses),
            },
            schema=WATCHED,
        )

    def times(self, hour: Ints) -> pl.Series:
        micros = int(self.start.timestamp()) * 1_000_000 + hour.astype(np.int64) * 3_600_000_000
        return pl.Series("time", micros).cast(pl.Datetime("us", "UTC"))

    def systems(self, country: str) -> Ints:
        """The AS numbers of a country's sources, the largest first (documentation's range)."""
        rng = generator("as", country)
        return 64496 + rng.choice(1000, 4, replace=False).astype(np.int64)

    @cached_property
    def series(self) -> tuple[Ints, Ints, Ints, Floats]:
        """Rows of (port, country, AS number, share of visits), the largest `scale.series` of them, 1 in all but the rare."""
        port, country = (a.ravel() for a in np.indices(self.shares.shape))
        weights = np.array([0.6, 0.25, 0.1, 0.05])
        share = (self.shares.ravel()[:, None] * weights).ravel()
        asn = np.array([self.systems(c) for c in self.countries])[country].ravel()
        order = np.argsort(-share)[: self.scale.series]
        share = share[order] / share[order].sum() * (1 - _RARE)
        return np.repeat(port, 4)[order], np.repeat(country, 4)[order], asn[order], share

    @cached_property
    def ports_tremble(self) -> Floats:
        return self._wander(len(PORTS), 0.1, 0.05, generator("ports", self.scale.name, self.seed))

    def expected(self, port: int | None = None, country: str | None = None) -> Floats:
        """(hours) packets that are usual: of a port (its row in PORTS), of a country, of both, of all."""
        rows, places, _, share = self.series
        some = np.ones(len(share), bool)
        if port is not None:
            some &= rows == port
        if country is not None:
            some &= places == self.countries.index(country)
        by_country = np.bincount(places[some], share[some], len(self.countries))
        liked = self.watching.sum(axis=0) / self.scale.sensors
        return np.asarray(by_country @ self.rhythm * self.visits_an_hour * MEAN * liked)

    @cached_property
    def cells(self) -> pl.DataFrame:
        """As `detect.view.CELLS`: the usual traffic."""
        from teiten.bench._changes import nuisance

        rng = generator("cells", self.scale.name, self.seed)
        rows, places, asn, share = self.series
        countries = self._wander(len(self.countries), 0.05, 0.04, generator("lands", self.scale.name, self.seed))
        by_country = self.rhythm * countries
        parts = []
        own = rng.uniform(4, 40, len(share))  # how even each series is: small is uneven
        for begin in range(0, len(share), 1000):
            piece = slice(begin, begin + 1000)
            rate = share[piece, None] * self.visits_an_hour * by_country[places[piece]] * self.ports_tremble[rows[piece]]
            rate *= rng.gamma(own[piece, None], 1 / own[piece, None], rate.shape)
            if self.scale.sensors == 1:
                rate *= self.watching[0]
            visits = rng.poisson(rate)
            at, hour = np.nonzero(visits)
            parts.append((at + begin, hour, visits[at, hour]))
        at, hour, visits = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        frame = self.rows(rng, hour, rows[at], places[at], asn[at], visits)
        return summed([frame, *nuisance.frames(self)])

    def rows(
        self, rng: np.random.Generator, hour: Ints, port: Ints, country: Ints, asn: Ints, visits: Ints, scanner: bool = False
    ) -> pl.DataFrame:
        """Visits as cells (not yet summed): those to sensors that were not watching are gone."""
        protocols = np.array([p[0] for p in PORTS])
        numbers = np.array([-1 if p[1] is None else p[1] for p in PORTS])
        return self.frame(
            rng, hour, protocols[port], numbers[port], np.array(self.countries)[country], asn, visits, scanner=scanner
        )

    def frame(
        self,
        rng: np.random.Generator,
        hour: Ints,
        protocol: Ints,
        number: Ints,
        country: npt.NDArray[np.str_],
        asn: Ints,
        visits: Ints,
        *,
        packets: Ints | None = None,
        sensors: Ints | None = None,
        scanner: bool = False,
    ) -> pl.DataFrame:
        """The same of any port (-1: the protocol has none). `packets` and `sensors`: of each row, else drawn."""
        each = np.arange(len(hour))
        hosts = visits
        if packets is None and self.scale.a_day <= 1_000_000:
            each = np.repeat(each, visits)
            packets, hosts = sizes(rng, len(each)), np.ones(len(each), np.int64)
        elif packets is None:
            packets = packets_of(rng, visits)
        sensor = np.zeros(len(each), np.int64)
        if sensors is not None:
            sensor = sensors[each]
        elif self.scale.sensors > 1:
            liked = np.cumsum(generator("liked", self.seed).uniform(0.6, 1.0, self.scale.sensors))
            sensor = np.searchsorted(liked / liked[-1], rng.random(len(each))).clip(max=self.scale.sensors - 1)
        awake = self.watching[sensor, hour[each]] > 0
        each, sensor = each[awake], sensor[awake]
        names = pl.Series([self.sensor(n) for n in range(self.scale.sensors)])
        return pl.DataFrame(
            {
                "time": self.times(hour[each]),
                "sensor": names.gather(sensor),
                "protocol": protocol[each].astype(np.int16),
                "dst_port": number[each].astype(np.int32),
                "country": pl.Series(country, dtype=pl.String).gather(each),
                "asn": asn[each],
                "scanner": np.full(len(each), scanner),
                "packets": packets[awake],
                "hosts": hosts[awake],
            }
        ).with_columns(pl.col("dst_port").replace(-1, None))


def summed(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """Cells put together: one row for each hour, sensor, port, country and AS."""
    keys = [name for name in CELLS if name not in ("packets", "hosts")]
    whole = pl.concat([frame.cast(pl.Schema(CELLS)) for frame in frames])
    return whole.group_by(keys).agg(pl.col("packets", "hosts").sum()).select(list(CELLS))
