"""Detections and stories as rows of the lake's tables (`lake.changes`), and back again without loss."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import polars as pl

from teiten.detect.model import About, Detection, Part, Port, Story, told
from teiten.lake import changes

_ABOUT: Final = ("day", "place", "ports", "country", "asn", "sensor", "sensor_group", "detections")
_STORY: Final = tuple(name for name in changes.TABLES["stories"] if name not in _ABOUT)
"""columns that are a story's fields of the same name"""


def of_detections(day: dt.date, found: Sequence[Detection]) -> pl.DataFrame:
    """A day's detections in their order: `changes.TABLES`, and `day`."""
    rows = [
        {
            "day": day,
            "place": place,
            "id": one.id,
            "kind": one.kind,
            **_about(one.about),
            "start": one.start,
            "end": one.end,
            "peak": one.peak,
            "packets": one.packets,
            "hosts": one.hosts,
            "usual": one.usual,
            "times": one.times,
            "measure": one.measure,
            "score": one.score,
            "confidence": one.confidence,
            "sources": one.sources,
            "parts": _told_parts(one.parts),
            "reason": told(one.reason),
        }
        for place, one in enumerate(found)
    ]
    return _frame("detections", rows)


def detections(frame: pl.DataFrame) -> list[Detection]:
    """What `of_detections` made, in the order of the rows."""
    return [
        Detection(
            row["kind"],
            _about_of(row),
            row["day"],
            row["start"],
            row["end"],
            row["peak"],
            row["packets"],
            row["hosts"],
            row["usual"],
            row["times"],
            row["measure"],
            row["score"],
            row["confidence"],
            _parts_of(row["parts"]),
            row["sources"],
            json.loads(row["reason"]),
        )
        for row in frame.iter_rows(named=True)
    ]


def of_stories(day: dt.date, found: Sequence[Story]) -> pl.DataFrame:
    """Stories as they stand on that day, in their order; of their detections the ids."""
    rows = [
        {
            "day": day,
            "place": place,
            **_about(one.about),
            **{name: getattr(one, name) for name in _STORY},
            "detections": json.dumps([d.id for d in one.detections]),
        }
        for place, one in enumerate(found)
    ]
    return _frame("stories", rows)


def stories(frame: pl.DataFrame, found: Iterable[Detection]) -> list[Story]:
    """What `of_stories` made, with those of the detections that it names."""
    known: dict[tuple[dt.date, str], Detection] = {(one.day, one.id): one for one in found}
    out = []
    for row in frame.iter_rows(named=True):
        own = [known[row["day"], one] for one in json.loads(row["detections"]) if (row["day"], one) in known]
        out.append(Story(about=_about_of(row), day=row["day"], detections=tuple(own), **{name: row[name] for name in _STORY}))
    return out


def _frame(name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"day": pl.Date(), **changes.TABLES[name]}, orient="row")


def _about(about: About) -> dict[str, Any]:
    return {
        "ports": About(about.ports).text().partition("|")[0] or None,
        "country": about.country,
        "asn": about.asn,
        "sensor": about.sensor,
        "sensor_group": about.group,
    }


def _about_of(row: Mapping[str, Any]) -> About:
    ports = tuple(_port(text) for text in row["ports"].split(",")) if row["ports"] else ()
    return About(ports, row["country"], row["asn"], row["sensor"], row["sensor_group"])


def _port(text: str) -> Port:
    port, _, protocol = text.partition("/")
    return int(protocol), int(port) if port else None


def _told_parts(parts: Sequence[Part]) -> str:
    rows = [{**asdict(one), "since": one.since and one.since.isoformat()} for one in parts]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def _parts_of(text: str) -> tuple[Part, ...]:
    return tuple(
        Part(one["what"], one["key"], one["packets"], one["share"], one["since"] and dt.datetime.fromisoformat(one["since"]))
        for one in json.loads(text)
    )
