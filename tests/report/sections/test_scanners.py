"""The section on announced scanners, what the totals and the notes at the end say of them: counted by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from teiten import intake, lang, periods, settings
from teiten.engine import open_session
from teiten.engine.filters import Filters
from teiten.lake import Lake
from teiten.report import edition, markdown
from teiten.report.answers import Answers

LINE = (
    "{at}+09:00 gw kernel: DROP IN=ppp0 OUT= MAC= SRC={src} DST=198.51.100.23 LEN=40 TOS=0x00 PREC=0x00 TTL=50 ID={n} "
    "PROTO=TCP SPT=40000 DPT={port} SEQ={n} ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0\n"
)
CHOSEN = settings.Settings("Asia/Tokyo", "flag", language="en")


def log() -> Iterator[str]:
    """March 2019: every hour ten packets of others; NOTICE 6 + 12 packets from two addresses, YNU 3; one more port scanner."""
    n = 0
    for hour in range(31 * 24):
        at = dt.datetime(2019, 3, 1) + dt.timedelta(hours=hour)
        rows = [(f"8.8.{n % 40}.{k}", 23) for k in range(10)]
        if at.hour == 5 and at.day in (5, 6):
            rows += [("153.231.226.170", port) for port in (22, 23, 80)]
        if at == dt.datetime(2019, 3, 7, 5):
            rows += [("153.231.216.178", port) for port in range(8000, 8012)]
            rows += [("8.8.8.8", port) for port in range(100, 110)]
        if at == dt.datetime(2019, 3, 9, 5):
            rows += [("133.34.169.31", port) for port in (80, 443, 8080)]
        for k, (src, port) in enumerate(rows):
            n += 1
            yield LINE.format(at=(at + dt.timedelta(seconds=k * 60)).isoformat(), src=src, port=port, n=n % 65536)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    folder = tmp_path_factory.mktemp("scanners")
    (folder / "router.log").write_text("".join(log()))
    lake = Lake.open_or_create(folder / "lake", "Asia/Tokyo")
    result = intake.ingest(lake, [str(folder / "router.log")], CHOSEN)
    assert result.judged is not None
    scanning = {name: n for name, n in result.judged.labels.items() if name.endswith("scanner")}
    assert scanning == {"announced_scanner": 4, "port_scanner": 2}
    return lake


def text(lake: Lake, code: str, filters: Filters | None = None) -> str:
    period = periods.parse("monthly", "2019-03", CHOSEN.zone)
    with open_session(lake, CHOSEN) as session:
        answers = Answers(session, period, filters or Filters(), CHOSEN.thresholds)
        report = edition.compose(answers, CHOSEN, code, "teiten report")
        return markdown.markdown(report, lang.words(code), (), {}).replace("\u00a0", " ")


def test_counts(lake: Lake) -> None:
    period = periods.parse("monthly", "2019-03", CHOSEN.zone)
    with open_session(lake, CHOSEN) as session:
        found = Answers(session, period, Filters(), CHOSEN.thresholds).scanning
    assert (found.packets, found.hosts) == (21, 3)
    assert (found.port_scanners, found.port_scanners_announced) == (2, 1)
    assert found.lists == (("notice", "2019-02-13"), ("ynu", "2022-09-30"))


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        (
            "en",
            [
                "Of these packets, 21 (0.3 %) came from announced scanners.",
                "## Scanners that say who they are",
                "21 packets (0.3 % of all) came from announced scanners: 3 addresses of 2 organisations.",
                "2 addresses tried 10 ports or more within one day (announced scanners among them: 1).",
                "| 1 | NOTICE (Ministry of Internal Affairs and Communications, NICT) | 18 | 0.2 % | 2 |",
                "| 2 | Yokohama National University | 3 | &lt;0.1 % | 1 |",
                "recognised by these lists: notice of 2019-02-13 and ynu of 2022-09-30.",
            ],
        ),
        (
            "ja",
            [
                "全パケットのうち21パケット(0.3%)は、公表スキャナからのものです。",
                "## 公表スキャナ",
                "公表スキャナからは21パケットが届き、全体の0.3%でした。送信元は2組織の3アドレスです。",
                "1日のうちに10個以上のポートを試した送信元は2アドレスで、そのうち公表スキャナは1アドレスでした。",
                "| 2 | 横浜国立大学 | 3 | &lt;0.1% | 1 |",
                "判定に使ったリスト: notice(2019-02-13)、ynu(2022-09-30)。",
            ],
        ),
    ],
)
def test_words(lake: Lake, code: str, wanted: list[str]) -> None:
    found = text(lake, code)
    for sentence in wanted:
        assert sentence in found


def test_without_scanners_nothing_is_said_of_them(lake: Lake) -> None:
    found = text(lake, "en", Filters(scanners="out"))
    assert "## Scanners that say" not in found
    assert "came from announced scanners" not in found


def test_a_correction_counts(lake: Lake) -> None:
    number = lake.add_note("correction", src="133.34.169.31", label="not_a_scanner", text="ours")
    try:
        assert "18 packets (0.2 % of all) came from announced scanners: 2 addresses of 1 organisation." in text(lake, "en")
    finally:
        lake.withdraw_note(number)
    assert "21 packets" in text(lake, "en")
