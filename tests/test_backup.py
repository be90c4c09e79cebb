"""Copies of a lake and a spool: whole, of one moment, shared where nothing changed, checked when they are brought back."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import threading
from pathlib import Path

import pytest

from teiten import backup, cli, intake, settings
from teiten.backup import BackupError
from teiten.errors import UsageError
from teiten.lake import Lake
from teiten.station import verifying
from teiten.station.spool import Spool

LINE = (
    "2026-04-05T12:{minute:02d}:{second:02d}+00:00 gw kernel: DROP IN=ppp0 OUT= SRC=192.0.2.{host} DST=198.51.100.23 LEN=40"
    " TTL=9 ID=1 PROTO=TCP SPT=4 DPT=23 SEQ=7 ACK=0 WINDOW=1 RES=0x00 SYN URGP=0\n"
)
NOW = dt.datetime(2026, 11, 23, 3, 15, tzinfo=dt.UTC)


def lines(first: int, many: int) -> bytes:
    numbers = range(first, first + many)
    return "".join(LINE.format(minute=n // 60 % 60, second=n % 60, host=n % 250) for n in numbers).encode()


class House:
    """A lake, a spool, settings."""

    def __init__(self, folder: Path) -> None:
        self.lake, self.spool, self.to = folder / "lake", folder / "spool", folder / "copies"
        self.config = folder / "etc" / "teiten.toml"
        self.config.parent.mkdir()
        (self.config.parent / "ports.toml").write_text("")
        (self.config.parent / "key").write_text("secret")
        (self.config.parent / "key").chmod(0o600)
        (self.config.parent / "other").write_text("not named")
        self.config.write_text(
            'zone = "UTC"\nports = "ports.toml"\n'
            '[alerts.channel.a]\nkind = "webhook"\nurl = "https://a.example/"\nkey_file = "key"\n'
        )
        self.chosen = dataclasses.replace(settings.load(config=self.config), lake=self.lake)
        Lake.create(self.lake, "UTC")
        stream = Spool.open(self.spool).stream("kern", "home")
        stream.run()
        stream.commit(lines(0, 20), counts={"received": 20}, mark={"at": 20})
        stream.close()
        for name in ("made.json", "status.json", "tasks.json"):
            (self.spool / name).write_text("{}")

    def ingest(self, first: int, many: int) -> None:
        log = self.lake.parent / "router.log"
        with log.open("ab") as out:
            out.write(lines(first, many))
        intake.ingest(Lake.open(self.lake), [str(log)], self.chosen, judge=False)

    def copy(self, minute: int = 0, keep: int | None = None) -> backup.Result:
        return backup.make(self.to, self.lake, self.spool, self.config, keep=keep, now=NOW + dt.timedelta(minutes=minute))


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != ".lock"}


def test_a_copy_is_brought_back_as_it_was(house: House, tmp_path: Path) -> None:
    house.ingest(0, 30)
    done = house.copy()
    assert done.path.name == "20261123T031500Z" and done.files == done.copied and backup.verify(done.path) == []
    assert tree(done.path / "lake") == tree(house.lake)
    assert set(tree(done.path / "settings")) == {"teiten.toml", "ports.toml", "key"}
    assert (done.path / "settings" / "key").stat().st_mode & 0o777 == 0o600
    kept = tree(done.path / "spool")
    assert kept == {name: text for name, text in tree(house.spool).items() if name not in ("made.json", "status.json")}
    places = {"lake": tmp_path / "back" / "lake", "spool": tmp_path / "back" / "spool"}
    assert backup.restore(done.path, places) == {"lake": len(tree(house.lake)), "spool": len(kept)}
    assert tree(places["lake"]) == tree(house.lake)
    assert Lake.open(places["lake"]).holdings("events").rows == 30
    # what was there is as it was; what comes in goes into a new stream, from where the old one ended
    back = tree(places["spool"])
    assert {name: back[name] for name in kept} == kept
    spool = Spool.open(places["spool"])
    [old] = Spool.open(house.spool).streams()
    stream = spool.stream("kern", "home", told={})
    assert stream.about.follows == old.id and stream.mark == {"at": 20}
    stream.close()
    assert places["spool"].stat().st_mode & 0o007 == 0


def test_the_next_copy_takes_only_what_is_new(house: House) -> None:
    house.ingest(0, 30)
    first = house.copy()
    house.ingest(30, 5)
    second = house.copy(1)
    assert second.files > first.files and second.copied < 15 < second.files
    part = next((first.path / "lake" / "events").glob("part-00000001-*.parquet"))
    assert part.stat().st_ino == (second.path / part.relative_to(first.path)).stat().st_ino
    assert backup.verify(first.path) == backup.verify(second.path) == []
    third = house.copy(2, keep=2)
    assert third.gone == [first.path.name] and backup.copies(house.to) == [second.path, third.path]
    assert backup.verify(third.path) == []  # what it shared with the one that went is there


@pytest.mark.parametrize("what", ["changed", "missing", "longer"])
def test_damage_is_seen_and_nothing_is_brought_back(house: House, tmp_path: Path, what: str) -> None:
    house.ingest(0, 30)
    done = house.copy()
    part = next((done.path / "lake" / "events").glob("*.parquet"))
    if what == "missing":
        part.unlink()
    else:
        whole = part.read_bytes()
        part.write_bytes(whole + b"x" if what == "longer" else whole[:50] + bytes([whole[50] ^ 1]) + whole[51:])
    assert backup.verify(done.path) == [part.relative_to(done.path).as_posix()]
    with pytest.raises(BackupError, match="is not what it was"):
        backup.restore(done.path, {"lake": tmp_path / "back"})
    assert not (tmp_path / "back").exists()


def test_what_is_there_is_never_overwritten(house: House) -> None:
    done = house.copy()
    before = tree(house.lake)
    with pytest.raises(UsageError, match="is not empty"):
        backup.restore(done.path, {"lake": house.lake})
    assert tree(house.lake) == before


def test_one_that_was_cut_short_is_no_copy(house: House) -> None:
    left = house.to / "20261123T031400Z.partial"
    (left / "lake").mkdir(parents=True)
    assert backup.copies(house.to) == []
    house.copy()
    assert not left.exists() and len(backup.copies(house.to)) == 1


def test_a_file_that_goes_while_it_is_copied_is_no_harm(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large file of the lake goes after the list was made (put together with others): everything is looked at again."""
    house.ingest(0, 30)
    each, gone = backup._each, list[str]()

    def without(copy: backup._Copy, lake: Path, names: list[str]) -> None:
        if not gone:
            gone.append(names[0])
            raise FileNotFoundError(names[0])
        each(copy, lake, names)

    monkeypatch.setattr(backup, "_each", without)
    done = house.copy()
    assert gone and tree(done.path / "lake") == tree(house.lake) and backup.verify(done.path) == []
    assert done.files == len(backup.read(done.path))


