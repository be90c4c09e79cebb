"""What two histories of a stream share, and how what is not shared goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.station.remote import fill, stream

from teiten.station.renewing import common, renew
from teiten.station.spool import PACKETS, Spool


@pytest.mark.parametrize("shared", [0, 1, 2, 7, 99, 100])
def test_what_is_shared(shared: int) -> None:
    asked: list[int] = []

    def find(number: int) -> str:
        asked.append(number)
        return f"{number}{'' if number <= shared else ' other'}"

    assert common(find, str, 100) == shared and len(asked) <= 7
    assert common(find, lambda _: None, 100) == 0


def test_what_is_not_shared_moves(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path)
    one = stream(spool, limit=60)
    one.run()
    fill(one, 0, 20)
    one.close()
    segments = spool.segments(one.about.id)
    record = segments[1].records[1]
    made = renew(spool, one.about, record.number)
    new = b"".join(s.read(0, s.end) for s in spool.segments(made.id))
    old = b"".join(s.read(0, s.end) for s in segments)
    assert old.endswith(new) and 0 < len(new) < len(old)
    records = [r for s in segments for r in s.records if r.number > record.number and r.block]
    moved = [r for s in spool.segments(made.id) for r in s.records if r.block]
    assert [(r.block, r.at, r.up, r.counts, r.mark) for r in moved] == [
        (r.block, r.at, r.up, r.counts, r.mark) for r in records
    ]
    assert [s.read(0, s.end) for s in spool.segments(made.id)[1:]] == [s.read(0, s.end) for s in segments[2:]]
    assert not list((tmp_path / "renewing").iterdir())
    again = spool.stream("kern", "home")
    assert again.about.id == made.id and again.mark == {"at": 19}
    again.close()

    # with nothing to move, the mark is the last one that is shared
    other = renew(spool, made, again.last.number)
    assert other.mark == {"at": 19} and spool.stream("kern", "home").mark == {"at": 19}


def test_a_captures_head_goes_with_it(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path)
    one = spool.stream("capture", "home", PACKETS)
    head = b"\xd4\xc3\xb2\xa1" + bytes(20)
    one.head = head
    for n in range(4):
        one.commit(b"packet %d " % n)
    one.close()
    made = renew(spool, one.about, 2)
    assert b"".join(s.read(0, s.end) for s in spool.segments(made.id)) == head + b"packet 2 packet 3 "
