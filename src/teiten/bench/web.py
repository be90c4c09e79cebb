"""The dashboard over lakes of half a million, 5 and 50 million events: how long its addresses take, alone and fifty at once."""

from __future__ import annotations

import datetime as dt
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from teiten.bench import _web_ask as viewers
from teiten.bench import _web_serve as server
from teiten.bench._process import run, teiten
from teiten.bench._scale_work import START, ZONE, Size, forget_cached, free
from teiten.bench._web_ask import Seen, spread
from teiten.errors import TeitenError

NAME: Final = "web"
HELP: Final = (
    "the dashboard over half a million, 5 and 50 million events: cold, warm, after a batch, with 50 viewers, in Chromium"
)
ALONE: Final = True
"""takes an hour: not one of `all`"""
GOALS: Final = {
    "50m_cold_p95_s": ("<", 2.0),
    "50m_warm_p95_s": ("<", 0.3),
    "50m_fifty_p95_s": ("<", 1.0),
    "50m_first_paint_s": ("<", 1.0),
    "50m_page_most_kb": ("<", 400.0),
    "50m_memory_mib": ("<", 1024.0),
    "50m_fifty_refused": ("<", 1.0),
}
DAYS: Final = 30
_ROOM: Final = 40
"""bytes of disk for an event: the lake before and after its files are put together, and its aggregates"""
_FIFTY: Final = 50
_EACH: Final = 4
"""addresses that each of the fifty asks"""
_PLACES: Final = (
    "/", "/ports", "/port/23/tcp", "/countries", "/country/CN", "/asns", "/asn/{asn}", "/sources", "/source/{source}",
    "/sensors", "/events",
)  # fmt: skip
_PERIODS: Final = ("hour", "day", "week", "month")
_MORE: Final = (
    "/ports?country=CN&period=week", "/countries?port=23/tcp&period=month", "/ports?by=hosts&period=day",
    "/ports?scanners=out&period=day", "/sources?port=23/tcp&period=week", "/stories?period=day", "/search?q=telnet&lang=en",
    "/search?q=22", "/api/v1/rank/ports?period=day", "/api/v1/rank/countries?period=month", "/api/v1/series/ports?period=week",
    "/api/v1/events?period=hour",
)  # fmt: skip
_BARE: Final = """
import duckdb, json, sys, time
files = json.loads(sys.argv[1])
con = duckdb.connect(config={"threads": 2})
con.execute("SET TimeZone = 'Asia/Tokyo'")
con.execute("SET enable_progress_bar = false")
began = time.perf_counter()
con.execute(f"SELECT protocol, dst_port, sum(packets), count(DISTINCT src_ip) FROM read_parquet({files}) "
            f"WHERE time >= TIMESTAMPTZ '{sys.argv[2]}' AND time < TIMESTAMPTZ '{sys.argv[3]}' "
            "GROUP BY ALL ORDER BY 3 DESC LIMIT 20").fetchall()
print(time.perf_counter() - began)
"""


def sizes(quick: bool) -> tuple[int, ...]:
    """Events of each lake: those of $TEITEN_BENCH_SIZES (millions, with commas between), else the usual ones."""
    named = os.environ.get("TEITEN_BENCH_SIZES")
    if named:
        return tuple(int(float(word) * 1e6) for word in named.split(","))
    return (100_000,) if quick else (500_000, 5_000_000, 50_000_000)


def run_benchmark(work: Path, quick: bool) -> dict[str, float]:
    """Figures of each size, named by it. The lakes are those of `scale`, with aggregates and two days of stories; made once
    each in the folder."""
    figures: dict[str, float] = {}
    for events in sizes(quick):
        figures |= measure(work, events, 3 if quick else DAYS)
    return figures


