"""The standard questions to a lake, by one engine, in a process of its own: seconds and answers as JSON.

    python -m teiten.bench._spark_ask LAKE duckdb|MASTER START END PACKETS TIMES

Starting (Python, Java, the cluster's executors) is told apart. Each question is asked TIMES times; what it took the first time
and the middle of the others are given.
"""

from __future__ import annotations

import datetime as dt
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

ZONE: Final = "Asia/Tokyo"


def ask(folder: str, master: str, start: str, end: str, packets: int, times: int) -> dict[str, Any]:
    """What it took, and the answers: lists of rows, days and addresses as text."""
    from teiten import clustering, settings
    from teiten.engine import open_session, questions, standard
    from teiten.lake import Lake

    low, high = dt.datetime.fromisoformat(start), dt.datetime.fromisoformat(end)
    begun = time.perf_counter()
    chosen = settings.load(zone=ZONE, lake=folder, engine="duckdb" if master == "duckdb" else "spark")
    if master != "duckdb":
        chosen = replace(chosen, spark=clustering.Spark(master=master, memory="3g" if master.startswith("local") else "1500m"))
    out: dict[str, Any] = {"seconds": {}, "first": {}, "rows": {}}
    with open_session(Lake.open(folder), chosen, start=low, end=high, counted=False) as session:
        session.query("SELECT count(*) AS n FROM raw_events WHERE dst_port = 1")
        out["start"] = time.perf_counter() - begun
        todo: dict[str, Callable[[], Any]] = {
            "ports": lambda: [r for r in questions.rank(session, "ports", low, high, n=10) if r["rank"] is not None][:10],
            "countries": lambda: questions.rank(session, "countries", low, high, n=10),
            "hosts": lambda: standard.port_days(session, low, high),
            "mirai": lambda: standard.mirai(session, low, high),
            "scanner": lambda: standard.many_ports(session, low, high, packets, 30),
        }
        for name, one in todo.items():
            took = []
            for _ in range(times):
                begun = time.perf_counter()
                rows = one()
                took.append(time.perf_counter() - begun)
            out["first"][name] = took[0]
            out["seconds"][name] = statistics.median(took[1:] or took)
            out["rows"][name] = [[str(v) if isinstance(v, dt.date) else v for v in row.values()] for row in rows]
    return out


def main(argv: list[str]) -> None:
    folder, master, start, end, packets, times = argv
    print(json.dumps(ask(folder, master, start, end, int(packets), int(times))))


if __name__ == "__main__":
    main(sys.argv[1:])
