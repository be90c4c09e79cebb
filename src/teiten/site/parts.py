"""What the site's pages are made of: rankings as tables and bars, courses as lines, with their rows; from a `Book` alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from teiten.lang import Words
from teiten.publish.release import Cell
from teiten.report import figures
from teiten.report.context import protocol_name
from teiten.report.model import Block, Column, Data, Fact, Table
from teiten.report.naming import Naming
from teiten.settings import Settings
from teiten.site.book import ALL, Book, Ranking, Row

TOP: Final = 10
"""bars of a chart of ranks"""
NAMES: Final = {"port": "ports", "country": "countries", "asn": "asns", "source": "sources"}
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "port": ("port", "protocol"), "country": ("country",), "asn": ("asn",), "source": ("source",),
}  # fmt: skip
_DAY: Final = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Say(Naming):
    """One language of the site: words, and the names of things by the keys of the counts."""

    words: Words
    settings: Settings

    def thing(self, what: str, key: str) -> str:
        """'23/6' -> 23/tcp; 'CN' -> China; '4134' -> AS4134; '' -> unknown."""
        if what == "port":
            return self.port(port_key(key)) if key != "/" else self.words("site.unknown")
        if not key:
            return self.words("site.unknown")
        return self.country(key) if what == "country" else f"AS{key}" if what == "asn" else key

    def rate(self, value: float | None) -> str:
        """342; 12.3; 0.12; what is withheld, in that word."""
        if value is None:
            return self.words("site.withheld")
        return self.words.number(value, 0 if value >= 10 or not value else 1 if value >= 1 else 2)

    def change(self, now: Cell, before: Cell | None) -> str:
        """+12%; nothing where one of the two is not told. Of rounded figures, so in whole percent."""
        if before is None or now.packets is None or not before.packets:
            return ""
        ratio = (now.packets - before.packets) / before.packets
        if ratio > 10:
            return self.words.change(ratio)
        return self.words.signed(ratio * 100, 0) + self.words("number.percent")

    def group(self, name: str) -> str:
        """All sensors; domestic sensors; sensor A."""
        if name == ALL:
            return self.words("site.group_all")
        if self.settings.publishing.sensors == "alias":
            return self.words("site.group_alias", name=name)
        key = f"sensors.group_{name}"
        text = self.words("site.group_named", name=self.words(key) if key in self.words else name)
        return text[:1].upper() + text[1:]


def port_key(key: str) -> tuple[int | None, int | None]:
    """'23/6' -> (6, 23): protocol and port, as elsewhere."""
    port, _, protocol = key.partition("/")
    return int(protocol) if protocol else None, int(port) if port else None


def columns_of(what: str, key: str) -> tuple[Any, ...]:
    """The cells by which rows name a thing."""
    if what == "port":
        protocol, port = port_key(key)
        return port, protocol
    return (key or "unknown",)


def colour_of(what: str, key: str) -> str:
    """By which a thing has its colour in every chart."""
    if what != "port":
        return key
    protocol, port = port_key(key)
    return protocol_name(protocol) if port is None else f"{port}/{protocol_name(protocol)}"


def slug(key: str) -> str:
    """'23/6' -> 23-tcp: the name of a port's folder."""
    return colour_of("port", key).replace("/", "-") or "unknown"


def places(rows: Sequence[Row], told: Any) -> dict[str, int]:
    """Key -> its place by those figures; equal ones share one. Only of what is told."""
    values = {row.key: told(row) for row in rows}
    known = sorted((v for v in values.values() if v), reverse=True)
    return {key: known.index(v) + 1 for key, v in values.items() if v}


