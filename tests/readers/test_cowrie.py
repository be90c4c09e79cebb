"""Cowrie's later lines have the ends of their session's first line where that stands near enough, however they are read."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.readers import oracle

from teiten import frame, intake, readers
from teiten.classify import scans
from teiten.engine import open_session
from teiten.engine.filters import Filters
from teiten.lake import Lake
from teiten.payloads.logins import logins
from teiten.readers import cowrie
from teiten.readers._base import ReadOptions
from teiten.sessions import join
from teiten.settings import Settings
from teiten.web.api import dshield

READER: Any = readers.module("cowrie")


def line(name: str, session: str, src: str = "192.0.2.7", second: int = 0, **more: Any) -> bytes:
    told = {"eventid": f"cowrie.{name}", "src_ip": src, "session": session, **more}
    return json.dumps({**told, "timestamp": f"2026-11-23T00:{second // 60:02}:{second % 60:02}Z"}).encode() + b"\n"


def first(session: str, src: str = "192.0.2.7", port: int = 22, dst: str = "198.51.100.1", second: int = 0) -> bytes:
    return line("session.connect", session, src, second, src_port=40000, dst_ip=dst, dst_port=port)


def ends(data: bytes) -> list[tuple[str, int | None, int | None]]:
    """Destination and ports of every event that was said."""
    found = []
    for chunk in READER.read(oracle.Bytes(data), ReadOptions(ZoneInfo("Asia/Tokyo"))):
        rows = frame.addresses_as_text(chunk.events).to_dicts()
        found += [(row["dst_ip"], row["dst_port"], row["src_port"]) for row in rows if row["packets"] == 0]
    return found


KNOWN, NOT = ("198.51.100.1", 22, 40000), ("0.0.0.0", None, None)


def test_a_session_is_known_by_its_name_and_source() -> None:
    data = first("a") + line("command.input", "a", input="x") + line("command.input", "b", input="x")
    data += line("command.input", "a", "192.0.2.8", input="x") + line("login.failed", "a", username="r", password="p")
    assert ends(data) == [KNOWN, NOT, NOT, KNOWN]
    again = data + first("a", port=23) + line("command.input", "a", input="x")
    assert ends(again)[-1] == ("198.51.100.1", 23, 40000)
    odd = first("a").replace(b'"session": "a"', b'"session": ["a"]') + line("command.input", "", input="x")
    assert ends(odd + line("command.input", "x" * 65, input="x")) == [NOT, NOT]


def test_where_a_forwarding_leads_to_is_not_where_it_came() -> None:
    data = first("a") + line("direct-tcpip.data", "a", dst_ip="203.0.113.4", dst_port=80, src_port=1, data="GET /")
    assert ends(data) == [KNOWN]


def test_what_is_near_enough_is_the_same_wherever_reading_began(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the edge of the reach, to the byte; read on from every line, in blocks of any size."""
    said = line("command.input", "a", input="x")
    for gap, expected in ((0, KNOWN), (1, NOT)):
        fill = line("session.closed", "z", duration=1.0)
        filling = fill * ((1500 - len(first("a"))) // len(fill))
        filling += b"\n" * (1500 + gap - len(first("a")) - len(filling))
        data = fill * 3 + first("a") + filling + said + fill + said
        monkeypatch.setattr(cowrie, "REACH", 1500)
        monkeypatch.setattr(cowrie, "read", cowrie._lines.sessions(cowrie.parse, cowrie.REASONS, cowrie.FIRST, 1500))
        assert ends(data) == [expected, NOT]
        whole = oracle.look(READER, data)
        assert whole is not None
        for place in [at for at, *_ in whole.lines]:
            rest = oracle.look(READER, data, place)
            assert rest is not None
            assert rest.lines == [row for row in whole.lines if row[0] >= place]
            assert rest.events == [row for row in whole.events if row[0] >= place], place


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cowrie, "REACH", 10_000)
    state: dict[str, Any] = {}
    at = most = 0
    for n in range(2000):
        raw = first(f"s{n}", f"192.0.2.{n % 200}")
        cowrie.parse(cowrie._lines.Line(raw.rstrip(), "", 0, ReadOptions(ZoneInfo("UTC")), state, at))
        at, most = at + len(raw), max(most, len(state["sessions"]))
    assert 40 < most <= 10_000 // len(raw) + 2


def test_an_unknown_destination_is_counted_nowhere(tmp_path: Path) -> None:
    """Sessions that began before the log: scans, sessions, targets of the DShield form, the addresses that are not named."""
    log = tmp_path / "cowrie.json"
    late = b"".join(line("login.failed", "old", "192.0.2.9", n, username="root", password=str(n)) for n in range(40))
    log.write_bytes(first("a") + line("login.failed", "a", second=1, username="root", password="x") + late)
    lake = Lake.create(tmp_path / "lake", "UTC")
    asked = Settings("UTC", "flag")
    assert not intake.ingest(lake, [str(log)], asked).failed
    with open_session(lake, asked) as session:
        count = session.query(f"SELECT {dshield._COUNTS} FROM raw_events")[0]
        assert (count["records"], count["targets"], count["sources"]) == (1, 1, 2)
        assert session.query("SELECT told_address(unhex('00000000')) AS a, told_address(unhex(repeat('00', 16))) AS b")[0] == {
            "a": None, "b": None,
        }  # fmt: skip
        rule = scans.Rule(1, destinations=2, rate=0)
        assert sum(part.height for part in scans.scans(session, Filters(all_events=True), rule)) == 0
        found = {}
        for src in ("192.0.2.7", "192.0.2.9"):
            (found[src],) = join.of_sources(session, Filters(src=(ipaddress.ip_network(src),)), 600).sessions
        assert [len(found[src].observers) for src in found] == [1, 0]
        tried = {(one.user, one.password): list(one.ports) for one in logins(session, Filters(all_events=True))}
    assert tried["root", "x"] == ["22/tcp"] and tried["root", "7"] == ["unknown"]
