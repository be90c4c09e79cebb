"""Reads a file in a test: every line's outcome and its events, as plain rows; the accounting checked on the way."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from teiten import frame, readers
from teiten.readers import _input, pick
from teiten.readers._base import EVENT, FIRST_IGNORED, Chunk, ReadOptions
from teiten.settings import Reading

MTIME = "2026-04-10T00:00:00Z"


def chunks(
    path: Path,
    *,
    zone: str = "Asia/Tokyo",
    mtime: str = MTIME,
    year: int | None = None,
    boot_time: str | None = None,
    start: int = 0,
    reading: Reading | None = None,
    hash_key: int = 0,
    fmt: str = "netfilter",
) -> list[Chunk]:
    """The chunks of a file. Its modification time is taken to be `mtime`."""
    source = _input.of(path, reading)
    source.mtime = dt.datetime.fromisoformat(mtime)
    options = ReadOptions(
        zone=ZoneInfo(zone),
        year=year,
        boot_time=dt.datetime.fromisoformat(boot_time) if boot_time else None,
        start=start,
        reading=reading or Reading(),
        hash_key=hash_key,
    )
    found = list(pick(source.head(), fmt).read(source, options))
    end = None
    for chunk in found:
        check(chunk)
        if end is not None:
            assert chunk.line_pos.size == 0 or chunk.line_pos[0] == end
        end = chunk.end
    return found


def check(chunk: Chunk) -> None:
    """What holds for every chunk of every reader."""
    lines = len(chunk.outcome)
    assert len(chunk.line_pos) == len(chunk.line_hash) == len(chunk.stamped) == lines
    assert dict(chunk.events.schema) == frame.READ_SCHEMA
    assert len(chunk.event_line) == chunk.events.height
    made = set(chunk.event_line.tolist())
    assert made == {i for i, code in enumerate(chunk.outcome.tolist()) if code == EVENT}
    assert sorted(chunk.event_line.tolist()) == chunk.event_line.tolist()
    refused = [i for i, code in enumerate(chunk.outcome.tolist()) if EVENT < code < FIRST_IGNORED]
    assert [r.pos for r in chunk.rejected] == chunk.line_pos[refused].tolist()
    assert (chunk.line_pos[1:] > chunk.line_pos[:-1]).all()
    for column in frame.READ_SCHEMA:
        series = chunk.events[column]
        if series.dtype.is_integer() and series.len() - series.null_count():
            assert series.min() >= 0, column


def events(path: Path, **how: Any) -> pl.DataFrame:
    """All events of a file, addresses as text."""
    return frame.addresses_as_text(pl.concat([c.events for c in chunks(path, **how)]))


def outcome_rows(path: Path, **how: Any) -> list[dict[str, Any]]:
    """Each line in the file's order: its events (what is not null, and not the same in every event), or why none."""
    reader = readers.module(how.get("fmt", "netfilter"))
    out: list[dict[str, Any]] = []
    for chunk in chunks(path, **how):
        rows = frame.addresses_as_text(chunk.events).to_dicts()
        by_line: dict[int, list[dict[str, Any]]] = {}
        for line, row in zip(chunk.event_line.tolist(), rows, strict=True):
            kept = {k: v for k, v in row.items() if v is not None and k not in ("sensor", "source_id", "packets")}
            kept["time"] = row["time"].isoformat()
            if row["time_end"] is not None:
                kept["time_end"] = row["time_end"].isoformat()
            if row["packets"] != 1:
                kept["packets"] = row["packets"]
            if "payload" in kept:
                kept["payload"] = row["payload"].decode("latin-1")
            by_line.setdefault(line, []).append(kept)
        for line, (pos, code) in enumerate(zip(chunk.line_pos.tolist(), chunk.outcome.tolist(), strict=True)):
            if code == EVENT:
                out += by_line[line]
            else:
                out.append({"pos": pos, "not": reader.REASONS.get(code) or reader.KINDS[code]})
        out += [{"note": note} for note in chunk.notes]
    return out
