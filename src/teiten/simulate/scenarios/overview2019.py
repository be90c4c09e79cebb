"""Five weeks of a household line up to 22 October 2019, laid down from the statements of the daily overviews of that October.

What the text says is laid down: which port or country rose, spread, burst, ended, on which day and at which hour, and the two
faults of the observer's own line. How many packets is ours. In the truth every statement is a story of the kind 'statement'
with its day. The line's router lets through what goes to the services that run behind it (80, 443 and 53/tcp).
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, Final

import polars as pl

from teiten.errors import UsageError
from teiten.simulate import _days, _stories
from teiten.simulate._household import home_line, other_lines, reconnects
from teiten.simulate._overview import FLOWS, RUNS, SHOTS, STRETCHES
from teiten.simulate._sources import mixed
from teiten.simulate._traffic import Span, Wish, concatenate
from teiten.simulate._write import Sensor

HELP: Final = "September and October 2019 as a daily overview told of them"
START: Final = dt.date(2019, 9, 15)
DAYS: Final = 38
USUAL: Final = 265_000
"""packets that the line drops, some 7,000 a day; what arrives at its services comes besides, at a server's own rate"""
TABLES: Final = 205_000
"""packets of the tables as they are written"""
FEWEST: Final = 150_000
SERVICES: Final = (53, 80, 443)
TOP: Final = 'ptr_names = "names.csv"'
GAP: Final = (1009, 11.9, 2.0)
"""month * 100 + day, hour, hours without anything"""
FALL: Final = (1013, 0.0, 16.0, 0.35)
"""the same, and what is left"""
SETTINGS: Final = """\
services = ["80/tcp", "443/tcp", "53/tcp"]

[[sensor.home.outages]]
from = 2019-10-09T11:54:00+09:00
to = 2019-10-09T13:54:00+09:00
because = "データ処理用サーバーのメンテナンス(更新プログラムの適用)"
"""

STATEMENTS: Final[tuple[tuple[int, str], ...]] = (
    (1009, "1433/tcp goes on growing, and is third over three days, after 23 and 445/tcp"),
    (1009, "1433/tcp has spread from China to Asia, the US, Latin America and Europe"),
    (1009, "no data around noon: maintenance"),
    (1009, "1433/tcp leads in China, is active in Korea, and up in the US and Russia"),
    (1009, "1433/tcp from Japan: few, but relatively active; many of the sources have dynamic addresses"),
    (1010, "1433/tcp stays high: third, closing in on 445/tcp"),
    (1010, "1433/tcp is first of China's ports over three days"),
    (1010, "5555/tcp from France at 0 o'clock"),
    (1010, "23/tcp from Hong Kong at 21 o'clock; there 5555/tcp is first, 1433/tcp second before 445/tcp"),
    (1010, "1433/tcp is second in Korea after 23/tcp, third in the US and Russia after 23 and 445/tcp"),
    (1010, "1433/tcp from Japan rises towards noon and falls towards the evening: hosts that are switched off"),
    (1013, "a general fall from midnight until 15 o'clock, in all ports and countries; usual again from 16 o'clock"),
    (1014, "after yesterday's fall the usual state again"),
    (1014, "23/tcp from Bangladesh since yesterday"),
    (1014, "1433/tcp stays high, led by China, where it is above 23/tcp"),
    (1014, "Japan's scans fall between midnight and morning"),
    (1014, "DoS-like arrivals at the web server again, one or two packets a second"),
    (1016, "3306/tcp stands out in the Netherlands"),
    (1016, "23/tcp up at 16 o'clock: a sudden rise from the Netherlands"),
    (1016, "22/tcp at 6 o'clock from Romania and Russia"),
    (1016, "1433/tcp goes on, led by China"),
    (1016, "5500/tcp rises: the Netherlands and Germany"),
    (1016, "the DoS-like arrivals at the web server have ended; 53/tcp rose for a while around noon, from the US"),
    (1021, "9001/tcp up: Taiwan, then Russia, Vietnam, Brazil, Korea; fourth of all"),
    (1021, "23/tcp from Estonia now and then"),
    (1021, "1433/tcp stays high, led by China; many sources have dynamic addresses"),
    (1021, "web ports from China for some hours"),
    (1021, "23/tcp from Hong Kong before dawn"),
    (1021, "9001/tcp from Taiwan, beside 23/tcp"),
    (1021, "1433 and 9001/tcp relatively up in Vietnam"),
    (1021, "445 and 1433/tcp now in Nepal"),
    (1021, "9001/tcp up in Korea"),
    (1021, "Russia: very few hosts, very many ports, those around RDP's"),
    (1021, "Japan: 139 and 445/tcp for some hours"),
    (1021, "DoS-like arrivals now and then: 80 and 443/tcp in a set at about the same rate; 53/tcp mainly from the US"),
    (1022, "SMTP(S) (25, 465, 587/tcp) from the US at 5 o'clock"),
    (1022, "the Estonian bursts of 23/tcp have ended; 23/tcp from the US, China and Canada goes on"),
    (1022, "23/tcp is most of Canada's activity"),
    (1022, "1433/tcp stays high, led by China; 9001/tcp is on its way to its end"),
    (1022, "Estonia: many ports, at times concentrated"),
    (1022, "the Netherlands: very many consecutive ranges of ports, perhaps reflections; 3306/tcp is especially active"),
    (1022, "arrivals at the web server go on since the evening, from addresses allotted to Italy; 53/tcp mainly from the US"),
)


