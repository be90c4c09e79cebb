"""The section on tools: what verdicts say of sources, with the month before, and the kinds of packets; counted by hand."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Iterator

import pytest

from teiten import intake, lang, periods, settings
from teiten.engine import open_session
from teiten.engine.filters import Filters
from teiten.lake import Lake
from teiten.report import edition, markdown
from teiten.report.answers import Answers
from teiten.report.sections import tools

HEAD = "{at}+09:00 gw kernel: DROP IN=ppp0 OUT= MAC= SRC={src} DST=198.51.100.23 LEN=40 TOS=0x00 PREC=0x00 TTL=50 ID={id} "
TCP = HEAD + "PROTO=TCP SPT=40000 DPT={port} SEQ={seq} ACK=0 WINDOW=1024 RES=0x00 {flags} URGP=0\n"
UDP = HEAD + "PROTO=UDP SPT={port} DPT=40000 LEN=20\n"
DESTINATION = int(ipaddress.ip_address("198.51.100.23"))
CHOSEN = settings.Settings("Asia/Tokyo", "flag", language="en")


def packets(mirai: int, scans: int) -> Iterator[dict[str, object]]:
    """Of a month: so many Mirai hosts (5 packets each), a masscan of so many packets, 60 packets of no known tool."""
    for n in range(mirai):
        for k in range(5):
            yield {"line": TCP, "src": f"203.0.113.{n + 1}", "id": 100 * n + k, "port": 23, "seq": DESTINATION, "flags": "SYN"}
    for n in range(scans):
        seq = 77_777 * (n + 1)
        yield {"line": TCP, "src": "192.0.2.9", "id": (DESTINATION ^ n ^ seq) & 0xFFFF, "port": n, "seq": seq, "flags": "SYN"}
    for n in range(40):
        yield {"line": TCP, "src": f"198.18.0.{n}", "id": n, "port": 445, "seq": 7 * n, "flags": "SYN"}
    for n in range(12):
        yield {"line": TCP, "src": "198.18.1.1", "id": 0, "port": 445, "seq": n, "flags": "ACK SYN"}
    for n in range(8):
        yield {"line": UDP, "src": f"198.18.2.{n}", "id": n, "port": 500}


def log() -> Iterator[str]:
    """February and March 2019: 100 of a Mirai and 20 of a masscan, then 150 and 40; an unmarked packet each hour."""
    rows = []
    for month, found in ((2, packets(20, 20)), (3, packets(30, 40))):
        for n, row in enumerate(found):
            rows.append((dt.datetime(2019, month, 5) + dt.timedelta(seconds=40 * n), row))
    quiet: dict[str, object] = {"line": TCP, "src": "8.8.8.8", "id": 1, "port": 22, "seq": 1, "flags": "SYN"}
    rows += [(dt.datetime(2019, 2, 1) + dt.timedelta(hours=hour), quiet) for hour in range(59 * 24)]
    for at, row in sorted(rows, key=lambda one: one[0]):
        yield str(row["line"]).format(at=at.isoformat(), **row)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    folder = tmp_path_factory.mktemp("tools")
    (folder / "router.log").write_text("".join(log()))
    lake = Lake.open_or_create(folder / "lake", "Asia/Tokyo")
    result = intake.ingest(lake, [str(folder / "router.log")], CHOSEN)
    assert result.judged is not None and result.judged.labels["tool"] == 20 + 1 + 30 + 1
    return lake


def text(lake: Lake, code: str, period: str = "2019-03", filters: Filters | None = None) -> str:
    kind: periods.PeriodKind = "monthly" if len(period) == 7 else "daily"
    with open_session(lake, CHOSEN) as session:
        answers = Answers(session, periods.parse(kind, period, CHOSEN.zone), filters or Filters(), CHOSEN.thresholds)
        report = edition.compose(answers, CHOSEN, code, "teiten report")
        return markdown.markdown(report, lang.words(code), (), {}).replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        (
            "en",
            [
                "## What sent the packets",
                "190 packets (19.1 % of all) came from 31 addresses whose tool is known; Mirai leads with 78.9 % of",
                "By kind, of all 994 packets: TCP SYN 98.0 %, backscatter (answers to packets with a forged source) 1.2 % and",
                "| 1 | 1 | Mirai | 150 | 15.1 % | +50.0 % | 30 |",
                "| 2 | 2 | masscan | 40 | 4.0 % | +100.0 % | 1 |",
                "| – | – | not known | 804 | 80.9 % |",
            ],
        ),
        (
            "ja",
            [
                "## パケットを送ったツール",
                "ツールが分かった送信元は31アドレスで、そこから190パケット(全体の19.1%)が届きました。このうち78.9%がMiraiによるものです。",
                "種類の内訳は、全994パケットのうちTCPのSYN 98.0%、バックスキャッター",
                "| 2 | 2 | masscan | 40 | 4.0% | +100.0% | 1 |",
                "| – | – | 不明 | 804 |",
            ],
        ),
    ],
)
def test_words(lake: Lake, code: str, wanted: list[str]) -> None:
    found = text(lake, code)
    for sentence in wanted:
        assert sentence in found, found[found.index("## ", found.index(wanted[0])) - 2000 :][:3000]


def test_where_no_tool_is_known_nothing_is_said(lake: Lake) -> None:
    assert "## What sent" not in text(lake, "en", "2019-03-05")
    assert "## What sent" not in text(lake, "en", filters=Filters(tool=(None,)))
    assert "## What sent" in text(lake, "en", filters=Filters(tool=("mirai",)))


def test_tools_are_called_as_they_call_themselves() -> None:
    assert [tools.name(t) for t in ("mirai", "zmap", "masscan", "something")] == ["Mirai", "ZMap", "masscan", "something"]
