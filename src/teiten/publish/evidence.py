"""The log lines of a session, ready to be shown: brought back from their input, masked, or rebuilt where that cannot be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from teiten.engine.duckdb import Session as Asked
from teiten.publish import masks
from teiten.readers import _raw
from teiten.sessions import join
from teiten.sessions.join import Step
from teiten.settings import Reading

REFUSED: Final = "refused"
"""the line was at hand, but no mask could be sure of it"""


@dataclass(frozen=True, slots=True)
class Line:
    """One line, and how long after the one before (None: the first). `why` is empty for the input's own line; else the line
    was rebuilt from the columns, because: 'gone', 'changed', 'unreadable', 'stream', 'no line', 'unknown', 'refused'."""

    text: str
    gap: dt.timedelta | None
    why: str = ""


def of_steps(
    asked: Asked, steps: Sequence[Step], cover: frozenset[str] | None, reading: Reading, *, keep: int | None = None
) -> list[Line]:
    """The lines of a session's events in their order; with `cover` None as they are, for one's own eyes only.

    keep: so many at most. What a mask refuses is rebuilt from the columns and masked in turn; nothing is shown unmasked.
    """
    shown = list(steps if keep is None else steps[:keep])
    places = [(s.source_id, s.source_pos) for s in shown]
    raws = _raw.lines(asked.lake, places, reading)
    short = [s for s, place in zip(shown, places, strict=True) if raws[place].why or _refused(raws[place].text, cover)]
    rows = join.rows(asked, short)
    return [_line(asked, s, raws[place], rows, cover) for s, place in zip(shown, places, strict=True)]


def _refused(text: str, cover: frozenset[str] | None) -> bool:
    if cover is None:
        return False
    try:
        masks.mask(text, cover)
    except masks.Refused:
        return True
    return False


def _line(
    asked: Asked, step: Step, raw: _raw.Raw, rows: Mapping[join.Mark, dict[str, Any]], cover: frozenset[str] | None
) -> Line:
    if not raw.why:
        if cover is None:
            return Line("".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in raw.text).strip(), step.gap)
        try:
            return Line(masks.mask(raw.text, cover), step.gap)
        except masks.Refused:
            pass
    rebuilt = _raw.rebuild(rows[join.mark(step)], asked.zone)
    text = rebuilt if cover is None else masks.mask(rebuilt, cover)
    return Line(text, step.gap, raw.why or REFUSED)
