"""The watch of NOTICE of February 2019, from a log to what its author published: sessions, comparisons, masked lines."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from zoneinfo import ZoneInfo

import notice
import pytest

from teiten.engine import open_session
from teiten.engine.filters import Filters
from teiten.frame import address_text
from teiten.lake import Lake
from teiten.publish import evidence, masks
from teiten.sessions import compare, join, thresholds
from teiten.settings import Reading, Settings

ZONE = ZoneInfo("Asia/Tokyo")
TOKYO = Settings("Asia/Tokyo", "flag")
NOTICE = join.networks(
    ["153.231.215.8/29", "153.231.216.176/29", "153.231.216.184/29", "153.231.226.160/29", "153.231.226.168/29"]
)
SEEDS = Path(__file__).resolve().parents[3] / "shared" / "seeds"
RULES = compare.Rules()


def test_the_published_lines_are_the_authors_letter_for_letter(february: tuple[Lake, Path]) -> None:
    seed = next(iter(sorted(SEEDS.glob("004_*"))), None)
    if seed is None:
        pytest.skip("the author's page (../shared/seeds) is not here")
    wanted = re.findall(r"^(?:2019-02-2\d.*|…約\d+秒後)$", seed.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(wanted) == 24 + 20
    with open_session(february[0], TOKYO) as asked:
        found = join.of_organisation(asked, "NOTICE", NOTICE, Filters(), 120).sessions[:4]
        steps = join.steps(asked, found, join.membership(asked, NOTICE, Filters()))
        made = []
        for own in steps:
            for line in evidence.of_steps(asked, own, masks.SEED, Reading()):
                assert line.why == ""
                made += [] if line.gap is None else [f"…約{round(line.gap.total_seconds())}秒後"]
                made.append(line.text)
    assert made == wanted


def test_what_the_author_compares(february: tuple[Lake, Path]) -> None:
    with open_session(february[0], TOKYO) as asked:
        found = join.of_organisation(asked, "NOTICE", NOTICE, Filters(), 120).sessions
        whose = join.membership(asked, NOTICE, Filters())
        alone = join.of_sources(asked, Filters(), 120, whose=whose).sessions
    told = compare.compare(found, ZONE, RULES)
    # the most in such a time so far, from another address than the day before, eleven ports that had not been tried but two
    burst = told[2]
    assert (burst.burst, burst.record, burst.moved) == (True, 1, True)
    assert [p for _, p in burst.new_ports] == [8080, 23, 8000, 23023, 2222, 21, 443, 81, 2323]
    # about six hours later the same ports from yet another address, to the same address of ours
    again = told[3]
    assert again.same is not None and again.same.earlier is burst.session
    assert round(again.same.after / dt.timedelta(hours=1)) == 6
    assert (again.same.other_source, again.same.same_observer, again.ties, again.new_ports) == (True, True, True, ())
    # nothing from the 22nd to the 24th
    assert [d.day for d in told[4].silent] == [22, 23, 24]
    assert not any(c.silent for n, c in enumerate(told) if n != 4)
    # on the 26th an address that burst on the 21st is modest, and so is the whole
    days = compare.days(found, ZONE, RULES)
    assert [(d.day.day, d.behaviour) for d in days] == [(20, "single"), (21, "burst"), (25, "single"), (26, "slow")]
    (change,) = compare.changes("NOTICE", days)
    assert (change.day, change.before, change.was, change.now) == (dt.date(2019, 2, 26), dt.date(2019, 2, 21), "burst", "slow")
    own = [s for s in alone if s.key == "153.231.215.10"]
    (changed,) = compare.changes("153.231.215.10", compare.days(own, ZONE, RULES))
    assert (changed.day.day, changed.before.day, changed.was, changed.now) == (26, 21, "burst", "slow")


def test_only_a_severe_detector_would_have_spoken(february: tuple[Lake, Path]) -> None:
    """As the author says: only an IDS set more severely than is of practical use."""
    with open_session(february[0], TOKYO) as asked:
        found = join.of_organisation(asked, "NOTICE", NOTICE, Filters(), 120).sessions[2:4]
        for own in join.steps(asked, found, join.membership(asked, NOTICE, Filters())):
            events = [(s.time, s.src_ip, s.protocol, s.dst_port, s.dst_ip, s.packets, s.action) for s in own]
            crossed = [c.id for c in thresholds.worst(thresholds.tries_of(events)) if c.crossed]
            assert crossed == ["psad.1"]


def test_addresses_of_ours_are_told_apart_but_never_named(february: tuple[Lake, Path]) -> None:
    with open_session(february[0], TOKYO) as asked:
        found = join.of_organisation(asked, "NOTICE", NOTICE, Filters(), 120)
    ours = {address_text(a) for s in found.sessions for a in s.observers}
    assert ours == {notice.OBSERVER, notice.AFTER}
    assert notice.OBSERVER not in found.sql
    assert notice.AFTER not in found.sql
