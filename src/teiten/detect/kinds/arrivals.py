"""DoS-like arrivals at the services that a sensor really runs, and answers to forged traffic (backscatter).

What the daily overview says of them: they go on now and then, 80 and 443/tcp in a set at about the same rate, one or two
packets a second. Arrivals are stretches by the rule of `classify.arrivals`; services whose stretches go together are one
detection. Backscatter is told where more victims answered than on the days before (verdict attack_victim).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any, Final

import polars as pl

from teiten.detect.kinds import _judged
from teiten.detect.model import ARRIVALS, BACKSCATTER, About, Detection, Part, Port
from teiten.detect.view import View

KINDS: Final = (ARRIVALS, BACKSCATTER)
ORDER: Final = 50
SCORE: Final = 4.0
"""of what a rule counts: no chance is reckoned for it"""
_PROTOCOLS: Final = {"tcp": 6, "udp": 17}
_WEB: Final = frozenset({80, 443, 8080, 8443})


def find(view: View, found: Sequence[Detection]) -> list[Detection]:
    """Those of the day: one for each set of services, and one for all victims."""
    if view.asked is None or not view.hours[view.today]:
        return []
    start, end = view.bounds(view.day)[0], view.hours[-1] + dt.timedelta(hours=1)
    rows = view.asked.arrivals(start, min(end, view.upto) if view.upto else end)
    out = [_told(view, rows, sensor, ports) for sensor, ports in _sets(rows)]
    return [*out, *_backscatter(view)]


def _port(text: str) -> Port:
    number, _, protocol = text.partition("/")
    return _PROTOCOLS[protocol], int(number)


def _sets(rows: pl.DataFrame) -> list[tuple[str, tuple[Port, ...]]]:
    """(sensor, services whose arrivals go together on that day)."""
    sets: list[tuple[str, set[Port]]] = []
    for row in rows.iter_rows(named=True):
        own = {(row["protocol"], row["port"]), *(_port(t) for t in (row["together"] or "").split())}
        met = [one for one in sets if one[0] == row["sensor"] and one[1] & own]
        sets = [one for one in sets if one not in met] + [(row["sensor"], own.union(*(one[1] for one in met)))]
    return sorted((sensor, tuple(sorted(ports))) for sensor, ports in sets)


def _told(view: View, rows: pl.DataFrame, sensor: str, ports: tuple[Port, ...]) -> Detection:
    assert view.asked is not None
    of_set = pl.struct("protocol", "port").is_in([{"protocol": p, "port": n} for p, n in ports])
    own = rows.filter((pl.col("sensor") == sensor) & of_set).sort("start")
    spans = _spans(own)
    seconds = sum((b - a).total_seconds() for a, b in spans)
    packets = int(own["packets"].sum())
    about = About(ports=ports, sensor=sensor if view.watched["sensor"].n_unique() > 1 else None)
    busiest = max(spans, key=lambda span: _within(own, span))
    countries, hosts = _origins(view, About(ports=ports, sensor=sensor), spans)
    goes_on = bool(own["goes_on"].any())
    numbers = {n for _, n in ports}
    return Detection(
        ARRIVALS,
        about,
        view.day,
        _judged.hour(spans[0][0]),
        None if goes_on else _judged.after(spans[-1][1]),
        _judged.hour(busiest[0]),
        packets=float(packets),
        hosts=float(hosts),
        score=SCORE,
        confidence="sure",
        parts=tuple(Part("country", c or "", float(n), n / max(1, sum(v for _, v in countries))) for c, n in countries[:5]),
        reason={
            "series": "packets at the sensor's own services, what is let in with them",
            "service": "web" if numbers <= _WEB else "dns" if numbers == {53} else None,
            "rate": round(packets / seconds, 3) if seconds else None,
            "per_minute": int(own["per_minute"].max() or 0),  # type: ignore[arg-type]
            "intervals": [
                [a.isoformat(), None if goes_on and b == spans[-1][1] else b.isoformat()] for a, b in spans
            ],
            "equal": len(ports) > 1 and own["together"].null_count() == 0,
            "sensor": sensor,
        },
    )  # fmt: skip


def _spans(rows: pl.DataFrame) -> list[tuple[dt.datetime, dt.datetime]]:
    """Stretches of several services as times with any of them, in order."""
    out: list[tuple[dt.datetime, dt.datetime]] = []
    for start, end in rows.select("start", "end").sort("start").iter_rows():
        if out and start <= out[-1][1]:
            out[-1] = out[-1][0], max(end, out[-1][1])
        else:
            out.append((start, end))
    return out


def _within(rows: pl.DataFrame, span: tuple[dt.datetime, dt.datetime]) -> int:
    return int(rows.filter((pl.col("start") >= span[0]) & (pl.col("end") <= span[1]))["packets"].sum())


def _origins(
    view: View, about: About, spans: Sequence[tuple[dt.datetime, dt.datetime]]
) -> tuple[list[tuple[str | None, int]], int]:
    """(country, packets) of the stretches, most first, and the hosts of the one that had most."""
    assert view.asked is not None
    packets: dict[str | None, int] = {}
    hosts = 0
    for start, end in spans:
        rows = view.asked.arriving(about, start, end + dt.timedelta(microseconds=1))
        hosts = max(hosts, int(rows["hosts"].sum()))
        for country, n in rows.select("country", "packets").iter_rows():
            packets[country] = packets.get(country, 0) + int(n)
    return sorted(packets.items(), key=lambda item: (-item[1], item[0] or "~")), hosts


def _backscatter(view: View) -> list[Detection]:
    """More victims than usual: one detection, whoever they are."""
    assert view.asked is not None
    rows = view.asked.judged(["attack_victim"], _judged.first_day(view), view.day)

    def victims(some: pl.DataFrame) -> pl.DataFrame:
        return some.group_by("day").agg(pl.col("src_ip").n_unique().alias("n"))

    return [_victims(view, one) for one in _judged.above(view, rows, victims, None)]


def _victims(view: View, one: _judged.Above) -> Detection:
    first, last = view.bounds(view.day)
    told: list[dict[str, Any]] = [json.loads(text) for text in one.rows["evidence"]]
    packets = [int(row.get("packets") or 0) for row in told]
    starts = [max(first, dt.datetime.fromisoformat(row["start"])) for row in told]
    ends = [min(last, dt.datetime.fromisoformat(row["end"])) for row in told]
    countries = one.rows.select("country", pl.Series("packets", packets)).group_by("country").agg(pl.col("packets").sum())
    ordered = countries.sort(["packets", "country"], descending=[True, False], nulls_last=True).rows()
    longest = max(range(len(told)), key=lambda i: packets[i])
    return Detection(
        BACKSCATTER,
        About(),
        view.day,
        _judged.hour(min(starts)),
        None if any(row.get("until_midnight") for row in told) else _judged.after(max(ends)),
        _judged.hour(starts[longest]),
        packets=float(sum(packets)),
        hosts=float(one.count),
        usual=one.usual.mean,
        times=one.count / one.usual.mean if one.usual.mean else None,
        measure="hosts",
        score=one.score,
        confidence="sure",
        parts=tuple(Part("country", c or "", float(n), n / max(1, sum(packets))) for c, n in ordered[:5]),
        reason={
            "series": "victims of attacks a day, by their answers (verdict attack_victim)", "victims": one.count,
            "attacked": told[longest].get("ports"), **_judged.reason(view, one),
        },
    )  # fmt: skip
