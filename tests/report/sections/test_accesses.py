"""The police's figures: accesses of a day and address, sources a day, ranks before, and victims; counted by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from teiten import intake, lang, periods, settings
from teiten.engine import open_session
from teiten.engine.duckdb import Session
from teiten.engine.filters import Filters
from teiten.lake import Lake
from teiten.report import markdown
from teiten.report.answers import Answers
from teiten.report.asked import accesses as asked
from teiten.report.context import Context
from teiten.report.model import Report
from teiten.report.sections import accesses

CHOSEN = settings.Settings("Asia/Tokyo", "flag", sensors=(settings.Sensor("dark", addresses=4),))
SYN, ANSWER = "SYN", "ACK SYN"


def packets(at: dt.datetime) -> Iterator[tuple[str, int, int, str]]:
    """Source, source port, destination port and flags of an hour: in March twice as many sources, and 445 before 23."""
    march = at.month == 3
    for n in range(4 if march else 2):
        yield f"1.80.0.{n}", 40000, 23, SYN
    for n in range(6 if march else 1):
        yield f"5.3.0.{n % 3}", 40000, 445, SYN
    if at.hour == 7:
        # three victims; of the second's web server only in March
        yield from (("8.8.8.8", 80, 50000 + n, ANSWER) for n in range(4 if march else 2))
        if march:
            yield from (("8.8.4.4", 443, 50000, ANSWER), ("153.231.226.9", 80, 50001, ANSWER))


def log() -> Iterator[str]:
    at = dt.datetime(2019, 2, 1)
    while at < dt.datetime(2019, 4, 1):
        found = list(packets(at))
        for n, (src, source_port, port, flags) in enumerate(found):
            moment = at + dt.timedelta(hours=1) * n / len(found)
            yield (
                f"{moment.isoformat()}+09:00 gw kernel: DROP IN=ppp0 OUT= MAC= SRC={src} DST=198.51.100.{n % 4 + 1} LEN=40"
                f" TOS=0x00 PREC=0x00 TTL=50 ID=7 PROTO=TCP SPT={source_port} DPT={port} SEQ=1 ACK=0 WINDOW=1024"
                f" RES=0x00 {flags} URGP=0\n"
            )
        at += dt.timedelta(hours=1)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    folder = tmp_path_factory.mktemp("accesses")
    (folder / "dark.log").write_text("".join(log()))
    lake = Lake.open_or_create(folder / "lake", "Asia/Tokyo")
    intake.ingest(lake, [str(folder / "dark.log")], CHOSEN, sensor="dark", judge=False)
    with open_session(lake, CHOSEN) as found:
        yield found


@pytest.fixture(scope="module")
def answers(session: Session) -> Answers:
    return Answers(session, periods.parse("monthly", "2019-03", CHOSEN.zone), Filters(), {})


def test_flows(answers: Answers) -> None:
    now, before = answers.once(asked.accesses)
    assert (now.packets, before.packets) == (31 * (24 * 10 + 6), 28 * (24 * 3 + 2))
    # of four addresses; the month is watched from its first to its last packet
    assert now.rate == pytest.approx((240 + 6) / 4, rel=0.002) and before.rate == pytest.approx((72 + 2) / 4, rel=0.002)
    assert (now.sources, before.sources) == (4 + 3 + 3, 2 + 1 + 1)
    struck, struck_before = answers.once(asked.victims)
    assert (struck.packets, struck_before.packets) == (31 * 6, 28 * 2)
    assert (struck.sources, struck_before.sources) == (3, 1)


def test_victims_ports_and_countries(answers: Answers) -> None:
    ports = [
        (r["rank"], r["src_port"], r["packets"], r["rank_before"], r["packets_before"])
        for r in answers.once(asked.victim_ports)
    ]
    assert ports == [(1, 80, 31 * 5, 1, 28 * 2), (2, 443, 31, None, 0)]
    lands = [(r["country"], r["packets"]) for r in answers.once(asked.victim_countries)]
    assert lands == [("US", 31 * 5), ("JP", 31)]


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        (
            "en",
            [
                "There were 61.5 accesses of a day and address (18.5 the month before, +232.4 %),",
                "and 10.0 sources a day (4.00 the month before, +150.0 %).",
                "| Sources of backscatter, a day | 3.00 | 1.00 | +2.00 | +200.0 % |",
                "### Accesses by destination port",
                "| 1 (2) | 445/tcp | 36.0 | +30.0 |",
                "| 2 (1) | 23/tcp | 24.0 | +12.0 |",
                "### Backscatter by its source port",
                "| 2 (–) | 443/tcp | 0.25 | +0.25 |",
            ],
        ),
        (
            "ja",
            [
                "アクセスは1日・1アドレスあたり61.5件(先月は18.5件、+232.4%)、送信元アドレスは1日あたり10.0(先月は4.00、",
                "| 順位(先月順位) | ポート | 件数 | 先月比 |",
                "| 1(2) | 445/tcp | 36.0 | +30.0 |",
            ],
        ),
    ],
)
def test_words(answers: Answers, code: str, wanted: list[str]) -> None:
    section = accesses.build(Context(answers, lang.words(code), "flag", "teiten report", "0", CHOSEN))
    assert section is not None
    found = markdown.markdown(Report(code, "title", "", "", [section]), lang.words(code), (), {}).replace("\u00a0", " ")
    for sentence in wanted:
        assert sentence in found, (sentence, found)


def test_a_line_with_one_address_needs_no_such_section(session: Session) -> None:
    alone = settings.Settings("Asia/Tokyo", "flag", sensors=(settings.Sensor("dark", addresses=1),))
    with open_session(session.lake, alone) as other:
        answers = Answers(other, periods.parse("monthly", "2019-03", alone.zone), Filters(), {})
        assert accesses.build(Context(answers, lang.words("en"), "flag", "teiten report", "0", alone)) is None