def make(wish: Wish) -> tuple[list[tuple[Sensor, pl.DataFrame]], list[dict[str, Any]]]:
    """The one sensor with its packets, and the stories: what was put in, and what the text states."""
    seed, span = wish.seed, wish.span
    events = wish.events if wish.events is not None else USUAL
    if events < FEWEST:
        raise UsageError(f"{events:,} events are too few for overview2019.", hint=f"Give --events {FEWEST} or more.")
    scale = events / TABLES
    parts = [part for what in FLOWS for part in _days.flow(what, seed, span, scale)]
    told = [
        *(_days.shot(what, seed, span, scale) for what in SHOTS),
        *(_days.stretch(what, seed, span) for what in STRETCHES),
        *(_days.run(what, seed, span) for what in RUNS),
    ]
    found = concatenate([*parts, *(packets for packets, _ in told)])
    found = found.filter(pl.col("time").is_between(span.start * 1_000_000, span.end * 1_000_000, closed="left"))
    gap = int(_days.moment(span, GAP[:2])), int(_days.moment(span, (GAP[0], GAP[1] + GAP[2])))
    fall = int(_days.moment(span, FALL[:2])), int(_days.moment(span, (FALL[0], FALL[1] + FALL[2])))
    found = _stories.silent(_stories.thinned(found, seed, *fall, FALL[3]), (gap,))
    addresses = reconnects(seed, span, gap)
    extras = (e for e in other_lines(seed, span, addresses, (gap,)) if e.time < span.end * 1_000_000)
    sensor = home_line(addresses, extras, gaps=(gap,), accepts=SERVICES)
    stories = [story for _, story in told]
    stories += [
        {"kind": "flow", "label": what.label, "from": span.start, "to": span.end, "because": what.because} for what in FLOWS
    ]
    stories += [{"kind": "new address", "from": t, "to": t} for t, _ in addresses[1:]]
    stories += [
        {"kind": "outage", "from": gap[0], "to": gap[1], "sensor": "home", "because": "maintenance"},
        {"kind": "fall", "from": fall[0], "to": fall[1], "because": "the observer's own line: a fall in everything"},
    ]
    return [(sensor, found)], [*_stories.counted(stories, found), *_stated(span)]


def _stated(span: Span) -> list[dict[str, Any]]:
    out = []
    for day, text in STATEMENTS:
        begin = int(_days.moment(span, (day, 0)))
        out.append({"kind": "statement", "from": begin, "to": begin + 86_400, "text": text})
    return out


DYNAMIC: Final = {"mssql": 0.75, "japan-sql": 0.8, "japan-smb": 0.8, "smb-worm": 0.6, "telnet-mirai": 0.5, "tor-port": 0.5}
"""label -> share of its sources whose names are those of a provider's dynamic ranges"""


def beside(sources: pl.DataFrame, seed: int, folder: Path) -> None:
    """names.csv: PTR names as providers give them to dynamic and to fixed addresses; names of documentation's domains."""
    own = sources.filter(pl.col("src_ip").str.contains(".", literal=True)).group_by("src_ip").agg(pl.col("label").min())
    own = own.sort("src_ip")
    numbers = pl.Series([_stories.number(a) for a in own["src_ip"]], dtype=pl.UInt32).to_numpy()
    lot = pl.Series("lot", (mixed(numbers, seed + 17) % 1000).astype("float64") / 1000)
    share = pl.col("label").replace_strict(list(DYNAMIC), list(DYNAMIC.values()), default=0.1, return_dtype=pl.Float64)
    dashed = pl.col("src_ip").str.replace_all(".", "-", literal=True)
    name = (
        pl.when(lot < share)
        .then(
            pl.when(lot * 1000 % 3 < 1).then(pl.format("{}.dynamic.example.net", dashed))
            .when(lot * 1000 % 3 < 2).then(pl.format("pool-{}.dsl.example.com", dashed))
            .otherwise(pl.format("host-{}.pppoe.isp.example", dashed))
        )
        .when(lot > 0.93)
        .then(pl.format("static-{}.business.example.net", dashed))
        .when(lot > 0.88)
        .then(pl.format("srv{}.example.org", pl.Series(numbers % 9000)))
    )  # fmt: skip
    table = own.select(pl.col("src_ip").alias("address"), name.alias("name")).drop_nulls()
    (folder / "names.csv").write_text(table.write_csv(include_header=False), encoding="utf-8")


__all__ = ["DAYS", "HELP", "SETTINGS", "START", "STATEMENTS", "TOP", "beside", "make"]
