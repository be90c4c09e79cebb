"""What pages of rankings share: the largest through time, and the ranking, each row a way to its own page."""

from __future__ import annotations

import bisect
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final, Literal

from teiten import coverage
from teiten.engine import gaps, lives, questions, recorded, series
from teiten.engine.filters import thing_text
from teiten.engine.questions import Rows
from teiten.report import figures
from teiten.web.asked import Asked
from teiten.web.model import Cell, Column, Part, Row, Table
from teiten.web.pages import _finding, _watch
from teiten.web.pool import Pool, together
from teiten.web.speech import Speech

Span = tuple[dt.datetime, dt.datetime]
TOP = 7
"""things with a colour of their own"""


async def parts(asked: Asked, pool: Pool, what: str, ident: str) -> list[Part]:
    """The parts of a ranking's page: through time, and the table."""
    speech = Speech.of(asked)
    rows, found = await together(
        ranked(asked, pool, what), pool.ask(("series", what, asked.key), lambda s: through_time(s, asked, what))
    )
    return [
        timed(asked, what, found, rows, f"{ident}-time"),
        Part(ident, speech.say(f"web.{what}"), table=table(asked, what, rows), empty=speech.say("web.nothing"), sql=rows.sql),
    ]


def timed(asked: Asked, what: str, found: Found, rows: Rows, ident: str) -> Part:
    """The chart of a thing through time, with what it shows as its title. rows: the ranking over the same span."""
    speech = Speech.of(asked)
    if not found.rows:
        return Part(ident, speech.say(f"web.{what}_time"), empty=speech.say("web.nothing"))
    names = {f"AS{row['asn']}": speech.thing(what, row).text for row in rows} if what == "asns" else {}
    title = _finding.title(asked, what, rows, found.watch)
    drawn = _finding.drawn(asked, what, rows, found.watch, unit(asked))
    figure = replace(stack(asked, what, found, names), title=title, subtitle=drawn)
    return Part(ident, title, drawn=drawn, figure=figure)


async def ranked(asked: Asked, pool: Pool, what: str) -> Rows:
    """The ranking of a thing, over the span and with the filters that are asked for."""
    return await pool.ask(("rank", what, asked.key), lambda s: rank(s, asked, what))


def rank(session: Any, asked: Asked, what: str) -> Rows:
    """The ranking; in the unit per-ip its rows also have what `coverage.add_rates` gives."""
    rows = questions.rank(
        session, what, asked.start, asked.end, by=asked.by, before=asked.before, filters=asked.filters, n=asked.n
    )
    if asked.unit == "per-ip":
        coverage.add_rates(
            session, rows, (asked.start, asked.end), asked.before, sensors=asked.filters.sensor, each_sensor=what == "sensors"
        )
    return rows


@dataclass(frozen=True, slots=True)
class Found:
    """A series as it was found. gaps: stretches in which no sensor watched; each: the gaps of each sensor; watched: of each
    sensor the stretches, with addresses, in which it did (for the unit per-ip alone); watch: for how long, held against
    the span before."""

    rows: Rows
    starts: list[dt.datetime]
    gaps: list[Span]
    each: dict[str, list[Span]]
    watched: list[coverage.Stretch]
    watch: _watch.Watch | None = None


def through_time(session: Any, asked: Asked, what: str | None, *, top: int = TOP) -> Found:
    """The largest of a thing by hour or day, and when nobody watched."""
    rows = series.series(
        session,
        what,
        asked.start,
        asked.end,
        asked.step,
        top=top,
        by=asked.by,
        filters=asked.filters,
        hosts=asked.by == "hosts",
    )
    starts = series.starts(session, asked.start, asked.end, asked.step)
    only = asked.filters.sensor
    each: dict[str, list[Span]] = {name: [] for name in recorded.activities(session, only) or only}
    missing = gaps.gaps(session, asked.start, asked.end, sensors=only)
    for row in missing:
        each.setdefault(row["sensor"], []).append((row["start"], row["end"]))
    watched = coverage.watched(session, asked.start, asked.end, only) if asked.unit == "per-ip" else []
    end = min(asked.end, asked.now)
    then = gaps.gaps(session, *asked.before, sensors=only)
    beside = _watch.of(each, (asked.start, end), missing, asked.before, then) if asked.start < end else None
    return Found(rows, starts, shared([lives.joined(own, _TOUCH) for own in each.values()]), each, watched, beside)


_TOUCH: Final = dt.timedelta(0)


def shared(lists: Sequence[Sequence[Span]]) -> list[Span]:
    """The stretches that lie in one of each list (each in order, without overlap)."""
    if not lists:
        return []
    out = list(lists[0])
    for other in lists[1:]:
        out = [(max(a, c), min(b, d)) for a, b in out for c, d in other if max(a, c) < min(b, d)]
    return out


def stack(asked: Asked, what: str, found: Found, names: Mapping[Any, str] | None = None) -> figures.Figure:
    """The largest through time. names: key of a series -> how it is called, where that is more than the row says."""
    speech = Speech.of(asked)
    # a host that tried two ports is one of each: such hosts are no parts of a whole
    whole = asked.by == "packets" or what in ("countries", "asns", "sources")
    more: dict[str, Any] = {"totals": asked.unit == "packets"} if whole else {}
    return (figures.StackFigure if whole else figures.LineFigure)(
        id=f"{what}-time",
        title=speech.say(f"web.{what}_time"),
        subtitle=speech.span(),
        unit=unit(asked),
        times=[t.astimezone(asked.settings.zone) for t in found.starts],
        series=made(asked, what, found, names or {}),
        step=asked.step,
        things=_COLOURED.get(what, what),
        gaps=[figures.Gap(low, high) for low, high in found.gaps],
        **more,
    )