def measure(work: Path, events: int, days: int) -> dict[str, float]:
    """One size. TeitenError where there is no room, or an address fails."""
    size = Size(work, events, days, _say)
    if "sizes" not in size.done and free(work) < events * _ROOM / 1e9:
        raise TeitenError(f"{events:,} events need {events * _ROOM / 1e9:,.0f} GB in {work}; {free(work):,.0f} are free.")
    size.fill()
    config = _prepared(size)
    found = {"events": float(size.done["sizes"]["events_rows"])}
    places = addresses(*size.once("named", lambda: _named(size.lake)))
    # who had it open leaves it: the first batch that comes changes it as one of a live station does
    forget_cached(size.lake)
    with server.served(config) as own:
        cold, worked = _cold(own, places)
        found |= _told("cold", cold) | _by_period(cold)
        found |= {f"cold_processor_{key}": value for key, value in spread(worked).items()}
        found |= _worked("warm", own, lambda: viewers.one(server.HOST, own.port, places * 3))
        found |= _worked("fifty", own, lambda: viewers.many(server.HOST, own.port, places, _FIFTY, _EACH, 1))
        found |= _live(size, config, own, places)
        pages = [one for one in cold if not one.path.startswith("/api/")]
        found["page_most_kb"] = max(one.bytes for one in pages) / 1000
        found["page_middle_kb"] = statistics.median(one.bytes for one in pages) / 1000
        painted = server.first_paint([f"http://{server.HOST}:{own.port}{place}" for place in _painted(places)])
        if painted:
            found |= {"first_paint_s": max(painted), "first_paint_middle_s": statistics.median(painted)}
        found |= {"memory_mib": own.memory(), "processor_s": own.processor()}
    found |= _beside(size, cold)
    name = f"{events / 1e6:g}m"
    return {f"{name}_{key}": value for key, value in found.items()}


def _cold(own: server.Server, places: Sequence[str]) -> tuple[list[Seen], list[Seen]]:
    """Each address for the first time; and the same with the seconds of the processor that it took, which other work on the
    machine does not lengthen."""
    seen, work = [], []
    for place in places:
        before = own.processor()
        seen += viewers.one(server.HOST, own.port, [place])
        work.append(replace(seen[-1], seconds=own.processor() - before))
    return seen, work


def addresses(asn: int, source: str) -> list[str]:
    """What is asked: pages with each of the four periods, in both languages by turns; filters; the search; the API."""
    out: list[str] = []
    for place in _PLACES:
        for period in _PERIODS:
            lang = "ja" if len(out) % 2 else "en"
            out.append(f"{place.format(asn=asn, source=source)}?lang={lang}&period={period}")
    return [*out, *_MORE]


def _live(size: Size, config: Path, own: server.Server, places: list[str]) -> dict[str, float]:
    """A batch comes in, and everything is asked again: by one, and after another by fifty at once."""
    _batch(size, config)
    time.sleep(2.5)
    figures = _worked("after_batch", own, lambda: viewers.one(server.HOST, own.port, places))
    _batch(size, config)
    time.sleep(2.5)
    many = partial(viewers.many, server.HOST, own.port, places, _FIFTY, _EACH, 2)
    return figures | _worked("fifty_after_batch", own, many)


def _worked(name: str, own: server.Server, ask: Callable[[], list[Seen]]) -> dict[str, float]:
    """Figures of many answers, with the processor's seconds that the server took for each in the mean."""
    before = own.processor()
    found = ask()
    return _told(name, found) | {f"{name}_processor_each_s": (own.processor() - before) / len(found)}


def _batch(size: Size, config: Path) -> None:
    """A hundred packets more, of the lake's last hour."""
    number = len(list(size.folder.glob("batch-*.log")))
    begin = dt.datetime.combine(size.day(size.days - 1), dt.time(23, 50), ZONE) + dt.timedelta(seconds=number)
    log = size.folder / f"batch-{number}.log"
    log.write_text("".join(_line(begin + dt.timedelta(milliseconds=n), n) for n in range(100)), encoding="ascii")
    sensor = "batches"
    run(teiten("ingest", "--no-verdicts", "--config", str(config), "--sensor", sensor, str(log)))


def _line(at: dt.datetime, n: int) -> str:
    return (
        f"{at.isoformat()} gw kernel: DROP IN=ppp0 OUT= MAC= SRC=198.18.{n}.7 DST=198.51.100.23 LEN=40 TOS=0x00 PREC=0x00 "
        f"TTL=50 ID=7 PROTO=TCP SPT=40000 DPT=23 SEQ={n} ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0\n"
    )


