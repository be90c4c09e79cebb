# ruff: noqa: E501 -- tables of made-up data read better unbroken
"""Draws one chart of every kind, in both languages and at both widths, into a folder, to be looked at.

    .venv/bin/python tools/gallery.py FOLDER [NAME...]

The data are made up, from a fixed seed, and shaped like a household line's. Tests draw the same figures.
"""

from __future__ import annotations

import datetime as dt
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

from teiten.report import figures
from teiten.report.figures import Figure, Gap, Mark, Series, Threshold

TOKYO = ZoneInfo("Asia/Tokyo")
PORTS = ("23/tcp", "445/tcp", "22/tcp", "1433/tcp", "80/tcp", "52869/tcp", "8080/tcp")
COUNTRIES = (
    ("CN", "中国", "China"), ("US", "米国", "United States"), ("RU", "ロシア", "Russia"), ("TW", "台湾", "Taiwan"),
    ("BR", "ブラジル", "Brazil"), ("VN", "ベトナム", "Vietnam"), ("EE", "エストニア", "Estonia"),
)  # fmt: skip


def _said(lang: str, ja: str, en: str) -> str:
    return ja if lang == "ja" else en


def _hours(day: dt.datetime, count: int) -> list[dt.datetime]:
    first = day.astimezone(dt.UTC)
    return [(first + dt.timedelta(hours=i)).astimezone(day.tzinfo) for i in range(count)]


def _days(first: dt.datetime, count: int) -> list[dt.datetime]:
    return [first + dt.timedelta(days=i) for i in range(count)]


def _values(seed: int, count: int, level: float, burst: int = -1) -> list[float | None]:
    rnd = random.Random(seed)
    out: list[float | None] = []
    for i in range(count):
        value = level * (1 + 0.3 * rnd.random() + 0.25 * ((i % 24) / 24))
        out.append(float(round(value * (4 if burst <= i < burst + 3 and burst >= 0 else 1))))
    return out


def _gapped(values: list[float | None], first: int, after: int) -> list[float | None]:
    return [None if first <= i < after else v for i, v in enumerate(values)]


def stack_day(lang: str) -> Figure:
    day = dt.datetime(2019, 10, 22, tzinfo=TOKYO)
    series = [Series(p, p, _values(i, 24, 120 / (i + 1), burst=5 if i == 2 else -1)) for i, p in enumerate(PORTS)]
    series.append(Series("other", _said(lang, "その他", "Other"), _values(20, 24, 55), kind="other"))
    return figures.StackFigure(
        id="stack-day",
        title=_said(lang, "22/tcpへのパケットが22日5時台に急増", "22/tcp: a burst at 5 o’clock on 22 October"),
        subtitle=_said(lang, "宛先ポート別のパケット数、1時間ごと。家庭用回線1本、10月22日(火)", "Packets by destination port, hourly. One household line, Tue 22 Oct 2019"),
        unit=_said(lang, "パケット/時", "packets an hour"),
        times=_hours(day, 24), series=series,
        marks=[Mark(day.replace(hour=5), _said(lang, "22/tcpの急増", "burst on 22/tcp"))],
    )  # fmt: skip


def stack_month(lang: str) -> Figure:
    first = dt.datetime(2019, 10, 1, tzinfo=TOKYO)
    count = 31 * 24
    series = [
        Series(k, _said(lang, ja, en), _gapped(_values(i, count, 90 / (i + 1), burst=500 if i == 6 else -1), 300, 352))
        for i, (k, ja, en) in enumerate(COUNTRIES)
    ]
    series.append(Series("other", _said(lang, "その他", "Other"), _gapped(_values(20, count, 40), 300, 352), kind="other"))
    series.append(Series("unknown", _said(lang, "不明", "Unknown"), _gapped(_values(21, count, 12), 300, 352), kind="unknown"))
    return figures.StackFigure(
        id="stack-month",
        title=_said(lang, "中国と米国で全体の約半分、21日からエストニアが一時的に増加", "China and the United States send half of all; Estonia rises for a few hours on 21 October"),
        subtitle=_said(lang, "送信元国別のパケット数、1時間ごと。家庭用回線1本、2019年10月(日本時間)、観測率 93.0 %", "Packets by source country, hourly. One household line, October 2019 (Japan time), 93.0 % coverage"),
        unit=_said(lang, "パケット/時", "packets an hour"),
        times=_hours(first, count), series=series, things="country",
        gaps=[Gap(first + dt.timedelta(hours=300), first + dt.timedelta(hours=352), _said(lang, "ルーター交換のため欠測", "no data: router replaced"))],
        marks=[Mark(first + dt.timedelta(hours=500), _said(lang, "エストニアの急増", "burst from Estonia"))],
        note=_said(lang, "国の判定: DB-IP Lite(2019年10月)", "Countries: DB-IP Lite (October 2019)"),
    )  # fmt: skip


