"""What sections on sensors ask: who watched and for how long, packets a sensor and day, ports, scanners of a country, changes.

Sensors are held against each other by what they saw in the time in which each of them was watching (`coverage.watched`).
"""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from teiten.coverage import Stretch, watched
from teiten.engine.filters import Filters, timestamp
from teiten.engine.questions import Rows
from teiten.periods import Period, containing
from teiten.report.answers import PORT_KEYS, Answers, Key

MONTHS: Final = 6
"""months of packets a sensor and day, the period's last among them"""
DEPTH: Final = 10
"""ports of a sensor that are shown and compared (TSUBAME's table has ten)"""
PERSISTENCE: Final = 0.9
"""p of rank-biased overlap: the first ten places have 86 % of the weight"""
OTHER: Final = "other"
"""in the place of an organisation: port scanners (TSUBAME's rule) that are on no list"""
CANDIDATES: Final = 60
"""ports of which it is looked at where they changed"""
CHANCE: Final = 3.0
"""a sensor shows a change beyond so many times what chance does to its two counts (Poisson)"""
LEAST: Final = 50
"""and where it makes that many packets more, or fewer, than the days of the period would have had at the rate before"""
_DAY: Final = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Watcher:
    """A sensor that watched in the period. number: its place within its group, from 1 on, in order of names."""

    name: str
    group: str | None
    country: str | None
    number: int


@dataclass(frozen=True, slots=True)
class Rate:
    """What a sensor saw in a span, and for how long it watched: packets, days, and addresses times days."""

    packets: int
    days: float
    address_days: float

    @property
    def per_sensor(self) -> float | None:
        """Packets a sensor and day watched; None where nobody was watching."""
        return self.packets / self.days if self.days else None

    @property
    def per_address(self) -> float | None:
        return self.packets / self.address_days if self.address_days else None

    def __add__(self, other: Rate) -> Rate:
        return Rate(self.packets + other.packets, self.days + other.days, self.address_days + other.address_days)


NOTHING: Final = Rate(0, 0.0, 0.0)


def watchers(answers: Answers) -> tuple[Watcher, ...]:
    """The sensors that watched in the period, group by group as teiten.toml has them (those without one last)."""
    settings = answers.session.settings
    order = list(dict.fromkeys(s.group for s in settings.sensors if s.group))
    found = []
    for name in answers.coverage.sensors:
        known = settings.sensor(name)
        found.append((known.group if known else None, name, known.country if known else None))
    found.sort(key=lambda one: (order.index(one[0]) if one[0] else len(order), one[1]))
    out = []
    for group, members in itertools.groupby(found, key=lambda one: one[0]):
        out += [Watcher(name, group, country, n) for n, (_, name, country) in enumerate(members, 1)]
    return tuple(out)


def grouped(found: Iterable[Watcher]) -> list[tuple[str | None, list[Watcher]]]:
    """The sensors by their groups, in their order."""
    return [(group, list(members)) for group, members in itertools.groupby(found, key=lambda one: one.group)]


def several(answers: Answers) -> bool:
    """Is there more than one sensor to compare?"""
    return len(answers.once(watchers)) > 1


def stretches(answers: Answers) -> list[Stretch]:
    """When each sensor watched, from the first of the months that are looked at to the period's end."""
    return watched(answers.session, _first(answers), answers.period.end, answers.filters.sensor)


def _first(answers: Answers) -> dt.datetime:
    month = containing("monthly", answers.period.days[-1], answers.period.tz)
    for _ in range(MONTHS - 1):
        month = month.before()
    return min(month.start, answers.before.start)


def whole_days(answers: Answers) -> dict[tuple[str, dt.date], Rate]:
    """Sensor and day -> what it saw on it; only those of the time of `stretches` on which it watched or saw anything."""
    return _by_day(answers.once(daily), answers.once(stretches), answers.period.tz)