def _prepared(size: Size) -> Path:
    """The configuration of a lake with what a station makes by itself: aggregates of finished days, stories of the last two."""
    config = size.folder / "teiten.toml"
    config.write_text(f'zone = "Asia/Tokyo"\nlake = "{size.lake}"\n', encoding="utf-8")
    words = ["--config", str(config)]
    size.once("aggregates", lambda: _took(teiten("lake", "rollup", "--all", *words)))
    first, last = (str(size.day(size.days - 2)), str(START + dt.timedelta(days=size.days)))
    size.once("stories", lambda: _took(teiten("detect", "--from", first, "--to", last, *words)))
    return config


def _took(command: Sequence[str]) -> float:
    return run(command).seconds


def _named(lake: Path) -> tuple[int, str]:
    """The AS and the source that send most, whose pages are asked for."""
    from teiten import settings
    from teiten.engine import open_session, questions
    from teiten.lake import Lake

    with open_session(Lake.open(lake), settings.load(zone="Asia/Tokyo", lake=lake)) as session:
        end = dt.datetime.combine(START + dt.timedelta(days=2), dt.time(), ZONE)
        asn, source = (
            questions.rank(session, what, end - dt.timedelta(days=1), end, n=1)[0][key]
            for what, key in (("asns", "asn"), ("sources", "src_ip"))
        )
    return int(asn), str(source)


def _beside(size: Size, cold: Sequence[Seen]) -> dict[str, float]:
    """DuckDB alone with the question of a page of ports (packets and hosts by port), of its span, without the one before."""
    end = dt.datetime.combine(START + dt.timedelta(days=size.days), dt.time(), ZONE)
    files = _files(size)
    out: dict[str, float] = {}
    for period, days in (("day", 1), ("week", 7), ("month", 30)):
        span = [(end - dt.timedelta(days=days)).isoformat(), end.isoformat()]
        answer = size.folder / "answer"
        times = []
        for _ in range(3):
            run([sys.executable, "-c", _BARE, json.dumps(files), *span], out=answer)
            times.append(float(answer.read_text(encoding="ascii")))
        page = next(one.seconds for one in cold if one.path.startswith("/ports?") and one.path.endswith(f"period={period}"))
        out |= {f"duckdb_{period}_s": statistics.median(times), f"ports_{period}_times_duckdb": page / statistics.median(times)}
    return out


def _files(size: Size) -> list[str]:
    from teiten.lake import Lake

    return [str(one.path) for one in Lake.open(size.lake).live_files()[0]]


def _told(name: str, found: Sequence[Seen]) -> dict[str, float]:
    slowest = max(found, key=lambda one: one.seconds)
    times = spread(found)
    told = ", ".join(f"{key} {value:.2f}" for key, value in times.items())
    refused = sum(one.status in (503, viewers.LATE) for one in found)
    _say(f"{name}: {len(found)} answers, {told}, {refused} refused; the slowest {slowest.path}")
    return {f"{name}_{key}": value for key, value in times.items()} | {f"{name}_refused": float(refused)}


def _by_period(found: Sequence[Seen]) -> dict[str, float]:
    return {
        f"cold_{period}_p95_s": spread([one for one in found if f"period={period}" in one.path])["p95_s"] for period in _PERIODS
    }


def _painted(places: Sequence[str]) -> list[str]:
    return [
        place for place in places if place.startswith(("/?", "/ports?lang", "/port/", "/events?lang")) and "period=day" in place
    ]


def _say(step: str) -> None:
    print(f"teiten bench web: {step}", file=sys.stderr)


def table(figures: Mapping[str, float]) -> str:
    """The figures as a page has them: a column each size, then the goals."""
    names = sorted({name.partition("m_")[0] for name in figures}, key=float)
    keys = list(dict.fromkeys(name.partition("m_")[2] for name in figures))
    out = [" " * 28 + "".join(f"{name + ' million':>16}" for name in names)]
    for key in keys:
        cells: list[Any] = [figures.get(f"{name}m_{key}") for name in names]
        out.append(f"{key:<28}" + "".join(f"{'' if cell is None else _number(cell):>16}" for cell in cells))
    out.append("")
    for name, (_, bound) in GOALS.items():
        if name in figures:
            verdict = "reached" if figures[name] < bound else "NOT REACHED"
            out.append(f"{name:<28}{_number(figures[name]):>16}   goal < {bound:g}: {verdict}")
    return "\n".join(out)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3f}"
