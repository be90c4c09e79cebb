"""Hosts that look infected, counted again from the packets in plain Python: from events, and from aggregates."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.lake import making
from tests.report import dark

from teiten.lake import Lake
from teiten.report.answers import Answers
from teiten.report.asked import infected
from teiten.report.asked.infected import Hosts

MIRAI = ("mirai",)


def truth(made: dark.Made, *what: str, country: str | None = "any") -> Counter[dt.date]:
    """Day -> distinct sources of those packets."""
    found = {(p.day, p.row["src_ip"]) for p in made.of(*what) if country == "any" or p.row["country"] == country}
    return Counter(day for day, _ in found)


def hosts(answers: Answers) -> Hosts:
    return answers.once(infected.hosts("JP"))


@pytest.fixture(scope="module", params=["dark_quarter", "dark_counted"])
def found(request: pytest.FixtureRequest) -> Hosts:
    answer = hosts(request.getfixturevalue(request.param))
    assert answer.rows.counted == (request.param == "dark_counted")
    return answer


def test_hosts_by_day_are_those_of_the_packets(found: Hosts, dark_packets: dark.Made) -> None:
    for course, what, country in (
        (found.mirai, MIRAI, "any"),
        (found.wide, ("mirai", "wide"), "any"),
        (found.telnet, ("telnet",), "any"),
        (found.home, MIRAI, "JP"),
    ):
        own = truth(dark_packets, *what, country=country)
        assert {day: n for day, n in course.items() if n} == own
        assert all(course[day] == own[day] for day in dark.DAYS)


def test_a_day_that_nobody_watched_is_no_zero(found: Hosts) -> None:
    outage = dt.date(2026, 4, 3)
    assert found.mirai[outage] is None
    assert found.telnet[outage] is None
    assert found.mirai[dt.date(2026, 6, 30)] is None
    assert set(found.mirai) == set(found.days) | set(found.before)


def test_countries_and_sets_of_ports(found: Hosts, dark_packets: dark.Made) -> None:
    ports: dict[tuple[dt.date, str], set[int]] = defaultdict(set)
    land: dict[tuple[dt.date, str], str | None] = {}
    for p in dark_packets.of("mirai", quarter=2):
        ports[p.day, p.row["src_ip"]].add(p.row["dst_port"])
        land[p.day, p.row["src_ip"]] = p.row["country"]
    for own, told in (
        (Counter(land.values()), found.countries),
        (Counter(",".join(map(str, sorted(s))) for s in ports.values()), found.sets),
        (Counter(",".join(map(str, sorted(s))) for k, s in ports.items() if land[k] == "JP"), found.home_sets),
    ):
        assert {key: sum(days.values()) for key, days in told.items()} == own
    assert list(found.countries)[-1] is None, "the unknown comes last"
    telnet = Counter(day for (day, _), tried in ports.items() if tried & {23, 2323})
    assert {day: n for day, n in found.mirai_telnet.items() if n and day >= found.days[0]} == telnet


def test_a_filter_leaves_its_sources(dark_lake: Lake, dark_packets: dark.Made) -> None:
    with dark.opened(dark_lake) as session:
        answer = hosts(dark.answers(session, country=("CN",)))
    assert {d: n for d, n in answer.mirai.items() if n} == truth(dark_packets, "mirai", country="CN")
    assert not any(answer.home.values())


def test_many_sets_are_counted_together(tmp_path: Path) -> None:
    """Beyond the first 20 sets of the world and of the one country, the rest are 'other'."""
    made = dark.Made()
    day = dt.date(2026, 4, 1)
    for n in range(60):
        at = dt.datetime(2026, 4, 1, 3, tzinfo=dt.UTC) + dt.timedelta(minutes=n)
        dst = dark.DARK + n
        row = {
            "time": at, "sensor": "dark", "src_ip": f"1.80.0.{n}", "dst_ip": f"44.11.0.{n}", "tcp_seq": dst, "tcp_flags": 2,
            "dst_port": 5000 + n, "country": "JP" if n >= 50 else "CN", "source_pos": n, "action": None, "interface": None,
        }  # fmt: skip
        made.packets.append(dark.Packet(day, "mirai", row))
    with dark.opened(dark.lake_of(made, tmp_path)) as session:
        answer = hosts(dark.answers(session))
    assert sum(sum(days.values()) for days in answer.sets.values()) == 60
    assert len(answer.sets) == 20 + 10 + 1
    assert sum(answer.sets["other"].values()) == 30
    assert len(answer.home_sets) == 10


def test_logs_without_sequence_numbers_say_nothing(tmp_path: Path) -> None:
    lake = Lake.open_or_create(tmp_path / "lake", "Asia/Tokyo")
    making.fill(lake, [{"tcp_flags": 2, "tcp_seq": None}] * 3)
    with dark.opened(lake) as session:
        assert not dark.answers(session).once(infected.says_marks)
    making.fill(lake, [{"tcp_flags": 2, "tcp_seq": 5}])
    with dark.opened(lake) as session:
        assert dark.answers(session).once(infected.says_marks)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.none() | st.integers(0, 1000), max_size=40))
def test_what_is_typical(values: list[int | None]) -> None:
    told = infected.typical(values)
    seen = [v for v in values if v is not None]
    assert (told is None) == (not seen)
    if told:
        low, high, middle = told
        assert min(seen) <= low <= high <= max(seen)
        assert low - 1 <= middle <= high + 1