def made(asked: Asked, what: str, found: Found, names: Mapping[Any, str] = MappingProxyType({})) -> list[figures.Series]:
    """The series of a thing as a figure takes them, in the unit that is asked for; None where nobody watched."""
    speech = Speech.of(asked)
    starts, columns = found.starts, questions.THINGS[what].columns
    out = []
    for key, values in series.spread(found.rows, starts, columns, asked.by).items():
        kind: Literal["value", "other", "unknown"] = key if key in ("other", "unknown") else "value"
        if kind == "unknown" and not questions.THINGS[what].unknown:
            continue  # who is no announced scanner is not unknown
        name = dict(zip(columns, key if isinstance(key, tuple) else (key,), strict=True)) if kind == "value" else {}
        label = speech.thing(what, name).text if kind == "value" else speech.say(f"thing.{kind}")
        key = _key(what, name) if kind == "value" else str(key)
        shown = _shown(values, asked, found, name.get("sensor"))
        out.append(figures.Series(key, names.get(key, label), shown, kind=kind))
    return out


def plain(asked: Asked, found: Found) -> list[float | None]:
    """The values of a series of no thing, as `made` makes them."""
    place = {moment: n for n, moment in enumerate(found.starts)}
    values = [0] * len(found.starts)
    for row in found.rows:
        if row["start"] in place:
            values[place[row["start"]]] += row[asked.by]
    return _shown(values, asked, found, None)


def unit(asked: Asked) -> str:
    """What the values of a series are."""
    key = f"web_look.unit_per_ip_{asked.step}" if asked.unit == "per-ip" else f"web.unit_{asked.by}_{asked.step}"
    return Speech.of(asked).say(key)


def _shown(values: Sequence[int], asked: Asked, found: Found, sensor: str | None) -> list[float | None]:
    """Counts by step in the unit that is asked for; of one sensor alone, with its own gaps and addresses."""
    quiet = _silent(found.starts, found.each.get(sensor, []) if sensor else found.gaps, asked)
    shown = [None if silent else float(value) for value, silent in zip(values, quiet, strict=True)]
    if asked.unit != "per-ip":
        return shown
    there = [one for one in found.watched if sensor is None or one.sensor == sensor]
    return _divided(shown, [*found.starts, asked.end], there, asked)


def _divided(
    values: Sequence[float | None], edges: Sequence[dt.datetime], watched: Sequence[coverage.Stretch], asked: Asked
) -> list[float | None]:
    """Packets of each step by the addresses observed in it, for as long as they were: None where none was."""
    unit = dt.timedelta(**{f"{asked.step}s": 1})
    moments = [edge.timestamp() for edge in edges]
    there = [0.0] * len(values)
    for one in watched:
        low, high = one.start.timestamp(), one.end.timestamp()
        for n in range(max(0, bisect.bisect_right(moments, low) - 1), len(values)):
            if moments[n] >= high:
                break
            inside = min(high, moments[n + 1]) - max(low, moments[n])
            there[n] += max(0.0, inside) / unit.total_seconds() * one.addresses
    return [value / time if value is not None and time else None for value, time in zip(values, there, strict=True)]


_COLOURED: Final = {"ports": "port", "countries": "country", "asns": "asn", "sensors": "sensor", "scanners": "organisation"}
"""ranking -> what its colours belong to"""


def _key(what: str, name: Mapping[str, Any]) -> str:
    """What a thing's colour goes by, and its name in an address: the same in every language."""
    if what == "ports":
        return thing_text(name["protocol"], name["dst_port"])
    return f"AS{name['asn']}" if what == "asns" else str(name[questions.THINGS[what].columns[0]])


def _silent(starts: Sequence[dt.datetime], missing: Sequence[Span], asked: Asked) -> list[bool]:
    """Steps that lie within a gap whole: no value, which is not zero."""
    ends = [*starts[1:], asked.end]
    return [any(low <= a and b <= high for low, high in missing) for a, b in zip(starts, ends, strict=True)]


def table(asked: Asked, what: str, rows: Rows) -> Table:
    speech = Speech.of(asked)
    say, number = speech.say, speech.words.number
    columns = [Column(say("web.rank")), Column(say(f"web.{what}_one"), "text")]
    rated = asked.unit == "per-ip"
    alone = what == "sources"  # each of which is one host
    columns += [Column(say(f"web.{name}")) for name in ("packets", "hosts", "share") if not (alone and name == "hosts")]
    columns[3:3] = [Column(say("web_look.per_ip"))] if rated else []
    columns += [Column(say(f"web.{name}"), spare=True) for name in ("rank_before", "change")]
    shown: list[Row] = []
    for row in rows:
        share = row["share"]
        shown.append(
            (
                number(row["rank"]) if row["rank"] is not None else "",
                speech.thing(what, row),
                number(row["packets"]),
                *([figures.number(row["per_ip"]) if row["per_ip"] is not None else "–"] if rated else []),
                *([] if alone else [number(row["hosts"])]),
                Cell(speech.words.percent(share) if share is not None else "", share=share or 0),
                number(row["rank_before"]) if row["rank_before"] is not None else "–",
                f"{speech.words.signed(row['change'], 0)}%" if row["change"] is not None else "–",
            )
        )
    note = say("web.share_of", n=rows.total or 0, of=say(f"web.{asked.by}").lower())
    if rated and rows:
        # each sensor is divided by its own
        days = sum(row["address_days"] for row in rows) if what == "sensors" else rows[0]["address_days"]
        told = say("web_look.per_ip_note", days=number(days, 1)) if days else say("web_look.per_ip_none")
        note = speech.words.joined(note, told)
    return Table(say(f"web.{what}"), columns, shown, note=note, rows_url=asked.url(f"/api/v1/rank/{what}"))
