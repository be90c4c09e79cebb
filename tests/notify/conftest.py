"""A lake of some days with infected hosts, and with every kind of source that nobody is to be told of."""

from __future__ import annotations

import datetime as dt
import ipaddress
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from teiten import classify, intake, settings
from teiten.engine import open_session
from teiten.engine.filters import Filters
from teiten.lake import Lake
from teiten.notify import hosts
from teiten.notifying import Notifying
from teiten.settings import Settings

TOKYO = ZoneInfo("Asia/Tokyo")
BEGIN = dt.datetime(2026, 10, 24, 0, 0, tzinfo=TOKYO)
"""four days, over the end of summer time in Europe (25 October)"""
DAYS = 4
CANARIES = [f"100.{64 + n // 250}.{n % 250}.{(n * 7) % 250 + 1}" for n in range(500)]
"""addresses that packets go to: the sensors' own"""
INFECTED = [f"8.8.{n // 200}.{n % 200 + 1}" for n in range(40)]
SUSPECTED = ["9.9.1.1"]
SCANNED = ["9.9.2.1"]
RESEARCH = "11.11.11.11"
PRIVATE = "10.1.2.3"
MIRROR = CANARIES[0]
SIX = "2400:cb00::17"
TOML = """zone = "Asia/Tokyo"
lake = "lake"
watchlists = ["mine.toml"]
[sensor.home]
paths = ["router.log"]
[notify]
name = "観測チーム例"
mail = "notify@example.org"
reference = "https://example.org/observation/"
contacts = "contacts.csv"
rules = ["tool_mirai", "mirai_wide", "telnet_without_mirai"]
"""
LIST = """format = 1
list = "mine"
version = "1"
date = 2026-01-01
licence = "CC0"
[[entries]]
organisation = "Example Survey"
prefixes = ["11.11.11.0/24"]
page = "https://survey.example/"
"""
CONTACTS = """prefix,asn,mail,name,language,zone
8.8.0.0/24,,abuse@example.jp,サンプル通信,,
9.9.0.0/16,,abuse@example.net,Example Net,en,Europe/Berlin
"""


def line(
    at: dt.datetime, src: str, dst: str, *, spt: int = 40000, dpt: int = 23, seq: int | None = None, flags: str = "SYN"
) -> str:
    return (
        f"{at.isoformat()} gw kernel: DROP IN=ppp0 OUT= MAC= SRC={src} DST={dst} LEN=40 TOS=0x00 PREC=0x00 TTL=50 ID=7 "
        f"PROTO=TCP SPT={spt} DPT={dpt} SEQ={int(ipaddress.ip_address(dst)) % (1 << 32) if seq is None else seq} ACK=0 "
        f"WINDOW=1024 RES=0x00 {flags} URGP=0\n"
    )


def log() -> Iterator[str]:
    marked = [*INFECTED, RESEARCH, PRIVATE, MIRROR]
    for day in range(DAYS):
        at = BEGIN + dt.timedelta(days=day)
        for n, src in enumerate(marked):
            for k in range(3):
                yield line(
                    at + dt.timedelta(hours=k, seconds=n),
                    src,
                    CANARIES[(7 * n + k) % 500],
                    spt=30000 + n,
                    dpt=23 if k else 2323,
                )
        for n, dst in enumerate(CANARIES if not day else CANARIES[:40]):
            yield line(at + dt.timedelta(hours=5, seconds=n), "7.7.7.7", dst, dpt=445, seq=99)
        for n in range(4):
            yield line(at + dt.timedelta(hours=6, seconds=n), SUSPECTED[0], CANARIES[n], spt=1024)
            yield line(at + dt.timedelta(hours=6, seconds=n), SCANNED[0], CANARIES[n], seq=5 + n)


def made(folder: Path) -> Settings:
    (folder / "router.log").write_text("".join(sorted(log())))
    (folder / "teiten.toml").write_text(TOML)
    (folder / "mine.toml").write_text(LIST)
    (folder / "contacts.csv").write_text(CONTACTS)
    found = settings.load(config=folder / "teiten.toml")
    lake = Lake.open_or_create(found.lake, "Asia/Tokyo")
    assert not intake.ingest(lake, [str(folder / "router.log")], found).failed
    classify.refresh(lake, found, None)
    return found


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return made(tmp_path_factory.mktemp("notify"))


@pytest.fixture
def chosen(once: Settings, tmp_path: Path) -> Settings:
    """A lake and settings of one's own."""
    assert once.file is not None
    shutil.copytree(once.file.parent, tmp_path / "own", ignore=shutil.ignore_patterns(".lock"))
    return settings.load(config=tmp_path / "own" / "teiten.toml")


@pytest.fixture(scope="session")
def found(once: Settings) -> hosts.Found:
    with open_session(Lake.open(once.lake), once) as session:
        return hosts.find(session, Filters(start=BEGIN, end=BEGIN + dt.timedelta(days=DAYS)), once.notifying)


def host(address: str, *, asn: int | None = 64500, rules: dict[str, float] | None = None, n: int = 1) -> hosts.Host:
    """A host that was seen n times, on a port each."""
    at = BEGIN.astimezone(dt.UTC)
    rows = [hosts.Row(BEGIN.date(), 6, 23 + k, at, at + dt.timedelta(minutes=k), 40000, 1, 1) for k in range(n)]
    packed = ipaddress.ip_address(address).packed
    return hosts.Host(packed, rules or {"tool_mirai": 1.0}, (BEGIN.date(),), rows, asn, "Example, Inc.", "JP")


def told_by(once: Settings, **more: object) -> Settings:
    """Settings with another [notify]."""
    own: Notifying = replace(once.notifying, **more)  # type: ignore[arg-type]
    return replace(once, notifying=own)
