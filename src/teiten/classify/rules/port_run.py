"""Run of ports: consecutive ports at one destination in order of time, by one source or carried by several of one country."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl

from teiten import periods
from teiten.classify import port_runs
from teiten.classify.rules import Material, Rule, answer, nothing

RULE = Rule(
    id="port_run",
    order=130,
    label="port_run",
    because={
        "en": "its packets went to {port_run_ports} or more consecutive ports of one address, one after the other; this may be "
        "the reflection of traffic with a forged source rather than a scan",
        "ja": "1つのアドレスの{port_run_ports}個以上の連続したポートに、順を追って着信した"
        "(スキャンではなく、送信元を詐称した通信のリフレクションの可能性もある)",
    },
    source="the daily port-scan overview (2019-10-22): arrivals at very many consecutive ranges of ports",
    needs=("events",),
    thresholds=("port_run_ports", "port_run_density", "port_run_idle_seconds"),
    over="days",
)


def judge(material: Material) -> pl.DataFrame:
    """The sources of each day's runs; of several runs of a source the longest is the value. Confidence 1: the rule counts."""
    rule = port_runs.Rule.of(material.settings)
    rows = []
    for day in material.days:
        zone = periods.zone(material.settings.zone_name)
        start = dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC)
        end = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), zone).astimezone(dt.UTC)
        own: dict[bytes, list[port_runs.Run]] = {}
        for run in port_runs.runs(material.ask, start, end, rule, "judged"):
            for source in run.sources:
                own.setdefault(source, []).append(run)
        rows += [_row(source, day, runs) for source, runs in own.items()]
    if not rows:
        return nothing()
    told = ("packets", "ports", "runs", "start", "end", "sources", "answers", "down")
    return answer(pl.DataFrame(rows, schema_overrides={"src_ip": pl.Binary()}), pl.col("value"), 1.0, *told)


def _row(source: bytes, day: dt.date, runs: list[port_runs.Run]) -> dict[str, Any]:
    longest = max(runs, key=lambda run: (run.ports, -run.start))
    start, end = longest.span
    return {
        "src_ip": source, "day": day, "value": longest.value, "packets": sum(run.sources[source] for run in runs),
        "ports": longest.ports, "runs": len(runs), "start": f"{start:%Y-%m-%dT%H:%M:%SZ}", "end": f"{end:%Y-%m-%dT%H:%M:%SZ}",
        "sources": len(longest.sources), "answers": longest.answers, "down": longest.down,
    }  # fmt: skip
