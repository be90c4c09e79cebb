"""Letters to operators on pages: each as it stands, those about one address; what a lake keeps of them."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from teiten.engine.filters import Network
from teiten.notify import kept
from teiten.web.asked import Asked, place
from teiten.web.model import Cell, Column, Part, Row, Table
from teiten.web.speech import Speech

MOST: Final = 200
"""letters in a table"""
AT: Final = {"prepared": "prepared_at", "doubt": "begun_at"}
"""what the time of letters of a state is, where it is not that they went out"""
_known: dict[Path, tuple[tuple[int, int], kept.Book]] = {}


async def book(asked: Asked) -> kept.Book:
    """What is known of letters."""
    return await asyncio.to_thread(_load, asked.settings.lake)


def _load(lake: Path) -> kept.Book:
    try:
        stat = (lake / kept.FOLDER / kept.NAME).stat()
        state = (stat.st_mtime_ns, stat.st_size)
    except OSError:
        state = (0, 0)
    held = _known.get(lake)
    if held is None or held[0] != state:
        held = _known[lake] = (state, kept.load(lake))
    return held[1]


def on_source(letters: Iterable[kept.Told], net: Network) -> list[kept.Told]:
    """Letters that went out, or may have, about an address of that prefix; the latest first."""
    import ipaddress

    def within(text: str) -> bool:
        address = ipaddress.ip_address(text)
        return address.version == net.version and address in net

    found = [one for one in letters if one.state in ("sent", "doubt") and any(map(within, one.hosts))]
    return sorted(found, key=lambda one: one.sent, reverse=True)


def table(asked: Asked, letters: Sequence[kept.Told], title: str, state: str = "") -> Table:
    """A line a letter. state: the one that all of them are in, which the heading above says already: its column is left out
    where it would say no more, and the time is that of what became of them (a letter that waits was only prepared).
    """
    speech = Speech.of(asked)
    say, number = speech.say, speech.words.number
    rows: list[Row] = []
    for one in letters[:MOST]:
        when = one.at if state == "prepared" else one.sent
        now = say(f"web_told.{'hand' if one.state == 'sent' and one.by == 'hand' else one.state}")
        why = f"{now}: {one.why}" if one.why and one.state == "prepared" else now
        rows.append(
            (_when(speech, when) if when else "–", why, Cell(one.mail), one.name or "–", number(len(one.hosts)),
             number(one.packets), " ".join(one.networks) or "–", one.id)
        )  # fmt: skip
    columns = [
        Column(say(f"web_told.{AT.get(state, 'sent_at')}"), "text"), Column(say("web_told.state"), "text"),
        Column(say("web_told.contact"), "text"), Column(say("web_told.name"), "text", spare=True),
        Column(say("web_told.hosts")), Column(say("web.packets"), spare=True),
        Column(say("web_told.networks"), "text", spare=True), Column(say("web_told.id"), "text", spare=True),
    ]  # fmt: skip
    if state and all(row[1] == say(f"web_told.{state}") for row in rows):
        columns.pop(1)
        rows = [(row[0], *row[2:]) for row in rows]
    note = say("web_told.more", n=len(letters) - MOST) if len(letters) > MOST else ""
    return Table(title, columns, rows, note=note)


def part(own: Asked, letters: Sequence[kept.Told]) -> list[Part]:
    """On a source's page: that its operator was told, when; nothing where nobody was."""
    if not letters:
        return []
    say = Speech.of(own).say
    title = say("web_told.on_source")
    links = [Cell(say("web_told.all"), own.url(place("notifications"), src=None))]
    return [Part("told", title, table=table(own, letters, title), links=links)]


def _when(speech: Speech, text: str) -> str:
    return speech.at(dt.datetime.fromisoformat(text))