def test_a_copy_made_while_lines_come_in_is_whole(house: House, tmp_path: Path) -> None:
    """A thread writes to the spool all the while: of each copy every record holds, and its bytes are there."""
    stream, stop, number = Spool.open(house.spool).stream("kern", "home", limit=20_000), threading.Event(), [20]

    def write() -> None:
        while not stop.is_set():
            stream.commit(lines(number[0], 7), counts={"received": 7}, mark={"at": number[0] + 7})
            number[0] += 7

    writer = threading.Thread(target=write)
    writer.start()
    try:
        seen = []
        for minute in range(4):
            before = number[0]
            path = house.copy(minute).path
            place = tmp_path / f"back{minute}"
            backup.restore(path, {"spool": place})
            spool = Spool.there(place)
            stored = b"".join(
                segment.read(0, segment.end)
                for one in spool.streams()
                for segment in spool.segments(one.id)
                if segment.path is not None
            )
            assert stored.startswith(lines(0, 20)) and stored.endswith(b"\n")
            count = stored.count(b"\n")
            assert stored == lines(0, count) and count >= before
            assert [one for one in verifying.verify(spool, verifying.Verified()) if one.kind == verifying.DAMAGE] == []
            seen.append(count)
    finally:
        stop.set()
        writer.join()
        stream.close()
    assert seen == sorted(seen)


