"""Spans that begin and end within days: aggregates of the whole days beside the events of the others say what events say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from making import fill
from manyfold import DAYS, rows, span

from teiten import rollup
from teiten.engine import filters, questions, rolled, series, staged
from teiten.engine.duckdb import Session
from teiten.engine.filters import Filters
from teiten.lake import Lake
from teiten.settings import Settings

ZONE = "Europe/Berlin"
Ask = Callable[[Session, Filters, dt.datetime, dt.datetime], Any]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Session, Session, Settings]]:
    """Four days, of which the first three have aggregates: asked from these, and from events alone."""
    settings = Settings(ZONE, "flag")
    lake = Lake.create(tmp_path_factory.mktemp("parts") / "lake", ZONE)
    fill(lake, rows(1200, ZONE, 5))
    for source, label, value in (
        ("203.0.113.7", "announced_scanner", "Alpha"),
        ("203.0.113.9", "tool", "zmap"),
        ("2001:db8::/64", "spoofed_flood", None),
    ):
        lake.add_note("correction", src=source, label=label, value=value, day_from=DAYS[0], day_to=DAYS[3])
    rollup.ensure(lake, settings, DAYS[:3])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rolled, "SHARE", 0)
        with Session(lake, settings) as counting, Session(lake, settings, counted=False) as plain:
            yield counting, plain, settings


def ranked(what: str, by: Any) -> Ask:
    def ask(session: Session, chosen: Filters, start: dt.datetime, end: dt.datetime) -> Any:
        return questions.rank(session, what, start, end, by=by, before=(start - (end - start), start), filters=chosen, n=4)

    return ask


def through_time(what: str | None, step: Any, hosts: bool) -> Ask:
    def ask(session: Session, chosen: Filters, start: dt.datetime, end: dt.datetime) -> Any:
        return series.series(session, what, start, end, step, top=2, filters=chosen, hosts=hosts)

    return ask


ASKED: dict[str, Ask] = {
    **{
        f"{what} by {by}": ranked(what, by)
        for what in ("ports", "countries", "sources", "asns", "tools", "scanners")
        for by in ("packets", "hosts")
    },
    **{
        f"{what} a {step}": through_time(what, step, False) for what in ("ports", "countries", None) for step in ("hour", "day")
    },
    "hosts a day": through_time("ports", "day", True),
    "hosts an hour": through_time(None, "hour", True),
    "totals": lambda s, chosen, a, b: questions.totals(s, a, b, before=(a - (b - a), a), filters=chosen),
}
SPANS = {
    "into the last day": ((1, 5, 17), (3, 11, 5)),
    "within whole hours": ((0, 7, 0), (2, 20, 0)),
    "from midnight": ((1, 0, 0), (2, 12, 30)),
    "beyond the last event": ((2, 0, 0), (4, 9, 9)),
}


@pytest.mark.parametrize("name", SPANS)
@pytest.mark.parametrize(
    "words",
    [{}, {"country": "US,unknown", "port": "23,445/tcp"}, {"port": "23/tcp"}, {"scanners": "out", "tool": "zmap,unknown"}],
    ids=["all", "some", "a port", "by verdicts"],
)
@pytest.mark.full
def test_as_from_events(both: tuple[Session, Session, Settings], name: str, words: dict[str, str]) -> None:
    counting, plain, settings = both
    first = span(ZONE, 0, 1)[0].replace(tzinfo=None)
    start, end = (
        (first + dt.timedelta(days=day, hours=hour, minutes=minute)).replace(tzinfo=settings.zone)
        for day, hour, minute in SPANS[name]
    )
    chosen = filters.parse(settings, **words)
    had = 0
    for asked, ask in ASKED.items():
        counting.has_counted = False
        ours, truth = ask(counting, chosen, start, end), ask(plain, chosen, start, end)
        assert list(ours) == list(truth), asked
        had += counting.has_counted
    assert had > len(ASKED) / 2


@pytest.mark.parametrize("what", ["ports", "sources"])
def test_two_steps_are_one(both: tuple[Session, Session, Settings], what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ports and sources with equal counts at the end of the list, and the unknown, too."""
    start, end = span(ZONE, 1, 3)
    for session in both[:2]:
        for n in (1, 2, 3, 5, 50):
            found = []
            for least in (0, 1 << 60):
                monkeypatch.setattr(staged, "LEAST", least)
                found.append(questions.rank(session, what, start, end, before=(start - dt.timedelta(days=1), start), n=n))
            assert list(found[0]) == list(found[1]) and (found[0].total, found[0].sql) == (found[1].total, found[1].sql)
