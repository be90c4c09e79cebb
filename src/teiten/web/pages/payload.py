"""A group of payloads: what it is, who sent it when, what it would fetch and run, what the same hosts did besides."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from teiten.errors import UsageError
from teiten.payloads import asked as payloads
from teiten.payloads import beside
from teiten.payloads.asked import Group
from teiten.publish import said
from teiten.report.model import Fact
from teiten.web.asked import Asked, place
from teiten.web.model import Cell, Column, Part, Row, Table, View
from teiten.web.pages import _said
from teiten.web.pool import Pool
from teiten.web.speech import Speech

PATH = "/payload/{payload}"
SEES = "viewer"
_HASH: Final = re.compile(r"[0-9a-f]{8,64}")
_SHOWN: Final = 1024
"""bytes of it that are shown"""


@dataclass(frozen=True, slots=True)
class _Found:
    heard: _said.Heard
    one: Group
    drawn: _said.Courses
    senders: Sequence[Any]
    ports: Sequence[beside.Port]
    others: Sequence[beside.Other]


async def build(asked: Asked, pool: Pool) -> View:
    text = asked.told["payload"].lower()
    if not _HASH.fullmatch(text):
        raise UsageError(f"'{text[:70]}' is no hash of a payload.", hint="The page of payloads leads to each group.")
    found: _Found | None = await pool.ask(("payload", text, asked.key), lambda s: _ask(s, asked, text))
    if found is None:
        raise UsageError(
            "No payload of that time has that hash.", hint="Choose a longer time, or begin at the page of payloads."
        )
    speech = Speech.of(asked)
    one, own = found.one, found.heard.own
    parts = [
        _facts(speech, one),
        Part("said-time", speech.say("web_said.time"), figure=_said.figure(asked, found.heard, [one], found.drawn)),
        *_drawn(speech, one, own),
        _bytes(speech, one, own),
        _ports(asked, found),
        *_others(asked, found),
        _senders(asked, found),
    ]
    return View(_said.what(one, own, 60), parts, lead=[speech.span()], bar="filters")


def _ask(session: Any, asked: Asked, text: str) -> _Found | None:
    """The group of that hash, or with a payload of it, whatever port is asked about: its hosts' other groups are wanted too."""
    heard = _said.groups(session, asked, anywhere=True)
    fits = [one for one in heard.groups if one.hash.startswith(text) or any(p.hash.startswith(text) for p in one.members)]
    if len(fits) != 1:
        return None
    one, wanted = fits[0], beside.anywhere(asked.filters.between(asked.start, asked.end))
    return _Found(
        heard, one, _said.courses(session, asked, [one]), payloads.senders(session, wanted, one, asked.n),
        beside.ports(session, wanted, one, asked.n), beside.groups(heard.groups, one, asked.n),
    )  # fmt: skip


def _facts(speech: Speech, one: Group) -> Part:
    say, number = speech.say, speech.words.number
    facts = [
        Fact(say("web.hosts"), number(one.hosts), say("web_said.times_note", n=one.times)),
        Fact(say("web_said.alike"), number(len(one.members)), say("web_said.alike_note")),
    ]
    for name, at in (("first", one.first), ("last", one.last)):
        if at is not None:
            facts.append(
                Fact(say(f"web_said.{name}"), speech.words.plain(at.astimezone(speech.settings.zone).date()), speech.at(at))
            )
    sentences = [say("web_said.exploit", name=f"{rule.id} {rule.name}", source=rule.source) for rule in one.exploits]
    if one.ja4:
        sentences.append(say("web_said.ja4", ja4=one.ja4))
    return Part("now", say("web_said.facts"), sentences=sentences, facts=facts)