def _by_day(rows: Rows, watching: Iterable[Stretch], zone: dt.tzinfo) -> dict[tuple[str, dt.date], Rate]:
    out: dict[tuple[str, dt.date], Rate] = defaultdict(lambda: NOTHING)
    for one in watching:
        out[one.sensor, one.start.astimezone(zone).date()] += Rate(0, (one.end - one.start) / _DAY, one.address_days)
    for row in rows:
        out[row["sensor"], row["start"].astimezone(zone).date()] += Rate(row["packets"], 0.0, 0.0)
    return dict(out)


def daily(answers: Answers) -> Rows:
    """Packets of each sensor on each day: start, sensor, packets."""
    return answers.ask(DAILY_SQL, answers.filters.between(_first(answers), answers.period.end))


def summed(rates: Mapping[tuple[str, dt.date], Rate], first: dt.date, after: dt.date) -> dict[str, Rate]:
    """Sensor -> what it saw from `first` to before `after`."""
    out: dict[str, Rate] = defaultdict(lambda: NOTHING)
    for (name, day), rate in rates.items():
        if first <= day < after:
            out[name] += rate
    return dict(out)


def together(rates: Iterable[Rate]) -> Rate:
    """Of several sensors: all their packets, and all the days they watched."""
    return functools.reduce(lambda a, b: a + b, rates, NOTHING)


def months(answers: Answers) -> list[tuple[Period, dict[str, Rate]]]:
    """The last months up to the period's end, each with what every sensor saw; from the first on in which any was watching."""
    rates = answers.once(whole_days)
    month = containing("monthly", answers.period.days[-1], answers.period.tz)
    found = []
    for _ in range(MONTHS):
        found.append((month, summed(rates, month.first, month.after)))
        month = month.before()
    found.reverse()
    while found and not any(rate.days for rate in found[0][1].values()):
        found.pop(0)
    return found


# ports ---------------------------------------------------------------------------------------------------------------


def ports(answers: Answers) -> Rows:
    """The ports hit most at each sensor: sensor, place, dst_port, protocol, packets, share, share_of (its packets)."""
    return answers.ask(PORTS_SQL, answers.filters, keys=PORT_KEYS, depth=str(DEPTH))


def lists(answers: Answers) -> dict[str, list[Key]]:
    """Sensor -> its ports, those hit most first; of all sensors of the period."""
    found: dict[str, list[Key]] = {one.name: [] for one in answers.once(watchers)}
    for row in answers.once(ports):
        found.setdefault(row["sensor"], []).append((row["protocol"], row["dst_port"]))
    return found


def agreement(one: Sequence[Any], other: Sequence[Any], p: float = PERSISTENCE) -> float | None:
    """Rank-biased overlap of two rankings, 0 (nothing in common) to 1 (the same), extrapolated from what is seen of them.

    RBO_EXT of Webber, Moffat and Zobel, "A similarity measure for indefinite rankings" (ACM TOIS 28, 2010), equation 32,
    which lets one be shorter. None where either is empty. ValueError where a thing stands twice in a ranking.
    """
    if len(set(one)) < len(one) or len(set(other)) < len(other):
        raise ValueError("a thing has one place in a ranking")
    short, long = sorted((one, other), key=len)
    s, k = len(short), len(long)
    if not s:
        return None
    shared = [len(set(short[:d]) & set(long[:d])) for d in range(1, k + 1)]
    seen = sum(shared[d - 1] / d * p**d for d in range(1, k + 1))
    beyond = sum(shared[s - 1] * (d - s) / (s * d) * p**d for d in range(s + 1, k + 1))
    tail = ((shared[k - 1] - shared[s - 1]) / k + shared[s - 1] / s) * p**k
    return min(1.0, (1 - p) / p * (seen + beyond) + tail)


# announced scanners of a country -------------------------------------------------------------------------------------


def country(answers: Answers) -> str | None:
    """The country whose scanners are shown; None where the configuration says 'none'."""
    return answers.session.settings.pictured