def stack_days(lang: str) -> Figure:
    first = dt.datetime(2019, 10, 1, tzinfo=TOKYO)
    series = [Series(p, p, _values(i, 31, 4200 / (i + 1), burst=20 if i == 3 else -1)) for i, p in enumerate(PORTS)]
    series.append(Series("other", _said(lang, "その他", "Other"), _values(20, 31, 2500), kind="other"))
    gapped = [Series(s.key, s.label, _gapped(list(s.values), 12, 14), s.kind) for s in series]
    return figures.StackFigure(
        id="stack-days",
        title=_said(lang, "23/tcpと445/tcpが大半、1433/tcpは21日から高止まり", "23/tcp and 445/tcp dominate; 1433/tcp stays high from the 21st"),
        subtitle=_said(lang, "宛先ポート別のパケット数、1日ごと", "Packets by destination port, daily"),
        unit=_said(lang, "パケット/日", "packets a day"),
        times=_days(first, 31), series=gapped, step="day",
        gaps=[Gap(first + dt.timedelta(days=12), first + dt.timedelta(days=14), _said(lang, "欠測", "no data"))],
    )  # fmt: skip


def stack_areas(lang: str) -> Figure:
    first = dt.datetime(2019, 7, 1, tzinfo=TOKYO)
    series = [Series(k, _said(lang, ja, en), _values(i, 92, 9000 / (i + 1))) for i, (k, ja, en) in enumerate(COUNTRIES[:5])]
    series.append(Series("other", _said(lang, "その他", "Other"), _values(20, 92, 3000), kind="other"))
    return figures.StackFigure(
        id="stack-areas",
        title=_said(lang, "四半期を通じて中国が最多", "China leads throughout the quarter"),
        subtitle=_said(lang, "送信元国別のパケット数、1日ごと、2019年7月〜9月", "Packets by source country, daily, July to September 2019"),
        unit=_said(lang, "パケット/日", "packets a day"),
        times=_days(first, 92), series=series, step="day", things="country", form="areas",
    )  # fmt: skip


def lines(lang: str) -> Figure:
    first = dt.datetime(2020, 6, 1, tzinfo=TOKYO)
    series = [
        Series("9530/tcp", "9530/tcp", _gapped([40.0 if i < 12 else 130.0 + 3 * (i % 5) for i in range(30)], 20, 22)),
        Series("52869/tcp", "52869/tcp", _values(3, 30, 60)),
        Series("81/tcp", "81/tcp", _values(4, 30, 58)),
        Series("37215/tcp", "37215/tcp", _values(5, 30, 20)),
        Series("9530/tcp", _said(lang, "9530(先月)", "9530 (May)"), [36.0 + (i % 4) for i in range(30)], dashed=True),
    ]
    return figures.LineFigure(
        id="lines",
        title=_said(lang, "9530/tcp: 6月13日から送信元ホスト数が3倍に", "9530/tcp: hosts tripled from 13 June"),
        subtitle=_said(lang, "送信元ホスト数、1日ごと。調査目的のスキャナを除く。センサー30台、観測率 98 %", "Hosts a day, scanners left out, 30 sensors, 98 % coverage"),
        unit=_said(lang, "ホスト/日", "hosts a day"),
        times=_days(first, 30), series=series,
        gaps=[Gap(first + dt.timedelta(days=20), first + dt.timedelta(days=22), _said(lang, "停電", "power cut"))],
        marks=[Mark(first + dt.timedelta(days=12), _said(lang, "増加の始まり", "the rise begins"))],
        thresholds=[Threshold(100, _said(lang, "しきい値 100ホスト/日", "threshold: 100 hosts a day"))],
    )  # fmt: skip