def _drawn(speech: Speech, one: Group, own: frozenset[bytes]) -> list[Part]:
    """Downloads, commands, credentials, as a table of kind and text."""
    say = speech.say
    rows: list[Row] = [(say("web_said.download"), each) for each in said.downloads(one, own)]
    rows += [(say("web_said.command"), each) for each in said.commands(one, own)]
    rows += [(say("web_said.credential"), f"{user} : {word}") for user, word in said.credentials(one, own)]
    if not rows:
        return []
    title = say("web_said.drawn")
    columns = [Column(say("web_said.kind"), "text"), Column(say("web_said.text"), "text")]
    return [Part("drawn", title, table=Table(title, columns, rows, note=say("web_said.drawn_note")))]


def _bytes(speech: Speech, one: Group, own: frozenset[bytes]) -> Part:
    lines = said.hexadecimal(one.members[0], own, _SHOWN)
    return Part("bytes", speech.say("web_said.bytes"), sentences=[speech.say("web_said.bytes_note")], raw="\n".join(lines))


def _ports(asked: Asked, found: _Found) -> Part:
    """The same hosts' ports."""
    speech = Speech.of(asked)
    say, words = speech.say, speech.words
    rows: list[Row] = [
        (
            Cell(each.port, asked.url(place("port", each.port), port=None) if each.port != "unknown" else ""),
            say("web_said.own") if each.own else "", words.number(each.hosts),
            Cell(words.percent(each.share), share=min(1.0, each.share)), words.number(each.packets),
        )
        for each in found.ports
    ]  # fmt: skip
    columns = [Column(say("web.ports_one"), "text"), Column(say("web_said.here"), "text", spare=True), Column(say("web.hosts")),
               Column(say("web.share")), Column(say("web.packets"), spare=True)]  # fmt: skip
    title = say("web_said.ports_besides")
    more = [each for each in found.ports if not each.own and each.port != "unknown"][:3]
    sentences = []
    if more:
        told = [say("web_said.besides_one", port=each.port, n=each.hosts, share=words.percent(each.share)) for each in more]
        sentences = [say("web_said.besides", n=found.one.hosts, list=words.listed(told))]
    return Part("besides", title, sentences=sentences, empty=say("web.nothing"),
                table=Table(title, columns, rows, note=say("web_said.share_note", n=found.one.hosts)))  # fmt: skip


def _others(asked: Asked, found: _Found) -> list[Part]:
    """The same hosts' other payloads."""
    if not found.others:
        return []
    speech = Speech.of(asked)
    say, words = speech.say, speech.words
    rows: list[Row] = [
        (
            Cell(_said.what(each.group, found.heard.own), asked.url(place("payload", each.group.hash[:16]))),
            words.number(each.hosts), Cell(words.percent(each.share), share=min(1.0, each.share)),
            _said.ports(speech, each.group.ports), words.number(each.group.hosts),
        )
        for each in found.others
    ]  # fmt: skip
    columns = [Column(say("web_said.what"), "text"), Column(say("web.hosts")), Column(say("web.share")),
               Column(say("web_said.ports"), "text", spare=True), Column(say("web_said.all_hosts"), spare=True)]  # fmt: skip
    title = say("web_said.groups_besides")
    return [Part("groups", title, table=Table(title, columns, rows, note=say("web_said.share_note", n=found.one.hosts)))]


def _senders(asked: Asked, found: _Found) -> Part:
    speech = Speech.of(asked)
    say, words = speech.say, speech.words
    rows: list[Row] = [
        (
            speech.thing("sources", row), speech.thing("countries", row), speech.thing("asns", row), words.number(row["times"]),
            speech.at(row["first"]), speech.at(row["last"]),
        )
        for row in found.senders
    ]  # fmt: skip
    columns = [Column(say("web.sources_one"), "text"), Column(say("web.countries_one"), "text"),
               Column(say("web.asns_one"), "text", spare=True), Column(say("web_said.times")),
               Column(say("web_said.first"), "text", spare=True), Column(say("web_said.last"), "text", spare=True)]  # fmt: skip
    title = say("web_said.senders")
    note = say("web_said.senders_note", n=len(rows), of=found.one.hosts)
    return Part("senders", title, table=Table(title, columns, rows, note=note), empty=say("web.nothing"))
