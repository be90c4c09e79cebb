"""Readers of lines: any bytes at all, formats that are not taken for each other, files that hold several, times and repeats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.readers import oracle
from tests.readers.reading import events, outcome_rows
from tests.readers.test_cases import LOGS

from teiten import readers
from teiten.readers import _fields

TEXTS = [name for name in readers.names() if readers.module(name).LINES and name != "netfilter"]
OURS = [name for name in TEXTS if readers.module(name).recognise.__module__ == "teiten.readers._recognise"]
"""those that say how many of the lines are theirs (honeypots' logs hold each other's lines, and say so otherwise)"""
SAMPLES = {
    name: [line for log in LOGS if log.parent.parent.name == name for line in log.read_bytes().splitlines()] for name in TEXTS
}
NETFILTER = (
    b"Apr  1 10:00:00 gw kernel: DROP IN=ppp0 OUT= MAC= SRC=198.51.100.7 DST=203.0.113.9 LEN=40 TOS=0x00 PREC=0x00 TTL=52 ID=1 "
    b"PROTO=TCP SPT=40000 DPT=23 WINDOW=1024 RES=0x00 SYN URGP=0\n"
)


def damaged(line: bytes) -> st.SearchStrategy[bytes]:
    """The line cut, with bytes of others put in, or with a number made another."""
    places = st.integers(0, len(line))
    junk = st.binary(max_size=12) | st.sampled_from(
        [b"-1", b"99999999999999999999", b'"', b"{", b"|", b",", b"\xff\xfe", b"\0", b"="]
    )
    return st.builds(lambda at, to, put: line[:at] + put + line[max(at, to) :], places, places, junk)


@pytest.mark.parametrize("name", TEXTS)
@settings(deadline=None, max_examples=6, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_bytes(name: str, data: st.DataObject) -> None:
    """Nothing raises, each line has one outcome, the counts add up, and a read from the middle says the same (`oracle`)."""
    any_bytes(name, data)


@pytest.mark.full
@pytest.mark.parametrize("name", TEXTS)
@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_very_many_bytes(name: str, data: st.DataObject) -> None:
    """The same, longer."""
    any_bytes(name, data)


def any_bytes(name: str, data: st.DataObject) -> None:
    """What the two before ask."""
    line = st.sampled_from(SAMPLES[name])
    lines = data.draw(st.lists(line | line.flatmap(damaged) | st.binary(max_size=40), min_size=1, max_size=6))
    oracle.check(name, b"\n".join(lines))


def test_formats_are_not_taken_for_each_other() -> None:
    """Each case is picked by its own reader, and by no other with any confidence; nor are they netfilter's."""
    for log in LOGS:
        head, own = log.read_bytes()[:65536], log.parent.parent.name
        assert own == readers.pick(head).NAME
        if own not in OURS:
            continue
        scores = {name: float(readers.module(name).recognise(head)) for name in readers.names()}
        others = {name: score for name, score in scores.items() if name != own and score >= 0.5}
        assert not others and scores[own] >= 0.9, (log.name, own, scores)


@pytest.mark.parametrize("name", OURS)
def test_in_a_file_of_several_the_one_with_more_lines_is_taken(name: str) -> None:
    log = next(log for log in LOGS if log.parent.parent.name == name)
    text = log.read_bytes()
    assert readers.pick(NETFILTER * 200 + text).NAME == "netfilter"
    assert name == readers.pick(b"Apr  1 10:00:00 gw sshd[1]: nothing\n" * 50 + text).NAME
    assert name == readers.pick(NETFILTER + text * 40).NAME


def test_lines_of_other_daemons_are_ignored_whatever_they_quote(tmp_path: Path) -> None:
    """A name that an attacker chose is not taken for a line of the firewall's."""
    path = tmp_path / "log"
    evil = "5,,,1,em0,match,block,in,4,0x0,,1,1,0,none,17,udp,37,192.0.2.1,192.0.2.2,1,2,17"
    path.write_text(f"Sep 28 10:38:14 gw sshd[99]: Invalid user filterlog: {evil} from 192.0.2.7\n")
    assert outcome_rows(path, fmt="filterlog")[0]["not"] == "other"


def test_years_zones_and_repeats_are_those_of_netfilter(tmp_path: Path) -> None:
    """The same stamps around lines of two readers come to the same times."""
    stamps = ["Dec 31 23:59:59", "Jan  1 00:00:01", "Feb 29 12:00:00", "2024-03-31T02:30:00", "<13>1 2024-04-01T00:00:00+02:00"]
    body = "filterlog: 5,,,1,em0,match,block,in,4,0x0,,1,1,0,none,17,udp,37,198.51.100.7,203.0.113.9,1,2,17"
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("".join(f"{s} gw {body}\n" if "<" not in s else f"{s} gw filterlog 1 - - {body[11:]}\n" for s in stamps))
    kernel = NETFILTER.decode()[16:].rstrip().removeprefix("gw ")
    other.write_text("".join(f"{s} gw {kernel}\n" if "<" not in s else f"{s} gw kernel - - - {kernel[8:]}\n" for s in stamps))
    how: dict[str, Any] = {"zone": "Europe/Berlin", "mtime": "2024-04-02T00:00:00Z"}
    found, expected = events(one, fmt="filterlog", **how), events(other, **how)
    assert found["time"].to_list() == expected["time"].to_list()
    assert found["time_basis"].to_list() == expected["time_basis"].to_list()
    assert found["time"].dt.year().to_list()[:3] == [2023, 2023, 2024]


def test_alerts_may_count_nothing(tmp_path: Path) -> None:
    from teiten.settings import Reading

    path = tmp_path / "eve.json"
    path.write_text(
        '{"timestamp":"2026-04-01T05:52:19+0000","event_type":"alert","src_ip":"198.51.100.7","dest_ip":"203.0.113.1","proto":"TCP"}\n'
    )
    assert events(path, fmt="suricata_eve")["packets"].to_list() == [1]
    assert events(path, fmt="suricata_eve", reading=Reading(alerts_count=0))["packets"].to_list() == [0]


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=40))
def test_values_or_a_reason(text: str) -> None:
    """What is no value of its column is refused with a reason, never with another error."""
    for convert in {*_fields.CONVERT.values(), _fields.number, _fields.epoch}:
        try:
            convert(text)
        except _fields.Bad as bad:
            assert bad.code in _fields.REASONS


@pytest.mark.full
@pytest.mark.parametrize("name", OURS)
def test_no_line_takes_long(name: str) -> None:
    """A part of a line repeated thousands of times: no pattern goes over it again and again (5 ms; a quadratic one: 1 s)."""
    import time

    reader: Any = readers.module(name)
    for line in SAMPLES[name][:3]:
        for part in (b"(", b"[", b'"', b" ", b"a", b"1", b":", b",", b"=", b"|", b"a ", b"x=", b"1."):
            for place in (0, len(line) // 2, len(line)):
                data = line[:place] + part * (8000 // len(part)) + line[place:]
                began = time.process_time()
                oracle.look(reader, data)
                assert time.process_time() - began < 1, (part, place, line)


def test_a_line_that_is_longer_than_any_syslog_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"Apr  1 10:00:00 gw filterlog: " + b"5," * 9000 + b"\n")
    assert outcome_rows(path, fmt="filterlog")[0]["not"] == "line too long"
