"""One standard question to a lake, as a whole process of its own: opens it, asks, writes the answer as JSON.

    python -m teiten.bench._scale_ask LAKE QUESTION START END PACKETS
    python -m teiten.bench._scale_ask LAKE sizes
    python -m teiten.bench._scale_ask LAKE files START END

START and END are ISO times; PACKETS is what makes a source a large one. `sizes` tells what the lake's tables hold, `files`
the events' files of a span.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path
from typing import Any, Final

ZONE: Final = "Asia/Tokyo"
TOP: Final = 10
MOST: Final = 20
PORTS: Final = 30
"""ports that make a source a large one (NICTER)"""


def answer(folder: str, question: str, start: str, end: str, packets: int) -> list[list[Any]]:
    """Rows of an answer, days and addresses as text. The peers give the same (`_scale_peers`)."""
    from teiten import settings
    from teiten.engine import open_session, questions, standard
    from teiten.lake import Lake

    span = dt.datetime.fromisoformat(start), dt.datetime.fromisoformat(end)
    with open_session(Lake.open(folder), settings.load(zone=ZONE, lake=folder), start=span[0], end=span[1]) as session:
        if question in ("ports", "countries"):
            rows = questions.rank(session, question, *span, n=TOP)
            names = [*(("protocol", "dst_port") if question == "ports" else ("country",)), "packets", "hosts"]
            rows[:] = [row for row in rows if row["rank"] is not None][:TOP]
        elif question == "hosts":
            rows, names = standard.port_days(session, *span, n=MOST), ["day", "protocol", "dst_port", "hosts"]
        elif question == "mirai":
            rows, names = standard.mirai(session, *span, n=MOST), ["day", "country", "hosts"]
        else:
            rows = standard.many_ports(session, *span, packets, PORTS)
            names = ["day", "src_ip", "packets", "ports"]
    return [[str(row[name]) if isinstance(row[name], dt.date) else row[name] for name in names] for row in rows]


def sizes(folder: str) -> dict[str, float]:
    """Rows and bytes of each table that the lake has, and the events' files."""
    from teiten.lake import Lake

    lake = Lake.open(folder)
    out: dict[str, float] = {}
    for name in sorted(path.parent.name for path in Path(folder).glob("*/_delta_log")):
        held = lake.holdings(name)
        out |= {f"{name}_rows": held.rows, f"{name}_bytes": held.bytes, f"{name}_files": held.files}
    return out


def files(folder: str, start: str, end: str) -> list[str]:
    """Files with events of that span."""
    from teiten.lake import Lake

    found, _ = Lake.open(folder).live_files(dt.datetime.fromisoformat(start), dt.datetime.fromisoformat(end))
    return [str(one.path) for one in found]


def main(argv: list[str]) -> None:
    folder, question, *rest = argv
    told: Any
    if question == "sizes":
        told = sizes(folder)
    elif question == "files":
        told = files(folder, rest[0], rest[1])
    else:
        told = answer(folder, question, rest[0], rest[1], int(rest[2]))
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1:])
