"""The disk's budget: what is safe elsewhere is packed and goes, oldest first, written down before; nothing else ever goes."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from teiten.station import gone, keeping, made
from teiten.station.keeping import Keeper
from teiten.station.spool import Spool
from teiten.station.verifying import DAMAGE, Verified, verify
from teiten.stationing import Station

LINE = b"2026-04-01T00:00:00+00:00 router kernel: DROP IN=ppp0 OUT= SRC=203.0.113.%d DST=198.51.100.1 PROTO=TCP DPT=23\n"


class Kept:
    """A spool of sealed segments of about 10 kB each, and what its keeper says."""

    def __init__(self, path: Path, segments: int, disk: int = 10**9, keep: float | None = None) -> None:
        self.spool = Spool.open(path / "spool")
        self.stream = self.spool.stream("kern", "home")
        self.stream.limit = 10_000
        self.said: list[tuple[str, str]] = []
        self.full: list[str | None] = []
        self.whole = 0
        for _ in range(segments):
            while True:
                self.stream.commit(b"".join(LINE % n for n in range(50)), counts={"received": 50})
                if self.stream.last.end >= 10_000:
                    self.stream.seal()
                    break
        ago = time.time() - 86400 * 100
        for number in range(1, segments + 1):
            path = self.stream.folder / f"{number:08d}.chain"
            os.utime(path, (ago + 86400 * number, ago + 86400 * number))
        self.before = [(one.records, one.read(0, one.end)) for one in self.spool.segments(self.stream.about.id)]
        self.keeper = Keeper(
            self.spool, Station(disk=disk, keep=keep), lambda: lambda _, number: number <= self.whole,
            lambda *one: self.said.append(one), self.full.append,
        )  # fmt: skip

    def numbers(self, pattern: str) -> list[int]:
        return sorted(int(path.name[:8]) for path in self.stream.folder.glob(pattern))

    def damage(self) -> list[str]:
        return [one.text for one in verify(self.spool, Verified()) if one.kind == DAMAGE]


def test_what_is_safe_is_packed_and_reads_as_before(tmp_path: Path) -> None:
    kept = Kept(tmp_path, 4)
    kept.whole = 3
    kept.keeper.look()
    assert (kept.numbers("*.data.zst"), kept.numbers("*.chain.zst")) == ([1, 2, 3], [1, 2, 3])
    assert (kept.numbers("*.data"), kept.numbers("*.chain")) == ([4], [4])
    assert [(one.records, one.read(0, one.end)) for one in kept.spool.segments(kept.stream.about.id)] == kept.before
    assert kept.damage() == [] and kept.full == [None] and not kept.said
    told = json.loads((kept.spool.path / "keeping.json").read_text())
    assert (told["segments"], told["packed"], told["full"]) == (4, 3, None)
    assert told["used"] == sum(path.stat().st_size for path in kept.stream.folder.glob("0*"))
    kept.whole = 4
    kept.keeper.look()
    kept.stream.commit(LINE % 1)
    assert [one.number for one in kept.spool.segments(kept.stream.about.id)] == [1, 2, 3, 4, 5] and kept.damage() == []


def test_the_oldest_goes_for_room_and_it_is_written_down(tmp_path: Path) -> None:
    kept = Kept(tmp_path, 6)
    kept.whole = 6
    kept.keeper.look()
    used = json.loads((kept.spool.path / "keeping.json").read_text())["used"]
    kept.keeper.station = replace(kept.keeper.station, disk=int(used * 0.9))
    kept.keeper.look()
    left = kept.numbers("*.data.zst")
    assert left == list(range(left[0], 7)) and 2 <= left[0] <= 5
    assert kept.numbers("*.chain.zst") == [1, 2, 3, 4, 5, 6], "the records stay"
    went = gone.read(kept.spool.path)
    first = went[f"{kept.stream.about.id}/00000001"]
    assert (first.why, first.chain, first.sensor, first.received) == ("room", False, "home", 100)
    assert first.bytes == kept.before[0][0][-1].end and first.sha == kept.before[0][0][-1].sha
    assert kept.damage() == [] and [level for level, _ in kept.said] == ["info", "warning"]
    # with nothing but records left, the oldest of them go; never the last: who goes on must find it
    kept.keeper.station = replace(kept.keeper.station, disk=1)
    kept.keeper.look()
    assert kept.numbers("*.data*") == [] and kept.numbers("*.chain*") == [6]
    assert kept.damage() == [] and kept.full[-1] is not None
    again = kept.spool.stream("kern", "home")
    assert again.last.sha == kept.before[-1][0][-1].sha
    again.commit(LINE % 2)
    assert kept.damage() == []
    (kept.spool.path / "gone.jsonl").unlink()
    assert len(kept.damage()) == 6, "what went without a word is damage"


def test_what_is_not_safe_never_goes_and_intake_waits(tmp_path: Path) -> None:
    kept = Kept(tmp_path, 3, disk=1000, keep=1)
    before = sorted(kept.stream.folder.iterdir())
    kept.keeper.look()
    assert sorted(kept.stream.folder.iterdir()) == before
    assert "has used up its 1 kB" in str(kept.full[-1]) and "not yet safe" in str(kept.full[-1])
    assert any(level == "warning" and "intake waits" in text for level, text in kept.said)
    kept.whole = 3
    kept.keeper.look()
    assert kept.numbers("*.data*") == [] and len(gone.read(kept.spool.path)) == 3


def test_evidence_goes_for_its_age(tmp_path: Path) -> None:
    kept = Kept(tmp_path, 5, keep=86400 * 97.5)
    kept.whole = 5
    kept.keeper.look()
    assert kept.numbers("*.data.zst") == [3, 4, 5] and kept.damage() == []
    assert {one.why for one in gone.read(kept.spool.path).values()} == {"age"}
    kept.keeper.look()
    assert kept.numbers("*.data.zst") == [3, 4, 5]


def test_it_is_told_before(tmp_path: Path) -> None:
    kept = Kept(tmp_path, 6)
    used = sum(path.stat().st_size for path in kept.stream.folder.glob("0*"))
    kept.keeper.station = Station(disk=int(used / 0.85))
    kept.keeper.look()
    kept.keeper.look()
    assert len(kept.said) == 1 and "85 %" in kept.said[0][1] and kept.said[0][0] == "warning"


def test_what_is_damaged_stays_as_it_is(tmp_path: Path) -> None:
    kept = Kept(tmp_path, 2)
    path = kept.stream.folder / "00000001.data"
    path.write_bytes(path.read_bytes().replace(b"DPT=23", b"DPT=22", 1))
    kept.whole = 2
    kept.keeper.look()
    kept.keeper.look()
    assert kept.numbers("*.data") == [1] and kept.numbers("*.data.zst") == [2]
    assert [level for level, _ in kept.said] == ["error"] and "00000001 is damaged" in kept.said[0][1]
    assert kept.damage() == ["the bytes of record 1 are not those that were written"]


def test_a_kill_between_packing_and_removing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plain file is there beside the packed one: the next look goes on."""
    kept = Kept(tmp_path, 2)
    kept.whole = 2
    unlink = Path.unlink

    def dies(path: Path, missing_ok: bool = False) -> None:
        if path.suffix in (".data", ".chain"):
            raise KeyboardInterrupt
        unlink(path, missing_ok)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "unlink", dies)
        kept.keeper.look()
    assert kept.numbers("*.data") == [1, 2] and kept.numbers("*.data.zst") == [1] and kept.damage() == []
    kept.keeper.look()
    assert kept.numbers("*.data.zst") == [1, 2] and kept.numbers("*.data") == [] and kept.damage() == []