def panels(lang: str) -> Figure:
    first = dt.datetime(2021, 4, 1, tzinfo=TOKYO)
    packets = _gapped(_values(7, 91, 60_000, burst=40), 20, 22)
    hosts = _gapped(_values(8, 91, 8000), 20, 22)
    whole = [None if v is None else v + (30_000 if 29 <= i < 31 else 0) for i, v in enumerate(hosts)]
    own = _said(lang, "TCP(送信元詐称を除く)", "TCP without forged sources")
    return figures.PanelsFigure(
        id="panels",
        title=_said(lang, "TCPのホスト数は4月30日に急増、ほとんどが送信元の詐称", "TCP hosts spiked on 30 April, most of them forged"),
        subtitle=_said(lang, "TCPの1日ごとのパケット数(上)とユニークホスト数(下)", "TCP packets a day (above) and unique hosts a day (below)"),
        times=_days(first, 91), things="protocol",
        panels=[
            figures.Panel(unit=_said(lang, "パケット数/日", "packets a day"), series=[Series("tcp", own, packets)],
                          marks=[Mark(first + dt.timedelta(days=41), "②")]),
            figures.Panel(unit=_said(lang, "ユニークホスト数/日", "unique hosts a day"),
                          series=[Series("tcp", own, hosts), Series("all", "TCP", whole, kind="other")],
                          marks=[Mark(first + dt.timedelta(days=29), _said(lang, "①詐称", "① forged"))]),
        ],
        gaps=[Gap(first + dt.timedelta(days=20), first + dt.timedelta(days=22), _said(lang, "欠測", "no data"))],
    )  # fmt: skip


def rank(lang: str) -> Figure:
    ja = {"23/tcp": "Telnet", "445/tcp": "SMB(Windows共有)", "52869/tcp": "UPnP、Mirai亜種", "22/tcp": "SSH", "80/tcp": "HTTP",
          "1433/tcp": "SQL Server", "8080/tcp": "HTTP(代替)", "5555/tcp": "Android Debug Bridge", "3389/tcp": "リモートデスクトップ", "9001/tcp": "Tor中継など"}  # fmt: skip
    en = {**ja, "445/tcp": "SMB (Windows sharing)", "52869/tcp": "UPnP, Mirai variants", "8080/tcp": "HTTP (alternative)", "3389/tcp": "Remote Desktop", "9001/tcp": "Tor relays and others"}  # fmt: skip
    target = {"445/tcp": "windows", "1433/tcp": "windows", "3389/tcp": "windows", "22/tcp": "linux", "80/tcp": "other", "8080/tcp": "iot", "9001/tcp": "other"}  # fmt: skip
    before = {"23/tcp": 1, "445/tcp": 2, "52869/tcp": 5, "22/tcp": 4, "80/tcp": 7, "1433/tcp": 3, "8080/tcp": 6, "5555/tcp": 28, "3389/tcp": 9}  # fmt: skip
    rows = [
        figures.RankRow(key=p, label=p, value=float(round(48231 / (i + 1) ** 1.1)), rank=i + 1, rank_before=before.get(p),
                        share=round(48231 / (i + 1) ** 1.1) / 150_000, detail=_said(lang, ja[p], en[p]), target=target.get(p, "iot"))
        for i, p in enumerate(ja)
    ]  # fmt: skip
    rows.append(figures.RankRow(key="other", label=_said(lang, "その他", "Other"), value=21873, share=0.1458, kind="other"))
    rows.append(figures.RankRow(key="unknown", label=_said(lang, "不明", "Unknown"), value=3120, share=0.0208, kind="unknown"))
    return figures.RankFigure(
        id="rank",
        title=_said(lang, "52869/tcpが先月5位から3位に上昇、1433/tcpは6位に下がる", "52869/tcp rises from 5th to 3rd; 1433/tcp falls to 6th"),
        subtitle=_said(lang, "宛先ポート別のパケット数、上位10、2019年3月。家庭用回線1本", "Packets by destination port, top ten, March 2019. One household line"),
        unit=_said(lang, "パケット", "packets"), rows=rows, colour_by="target",
        classes=[("iot", _said(lang, "IoT機器", "IoT devices")), ("windows", "Windows"), ("linux", _said(lang, "Linuxサーバー", "Linux servers")), ("other", _said(lang, "その他", "Other"))],
        before_label=_said(lang, "先月の順位", "Rank in February"), heading=_said(lang, "宛先ポート", "Port"),
        total=_said(lang, "150,000パケット", "150,000 packets"),
    )  # fmt: skip


