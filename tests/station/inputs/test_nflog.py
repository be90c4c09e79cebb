"""NFLOG: messages become records as libpcap keeps them, and the kernel's numbers tell what is missing."""

from __future__ import annotations

import shutil
import socket
import struct
from pathlib import Path
from typing import Any

import pytest

from teiten.errors import UsageError
from teiten.station import inputs
from teiten.station.feeds import Desk
from teiten.station.inputs import _pcap, nflog
from teiten.station.spool import Spool
from teiten.stationing import Station, Table

from .test_capture import ROOT, events, sent


def _message(number: int, payload: bytes, moment: int | None = None) -> bytes:
    body = struct.pack("!BBH", socket.AF_INET, 0, 5)
    if moment is not None:
        body += nflog._attribute(3, struct.pack("!QQ", moment, 250_000))
    body += nflog._attribute(12, struct.pack("!I", number)) + nflog._attribute(9, payload)
    return nflog._HEADER.pack(16 + len(body), nflog._PACKET, 0, 0, 0) + body


def _input(folder: Path) -> Any:
    table = Table("net", {"kind": "nflog", "group": 5}, "test", folder)
    one = inputs.read((table,))[0]
    desk = Desk(Spool.open(folder / "spool"), Station())
    return one.open(one.given, inputs.Host(desk, lambda *_: None, {}))


def test_gaps_in_the_kernels_numbers_are_losses(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    one = _input(tmp_path)
    for number in (7, 8, 11, 0xFFFFFFFF, 1):
        theirs.send(_message(number, b"payload!", 1_700_000_000))
    block, many, lost = one._take(ours)
    assert (many, lost) == (5, 2 + (0xFFFFFFFF - 12) + 1)
    assert block[:8] == struct.pack("<II", 1_700_000_000, 250_000_000)
    assert one._take(ours) == (b"", 0, 0)
    ours.close()
    theirs.close()


def test_a_message_is_kept_as_it_came(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    one = _input(tmp_path)
    raw = _message(1, b"payload of some bytes")
    theirs.send(raw + _message(2, b"x") + b"\x00\x01")
    block, many, lost = one._take(ours)
    assert (many, lost) == (2, 0)
    size = _pcap.RECORD.unpack_from(block)[2]
    assert block[16 : 16 + size] == raw[16:]
    ours.close()
    theirs.close()


@ROOT
@pytest.mark.full
def test_every_packet_is_written_down(tmp_path: Path) -> None:
    if shutil.which("iptables") is None:
        pytest.skip("no iptables")
    found = sent(tmp_path, 3000, kind="nflog", group=5)
    counts = found["status"]["feeds"]["home"]
    assert (counts["received"], counts.get("dropped_kernel", 0), found["said"]) == (3000, 0, [])
    assert sorted(row["ip_id"] for row in events(tmp_path)) == list(range(3000))


@pytest.mark.parametrize(
    ("table", "why"), [({}, "has no group"), ({"group": -1}, "from 0 to 65535"), ({"group": 5, "snaplen": 1}, "64 and 65535")]
)
def test_wrong_settings_are_told(tmp_path: Path, table: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        inputs.read((Table("net", {"kind": "nflog", **table}, "teiten.toml, [station.input.net]", tmp_path),))
