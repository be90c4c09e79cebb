"""Sessions against those before: same ports, other sources, records, silence; a day's behaviour and its changes."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from teiten.sessions import compare
from teiten.sessions.compare import Rules
from teiten.sessions.join import Session

ZONE = ZoneInfo("Asia/Tokyo")
T = dt.datetime(2019, 3, 1, 12, tzinfo=ZONE)
RULES = Rules()


def session(hours: float, ports: list[int], *, src: int = 1, dst: int = 1, per_minute: int | None = None) -> Session:
    start = T + dt.timedelta(hours=hours)
    many = len(ports) if per_minute is None else per_minute
    return Session(
        "x", start, start + dt.timedelta(seconds=len(ports)), len(ports), len(ports), tuple((6, p) for p in ports), many,
        (bytes([192, 0, 2, src]),), 1, (40000,), 1, frozenset({bytes([198, 51, 100, dst])}), (244, 244), (1024,), None,
    )  # fmt: skip


def told(*sessions: Session) -> list[compare.Compared]:
    return compare.compare(sessions, ZONE, RULES)


def test_the_first_session_of_all_is_compared_with_nothing() -> None:
    (one,) = told(session(0, [22, 23, 80]))
    assert (one.same, one.record, one.ties, one.new_ports, one.silent, one.moved) == (None, None, False, (), (), False)
    assert compare.compare([], ZONE, RULES) == []
    assert compare.days([], ZONE, RULES) == []


def test_the_same_set_in_another_order_from_another_address() -> None:
    a, b, c = told(
        session(0, [22, 23, 80]), session(6, [80, 22, 23], src=2), session(7, [80, 22, 23], src=2, dst=9)
    )  # fmt: skip
    assert a.same is None
    assert b.same is not None and (b.same.after, b.same.other_source, b.same.same_observer) == (
        dt.timedelta(hours=6),
        True,
        True,
    )
    # the latest one before counts: from the same source, to another address of ours
    assert c.same is not None and c.same.earlier is b.session
    assert (c.same.other_source, c.same.same_observer) == (False, False)


def test_a_part_of_the_ports_and_single_ones_are_not_the_same() -> None:
    _, b, c, d = told(session(0, [22, 23, 80]), session(1, [22, 23]), session(2, [22]), session(3, [22], src=4))
    assert b.same is c.same is d.same is None


def test_records_need_something_before() -> None:
    one, two, three, four = told(session(0, [1, 2, 3]), session(1, [4, 5, 6]), session(2, [1, 2, 3, 4]), session(3, [9]))
    assert (one.record, one.ties) == (None, False)
    assert (two.record, two.ties, two.new_ports) == (None, True, ((6, 4), (6, 5), (6, 6)))
    assert (three.record, three.ties) == (3, False)
    assert (four.record, four.ties) == (None, False)


def test_silence_over_the_end_of_a_month_and_moving() -> None:
    a, b, c = told(session(-24, [22]), session(72, [22], src=2), session(73, [22], src=2))
    assert [d.isoformat() for d in b.silent] == ["2019-03-01", "2019-03-02", "2019-03-03"]
    assert (a.moved, b.moved) == (False, True)
    assert c.silent == ()


def test_days_that_nobody_watched_are_not_silent() -> None:
    sessions = [session(0, [22]), session(120, [22])]
    watched = {dt.date(2019, 3, d) for d in (1, 3, 4, 6)}
    assert [d.day for d in compare.compare(sessions, ZONE, RULES, watched)[1].silent] == [3, 4]
    assert compare.compare(sessions, ZONE, RULES, ())[1].silent == ()


def test_behaviour_changes_and_changes_back() -> None:
    """Single attempts in between tell nothing; the day of the change is the first of the other behaviour."""
    burst = [1, 2, 3, 4, 5]
    sessions = [
        session(0, burst), session(24, [22]), session(48, [22]), session(52, [23]), session(56, [80]),  # 3 March: slow
        session(72, [22]), session(96, burst), session(97, [22]), session(120, burst),
    ]  # fmt: skip
    found = compare.days(sessions, ZONE, RULES)
    assert [d.behaviour for d in found] == ["burst", "single", "slow", "single", "burst", "burst"]
    changes = compare.changes("x", found)
    assert [(c.day.day, c.before.day, c.was, c.now) for c in changes] == [(3, 1, "burst", "slow"), (5, 3, "slow", "burst")]


def test_the_rules_are_settings() -> None:
    one = [session(0, [1, 2, 3]), session(24, [4, 5])]
    assert [d.behaviour for d in compare.days(one, ZONE, Rules(3, 2))] == ["burst", "slow"]
    assert [d.behaviour for d in compare.days(one, ZONE, Rules(4, 4))] == ["single", "single"]
    assert [c.burst for c in compare.compare(one, ZONE, Rules(2, 2))] == [True, True]


def test_days_are_those_of_the_zone() -> None:
    late = session(11.9, [22])  # 23:54 in Japan
    early = session(12.1, [23])
    assert [d.day.day for d in compare.days([late, early], ZONE, RULES)] == [1, 2]
    assert [d.day.day for d in compare.days([late, early], ZoneInfo("UTC"), RULES)] == [1]
