"""Two quarters of a dark prefix, made by hand with what each packet is: for tests that count the same in a few lines of Python.

Events on some days of March and April 2026 (Japan's time), 256 addresses. On 3 April there is nothing, by an outage.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.lake.making import batch, events

from teiten import classify, periods
from teiten.engine import open_session
from teiten.engine.duckdb import Session
from teiten.engine.filters import Filters
from teiten.lake import Lake
from teiten.report.answers import Answers
from teiten.settings import Sensor, Settings

TOKYO = periods.zone("Asia/Tokyo")
DARK = (44 << 24) | (11 << 16)
CHOSEN = Settings(
    "Asia/Tokyo", "flag", language="en", sensors=(Sensor("dark", addresses=256),),
    thresholds={"large_scanner_packets": 30_000, "large_scanner_floor": 40, "large_scanner_ports": 10},
)  # fmt: skip
DAYS = [dt.date(2026, 3, d) for d in (27, 28, 29, 30, 31)] + [dt.date(2026, 4, d) for d in (1, 2, 4, 5, 6)]
SETS = ((23,), (23, 2323), (9530,), (80, 37215, 52869))
LANDS = ("CN", "JP", None, "BR")
AS_NAMES = {44446: "IP Kiktev, Nikolay", 4713: "=1+1"}
"""a holder with a comma, and one that a spreadsheet would take for a formula"""


@dataclass
class Packet:
    """What it is, beside its row: 'mirai', 'wide', 'telnet', 'large', 'announced', 'usual'."""

    day: dt.date
    what: str
    row: dict[str, Any]


@dataclass
class Made:
    packets: list[Packet] = field(default_factory=list)

    def of(self, *what: str, quarter: int | None = None) -> list[Packet]:
        """The packets of those kinds (all, where none is named), of that quarter of 2026."""
        return [p for p in self.packets if (not what or p.what in what) and quarter in (None, (p.day.month + 2) // 3)]


def make() -> Made:
    """The packets of all days, in order of time."""
    made = Made()
    for place, day in enumerate(DAYS):
        start = dt.datetime.combine(day, dt.time(), TOKYO)
        todays = list(_day(place, day))
        for n, (what, row) in enumerate(todays):
            at = start + dt.timedelta(seconds=20 + n * (86_000 / len(todays)))
            plain = {
                "time": at.astimezone(dt.UTC), "sensor": "dark", "dst_ip": _address(DARK + n % 256), "protocol": 6,
                "src_port": 40000, "tcp_flags": 2, "tcp_seq": 77_777 + n, "tcp_ack": 0, "tcp_window": 64240, "tcp_opt_len": 20,
                "geo_db": "dbip-lite-2026-06-01+asn-2026-06-17",
                "ip_id": (n * 7919 + 3) % 65536, "ip_len": 60, "ttl": 50, "source_pos": n, "action": None, "interface": None,
            }  # fmt: skip
            if what in ("mirai", "wide"):
                plain["tcp_seq"] = DARK + n % 256
            made.packets.append(Packet(day, what, plain | row))
    return made


def _day(place: int, day: dt.date) -> Iterator[tuple[str, dict[str, Any]]]:
    """A day's packets: more Mirai hosts each day, the others the same."""
    for host in range(6 + place):
        for port in SETS[(host + place) % 4]:
            yield "mirai", {"src_ip": f"1.80.{place}.{host}", "country": LANDS[host % 4], "dst_port": port}
    yield "wide", {"src_ip": "1.80.99.1", "country": "CN", "dst_port": 23, "src_port": 1024}
    for host in range(4):
        for k in range(3):
            yield "telnet", {"src_ip": f"5.3.{place}.{host}", "country": LANDS[-1 - host], "dst_port": (23, 2323)[k % 2]}
    if day.day in (2, 5, 29):
        for n in range(60 if day.day == 2 else 45):
            # its country is not known on one of the days
            land = None if day.day == 5 else "RU"
            who = {"src_ip": "92.63.197.7", "country": land, "asn": 44446, "as_name": AS_NAMES[44446]}
            yield (
                "large",
                {**who, "dst_port": 1000 + n % 50, "protocol": 17 if n % 5 == 0 else 6, "tcp_flags": 2 if n % 5 else None},
            )
    for n in range(3):
        who = {"src_ip": f"153.231.226.{168 + n}", "country": "JP", "asn": 4713, "as_name": AS_NAMES[4713]}
        yield "announced", {**who, "dst_port": 8080}
    for n in range(200):
        land = ("US", "CN", "DE", None)[n % 4] if n % 10 else "US"
        usual: dict[str, Any] = {
            "src_ip": f"8.{n % 5}.{place}.{n}",
            "country": land,
            "dst_port": (445, 22, 6379, 5060, 60001)[n % 5],
        }
        if n % 5 == 3:
            usual |= {"protocol": 17, "tcp_flags": None}
        if n % 50 == 0:
            usual |= {"protocol": 1, "dst_port": None, "tcp_flags": None, "icmp_type": 8, "icmp_code": 0}
        yield "usual", usual


def _address(number: int) -> str:
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))


def lake_of(made: Made, folder: Path) -> Lake:
    """A lake with these packets, judged; a batch a day, so that the day without any is a gap."""
    lake = Lake.open_or_create(folder / "lake", "Asia/Tokyo")
    for place, day in enumerate(sorted({p.day for p in made.packets})):
        rows = [{**p.row, "source_id": place + 1} for p in made.packets if p.day == day]
        frame = events(rows)
        with lake.writer() as writer:
            given = {
                "source_id": place + 1,
                "sensor": "dark",
                "format": "pcap",
                "path": f"/c/{day}.pcap",
                "source": f"{day}.pcap",
            }
            writer.commit(batch(frame.height, **given, t_min=frame["time"].min(), t_max=frame["time"].max()), frame)
    classify.run(lake, CHOSEN)
    return lake


def answers(session: Session, quarter: str = "2026-Q2", **filters: Any) -> Answers:
    """The answers of a quarter."""
    return Answers(session, periods.parse("quarterly", quarter, TOKYO), Filters(**filters), CHOSEN.thresholds)


def opened(lake: Lake) -> Session:
    """A session of the lake; to be closed."""
    return open_session(lake, CHOSEN)


__all__ = ["CHOSEN", "DAYS", "Made", "answers", "lake_of", "make", "opened"]
