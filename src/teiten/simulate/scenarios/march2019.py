"""The two months that a household's blog told of: February and March 2019, laid down from the statements of its text.

What the text says is laid down exactly: the order of the ports in both months, the ports that NOTICE tried and on which
days, which countries led. What it does not say (how many packets, the ports in between) is ours. In the truth every
statement is a story of the kind 'statement'.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from teiten.errors import UsageError
from teiten.simulate import _stories
from teiten.simulate._household import home_line, other_lines, reconnects
from teiten.simulate._mix import WIDE, Component
from teiten.simulate._sources import mixed
from teiten.simulate._traffic import DAY, Span, Wish, concatenate, frame, generator, visits
from teiten.simulate._write import Sensor

HELP: Final = "February and March 2019 as a household's blog told of them"
START: Final = dt.date(2019, 2, 1)
DAYS: Final = 59
FEWEST: Final = 20_000
"""events: with fewer the ranks in between would not be those of the text"""
USUAL: Final = 110_183
SETTINGS: Final = "[watch]\nsince = 2019-02-20"
"""the day on which NOTICE began"""

Mix = Mapping[str, float]
# What is sent from where: the text has Russia first, China second, the US third and Japan seventh in February; China, the
# US, Russia and Japan in March. So each month has mixes of its own, one for each kind of machine.
BOTS: Final[dict[int, Mix]] = {
    2: {"RU": 19, "CN": 13.5, "US": 9, "BR": 9, "VN": 7.2, "IN": 6.6, "JP": 4.7, "TW": 4.1, "KR": 3.6, "EG": 3.3, "TR": 3,
        "IT": 2.6, "IR": 2.4, "ID": 2.2, "TH": 1.6, "AR": 1.5, "UA": 1.5, "GR": 1, "MX": 1},
    3: {"CN": 19.5, "US": 12.5, "RU": 10, "JP": 8.8, "BR": 7, "VN": 6.2, "IN": 6, "TW": 4.4, "KR": 4, "EG": 3.2, "TR": 2.8,
        "IT": 2.4, "IR": 2.2, "ID": 2, "TH": 1.6, "AR": 1.4, "UA": 1.4, "GR": 1, "MX": 1},
}  # fmt: skip
PCS: Final[dict[int, Mix]] = {
    2: {"RU": 23, "VN": 10.5, "BR": 9.5, "CN": 11.5, "IN": 8.5, "US": 8, "JP": 5.6, "ID": 4.6, "TW": 4, "TH": 3, "TR": 3,
        "UA": 2.5, "VE": 2.4, "MX": 2, "PH": 1.6, "EG": 1},
    3: {"CN": 16.5, "US": 11, "RU": 10.5, "JP": 9.4, "VN": 8, "BR": 7.5, "IN": 6.8, "ID": 4.6, "TW": 4, "TH": 3, "TR": 3,
        "UA": 2.4, "VE": 2.2, "MX": 2, "PH": 1.6, "EG": 1},
}  # fmt: skip
SERVERS: Final[dict[int, Mix]] = {
    2: {"CN": 20, "US": 19, "RU": 15, "DE": 5, "SG": 4.5, "FR": 4.5, "KR": 4, "BR": 4, "VN": 4, "JP": 3.4, "IN": 3, "GB": 3,
        "NL": 3},
    3: {"CN": 25, "US": 21, "RU": 9, "JP": 6, "DE": 5, "SG": 4.5, "FR": 4.5, "KR": 4, "BR": 4, "VN": 4, "IN": 3, "GB": 3,
        "NL": 3},
}  # fmt: skip
SURVEYS: Final[dict[int, Mix]] = {
    2: {"US": 30, "RU": 22, "NL": 14, "CN": 9, "GB": 6, "RO": 5, "DE": 5, "SC": 2, "HK": 2},
    3: {"US": 34, "NL": 15, "RU": 14, "CN": 11, "GB": 6, "RO": 5, "DE": 5, "SC": 2, "HK": 2},
}
SQL: Final[dict[int, Mix]] = {
    2: {"CN": 45, "RU": 12, "US": 8, "KR": 8, "TW": 6, "HK": 5, "VN": 5, "BR": 4, "JP": 2},
    3: {"CN": 45, "RU": 12, "US": 8, "KR": 8, "TW": 6, "HK": 5, "VN": 5, "BR": 4, "JP": 2},
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of visitor: its label in the truth, the shape of its packets, from where, how often one host comes."""

    label: str
    shape: str
    mix: dict[int, Mix]
    per_host: float
    per_visit: float = 1.5
    gap: float = 60.0
    night: float = 0.9


