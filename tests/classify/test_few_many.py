"""Few hosts with many ports beside many hosts with few, by country."""

from __future__ import annotations

from pathlib import Path

from tests.classify.examples import DARK, TOKYO, event, lake_of

from teiten.classify import few_many
from teiten.engine import open_session
from teiten.engine.filters import Filters


def test_by_country(tmp_path: Path) -> None:
    rows = [event(n, f"192.0.2.{n % 3}", DARK, country="RU", dst_port=1 + n // 3) for n in range(1500)]
    rows += [event(n, f"192.0.3.{n % 50}", DARK, country="RU") for n in range(100)]
    rows += [event(n, f"198.51.{n % 200}.1", DARK, country="CN", dst_port=(23, 2323)[n % 2]) for n in range(400)]
    rows += [event(n, "203.0.113.1", DARK, country=None, dst_port=n % 20) for n in range(40)]
    # answers go to many ports, and say nothing of who tries them
    rows += [event(n, "203.0.113.9", DARK, country="CN", tcp_flags=18, dst_port=1024 + n) for n in range(900)]
    with open_session(lake_of(tmp_path, rows), TOKYO) as session:
        found = few_many.by_country(session, TOKYO, Filters())
    russia, china, unknown = found
    assert [row["country"] for row in found] == ["RU", "CN", None]
    assert [row["pattern"] for row in found] == [few_many.FEW_HOSTS, few_many.MANY_HOSTS, few_many.MIXED]
    assert (russia["hosts"], russia["hosts_many"], russia["tries_many"], russia["tries"]) == (53, 3, 1500, 1550)
    assert (russia["most_ports"], russia["packets_many"], russia["hosts_few"]) == (500, 1500, 50)
    assert (china["hosts"], china["hosts_few"], china["packets_few"]) == (200, 200, 400)
    assert set(unknown) == set(few_many.COLUMNS)
    assert "address" not in found.sql
