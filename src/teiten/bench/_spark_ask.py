"""The standard questions to a lake, by one engine, in a process of its own: seconds and answers as JSON.

    python -m teiten.bench._spark_ask LAKE duckdb|MASTER START END PACKETS TIMES

Starting (Python, Java, the cluster's executors) is told apart. Each question is asked TIMES times; what it took the first time
and the middle of the others are given; also processor seconds of these, which can be compared where other work goes on beside.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
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
    out: dict[str, Any] = {"seconds": {}, "first": {}, "processor": {}, "rows": {}}
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
            took, worked = [], []
            for _ in range(times):
                begun, before = time.perf_counter(), processor(master)
                rows = one()
                took.append(time.perf_counter() - begun)
                worked.append(processor(master) - before)
            out["processor"][name] = statistics.median(worked[1:] or worked)
            out["first"][name] = took[0]
            out["seconds"][name] = statistics.median(took[1:] or took)
            out["rows"][name] = [[str(v) if isinstance(v, dt.date) else v for v in row.values()] for row in rows]
    return out


def processor(master: str) -> float:
    """Processor seconds so far: of this process and, with Spark in it (`local`), of its Java; not of a cluster."""
    own = time.process_time()
    if not master.startswith("local"):
        return own
    from pyspark import SparkContext

    gateway = SparkContext._gateway
    assert gateway is not None
    words = Path(f"/proc/{gateway.proc.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return own + (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def main(argv: list[str]) -> None:
    folder, master, start, end, packets, times = argv
    print(json.dumps(ask(folder, master, start, end, int(packets), int(times))))


if __name__ == "__main__":
    main(sys.argv[1:])