def hours(lang: str) -> Figure:
    return figures.HoursFigure(
        id="hours",
        title=_said(lang, "深夜から早朝に少なく、21時台が最も多い", "Fewest before dawn, most at 9 in the evening"),
        subtitle=_said(lang, "時間帯別のパケット数、1日平均(2019年3月の31日、日本時間)", "Packets by hour of day, mean per day (31 days of March 2019, Japan time)"),
        unit=_said(lang, "パケット/時(1日平均)", "packets an hour, mean per day"),
        values=[None if h == 3 else 60 + 4.0 * h + (30 if h == 21 else 0) for h in range(24)],
        before=[55 + 4.2 * h for h in range(24)], label=_said(lang, "3月", "March"), before_label=_said(lang, "2月", "February"),
    )  # fmt: skip


def heat(lang: str) -> Figure:
    rows = [figures.HeatRow(p, p, [v * (1 + (h in (5, 6)) * (i == 2) * 3) if v is not None else None for h, v in enumerate(_values(i + 3, 24, 300 / (i + 1) ** 2))]) for i, p in enumerate(PORTS)]  # fmt: skip
    rows.append(figures.HeatRow("unknown", _said(lang, "不明", "Unknown"), [None] * 4 + [0.0] * 20, kind="unknown"))
    return figures.HeatFigure(
        id="heat",
        title=_said(lang, "22/tcpは早朝5〜6時に集中", "22/tcp concentrates on 5 and 6 in the morning"),
        subtitle=_said(lang, "宛先ポートと時間帯別のパケット数", "Packets by destination port and hour of day"),
        unit=_said(lang, "パケット/時", "packets an hour"), rows=rows,
    )  # fmt: skip


def heat_days(lang: str) -> Figure:
    first = dt.datetime(2019, 10, 1, tzinfo=TOKYO)
    rows = [figures.HeatRow(k, _said(lang, ja, en), _gapped(_values(i, 31, 4000 / (i + 1) ** 2), 12, 14)) for i, (k, ja, en) in enumerate(COUNTRIES)]  # fmt: skip
    return figures.HeatFigure(
        id="heat-days",
        title=_said(lang, "国別・日別のパケット数", "Packets by country and day"),
        subtitle=_said(lang, "2019年10月", "October 2019"),
        unit=_said(lang, "パケット/日", "packets a day"), rows=rows, times=_days(first, 31), scale="log",
    )  # fmt: skip


def heat_classes(lang: str) -> Figure:
    rows = [figures.HeatRow(p, p, _gapped(_values(i + 3, 24, 300 / (i + 1) ** 2), 9, 11)) for i, p in enumerate(PORTS)]
    return figures.HeatFigure(
        id="heat-classes",
        title=_said(lang, "濃さの区分に数を添えたヒートマップ", "A heat map whose shades are classes"),
        unit=_said(lang, "パケット/時", "packets an hour"), rows=rows, scale="classes",
    )  # fmt: skip


def world(lang: str) -> Figure:
    values = {
        "CN": 10106.0,
        "US": 10160,
        "RU": 8860,
        "NL": 3460,
        "TW": 3206,
        "BR": 3109,
        "SG": 812,
        "HK": 1559,
        "JP": 666,
        "MT": 3,
    }
    return figures.WorldFigure(
        id="world",
        title=_said(lang, "送信元の国・地域", "Where it came from"),
        subtitle=_said(lang, "2019年10月16日から22日", "16 to 22 October 2019"),
        unit=_said(lang, "パケット数", "packets"), values=values, unknown=1234,
    )  # fmt: skip


def beside(lang: str) -> Figure:
    ways = (
        (_said(lang, "(1) すべてのパケット", "(1) All packets"), 1.0, 8),
        (_said(lang, "(2) 調査目的のスキャン", "(2) Research scans alone"), 0.6, 4),
        (_said(lang, "(3) 調査目的のスキャンを除く", "(3) Without research scans"), 0.4, 7),
    )
    panels = []
    for place, (title, level, count) in enumerate(ways):
        rnd = random.Random(40 + place)
        values = sorted((round(level * 1_000_000 * rnd.random() / (i + 1)) for i in range(count)), reverse=True)
        rows = [
            figures.RankRow(
                key=k,
                label=_said(lang, ja, en),
                value=v,
                rank=i + 1,
                rank_before=None if i == 4 else (i + place) % 9 + 1,
                share=v / sum(values),
            )
            for i, (v, (k, ja, en)) in enumerate(zip(values, COUNTRIES, strict=False))
        ]
        panels.append(
            figures.RankFigure(
                id=f"beside-{place}",
                title=title,
                rows=rows,
                things="country",
                before_label=_said(lang, "前四半期", "quarter before"),
            )
        )
    return figures.BesideFigure(
        id="beside",
        title=_said(lang, "調査目的のスキャンを除くと中国が首位", "Without research scans, China leads"),
        subtitle=_said(lang, "送信元の国別の受信パケット数の割合", "Share of packets by source country"),
        unit=_said(lang, "パケット", "packets"), panels=panels,
    )  # fmt: skip


