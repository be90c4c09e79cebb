"""The analyst's words: shown with what they are about, and taken from a form."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from teiten import correcting, periods
from teiten.engine.filters import Network, thing_text
from teiten.errors import UsageError
from teiten.lake import Lake
from teiten.web.asked import Asked, place
from teiten.web.model import Cell, Column, Field, Form, Part, Row, Table
from teiten.web.pool import Pool
from teiten.web.speech import Speech

MOST: Final = 50
_LONGEST: Final = 4000
"""characters of a text that a form sends"""


async def every(pool: Pool) -> list[dict[str, Any]]:
    """The notes that hold, the latest first."""

    def ask(session: Any) -> list[dict[str, Any]]:
        return list(reversed(session.lake.notes().to_dicts()))

    return await pool.ask("notes", ask)


def on_source(notes: Iterable[Mapping[str, Any]], net: Network) -> list[Mapping[str, Any]]:
    """Those on that address or prefix, or on one around or within it."""
    return [note for note in notes if note["src"] and _touches(note["src"], net)]


def _touches(text: str, net: Network) -> bool:
    try:
        own = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return own.version == net.version and own.overlaps(net)


def on_span(asked: Asked, notes: Iterable[Mapping[str, Any]], **about: Any) -> list[Mapping[str, Any]]:
    """Those on a day of the span: with `about` (sensor, country, ...) those on that, else those on nothing in particular."""
    zone = asked.settings.zone
    first, last = asked.start.astimezone(zone).date(), (asked.end - dt.timedelta(microseconds=1)).astimezone(zone).date()
    out = []
    for note in notes:
        days = _days(note, zone)
        if days is not None and (days[0] > last or days[1] < first):
            continue
        if about:
            if all(note[name] == value for name, value in about.items()):
                out.append(note)
        elif days is not None and note["kind"] in ("note", "addendum", "gap"):
            out.append(note)
    return out


def _days(note: Mapping[str, Any], zone: Any) -> tuple[dt.date, dt.date] | None:
    """First and last day that a note is about; None where it names none."""
    first, last = note["day_from"] or note["day_to"], note["day_to"] or note["day_from"]
    if first is None and note["period"]:
        for kind in periods.KINDS:
            try:
                days = periods.parse(kind, note["period"], zone).days
            except UsageError:
                continue
            return days[0], days[-1]
    return None if first is None else (first, last)


def part(asked: Asked, notes: Sequence[Mapping[str, Any]]) -> list[Part]:
    """The notes as a part of a page; no part where there are none."""
    if not notes:
        return []
    speech = Speech.of(asked)
    say = speech.say
    columns = [Column(say(f"web_note.{name}"), "text") for name in ("kind", "about", "text", "when")]
    rows: list[Row] = [
        (say(f"web_note.kind_{note['kind']}"), _about(asked, note), _text(speech, note), _when(speech, note))
        for note in notes[:MOST]
    ]
    note = say("web_note.more", n=len(notes) - MOST) if len(notes) > MOST else ""
    return [Part("notes", say("web_note.title"), table=Table(say("web_note.title"), columns, rows, note=note))]


def _about(asked: Asked, note: Mapping[str, Any]) -> Cell:
    speech, out, way = Speech.of(asked), [], ""
    if note["src"]:
        out.append(note["src"])
        way = asked.url(place("source", note["src"]))
    if note["protocol"] is not None:
        out.append(thing_text(note["protocol"], note["port"]))
    if note["country"]:
        out.append(speech.country(note["country"]))
    if note["asn"] is not None:
        out.append(f"AS{note['asn']}")
    out += [note[name] for name in ("sensor", "organisation", "period") if note[name]]
    days = (note["day_from"], note["day_to"])
    if any(days) and not note["period"]:
        out.append("–".join(dict.fromkeys(speech.words.plain(day) if day else "" for day in days)))
    return Cell(" ".join(out), way)


def _text(speech: Speech, note: Mapping[str, Any]) -> Cell:
    said = (note["text"] or "").strip()
    if note["kind"] == "correction":
        told = label(speech, note["label"]) + (f" ({note['value']})" if note["value"] else "")
        said = f"{told}: {said}" if said else told
    if note["kind"] == "story":
        said = f"{speech.say('web_story.is_' + note['label'])}: {said}" if said else speech.say(f"web_story.is_{note['label']}")
    return Cell(said[:_LONGEST])


def _when(speech: Speech, note: Mapping[str, Any]) -> str:
    who = f" {note['author']}" if note["author"] else ""
    return f"{speech.at(note['created'])}{who}"


def label(speech: Speech, text: str) -> str:
    """A verdict's label in words."""
    if f"web_label.{text}" in speech.words:
        return speech.say(f"web_label.{text}")
    plain = text.removeprefix("not_")
    words = speech.say(f"web_label.{plain}") if f"web_label.{plain}" in speech.words else plain
    return words if plain == text else speech.say("web_label.not", label=words)


# forms ----------------------------------------------------------------------------------------------------------------


def forms(asked: Asked, *, source: str = "") -> list[Part]:
    """The form of a note on what this page is about; of a source, that of a correction too."""
    speech = Speech.of(asked)
    say = speech.say
    own = asked.url()
    days = (Field("from", say("web_note.first_day"), "date"), Field("to", say("web_note.last_day"), "date"))
    noted = Form(
        own, (Field("what", value="note"), Field("text", say("web_note.text"), "area", required=True, most=_LONGEST), *days),
        say("web_note.add"), note=say("web_note.kept"),
    )  # fmt: skip
    out = [Part("note", say("web_note.form"), form=noted)]
    if source:
        labels = [(one, label(speech, one)) for one in correcting.labels()]
        fields = (
            Field("what", value="correction"), Field("label", say("web_note.taken_for"), "choice", "not_a_scanner", labels),
            Field("value", say("web_note.named"), most=200),
            Field("text", say("web_note.why"), "area", required=True, most=_LONGEST), *days,
        )  # fmt: skip
        out.append(Part("correct", say("web_note.correct"), form=Form(own, fields, say("web_note.correct_send"),
                                                                      note=say("web_note.wins"))))  # fmt: skip
    return out


async def add(asked: Asked, pool: Pool, form: Mapping[str, str], about: Mapping[str, Any]) -> None:
    """Keeps what a form says as a note on `about` (columns of the lake's notes). UsageError, LakeError."""
    text = form.get("text", "").strip()
    if not text:
        raise UsageError("A note without a text says nothing.", hint="Write why.")
    if len(text) > _LONGEST:
        raise UsageError("That is more than a form holds.")
    given: dict[str, Any] = {"text": text, "author": form.get("by") or None}
    given |= {column: day for name, column in (("from", "day_from"), ("to", "day_to")) if (day := _day(form.get(name, "")))}
    if form.get("what") == "correction":
        if not about.get("src"):
            raise UsageError("A correction names a source and what it is taken for.")
        given |= correcting.columns(about["src"], form.get("label", ""), form.get("value"))
        await keep(asked, pool, "correction", given)
        return
    await keep(asked, pool, "note", {**about, **given})


def _day(text: str) -> dt.date | None:
    if not text:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"'{text[:40]}' is no day.", hint="Write it like 2019-03-12.") from None


async def keep(asked: Asked, pool: Pool, kind: str, given: Mapping[str, Any]) -> None:
    """Puts the note into the lake; the next question sees it."""
    await asyncio.to_thread(lambda: Lake.open(asked.settings.lake).add_note(kind, **given))
    pool.look_again()
