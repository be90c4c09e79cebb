"""Scan events: ORION's rule at its edges, its types of traffic, and the same whatever the parts."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.classify.examples import DARK, NOON, TOKYO, event, lake_of, telescope

from teiten.classify import observed, scans
from teiten.classify.scans import Rule
from teiten.engine import filters, open_session
from teiten.engine.filters import Filters

WHOLE = 1 << 32
RULE = Rule(65536)


def found(folder: Path, rows: list[dict[str, Any]], rule: Rule = RULE, **texts: str) -> list[dict[str, Any]]:
    folder.mkdir(exist_ok=True)
    with open_session(lake_of(folder, rows), TOKYO) as session:
        asked = filters.parse(TOKYO, **texts)
        return pl.concat(list(scans.scans(session, asked, rule))).to_dicts()


def sweep(src: str, count: int, gap: float, begin: float = 0.0, **more: Any) -> list[dict[str, Any]]:
    return [event(n, src, DARK + n, seconds=begin + n * gap, **more) for n in range(count)]


def test_a_scan_event(tmp_path: Path) -> None:
    rows = sweep("192.0.2.1", 300, 1.0) + sweep("192.0.2.1", 12, 1.0, dst_port=2323) + sweep("192.0.2.9", 9, 1.0)
    one, other = found(tmp_path, rows)
    assert (one["port"], one["protocol"], one["traffic"]) == (23, 6, "tcp-syn")
    assert (one["packets"], one["bytes"], one["destinations"], one["destinations_24"]) == (300, 18000, 300, 2)
    assert (one["start"], one["end"]) == (NOON, NOON + dt.timedelta(seconds=299))
    assert one["rate"] == pytest.approx(300 * WHOLE / 65536 / 299)
    assert (other["port"], other["destinations"]) == (2323, 12)


@pytest.mark.parametrize(("pause", "events"), [(624.0, 1), (624.1, 2)])
def test_it_ends_after_624_seconds(tmp_path: Path, pause: float, events: int) -> None:
    rows = sweep("192.0.2.1", 20, 1.0) + sweep("192.0.2.1", 20, 1.0, 19 + pause)
    assert len(found(tmp_path, rows)) == events


def test_destinations_and_rate_at_their_edges(tmp_path: Path) -> None:
    assert not found(tmp_path / "a", sweep("192.0.2.1", 9, 1.0))
    assert found(tmp_path / "b", sweep("192.0.2.1", 10, 1.0))
    repeated = [event(n, "192.0.2.1", DARK + n % 9, seconds=n) for n in range(100)]
    assert not found(tmp_path / "c", repeated)
    # 10 packets in 90 seconds of half of all addresses: 0.22 a second of all
    assert not found(tmp_path / "d", sweep("192.0.2.1", 10, 10.0), Rule(WHOLE // 2))
    assert found(tmp_path / "e", sweep("192.0.2.1", 10, 10.0), Rule(WHOLE // 90))
    assert not found(tmp_path / "f", sweep("192.0.2.1", 10, 10.0), Rule(WHOLE // 89))
    assert found(tmp_path / "g", sweep("192.0.2.1", 10, 0.0), Rule(WHOLE))[0]["rate"] is None


def test_types_of_traffic(tmp_path: Path) -> None:
    icmp = {"protocol": 1, "src_port": None, "dst_port": None, "tcp_flags": None, "icmp_code": 0}
    rows = sweep("192.0.2.1", 10, 1.0, tcp_flags=18, src_port=80) + sweep("192.0.2.2", 10, 1.0, tcp_flags=4, src_port=443)
    rows += sweep("192.0.2.3", 10, 1.0, tcp_flags=20, src_port=443) + sweep("192.0.2.4", 10, 1.0, tcp_flags=16)
    rows += sweep("192.0.2.5", 10, 1.0, icmp_type=8, **icmp) + sweep("192.0.2.6", 10, 1.0, icmp_type=11, **icmp)
    rows += sweep("192.0.2.7", 10, 1.0, protocol=17, tcp_flags=None) + sweep("192.0.2.8", 10, 1.0, tcp_flags=2 | 64)
    rows += sweep("192.0.2.9", 10, 1.0, protocol=47, tcp_flags=None, src_port=None, dst_port=None)
    told = {row["src_ip"][-1]: (row["traffic"], row["port"]) for row in found(tmp_path, rows)}
    assert told == {
        1: ("tcp-synack", 80), 2: ("tcp-rst", 443), 3: ("tcp-other", 23), 4: ("tcp-ack", 23), 5: ("icmp-echo-request", None),
        6: ("icmp-time-exceeded", None), 7: ("udp", 23), 8: ("tcp-other", 23), 9: ("unknown", None),
    }  # fmt: skip


def test_marks_are_counted_and_filters_hold(tmp_path: Path) -> None:
    rows = [event(n, "192.0.2.1", DARK + n, seconds=n, tcp_seq=DARK + n) for n in range(10)]
    rows += [event(n, "192.0.2.2", DARK + n, seconds=n, ip_id=54321, dst_port=80) for n in range(10)]
    told = [(row["mirai"], row["masscan"], row["zmap"]) for row in found(tmp_path / "a", rows)]
    assert told == [(10, 0, 0), (0, 0, 10)]
    assert [row["port"] for row in found(tmp_path / "b", rows, port="80/tcp")] == [80]
    assert not found(tmp_path / "c", rows, src="198.51.100.0/24")


def test_parts_say_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [event(n, f"192.0.2.{n % 40}", DARK + n, seconds=n / 10) for n in range(2000)]
    whole = found(tmp_path / "a", rows)
    monkeypatch.setattr(scans, "EVENTS_AT_ONCE", 150)
    parts = found(tmp_path / "b", rows)
    assert sorted(parts, key=repr) == sorted(whole, key=repr)
    assert len(whole) == 40


def test_observed_addresses(tmp_path: Path) -> None:
    """As configured; of a sensor that nobody configured, those that were seen."""
    rows = [event(n, "192.0.2.1", DARK + n) for n in range(30)] + [event(n, "192.0.2.1", sensor="b") for n in range(3)]
    lake = lake_of(tmp_path, rows)
    with open_session(lake, TOKYO) as session:
        assert observed.addresses(session, Filters()) == 31
        assert observed.addresses(session, Filters(sensor=("b",))) == 1
        assert observed.addresses(session, Filters(sensor=("nobody",))) == 1
    with open_session(lake, telescope(65536)) as session:
        assert observed.addresses(session, Filters()) == 65537
