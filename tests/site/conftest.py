"""Three weeks of four sensors with known counts, one of which sees what the others do not; and the site of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from teiten import intake, settings
from teiten.lake import Lake
from teiten.settings import Settings
from teiten.site import build
from teiten.site.build import Made
from teiten.site.plan import Plan, plan

SENSORS = {"tokyo": "198.51.100.23", "osaka": "198.51.100.91", "oslo": "203.0.113.7", "lima": "203.0.113.200"}
FIRST = dt.date(2026, 8, 3)
DAYS = 21
TODAY = dt.date(2026, 8, 28)
ALONE = 7777
"""a port that one sensor alone sees, very much"""


def line(at: dt.datetime, src: str, dst: str, port: int) -> str:
    return (
        f"{at.isoformat()} gw kernel: DROP IN=ppp0 OUT= MAC= SRC={src} DST={dst} LEN=40 TOS=0x00 PREC=0x00 TTL=50 ID=7 "
        f"PROTO=TCP SPT=40000 DPT={port} SEQ=1 ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0\n"
    )


def log(sensor: str) -> Iterator[str]:
    """Each day 30 packets for 23/tcp of 15 hosts, 14 for 445/tcp of 14, 2 for 81/tcp; at lima 300 for 7777/tcp besides."""
    begin = dt.datetime.combine(FIRST, dt.time(1), ZoneInfo("Asia/Tokyo"))
    for day in range(DAYS):
        ports = [23] * 30 + [445] * 14 + [81] * 2 + ([ALONE] * 300 if sensor == "lima" else [])
        for n, port in enumerate(ports):
            host = f"8.8.{port % 200}.{n % 15 if port == 23 else n % 250}"
            yield line(begin + dt.timedelta(days=day, seconds=n * 79_000 // len(ports)), host, SENSORS[sensor], port)


@pytest.fixture(scope="session")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The settings of a lake with those logs."""
    folder = tmp_path_factory.mktemp("site")
    text = 'zone = "Asia/Tokyo"\nlanguage = "en"\nlake = "lake"\n[publish]\nurl = "https://example.org/x/"\nweeks = 4\n'
    for name in SENSORS:
        (folder / f"{name}.log").write_text("".join(log(name)))
        group = "domestic" if name in ("tokyo", "osaka") else "overseas"
        text += f'[sensor.{name}]\ngroup = "{group}"\npaths = ["{name}.log"]\n'
    (folder / "teiten.toml").write_text(text)
    found = settings.load(config=folder / "teiten.toml")
    lake = Lake.open_or_create(found.lake, "Asia/Tokyo")
    assert not intake.ingest(lake, [str(folder / f"{name}.log") for name in SENSORS], found).failed
    return found


@dataclass(frozen=True)
class Site:
    out: Path
    plan: Plan
    made: Made
    settings: Settings


def make(found: Settings, out: Path, today: dt.date = TODAY) -> Site:
    planned = plan(Lake.open(found.lake), found, out, today)
    return Site(out, planned, build.build(planned.jobs, out, planned.secret, planned.about), found)


@pytest.fixture(scope="session")
def site(chosen: Settings, tmp_path_factory: pytest.TempPathFactory) -> Site:
    return make(chosen, tmp_path_factory.mktemp("public") / "site")
