"""How things are named on a page, and where their names lead."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from teiten import lang
from teiten.engine.filters import thing_text
from teiten.lang import Words
from teiten.report.naming import Naming
from teiten.settings import Settings
from teiten.web.asked import Asked, place
from teiten.web.model import Cell


@dataclass(frozen=True, slots=True)
class Speech(Naming):
    """One page's words."""

    asked: Asked
    words: Words
    settings: Settings

    @classmethod
    def of(cls, asked: Asked) -> Speech:
        return cls(asked, lang.words(asked.lang), asked.settings)

    def thing(self, what: str, row: Mapping[str, Any]) -> Cell:
        """The cell that names a row of a ranking, with the address of its page."""
        asked, unknown = self.asked, self.say("thing.unknown")
        if what == "ports":
            if row["protocol"] is None:
                return Cell(unknown)
            text = thing_text(row["protocol"], row["dst_port"])
            return Cell(self.port((row["protocol"], row["dst_port"])), asked.url(place("port", text)))
        if what == "countries":
            code = row["country"]
            return Cell(self.country(code) if code else unknown, asked.url(place("country", code or "unknown")))
        if what == "asns":
            number = row["asn"]
            text = unknown if number is None else f"AS{number} {row.get('as_name') or ''}".strip()
            return Cell(text, asked.url(place("asn", "unknown" if number is None else number)))
        if what == "sources":
            return Cell(row["src_ip"], asked.url(place("source", row["src_ip"])))
        if what == "prefixes":
            return Cell(row["prefix"], asked.url(place("sources"), src=row["prefix"]))
        if what == "sensors":
            return Cell(row["sensor"], asked.url(place("sensor", row["sensor"])))
        name = row["scanner" if what == "scanners" else "tool"]
        return Cell(name or unknown, asked.url(place("sources"), **{what[:-1]: name or "unknown"}))

    def span(self) -> str:
        """The span that is shown, in words, with its year where it lies in one."""
        zone = self.settings.zone
        start, end = self.asked.start.astimezone(zone), self.asked.end.astimezone(zone)
        last = end - dt.timedelta(microseconds=1)
        if start.year == last.year:
            return self.say("web_look.year_span", year=str(start.year), span=self.words.span(start, end))
        day, clock = self.words.date, self.words.clock
        return self.say("date.span", start=f"{day(start)} {clock(start)}", end=f"{day(end)} {clock(end)}")

    def day(self, day: dt.date) -> str:
        """A day in a column of days: with its year only where that is not the span's."""
        end = self.asked.end.astimezone(self.settings.zone)
        return self.words.day(day) if day.year == end.year else self.words.date(day)

    def at(self, moment: dt.datetime) -> str:
        return self.words.stamp(moment.astimezone(self.settings.zone))
