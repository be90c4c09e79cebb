"""The analyst's words for a report: addenda, notes, corrections, and what is known of a gap, from the lake's table `notes`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from teiten.lake import Lake
from teiten.periods import Period

PLACED: Final = ("note",)
"""kinds of notes that may name a section (`label`) and their place in it (`value`): docs/decisions/0040"""


@dataclass(frozen=True, slots=True)
class Note:
    """One note, as far as a report shows it. `src` is kept back: no report names a source."""

    id: str
    created: dt.datetime
    kind: str
    """'note', 'correction', 'addendum' or 'gap'"""
    first: dt.date | None
    last: dt.date | None
    lang: str | None
    """None: for every language"""
    text: str
    url: str | None = None
    label: str | None = None
    value: str | None = None
    section: str | None = None
    """the section of the report in which it stands; None: among the notes at the end"""
    place: int | None = None
    """its place among those of that section"""

    def speaks(self, lang: str) -> bool:
        """Is its text one for that language?"""
        return self.lang is None or self.lang == lang

    def touches(self, start: dt.datetime, end: dt.datetime) -> bool:
        """Is it about a day of [start, end)?"""
        if self.first is None or self.last is None:
            return False
        return self.first <= (end - dt.timedelta(microseconds=1)).date() and self.last >= start.date()


def of_period(lake: Lake, period: Period, only: Collection[str] | None = None) -> tuple[Note, ...]:
    """The notes on a report of that period, in the order in which they were written.

    An addendum belongs to the report whose period it names; the others also to those with a day that they name. Withdrawn and
    replaced ones are left out. With `only` (ids), those notes whatever became of them since: for making a report again.
    """
    rows = lake.notes(every=True).to_dicts()
    if only is not None:
        return _made(row for row in rows if row["id"] in only and not row["withdrawn"])
    gone = {row["replaces"] for row in rows if row["replaces"]}
    return _made(row for row in rows if row["id"] not in gone and not row["withdrawn"] and _belongs(row, period))


def _belongs(row: Mapping[str, Any], period: Period) -> bool:
    if row["kind"] == "story":
        return False  # the story itself says it
    if row["period"]:
        return bool(row["period"] == period.name)
    first, last = _days(row)
    if first is None or last is None or row["kind"] == "addendum":
        return False
    return first <= period.days[-1] and last >= period.first


def _days(row: Mapping[str, Any]) -> tuple[dt.date | None, dt.date | None]:
    """First and last day; one that is not given is the other."""
    return row["day_from"] or row["day_to"], row["day_to"] or row["day_from"]


def _made(rows: Iterable[Mapping[str, Any]]) -> tuple[Note, ...]:
    found = []
    for row in sorted(rows, key=lambda r: (r["created"], r["id"])):
        first, last = _days(row)
        url = row["url"] if (row["url"] or "").startswith(("https://", "http://")) else None
        value = row["value"] or row["organisation"]
        text = (row["text"] or "").strip()
        section = row["label"] if row["kind"] in PLACED else None
        place = int(row["value"]) if section and (row["value"] or "").isdigit() else None
        made = (row["id"], row["created"], row["kind"], first, last, row["lang"], text, url)
        found.append(Note(*made, None if section else row["label"], None if section else value, section, place))
    return tuple(found)
