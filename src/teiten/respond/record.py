"""What the responder writes down: a line of JSON for each thing that happened on a connection.

    {"teiten": "exchange", "v": 1, "kind": "open", "id": ..., "time": ..., "src": ..., "sport": ..., "dst": ..., "dport": ...,
     "service": ...}
    {... "kind": "said", "n": 0, "at": 0, "data": base64}     their bytes from place `at` on; n: answers before
    {... "kind": "closed", "why": ..., "received": ..., "kept": ..., "sent": ..., "answers": ...}

Each line says all of the connection that a reader needs: it can be read without those before it. `open` is the event; a
connection on which nothing was said has no `said`. Bytes beyond what is kept are counted (received - kept).
"""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

VERSION: Final = 1
KINDS: Final = ("open", "said", "closed")


@dataclass(frozen=True, slots=True)
class Ends:
    """The two ends of a connection, and its name."""

    id: str
    """16 hexadecimal digits, by chance"""
    src: str
    sport: int
    dst: str
    """the observer's own address: in the spool as in any log, never published"""
    dport: int
    """as the sender meant it, before any redirection on this machine"""
    service: str


def line(ends: Ends, kind: str, time: float, **more: Any) -> bytes:
    """One line, its end included. time: seconds since 1970; `data` among `more` is bytes."""
    if "data" in more:
        more["data"] = base64.b64encode(more["data"]).decode("ascii")
    stamp = dt.datetime.fromtimestamp(time, dt.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    own: Mapping[str, Any] = {
        "teiten": "exchange", "v": VERSION, "kind": kind, "id": ends.id, "time": stamp, "src": ends.src, "sport": ends.sport,
        "dst": ends.dst, "dport": ends.dport, "service": ends.service, **more,
    }  # fmt: skip
    return json.dumps(own, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"