def scanners_by_day(answers: Answers) -> Rows:
    """The country's sources on each day: start, scanner, packets, hosts. scanner: the organisation of announced ones, OTHER for
    port scanners on no list, None for all others."""
    return _scanners(answers, SCANNED_DAYS_SQL)


def scanners_whole(answers: Answers) -> Rows:
    """The same over the whole period, beside two rows more: part ('scanner', 'port_scanners', 'all'), scanner, packets, hosts.

    port_scanners: those that met TSUBAME's rule on some day, announced or not."""
    return _scanners(answers, SCANNED_SQL)


def _scanners(answers: Answers, template: str) -> Rows:
    filters = _of(answers, country(answers))
    first, last = answers.period.days[0], answers.period.days[-1]
    return answers.ask(template, filters, first=f"DATE '{first}'", last=f"DATE '{last}'", other=f"'{OTHER}'")


def _of(answers: Answers, code: str | None) -> Filters:
    return replace(answers.filters, country=(code,))


# where things changed ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cell:
    """A thing at one sensor: packets a day watched, now and before. moved: fell (-1), neither, rose (1); None: not known."""

    sensor: str
    packets: int
    packets_before: int
    rate: float | None
    rate_before: float | None
    moved: int | None
    scale: float = 1.0
    """days watched now by days watched before: what counts before are multiplied by"""

    @property
    def times(self) -> float | None:
        """How many times as much as before; infinite where nothing came then, None where either is not known."""
        if self.rate is None or self.rate_before is None or not (self.rate or self.rate_before):
            return None
        return self.rate / self.rate_before if self.rate_before else math.inf


@dataclass(frozen=True, slots=True)
class Change:
    """A thing that rose or fell (direction 1 or -1) at some sensor. key: a port; None: all packets together.

    where: 'everywhere', 'group' (then `group`), 'one' (sensor), 'several'.
    """

    key: Key | None
    direction: int
    where: str
    group: str | None
    sensors: tuple[str, ...]
    """at which it shows"""
    known: int
    """sensors of which it can be told"""
    cells: tuple[Cell, ...]
    weight: float
    """by how many packets a day it changed over those sensors"""


def comparable(answers: Answers) -> dict[str, tuple[float, float]]:
    """The sensors that watched enough of both periods (`ranked_coverage`) -> days of each that they watched."""
    rates = answers.once(whole_days)
    now = summed(rates, answers.period.first, answers.period.after)
    before = summed(rates, answers.before.first, answers.before.after)
    least = [answers.ranked_share * len(period.days) for period in (answers.period, answers.before)]
    out = {}
    for one in answers.once(watchers):
        days = (now.get(one.name, NOTHING).days, before.get(one.name, NOTHING).days)
        if days[0] >= least[0] > 0 and days[1] >= least[1] > 0:
            out[one.name] = days
    return out


def changes(answers: Answers) -> list[Change]:
    """The ports that rose or fell at some sensor against the period before, the largest first, and where.

    A sensor shows a change where its packets a day watched differ by `spread_times` and by more than three times what chance
    does to two counts, 50 packets at least. It is everywhere where `spread_share` of the sensors of every group show it, of a
    group where that share of its sensors show it and not more than the rest (1 - `spread_share`) of any other's, at one sensor
    where one alone of three or more does, and of most others it is clear that they do not; else at several. Where most of a
    group goes the same way, its sensors with too few packets count together. Sensors that watched less than `ranked_coverage`
    of either period say nothing.
    """
    found, told = answers.once(watchers), answers.once(comparable)
    if len(told) < 2:
        return []
    counts: dict[Key | None, dict[str, tuple[int, int]]] = defaultdict(dict)
    for row in answers.once(moved):
        key = None if row["whole"] else (row["protocol"], row["dst_port"])
        if key != (None, None):
            counts[key][row["sensor"]] = (row["packets"], row["packets_before"])
    settings = answers.session.settings
    times, share = settings.threshold("spread_times"), settings.threshold("spread_share")
    out = []
    for key, seen in counts.items():
        cells = tuple(_cell(one.name, *seen.get(one.name, (0, 0)), told.get(one.name), times) for one in found)
        for direction in (1, -1):
            change = judged(key, direction, cells, {one.name: one.group for one in found}, share, times)
            if change is not None:
                out.append(change)
    return sorted(out, key=lambda c: (c.key is not None, -c.weight, str(c.key), -c.direction))


