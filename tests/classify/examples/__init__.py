"""Events on which a rule has something to say, and whom it names: a module for each rule, by the rule's id."""

from __future__ import annotations

import datetime as dt
import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.lake.making import batch, events

from teiten import classify, marks
from teiten.lake import Lake
from teiten.settings import Sensor, Settings

DAY = dt.date(2026, 4, 1)
TOKYO = Settings("Asia/Tokyo", "flag")
NOON = dt.datetime(2026, 4, 1, 3, tzinfo=dt.UTC)
"""noon of DAY in TOKYO"""
DARK = (44 << 24) | (11 << 16)
"""the first address of a dark /16, as a number"""


@dataclass(frozen=True)
class Example:
    """`events`: rows as `making.events` takes them; `named`: source -> the values that the rule gives it."""

    events: list[dict[str, Any]]
    named: dict[str, set[str | None]]
    settings: Settings = field(default=TOKYO)


def of(number: str, folder: Path) -> Example:
    """The example for the rule of that id; `folder` takes files that it needs."""
    made = importlib.import_module(f"tests.classify.examples.{number}").example(folder)
    assert isinstance(made, Example)
    return made


def address(number: int) -> str:
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))


def event(n: int, src: str, dst: int = DARK, seconds: float | None = None, **more: Any) -> dict[str, Any]:
    """A TCP SYN as an ordinary host sends it, to a dark address, n / 10 seconds (or `seconds`) after NOON."""
    after = n / 10 if seconds is None else seconds
    plain: dict[str, Any] = {
        "time": NOON + dt.timedelta(seconds=after), "src_ip": src, "dst_ip": address(dst), "sensor": "dark", "protocol": 6,
        "src_port": 40000 + n % 20000, "dst_port": 23, "ttl": 50, "ip_id": (n * 7919 + 3) % 65536, "ip_len": 60,
        "tcp_flags": 2, "tcp_seq": (n * 2654435761 + 12345) % (1 << 32), "tcp_ack": 0, "tcp_window": 64240, "tcp_opt_len": 20,
        "ip_flags": 2, "frag_offset": 0, "payload_len": 0, "source_pos": n, "action": None, "interface": None,
    }  # fmt: skip
    return plain | more


def telescope(addresses: int = 65536, **thresholds: float) -> Settings:
    """Settings of a sensor `dark` with so many addresses."""
    return replace(TOKYO, sensors=(Sensor("dark", addresses=addresses),), thresholds=thresholds)


def lake_of(folder: Path, rows: Iterable[Mapping[str, Any]]) -> Lake:
    """A lake with those events, not judged."""
    lake = Lake.open_or_create(folder / "lake", "Asia/Tokyo")
    made = marks.add(events(rows))
    with lake.writer() as writer:
        writer.commit(batch(made.height, sensor="dark", t_min=made["time"].min(), t_max=made["time"].max()), made)
    return lake


def judged(folder: Path, rows: Iterable[Mapping[str, Any]], chosen: Settings = TOKYO) -> tuple[Lake, classify.Result]:
    """The lake with those events, and what became of judging them."""
    lake = lake_of(folder, rows)
    return lake, classify.run(lake, chosen)
