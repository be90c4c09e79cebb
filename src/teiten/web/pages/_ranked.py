"""What pages of rankings share: the largest through time, and the ranking, each row a way to its own page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from teiten.engine import gaps, questions, series
from teiten.engine.filters import thing_text
from teiten.engine.questions import Rows
from teiten.report import figures
from teiten.web.asked import Asked
from teiten.web.model import Cell, Column, Part, Row, Table
from teiten.web.pool import Pool
from teiten.web.speech import Speech

TOP = 7
"""things with a colour of their own"""


async def parts(asked: Asked, pool: Pool, what: str, ident: str) -> list[Part]:
    """The parts of a ranking's page: through time, and the table."""
    speech = Speech.of(asked)
    rows = await ranked(asked, pool, what)
    found = await pool.ask(("series", what, asked.key), lambda s: through_time(s, asked, what))
    return [
        Part(
            f"{ident}-time", speech.say(f"web.{what}_time"), figure=stack(asked, what, found), empty=speech.say("web.nothing")
        ),
        Part(ident, speech.say(f"web.{what}"), table=table(asked, what, rows), empty=speech.say("web.nothing"), sql=rows.sql),
    ]


async def ranked(asked: Asked, pool: Pool, what: str) -> Rows:
    """The ranking of a thing, over the span and with the filters that are asked for."""
    return await pool.ask(("rank", what, asked.key), lambda s: rank(s, asked, what))


def rank(session: Any, asked: Asked, what: str) -> Rows:
    return questions.rank(
        session, what, asked.start, asked.end, by=asked.by, before=asked.before, filters=asked.filters, n=asked.n
    )


Found = tuple[Rows, list[dt.datetime], list[dict[str, Any]]]


def through_time(session: Any, asked: Asked, what: str | None) -> Found:
    """Rows of the series, the beginnings of its steps, and the gaps."""
    rows = series.series(session, what, asked.start, asked.end, asked.step, top=TOP, by=asked.by, filters=asked.filters)
    starts = series.starts(session, asked.start, asked.end, asked.step)
    return rows, starts, list(gaps.gaps(session, asked.start, asked.end, sensors=asked.filters.sensor))


def stack(asked: Asked, what: str, found: Found) -> figures.Figure:
    """The largest through time, stacked or as lines."""
    speech = Speech.of(asked)
    rows, starts, missing = found
    columns = questions.THINGS[what].columns
    spread = series.spread(rows, starts, columns, asked.by)
    silent = _silent(starts, missing, asked)
    made = []
    for key, values in spread.items():
        kind: Literal["value", "other", "unknown"] = key if key in ("other", "unknown") else "value"
        name = dict(zip(columns, key if isinstance(key, tuple) else (key,), strict=True)) if kind == "value" else {}
        label = speech.thing(what, name).text if kind == "value" else speech.say(f"thing.{kind}")
        key = _key(what, name) if kind == "value" else str(key)
        shown = [None if quiet else float(v) for v, quiet in zip(values, silent, strict=True)]
        made.append(figures.Series(key, label, shown, kind=kind))
    return figures.StackFigure(
        id=f"{what}-time",
        title=speech.say(f"web.{what}_time"),
        subtitle=speech.span(),
        unit=speech.say(f"web.unit_{asked.by}_{asked.step}"),
        times=[t.astimezone(asked.settings.zone) for t in starts],
        series=made,
        step=asked.step,
        things=_COLOURED.get(what, what),
        totals=asked.by == "packets",
        gaps=[figures.Gap(g["start"], g["end"]) for g in missing],
    )


_COLOURED: Final = {"ports": "port", "countries": "country", "asns": "asn", "sensors": "sensor", "scanners": "organisation"}
"""ranking -> what its colours belong to"""


def _key(what: str, name: Mapping[str, Any]) -> str:
    """What a thing's colour goes by, and its name in an address: the same in every language."""
    if what == "ports":
        return thing_text(name["protocol"], name["dst_port"])
    return f"AS{name['asn']}" if what == "asns" else str(name[questions.THINGS[what].columns[0]])


def _silent(starts: Sequence[dt.datetime], missing: list[dict[str, Any]], asked: Asked) -> list[bool]:
    """Steps that lie within a gap whole: no value, which is not zero."""
    ends = [*starts[1:], asked.end]
    return [any(g["start"] <= a and b <= g["end"] for g in missing) for a, b in zip(starts, ends, strict=True)]


def table(asked: Asked, what: str, rows: Rows) -> Table:
    speech = Speech.of(asked)
    say, number = speech.say, speech.words.number
    columns = [Column(say("web.rank")), Column(say(f"web.{what}_one"), "text")]
    columns += [Column(say(f"web.{name}")) for name in ("packets", "hosts", "share")]
    columns += [Column(say(f"web.{name}"), spare=True) for name in ("rank_before", "change")]
    shown: list[Row] = []
    for row in rows:
        share = row["share"]
        shown.append(
            (
                number(row["rank"]) if row["rank"] is not None else "",
                speech.thing(what, row),
                number(row["packets"]),
                number(row["hosts"]),
                Cell(speech.words.percent(share) if share is not None else "", share=share or 0),
                number(row["rank_before"]) if row["rank_before"] is not None else "–",
                f"{speech.words.signed(row['change'], 0)}%" if row["change"] is not None else "–",
            )
        )
    note = say("web.share_of", n=rows.total or 0, of=say(f"web.{asked.by}"))
    return Table(say(f"web.{what}"), columns, shown, note=note, rows_url=asked.url(f"/api/v1/rank/{what}"))