def _cell(name: str, packets: int, earlier: int, days: tuple[float, float] | None, times: float) -> Cell:
    if days is None:
        return Cell(name, packets, earlier, None, None, None)
    one = Cell(name, packets, earlier, packets / days[0], earlier / days[1], 0, days[0] / days[1])
    return replace(one, moved=leans(one, times)) if _clear([one]) else one


def leans(cell: Cell, times: float) -> int:
    """1 or -1 where its packets a day are `times` as many (as few) as before, be it by chance; else 0."""
    now, before = cell.rate or 0.0, cell.rate_before or 0.0
    return 0 if now == before or max(now, before) < times * min(now, before) else 1 if now > before else -1


def _clear(cells: Sequence[Cell]) -> bool:
    """Are they, together, beyond what chance does, and by enough packets?"""
    beyond = sum(cell.packets - cell.scale * cell.packets_before for cell in cells)
    chance = sum(cell.packets + cell.scale**2 * cell.packets_before for cell in cells)
    return abs(beyond) >= LEAST and beyond**2 > CHANCE**2 * chance


def judged(
    key: Key | None, direction: int, cells: Sequence[Cell], groups: Mapping[str, str | None], share: float, times: float = 1.5
) -> Change | None:
    """Where that change shows, by the rule of `changes`; None where no sensor shows it."""
    known = [cell for cell in cells if cell.moved is not None]
    parts = {group: _showing([c for c in known if groups[c.sensor] == group], direction, share, times)
             for group in dict.fromkeys(groups[cell.sensor] for cell in known)}  # fmt: skip
    showing = [cell for own, _, _ in parts.values() for cell in own]
    if not showing:
        return None
    against = sum(count - len(own) - unclear for own, unclear, count in parts.values())
    full = [group for group, (own, _, count) in parts.items() if len(own) >= share * count]
    others = [part for group, part in parts.items() if group not in full]
    where, group = "several", None
    if len(full) == len(parts) and len(known) > 1:
        where = "everywhere"
    elif len(showing) == 1 and len(known) > 2 and against >= share * (len(known) - 1):
        where = "one"
    elif len(full) == 1 and all(len(own) + unclear <= (1 - share) * count for own, unclear, count in others):
        where, group = "group", full[0]
    weight = sum(abs((cell.rate or 0.0) - (cell.rate_before or 0.0)) for cell in showing)
    names = {cell.sensor for cell in showing}
    told = tuple(cell.sensor for cell in cells if cell.sensor in names)
    return Change(key, direction, where, group, told, len(known), tuple(cells), weight)


def _showing(cells: Sequence[Cell], direction: int, share: float, times: float) -> tuple[list[Cell], int, int]:
    """Of a group: the sensors that show the change, of how many it is unclear, how many there are.

    Those that lean that way, each with too few packets to tell, show it where most of the group does or leans so, and they
    are clear together."""
    own = [cell for cell in cells if cell.moved == direction]
    leaning = [cell for cell in cells if cell.moved == 0 and leans(cell, times) == direction]
    if leaning and len(own) + len(leaning) >= share * len(cells) and _clear(leaning):
        return own + leaning, 0, len(cells)
    return own, len(leaning), len(cells)


def moved(answers: Answers) -> Rows:
    """The ports that changed most at some sensor, and all packets (`whole`): sensor, packets, packets_before of each."""
    either = answers.filters.between(answers.before.start, answers.period.end)
    scale = answers.observed_days / answers.observed_days_before if answers.observed_days_before else 1.0
    return answers.ask(
        MOVED_SQL, either, keys=PORT_KEYS, start=timestamp(answers.period.start), scale=f"{scale:.9f}", most=str(CANDIDATES)
    )


