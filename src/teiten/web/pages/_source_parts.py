"""The parts of a source's page, from what was asked of it (`_source`)."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from teiten.classify import rules
from teiten.engine.filters import Network, PortRange, thing_text
from teiten.report.model import Fact
from teiten.web.asked import Asked, place
from teiten.web.model import Cell, Column, Part, Row, Table
from teiten.web.pages import _belongs, _notes, _ranked, _source, _stories
from teiten.web.speech import Speech

FEW = 3
"""sources of a session that are named"""
PORTS = 14
"""ports of a session that are listed in their order"""


def facts(own: Asked, net: Network, life: _source.Life, marks: Mapping[str, Any]) -> Part:
    """Where from, what it is called, since when, how much."""
    speech = Speech.of(own)
    say, words = speech.say, speech.words
    out = []
    if life.first is not None and life.last is not None:
        out += [
            Fact(say("web_source.first"), words.plain(life.first.astimezone(own.settings.zone).date()), speech.at(life.first)),
            Fact(say("web_source.last"), words.plain(life.last.astimezone(own.settings.zone).date()), speech.at(life.last)),
            Fact(say("web_source.days"), words.number(life.days), say("web_source.packets_ever", n=life.packets)),
        ]
    if marks["packets"]:
        out.append(Fact(say("web_source.now"), words.number(marks["packets"]), say("web_source.ports_now", n=marks["ports"])))
    return Part("now", say("web_source.facts"), sentences=_said(own, net, life, marks), facts=out)


def _said(own: Asked, net: Network, life: _source.Life, marks: Mapping[str, Any]) -> list[str]:
    speech = Speech.of(own)
    say = speech.say
    out = []
    if marks["packets"]:
        country = speech.country(marks["country"]) if marks["country"] else say("thing.unknown")
        network = say("thing.unknown") if marks["asn"] is None else f"AS{marks['asn']} {marks['as_name'] or ''}".strip()
        key = "web_source.where" if _source.one(net) else "web_source.where_mostly"
        out.append(say(key, country=country, network=network, data=marks["geo_db"] or "–"))
    if _source.one(net):
        names = _source.names(own.settings, net.network_address.packed)
        out.append(say("web_source.named", names=speech.words.listed(names)) if names else say("web_source.not_named"))
    if life.first is None:
        span = life.watched
        out.append(say("web_source.never_since", since=speech.at(span[0])) if span else say("web_source.never"))
    elif not marks["packets"]:
        out.append(say("web_source.not_now"))
    shown = [say(f"web_source.mark_{name}", n=marks[name]) for name in ("mirai", "masscan", "zmap") if marks[name]]
    if marks["packets"]:
        low, high = marks["ttl_low"], marks["ttl_high"]
        if low is not None:
            out.append(say("web_source.ttl", low=low) if low == high else say("web_source.ttls", low=low, high=high))
        out += shown or [say("web_source.no_mark")]
    return out


def taken_for(own: Asked, net: Network, found: Sequence[Mapping[str, Any]]) -> Part:
    """Its verdicts: rule, list and version, evidence; corrections first among equals."""
    speech = Speech.of(own)
    say, several = speech.say, not _source.one(net)
    names = ("label", "why", "evidence", "list", "days_of", "sure")
    columns = [Column(say(f"web_source.{name}"), "text", spare=name in ("evidence", "sure")) for name in names]
    columns += [Column(say("web.sources"))] if several else []
    rows: list[Row] = []
    for row in found:
        value = f" {row['value']}" if row["value"] else ""
        scope = "" if row["scope"] == "all" else f" ({row['scope']})"
        rule = row["rule"]
        because = say("web_source.by_analyst") if rule == "correction" else rules.because(rule, own.lang, own.settings)
        listed = f"{row['list']} {row['list_version'] or ''}".strip() if row["list"] else "–"
        cells: list[Cell | str] = [
            f"{_notes.label(speech, row['label'])}{value}{scope}", f"{because or ''} [{rule}]".strip(), _evidence(speech, row),
            listed, _days(speech, row), speech.words.percent(row["confidence"], 0),
        ]  # fmt: skip
        rows.append([*cells, *([speech.words.number(row["sources"])] if several else [])])
    if all(row[3] == "–" for row in rows):
        columns, rows = [*columns[:3], *columns[4:]], [[*row[:3], *row[4:]] for row in rows]
    return Part(
        "verdicts", say("web_source.taken_for"), empty=say("web_source.no_verdict"),
        table=Table(say("web_source.taken_for"), columns, rows, note=say("web_source.verdicts_note")),
    )  # fmt: skip


def _evidence(speech: Speech, row: Mapping[str, Any]) -> str:
    """The counts, each with its name in the page's language, or as the rule calls it where it has none."""
    told = _source.evidence(row["evidence"])
    names = {name: speech.say(f"web_evidence.{name}") if f"web_evidence.{name}" in speech.words else name for name in told}
    return ", ".join(f"{names[name]} {_value(value)}" for name, value in told.items())


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return str(value) if isinstance(value, str | int) else json.dumps(value, ensure_ascii=False)


