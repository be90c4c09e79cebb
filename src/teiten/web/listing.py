"""Events in pages, the newest first: each once, however many come in, are put together or go meanwhile.

A page ends at a place: time, input and position of its last event, and how many of those with just these were shown (a line
that says "repeated 5 times" made several). What comes in later does not move it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from teiten.engine.filters import timestamp
from teiten.engine.questions import Query, Rows
from teiten.errors import UsageError
from teiten.web.asked import Asked

Place = tuple[dt.datetime, int, int, int]
COLUMNS: Final = (
    "time", "sensor", "src_ip", "protocol", "src_port", "dst_port", "country", "asn", "ttl", "packets", "source_id",
    "source_pos",
)  # fmt: skip
_EPOCH: Final = dt.datetime.fromtimestamp(0, dt.UTC)
_KEY: Final = ("time", "source_id", "source_pos")
_SQL: Final = """
SELECT {shown}
FROM {events}
WHERE {where}{beyond}
ORDER BY time DESC, source_id DESC, source_pos DESC, dst_port, src_port, protocol, {src_order}, ip_id
LIMIT {n} OFFSET {skip}
"""


def rows(session: Any, asked: Asked, after: Place | None, columns: Sequence[str] = COLUMNS) -> Rows:
    """The next `asked.n` of the span's events from that place on."""
    beyond, skip = "", 0
    wanted = asked.filters.between(asked.start, asked.end)
    if after is not None:
        moment, source, pos, skip = after
        beyond = f" AND (time, source_id, source_pos) <= ({timestamp(moment)}, {source}, {pos})"
        # files of later times need not be opened
        wanted = replace(wanted, end=min(asked.end, moment + dt.timedelta(microseconds=1)))
    shown = ", ".join("{src_text} AS src_ip" if name == "src_ip" else name for name in columns)
    return Query(_SQL, {"where": wanted}, beyond=beyond, n=str(asked.n), skip=str(skip), shown=shown).rows(session)


def place_of(asked: Asked) -> Place | None:
    """`after` of the address: microseconds, input, position, and how many there were shown."""
    text = asked.words.get("after")
    if not text:
        return None
    try:
        micros, source, pos, *shown = (int(part) for part in text.split(".") if part.isascii() and part.isdigit())
        if len(text) <= 60 and len(shown) <= 1 and text.count(".") == 2 + len(shown) and max(source, pos, *shown, 0) < 1 << 63:
            return _EPOCH + dt.timedelta(microseconds=micros), source, pos, shown[0] if shown else 1
    except (ValueError, OverflowError):
        pass
    raise UsageError("after is no place in the list of events.", hint="Begin again at its top.")


def next_of(asked: Asked, found: Rows, after: Place | None = None) -> str | None:
    """`after` of the page that follows; None where there is none."""
    if len(found) < asked.n:
        return None
    last = [found[-1][name] for name in _KEY]
    same = sum(1 for row in found if [row[name] for name in _KEY] == last)
    if after is not None and last == list(after[:3]):
        same += after[3]
    micros = (last[0] - _EPOCH) // dt.timedelta(microseconds=1)
    return f"{micros}.{last[1]}.{last[2]}" + (f".{same}" if same > 1 else "")