def test_two_at_once_and_a_place_inside_are_refused(house: House) -> None:
    with backup._alone(house.to), pytest.raises(BackupError, match="Another backup"):
        house.copy()
    with pytest.raises(UsageError, match="lies in"):
        backup.make(house.lake / "copies", house.lake, None, None)


def test_a_disk_that_takes_nothing_leaves_no_copy(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "lake/x")

    house.copy()
    monkeypatch.setattr(backup, "_copied", full)
    (house.lake / "new").write_text("x")
    with pytest.raises(BackupError, match="No space left on device"):
        house.copy(1)
    assert len(backup.copies(house.to)) == 1


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": 1, "files": {"a": [1]}}'])
def test_a_torn_manifest_is_told(house: House, text: str) -> None:
    done = house.copy()
    (done.path / "backup.json").write_text(text)
    with pytest.raises(BackupError, match="cannot be read"):
        backup.verify(done.path)


def test_from_the_command_line(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    os.environ.pop("TEITEN_CONFIG", None)
    flags = ["--lake", "lake", "--spool", "spool", "--config", "etc/teiten.toml"]
    assert cli.main(["backup", "copies", *flags]) == 0
    assert cli.main(["backup", "copies", "--verify"]) == 0
    assert "every file is as it was" in capsys.readouterr().err
    assert cli.main(["restore", "copies", "--lake", "lake", "--spool", "b/spool"]) == 2
    to = ["--lake", "b/lake", "--spool", "b/spool", "--settings-to", "b/etc"]
    assert cli.main(["restore", "copies", *to]) == 0
    assert "0 events, as they were at" in capsys.readouterr().err
    assert json.loads((next(Path("copies").glob("2*")) / "backup.json").read_text())["settings"].endswith("etc/teiten.toml")
    assert Path("b/etc/teiten.toml").read_text() == house.config.read_text()
    assert cli.main(["restore", "nowhere", *to]) == 2
    assert cli.main(["backup", "copies", "--lake", "none", "--spool", "none"]) == 2


def test_users_are_copied_only_when_asked_for(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With their audit log, readable by nobody else; brought back they are let in as they were on that day."""
    from teiten.web.users.store import Store, folder_of

    monkeypatch.chdir(tmp_path)
    os.environ.pop("TEITEN_CONFIG", None)
    flags = ["--lake", "lake", "--spool", "spool", "--config", "etc/teiten.toml"]
    assert cli.main(["backup", "copies", "--users", *flags]) == 2
    folder = folder_of(house.chosen)
    store = Store(folder)
    store.add("mori", "administrator", "a long enough phrase 77")
    (folder / "audit.jsonl").write_text('{"kind": "login"}\n')
    (folder / "audit.jsonl").chmod(0o600)
    (folder / ".users.json.x.new").write_text("half")
    plain = house.copy()
    assert not (plain.path / "users").exists()
    made = backup.make(house.to, house.lake, house.spool, house.config, users=folder, now=NOW + dt.timedelta(minutes=1))
    assert sorted(p.name for p in (made.path / "users").iterdir()) == ["audit.jsonl", "users.json"]
    assert {p.stat().st_mode & 0o077 for p in [made.path, *(made.path / "users").iterdir()]} == {0}
    assert cli.main(["restore", "copies", "--lake", "b/lake", "--spool", "b/spool", "--users-to", "b/lake.users"]) == 0
    assert "holds again" in capsys.readouterr().err
    assert tree(tmp_path / "b/lake.users") == {name: data for name, data in tree(folder).items() if not name.startswith(".")}
    assert (tmp_path / "b/lake.users").stat().st_mode & 0o777 == 0o700
    assert Store(tmp_path / "b/lake.users").known() == store.known()
