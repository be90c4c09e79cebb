"""Research scanners of a quarter, counted again from the packets in plain Python: from events, and from aggregates."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest
from tests.report import dark

from teiten.report.answers import Answers
from teiten.report.asked import research

SCANS = ("large", "announced")


@pytest.fixture(scope="module", params=["dark_quarter", "dark_counted"])
def answers(request: pytest.FixtureRequest) -> Answers:
    found: Answers = request.getfixturevalue(request.param)
    return found


def test_the_quarters(answers: Answers, dark_packets: dark.Made) -> None:
    told = answers.once(research.quarters)
    assert [q.period.name for q in told.all] == ["2026-Q1", "2026-Q2"]
    for quarter, number in zip(told.all, (1, 2), strict=True):
        assert quarter.packets == len(dark_packets.of(quarter=number))
        for what, packets, addresses in (
            (SCANS, quarter.scan_packets, quarter.addresses),
            (("announced",), quarter.known_packets, quarter.known_addresses),
            (("large",), quarter.unknown_packets, quarter.unknown_addresses),
        ):
            own = dark_packets.of(*what, quarter=number)
            assert (packets, addresses) == (len(own), len({p.row["src_ip"] for p in own}))
        assert quarter.share == (quarter.scan_packets or 0) / (quarter.packets or 1)
        assert 0.02 < quarter.coverage.share < 0.1, "a few days of the quarter"


def test_a_quarter_that_nobody_watched_has_no_counts(answers: Answers) -> None:
    """The quarters before the first are left out; the first itself has numbers, however little of it was watched."""
    told = answers.once(research.quarters)
    assert all(q.packets is not None for q in told.all)
    assert len(told.all) < research.QUARTERS


def test_the_days(answers: Answers, dark_packets: dark.Made) -> None:
    days = answers.once(research.days)
    place = {moment.date(): n for n, moment in enumerate(days.times)}
    now = dark_packets.of(quarter=2)
    rest = Counter(p.day for p in now if p.what not in SCANS)
    assert {day: days.rest[n] for day, n in place.items() if days.rest[n] is not None} == rest
    assert days.rest[place[dt.date(2026, 4, 3)]] is None
    assert days.scans(place[dt.date(2026, 4, 3)]) is None
    for country in ("RU", "JP"):
        own = Counter(p.day for p in now if p.what in SCANS and p.row["country"] == country)
        assert {day: n for day, i in place.items() if (n := days.countries[country][i])} == own
    unknown = Counter(p.day for p in now if p.what in SCANS and p.row["country"] is None)
    assert {day: n for day, i in place.items() if (n := days.unknown[i])} == unknown
    assert list(days.sums.items()) == [("RU", 60), ("JP", 15), (None, 45)], "the unknown comes last"
    assert not any(days.other)


def test_the_prefixes(answers: Answers, dark_packets: dark.Made) -> None:
    rows = answers.once(research.prefixes)
    large = dark_packets.of("large", quarter=2)
    first = rows[0]
    assert first == {
        "rank": 1, "prefix": "92.63.197.0/24", "country": "RU", "asn": 44446, "as_name": "IP Kiktev, Nikolay", "scanner": None,
        "addresses": 1, "packets": len(large), "share": len(large) / len(dark_packets.of(*SCANS, quarter=2)), "days": 2,
        "most": 60, "most_day": dt.date(2026, 4, 2), "ports": len({p.row["dst_port"] for p in large if p.day.day == 2}),
    }  # fmt: skip
    assert [(r["prefix"], r["scanner"], r["addresses"], r["ports"]) for r in rows[1:]] == [
        ("153.231.226.0/24", "NOTICE", 3, None)
    ]
    assert rows.counted == answers.once(research.days).rows.counted


def test_the_threshold_that_was_used(answers: Answers) -> None:
    """As the verdicts have it: the floor, since 256 addresses are few."""
    assert research.needed(answers, dark.CHOSEN) == research.Needed((40, 40), 10, (256, 256), True, True)
