"""Lines out of a stream of bytes: however it is cut, whatever stands in it, within bounded memory and in linear time."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teiten.station.inputs._framing import Frames, lines_of


def cut(pieces: list[bytes], most: int = 1000) -> tuple[list[bytes], Frames]:
    """All lines of a connection that came in those pieces and ended, and its frames."""
    frames = Frames(most)
    out, many = b"", 0
    for piece in pieces:
        block, n = frames.feed(piece)
        assert block.endswith(b"\n") or not block
        out, many = out + block, many + n
    block, n = frames.end()
    out, many = out + block, many + n
    assert out.count(b"\n") == many
    return out.split(b"\n")[:-1], frames


def counted(message: bytes) -> bytes:
    return b"%d %s" % (len(message), message)


LONG = b"<4>" + b"x" * 1500
CASES = {
    "lines": (b"<4>a\n<4>b\r\n<4>c\n", [b"<4>a", b"<4>b\r", b"<4>c"], 0),
    "no end": (b"<4>a\n<4>b", [b"<4>a", b"<4>b"], 0),
    "no priority": (b"Oct 22 05:02:07 kernel: a\n2019-10-22 b\n", [b"Oct 22 05:02:07 kernel: a", b"2019-10-22 b"], 0),
    "a line that begins with a number": (b"1571713327 host a\n12 <4>b\n", [b"1571713327 host a", b"12 <4>b"], 0),
    "nul": (b"<4>a\0<4>b\0", [b"<4>a", b"<4>b"], 0),
    "line end and nul": (b"<4>a\n\0<4>b\n\0", [b"<4>a", b"<4>b"], 0),
    "blank lines": (b"\n\n<4>a\n\n\n<4>b\n\n", [b"<4>a", b"<4>b"], 0),
    "nothing": (b"", [], 0),
    "trailers alone": (b"\r\n\0\0\n", [], 0),
    "counted": (counted(b"<4>a") + counted(b"<4>1 - b"), [b"<4>a", b"<4>1 - b"], 0),
    "counted, with trailers in the count": (counted(b"<4>a\r\n") + counted(b"<4>b\0"), [b"<4>a", b"<4>b"], 0),
    "counted, with trailers beside it": (counted(b"<4>a") + b"\n" + counted(b"<4>b") + b"\r\n", [b"<4>a", b"<4>b"], 0),
    "counted, one of two lines": (counted(b"<4>a\nb") + counted(b"<4>c"), [b"<4>a", b"b", b"<4>c"], 0),
    "counted, then a line, then counted": (counted(b"<4>a") + b"<4>b\n" + counted(b"<4>c"), [b"<4>a", b"<4>b", b"<4>c"], 0),
    "counted, one of nothing": (counted(b"<4>a") + b"0 " + b"2 \n\n" + counted(b"<4>b"), [b"<4>a", b"0 2 ", b"<4>b"], 0),
    "counted, torn": (counted(b"<4>a") + b"100 <4>half", [b"<4>a"], 1),
    "counted, without priority later": (counted(b"<4>a") + counted(b"Oct 22 b"), [b"<4>a", b"Oct 22 b"], 0),
    "a long line": (b"<4>a\n" + LONG + b"\n<4>b\n", [b"<4>a", b"<4>b"], 1),
    "a long line without an end": (b"<4>a\n" + LONG, [b"<4>a"], 1),
    "a long frame": (counted(b"<4>a") + counted(LONG) + counted(b"<4>b"), [b"<4>a", b"<4>b"], 1),
    "a long frame first": (counted(LONG) + counted(b"<4>b"), [b"<4>b"], 1),
    "digits alone": (b"12345", [b"12345"], 0),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 10_000])
def test_cut_anywhere_the_lines_are_the_same(name: str, size: int) -> None:
    whole, lines, refused = CASES[name]
    found, frames = cut([whole[at : at + size] for at in range(0, len(whole), size)])
    assert (found, frames.refused) == (lines, refused)


messages = st.binary(min_size=1, max_size=60).filter(lambda m: not set(m) & set(b"\r\n\0"))


@given(st.lists(messages, min_size=1, max_size=30), st.booleans(), st.lists(st.integers(1, 50), max_size=50))
def test_every_message_comes_out_once(said: list[bytes], with_count: bool, cuts: list[int]) -> None:
    said = [b"<4>" + one for one in said]
    whole = b"".join(counted(one) if with_count else one + b"\n" for one in said)
    pieces = []
    for many in cuts:
        pieces.append(whole[:many])
        whole = whole[many:]
    assert cut([*pieces, whole])[0] == said


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_any_bytes_are_lines_or_refused(pieces: list[bytes]) -> None:
    frames = Frames(100)
    for piece in pieces:
        block, many = frames.feed(piece)
        assert block.count(b"\n") == many and all(len(line) <= 100 for line in block.split(b"\n"))
        assert frames.held <= 100 + 200 + 21
    frames.cut()
    assert frames.held == 0


def test_a_gigantic_frame_ends_the_connection() -> None:
    frames = Frames(1000)
    assert frames.feed(b"4 <4>a99999999999 <4>") == (b"<4>a\n", 1)
    assert frames.lost and frames.refused == 1 and frames.feed(b"4 <4>b") == (b"", 0)


def test_a_line_beside_counted_frames_has_its_bound() -> None:
    frames = Frames(1 << 20)
    frames.feed(b"4 <4>a" + b"x" * (1 << 17))
    assert frames.lost and frames.refused == 1


@pytest.mark.parametrize("begin", [b"", b"4 <4>a1000000 "], ids=["lines", "counted"])
def test_drops_of_a_byte_cost_no_more_than_their_number(begin: bytes) -> None:
    """What is held is not copied for every piece: a sender of single bytes cannot keep the machine busy."""
    frames = Frames(1 << 20)
    frames.feed(begin)
    began = time.process_time()
    for _ in range(200_000):
        frames.feed(b"x")
    assert time.process_time() - began < 3 and frames.held >= 200_000


def test_what_is_held_can_be_given_up() -> None:
    lines, frames = Frames(1000), Frames(1000)
    lines.feed(b"<4>half")
    lines.drop()
    assert lines.feed(b"more\n<4>b\n") == (b"<4>b\n", 1) and lines.refused == 1
    frames.feed(b"10 <4>45")
    frames.drop()
    assert frames.feed(b"678904 <4>b") == (b"<4>b\n", 1) and frames.refused == 1


def test_a_message_as_lines() -> None:
    assert lines_of(b"\0a\r\n\0") == (b"a\n", 1)
    assert lines_of(b"a\nb") == (b"a\nb\n", 2)
    assert lines_of(b"a\0b") == (b"a\nb\n", 2)
    assert lines_of(b"\n") == (b"", 0)