def ranking(say: Say, what: str, found: Ranking, name: str, span: tuple[dt.date, dt.date]) -> list[Block]:
    """A chart of the first rows and a table of all; nothing where there is no row."""
    if not found.rows:
        return []
    words = say.words
    when = words("site.of_sensor", start=words.day(span[0]), end=words.day(span[1]))
    now = places([r for r in found.rows if r.key not in ("", "/")], lambda row: row.cell.packets)
    compared = found.before is not None
    whole = found.whole.packets
    heads = [Column(words("site.head_rank")), Column(words(f"site.head_{what}"), "text"), Column(words("site.head_packets"))]
    heads += [Column(words("site.head_hosts"), spare=True), Column(words("site.head_share"))]
    heads += [Column(words("site.head_before"), spare=True)] if compared else []
    cells, body = [], []
    for row in found.rows:
        share = row.cell.packets / whole if whole and row.cell.packets is not None else None
        line = [str(now[row.key]) if row.key in now else "–", say.thing(what, row.key), say.rate(row.cell.packets)]
        line += [say.rate(row.cell.hosts), words.percent(min(1.0, share), 0) if share is not None else "–"]
        if compared:
            line.append(say.rate(row.before.packets if row.before else None))
        cells.append(tuple(line))
        then = (row.before.packets, row.before.hosts) if row.before else (None, None)
        body.append((now.get(row.key), *columns_of(what, row.key), row.cell.packets, row.cell.hosts, *then, "told", 1))
    rest = remaining(say, found)
    pad = ("",) * (len(heads) - 3)
    if rest is not None:
        cells.append(("–", words("site.rest"), say.rate(rest), *pad))
    gone = words("site.suppressed", n=found.withheld)
    cells.append(("–", gone, words("site.withheld"), *pad))
    blank = (None,) * len(COLUMNS[what])
    body.append((None, *blank, rest, None, None, None, "rest", None))
    body.append((None, *blank, None, None, None, None, "withheld", found.withheld))
    named = ("rank", *COLUMNS[what], "packets", "hosts", "packets_before", "hosts_before", "state", "things")
    data = Data(f"{name}-{NAMES[what]}", named, body, "")
    table = Table(when, tuple(heads), cells, words("site.suppressed_note"))
    rows = [
        figures.RankRow(
            key=colour_of(what, r.key), label=say.thing(what, r.key), value=r.cell.packets, rank=now.get(r.key),
            kind="value" if r.key not in ("", "/") else "unknown",
            detail=say.service(port_key(r.key)) if what == "port" else "",
        )
        for r in found.rows[:TOP]
    ]  # fmt: skip
    first = next((r for r in rows if r.rank), rows[0])
    title = words("site.rank_title", thing=first.label)
    figure = figures.RankFigure(
        id=data.id,
        title=title,
        subtitle=when,
        unit=words("site.unit"),
        rows=rows,
        things="port" if what == "port" else "country",
        colour_by="thing" if what in ("port", "country") else "plain",
        heading=words(f"site.head_{what}"),
    )
    return [Block(data, figure, table, png=False)]


def remaining(say: Say, found: Ranking) -> float | None:
    """What the rows leave of the whole, from what is told alone: so it tells nothing more."""
    from teiten.publish.release import rounded

    if found.whole.packets is None:
        return None
    return rounded(max(0.0, found.whole.packets - sum(r.cell.packets or 0.0 for r in found.rows)), say.settings.publishing)


def course(
    say: Say,
    name: str,
    title: str,
    starts: Sequence[dt.date],
    lines: Mapping[tuple[str, str], tuple[str, Sequence[Cell]]],
    *,
    step: str,
    things: str = "port",
    columns: tuple[str, ...] = ("group",),
) -> Block | None:
    """Lines through days or weeks. lines: (colour, rows' cell) -> label and cells. None where nothing can be told."""
    told = {key: one for key, one in lines.items() if any(not c.withheld for c in one[1])}
    if not told or not starts:
        return None
    zone = say.settings.zone
    series = [
        figures.Series(colour, label, [c.packets for c in cells], dashed=n > 0 and colour == "all")
        for n, ((colour, _), (label, cells)) in enumerate(told.items())
    ]
    figure = figures.LineFigure(
        id=name,
        title=title,
        subtitle=say.words("site.course_subtitle"),
        unit=say.words("site.unit"),
        times=[dt.datetime.combine(day, dt.time(), zone) for day in starts],
        series=series,
        step="week" if step == "week" else "day",
        things=things,
        whole=False,
    )
    body = [
        (day, *key[1].split("|"), cell.packets, cell.hosts, "withheld" if cell.withheld else "told")
        for key, (_, cells) in told.items()
        for day, cell in zip(starts, cells, strict=True)
    ]
    return Block(Data(name, ("start", *columns, "packets", "hosts", "state"), body, ""), figure, png=False)


def by_group(
    say: Say, name: str, title: str, starts: Sequence[dt.date], cells: Mapping[str, Sequence[Cell]], step: str
) -> Block | None:
    """One thing through time, a line for each group of sensors."""
    lines = {(f"group-{g}" if g else "all", g or "all"): (say.group(g), own) for g, own in cells.items()}
    return course(say, name, title, starts, lines, step=step, things="sensor")


def facts(say: Say, book: Book, now: Cell, before: Cell | None, sensors: int) -> list[Fact]:
    """The first numbers of a page."""
    words = say.words
    out = []
    for name, value, then in (
        (words("site.fact_packets"), now.packets, before.packets if before else None),
        (words("site.fact_hosts"), now.hosts, before.hosts if before else None),
    ):
        note = words("site.fact_before", value=say.rate(then)) if then is not None else ""
        out.append(Fact(name, say.rate(value), note))
    return [*out, Fact(words("site.fact_sensors"), words.number(sensors))]
