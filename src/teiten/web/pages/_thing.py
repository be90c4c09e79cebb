"""What the pages of one thing share (a port, a country, an AS, a source, a sensor): how much, when, and what it is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from teiten.engine import filters, questions
from teiten.report.model import Fact
from teiten.web.asked import FILTERS, Asked
from teiten.web.model import Part, View
from teiten.web.pages import _ranked
from teiten.web.pool import Pool, together
from teiten.web.speech import Speech


def narrowed(asked: Asked, **more: str) -> Asked:
    """The same request, about that thing alone: its links and answers carry it as a filter."""
    words = {**asked.words, **more}
    return replace(asked, words=words, filters=filters.parse(asked.settings, **{k: words.get(k) for k in FILTERS}))


async def view(
    asked: Asked,
    pool: Pool,
    title: str,
    about: Mapping[str, str],
    *,
    time: str,
    tables: Sequence[str],
    more: Sequence[Part] = (),
) -> View:
    """The page of a thing. about: the filter that it is; time: of its figure, one of tables: rankings within it."""
    own = narrowed(asked, **about)
    speech = Speech.of(own)
    few = replace(own, n=min(own.n, 10))
    told, found, *ranked = await together(
        pool.ask(
            ("totals", own.key),
            lambda s: questions.totals(s, own.start, own.end, before=own.before, filters=own.filters, moments=False),
        ),
        pool.ask(("series", time, own.key), lambda s: _ranked.through_time(s, own, time)),
        *(_ranked.ranked(few, pool, what) for what in tables),
    )
    rankings = dict(zip(tables, ranked, strict=True))
    parts = [
        Part("now", speech.say("web.how_much"), facts=facts(speech, told[0])),
        _ranked.timed(own, time, found, rankings[time], f"{time}-time"),
        *more,
    ]
    if not told[0]["packets"]:
        # one word for all of it
        return View(title, parts, lead=[speech.span()])
    for what, rows in rankings.items():
        shown = _ranked.table(own, what, rows)
        parts.append(Part(what, speech.say(f"web.{what}"), table=shown, empty=speech.say("web.nothing"), sql=rows.sql))
    return View(title, parts, lead=[speech.span()])


def facts(speech: Speech, row: Mapping[str, Any]) -> list[Fact]:
    """Packets and hosts of a span, and what they were in the one before."""
    words = speech.words
    out = []
    for name in ("packets", "hosts"):
        before = row[f"{name}_before"]
        note = speech.say("web.before_was", n=before) if before is not None else speech.say("web.before_unknown")
        out.append(Fact(speech.say(f"web.{name}"), words.number(row[name]), note))
    out.append(Fact(speech.say("web.a_day"), words.number(row["packets_per_day"]), ""))
    return out
