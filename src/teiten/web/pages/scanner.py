"""An organisation that announced its scanners: what it announced, by which list, and what of it was seen."""

from __future__ import annotations

from dataclasses import replace

from teiten.errors import UsageError
from teiten.web.asked import Asked, place
from teiten.web.model import Cell, Column, Part, Row, Table, View
from teiten.web.pages import _source, _source_parts, _thing
from teiten.web.pool import Pool
from teiten.web.speech import Speech

PATH = "/scanner/{scanner}"
SEES = "viewer"


async def build(asked: Asked, pool: Pool) -> View:
    text = asked.told["scanner"]
    known = _source.watchlists(asked.settings)
    try:
        one = known.organisation(text)
    except UsageError:
        raise UsageError(f"No watchlist names '{text[:80]}'.", hint="The page of scanners lists the organisations.") from None
    speech = Speech.of(asked)
    say = speech.say
    rows: list[Row] = []
    for chosen in known.newest():
        for entry in chosen.entries:
            if entry.organisation != one.name:
                continue
            ends = tuple(speech.words.plain(day) if day else "" for day in (entry.start, entry.end))
            valid = say("web_source.valid", first=ends[0], last=ends[1]) if any(ends) else say("web_source.valid_unsaid")
            for pattern in (*map(str, entry.prefixes), *entry.names):
                way = asked.url(place("source", pattern)) if "/" in pattern else ""
                rows.append((Cell(pattern, way), f"{chosen.name} {chosen.version}", valid, entry.page or ""))
    columns = [Column(say(f"web_scanners.{name}"), "text") for name in ("pattern", "list", "valid")]
    columns.append(Column(say("web_scanners.says"), "text", spare=True))
    title = say("web_scanners.announced")
    sentences = [say("web_scanners.page_is", page=one.page)] if one.page else []
    more = [Part("announced", title, sentences=sentences, table=Table(title, columns, rows))]
    tables = ("sources", "ports", "sensors", "asns")
    name = one.text(asked.lang)
    own = _thing.narrowed(asked, scanner=one.name)
    joined = await pool.ask(("sessions of", one.name, own.key), lambda s: _source.sessions_of(s, own, one.name))
    view = await _thing.view(asked, pool, name, {"scanner": one.name}, time="ports", tables=tables, more=more)
    return replace(view, parts=[*view.parts, _source_parts.sessions(own, joined, several=True)])
