"""A source, or a prefix: what it tried, when, in what order, what it is taken for and by which rule, who is beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from teiten.engine.filters import Network
from teiten.web import who
from teiten.web.asked import Asked, place
from teiten.web.model import Part, View
from teiten.web.pages import _belongs, _notes, _ranked, _said, _source, _source_parts, _stories, _thing, _told
from teiten.web.pool import Pool, together
from teiten.web.speech import Speech

PATH = "/source/{src:path}"
SEES = "viewer"
NEEDS = "analyst"


async def build(asked: Asked, pool: Pool) -> View:
    text = asked.told["src"]
    own = _thing.narrowed(asked, src=text)
    net = _source.network(text)
    name = str(net.network_address if _source.one(net) else net)
    speech = Speech.of(own)
    narrow = net.num_addresses <= _source.WIDE
    life, marks, found, ports, sensors, notes, series, said, *joined = await together(
        pool.ask(("life", name), lambda s: _source.life(s, net)),
        pool.ask(("marks", own.key), lambda s: _source.marks(s, own)),
        pool.ask(("verdicts", name), lambda s: _source.verdicts(s, net)),
        *(_ranked.ranked(replace(own, n=10), pool, what) for what in ("ports", "sensors")),
        _notes.every(pool),
        pool.ask(("series", "ports", own.key), lambda s: _ranked.through_time(s, own, "ports")),
        _said.part(own, pool),
        *([pool.ask(("sessions", own.key), lambda s: _source.sessions(s, own))] if narrow else []),
    )
    parts = [
        _source_parts.facts(own, net, life, marks),
        _source_parts.taken_for(own, net, found),
        *_source_parts.announced(own, net),
        *_notes.part(own, _notes.on_source(notes, net)),
        *await _operator(own, net),
    ]
    if marks["packets"]:
        parts.append(_ranked.timed(own, "ports", series, ports, "ports-time"))
    for what, rows in (("ports", ports), ("sensors", sensors)):
        table = _ranked.table(own, what, rows)
        parts.append(Part(what, speech.say(f"web.{what}"), table=table, empty=speech.say("web.nothing"), sql=rows.sql))
    if narrow:
        parts.append(_source_parts.sessions(own, [one for one in joined if one is not None]))
    parts += said
    parts += await _beside(own, pool, net, marks, ports, found)
    parts += [_source_parts.ways(own, life), *_notes.forms(own, source=name)]
    return View(name, parts, lead=[speech.span()])


async def _operator(own: Asked, net: Network) -> list[Part]:
    """Whether its operator was told of it: for analysts, since it names contacts."""
    if not who.now().may("analyst"):
        return []
    return _told.part(own, _told.on_source((await _told.book(own)).letters.values(), net))


async def _beside(own: Asked, pool: Pool, net: Any, marks: dict[str, Any], ports: Any, verdicts: Any) -> list[Part]:
    """Sources beside it, and the stories that counted it."""
    top = next((row for row in ports if row["rank"] == 1), None)
    port = _source_parts.filter_of(top) if top else None
    near = await pool.ask(("neighbours", own.key, marks["asn"]), lambda s: _source.neighbours(s, own, net, marks["asn"], port))
    key = ("belongs", str(net), own.when)
    if net.num_addresses > _source.WIDE:
        return _source_parts.neighbours(own, net, marks, top, near)
    told = await _stories.told(own, pool)
    belongs = await pool.ask(key, lambda s: _belongs.of_source(s, own.settings, net, told, verdicts))
    return [_source_parts.stories(own, belongs), *_source_parts.neighbours(own, net, marks, top, near)]


async def act(asked: Asked, pool: Pool, form: dict[str, str]) -> View:
    """Keeps a note or a correction, and shows the page with it."""
    net = _source.network(asked.told["src"]) if _thing.narrowed(asked, src=asked.told["src"]) else None
    name = str(net.network_address if net is not None and _source.one(net) else net)
    await _notes.add(asked, pool, form, {"src": name})
    return View("", [], more={"redirect": asked.url(place("source", name)) + "#notes"})
