"""The quarter's letters: hosts, contacts, how many were not seen again, of how many that could be."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from tests.notify import conftest as own

from teiten import periods
from teiten.engine import open_session
from teiten.engine.filters import Filters
from teiten.lake import Lake
from teiten.notify import kept
from teiten.report.answers import Answers
from teiten.report.asked import told
from teiten.settings import Settings

once, chosen = own.once, own.chosen


def _letter(
    number: str, at: dt.datetime, *hosts: str, mail: str = "abuse@example.net", evidence: str = "tool_mirai"
) -> list[dict[str, object]]:
    return [
        {"what": "prepared", "id": number, "at": kept.moment(at), "folder": "/f", "digest": "", "subject": "s", "packets": 1,
         "contact": {"mail": mail, "name": "", "language": "en"}, "networks": [], "hosts": [[one, evidence] for one in hosts],
         "first": kept.moment(at), "last": kept.moment(at)},
        {"what": "sent", "id": number, "at": kept.moment(at)},
    ]  # fmt: skip


def _asked(chosen: Settings) -> told.Told | None:
    settings = replace(chosen, notifying=replace(chosen.notifying, unseen=86_400))
    period = periods.parse("quarterly", "2026-Q4", chosen.zone)
    with open_session(Lake.open(chosen.lake), settings) as session:
        return told.told(Answers(session, period, Filters(), settings.thresholds))


def test_those_seen_again_and_those_not(chosen: Settings) -> None:
    assert _asked(chosen) is None
    first, last = own.BEGIN + dt.timedelta(hours=12), own.BEGIN + dt.timedelta(days=own.DAYS - 1)
    with kept.writing(chosen.lake) as writer:
        # infected hosts are there every day; 8.9.9.9 never was; of what is told on the last day nobody knows yet
        writer.add(*_letter("a", first, own.INFECTED[0], own.INFECTED[1], "8.9.9.9"))
        writer.add(*_letter("b", first + dt.timedelta(hours=1), own.INFECTED[0], mail="other@example.net"))
        writer.add(*_letter("c", last, own.SCANNED[0], evidence="telnet_without_mirai"))
        writer.add(*_letter("d", own.BEGIN - dt.timedelta(days=90), "8.9.9.8"))
        writer.add(_letter("e", first, "8.9.9.7")[0], {"what": "sending", "id": "e", "at": kept.moment(first)})
    found = _asked(chosen)
    assert found is not None
    assert (found.letters, found.contacts, found.doubt) == (3, 2, 1)
    assert found.lines == (
        told.Line("infected", 3, 3, 1), told.Line("scanned", 1, 0, 0), told.Line(None, 4, 3, 1)
    )  # fmt: skip
