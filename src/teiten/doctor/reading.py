"""Checks of the reading: which format was found, how much could not be read, and why."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable

from teiten.doctor._base import LogRead, Patient, Result, many, percent

ORDER = 30
SOME, MUCH = 0.01, 0.2
"""shares of rejected lines (of those that are records) from which it is worth a look, and wrong"""
MANY = 10
"""rejected lines below which nothing is called wrong"""
_MENDS = {
    "no time stamp": "Where does the log come from? `dmesg -T`, or a syslog that stamps each line.",
    "bad time stamp": "Show the line to us (addresses masked), or give the log in the syslog's own format.",
    "line too long": "Is it one log? `max_line` under [reading] sets the limit.",
}
_MEND = "Look at all of them: teiten decode --rejected rejected.jsonl --output csv --out /dev/null FILE"

_BATCHES = """
SELECT format, count(DISTINCT source_id) AS inputs, sum(lines)::BIGINT AS lines, sum(made_events)::BIGINT AS made
FROM batches GROUP BY format ORDER BY lines DESC"""


def check_format(p: Patient) -> Result | list[Result]:
    """In which format was each input taken to be?"""
    if p.logs:
        return [_format(log) for log in p.logs]
    rows = p.kept.query(_BATCHES) if p.kept else []
    if not rows:
        return Result("look", "nothing was read yet", "teiten ingest FILE")
    return Result("ok", "; ".join(f"{r['format']}: {many(r['inputs'], 'input')}, {many(r['lines'], 'line')}" for r in rows))


def _format(log: LogRead) -> Result:
    if log.error is not None:
        return Result("wrong", log.error.message, log.error.hint or "")
    return Result("ok", f"{log.name}: {log.format}, {many(log.lines, 'line')}, {log.made:,} of them records of packets")


def check_rejected(p: Patient) -> Result | list[Result] | None:
    """How many lines could not be read, for which reason most, and where is one?"""
    if p.logs:
        return [_rejected(log) for log in p.logs if log.error is None]
    if p.kept is None:
        return None
    rows = p.kept.query("SELECT made_events, rejected, samples FROM batches")
    counts: Counter[str] = Counter()
    samples: dict[str, str] = {}
    for row in rows:
        counts.update(json.loads(row["rejected"] or "{}"))
        for reason, lines in json.loads(row["samples"] or "{}").items():
            samples.setdefault(reason, next(iter(lines), ""))
    shown = f", such as: {_short(samples[counts.most_common(1)[0][0]])}" if counts and samples else ""
    return _judged("", sum(r["made_events"] for r in rows), counts, shown) if rows else None


def _rejected(log: LogRead) -> Result:
    counts = Counter(log.rejected)
    shown = ""
    if counts:
        reason = counts.most_common(1)[0][0]
        if reason in log.samples:
            offset, text = log.samples[reason]
            line = _line_number(log, offset)
            shown = f", such as line {line:,}: {_short(text)}" if line else f", such as: {_short(text)}"
    return _judged(f"{log.name}: ", log.made, counts, shown)


def _judged(name: str, made: int, counts: Counter[str], shown: str) -> Result:
    bad = counts.total()
    if not made and not bad:
        return Result(
            "wrong", f"{name}no line is a firewall's record", "Is it the right file? The lines hold IN= OUT= SRC= DST=."
        )
    if not bad:
        return Result("ok", f"{name}every record could be read")
    reason, n = counts.most_common(1)[0]
    seen = f"{name}{many(bad, 'record')} ({percent(bad, made + bad)}) could not be read; most ({n:,}): {reason}{shown}"
    share = bad / (made + bad)
    if share < SOME:
        return Result("ok", seen)
    return Result("wrong" if share >= MUCH and bad >= MANY else "look", seen, f"{_MENDS.get(reason, '')} {_MEND}".strip())


def _short(text: str) -> str:
    flat = "".join(c if c.isprintable() else "?" for c in text)
    return flat if len(flat) <= 100 else flat[:99] + "…"


def _line_number(log: LogRead, offset: int) -> int | None:
    """The number of the line (from 1) that begins at that byte of the uncompressed log."""
    if log.path is None:
        return None
    return 1 + sum(piece.count(b"\n") for piece in _pieces(log, offset))


def _pieces(log: LogRead, end: int) -> Iterable[bytes]:
    from teiten.readers import _input
    from teiten.settings import Reading

    left = end
    assert log.path is not None
    with _input.of(log.path, Reading()).open() as stream:
        while left and (piece := stream.read(min(left, 1 << 20))):
            left -= len(piece)
            yield bytes(piece)
