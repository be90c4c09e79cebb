"""A watched organisation: through the whole lake, by its lists' days; an unknown one is said in one sentence."""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from making import fill

from teiten.classify import watchlists
from teiten.engine import open_session
from teiten.engine.filters import Filters
from teiten.errors import UsageError
from teiten.lake import Lake
from teiten.sessions import join, thresholds, watch
from teiten.settings import Settings

ZONE = ZoneInfo("Asia/Tokyo")
TOKYO = Settings("Asia/Tokyo", "flag")


def test_notice_by_its_announcement(february: tuple[Lake, Path]) -> None:
    found = watchlists.load()
    with open_session(february[0], TOKYO) as asked:
        seen = watch.of_organisation(asked, TOKYO, found, "notice", Filters())
        assert seen.key == "NOTICE"
        assert len(seen.compared) == 14
        assert seen.since == dt.datetime(2019, 2, 18, 0, 0, 7, tzinfo=ZONE)
        assert {(c.key, c.day.day) for c in seen.changes} == {("NOTICE", 26), ("153.231.215.10", 26)}
        start, end = (dt.datetime(2019, 2, d, tzinfo=ZONE) for d in (21, 22))
        day = [c.session for c in seen.between(start, end)]
        assert [len(own) for own in seen.steps(asked, day)] == [11, 11]
        crossings = seen.crossings(asked, day)
        assert [[c.id for c in crossings[s] if c.crossed] for s in day] == [["psad.1"], ["psad.1"]]
        # filters go for the events of the sessions too
        narrow = watch.of_organisation(asked, TOKYO, found, "NOTICE", Filters(protocol=(17,)))
        assert narrow.compared == []


@pytest.mark.parametrize("filters", [Filters(), Filters(protocol=(6,), scanners="only")])
def test_in_a_large_lake_an_organisations_events_are_looked_for_once(
    february: tuple[Lake, Path], monkeypatch: pytest.MonkeyPatch, filters: Filters
) -> None:
    found = watchlists.load()
    with open_session(february[0], TOKYO) as asked:
        plain = watch.of_organisation(asked, TOKYO, found, "notice", filters)
        monkeypatch.setattr(join, "GATHERED", 0)
        once = watch.of_organisation(asked, TOKYO, found, "notice", filters)
        assert once.events.name and not plain.events.name
        assert replace(once, events=plain.events) == plain
        sessions = [c.session for c in plain.compared]
        assert once.steps(asked, sessions) == plain.steps(asked, sessions)
        assert once.crossings(asked, sessions) == plain.crossings(asked, sessions)
        tries = join.tries(asked, sessions, once.whose, events=once.events)
        steps = [[(s.time, s.src_ip, s.protocol, s.dst_port, s.dst_ip, s.packets, s.action) for s in own]
                 for own in plain.steps(asked, sessions)]  # fmt: skip
        assert tries == [thresholds.tries_of(own) for own in steps]


def test_members_count_on_their_days() -> None:
    found = watchlists.load()
    notice = watch.members(found, "NOTICE")
    assert {str(m.network) for m in notice} >= {"153.231.226.168/29", "150.249.227.160/28"}
    assert {m.valid_from for m in notice} == {dt.date(2019, 2, 20)}
    survey = watch.members(found, "NICT")
    assert {(m.valid_from, m.valid_to) for m in survey} == {(dt.date(2018, 11, 14), dt.date(2019, 1, 31))}


def test_an_unknown_organisation_is_one_sentence_that_names_those_there_are() -> None:
    with pytest.raises(UsageError) as told:
        watch.members(watchlists.load(), "NOTIZ")
    assert "NOTIZ" in told.value.message
    assert told.value.hint is not None
    assert "NOTICE" in told.value.hint


def test_sources_are_watched_one_by_one(lake: Lake) -> None:
    start = dt.datetime(2019, 3, 31, 23, 59, 50, tzinfo=ZONE)
    fill(
        lake,
        [
            {"time": start + dt.timedelta(seconds=n), "src_ip": f"192.0.2.{1 + n % 2}", "dst_port": 20 + n, "source_pos": n}
            for n in range(30)
        ],
    )
    prefix = Filters(src=(ipaddress.ip_network("192.0.2.0/24"),))
    with open_session(lake, TOKYO) as asked:
        one, two = sorted(watch.of_sources(asked, TOKYO, prefix), key=lambda w: w.key)
        assert (one.key, two.key) == ("192.0.2.1", "192.0.2.2")
        assert [c.session.tries for c in one.compared] == [15]
        assert [len(own) for own in one.steps(asked, [one.compared[0].session])] == [15]
        busiest = watch.busiest(asked, TOKYO, Filters(), 1)
        assert [len(w.compared) for w in busiest] == [1]
        assert watch.of_sources(asked, TOKYO, join.with_sources(Filters(), ["198.51.100.9"])) == []


def test_an_empty_lake(lake: Lake) -> None:
    with open_session(lake, TOKYO) as asked:
        seen = watch.of_organisation(asked, TOKYO, watchlists.load(), "NOTICE", Filters())
        assert (seen.compared, seen.days, seen.changes, seen.since) == ([], [], [], None)
        assert watch.busiest(asked, TOKYO, Filters(), 5)[0].compared == []


def test_corrections_count(lake: Lake) -> None:
    """What an analyst says of an address wins over the list, on the days it is said of; the longest prefix last."""
    start = dt.datetime(2019, 3, 1, 12, tzinfo=ZONE)
    rows = [
        {"time": start + dt.timedelta(days=d, minutes=n), "src_ip": src, "dst_port": 22, "source_pos": 10 * d + n}
        for d in (0, 1)
        for n, src in enumerate(("153.231.226.170", "153.231.226.171", "192.0.2.7"))
    ]
    fill(lake, rows)
    notes = [
        {"src": "153.231.226.168/29", "label": "not_a_scanner", "day_from": dt.date(2019, 3, 2)},
        {"src": "153.231.226.171", "label": "announced_scanner", "value": "NOTICE"},
        {"src": "192.0.2.0/28", "label": "announced_scanner", "value": "NOTICE", "day_to": dt.date(2019, 3, 1)},
    ]
    for note in notes:
        lake.add_note("correction", text="so it is", **note)
    with open_session(lake, TOKYO) as asked:
        seen = watch.of_organisation(asked, TOKYO, watchlists.load(), "NOTICE", Filters())
        found = [(c.session.start.astimezone(ZONE).day, a) for c in seen.compared for a in c.session.sources]
        assert asked.query(f"SELECT count(*) AS n FROM ({seen.sql})")[0]["n"] == len(seen.compared)
    address = {"170": "153.231.226.170", "171": "153.231.226.171", "7": "192.0.2.7"}
    packed = {name: ipaddress.ip_address(text).packed for name, text in address.items()}
    assert found == [(1, packed["170"]), (1, packed["171"]), (1, packed["7"]), (2, packed["171"])]
