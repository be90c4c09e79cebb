"""The changes that are put in: a function a kind, each answers what is true of it and the cells that it adds or takes.

Size is how many times the usual of what changes comes, while it lasts: of the port, the country or both, as each says.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from teiten.bench._changes.world import FIRST, HOURS, MEAN, PORTS, Floats, World, summed
from teiten.detect import model

Ints = npt.NDArray[np.int64]
SIZES: Final = (1.5, 2.0, 3.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Truth:
    """A change as it was put in. Nothing stated (no port, no country): it is not of one."""

    kind: str
    size: float
    ports: tuple[tuple[int, int | None], ...]
    countries: tuple[str, ...]
    asn: int | None
    sensor: str | None
    start: dt.datetime
    end: dt.datetime
    """the first hour after it, or that at which the suite's weeks end"""
    days: tuple[int, ...]
    """on which it is looked for, in order"""
    right: frozenset[str]
    """the kinds of detection that say what it is; whatever else names it in time has told it as well"""
    usual: float
    """packets that are usual in its (first day's) time, and that came beside them"""
    excess: float
    must: bool = False
    """only the right kinds tell it"""
    systems: frozenset[int] = frozenset()
    """the AS numbers and countries from which it comes, where it comes from everywhere"""
    lands: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Change:
    """A truth, the cells that come beside the usual, and what of the usual stays: (which cells, share by hour)."""

    truth: Truth
    more: pl.DataFrame | None = None
    less: tuple[pl.Expr, Floats] | None = None
    port_rows: tuple[int, ...] = field(default=())