def slope(lang: str) -> Figure:
    moves = [("23/tcp", 1, 1), ("445/tcp", 2, 2), ("52869/tcp", 5, 3), ("22/tcp", 4, 4), ("80/tcp", 7, 5), ("8080/tcp", 6, 6),
             ("5555/tcp", 8, 7), ("81/tcp", 12, 8), ("3389/tcp", 9, 9), ("2323/tcp", 10, 10), ("1433/tcp", 3, 28), ("9530/tcp", None, 11)]  # fmt: skip
    rows = [figures.SlopeRow(key=k, label=k, before=b, now=n, value=20000 / n) for k, b, n in moves]
    return figures.SlopeFigure(
        id="slope",
        title=_said(lang, "1433/tcpが3位から28位へ", "1433/tcp: from 3rd to 28th"),
        subtitle=_said(lang, "宛先ポートの順位(パケット数)", "Ranks of destination ports, by packets"),
        rows=rows, before_label=_said(lang, "2月", "February"), now_label=_said(lang, "3月", "March"),
    )  # fmt: skip


def multiples(lang: str) -> Figure:
    first = dt.datetime(2019, 10, 1, tzinfo=TOKYO)
    names = (*PORTS, "5555/tcp", "3389/tcp", "9001/tcp", "7547/tcp")
    series = [Series(p, p, _gapped(_values(i, 31, 900 / (i + 1)), 12, 14)) for i, p in enumerate(names)]
    return figures.SmallMultiples(
        id="multiples",
        title=_said(lang, "上位11ポートの推移", "The eleven ports hit most"),
        subtitle=_said(lang, "宛先ポート別のパケット数、1日ごと、2019年10月", "Packets by destination port, daily, October 2019"),
        unit=_said(lang, "パケット/日", "packets a day"), times=_days(first, 31), series=series,
        gaps=[Gap(first + dt.timedelta(days=12), first + dt.timedelta(days=14), _said(lang, "欠測", "no data"))],
    )  # fmt: skip


def matrix(lang: str, *, diverging: bool = False) -> Figure:
    """Eight sensors of two groups, or three ports at them."""
    names = [_said(lang, f"{'国内' if i < 5 else '海外'}センサー{i % 5 + 1}", f"{'Domestic' if i < 5 else 'Overseas'} sensor {i % 5 + 1}") for i in range(8)]  # fmt: skip
    if diverging:
        values = [[0.9] * 8, [0.0, 0.1, -0.1, 0.0, 0.0, 1.0, 0.0, None], [-0.7] * 5 + [0.0] * 3]
        rows = [figures.MatrixRow(port, v, [f"{2 ** ((x or 0) * 2):.2g}" for x in v]) for port, v in zip(PORTS, values, strict=False)]  # fmt: skip
    else:
        alike = [[1.0 if i == k else 0.9 - 0.05 * abs(i - k) - 0.3 * ((i < 5) != (k < 5)) for k in range(8)] for i in range(8)]
        rows = [figures.MatrixRow(name, v, [f"{x:.2f}" for x in v]) for name, v in zip(names, alike, strict=True)]
    return figures.MatrixFigure(
        id="matrix",
        title=_said(lang, "国内のセンサーどうしはよく似ている", "Domestic sensors are much alike"),
        subtitle=_said(lang, "センサーどうしの上位10ポートの一致度(RBO)", "Agreement of the ten ports hit most (RBO)"),
        unit=_said(lang, "一致度", "agreement"), rows=rows, columns=[str(i + 1) for i in range(8)], column_breaks=[5],
        row_breaks=[] if diverging else [5], diverging=diverging,
        low=_said(lang, "4分の1", "a quarter") if diverging else "0", high=_said(lang, "4倍", "4 times") if diverging else "1",
    )  # fmt: skip


