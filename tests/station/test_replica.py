"""A replica has the sensor's bytes and chain, and nothing else: replays, gaps, forks, lies and full disks."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from tests.station.remote import files, fill, stream

from teiten.station.replica import ElsewhereError, ForkedError, Replica, WrongError
from teiten.station.spool import Spool
from teiten.station.trail import Stretch, Trail


def stretches(trail: Trail, until: int, most: int = 24) -> list[Stretch]:
    out = []
    while (one := trail.read(until, most)) is not None:
        out.append(one)
        trail.place = one.after
    return out


@pytest.fixture
def sensor(tmp_path: Path) -> tuple[Spool, list[Stretch]]:
    """Four segments in stretches of a few records."""
    spool = Spool.open(tmp_path / "sensor")
    one = stream(spool, limit=90)
    one.run()
    fill(one, 0, 40)
    one.stop()
    one.close()
    found = stretches(Trail(one.folder), one.last.number)
    assert len({s.segment for s in found}) >= 4 and len(found) > 8
    return spool, found


def take(to: Replica, one: Stretch) -> int:
    assert one.data is not None
    return to.take(one.segment, one.begin, one.lines, one.data)


def test_it_is_the_same_byte_for_byte(sensor: tuple[Spool, list[Stretch]], tmp_path: Path) -> None:
    spool, found = sensor
    copy = Spool.open(tmp_path / "copy")
    [about] = spool.streams()
    to = Replica(copy, about)
    for one in found:
        assert take(to, one) == len(one.lines)
        assert take(to, one) == 0
        assert to.have == Replica(copy, about).have  # as it is found again after a restart
    assert files(copy) == files(spool)
    assert to.have.number == found[-1].after.number


def test_three_times_shuffled(sensor: tuple[Spool, list[Stretch]], tmp_path: Path) -> None:
    spool, found = sensor
    [about] = spool.streams()
    copy = Spool.open(tmp_path / "copy")
    to, dice = Replica(copy, about), random.Random(5)
    waiting = found * 3
    taken = 0
    while waiting:
        one = waiting.pop(dice.randrange(len(waiting)))
        try:
            taken += take(to, one)
        except ElsewhereError:
            waiting.append(one)
    assert taken == sum(len(one.lines) for one in found)
    assert files(copy) == files(spool)


def test_lies_leave_nothing(sensor: tuple[Spool, list[Stretch]], tmp_path: Path) -> None:
    spool, found = sensor
    [about] = spool.streams()
    copy = Spool.open(tmp_path / "copy")
    to = Replica(copy, about)
    take(to, found[0])
    kept = files(copy)
    one = next(s for s in found[1:] if s.data and len(s.lines) > 1)
    data = one.data or b""
    lies = [
        (one.segment, one.begin, one.lines, data[:-1] + b"x"),
        (one.segment, one.begin, one.lines, data + b"x"),
        (one.segment, one.begin, one.lines, data[1:]),
        (one.segment, one.begin + 1, one.lines, data),
        (one.segment, one.begin, one.lines[:-1], data),
        (one.segment, one.begin, [one.lines[0], one.lines[0]], data),
        (one.segment, one.begin, [one.lines[0].replace(b'"n":', b'"n":1')], data),
        (one.segment, one.begin, [], b""),
        (one.segment, one.begin, [b"{}\n"], b""),
    ]
    for lie in lies:
        with pytest.raises(WrongError):
            to.take(*lie)
    with pytest.raises(ElsewhereError):
        take(to, found[-1])
    assert files(copy) == kept


def test_another_history_is_refused(tmp_path: Path) -> None:
    spool, copy = Spool.open(tmp_path / "sensor"), Spool.open(tmp_path / "copy")
    one = stream(spool)
    fill(one, 0, 3)
    back = {path: path.read_bytes() for path in one.folder.iterdir()}
    fill(one, 3, 3)
    to = Replica(copy, one.about)
    for s in stretches(Trail(one.folder), one.last.number, 1000):
        take(to, s)
    kept = files(copy)
    # the sensor's disk is put back to what it was, and other lines come
    one.close()
    for path, data in back.items():
        path.write_bytes(data)
    again = stream(spool)
    assert again.last.number == 3
    fill(again, 100, 2)
    with pytest.raises(ForkedError):
        to.take(1, 0, *whole(again))
    fill(again, 102, 9)
    with pytest.raises(ForkedError):
        to.take(1, 0, *whole(again))
    assert not Trail(again.folder).seek(to.have.number, to.have.sha)
    assert files(copy) == kept


def whole(one: object) -> tuple[list[bytes], bytes]:
    [found] = stretches(Trail(one.folder), one.last.number, 10_000)  # type: ignore[attr-defined]
    return found.lines, found.data or b""


def test_a_write_that_fails_changes_nothing(
    sensor: tuple[Spool, list[Stretch]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each write and fsync in turn: the same block is taken the next time, or after a restart."""
    spool, found = sensor
    [about] = spool.streams()
    copy = Spool.open(tmp_path / "copy")
    to = Replica(copy, about)
    calls = 0
    fail_at = 0

    def failing(real: object) -> object:
        def call(*args: object) -> object:
            nonlocal calls
            calls += 1
            if calls == fail_at:
                raise OSError(28, "No space left on device")
            return real(*args)  # type: ignore[operator]

        return call

    monkeypatch.setattr(os, "pwrite", failing(os.pwrite))
    monkeypatch.setattr(os, "fsync", failing(os.fsync))
    failed = 0
    for number, one in enumerate(found):
        for _ in range(8):
            fail_at = calls + 1 + number % 4 if failed <= number else 0
            before = to.have
            try:
                assert take(to, one) == len(one.lines)
                break
            except OSError:
                failed += 1
                fail_at = 0
                assert (to.have.number, to.have.sealed) == (before.number, before.sealed)
                if number % 2:
                    to = Replica(copy, about)
                    assert to.have.number in (before.number, one.after.number)
                    if to.have.number == one.after.number:
                        break
    assert failed > 8
    assert files(copy) == files(spool)


