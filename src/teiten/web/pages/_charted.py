"""The chart that fits the rows of a query: lines over time, or bars of a ranking; none where neither fits.

moments (an hour, a day, a week, a month apart) and one number or more    a line each
moments, a text, a number                                                 a line for each of the largest
a text (or a port, a protocol, an AS) and a number                        bars
"""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal
from zoneinfo import ZoneInfo

from teiten.data import countries
from teiten.engine.filters import thing_text
from teiten.report import figures

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

LINES: Final = 7
BARS: Final = 30
BUCKETS: Final = 2000
"""moments of a chart"""
_NAMES: Final = frozenset({
    "dst_port", "src_port", "port", "protocol", "asn", "source_id", "source_pos", "batch", "icmp_type", "icmp_code", "rank",
    "id", "ttl", "place",
})  # fmt: skip
"""columns of numbers that count nothing: they name a thing"""
_STEPS: Final[tuple[tuple[dt.timedelta, Literal["hour", "day", "week", "month"]], ...]] = (
    (dt.timedelta(hours=20), "hour"), (dt.timedelta(days=6), "day"), (dt.timedelta(days=25), "week"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shape:
    """What of a frame can be drawn: column of moments or None, of names or None, columns of numbers."""

    time: str | None
    name: str | None
    numbers: tuple[str, ...]
    kinds: tuple[str, ...]
    """charts that fit: line, bar; the first is the usual one"""


def shape(frame: pl.DataFrame) -> Shape:
    """What can be drawn of it."""
    moments = [c for c, kind in frame.schema.items() if kind.is_temporal() and str(kind).startswith(("Date", "Datetime"))]
    texts = [c for c, kind in frame.schema.items() if str(kind) == "String"]
    named = [c for c, kind in frame.schema.items() if kind.is_numeric() and c.lower() in _NAMES]
    numbers = [c for c, kind in frame.schema.items() if kind.is_numeric() and c not in named]
    ports = [c for c in named if c.lower().endswith("port")]
    name = next(iter([*ports, *texts, *named]), None)
    numbers = [c for c in numbers if frame[c].cast(float, strict=False).drop_nulls().ge(0).all()]
    kinds: list[str] = []
    if frame.height >= 2 and numbers:
        apart = moments[:1] + ([name] if name is not None else [])
        # lines want each moment once, for each name, and names that come again
        again = name is None or frame[name].n_unique() * 2 <= frame.height
        if moments and again and frame.select(apart).n_unique() == frame.height and _buckets(frame, moments[0], dt.UTC):
            kinds.append("line")
        if name is not None and frame[name].n_unique() == frame.height:
            kinds.append("bar")
    return Shape(moments[0] if moments else None, name, tuple(numbers), tuple(kinds))


def figure(frame: pl.DataFrame, found: Shape, kind: str, number: str, title: str, zone: ZoneInfo, lang: str) -> figures.Figure:
    """That kind of chart, of that column of numbers (a line chart without a column of names draws all of them)."""
    if kind == "bar":
        return _bars(frame, found, number, title, lang)
    assert found.time is not None
    times = _buckets(frame, found.time, zone)
    made, things = _series(frame, found, number, [one.timestamp() for one in times], zone, lang)
    step = _step(times)
    return figures.LineFigure(
        id="query", title=title, unit=number if len(made) == 1 or found.name else "", times=times, series=made, step=step,
        things=things, whole=False,
    )  # fmt: skip


def _bars(frame: pl.DataFrame, found: Shape, number: str, title: str, lang: str) -> figures.Figure:
    assert found.name is not None
    ports = found.name.lower().endswith("port")
    things = "port" if ports else "country" if found.name == "country" else "sensor"
    rows = []
    for at, row in enumerate(frame.head(BARS).iter_rows(named=True)):
        key, label = _thing(found.name, row, lang)
        value = row[number]
        unknown = row[found.name] is None
        rows.append(
            figures.RankRow(
                key=key,
                label=label,
                value=None if value is None else float(value),
                rank=at + 1,
                kind="unknown" if unknown else "value",
            )
        )
    return figures.RankFigure(
        id="query", title=title, unit=number, rows=rows, things=things, heading=found.name,
        colour_by="thing" if things != "sensor" else "plain",
    )  # fmt: skip


def _series(
    frame: pl.DataFrame, found: Shape, number: str, stamps: Sequence[float], zone: ZoneInfo, lang: str
) -> tuple[list[figures.Series], str]:
    """The lines; a moment without a row has no value, which is not zero."""
    assert found.time is not None
    places = {stamp: at for at, stamp in enumerate(stamps)}
    if found.name is None:
        made = []
        for column in found.numbers[:LINES]:
            values: list[float | None] = [None] * len(stamps)
            for moment, value in frame.select(found.time, column).iter_rows():
                if moment is not None and value is not None:
                    values[places[_moment(moment, zone).timestamp()]] = float(value)
            made.append(figures.Series(column, column, values, colour=None if len(found.numbers) > 1 else figures.LIGHT.plain))
        return made, "sensor"
    lines: dict[tuple[str, str], list[float | None]] = {}
    for row in frame.iter_rows(named=True):
        if row[found.time] is None or row[number] is None:
            continue
        values = lines.setdefault(_thing(found.name, row, lang), [None] * len(stamps))
        values[places[_moment(row[found.time], zone).timestamp()]] = float(row[number])
    largest = sorted(lines.items(), key=lambda one: -sum(v or 0.0 for v in one[1]))[:LINES]
    things = "port" if found.name.lower().endswith("port") else "country" if found.name == "country" else "sensor"
    return [figures.Series(key, label, values) for (key, label), values in largest], things


def _thing(column: str, row: dict[str, Any], lang: str) -> tuple[str, str]:
    """Key (of its colour) and label of what a row is about."""
    value = row[column]
    if value is None:
        return "null", "null"
    if column.lower().endswith("port"):
        protocol = row.get("protocol", 6)
        text = thing_text(protocol, value) if isinstance(protocol, int) and 0 < int(value) < 65536 else str(value)
        return text, text if "protocol" in row else str(value)
    if column == "country" and countries.find(str(value)) is not None:
        return str(value), countries.name(str(value), lang)
    return str(value), f"AS{value}" if column == "asn" else str(value)


def _moment(value: dt.date | dt.datetime, zone: dt.tzinfo) -> dt.datetime:
    """A day begins in the zone; a moment without one is one of it."""
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=zone) if value.tzinfo is None else value.astimezone(zone)
    return dt.datetime(value.year, value.month, value.day, tzinfo=zone)


def _buckets(frame: pl.DataFrame, column: str, zone: dt.tzinfo) -> list[dt.datetime]:
    """The moments from the first to the last, those without a row between them too; none where they are less than an hour
    apart, or too many."""
    there = sorted({_moment(one, zone) for one in frame[column].drop_nulls().to_list()})
    if len(there) < 2:
        return []
    least = min(b - a for a, b in itertools.pairwise(there))
    if least < dt.timedelta(hours=1) or (there[-1] - there[0]) / least > BUCKETS:
        return []
    out = [there[0]]
    if least < dt.timedelta(days=25):
        for one in there[1:]:
            # a step of summer time makes a day of 23 or 25 hours: what is nearly there is there
            while one - out[-1] > least * 1.5:
                out.append(out[-1] + least)
            out.append(one)
        return out
    return there


def _step(times: Sequence[dt.datetime]) -> Literal["hour", "day", "week", "month"]:
    least = min(b - a for a, b in itertools.pairwise(times))
    return next((name for most, name in _STEPS if least < most), "month")