def test_a_nearly_full_disk_is_left_to_the_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept(tmp_path, 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=10**11, free=10**8))
    kept.keeper.look()
    assert "the disk has 100 MB left" in str(kept.full[-1])
    kept.whole = 1
    kept.keeper.look()
    assert kept.numbers("*.data*") == [] and kept.full[-1] is not None, "what is safe goes for the lake's sake, too"
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=10**11, free=10**10))
    kept.keeper.look()
    assert kept.full[-1] is None


def test_evidence_is_packed_before_any_goes(tmp_path: Path) -> None:
    kept = Kept(tmp_path, 6)
    kept.whole = 6
    used = sum(path.stat().st_size for path in kept.stream.folder.glob("0*"))
    kept.keeper.station = Station(disk=used // 2)
    kept.keeper.look()
    assert kept.numbers("*.data.zst") == [1, 2, 3, 4, 5, 6] and not gone.read(kept.spool.path)


def test_a_disk_without_room_to_pack_lets_the_oldest_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept(tmp_path, 6)
    kept.whole = 6
    used = sum(path.stat().st_size for path in kept.stream.folder.glob("0*"))
    kept.keeper.station = Station(disk=used // 2)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keeping._packed, "pack", full)
    kept.keeper.look()
    left = kept.numbers("*.data")
    assert left and left == list(range(left[0], 7)) and left[0] > 2 and kept.full[-1] is None


def lake_of(path: Path, name: str) -> Path:
    path.mkdir()
    (path / "lake.toml").write_text(f'id = "{name}"\n')
    return path


@pytest.mark.parametrize(
    ("lake", "said", "whole"),
    [("a", "a", True), ("a", "b", False), (None, "a", False), ("a", None, False)],
)
def test_only_what_is_in_this_lake_is_safe(tmp_path: Path, lake: str | None, said: str | None, whole: bool) -> None:
    where = lake_of(tmp_path / "lake", lake) if lake else tmp_path / "lake"
    if said:
        made.write(tmp_path, made.Made(lake=said, streams={"x": 3}))
    ask: Callable[[], keeping.Whole] = keeping.in_lake(tmp_path, where)
    assert [ask()("x", number) for number in (3, 4)] == [whole, False]
