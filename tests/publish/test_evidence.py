"""A session's lines: masked as they stand in the log; put together again, and marked, where they cannot be had or shown."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from teiten import intake
from teiten.engine import open_session
from teiten.engine.filters import Filters
from teiten.lake import Lake
from teiten.publish import evidence, masks
from teiten.sessions import join
from teiten.settings import Reading, Settings

TOKYO = Settings("Asia/Tokyo", "flag")
BODY = (
    "IN=ppp0 OUT= MAC= SRC=192.0.2.9 DST=203.0.113.77 LEN=40 TOS=0x00 PREC=0x00 TTL=244 ID=54321 PROTO=TCP SPT=50404 "
    "DPT={port} SEQ=1234567891 ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0 "
)


def shown(
    lake: Lake, path: Path, text: str, cover: frozenset[str] | None = masks.SEED, *, gone: bool = False
) -> list[evidence.Line]:
    path.write_text(text)
    assert not intake.ingest(lake, [str(path)], TOKYO).failed
    if gone:
        path.unlink()
    with open_session(lake, TOKYO) as asked:
        (one,) = join.of_sources(asked, Filters(), 120).sessions
        (steps,) = join.steps(asked, [one], Filters())
        return evidence.of_steps(asked, steps, cover, Reading())


def line(second: int, port: int, prefix: str = "DROP ") -> str:
    return f"2019-02-20T11:02:{second:02d}+09:00 router kernel: {prefix}{BODY.format(port=port)}\n"


def test_lines_as_they_stand(lake: Lake, tmp_path: Path) -> None:
    found = shown(lake, tmp_path / "a.log", line(1, 22) + line(17, 23))
    assert [(x.why, x.gap) for x in found] == [("", None), ("", dt.timedelta(seconds=16))]
    assert found[0].text.startswith("2019-02-20T11:MM:SS+09:00 router kernel: DROP IN=ppp0 OUT= MAC= SRC=192.0.2.9 DST=***.***")


def test_put_together_again_where_the_log_is_gone(lake: Lake, tmp_path: Path) -> None:
    (one,) = shown(lake, tmp_path / "a.log", line(1, 22), gone=True)
    assert one.why == "gone"
    assert one.text == (
        "2019-02-20T11:MM:SS+09:00 - kernel: DROP IN=ppp0 OUT= SRC=192.0.2.9 DST=***.***.***.*** LEN=40 TTL=244 ID=***** "
        "PROTO=TCP SPT=50404 DPT=22 SEQ=********** ACK=0 WINDOW=1024 SYN"
    )


@pytest.mark.parametrize(
    "text",
    [
        # two lines run together: what both say may not be told apart
        line(1, 22).rstrip("\n") + line(2, 23),
        # another program's words before the packet
        line(1, 22, "sshd[12]: Accepted password for alice DROP "),
        line(1, 22) + "2019-02-20T11:02:09+09:00 router last message repeated 2 times\n",
    ],
)
def test_put_together_again_where_no_mask_is_sure(text: str, lake: Lake, tmp_path: Path) -> None:
    found = shown(lake, tmp_path / "a.log", text)
    assert any(x.why == "refused" for x in found)
    for x in found:
        assert "alice" not in x.text
        assert "203.0.113.77" not in x.text
        assert "DST=***.***.***.***" in x.text


def test_unmasked_lines_are_for_ones_own_terminal(lake: Lake, tmp_path: Path) -> None:
    (one,) = shown(lake, tmp_path / "a.log", line(1, 22, "\x1b[31mDROP "), None)
    assert "203.0.113.77" in one.text
    assert "\x1b" not in one.text
    assert "\\x1b[31m" in one.text
