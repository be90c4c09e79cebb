"""What a reader's packets are told by is what the lake's rows are told by, for every packet of every kind."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from tests.readers.capture import making
from tests.test_intake_rows import captures

from teiten import readers
from teiten.lake import packets
from teiten.readers import _input, _likeness, _rows
from teiten.readers._base import ReadOptions

KEY = 99


def check(path: Path) -> int:
    source = _input.of(path)
    reader = readers.pick(source.head(), readers.AUTO, source.name)
    seen = 0
    for chunk in reader.read(source, ReadOptions(zone=ZoneInfo("UTC"))):
        if reader.LINES or not len(chunk.event_line):
            continue
        assert (np.diff(chunk.event_line) > 0).all(), "a record makes one event at most"
        found = _likeness.hashes(chunk.made, KEY)
        assert found.tolist() == packets.of_frame(chunk.made.frame(), KEY).tolist()
        chosen = np.arange(len(found))[::-2]
        assert _likeness.hashes(_rows.Some(chunk.made, chosen), KEY).tolist() == found[chosen].tolist()
        seen += len(found)
    return seen


def test_real_captures(shared_data: Path) -> None:
    assert sum(map(check, captures(shared_data, 6))) > 500


@pytest.mark.full
def test_all_real_captures(shared_data: Path) -> None:
    assert sum(map(check, captures(shared_data, 1 << 30))) > 10_000


def test_both_families_and_no_time_of_its_own(tmp_path: Path) -> None:
    four, six = making.ethernet(0x800, making.PACKET), making.ethernet(0x86DD, making.ipv6(making.SYN))
    blocks = [making.enhanced(four, 1_775_001_600_000_000), making.simple(six), making.simple(four), making.enhanced(six, 5)]
    (tmp_path / "a.pcapng").write_bytes(making.section() + making.interface(1) + b"".join(blocks))
    assert check(tmp_path / "a.pcapng") == 4
    (tmp_path / "b.pcap").write_bytes(making.pcap([six, four]))
    assert check(tmp_path / "b.pcap") == 2
