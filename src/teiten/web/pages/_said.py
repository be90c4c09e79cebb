"""What senders said, as pages show it: groups of payloads, their course, names and passwords; own addresses are covered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from teiten.engine import gaps, lives, recorded, series
from teiten.payloads import asked as payloads
from teiten.payloads import beside, logins
from teiten.payloads.asked import Group
from teiten.payloads.logins import Login
from teiten.publish import said
from teiten.report import figures
from teiten.web.asked import Asked, place
from teiten.web.model import Cell, Column, Part, Row, Table
from teiten.web.pages import _ranked
from teiten.web.pool import Pool
from teiten.web.speech import Speech

MOST: Final = 2000
"""payloads that are looked at for a page, those of the most hosts first"""
DRAWN: Final = 7
"""groups with a line of their own"""
FEW: Final = 10
_PORTS: Final = 3
_WIDE: Final = 30
"""letters of a group's words in a table"""
_INKS: Final = (
    "#2961b1", "#d55e00", "#7aa87c", "#99328a", "#f69e24", "#008b8b", "#5d2a01", "#5c72da", "#793243", "#84a7e6", "#566d55",
    "#c95d9b",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Heard:
    """The groups of the span, those of the most hosts first, and the addresses that are not to be told."""

    groups: list[Group]
    own: frozenset[bytes]
    cut: bool
    """were there more payloads than are looked at?"""


@dataclass(frozen=True, slots=True)
class Courses:
    """Hosts of groups by step: at `starts`, in the order of the groups; None where nobody watched."""

    starts: list[dt.datetime]
    gaps: list[_ranked.Span]
    values: list[list[float | None]]


async def heard(asked: Asked, pool: Pool) -> Heard:
    """The groups of the span, with its filters."""
    found: Heard = await pool.ask(("payloads", asked.key), lambda s: groups(s, asked))
    return found


def groups(session: Any, asked: Asked, *, anywhere: bool = False) -> Heard:
    wanted = asked.filters.between(asked.start, asked.end)
    found = payloads.payloads(session, beside.anywhere(wanted) if anywhere else wanted, MOST)
    own = payloads.own(session, wanted) if found else frozenset()
    return Heard(payloads.grouped(found), own, len(found) >= MOST)


async def tried(asked: Asked, pool: Pool) -> list[Login]:
    """Names and passwords of the span."""
    found: list[Login] = await pool.ask(("credentials", asked.key), lambda s: credentials(s, asked))
    return found


def credentials(session: Any, asked: Asked) -> list[Login]:
    wanted = asked.filters.between(asked.start, asked.end)
    return logins.logins(session, wanted, payloads.own(session, wanted))


def courses(session: Any, asked: Asked, chosen: Sequence[Group]) -> Courses:
    """Their hosts by hour or day."""
    wanted = asked.filters.between(asked.start, asked.end)
    starts = series.starts(session, asked.start, asked.end, asked.step)
    silent = _silent(session, asked)
    ends = [*starts[1:], asked.end]
    found = payloads.courses(session, wanted, chosen, asked.step)
    values: list[list[float | None]] = []
    for number in range(len(chosen)):
        own = {at.timestamp(): hosts for at, hosts in found[number].items()}
        values.append([
            None if a.timestamp() not in own and any(low <= a and b <= high for low, high in silent)
            else float(own.get(a.timestamp(), 0))
            for a, b in zip(starts, ends, strict=True)
        ])  # fmt: skip
    return Courses(starts, silent, values)


def _silent(session: Any, asked: Asked) -> list[_ranked.Span]:
    """Stretches in which no sensor watched."""
    only = asked.filters.sensor
    each: dict[str, list[_ranked.Span]] = {name: [] for name in recorded.activities(session, only) or only}
    for row in gaps.gaps(session, asked.start, asked.end, sensors=only):
        each.setdefault(row["sensor"], []).append((row["start"], row["end"]))
    return _ranked.shared([lives.joined(own, dt.timedelta(0)) for own in each.values()])


def figure(asked: Asked, found: Heard, chosen: Sequence[Group], drawn: Courses) -> figures.Figure | None:
    """A line for each of the groups."""
    if not chosen:
        return None
    speech = Speech.of(asked)
    labels = [what(one, found.own, 28) for one in chosen]
    inks = _inks(chosen)
    return figures.LineFigure(
        id="said-time",
        title=speech.say("web_said.time"),
        subtitle=speech.span(),
        unit=speech.say(f"web.unit_hosts_{asked.step}"),
        times=[at.astimezone(asked.settings.zone) for at in drawn.starts],
        series=[
            figures.Series(one.hash[:8], label, values, colour=inks[one.hash])
            for one, label, values in zip(chosen, labels, drawn.values, strict=True)
        ],
        step=asked.step,
        things="payload",
        gaps=[figures.Gap(low, high) for low, high in drawn.gaps],
    )


def _inks(chosen: Sequence[Group]) -> dict[str, str]:
    """A colour for each: the same one wherever it stands, unless another group of the chart has that."""
    out: dict[str, str] = {}
    for one in sorted(chosen, key=lambda one: one.hash):
        at, free = int(one.hash[:8], 16), [ink for ink in _INKS if ink not in out.values()]
        wished = _INKS[at % len(_INKS)]
        out[one.hash] = wished if wished in free or not free else free[at % len(free)]
    return out


def what(one: Group, own: frozenset[bytes], most: int = _WIDE) -> str:
    """A few words on a group: a name whole (it breaks at its spaces), a payload's beginning so short that it fits."""
    words = said.what(one, own)
    return words if one.exploits or one.ja4 else _cut(words, most)


def table(asked: Asked, found: Heard, chosen: Sequence[Group]) -> Table:
    """Groups: what each is, hosts, times, where, when, what it would fetch."""
    speech = Speech.of(asked)
    say, number = speech.say, speech.words.number
    columns = [Column(say("web_said.what"), "text"), Column(say("web.hosts")), Column(say("web_said.times"), spare=True),
               Column(say("web_said.alike"), spare=True), Column(say("web_said.ports"), "text"),
               Column(say("web_said.first"), "text", spare=True), Column(say("web_said.last"), "text", spare=True),
               Column(say("web_said.fetches"), "text", spare=True)]  # fmt: skip
    rows: list[Row] = []
    for one in chosen:
        downloads = said.downloads(one, found.own)
        rows.append((
            Cell(what(one, found.own), asked.url(place("payload", one.hash[:16]), src=None, port=None)), number(one.hosts),
            number(one.times), number(len(one.members)), ports(speech, one.ports), speech.at(one.first) if one.first else "–",
            speech.at(one.last) if one.last else "–", _cut(downloads[0], 60) if downloads else "–",
        ))  # fmt: skip
    notes = [say("web_said.note")]
    if found.cut:
        notes.append(say("web_said.cut", n=MOST))
    return Table(say("web_said.groups"), columns, rows, note=speech.words.joined(*notes),
                 rows_url=asked.url("/api/v1/payloads"))  # fmt: skip


def logins_table(asked: Asked, found: Sequence[Login], own: frozenset[bytes], every: int) -> Table:
    speech = Speech.of(asked)
    say, number = speech.say, speech.words.number
    columns = [Column(say("web_said.user"), "text"), Column(say("web_said.password"), "text"), Column(say("web.hosts")),
               Column(say("web_said.times"), spare=True), Column(say("web_said.ports"), "text", spare=True),
               Column(say("web_said.last"), "text", spare=True)]  # fmt: skip
    rows: list[Row] = [
        (
            _cut(said.safe(one.user, own), 60) or "–", _cut(said.safe(one.password, own), 60) or "–", number(one.hosts),
            number(one.times), ports(speech, list(one.ports)), speech.at(one.last),
        )
        for one in found
    ]  # fmt: skip
    return Table(say("web_said.logins"), columns, rows, note=say("web_said.logins_note", n=every),
                 rows_url=asked.url("/api/v1/credentials"))  # fmt: skip


async def part(asked: Asked, pool: Pool) -> list[Part]:
    """What was said there, for the page of a port, a source; nothing where nothing was."""
    found = await heard(asked, pool)
    if not found.groups:
        return []
    speech = Speech.of(asked)
    links = [Cell(speech.say("web_said.all"), asked.url("/payloads"))]
    return [Part("said", speech.say("web_said.groups"), table=table(asked, found, found.groups[:FEW]), links=links)]


def ports(speech: Speech, names: Sequence[str]) -> str:
    """The first few, and how many there are besides."""
    shown = " ".join(names[:_PORTS])
    more = len(names) - _PORTS
    return shown + (f" +{speech.words.number(more)}" if more > 0 else "")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
