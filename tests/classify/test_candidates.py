"""Whom a name server is asked about: by their verdicts, the most telling first, and whom never."""

from __future__ import annotations

import datetime as dt
import ipaddress
from typing import Any

import polars as pl

from teiten.classify import candidates
from teiten.engine import filters
from teiten.engine.duckdb import Session
from teiten.lake import Lake, verdict
from teiten.settings import Settings

TOKYO = Settings("Asia/Tokyo", "flag")
DAY = dt.date(2026, 5, 1)
JUDGED = [
    ("45.33.32.1", "port_scanner", None, "port_scanner"),
    ("45.33.32.2", "tool", "zmap", "tool_zmap_mark"),
    ("45.33.32.3", "large_scanner", None, "large_scanner"),
    ("45.33.32.4", "tool", "mirai", "tool_mirai"),
    ("45.33.32.5", "large_scanner", None, "large_scanner"),
    ("45.33.32.5", "announced_scanner", "Shodan", "announced_prefix"),
    ("45.33.32.6", "port_scanner", None, "port_scanner"),
    ("45.33.32.6", "announced_scanner", "Shodan", "announced_name"),
    ("45.33.32.7", "spoofed_flood", None, "spoofed_flood"),
    ("192.168.1.1", "large_scanner", None, "large_scanner"),
    ("239.1.1.1", "large_scanner", None, "large_scanner"),
    ("45.33.32.9", "backscatter", None, "backscatter"),
]
"""address, label, value, rule; 45.33.32.8 has no verdict"""


def found(make_lake: Any, **how: Any) -> list[tuple[str, int, str | None]]:
    addresses = [*dict.fromkeys(address for address, *_ in JUDGED), "45.33.32.8"]
    packets = [(f"2026-05-01T10:00:{n:02}", a, "23/tcp") for a in addresses for n in range(int(a.rpartition(".")[2]))]
    lake: Lake = make_lake(packets)
    rows = [
        (ipaddress.ip_address(address).packed, 32, DAY, "all", label, value, rule, None, None, 1.0, "{}")
        for address, label, value, rule in JUDGED
    ]
    frame = pl.DataFrame(rows, schema={name: verdict.SCHEMA[name] for name in verdict.GIVEN}, orient="row")
    lake.replace_verdicts([DAY], "Asia/Tokyo", frame, last_batch=1, basis="{}")
    wanted = filters.parse(TOKYO, start=how.pop("start", None), end=how.pop("end", None), **how.pop("filters", {}))
    with Session(lake, TOKYO) as session:
        told = candidates.find(session, wanted, **how)
    return [(str(ipaddress.ip_address(src)), packets, label) for src, packets, label in told.iter_rows()]


def test_the_most_telling_come_first_and_ordinary_ones_not_at_all(make_lake: Any) -> None:
    assert found(make_lake) == [
        ("45.33.32.3", 3, "large_scanner"),
        ("45.33.32.2", 2, "tool"),
        ("45.33.32.6", 6, "port_scanner"),
        ("45.33.32.1", 1, "port_scanner"),
    ]


def test_everyone_means_those_who_can_have_a_name(make_lake: Any) -> None:
    told = [address for address, *_ in found(make_lake, everyone=True)]
    assert told[:4] == ["45.33.32.3", "45.33.32.2", "45.33.32.6", "45.33.32.1"]
    assert told[4:] == ["45.33.32.9", "45.33.32.8", "45.33.32.4"]


def test_verdicts_and_events_are_those_of_the_period(make_lake: Any) -> None:
    assert found(make_lake, start="2026-05-02") == []
    assert len(found(make_lake, start="2026-05-01", end="2026-05-02")) == 4
    assert [address for address, *_ in found(make_lake, filters={"src": "45.33.32.2/31"})] == ["45.33.32.3", "45.33.32.2"]
