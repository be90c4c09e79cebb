"""The title of a chart: who leads, of what, against the span before; and when nothing of that may be said."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from teiten.engine.questions import Rows
from teiten.report import figures
from teiten.settings import Settings
from teiten.web import asked as asking
from teiten.web.asked import Asked
from teiten.web.pages import _finding, _watch
from teiten.web.speech import Speech

from .conftest import Client

EXTENT = (dt.datetime(2019, 10, 1, tzinfo=dt.UTC), dt.datetime(2019, 10, 22, 13, 30, tzinfo=dt.UTC))
EVEN = _watch.Watch(2, 1.0, True, True)
UNEVEN = _watch.Watch(2, 0.5, True, False)


def of(chosen: Settings, **words: str) -> Asked:
    return asking.read(chosen, "/", {"lang": "ja", "period": "2019-10-21", **words}, extent=EXTENT)


def ports(*counts: tuple[int | None, int, int | None], by: str = "packets", lost: Any = None) -> Rows:
    """A ranking: port (None: unknown), how many, how many before; ranks and shares as `questions.rank` gives them."""
    total = sum(n for _, n, _ in counts)
    known = sorted((n for port, n, _ in counts if port is not None), reverse=True)
    rows = [
        {
            "dst_port": port,
            "protocol": None if port is None else 6,
            "rank": None if port is None else known.index(n) + 1,
            "packets": 0,
            "hosts": 0,
            "packets_before": None,
            "hosts_before": None,
            "share": n / total,
            by: n,
            f"{by}_before": before,
            "difference": None if before is None else n - before,
        }
        for port, n, before in counts
    ]
    return Rows(rows, "", total=total, lost=lost)


def both(chosen: Settings, rows: Rows, watch: _watch.Watch | None = EVEN, **words: str) -> tuple[str, str]:
    """The title in Japanese and in English, whose spaces before a percent sign are plain ones."""
    ja, en = (_finding.title(of(chosen, **{**words, "lang": code}), "ports", rows, watch) for code in ("ja", "en"))
    return ja, en.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("before", "ja", "en"),
    [
        (220, "、前日の1.4倍", ", 1.4 times the day before"),
        (300, "、前日並み", ", about as in the day before"),
        (500, "、前日より38%減", ", 38 % less than in the day before"),
        (12, "、前日は12", ", 12 in the day before"),
        (0, "、前日にはなし", ", none in the day before"),
        (None, "", ""),
    ],
)
def test_leader_against_the_span_before(chosen: Settings, before: int | None, ja: str, en: str) -> None:
    rows = ports((23, 310, before), (445, 200, before and 200), (None, 490, before and 490))
    rows[2]["share"] = 0.2  # of what is not known less than the leader has
    assert both(chosen, rows) == (f"23/tcpが全パケットの31.0%{ja}", f"23/tcp is 31.0 % of all packets{en}")


def test_nothing_is_compared_that_was_not_watched_alike(chosen: Settings) -> None:
    rows = ports((23, 600, 220), (445, 400, 200))
    plain = ("23/tcpが全パケットの60.0%", "23/tcp is 60.0 % of all packets")
    assert both(chosen, rows, UNEVEN) == plain == both(chosen, rows, None)
    assert both(chosen, ports((23, 600, 220), (445, 400, 200), lost=EXTENT[0])) == plain
    asked = of(chosen)
    said = _finding.drawn(asked, "ports", rows, UNEVEN, "パケット数/時")
    assert said == (
        "ポート別の推移(パケット数/時)。1,000パケット、センサー2台、観測率50.0%、直前の期間とは観測時間が異なるため比較せず"
    )
    assert "比較" not in _finding.drawn(asked, "ports", rows, EVEN, "")
    nobody = _watch.Watch(2, 1.0, False, False)
    assert "比較" not in _finding.drawn(asked, "ports", rows, nobody, "")


def test_few_counts_are_told_as_counts(chosen: Settings) -> None:
    assert both(chosen, ports((23, 3, 1), (445, 2, 1))) == ("5パケットのうち3が23/tcp", "3 of 5 packets: 23/tcp")
    assert both(chosen, ports((23, 2, 0), (445, 2, 0)))[1] == "2 of 4 packets each: 23/tcp and 445/tcp"
    assert both(chosen, ports(*((n, 1, 0) for n in range(5)))) == ("全部で5パケット", "5 packets in all")
    assert both(chosen, Rows([], "", total=0)) == ("ポート別の推移", "Ports through time")


def test_equals_and_unknown(chosen: Settings) -> None:
    two = ports((23, 40, 1), (445, 40, 1), (80, 20, 1))
    assert both(chosen, two) == (
        "23/tcp、445/tcpが同数で最多(それぞれ全パケットの40.0%)", "23/tcp and 445/tcp lead with 40.0 % of all packets each",
    )  # fmt: skip
    assert "4 share the lead" in both(chosen, ports(*((n, 25, 1) for n in range(4))))[1]
    dark = ports((23, 20, 20), (None, 80, 80))
    assert both(chosen, dark) == (
        "全パケットの80.0%は不明、分かるものでは23/tcpが最多(20.0%)",
        "Not known for 80.0 % of all packets; 23/tcp leads the rest with 20.0 %",
    )
    assert both(chosen, ports((None, 80, 80)))[1] == "Not known for 100.0 % of all packets"


def test_what_rose_more_than_the_leader(chosen: Settings) -> None:
    rows = ports((23, 600, 590), (9001, 300, 10), (80, 100, 99))
    assert both(chosen, rows) == (
        "23/tcpが全パケットの60.0%、9001/tcpは前日の10から300に増加",
        "23/tcp is 60.0 % of all packets, 9001/tcp rose from 10 to 300 against the day before",
    )
    little = ports((23, 960, 590), (9001, 40, 0))
    assert "9001" not in both(chosen, little)[0], "a twenty-fifth of all is not told"
    assert "9001" not in both(chosen, ports((23, 960, 100), (9001, 300, 10)))[0], "the leader rose by more"


@pytest.mark.parametrize(
    ("words", "ja", "en"),
    [
        ({"country": "CN"}, "中国発パケット", "packets from China"),
        ({"country": "US"}, "米国発パケット", "packets from the United States"),
        ({"asn": "4134"}, "AS4134発パケット", "packets from AS4134"),
        ({"src": "8.8.8.8"}, "8.8.8.8発パケット", "packets from 8.8.8.8"),
        ({"src": "8.8.8.0/24"}, "8.8.8.0/24発パケット", "packets from 8.8.8.0/24"),
        ({"port": "23/tcp"}, "23/tcp宛てパケット", "packets to 23/tcp"),
        ({"port": "20-30/tcp"}, "該当パケット", "packets that match"),
        ({"country": "CN,US"}, "該当パケット", "packets that match"),
        ({"country": "CN", "asn": "4134"}, "該当パケット", "packets that match"),
        ({"scanners": "out"}, "該当パケット", "packets that match"),
        ({"unit": "hosts"}, "全ホスト", "all hosts"),
    ],
)
def test_what_shares_are_of(chosen: Settings, words: dict[str, str], ja: str, en: str) -> None:
    assert (_finding.whole(of(chosen, **words)), _finding.whole(of(chosen, **words, lang="en"))) == (ja, en)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"period": "2019-10-21"}, "前日"),
        ({"period": "day"}, "直前の24時間"),
        ({"period": "hour"}, "直前の1時間"),
        ({"period": "week"}, "直前の7日間"),
        ({"period": "2019-W42"}, "前週"),
        ({"period": "2019-09"}, "直前の30日間"),
        ({"from": "2019-10-21T01:00", "to": "2019-10-21T04:00"}, "直前の3時間"),
        ({"from": "2019-10-21T01:00", "to": "2019-10-21T01:20"}, "直前の同じ長さの期間"),
    ],
)
def test_the_span_before_is_named(chosen: Settings, words: dict[str, str], said: str) -> None:
    given = {"lang": "ja", **words}
    asked = asking.read(chosen, "/", given, extent=EXTENT)
    assert _finding.title(asked, "ports", ports((23, 300, 100), (80, 200, 200)), EVEN).endswith(f"{said}の3.0倍")


def test_of_one_thing_alone(chosen: Settings) -> None:
    rows = ports((23, 300, 300))
    assert both(chosen, rows) == ("すべて23/tcp、前日並み", "All of it is 23/tcp, about as in the day before")
    assert both(chosen, rows, port="23/tcp")[0] == "23/tcp宛てパケットはすべて23/tcp、前日並み"


def test_map_and_heat(chosen: Settings) -> None:
    counts = {"US": 50, "CN": 30, "JP": 10}
    rows = Rows([{"country": code, "rank": 1, "packets": n, "share": n / 100} for code, n in counts.items()], "", total=100)
    ja, en = of(chosen), of(chosen, lang="en")
    assert _finding.world(ja, rows) == "米国、中国、日本発で全パケットの90.0%"
    assert _finding.world(en, rows).replace("\N{NO-BREAK SPACE}", " ") == (
        "The United States, China and Japan send 90.0 % of all packets"
    )
    assert _finding.world(ja, Rows(rows, "", total=20)) == "世界地図"
    heat = [figures.HeatRow("23/tcp", "23/tcp", [10.0, None, 40.0])]
    assert _finding.peak(ja, heat, ["a", "b", "c"], "", "?") == "23/tcpがcに最多(40)"
    assert _finding.peak(ja, [replace(heat[0], values=[1.0, None, 2.0])], ["a", "b", "c"], "", "?") == "?"
    names = [str(n) for n in range(24)]
    days = [figures.HeatRow(str(n), str(n), [100.0 if hour == 5 else 40.0 for hour in range(24)]) for n in range(3)]
    assert _finding.hours(ja, days, names, "?").startswith("ふだん多いのは5台(中央値100)")
    assert _finding.hours(ja, days[:2], names, "?") == "?", "two days make no habit"
    burst = [replace(days[0], values=[1000.0, *[40.0] * 23]), *(replace(one, values=[40.0] * 24) for one in days[1:])]
    assert _finding.hours(ja, burst, names, "?") == "時間帯による差は小さい(中央値40~40)"


def test_watch_tells_which_spans_may_be_compared() -> None:
    at = dt.datetime(2019, 10, 21, tzinfo=dt.UTC)
    day = dt.timedelta(days=1)

    def gap(sensor: str, start: dt.datetime, hours: float) -> dict[str, Any]:
        return {"sensor": sensor, "start": start, "end": start + dt.timedelta(hours=hours)}

    now, before = (at, at + day), (at - day, at)
    whole = _watch.of(["a", "b"], now, [], before, [])
    assert whole == _watch.Watch(2, 1.0, True, True)
    half = _watch.of(["a", "b"], now, [gap("b", at, 12)], before, [])
    assert half == _watch.Watch(2, 0.75, True, False)
    begun = _watch.of(["a", "b"], now, [], before, [gap("b", at - day, 24)])
    assert begun == _watch.Watch(2, 1.0, True, False)
    gone = _watch.of(["a", "b"], now, [gap("b", at, 24)], before, [gap("b", at - day, 24)])
    assert gone == _watch.Watch(1, 1.0, True, True), "a sensor of long ago is none of those that watched"
    # gaps that overlap count once, and what lies beyond the span not at all
    twice = _watch.of(["a"], now, [gap("a", at, 6), gap("a", at - day, 30)], before, [])
    assert twice.share == 0.75
    assert _watch.of([], now, [], before, []) == _watch.Watch(0, 0.0, False, False)


LONG = [
    pytest.param(one, marks=pytest.mark.full) for one in ("/sources", "/countries", "/asns", "/port/23/tcp", "/source/8.8.8.3")
]


@pytest.mark.parametrize("place", ["/", "/ports", "/sensors", *LONG])
def test_pages_say_findings(client: Client, place: str) -> None:
    """Each of them, over the two days whose counts are known: half of all packets go to 23/tcp."""
    text = client.get(f"{place}?lang=en&period=2019-10-22").text.replace("\N{NO-BREAK SPACE}", " ")
    assert 'class="drawn"' in text and "100.0 % coverage" in text
    told = {"/": "23/tcp is 50.0 % of all packets, 72 in the day before", "/ports": "23/tcp is 50.0 % of all packets",
            "/port/23/tcp": "Nothing but the United States among packets to 23/tcp"}  # fmt: skip
    assert told.get(place, "") in text
    assert "144 packets" in text or place.startswith(("/port/", "/source/"))


def test_speech_of_a_country_keeps_its_article(chosen: Settings) -> None:
    row = {"country": "US"}
    assert _finding.name_of(Speech.of(of(chosen, lang="en")), "countries", row) == "the United States"
