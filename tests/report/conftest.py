"""A small lake made from a log that these tests write: two months of a household line with known counts and one outage.

Every hour of September and October 2019 (Japan's time) has the same packets, but: 52869/tcp comes in October only, 445/tcp
falls by half then, on 22 October at 5 o'clock mail ports are swept, and on 9 October from 11 to 14 o'clock there is nothing.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from tests.report import dark

from teiten import intake, rollup, settings
from teiten.engine import open_session
from teiten.engine.duckdb import Session
from teiten.engine.filters import Filters
from teiten.lake import Lake
from teiten.readers import _input
from teiten.report.answers import Answers

TOKYO = ZoneInfo("Asia/Tokyo")
OWN = ("198.51.100.23", "198.51.100.77", "2001:db8:12:34::beef")
"""the observer's own addresses, which must appear nowhere"""
CHINA, RUSSIA, JAPAN, US, NOBODY = "1.80.0.", "5.3.0.", "153.231.226.", "8.8.8.", "192.0.2."


def line(at: dt.datetime, src: str, what: str, *, dst: str = OWN[0], head: str = "DROP IN=ppp0 OUT= MAC=") -> str:
    return f"{at.isoformat()} gw kernel: {head} SRC={src} DST={dst} LEN=40 TOS=0x00 PREC=0x00 TTL=50 ID=7 {what}\n"


def tcp(port: int) -> str:
    return f"PROTO=TCP SPT=40000 DPT={port} SEQ=1 ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0"


def log() -> Iterator[str]:
    """The lines in order of time."""
    at = dt.datetime(2019, 9, 1, tzinfo=TOKYO)
    while at < dt.datetime(2019, 11, 1, tzinfo=TOKYO):
        october = at.month == 10
        if not (at.date() == dt.date(2019, 10, 9) and 11 <= at.hour < 14):
            packets = [(CHINA, tcp(23))] * 6 + [(RUSSIA, tcp(445))] * (2 if october else 4) + [(CHINA, tcp(1433))] * 3
            packets += [(NOBODY, tcp(8080)), (JAPAN, tcp(22)), (US, "PROTO=ICMP TYPE=8 CODE=0 ID=5 SEQ=1")]
            packets += [(US, tcp(52869))] * (3 if october else 0)
            if at == dt.datetime(2019, 10, 22, 5, tzinfo=TOKYO):
                packets += [(US, tcp(port)) for port in (25, 465, 587) for _ in range(20)]
            for n, (net, what) in enumerate(packets):
                moment = at + dt.timedelta(seconds=2 + n * 30)
                yield line(moment, f"{net}{at.day + n % 3}", what, dst=OWN[at.day % 2])
            if at.hour == 0:
                yield line(at + dt.timedelta(minutes=50), US + "8", tcp(443), head="ACCEPT IN=ppp0 OUT= MAC=")
                yield line(at + dt.timedelta(minutes=51), OWN[0], tcp(443), dst=US + "8", head="DROP IN= OUT=ppp0")
                yield f"{(at + dt.timedelta(minutes=52)).isoformat()} gw dropbear[1]: Exit before auth\n"
                yield f"{(at + dt.timedelta(minutes=53)).isoformat()} gw kernel: DROP IN=ppp0 OUT= MAC= SRC=1.2.3 DST=\n"
        at = (at.astimezone(dt.UTC) + dt.timedelta(hours=1)).astimezone(TOKYO)
    yield (
        "2019-10-31T23:59:00+09:00 gw kernel: DROP IN=ppp0 OUT= MAC= SRC=2001:db8:ffff::1 "
        f"DST={OWN[2]} LEN=60 TC=0 HOPLIMIT=50 FLOWLBL=0 {tcp(23)}\n"
    )


def ingest(text: str, folder: Path, *, sensor: str | None = None) -> Lake:
    """A lake of these lines, in that folder."""
    path = folder / "router.log"
    path.write_text(text, encoding="utf-8")
    found = settings.load(zone="Asia/Tokyo")
    lake = Lake.open_or_create(folder / "lake", "Asia/Tokyo")
    result = intake.ingest(lake, list(_input.inputs([str(path)], found.reading)), found, sensor=sensor)
    assert not result.failed
    return lake


@pytest.fixture(scope="session")
def small() -> SimpleNamespace:
    """What the lake is made of, for tests that look for it or make one of their own."""
    return SimpleNamespace(OWN=OWN, CHINA=CHINA, US=US, TOKYO=TOKYO, line=line, tcp=tcp, log=log, ingest=ingest)


@pytest.fixture(scope="session")
def chosen() -> settings.Settings:
    return settings.load(zone="Asia/Tokyo", language="en")


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return ingest("".join(log()), tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def session(lake: Lake, chosen: settings.Settings) -> Iterator[Session]:
    with open_session(lake, chosen) as found:
        yield found


@pytest.fixture(scope="session")
def answers(session: Session) -> dict[str, Answers]:
    """The answers of a month, a day, and the first month, which has nothing before it; by the period's name."""
    from teiten import periods

    names = {"2019-10": "monthly", "2019-09": "monthly", "2019-10-22": "daily", "2019-10-09": "daily", "2019-W43": "weekly"}
    return {name: Answers(session, periods.parse(kind, name, TOKYO), Filters(), {}) for name, kind in names.items()}


@pytest.fixture(scope="session")
def dark_packets() -> dark.Made:
    """Packets of a dark prefix in two quarters, each with what it is."""
    return dark.make()


@pytest.fixture(scope="session")
def dark_lake(dark_packets: dark.Made, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """The lake of these packets."""
    return dark.lake_of(dark_packets, tmp_path_factory.mktemp("dark"))


@pytest.fixture(scope="session")
def dark_quarter(dark_lake: Lake) -> Iterator[Answers]:
    """The answers of its second quarter."""
    with dark.opened(dark_lake) as found:
        yield dark.answers(found)


@pytest.fixture(scope="session")
def dark_counted(dark_lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    """The same of a copy with aggregates of a day, so that the others' are counted on the spot: nothing is asked of events."""
    folder = tmp_path_factory.mktemp("counted") / "lake"
    shutil.copytree(dark_lake.path, folder)
    lake = Lake.open(folder)
    rollup.ensure(lake, dark.CHOSEN, [dark.DAYS[-1]])
    with dark.opened(lake) as found:
        yield dark.answers(found)
