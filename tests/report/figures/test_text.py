"""Measuring, cutting and breaking text."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teiten.report.figures import _text


def test_widths_are_the_fonts() -> None:
    assert _text.width("東京", 10) == 20
    assert _text.width("1111", 10) == _text.width("8080", 10), "digits stand under each other"
    assert _text.width("", 10) == 0


@settings(deadline=None)
@given(st.text(max_size=60), st.floats(1, 400))
def test_what_is_cut_fits(text: str, room: float) -> None:
    shown = _text.fit(text, 14, room)
    assert _text.width(shown, 14) <= room + 0.01
    assert shown == text or shown == "" or shown.endswith(("…", "..."))


@settings(deadline=None)
@given(st.text(max_size=200), st.floats(30, 400), st.integers(1, 5))
def test_lines_fit_and_lose_nothing_but_at_the_end(text: str, room: float, most: int) -> None:
    text = _text.plain(text)
    for lines in (_text.wrap(text, 14, room, most), _text.balanced(text, 14, room, most)):
        assert len(lines) <= most
        assert all(_text.width(line, 14) <= room + 0.02 for line in lines)
        if not (lines and lines[-1].endswith(("…", "..."))) and "…" not in text and "..." not in text:
            assert "".join("".join(lines).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "room", "expected"),
    [
        (
            "52869/tcpが先月5位から3位に上昇、1433/tcpは6位に下がる",
            350,
            ["52869/tcpが先月5位から3位に上昇、", "1433/tcpは6位に下がる"],
        ),
        (
            "送信元ホスト数が急に3倍になり、その後も高止まりしています",
            300,
            ["送信元ホスト数が急に3倍になり、", "その後も高止まりしています"],
        ),
        ("増加が最も大きいのは9530/tcp(+4,077パケット)", 330, ["増加が最も大きいのは", "9530/tcp(+4,077パケット)"]),
        ("hosts tripled from 13 June", 130, ["hosts tripled", "from 13 June"]),
    ],
)
def test_lines_break_where_a_reader_would(text: str, room: float, expected: list[str]) -> None:
    assert _text.balanced(text, 18, room, 4) == expected


def test_no_line_begins_with_a_stop_nor_ends_with_a_bracket() -> None:
    text = "観測の対象は(日本時間で)二日間です。次に、「攻撃」という語は使いません。" * 3
    for room in range(60, 400, 7):
        for line in _text.wrap(text, 14, room, 99):
            assert line[0] not in "、。)」" and line[-1] not in "(「"


def test_a_number_stays_with_what_it_counts() -> None:
    for room in range(80, 300, 5):
        lines = _text.wrap("先月は28位でしたが今月は3位で、送信元は12345ホストです", 14, room, 99)
        assert not any(a[-1].isdigit() and not b[0].isdigit() for a, b in itertools.pairwise(lines))


def test_what_cannot_be_shown_becomes_a_square() -> None:
    assert _text.plain("a\x00b\x1b[31m\u202ec\ud800\nd\te") == "a□b□[31m□c□ d e"