def thresholds(answers: Answers) -> tuple[float, float]:
    """spread_times and spread_share, as configured."""
    settings = answers.session.settings
    return settings.threshold("spread_times"), settings.threshold("spread_share")


DAILY_SQL: Final = """
SELECT day_start(time) AS start, sensor, sum(packets)::BIGINT AS packets
FROM {events}
WHERE {where}
GROUP BY ALL
ORDER BY start, sensor
"""

PORTS_SQL: Final = """
WITH counted AS (
  SELECT sensor, {keys}, sum(packets)::BIGINT AS packets
  FROM {events}
  WHERE {where}
  GROUP BY ALL
), placed AS (
  SELECT *, row_number() OVER (PARTITION BY sensor, protocol IS NULL ORDER BY packets DESC, protocol, dst_port) AS place,
         sum(packets) OVER (PARTITION BY sensor)::BIGINT AS share_of
  FROM counted
)
SELECT sensor, place, dst_port, protocol, packets, packets / share_of AS share, share_of
FROM placed
WHERE protocol IS NOT NULL AND place <= {depth}
ORDER BY sensor, place
"""

_SCANNED: Final = """
WITH seen AS (
  SELECT time, scanner, (src_ip, day_of(time)) IN (
           SELECT (src_ip, day) FROM {verdicts}
           WHERE label = 'port_scanner' AND scope = 'all' AND day >= {first} AND day <= {last}
         ) AS port_scanner, packets, {host_as_host}
  FROM {events}
  WHERE {where}
), chosen AS (
  SELECT *, CASE WHEN scanner IS NOT NULL THEN scanner WHEN port_scanner THEN {other} END AS who FROM seen
)"""

SCANNED_DAYS_SQL: Final = f"""{_SCANNED}
SELECT day_start(time) AS start, who AS scanner, sum(packets)::BIGINT AS packets, {{hosts_of_host}} AS hosts{{error}}
FROM chosen
GROUP BY ALL
ORDER BY ALL
"""

SCANNED_SQL: Final = f"""{_SCANNED}
SELECT 'scanner' AS part, who AS scanner, sum(packets)::BIGINT AS packets, {{hosts_of_host}} AS hosts{{error}}
FROM chosen WHERE who IS NOT NULL GROUP BY ALL
UNION ALL
SELECT 'port_scanners', NULL, coalesce(sum(packets), 0)::BIGINT, {{hosts_of_host}}{{error}} FROM chosen WHERE port_scanner
UNION ALL
SELECT 'all', NULL, coalesce(sum(packets), 0)::BIGINT, {{hosts_of_host}}{{error}} FROM chosen
ORDER BY ALL
"""

MOVED_SQL: Final = """
WITH counted AS (
  SELECT sensor, {keys}, coalesce(sum(packets) FILTER (WHERE time >= {start}), 0)::BIGINT AS packets,
         coalesce(sum(packets) FILTER (WHERE time < {start}), 0)::BIGINT AS packets_before
  FROM {events}
  WHERE {where}
  GROUP BY ALL
), most AS (
  SELECT protocol, dst_port FROM counted WHERE protocol IS NOT NULL
  GROUP BY ALL
  ORDER BY max(abs(packets - {scale} * packets_before)) DESC, protocol, dst_port
  LIMIT {most}
)
SELECT sensor, dst_port, protocol, packets, packets_before, false AS whole
FROM counted c SEMI JOIN most m ON c.protocol = m.protocol AND c.dst_port IS NOT DISTINCT FROM m.dst_port
UNION ALL
SELECT sensor, NULL, NULL, sum(packets)::BIGINT, sum(packets_before)::BIGINT, true FROM counted GROUP BY sensor
ORDER BY whole, protocol, dst_port, sensor
"""
