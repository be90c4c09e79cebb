"""What is written down of a connection: all of it, in order, in bounded pieces, in time."""

from __future__ import annotations

import base64
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from teiten.respond import services
from teiten.respond.conversation import WAIT, Bounds, Conversation, Step
from teiten.respond.record import Ends

KNOWN = services.load()


def talk(port: int = 1, **bounds: Any) -> Conversation:
    return Conversation(Ends("0" * 16, "192.0.2.7", 40000, "198.51.100.1", port, "none"), KNOWN, Bounds(**bounds))


def records(*steps: Step) -> list[dict[str, Any]]:
    return [json.loads(line) for step in steps for line in step.records]


def heard(found: list[dict[str, Any]]) -> bytes:
    """What was said, put together by its places."""
    out = b""
    for one in found:
        if one["kind"] == "said":
            assert one["at"] == len(out)
            out += base64.b64decode(one["data"])
    return out


@given(
    st.sampled_from([1, 23, 80, 445, 5555, 6379]),
    st.lists(st.tuples(st.binary(min_size=1, max_size=200), st.booleans()), max_size=30),
    st.integers(0, 2000),
    st.integers(2, 40),
)  # fmt: skip
def test_every_byte_is_kept_or_counted(port: int, pieces: list[tuple[bytes, bool]], keep: int, most: int) -> None:
    one = talk(port, keep=keep, records=most)
    steps, sent, now = [one.opened(0.0)], b"", 0.0
    for piece, pause in pieces:
        now += 0.01
        steps.append(one.heard(piece, now))
        sent += piece
        if steps[-1].close:
            break
        if pause and one.due is not None:
            now = one.due
            steps.append(one.quiet(now))
    steps.append(one.closed("ended", now))
    found = records(*steps)
    assert [one["kind"] for one in found][0::] == ["open", *["said"] * (len(found) - 2), "closed"]
    assert heard(found) == sent[:keep]
    assert found[-1]["received"] == len(sent) and found[-1]["kept"] == min(len(sent), keep)
    assert len(found) - 2 <= most
    assert [one["n"] for one in found[1:-1]] == sorted(one["n"] for one in found[1:-1])


def test_what_is_not_complete_is_written_down_within_a_second() -> None:
    one = talk(80)
    assert not one.heard(b"GET / HT", 100.0).records
    for tenth in range(1, 20):  # a byte every tenth of a second
        assert one.due is not None and one.due <= 100.0 + WAIT
        if one.due <= 100.0 + tenth / 10:
            break
        one.heard(b"x", 100.0 + tenth / 10)
    else:
        raise AssertionError
    assert heard(records(one.quiet(100.7))).startswith(b"GET / HTx")
    answered = one.heard(b"\r\n\r\n", 101.0)
    assert answered.answer.startswith(b"HTTP/1.1 401") and heard([{**r, "at": 0} for r in records(answered)]) == b"\r\n\r\n"


def test_an_unknown_port_listens_until_it_knows_the_words() -> None:
    known = talk(12345)
    assert known.opened(0.0).answer == b""
    assert known.heard(b"GE", 0.1).answer == b"" and known.heard(b"T / HTTP/1.0\r\n\r\n", 0.2).answer.startswith(
        b"HTTP/1.1 401"
    )
    assert records(known.closed("ended", 1.0))[-1]["service"] == "http"
    other = talk(12345)
    assert other.heard(b"\x03\0\0\x13\x0e\xe0" + b"GET / HTTP/1.0\r\n\r\n" * 2, 0.1).answer == b""


def test_one_says_only_so_much() -> None:
    one = talk(6379, answers=3)
    said = [one.heard(b"PING\r\n", n) for n in range(3)]
    assert [(step.answer, step.close) for step in said] == [(b"+PONG\r\n", False)] * 2 + [(b"+PONG\r\n", True)]