KINDS: Final[dict[str, Kind]] = {
    "bot": Kind("mirai", "mirai", BOTS, 6, 1.6, 200, 0.8),
    "realtek": Kind("mirai-52869", "mirai", BOTS, 8, 1.5, 100),
    "huawei": Kind("mirai-37215", "mirai", BOTS, 8, 1.4, 100),
    "worm": Kind("smb-worm", "windows", PCS, 5, 2.1, 3, 0.3),
    "sql": Kind("mssql", "windows", SQL, 9, 1.7, 3, 0.35),
    "ssh": Kind("ssh", "linux", SERVERS, 8, 1.6, 40),
    "web": Kind("web", "linux", SERVERS, 7, 1.5, 60),
    "adb": Kind("adb", "linux", BOTS, 8, 1.4, 60),
    "rdp": Kind("rdp", "windows-server", SURVEYS, 25, 2.0, 400),
    "survey": Kind("masscan", "masscan", SURVEYS, 40, 2.0, 2000),
    "udp": Kind("udp-probe", "udp", SURVEYS, 20, 1.3, 900),
    "sip": Kind("sip", "sip", SURVEYS, 20, 1.5, 600),
}

FEBRUARY: Final[tuple[tuple[int, int, str], ...]] = (
    (23, 20_000, "bot"), (445, 17_000, "worm"), (1433, 2_050, "sql"), (22, 1_640, "ssh"), (52869, 1_310, "realtek"),
    (3389, 1_130, "rdp"), (80, 990, "web"), (8080, 900, "web"), (5555, 790, "adb"), (81, 690, "web"), (8545, 560, "survey"),
    (8291, 470, "bot"), (37215, 420, "huawei"), (5900, 370, "survey"), (443, 330, "web"), (2323, 300, "bot"),
    (6379, 262, "survey"), (5060, 238, "sip"), (139, 214, "worm"), (8443, 190, "web"), (21, 168, "survey"),
    (3306, 150, "survey"), (25, 134, "survey"), (1900, 120, "udp"), (123, 108, "udp"), (7547, 98, "bot"), (8088, 88, "survey"),
    (8000, 80, "web"),
)  # fmt: skip
"""(port, packets, kind of visitor) in the order of the text: 1433 third, 22 fourth, 52869 fifth, 80 seventh."""
MARCH: Final[tuple[tuple[int, int, str], ...]] = (
    (23, 22_400, "bot"), (445, 18_600, "worm"), (52869, 2_310, "realtek"), (22, 1_760, "ssh"), (80, 1_320, "web"),
    (8080, 1_120, "web"), (3389, 950, "rdp"), (81, 800, "web"), (5555, 660, "adb"), (8545, 540, "survey"), (8291, 450, "bot"),
    (37215, 405, "huawei"), (5900, 360, "survey"), (443, 325, "web"), (2323, 300, "bot"), (34567, 276, "bot"),
    (6379, 254, "survey"), (5060, 233, "sip"), (139, 213, "worm"), (8443, 194, "web"), (21, 176, "survey"),
    (3306, 160, "survey"), (25, 146, "survey"), (1900, 133, "udp"), (123, 121, "udp"), (7547, 110, "bot"), (8088, 99, "survey"),
    (1433, 88, "sql"),
)  # fmt: skip
"""The same of March: 52869 third, 22 fourth, 80 fifth, 1433 at the 28th place."""
LISTED: Final = {2: FEBRUARY, 3: MARCH}
TAIL: Final = 2_400
"""packets a month to ports that are not listed: each of them gets less than the last that is"""
ANOTHER: Final = 0.017
"""share of visits whose source address no table of countries knows"""

