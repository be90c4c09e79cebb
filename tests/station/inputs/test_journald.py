"""Messages of a journal: cut where they end, each once, also those that came while the station was stopped."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from _stations import at_work, content, counts, station, until
from hypothesis import given
from hypothesis import strategies as st

from teiten.station.inputs.journald import Cutter, missed

REMOTE = Path("/lib/systemd/systemd-journal-remote")
DROP = b"DROP IN=ppp0 OUT= MAC= SRC=203.0.113.9 DST=198.51.100.1 LEN=40 PROTO=TCP SPT=4000 DPT=23 SEQ=%d"


def message(n: int, text: bytes, transport: bytes = b"kernel", more: bytes = b"") -> bytes:
    body = b"MESSAGE=" + text + b"\n" if b"\n" not in text else b"MESSAGE\n" + len(text).to_bytes(8, "little") + text + b"\n"
    return (
        b"__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n" % (1775001600000000 + n * 10**6, (n + 1) * 10**6)
        + b"_BOOT_ID=0123456789abcdef0123456789abcdef\n_TRANSPORT="
        + transport
        + b"\n"
        + more
        + body
        + b"\n"
    )


@given(
    st.lists(st.one_of(st.binary(max_size=40), st.sampled_from([b"\n\n", b"a\n\nb=c\n\n", b"plain"])), min_size=1, max_size=6),
    st.lists(st.integers(1, 30), min_size=1, max_size=200),
)
def test_messages_are_cut_where_they_end(texts: list[bytes], cuts: list[int]) -> None:
    wanted = [message(n, text) for n, text in enumerate(texts)]
    whole, cutter, found, at = b"".join(wanted), Cutter(), list[bytes | None](), 0
    for size in cuts:
        found += cutter.feed(whole[at : at + size])
        at += size
    assert [*found, *cutter.feed(whole[at:])] == wanted


@pytest.mark.parametrize("long", [b"x" * (5 << 20), b"x\ny" * (2 << 20)], ids=["text", "binary"])
def test_a_message_that_is_too_long(long: bytes) -> None:
    cutter, whole, found = Cutter(), message(1, b"a") + message(2, long) + message(3, b"b"), list[bytes | None]()
    for at in range(0, len(whole), 100_000):
        found += cutter.feed(whole[at : at + 100_000])
        assert len(cutter._rest) < 5 << 20
    assert found == [message(1, b"a"), None, message(3, b"b")]


def test_what_journald_missed() -> None:
    more = b"MESSAGE_ID=e9bf28e6e834481bb6f48f548ad13606\n"
    assert missed(message(1, b"Missed 12 kernel messages", b"driver", more)) == 12
    assert missed(message(1, b"Missed 12 kernel messages", b"journal", more)) == 0  # anybody can say so
    assert missed(message(1, b"Missed many kernel messages", b"driver", more)) == 0


@pytest.mark.skipif(not (REMOTE.exists() and shutil.which("journalctl")), reason="needs systemd-journal-remote and journalctl")
def test_a_journal_is_followed_also_while_stopped(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    journal.mkdir()

    def write(*numbers: int) -> None:
        given = b"".join(message(n, DROP % n) for n in numbers) + message(numbers[-1], b"somebody", b"syslog")
        subprocess.run([REMOTE, "-o", journal / "remote.journal", "-"], input=given, check=True, capture_output=True)

    def running() -> Any:
        return at_work(station(tmp_path, {"log": {"kind": "journald", "directory": "journal"}}))

    def found() -> list[int]:
        return [int(line.rpartition(b"SEQ=")[2]) for line in content(tmp_path).splitlines() if line.startswith(b"MESSAGE=DROP")]

    write(*range(5))
    with running():
        until(lambda: found() == list(range(5)))
        write(*range(5, 8))
        until(lambda: found() == list(range(8)))
    write(*range(8, 10))
    for _ in range(2):
        with running():
            until(lambda: found() == list(range(10)))
    assert counts(tmp_path)["received"] == 10
    assert b"somebody" not in content(tmp_path)


def test_a_journal_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    if not shutil.which("journalctl"):
        pytest.skip("needs journalctl")
    with at_work(station(tmp_path, {"log": {"kind": "journald", "directory": "nowhere"}})) as (_, said):
        until(lambda: bool(said))
        assert "journalctl ended" in said[0] and "nowhere" in said[0]