def _days(speech: Speech, row: Mapping[str, Any]) -> str:
    if row["first"] == row["last"]:
        return speech.words.plain(row["first"])
    return speech.say("web_source.from_to", first=speech.words.plain(row["first"]), last=speech.words.plain(row["last"]),
                      n=row["days"])  # fmt: skip


def announced(own: Asked, net: Network) -> list[Part]:
    """What watchlists say of it, with the days on which that holds."""
    speech = Speech.of(own)
    say = speech.say
    found = _source.announced(own.settings, net)
    if not found:
        return []
    known = _source.watchlists(own.settings)
    rows: list[Row] = []
    for match in found:
        name = known.organisation(match.organisation).text(own.lang)
        stated = match.valid_from or match.valid_to
        ends = {"first": _or_open(speech, match.valid_from), "last": _or_open(speech, match.valid_to)}
        rows.append((
            Cell(name, own.url(place("scanner", match.organisation), src=None)), match.prefix,
            f"{match.list} {match.list_version}", say("web_source.valid", **ends) if stated else say("web_source.valid_unsaid"),
        ))  # fmt: skip
    columns = [Column(say(f"web_source.{name}"), "text") for name in ("organisation", "prefix", "list", "validity")]
    return [Part("announced", say("web_source.announced"), table=Table(say("web_source.announced"), columns, rows))]


def _or_open(speech: Speech, day: dt.date | None) -> str:
    return speech.words.plain(day) if day else ""


def sessions(own: Asked, watches: Sequence[Any] | None, *, several: bool = False) -> Part:
    """Its sessions, the latest first: how long, how many ports, in which order; with `several` of how many sources. None: too
    many to be joined."""
    speech = Speech.of(own)
    say, number, zone = speech.say, speech.words.number, own.settings.zone
    title = say("web_source.sessions")
    if watches is None:
        return Part("sessions", title, empty=say("web_source.too_many_sessions", n=_source.MOST_JOINED))
    every = sorted((one for watch in watches for one in watch.between(own.start, own.end)), key=lambda one: one.session.start)
    rows: list[Row] = []
    for told in reversed(every[-_source.MOST_SESSIONS :]):
        one = told.session
        span = {
            "from": one.start.astimezone(zone).isoformat(timespec="seconds"),
            "to": (one.end + dt.timedelta(seconds=1)).astimezone(zone).isoformat(timespec="seconds"),
            "period": None,
        }
        ports = [thing_text(*port) if port[0] is not None else "?" for port in one.ports]
        order = " ".join(ports[:PORTS]) + (say("web_source.more_ports", n=len(ports) - PORTS) if len(ports) > PORTS else "")
        rows.append((
            Cell(f"{one.start.astimezone(zone):%Y-%m-%d %H:%M:%S}", own.url("/events", **span)), _length(speech, one.length),
            *([_who(own, one)] if several else []), number(one.packets), number(one.tries), number(one.per_minute), order,
            _against(speech, told),
        ))  # fmt: skip
    columns = [Column(say("web_source.began"), "text"), Column(say("web_source.length")),
               *([Column(say("web.sources"), "text")] if several else []), Column(say("web.packets")),
               Column(say("web.ports")), Column(say("web_source.per_minute"), spare=True),
               Column(say("web_source.order"), "text"), Column(say("web_source.against"), "text", spare=True)]  # fmt: skip
    gap = own.settings.threshold("session_gap_seconds")
    note = say("web_source.sessions_note", gap=f"{gap:g}", n=len(every), shown=len(rows))
    return Part("sessions", title, table=Table(title, columns, rows, note=note), empty=say("web_source.no_session"))