def matrix_changes(lang: str) -> Figure:
    return matrix(lang, diverging=True)


def month_of_days(lang: str, *, by_hour: bool = False) -> figures.Days:
    """October 2019 with two days without records and a day far above all others."""
    dates = [dt.date(2019, 10, 1) + dt.timedelta(days=i) for i in range(31)]
    rows = [figures.DayRow(p, p) for p in PORTS]
    rows.append(figures.DayRow("other", _said(lang, "その他", "other"), "other"))
    rows.append(figures.DayRow("unknown", _said(lang, "不明", "unknown"), "unknown"))
    columns = [_gapped(_values(i, 31, 300 if by_hour else 1800 / (i + 1)), 8, 10) for i in range(24 if by_hour else len(rows))]
    values = [list(day) for day in zip(*columns, strict=True)]
    values[20][1] = (values[20][1] or 0) * 9
    said = ["" if day[0] is None else f"{sum(v or 0 for v in day):,.0f} {_said(lang, 'パケット', 'packets')}" for day in values]
    reasons = [_said(lang, "記録なし(保守)", "no records (maintenance)") if day[0] is None else "" for day in values]
    return figures.Days(dates, values, said, reasons, () if by_hour else rows, "plain" if by_hour else "port")


def day(lang: str, at: int = 20, *, by_hour: bool = False) -> Figure:
    return figures.DayFigure(
        id="day",
        title=_said(lang, "29日のうち28日で23/tcpが最多", "23/tcp had the most packets on 28 of 29 days"),
        subtitle=_said(lang, "2019年10月の宛先ポート別パケット数、1日ごと", "October 2019: packets a day by destination port"),
        unit=_said(lang, "パケット/日", "packets a day"), days=month_of_days(lang, by_hour=by_hour), at=at,
        note=_said(lang, "目盛りを超える棒は途中で切っています。", "Bars that go beyond the axis are broken off."),
    )  # fmt: skip


def day_gap(lang: str) -> Figure:
    return day(lang, 8)


def day_hours(lang: str) -> Figure:
    return day(lang, by_hour=True)


def calendar(lang: str, *, by_hour: bool = False) -> Figure:
    return figures.CalendarFigure(
        id="calendar",
        title=_said(lang, "1日で最も多かったのは21日の445/tcp", "The most in a day: 445/tcp on Mon 21 Oct"),
        subtitle=_said(lang, "2019年10月の宛先ポート別パケット数、1日ごと", "October 2019: packets a day by destination port"),
        unit=_said(lang, "パケット/日", "packets a day"), days=month_of_days(lang, by_hour=by_hour),
    )  # fmt: skip


def calendar_hours(lang: str) -> Figure:
    return calendar(lang, by_hour=True)


FIGURES: dict[str, Callable[[str], Figure]] = {
    "stack_day": stack_day, "stack_month": stack_month, "stack_days": stack_days, "stack_areas": stack_areas, "lines": lines, "panels": panels,
    "rank": rank, "hours": hours, "heat": heat, "heat_days": heat_days, "heat_classes": heat_classes, "world": world, "slope": slope, "beside": beside, "multiples": multiples,
    "matrix": matrix, "matrix_changes": matrix_changes, "day": day, "day_gap": day_gap, "day_hours": day_hours, "calendar": calendar, "calendar_hours": calendar_hours,
}  # fmt: skip


def main(arguments: list[str]) -> int:
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    for name in arguments[1:] or FIGURES:
        for lang in ("ja", "en"):
            for width in (390, 1200):
                begun = time.perf_counter()
                svg = figures.draw(FIGURES[name](lang), width=width, lang=lang)
                drawn = time.perf_counter()
                data = figures.png(svg)
                done = time.perf_counter()
                path = folder / f"{name}.{lang}.{width}"
                path.with_name(path.name + ".svg").write_text(svg, encoding="utf-8")
                path.with_name(path.name + ".png").write_bytes(data)
                print(f"{path.name}: SVG {(drawn - begun) * 1000:.0f} ms, {len(svg) / 1000:.0f} kB;"
                      f" PNG {(done - drawn) * 1000:.0f} ms, {len(data) / 1000:.0f} kB")  # fmt: skip
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