def test_bytes_that_the_sensor_has_no_more(sensor: tuple[Spool, list[Stretch]], tmp_path: Path) -> None:
    """A whole segment's chain is kept without its bytes; part of one is not."""
    spool, _ = sensor
    [about] = spool.streams()
    folder = spool.streams_path / about.id
    (folder / "00000002.data").unlink()
    found = stretches(Trail(folder), 1000, 10_000)
    assert [one.data is None for one in found][:3] == [False, True, False]
    copy = Spool.open(tmp_path / "copy")
    to = Replica(copy, about)
    for one in found:
        if one.data is None:
            with pytest.raises(WrongError, match="gone"):
                to.take(one.segment, one.begin, one.lines[:-1], None)
        assert to.take(one.segment, one.begin, one.lines, one.data) == len(one.lines)
        assert to.take(one.segment, one.begin, one.lines, one.data) == 0
    assert files(copy) == files(spool)


def test_a_damaged_end_is_asked_for_again(sensor: tuple[Spool, list[Stretch]], tmp_path: Path) -> None:
    """A disk that lost what it had said to have: the segment is set aside, not thrown away, and taken anew."""
    spool, found = sensor
    [about] = spool.streams()
    copy = Spool.open(tmp_path / "copy")
    to = Replica(copy, about)
    while (one := found.pop(0)).segment != 3 or not one.data:
        take(to, one)
    take(to, one)
    path = copy.streams_path / about.id / "00000003.data"
    path.write_bytes(path.read_bytes()[:-9] + b"\0" * 9)
    again = Replica(copy, about)
    assert again.damaged is not None and again.have.segment == 2 and again.have.sealed
    assert [p.name for p in sorted(copy.path.glob("damaged/*/*"))] == ["00000003.chain", "00000003.data"]
    trail = Trail(spool.streams_path / about.id)
    assert trail.seek(again.have.number, again.have.sha)
    for one in stretches(trail, 1000):
        take(again, one)
    assert files(copy) == files(spool)