Scan = tuple[int, int, float, str, float, tuple[int, ...]]
SCANS: Final[tuple[Scan, ...]] = (
    # month, day, hour, source, seconds between two ports or so, ports in their order; February as its author logged it
    (2, 20, 11.3, "153.231.226.170", 0, (22,)),
    (2, 20, 17.2, "153.231.226.170", 0, (80,)),
    (2, 21, 12.1, "153.231.216.178", 4, (8080, 80, 22, 23, 8000, 23023, 2222, 21, 443, 81, 2323)),
    (2, 21, 18.2, "153.231.215.10", 4, (23023, 443, 22, 80, 23, 21, 8080, 81, 2323, 8000, 2222)),
    (2, 25, 13.0, "153.231.216.186", 5400, (23, 23023)),
    (2, 26, 10.0, "153.231.215.10", 4000, (22, 80)),
    (2, 26, 14.0, "153.231.226.162", 3000, (8080, 443)),
    (3, 1, 11.0, "153.231.226.162", 2500, (8080, 80, 23, 22)),
    (3, 5, 10.4, "153.231.216.178", 5, (8080, 8000, 80, 443, 23, 22, 21, 9527, 9000, 81, 2323)),
    (3, 5, 16.5, "153.231.215.10", 900, (8080, 8000)),
    (3, 6, 11.2, "153.231.227.194", 6, (8080, 8000, 80, 443, 23, 21, 9527, 9000)),
    (3, 6, 17.1, "153.231.216.186", 1800, (8080, 8000, 443, 80)),
    (3, 7, 10.8, "153.231.226.170", 6, (8080, 8000, 80, 443, 23, 22, 21, 9527)),
    (3, 7, 15.3, "153.231.215.10", 2400, (8080, 8000, 443)),
    (3, 11, 13.2, "153.231.216.178", 8, (8080, 8000, 80, 443, 23, 22)),
)

STATEMENTS: Final[tuple[str, ...]] = (
    "23 and 445/tcp are by far the most asked-for ports, in both months",
    "52869/tcp is third, fifth the month before",
    "1433/tcp is 28th, third the month before",
    "22/tcp is fourth in both months",
    "80/tcp is fifth, seventh the month before",
    "NOTICE tried 8080, 8000, 80, 443, 23, 22, 21, 9527, 9000, 81 and 2323/tcp; 9527 and 9000 for the first time",
    "NOTICE tried none of 445, 52869 and others that are asked for most",
    "NOTICE came on 5, 6 and 7 March, three days in a row, and no more after 11 March",
    "China is first (second the month before), the US second (third), Russia third (first)",
    "Japan is fourth (seventh the month before), and its packets are more than then",
    "for some sources no country is known",
)


def make(wish: Wish) -> tuple[list[tuple[Sensor, pl.DataFrame]], list[dict[str, Any]]]:
    """The one sensor with its packets, and the stories: the scans, and what the text states."""
    seed, span = wish.seed, wish.span
    events = wish.events if wish.events is not None else USUAL
    if events < FEWEST:
        raise UsageError(f"{events:,} events are too few for march2019.", hint=f"Give --events {FEWEST} or more.")
    announced = [_scan(scan, n, span) for n, scan in enumerate(SCANS)]
    parts = [packets for packets, _ in announced]
    begin = span.start
    for month, days in ((2, 28), (3, 31)):
        parts += list(_month(month, seed, Span(begin, days), events / USUAL))
        begin += days * DAY
    found = concatenate(parts)
    addresses = reconnects(seed, span, None)
    stories: list[dict[str, Any]] = [story for _, story in announced]
    stories += [{"kind": "new address", "from": t, "to": t} for t, _ in addresses[1:]]
    stories += [{"kind": "statement", "from": span.start, "to": span.end, "text": text} for text in STATEMENTS]
    extras = (e for e in other_lines(seed, span, addresses, ()) if e.time < span.end * 1_000_000)
    sensor = home_line(addresses, extras)
    return [(sensor, found)], _stories.counted(stories, found)


