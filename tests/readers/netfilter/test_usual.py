"""The kernel for the usual line says what the whole grammar says, or leaves the line to it."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.readers.netfilter.test_cases import CASES

from teiten.readers import _blocks, _jit
from teiten.readers._base import ReadOptions
from teiten.readers.netfilter import _codes as k
from teiten.readers.netfilter import _read

HEAD = b"Apr  1 10:00:00 router kernel: DROP IN=eth0 OUT= MAC=00:11:22:33:44:55:66:77:88:99:aa:bb:08:00 "
IP = b"SRC=192.0.2.1 DST=198.51.100.7 LEN=60 TOS=0x00 PREC=0x00 TTL=9 ID=1 DF "
USUAL = [
    HEAD + IP + b"PROTO=TCP SPT=1 DPT=23 SEQ=4294967295 ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0 "
    b"OPT (020405B40402080A0023AB100000000001030307) ",
    HEAD + IP + b"PROTO=TCP SPT=1 DPT=23 WINDOW=1024 RES=0x00 ACK PSH FIN URGP=0 ",
    HEAD + IP.replace(b"=60", b"=40") + b"PROTO=TCP SPT=65535 DPT=0 WINDOW=0 RES=0x00 CWR ECE URG RST URGP=1 ",
    HEAD + IP.replace(b"DF", b"CE DF MF") + b"PROTO=UDP SPT=53 DPT=53 LEN=40 ",
    HEAD + IP + b"PROTO=UDP SPT=53 DPT=53 LEN=40 ",
    HEAD + IP.replace(b"DF ", b"") + b"PROTO=ICMP TYPE=8 CODE=0 ID=7 SEQ=1 ",
    HEAD + IP.replace(b"=60", b"=28") + b"PROTO=ICMP TYPE=3 CODE=1 ",
]  # fmt: skip


def parsed(data: bytes, careful: bool, monkeypatch: pytest.MonkeyPatch) -> _read.Parsed:
    monkeypatch.setattr(_read, "CAREFUL", careful)
    array = np.frombuffer(data + b"\n" * (1 + _blocks.PAD), np.uint8)
    size = len(data) + (not data.endswith(b"\n"))
    return _read.parse(array, size, 0, size, ReadOptions(ZoneInfo("UTC")), False)


def check(data: bytes) -> np.ndarray:
    with pytest.MonkeyPatch.context() as patch:
        quick, careful = (parsed(data, flag, patch) for flag in (False, True))
    for name in ("interfaces", "texts"):
        assert getattr(quick, name) == getattr(careful, name)
    for name in ("outcome", "kinds", "values", "again", "pos", "hashes"):
        assert getattr(quick, name).tolist() == getattr(careful, name).tolist(), name
    # halves of an address are said where its family is
    parts = ((k.FAMILY, k.SRC_HI), (k.FAMILY, k.DST_HI), (k.IN_SRC_FAMILY, k.IN_SRC_HI), (k.IN_DST_FAMILY, k.IN_DST_HI))
    for rows in (quick.rows, careful.rows):
        for family, first in parts:
            rows[rows[:, family] <= 0, first : first + 2] = 0
    assert quick.rows.tolist() == careful.rows.tolist()
    return quick.rows


@pytest.mark.parametrize("line", USUAL)
def test_a_usual_line(line: bytes) -> None:
    assert len(check(line)) == 1


@pytest.mark.parametrize("line", USUAL)
def test_cut_anywhere_and_run_together(line: bytes) -> None:
    step = 7 if _jit.PLAIN else 1
    cuts = range(len(HEAD) - 10, len(line) + 1, step)
    check(b"\n".join(line[:cut] for cut in cuts))
    check(b"\n".join(line[:cut] + line for cut in cuts))


@pytest.mark.parametrize("log", sorted(CASES.glob("*.log")), ids=lambda p: p.stem)
def test_the_cases(log: object) -> None:
    check(log.read_bytes())  # type: ignore[attr-defined]


WORDS = st.sampled_from([
    b"", b" ", b"  ", b"\t", b"\0", b"=", b"]", b"[", b"DF ", b"0", b"99999", b"4294967296", b"SYN ", b"LEN=1 ",
    b"IN=a OUT= ", b"FRAG:1 ", b"MARK=0x1 ", b"*",
])  # fmt: skip


@settings(deadline=None, max_examples=100 if _jit.PLAIN else 1500)
@given(st.sampled_from(USUAL), st.lists(st.tuples(st.integers(0, 60), WORDS, st.booleans()), min_size=1, max_size=3))
def test_a_line_with_something_changed(line: bytes, changes: list[tuple[int, bytes, bool]]) -> None:
    """At the borders of its words and values, where it matters."""
    pieces = re.split(rb"(?<=[ =(])|(?=[ )])", line[len(HEAD) - 80 :])
    for at, word, instead in changes:
        at %= len(pieces)
        pieces[at] = word if instead else pieces[at] + word
    check(line[: len(HEAD) - 80] + b"".join(pieces))


@settings(deadline=None, max_examples=50 if _jit.PLAIN else 500)
@given(st.sampled_from(USUAL), st.integers(0, 400), st.integers(0, 255))
def test_a_byte_changed(line: bytes, at: int, byte: int) -> None:
    at %= len(line)
    check(line[:at] + bytes([byte]) + line[at + 1 :])
