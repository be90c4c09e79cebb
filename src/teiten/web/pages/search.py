"""The search: what was typed leads to the page of what it names, or to a list of what it may mean, and why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from teiten.engine import questions
from teiten.web import searching
from teiten.web.asked import Asked
from teiten.web.model import Cell, Column, Part, Row, Table, View
from teiten.web.pages import _sensors, _source, _stories
from teiten.web.pool import Pool
from teiten.web.searching import Hit, Seen
from teiten.web.speech import Speech

PATH = "/search"
SEES = "viewer"
MOST = 60
NETWORKS = 5000
"""networks of the span, those with most packets, whose names are looked through"""
EXAMPLES = ("23/tcp", "192.0.2.1", "198.51.100.0/24", "AS4134", "telnet", "JP")


async def build(asked: Asked, pool: Pool) -> View:
    speech = Speech.of(asked)
    say = speech.say
    text = " ".join(asked.words.get("q", "").split())[: searching.LONGEST]
    title = say("web.search_title")
    plain = replace(asked, words={k: v for k, v in asked.words.items() if k != "q"})
    if not text:
        return View(title, [_examples(plain)], bar="none")
    lists = _source.watchlists(asked.settings)
    # what can only mean one thing needs no question
    hits = searching.hits(text, speech.words, asked.settings, lists, Seen())
    if not (len(hits) == 1 and hits[0].sure):
        seen = await _seen(asked, pool)
        hits = searching.hits(text, speech.words, asked.settings, lists, seen)
    if len(hits) == 1:
        return View(title, [], more={"redirect": plain.url(hits[0].path, **hits[0].words)})
    if hits:
        note = say("web_search.more", n=len(hits) - MOST) if len(hits) > MOST else ""
        part = Part("found", text, table=_table(plain, text, hits[:MOST], note))
        return View(title, [part], lead=[say("web_search.may_mean", n=len(hits))], bar="none")
    near = searching.close(text, speech.words, asked.settings, lists, seen)
    parts = [Part("found", text, sentences=[say("web.not_found")])]
    if near:
        parts.append(Part("near", say("web_search.near"), table=_table(plain, text, near, "")))
    return View(title, [*parts, _examples(plain)], bar="none")


async def _seen(asked: Asked, pool: Pool) -> Seen:
    """Names that the lake has, of the span that is asked about."""

    def ask(session: Any) -> tuple[dict[int, str], list[str]]:
        rows = questions.rank(session, "asns", asked.start, asked.end, n=NETWORKS)
        named = {row["asn"]: row["as_name"] or "" for row in rows if row["asn"] is not None}
        return named, _sensors.names(session, asked.settings)

    networks, sensors = await pool.ask(("names", asked.start, asked.end), ask)
    told = _stories.latest(await _stories.told(asked, pool))
    return Seen(networks, sensors, {one.id: _stories.words(asked, one)[0] for one in told})


def _table(asked: Asked, text: str, hits: list[Hit], note: str) -> Table:
    say = Speech.of(asked).say
    rows: list[Row] = [(Cell(hit.name, asked.url(hit.path, **hit.words)), say(f"web_search.why_{hit.why}")) for hit in hits]
    return Table(text, [Column(say("web_search.what"), "text"), Column(say("web_search.why"), "text")], rows, note=note)


def _examples(asked: Asked) -> Part:
    say = Speech.of(asked).say
    links = [Cell(one, asked.url("/search", q=one)) for one in EXAMPLES]
    return Part("examples", say("web_search.examples"), sentences=[say("web_search.can")], links=links)