@dataclass
class Draw:
    """What a kind is made from: the world, its own stream, and the ports and countries that other changes of the trial have."""

    world: World
    rng: np.random.Generator
    size: float
    taken: set[object]

    def port(self, hours: int, least: float | None = None, country: str | None = None) -> int:
        """A port (row of PORTS) with a usual count worth the name in so many hours."""
        counts = np.array([self.world.expected(row, country).mean() * hours for row in range(len(PORTS))])
        fine = [row for row in np.argsort(-counts) if row not in self.taken]
        # of those that a person would know: at a home line the largest are small
        enough = [row for row in fine if counts[row] >= (least or self.least())] or fine[:6]
        chosen = int(self.rng.choice(enough))
        self.taken.add(chosen)
        return chosen

    def country(self, row: int | None, hours: int, among: int = 8) -> str:
        """One of the leading countries (of a port), not taken."""
        counts = {c: self.world.expected(row, c).sum() for c in self.world.countries if c not in self.taken}
        leading = sorted(counts, key=lambda c: -counts[c])[:among]
        chosen = str(self.rng.choice(leading))
        self.taken.add(chosen)
        return chosen

    def least(self) -> float:
        return {"home300": 4.0, "home7000": 15.0}.get(self.world.scale.name, 60.0)

    def begin(self, day: int, low: int, high: int) -> int:
        return day * 24 + int(self.rng.integers(low, high))

    def truth(
        self, kind: str, first: int, last: int, usual: float, excess: float, right: Sequence[str], **more: object
    ) -> Truth:
        rows = tuple(more.pop("rows", ()))  # type: ignore[arg-type, var-annotated]
        values: dict[str, object] = {
            "ports": tuple(PORTS[r][:2] for r in rows), "countries": (), "asn": None, "sensor": None, "days": (first // 24,),
            **more,
        }  # fmt: skip
        return Truth(
            kind, self.size, start=self.world.time(first), end=self.world.time(last), right=frozenset(right),
            usual=float(usual), excess=float(excess), **values,  # type: ignore[arg-type]
        )  # fmt: skip

    def visits(
        self,
        packets: Floats,
        hour: Ints,
        port: tuple[int, int | None],
        countries: Sequence[str],
        *,
        system: int | None = None,
        sensor: int | None = None,
        few: int | None = None,
    ) -> pl.DataFrame:
        """Cells of so many packets (expected, of each hour), spread over countries as they come and their AS.

        `few`: sent by so many hosts; else a host a visit, with packets as usual visits have them."""
        share = np.array([0.5 / (n + 1) for n in range(len(countries))])
        weights = (share / share.sum())[:, None] * np.array([0.55, 0.25, 0.12, 0.08] if system is None else [1.0])
        rate = (packets[:, None, None] * weights).reshape(len(packets), -1)
        asn = np.array([self.world.systems(c)[:4] if system is None else [system] for c in countries]).ravel()
        names = np.repeat(np.array(countries), weights.shape[1])
        counts = self.rng.poisson(rate if few else rate / MEAN)
        at, place = np.nonzero(counts)
        visits, sent = counts[at, place], None
        if few:
            sent, visits = visits, np.minimum(visits, few)
        which = None if sensor is None else np.full(len(at), sensor)
        number = -1 if port[1] is None else port[1]
        if few and self.world.scale.sensors > 1 and which is None:
            return self._spread(hour[at], port, names[place], asn[place], visits, sent)  # type: ignore[arg-type]
        return self.world.frame(
            self.rng, hour[at], np.full(len(at), port[0]), np.full(len(at), number), names[place], asn[place], visits,
            packets=sent, sensors=which,
        )  # fmt: skip

    def _spread(
        self, hour: Ints, port: tuple[int, int | None], names: npt.NDArray[np.str_], asn: Ints, hosts: Ints, sent: Ints
    ) -> pl.DataFrame:
        """The packets of few hosts over all sensors."""
        count = self.world.scale.sensors
        each = self.rng.multinomial(sent, np.full(count, 1 / count))
        at, sensor = np.nonzero(each)
        number = -1 if port[1] is None else port[1]
        return self.world.frame(
            self.rng, hour[at], np.full(len(at), port[0]), np.full(len(at), number), names[at], asn[at],
            np.minimum(hosts[at], each[at, sensor]), packets=each[at, sensor], sensors=sensor,
        )  # fmt: skip

    def usual(self, row: int | None, first: int, last: int, country: str | None = None) -> Floats:
        return self.world.expected(row, country)[first:last]


Maker = Callable[[Draw], Change]
_BURST: Final = (model.BURST,)
_RISE: Final = (model.RISING, model.HIGH)
_SOME: Final = ("CN", "US", "BR", "VN", "RU", "IN", "TW", "KR", "TR", "ID", "MX", "TH")


def burst(draw: Draw) -> Change:
    """A port, for some hours, from everywhere."""
    length = int(draw.rng.integers(1, 6))
    row, first = draw.port(length), draw.begin(FIRST, 0, 21 - 5)
    usual = draw.usual(row, first, first + length)
    more = draw.visits((draw.size - 1) * usual, np.arange(first, first + length), PORTS[row][:2], _SOME)
    return Change(draw.truth("burst", first, first + length, usual.sum(), _sum(more), _BURST, rows=(row,)), more)


def burst_country(draw: Draw) -> Change:
    """A port, for some hours, from one country; size: of the port."""
    length = int(draw.rng.integers(1, 6))
    row, first = draw.port(length), draw.begin(FIRST, 0, 16)
    country = draw.country(row, length)
    usual = draw.usual(row, first, first + length)
    more = draw.visits((draw.size - 1) * usual, np.arange(first, first + length), PORTS[row][:2], [country])
    truth = draw.truth(
        "burst_country", first, first + length, usual.sum(), _sum(more), _BURST, rows=(row,), countries=(country,)
    )
    return Change(truth, more)


def burst_few(draw: Draw) -> Change:
    """A port, for some hours, from one to three hosts of one AS; size: of the port."""
    length = int(draw.rng.integers(1, 6))
    row, first = draw.port(length), draw.begin(FIRST, 0, 16)
    country = draw.country(None, length, 20)
    asn = int(draw.world.systems(country)[int(draw.rng.integers(0, 4))])
    usual = draw.usual(row, first, first + length)
    more = draw.visits(
        (draw.size - 1) * usual, np.arange(first, first + length), PORTS[row][:2], [country], system=asn,
        few=int(draw.rng.integers(1, 4)),
    )  # fmt: skip
    truth = draw.truth(
        "burst_few", first, first + length, usual.sum(), _sum(more), _BURST, rows=(row,), countries=(country,), asn=asn
    )
    return Change(truth, more)


def burst_group(draw: Draw) -> Change:
    """Two or three ports at once from one country (the SMTP burst); size: of these ports together."""
    length = int(draw.rng.integers(1, 5))
    rows = tuple(draw.port(length, draw.least() / 3) for _ in range(int(draw.rng.integers(2, 4))))
    first, country = draw.begin(FIRST, 0, 17), draw.country(None, length, 12)
    usual = sum(draw.usual(row, first, first + length) for row in rows)
    each = (draw.size - 1) * np.asarray(usual) / len(rows)
    more = summed([draw.visits(each, np.arange(first, first + length), PORTS[row][:2], [country]) for row in rows])
    truth = draw.truth(
        "burst_group", first, first + length, float(np.sum(usual)), _sum(more), (model.BURST, model.PORT_GROUP), rows=rows,
        countries=(country,),
    )  # fmt: skip
    return Change(truth, more)


def burst_sensor(draw: Draw) -> Change:
    """A port at one sensor of many; size: of the port at a sensor of 30, ten times over."""
    length = int(draw.rng.integers(2, 7))
    row, first = draw.port(length, 4 * draw.least()), draw.begin(FIRST, 0, 16)
    country = draw.country(row, length)
    usual = draw.usual(row, first, first + length) / draw.world.scale.sensors
    fine = np.flatnonzero(draw.world.watching[:, -240:].all(axis=1))
    sensor = int(draw.rng.choice(fine))
    more = draw.visits(10 * (draw.size - 1) * usual, np.arange(first, first + length), PORTS[row][:2], [country], sensor=sensor)
    truth = draw.truth(
        "burst_sensor", first, first + length, usual.sum(), _sum(more), _BURST, rows=(row,), countries=(country,),
        sensor=draw.world.sensor(sensor),
    )  # fmt: skip
    return Change(truth, more)


def burst_again(draw: Draw) -> Change:
    """On and off: one hour in four of the day, a port from one country; size: of the port in those hours."""
    row = draw.port(4)
    first, country = draw.begin(FIRST, 0, 6), draw.country(row, 4)
    hours = np.arange(first, first + 17, 4)
    usual = draw.world.expected(row)[hours]
    more = draw.visits((draw.size - 1) * usual, hours, PORTS[row][:2], [country])
    truth = draw.truth(
        "burst_again", first, first + 17, usual.sum(), _sum(more), (model.BURST, *_RISE), rows=(row,), countries=(country,)
    )
    return Change(truth, more)


def country(draw: Draw) -> Change:
    """Everything from one country, for some hours; size: of the country."""
    length = int(draw.rng.integers(3, 9))
    first, land = draw.begin(FIRST, 0, 15), draw.country(None, length, 10)
    hours = np.arange(first, first + length)
    more = summed(
        [
            draw.visits((draw.size - 1) * draw.usual(row, first, first + length, land), hours, PORTS[row][:2], [land])
            for row in range(len(PORTS))
        ]
    )
    usual = draw.usual(None, first, first + length, land)
    return Change(draw.truth("country", first, first + length, usual.sum(), _sum(more), _BURST, countries=(land,)), more)


def wide_scan(draw: Draw) -> Change:
    """A few hosts of one AS over hundreds of ports that are hardly tried; size: of the country."""
    length = int(draw.rng.integers(2, 6))
    first, land = draw.begin(FIRST, 0, 17), draw.country(None, length, 16)
    asn = int(draw.world.systems(land)[int(draw.rng.integers(0, 4))])
    usual = draw.usual(None, first, first + length, land)
    count = draw.rng.poisson((draw.size - 1) * usual)
    base = int(draw.rng.integers(1024, 60000))
    hour = np.repeat(np.arange(first, first + length), count)
    number = base + np.arange(len(hour)) % min(600, max(30, len(hour) // 3))
    ones = np.ones(len(hour), np.int64)
    more = draw.world.frame(
        draw.rng, hour, np.full(len(hour), 6), number, np.full(len(hour), land), np.full(len(hour), asn), ones, packets=ones
    )
    right = (model.BURST, model.PORT_RUN, model.CAMPAIGN, model.FEW_MANY, model.PORT_GROUP)
    truth = draw.truth("wide_scan", first, first + length, usual.sum(), _sum(more), right, countries=(land,), asn=asn)
    return Change(truth, more)


def new_port(draw: Draw) -> Change:
    """A port hardly tried before, from the world; size: a tenth of the middle port's usual, so many times, for three days."""
    number = int(draw.rng.choice([4719, 9530, 34567, 48101, 17000, 26, 5358, 6789]))
    first = draw.begin(FIRST, 0, 12)
    middle = float(np.median([draw.world.expected(row).mean() for row in range(30)]))
    hours = np.arange(first, min(HOURS, first + 72))
    more = draw.visits(np.full(len(hours), draw.size / 3 * middle), hours, (6, number), _SOME[:6])
    truth = draw.truth(
        "new_port", first, first + 72, 0.0, _sum(more), (model.NEW_PORT,), ports=((6, number),), days=(FIRST, FIRST + 1)
    )
    return Change(truth, more)


def rise(draw: Draw) -> Change:
    """A port steps up and stays, from its own countries; size: of the port."""
    row, first = draw.port(24, 2 * draw.least()), draw.begin(FIRST, 0, 12)
    usual = draw.usual(row, first, HOURS)
    more = draw.visits((draw.size - 1) * usual, np.arange(first, HOURS), PORTS[row][:2], _SOME[:6])
    truth = draw.truth(
        "rise", first, HOURS, usual[:24].sum(), _sum(more), _RISE, rows=(row,), days=(FIRST, FIRST + 1, FIRST + 2)
    )
    return Change(truth, more)


def burst_midnight(draw: Draw) -> Change:
    """A port from one country over midnight, as much before as after it; size: of the port."""
    half = int(draw.rng.integers(1, 4))
    row, first = draw.port(2 * half), (FIRST + 1) * 24 - half
    country = draw.country(row, 2 * half)
    usual = draw.usual(row, first, first + 2 * half)
    more = draw.visits((draw.size - 1) * usual, np.arange(first, first + 2 * half), PORTS[row][:2], [country])
    truth = draw.truth(
        "burst_midnight", first, first + 2 * half, usual.sum(), _sum(more), _BURST, rows=(row,), countries=(country,),
        days=(FIRST, FIRST + 1),
    )  # fmt: skip
    return Change(truth, more)


def many_few(draw: Draw) -> Change:
    """Very many hosts, each with a packet or two, at one port, for half a day; size: of the port."""
    row, first = draw.port(12, 2 * draw.least()), draw.begin(FIRST, 0, 11)
    hours = np.arange(first, first + 12)
    usual = draw.usual(row, first, first + 12)
    lands = [(land, int(asn)) for land in _SOME[:6] for asn in draw.world.systems(land)[:4]]
    counts = draw.rng.poisson(np.repeat(((draw.size - 1) * usual / len(lands))[:, None], len(lands), axis=1))
    at, place = np.nonzero(counts)
    names, systems = (np.array([one[n] for one in lands])[place] for n in (0, 1))
    visits, (protocol, number) = counts[at, place], PORTS[row][:2]
    if draw.world.scale.sensors > 1:
        more = draw._spread(hours[at], (protocol, -1 if number is None else number), names, systems, visits, visits)
    else:
        more = draw.world.frame(
            draw.rng, hours[at], np.full(len(at), protocol), np.full(len(at), -1 if number is None else number), names, systems,
            visits, packets=visits,
        )  # fmt: skip
    return Change(draw.truth("many_few", first, first + 12, usual.sum(), _sum(more), (model.MANY_FEW,), rows=(row,)), more)


def rise_sensor(draw: Draw) -> Change:
    """A port steps up and stays at one sensor of many; size: of the port at a sensor, ten times over."""
    row, first = draw.port(24, 8 * draw.least()), draw.begin(FIRST, 0, 12)
    usual = draw.usual(row, first, HOURS) / draw.world.scale.sensors
    sensor = int(draw.rng.choice(np.flatnonzero(draw.world.watching[:, -240:].all(axis=1))))
    more = draw.visits(
        10 * (draw.size - 1) * usual, np.arange(first, HOURS), PORTS[row][:2], _SOME[:6], sensor=sensor
    )  # fmt: skip
    truth = draw.truth(
        "rise_sensor", first, HOURS, usual[:24].sum(), _sum(more), (*_RISE, model.BURST), rows=(row,),
        sensor=draw.world.sensor(sensor), days=(FIRST, FIRST + 1, FIRST + 2),
    )  # fmt: skip
    return Change(truth, more)


def rise_slow(draw: Draw) -> Change:
    """A port grows, day by day for eight days; size: of the port at the end."""
    row, first = draw.port(24, 2 * draw.least()), 24 * 24
    usual = draw.usual(row, first, HOURS)
    ramp = np.clip(np.arange(len(usual)) / (8 * 24), 0, 1)
    more = draw.visits((draw.size - 1) * ramp * usual, np.arange(first, HOURS), PORTS[row][:2], _SOME[:6])
    truth = draw.truth(
        "rise_slow", first, HOURS, usual[-24:].sum(), _sum(more), (*_RISE, model.SPREADING), rows=(row,), days=(28, 30, 32, 34)
    )
    return Change(truth, more)


def ended(draw: Draw) -> Change:
    """A port that was so many times the usual for eight days is back at it."""
    row, first, last = draw.port(24, 2 * draw.least()), 20 * 24, draw.begin(FIRST, 0, 12)
    usual = draw.usual(row, first, last)
    more = draw.visits((draw.size - 1) * usual, np.arange(first, last), PORTS[row][:2], _SOME[:6])
    right = (model.FALLING, model.ENDED)
    truth = draw.truth(
        "ended", last, HOURS, usual[-24:].sum(), _sum(more), right, rows=(row,), days=(FIRST, FIRST + 1, FIRST + 2), must=True
    )
    return Change(truth, more)


def spreading(draw: Draw) -> Change:
    """A port rises in one country, and in another every ten hours; size: of the port when all have joined."""
    row, first = draw.port(24, draw.least()), FIRST * 24
    usual = draw.usual(row, first, HOURS)
    joined = [draw.country(row, 24, 12) for _ in range(5)]
    parts = []
    for number, land in enumerate(joined):
        begin = number * 10
        hours = np.arange(first + begin, HOURS)
        parts.append(draw.visits((draw.size - 1) / 5 * usual[begin:], hours, PORTS[row][:2], [land]))
    more = summed(parts)
    right = (model.SPREADING, *_RISE)
    truth = draw.truth(
        "spreading", first, HOURS, usual[:24].sum(), _sum(more), right, rows=(row,), countries=tuple(joined), days=(28, 29, 30)
    )
    return Change(truth, more)


def campaign(draw: Draw) -> Change:
    """One AS at four ports, an hour each, day after day; size: of those ports in those hours."""
    rows = tuple(draw.port(1, draw.least() / 4) for _ in range(4))
    land = draw.country(None, 1, 12)
    asn = int(draw.world.systems(land)[1])
    at, parts, usual = int(draw.rng.integers(1, 10)), [], 0.0
    for day in range(FIRST, FIRST + 3):
        for number, row in enumerate(rows):
            hour = np.array([day * 24 + at + 3 * number])
            counts = draw.world.expected(row)[hour]
            usual += float(counts.sum()) if day == FIRST else 0.0
            parts.append(draw.visits((draw.size - 1) * counts, hour, PORTS[row][:2], [land], system=asn))
    more = summed(parts)
    first = FIRST * 24 + at
    right = (model.CAMPAIGN, model.PORT_GROUP, model.BURST)
    truth = draw.truth(
        "campaign", first, first + 48 + 10, usual, _sum(more), right, rows=rows, countries=(land,), asn=asn,
        days=(FIRST, FIRST + 1, FIRST + 2),
    )  # fmt: skip
    return Change(truth, more)


def stands_out(draw: Draw) -> Change:
    """A port from a country of little weight comes to be its first; size: of the country as a whole."""
    lands = sorted(draw.world.countries, key=lambda c: -draw.usual(None, 0, HOURS, c).sum())[10:24]
    land = str(draw.rng.choice([c for c in lands if c not in draw.taken]))
    draw.taken.add(land)
    row, first = draw.port(24), draw.begin(FIRST, 0, 8)
    usual = draw.usual(None, first, HOURS, land)
    more = draw.visits((draw.size - 1) * usual, np.arange(first, HOURS), PORTS[row][:2], [land])
    right = (model.STANDS_OUT, *_RISE, model.BURST)
    truth = draw.truth(
        "stands_out", first, HOURS, usual[:24].sum(), _sum(more), right, rows=(row,), countries=(land,), days=(28, 29, 30)
    )
    return Change(truth, more)


def overtakes(draw: Draw) -> Change:
    """A port that grows past the next ones in the ranking of three days; size: of the port."""
    row, first = draw.port(24, 4 * draw.least()), draw.begin(FIRST, 0, 4)
    usual = draw.usual(row, first, HOURS)
    more = draw.visits((draw.size - 1) * usual, np.arange(first, HOURS), PORTS[row][:2], _SOME[:4])
    right = (model.OVERTOOK, model.CLOSING_IN)
    truth = draw.truth("overtakes", first, HOURS, usual[:24].sum(), _sum(more), right, rows=(row,), days=(28, 29, 30))
    return Change(truth, more)


def rhythm(draw: Draw) -> Change:
    """A country's sources begin to sleep; size: the day beside the night."""
    return _rhythm(draw, "rhythm", np.arange(HOURS) >= FIRST * 24, model.RHYTHM)


def rhythm_lost(draw: Draw) -> Change:
    """A country's sources sleep no longer; size: the day beside the night before."""
    return _rhythm(draw, "rhythm_lost", np.arange(HOURS) < FIRST * 24, model.RHYTHM_LOST)


def _rhythm(draw: Draw, kind: str, when: npt.NDArray[np.bool_], right: str) -> Change:
    from teiten.bench._changes.world import _OFF_UTC

    land = draw.country(None, 24, 6)
    local = (np.arange(HOURS) - 9 + _OFF_UTC[land]) % 24
    awake = np.interp(local, [0, 2, 6, 9, 22, 24], [0.4, 0.0, 0.0, 1.0, 1.0, 0.4])
    stays = np.where(when, (1 + (draw.size - 1) * awake) / draw.size, 1.0)
    truth = draw.truth(
        kind, FIRST * 24, HOURS, draw.usual(None, FIRST * 24, FIRST * 24 + 24, land).sum(), 0.0, (right,), countries=(land,),
        days=(28, 30, 32, 34), must=True,
    )  # fmt: skip
    return Change(truth, less=(pl.col("country") == land, stays))


def dies(draw: Draw) -> Change:
    """A port's sources go and stay away: it falls to one part in `size`."""
    row, last = draw.port(24, 4 * draw.least()), draw.begin(FIRST, 0, 12)
    stays = np.where(np.arange(HOURS) < last, 1.0, 1 / draw.size)
    usual = draw.usual(row, last, last + 24)
    protocol, number = PORTS[row][:2]
    which = (pl.col("protocol") == protocol) & pl.col("dst_port").eq_missing(number)
    truth = draw.truth(
        "dies", last, HOURS, usual.sum(), -usual.sum() * (1 - 1 / draw.size), (model.FALLING, model.ENDED), rows=(row,),
        days=(28, 29, 30), must=True,
    )  # fmt: skip
    return Change(truth, less=(which, stays))


KINDS: Final[dict[str, Maker]] = {
    maker.__name__: maker
    for maker in (
        burst, burst_country, burst_few, burst_group, burst_sensor, burst_again, burst_midnight, country, wide_scan, many_few,
        new_port, rise, rise_sensor, rise_slow,
        ended, spreading, campaign, stands_out, overtakes, rhythm, rhythm_lost, dies,
    )
}  # fmt: skip


def _sum(cells: pl.DataFrame) -> float:
    return float(cells["packets"].sum())


def put_in(base: pl.DataFrame, changes: Sequence[Change], world: World, rng: np.random.Generator) -> pl.DataFrame:
    """The usual cells with the changes in them."""
    for change in changes:
        if change.less is not None:
            base = thinned(base, *change.less, world, rng)
    more = [change.more for change in changes if change.more is not None]
    if not more:
        return base
    added = summed(more)
    # only cells of the same hours and ports can be the same ones
    same = ["time", "dst_port"]
    keys = added.select(same).unique()
    touched = base.join(keys, on=same, how="semi", nulls_equal=True)
    rest = base.join(keys, on=same, how="anti", nulls_equal=True)
    return pl.concat([rest, summed([touched, added])])


def thinned(cells: pl.DataFrame, which: pl.Expr, stays: Floats, world: World, rng: np.random.Generator) -> pl.DataFrame:
    """Of those cells a share of the packets, by hour (1: all of them)."""
    hour = (pl.col("time") - world.start).dt.total_hours().alias("_hour")
    # in an order of their own: what each draws is the seed's, however the cells were put together
    some = cells.filter(which).sort(pl.all()).with_columns(hour)
    share = stays[some["_hour"].to_numpy()]
    packets = rng.binomial(some["packets"].to_numpy(), share)
    hosts = np.minimum(np.maximum(rng.binomial(some["hosts"].to_numpy(), share), packets > 0), packets)
    kept = (
        some.drop("_hour").with_columns(pl.Series("packets", packets), pl.Series("hosts", hosts)).filter(pl.col("packets") > 0)
    )
    return pl.concat([cells.filter(which.not_().fill_null(True)), kept])
