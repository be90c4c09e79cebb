"""The SQL console: one SELECT over the documented views, in a process of its own with limits (promise 16)."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

from teiten.engine import console
from teiten.engine.duckdb import views
from teiten.errors import TeitenError
from teiten.web.asked import Asked
from teiten.web.model import Column, Part, Table, View
from teiten.web.pool import Pool
from teiten.web.speech import Speech

PATH = "/sql"
SEES = "analyst"
TOLD = "sql"
NAV = (90, "web.sql")
TEMPLATE = "sql.html"
LIMITS = console.Limits(seconds=20, memory_mb=1024, answer_mb=16)
SHOWN = 1000
AT_ONCE = asyncio.Semaphore(2)

EXAMPLES = (
    "SELECT dst_port, sum(packets) AS packets FROM events GROUP BY 1 ORDER BY 2 DESC LIMIT 10",
    "SELECT date_trunc('hour', time) AS hour, count(DISTINCT src_ip) AS hosts FROM events GROUP BY 1 ORDER BY 1",
)


async def build(asked: Asked, pool: Pool) -> View:
    speech = Speech.of(asked)
    query = asked.words.get("q", "")
    parts: list[Part] = []
    if query:
        try:
            async with AT_ONCE:
                frame = await asyncio.to_thread(console.ask, asked.settings.lake, asked.settings, query, LIMITS)
            rows = [tuple(_text(value, asked) for value in row) for row in frame.head(SHOWN).iter_rows()]
            columns = [Column(name, "number" if frame.schema[name].is_numeric() else "text") for name in frame.columns]
            note = speech.say("web.rows_of", n=len(rows), all=frame.height)
            parts.append(
                Part(
                    "answer",
                    speech.say("web.answer"),
                    table=Table(query, columns, rows, note=note),
                    empty=speech.say("web.no_rows"),
                )
            )
        except TeitenError as error:
            parts.append(Part("answer", speech.say("web.answer"), sentences=[error.message, error.hint or ""]))
    shown = [(one["view"], one["column"], one["type"], one[asked.lang]) for one in views()]
    columns = [Column(speech.say(f"web.{n}"), "text") for n in ("view", "column", "type", "meaning")]
    parts.append(Part("views", speech.say("web.views"), table=Table(speech.say("web.views"), columns, shown)))
    return View("SQL", parts, more={"query": query, "examples": EXAMPLES})


def _text(value: Any, asked: Asked) -> str:
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return f"{value:,.6g}" if isinstance(value, float) else str(value)[:2000]