def _scan(scan: Scan, number: int, span: Span) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The packets of one announced scan, and its truth."""
    month, day, hour, host, gap, ports = scan
    begin = span.start + (dt.date(2019, month, day) - START).days * DAY + hour * 3600
    # pauses that differ, the same for every seed: half to one and a half times the usual one
    pauses = np.array([0.0, *(gap * (0.5 + (7 * i % 11) / 10) for i in range(1, len(ports)))])
    times = begin + np.cumsum(pauses)
    packets = frame(
        {
            "time": (times * 1e6).astype(np.int64),
            "sensor": 0,
            "src": np.full(len(ports), _stories.number(host)),
            "country": "JP",
            "port": np.array(ports),
            "shape": "announced",
            "label": "announced",
            "visit": np.full(len(ports), number, dtype=np.uint64),
        }
    )
    return packets, {
        "kind": "announced scan",
        "label": "announced",
        "from": int(times[0]),
        "to": int(times[-1]) + 1,
        "src_ip": host,
        "ports": list(ports),
        "packets": len(ports),
        "because": "NOTICE, by its announced addresses",
    }


def _month(month: int, seed: int, span: Span, scale: float) -> Iterator[pl.DataFrame]:
    """The packets of everybody but NOTICE: of each listed port exactly as many as it is to have, less NOTICE's."""
    noticed = Counter(port for m, *_, ports in SCANS if m == month for port in ports)
    last = 0
    for port, packets, kind in LISTED[month]:
        last = max(1, round(packets * scale))
        yield _exactly(KINDS[kind], {port: 1.0}, last - noticed[port], month, seed, span)
    listed = {port for port, *_ in LISTED[month]} | set(noticed)
    others = [p for p in WIDE if p not in listed] + [p for p in range(1033, 65536, 397) if p not in listed]
    # the others together, thinly: none comes near the last of the list
    weights = 0.5 + generator(seed, f"tail {month}").random(len(others))
    some = dict(zip(others, weights, strict=True))
    tail = _exactly(KINDS["survey"], some, round(TAIL * scale), month, seed, span)
    yield tail.filter(pl.int_range(pl.len()).over("port") < last * 0.8)
    yield _exactly(Kind("ping", "ping", SERVERS, 6, 2.0, 1), {0: 1.0}, round(40 * scale), month, seed, span)


def _exactly(kind: Kind, ports: Mapping[int, float], count: int, month: int, seed: int, span: Span) -> pl.DataFrame:
    """`count` packets of a kind of visitor within the span."""
    name = f"{kind.label} {min(ports)} {month}"
    hosts = max(3, round(count / kind.per_host / 3))
    component = Component(
        name,
        1,
        kind.shape,
        ports,
        kind.mix[month],
        hosts,
        max(0.2, hosts * 2 / span.days),
        kind.per_visit,
        kind.gap,
        kind.night,
    )
    drawn = visits(component, seed, span, count * 1.25 + 60, 1)
    inside = drawn.filter(pl.col("time").is_between(span.start * 1_000_000, span.end * 1_000_000, closed="left"))
    order = generator(seed, f"exactly {name}").permutation(len(inside))[:count]
    packets = inside[np.sort(order)].with_columns(pl.lit(kind.label).alias("label"))
    return _unknown(packets, seed)


def _unknown(packets: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Some hosts get an address of the space between providers and their customers (RFC 6598), which is no country's."""
    source = packets["src"].to_numpy()
    lost = mixed(source, seed & 0xFFFF) % np.uint64(10_000) < np.uint64(round(ANOTHER * 10_000))
    shared = (0x64400000 + (mixed(source, 77) % np.uint64(1 << 22)).astype(np.int64)).astype(np.uint32)
    return packets.with_columns(
        pl.Series("src", np.where(lost, shared, source).astype(np.uint32)),
        pl.when(pl.Series(lost)).then(None).otherwise(pl.col("country")).alias("country"),
    )
