"""Reports: those that lie there, and one more made on demand."""

from __future__ import annotations

import asyncio
import datetime as dt

from teiten.settings import LANGUAGES
from teiten.web import reporting
from teiten.web.asked import Asked
from teiten.web.model import Cell, Column, Field, Form, Part, Row, Table, View
from teiten.web.pages import _notes
from teiten.web.pool import Pool
from teiten.web.speech import Speech

PATH = "/reports"
SEES = "viewer"
NEEDS = "analyst"
NAV = (85, "web_reports.title")


async def build(asked: Asked, pool: Pool) -> View:
    speech = Speech.of(asked)
    say, words = speech.say, speech.words
    found = await asyncio.to_thread(reporting.listed, asked.settings.serving.reports)
    rows: list[Row] = [
        (
            Cell(
                say(f"web_reports.kind_{one.kind}") if f"web_reports.kind_{one.kind}" in words else one.kind, _place(one.name)
            ),
            Cell(one.period, _place(one.name)),
            say(f"web_reports.lang_{one.language}") if one.language in LANGUAGES else one.language,
            words.number(one.edition),
            speech.at(one.made),
            Cell("PDF", _place(one.name, "report.pdf")) if one.pdf else "",
        )
        for one in found
    ]
    columns = [Column(say(f"web_reports.{name}"), "text") for name in ("kind", "period", "language")]
    columns += [Column(say("web_reports.edition")), Column(say("web_reports.made"), "text", spare=True), Column("", "text")]
    table = Table(say("web_reports.title"), columns, rows)
    working, more = _working(asked, pool)
    parts = [
        *working,
        Part("reports", say("web_reports.there"), table=table, empty=say("web_reports.none")),
        _form(asked),
        *_notes.part(asked, [n for n in await _notes.every(pool) if n["kind"] in ("note", "addendum")]),
    ]
    return View(say("web_reports.title"), parts, bar="none", more=more)


def _kind(speech: Speech, kind: str) -> str:
    return speech.say(f"web_reports.kind_{kind}") if f"web_reports.kind_{kind}" in speech.words else kind


def _place(name: str, file: str = "index.html") -> str:
    return f"/reports/{name}/{file}"


def _working(asked: Asked, pool: Pool) -> tuple[list[Part], dict[str, int]]:
    """What is being made, or became of the last that was; the page comes again while it is."""
    job = reporting.job(pool)
    if job is None:
        return [], {}
    say = Speech.of(asked).say
    kind = say(f"web_reports.kind_{job.kind}")
    seconds = round((dt.datetime.now(dt.UTC) - job.begun).total_seconds())
    if job.code is None:
        sentences = [say("web_reports.working", kind=kind, period=job.period, n=seconds), job.said]
        return [Part("working", say("web_reports.now"), sentences=[s for s in sentences if s])], {"refresh": 3}
    if job.code == 0:
        link = Cell(say("web_reports.open", kind=kind, period=job.period), _place(job.name))
        return [Part("working", say("web_reports.done"), links=[link])], {}
    sentences = [say("web_reports.failed", kind=kind, period=job.period), job.said]
    return [Part("working", say("web_reports.now"), sentences=[s for s in sentences if s])], {}


def _form(asked: Asked) -> Part:
    say = Speech.of(asked).say
    day = (asked.now - dt.timedelta(days=1)).astimezone(asked.settings.zone).date()
    kinds = [(kind, say(f"web_reports.kind_{kind}")) for kind in reporting.KINDS]
    fields = (
        Field("kind", say("web_reports.kind"), "choice", "daily", kinds),
        Field("period", say("web_reports.which"), value=day.isoformat(), required=True, most=20),
        Field(
            "language",
            say("web_reports.language"),
            "choice",
            asked.lang,
            [(code, say(f"web_reports.lang_{code}")) for code in LANGUAGES],
        ),
    )
    form = Form(asked.url(), fields, say("web_reports.make"), note=say("web_reports.make_note"))
    return Part("make", say("web_reports.make_title"), form=form)


async def act(asked: Asked, pool: Pool, form: dict[str, str]) -> View:
    """Begins to make one, and shows how far it is."""
    words = (form.get("kind", ""), form.get("period", "").strip(), form.get("language", ""))
    await asyncio.to_thread(reporting.start, pool, asked.settings, *words)
    return View("", [], more={"redirect": asked.url(PATH)})
