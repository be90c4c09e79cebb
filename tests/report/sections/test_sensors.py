"""Sensors compared: five of them in two groups over two months, every figure known by how the log was written."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teiten import cli, intake, lang, periods, settings
from teiten.engine import open_session
from teiten.engine.duckdb import Session
from teiten.engine.filters import Filters
from teiten.lake import Lake
from teiten.report import markdown
from teiten.report.answers import Answers
from teiten.report.asked import sensors
from teiten.report.asked.sensors import Cell, Rate
from teiten.report.context import Context
from teiten.report.model import Report
from teiten.report.sections import sensors_months, sensors_ports, sensors_scanners, sensors_spread

HOME, ABROAD = ("a1", "a2", "a3"), ("b1", "b2")
CHOSEN = settings.Settings(
    "Asia/Tokyo",
    "flag",
    sensors=tuple(
        settings.Sensor(n, "domestic" if n in HOME else "overseas", addresses=1, paths=(f"/*/{n}.log",)) for n in HOME + ABROAD
    ),
)
FEBRUARY, MARCH = dt.datetime(2019, 2, 1), dt.datetime(2019, 3, 1)
AWAY = (dt.datetime(2019, 3, 10), dt.datetime(2019, 3, 13))
"""when b2 was off"""
PARTS: dict[str, Any] = {module.ID: module for module in (sensors_months, sensors_ports, sensors_scanners, sensors_spread)}
NOTICE, SCANNER = "153.231.226.", "153.231.227.5"


def packets(sensor: str, at: dt.datetime) -> Iterator[tuple[str, int]]:
    """What a sensor gets every two hours: source, port (TCP)."""
    march = at >= MARCH
    for port, february, later in ((22, 2, 2), (23, 3, 9), (445, 2, 6 if sensor in HOME else 2), (80, 1, 1)):
        yield from (("1.80.0.9", port) for _ in range(later if march else february))
    if sensor == "a2" and march and at.day <= 5:
        yield from (("5.3.0.1", 9999) for _ in range(2))
    if sensor == "a1" and at.hour == 10 and march:
        if at.day in (4, 5, 9):
            # all of them try ten ports and more: of NOTICE's, one comes twice
            yield from (
                (f"{NOTICE}{last}", port) for last in (169, *((170,) if at.day == 5 else ())) for port in range(1000, 1012)
            )
        if at.day in (5, 6):
            yield from ((SCANNER, port) for port in range(2000, 2010))
        yield ("153.231.228.7", 8080)


def log(sensor: str) -> Iterator[str]:
    at = FEBRUARY
    while at < dt.datetime(2019, 4, 1):
        if not (sensor == "b2" and AWAY[0] <= at < AWAY[1]):
            found = list(packets(sensor, at))
            for n, (src, port) in enumerate(found):
                moment = at + dt.timedelta(hours=2) * n / len(found)
                yield (
                    f"{moment.isoformat()}+09:00 gw kernel: DROP IN=ppp0 OUT= MAC= SRC={src} DST=198.51.100.23 LEN=40 TOS=0x00"
                    f" PREC=0x00 TTL=50 ID=7 PROTO=TCP SPT=40000 DPT={port} SEQ=1 ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0\n"
                )
        at += dt.timedelta(hours=2)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    folder = tmp_path_factory.mktemp("sensors")
    lake = Lake.open_or_create(folder / "lake", "Asia/Tokyo")
    for name in HOME + ABROAD:
        (folder / f"{name}.log").write_text("".join(log(name)))
    intake.ingest(lake, [str(folder)], CHOSEN)
    with open_session(lake, CHOSEN) as found:
        yield found


@pytest.fixture(scope="module")
def answers(session: Session) -> Answers:
    return Answers(session, periods.parse("monthly", "2019-03", CHOSEN.zone), Filters(), {})


def test_sensors_have_their_groups_and_numbers(answers: Answers) -> None:
    found = answers.once(sensors.watchers)
    assert [(one.name, one.group, one.number) for one in found] == [
        ("a1", "domestic", 1), ("a2", "domestic", 2), ("a3", "domestic", 3), ("b1", "overseas", 1), ("b2", "overseas", 2),
    ]  # fmt: skip
    assert [(group, len(own)) for group, own in sensors.grouped(found)] == [("domestic", 3), ("overseas", 2)]


def test_a_month_is_divided_by_the_days_really_watched(answers: Answers) -> None:
    (february, first), (march, second) = answers.once(sensors.months)
    assert (february.name, march.name) == ("2019-02", "2019-03")
    assert {name: rate.packets for name, rate in first.items()} == dict.fromkeys(HOME + ABROAD, 8 * 12 * 28)
    assert second["b1"].packets == 14 * 12 * 31
    assert second["b1"].per_sensor == pytest.approx(14 * 12)
    # the outage begins with its last packet before, of fourteen in two hours
    lost = 2 / 14 / 24
    assert second["b2"].days == pytest.approx(28 - lost, abs=1e-4)
    assert second["b2"].packets == 14 * 12 * 28
    assert sensors.together([second["b1"], second["b2"]]).per_sensor == pytest.approx(14 * 12 * 59 / (59 - lost), rel=1e-4)
    assert sensors.NOTHING.per_sensor is None and Rate(5, 0.0, 0.0).per_address is None


def test_the_first_ports_of_each_sensor(answers: Answers) -> None:
    lists = answers.once(sensors.lists)
    assert lists["b1"] == [(6, 23), (6, 22), (6, 445), (6, 80)]
    assert lists["a3"] == [(6, 23), (6, 445), (6, 22), (6, 80)]
    assert lists["a2"] == [(6, 23), (6, 445), (6, 22), (6, 80), (6, 9999)]
    assert len(lists["a1"]) == sensors.DEPTH
    row = next(r for r in answers.once(sensors.ports) if r["sensor"] == "b1" and r["place"] == 1)
    assert (row["packets"], row["share_of"], row["share"]) == (9 * 12 * 31, 14 * 12 * 31, pytest.approx(9 / 14))


def test_scanners_of_a_country_day_by_day(answers: Answers) -> None:
    days = {
        (row["start"].day, row["scanner"]): (row["hosts"], row["packets"])
        for row in answers.once(sensors.scanners_by_day)
        if row["scanner"] is not None
    }
    assert days == {
        (4, "NOTICE"): (1, 12), (5, "NOTICE"): (2, 24), (9, "NOTICE"): (1, 12), (5, "other"): (1, 10), (6, "other"): (1, 10),
    }  # fmt: skip
    whole = {(row["part"], row["scanner"]): (row["hosts"], row["packets"]) for row in answers.once(sensors.scanners_whole)}
    assert whole == {
        ("all", None): (4, 48 + 20 + 31), ("port_scanners", None): (3, 68), ("scanner", "NOTICE"): (2, 48),
        ("scanner", "other"): (1, 20),
    }  # fmt: skip


def test_where_a_change_is_seen(answers: Answers) -> None:
    found = {change.key: change for change in answers.once(sensors.changes)}
    assert {key: (c.direction, c.where, c.group, c.known) for key, c in found.items()} == {
        None: (1, "everywhere", None, 5),
        (6, 23): (1, "everywhere", None, 5),
        (6, 445): (1, "group", "domestic", 5),
        (6, 9999): (1, "one", None, 5),
    }
    assert found[6, 445].sensors == HOME and found[6, 9999].sensors == ("a2",)
    cell = found[6, 23].cells[-1]
    assert (cell.sensor, cell.packets, cell.packets_before) == ("b2", 9 * 12 * 28, 3 * 12 * 28)
    # b2 was off for three days: its packets a day watched still tripled, 22/tcp did not change
    assert cell.times == pytest.approx(3, rel=0.01)
    assert (6, 22) not in found
    assert found[6, 9999].cells[1].times == float("inf") and found[6, 9999].cells[0].times is None


def test_without_enough_before_nothing_is_told(session: Session) -> None:
    february = Answers(session, periods.parse("monthly", "2019-02", CHOSEN.zone), Filters(), {})
    assert february.once(sensors.comparable) == {} and february.once(sensors.changes) == []
    one = Answers(session, periods.parse("monthly", "2019-03", CHOSEN.zone), Filters(sensor=("b1",)), {})
    assert not one.once(sensors.several) and one.once(sensors.changes) == []
    assert [rate.packets for _, rates in one.once(sensors.months) for rate in rates.values()] == [8 * 12 * 28, 14 * 12 * 31]


def cells(moved: Sequence[int | None]) -> list[Cell]:
    return [Cell(f"s{n}", 0, 0, 2.0 if one else 1.0, 1.0, one) for n, one in enumerate(moved)]


@pytest.mark.parametrize(
    ("moved", "groups", "where"),
    [
        ((1, 1, 1, 1), "xxyy", "everywhere"),
        ((1, 1, 0, 0), "xxyy", "group"),
        ((0, 0, 1, 1), "xxyy", "group"),
        ((0, 0, 1, 0), "xxyy", "one"),
        ((1, 0, 1, 0), "xxyy", "several"),
        ((1, 1, 1, 0), "xxyy", "several"),
        ((1, -1, -1, -1), "xxyy", "one"),
        ((1, 1, 1, 1), "xxxx", "everywhere"),
        ((1, 1, 0, 0), "xxxx", "several"),
        ((1, 0), "xx", "several"),
        ((1, None, None, 0), "xxyy", "group"),
        ((1, 1, 1, 0, 1, 1), "xxxxyy", "everywhere"),
        ((0, 0, 0, -1), "xxyy", None),
        ((None, None), "xy", None),
    ],
)
def test_the_rule(moved: tuple[int | None, ...], groups: str, where: str | None) -> None:
    found = sensors.judged((6, 23), 1, cells(moved), {f"s{n}": group for n, group in enumerate(groups)}, 0.67)
    assert (found.where if found else None) == where


def counted(now: Sequence[int], before: int) -> list[Cell]:
    """Sensors that watched thirty days of both periods; none alone is clear."""
    return [Cell(f"s{n}", count, before, count / 30, before / 30, 0) for n, count in enumerate(now)]


@pytest.mark.parametrize(
    ("now", "groups", "where"),
    [
        # thirty packets where there were five: none tells by itself, all together do
        ((30,) * 8, "xxxxyyyy", "everywhere"),
        ((30, 30, 30, 30, 5, 5, 5, 5), "xxxxyyyy", "group"),
        # too few together, or too few of the group
        ((8,) * 8, "xxxxyyyy", None),
        ((30, 30, 5, 5, 5, 5, 5, 5), "xxxxyyyy", None),
    ],
)
def test_small_counts_are_told_together(now: tuple[int, ...], groups: str, where: str | None) -> None:
    found = sensors.judged((6, 23), 1, counted(now, 5), {f"s{n}": group for n, group in enumerate(groups)}, 0.67)
    assert (found.where if found else None) == where


def test_one_alone_is_said_only_where_the_others_are_clear() -> None:
    """One of eight is clear; where the others rose too, with too few packets to tell, it is not said to be alone."""
    alone = Cell("s7", 200, 20, 200 / 30, 20 / 30, 1)
    groups = dict.fromkeys((f"s{n}" for n in range(8)), "x")
    lonely = sensors.judged((6, 23), 1, [*counted((5,) * 7, 5), alone], groups, 0.67)
    unclear = sensors.judged((6, 23), 1, [*counted((8, 8, 8, 8, 5, 5, 5), 5), alone], groups, 0.67)
    assert lonely and unclear and (lonely.where, unclear.where) == ("one", "several")


@pytest.mark.full
def test_what_a_simulation_puts_in_is_found(tmp_path: Path) -> None:
    """Of 30 sensors with few packets each: one variant of Mirai ends, another rises, and both everywhere."""
    out = str(tmp_path / "sim")
    wish = [
        "--scenario",
        "sensors",
        "--sensors",
        "30",
        "--seed",
        "5",
        "--start",
        "2026-05-01",
        "--days",
        "61",
        "--events",
        "60000",
    ]
    assert cli.main(["simulate", *wish, "--out", out]) == 0
    assert cli.main(["ingest", "--config", f"{out}/teiten.toml", "--lake", f"{out}/lake", f"{out}/logs"]) == 0
    chosen = settings.load(config=f"{out}/teiten.toml")
    with open_session(Lake.open(tmp_path / "sim" / "lake"), chosen) as found:
        june = Answers(found, periods.parse("monthly", "2026-06", chosen.zone), Filters(), {})
        told = {change.key: (change.direction, change.where) for change in june.once(sensors.changes)}
    assert told[6, 9530] == (1, "everywhere") and told[6, 52869] == (-1, "everywhere")


def test_agreement_of_rankings_by_hand() -> None:
    assert sensors.agreement("abc", "abc") == pytest.approx(1)
    assert sensors.agreement("abc", "xyz") == pytest.approx(0)
    assert sensors.agreement("", "abc") is None
    with pytest.raises(ValueError, match="one place"):
        sensors.agreement("aba", "abc")
    # X_1 = 0, X_2 = 2: what is seen is (1 - p)/p * (0 + p^2), and from there on all is taken to agree
    assert sensors.agreement("ab", "ba", 0.9) == pytest.approx(0.1 / 0.9 * 0.81 + 0.81)


@st.composite
def rankings(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    one, other = draw(st.permutations(range(12))), draw(st.permutations(range(12)))
    return one[: draw(st.integers(1, 12))], other[: draw(st.integers(1, 12))]


@given(rankings())
@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.too_slow], deadline=None)
def test_agreement_is_the_sum_that_it_extrapolates(pair: tuple[list[int], list[int]]) -> None:
    """RBO is (1 - p) times the sum of p^(d-1) A_d; beyond the shorter list its own share of agreement is taken to go on."""
    short, long = sorted(pair, key=len)
    s, k, p = len(short), len(long), 0.9

    def shared(depth: int) -> float:
        seen = len(set(short[: min(depth, s)]) & set(long[: min(depth, k)]))
        at_s = len(set(short) & set(long[:s]))
        return seen + at_s / s * max(0, min(depth, k) - s)

    last = shared(k) / k
    terms = (p ** (d - 1) * (shared(d) / d if d <= k else last) for d in itertools.count(1))
    whole = (1 - p) * sum(itertools.islice(terms, 400))
    assert sensors.agreement(*pair) == pytest.approx(min(1.0, whole), abs=1e-9)
    assert sensors.agreement(*pair) == sensors.agreement(*pair[::-1])


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        (
            "en",
            [
                "## Sensors at home and abroad compared",
                "in March 2019: domestic sensors (3) 218 and overseas sensors (2) 168.",
                "the domestic sensors received more than the overseas ones (1.30 times as much).",
                "| Domestic sensors (3), mean | 96.0 | 218 |",
                "| Overseas sensor 2 | 96.0 | 168 |",
                "Domestic sensor 1 and those after it are a1, a2 and a3;",
                "| Overseas sensor 1 | 23/TCP | 22/TCP | 445/TCP | 80/TCP | – |",
                "23/TCP comes first at every sensor.",
                "The overseas sensors (2) agree on their first 4 ports",
                "3 addresses of Japan sent to 10 or more ports within one day (0:00 to 23:59) in this month.",
                "Announced scanners, which are on a list, are 2 addresses of NOTICE",
                "48.5 % of the packets from Japan (99 packets) are theirs.",
                "With those that are on no list (other), it is 68.7 %.",
                "| Tue 5 Mar | 2 | 1 |",
                "| Thu 7 Mar |  |  |",
                "- Rose everywhere: 23/TCP (36.0 → 108 a day)",
                "- Rose at domestic sensors only: 445/TCP (24.0 → 72.0 a day)",
                "- Rose at Domestic sensor 2 alone: 9999/TCP (0.0 → 3.87 a day)",
            ],
        ),
        (
            "ja",
            [
                "## 国内外の観測動向の比較",
                "2019年3月は国内センサー(3台)が218、海外センサー(2台)が168でした。",
                "海外のセンサーよりも国内のセンサーの方が多くのパケットを観測しています(1.30倍)。",
                "| 3月5日(火) | 2 | 1 |",
                "日本の送信元は、今月は3アドレスでした。",
                "- すべての範囲で増加: 23/TCP(1日あたり36.0→108)",
                "- 国内のセンサーだけで増加: 445/TCP(1日あたり24.0→72.0)",
                "- 国内センサー2だけで増加: 9999/TCP(1日あたり0.0→3.87)",
            ],
        ),
    ],
)
def test_words(answers: Answers, code: str, wanted: list[str]) -> None:
    sections = [section for name in PARTS if (section := PARTS[name].build(context(answers, code)))]
    report = Report(code, "title", "", "", sections)
    found = markdown.markdown(report, lang.words(code), (), {}).replace("\u00a0", " ")
    for sentence in wanted:
        assert sentence in found, (sentence, found)


def context(answers: Answers, code: str) -> Context:
    return Context(answers, lang.words(code), "flag", "teiten report", "0", CHOSEN)


def test_a_report_of_one_sensor_says_so(session: Session) -> None:
    one = Answers(session, periods.parse("quarterly", "2019-Q1", CHOSEN.zone), Filters(sensor=("b1",)), {})
    section = PARTS["sensors_months"].build(context(one, "en"))
    assert list(section.findings) == ["One sensor alone was watching, so there are no sensors to compare."]
    assert not section.blocks
    assert [name for name in PARTS if PARTS[name].build(context(one, "en"))] == ["sensors_months"]
    month = Answers(session, periods.parse("monthly", "2019-03", CHOSEN.zone), Filters(sensor=("b1",)), {})
    assert not any(PARTS[name].build(context(month, "en")) for name in PARTS)
