"""A stream is read on from any record, as far as it is durable, a little at a time."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.station.remote import fill, stream

from teiten.station.spool import START, Spool, SpoolError
from teiten.station.trail import Trail


def test_from_any_record_on(tmp_path: Path) -> None:
    one = stream(Spool.open(tmp_path), limit=50)
    fill(one, 0, 30)
    trail, seen = Trail(one.folder), [(0, START)]
    whole = b""
    while (found := trail.read(one.last.number, 20)) is not None:
        assert len(found.lines) == 1 or len(found.data or b"") <= 20 + 8
        whole += found.data or b""
        trail.place = found.after
        seen.append((found.after.number, found.after.sha))
    assert whole == b"".join(b"line %d\n" % n for n in range(30)) and trail.place.number == one.last.number
    places = []
    for number, sha in seen:
        again = Trail(one.folder)
        assert again.seek(number, sha)
        rest = b""
        while (found := again.read(one.last.number, 1000)) is not None:
            rest += found.data or b""
            again.place = found.after
        assert whole.endswith(rest)
        places.append(len(rest))
    assert places == sorted(places, reverse=True) and places[0] == len(whole) and places[-1] == 0
    assert not trail.seek(5, START) and not trail.seek(one.last.number + 1, START) and not trail.seek(0, "1" * 64)
    assert trail.place.number == one.last.number


def test_only_what_is_durable(tmp_path: Path) -> None:
    one = stream(Spool.open(tmp_path), limit=10_000)
    fill(one, 0, 5)
    trail = Trail(one.folder)
    found = trail.read(3, 10_000)
    assert found is not None and found.after.number == 3 and found.data == b"line 0\nline 1\nline 2\n"
    trail.place = found.after
    assert trail.read(3, 10_000) is None
    with (one.folder / "00000001.chain").open("ab") as chain:
        chain.write(b'{"n":6,"half')  # being written: nobody has said that it is there
    assert [len(f.lines) for f in [trail.read(6, 10_000)] if f] == [2]
    whole = (one.folder / "00000001.chain").read_bytes()
    (one.folder / "00000001.chain").write_bytes(whole.replace(b'"n":4', b'"n":7'))
    with pytest.raises(SpoolError, match="after record 3"):
        trail.read(6, 10_000)


def test_bytes_that_are_gone(tmp_path: Path) -> None:
    one = stream(Spool.open(tmp_path), limit=50)
    fill(one, 0, 30)
    (one.folder / "00000001.data").unlink()
    found = Trail(one.folder).read(one.last.number, 1000)
    assert found is not None and found.data is None and found.after.sealed
    (one.folder / "00000001.data").write_bytes(b"short")
    with pytest.raises(SpoolError, match="end before"):
        Trail(one.folder).read(one.last.number, 1000)