def _who(own: Asked, one: Any) -> Cell:
    """The session's source, or those few; of more how many they are."""
    from teiten.frame import address_text

    found = [address_text(address) for address in sorted(one.sources)]
    if len(found) == 1:
        return Cell(found[0], own.url(place("source", found[0]), scanner=None))
    speech = Speech.of(own)
    return Cell(speech.words.listed(found) if len(found) <= FEW else speech.say("web_source.so_many", n=len(found)))


def _length(speech: Speech, length: dt.timedelta) -> str:
    seconds = length.total_seconds()
    if seconds < 60:
        return speech.say("web_source.seconds", n=round(seconds))
    return speech.say("web_source.minutes", n=round(seconds / 60)) if seconds < 7200 else speech.say(
        "web_source.hours", n=f"{seconds / 3600:,.1f}"
    )  # fmt: skip


def _against(speech: Speech, told: Any) -> str:
    """What the session is against those before it."""
    say = speech.say
    out = [say("web_source.burst")] if told.burst else []
    if told.same is not None:
        out.append(say("web_source.same_ports", at=speech.at(told.same.earlier.start)))
    elif told.new_ports:
        out.append(say("web_source.new_ports", n=len(told.new_ports)))
    return speech.words("number.semicolon").join(out)


def filter_of(row: Mapping[str, Any]) -> tuple[PortRange, ...] | None:
    """The filter for the port of a ranking's row; None where it has none."""
    if row["dst_port"] is None:
        return None
    return (PortRange(row["dst_port"], row["dst_port"], row["protocol"]),)


def neighbours(
    own: Asked, net: Network, marks: Mapping[str, Any], top: Mapping[str, Any] | None, near: Mapping[str, Any]
) -> list[Part]:
    """Sources of the same prefix, and of the same AS for the same port."""
    speech = Speech.of(own)
    say, out = speech.say, []
    for kind, rows in near.items():
        changes: dict[str, str | None]
        if kind == "prefix":
            changes = {"src": str(net.supernet(new_prefix=24 if net.version == 4 else 48))}
            title = say("web_source.near_prefix", prefix=changes["src"])
        else:
            port = thing_text(top["protocol"], top["dst_port"]) if top else ""
            changes = {"src": None, "asn": f"AS{marks['asn']}", "port": port}
            title = say("web_source.near_network", network=f"AS{marks['asn']}", port=port)
        others = [row for row in rows if not _inside(row["src_ip"], net)]
        if not others:
            out.append(Part(f"near-{kind}", title, empty=say("web_source.nobody_else")))
            continue
        words = {name: value for name, value in {**own.words, **changes}.items() if value is not None}
        wide = replace(own, words=words)
        links = [Cell(say("web_source.all_of_them"), wide.url("/sources"))]
        out.append(Part(f"near-{kind}", title, table=_ranked.table(wide, "sources", rows), links=links, sql=rows.sql))
    return out


def _inside(address: str, net: Network) -> bool:
    found = ipaddress.ip_address(address)
    return found.version == net.version and found in net


def stories(own: Asked, found: Sequence[_belongs.Belongs]) -> Part:
    """Stories and campaigns of the span that counted packets of it, and which part of theirs."""
    speech = Speech.of(own)
    say, words = speech.say, speech.words
    columns = [Column(say("web.story"), "text"), Column(say("web_source.kind"), "text", spare=True),
               Column(say("web_story.last_told"), "text", spare=True), Column(say("web_source.in_it")),
               Column(say("web_source.of_it"))]  # fmt: skip
    rows: list[Row] = [
        (
            Cell(_stories.words(own, one.story)[0], own.url(place("story", one.story.id), src=None)),
            _stories.kind(own.lang, one.story.kind), words.plain(one.story.day), words.number(one.packets),
            Cell(words.percent(one.packets / one.of), share=one.packets / one.of),
        )
        for one in found
    ]  # fmt: skip
    title = say("web_source.stories")
    table = Table(title, columns, rows, note=say("web_source.stories_note") if rows else "")
    return Part("stories", title, table=table, empty=say("web_source.no_story"))


def ways(own: Asked, life: _source.Life) -> Part:
    """To its events, and to all that is known of it."""
    say, zone = Speech.of(own).say, own.settings.zone
    links = [Cell(say("web.its_events"), own.url("/events"))]
    if life.first is not None and life.last is not None:
        first, last = (moment.astimezone(zone).date() for moment in (life.first, life.last))
        span: dict[str, Any] = {"from_": first, "to": last + dt.timedelta(days=1), "period": None}
        links.append(Cell(say("web_source.whole"), own.url(**span)))
    return Part("ways", say("web_events.ways"), links=links)
