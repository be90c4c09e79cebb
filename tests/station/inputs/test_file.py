"""Log files that are followed: each line once, through every kind of rotation, with the station running or not."""

from __future__ import annotations

import gzip
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from _stations import at_work, content, counts, station, until

from teiten.station.inputs import _followed, _logs


def lines(*numbers: int) -> bytes:
    return b"".join(b"a line of the log, number %d\n" % n for n in numbers)


def add(log: Path, *numbers: int) -> None:
    with log.open("ab") as stream:
        stream.write(lines(*numbers))


def rename(log: Path) -> None:
    for number in range(8, 0, -1):
        for end in ("", ".gz"):
            old = log.with_name(f"{log.name}.{number}{end}")
            if old.exists():
                old.rename(log.with_name(f"{log.name}.{number + 1}{end}"))
    log.rename(log.with_name(log.name + ".1"))
    log.touch()


def copytruncate(log: Path) -> None:
    keep = log.read_bytes()
    rename(log)
    log.unlink()
    log.with_name(log.name + ".1").rename(log)  # the same file as before
    log.with_name(log.name + ".1").write_bytes(keep)
    os.truncate(log, 0)


def compress(log: Path) -> None:
    rename(log)
    first = log.with_name(log.name + ".1")
    times = first.stat()
    packed = first.with_name(first.name + ".gz")
    packed.write_bytes(gzip.compress(first.read_bytes()))
    os.utime(packed, ns=(times.st_atime_ns, times.st_mtime_ns))
    first.unlink()


KINDS = {"rename": rename, "copytruncate": copytruncate, "compress": compress}


def followed(folder: Path, **more: Any) -> Any:
    return at_work(station(folder, {"kern": {"kind": "file", "path": "kern.log", "poll": 0.01, **more}}))


@pytest.mark.parametrize("kind", KINDS)
def test_rotation_while_it_runs(tmp_path: Path, kind: str) -> None:
    log = tmp_path / "kern.log"
    add(log, *range(10))
    with followed(tmp_path):
        for round in range(1, 6):
            until(lambda n=round: content(tmp_path) == lines(*range(10 * n)))  # type: ignore[misc]
            KINDS[kind](log)
            add(log, *range(10 * round, 10 * round + 10))
        until(lambda: content(tmp_path) == lines(*range(60)))


@pytest.mark.parametrize("kind", KINDS)
def test_rotation_while_it_is_stopped(tmp_path: Path, kind: str) -> None:
    log, n = tmp_path / "kern.log", 0
    add(log, 0)
    for often in (1, 3, 2):
        with followed(tmp_path):
            until(lambda n=n: content(tmp_path) == lines(*range(n + 1)))  # type: ignore[misc]
        for _ in range(often):
            add(log, n + 1)  # written after the station stopped
            KINDS[kind](log)
            n += 1
        add(log, n + 1)
        n += 1
    with followed(tmp_path):
        until(lambda n=n: content(tmp_path) == lines(*range(n + 1)))  # type: ignore[misc]


def test_half_a_line_waits_for_its_end(tmp_path: Path) -> None:
    log = tmp_path / "kern.log"
    log.write_bytes(lines(1) + b"half")
    with followed(tmp_path):
        until(lambda: content(tmp_path) == lines(1))
    with followed(tmp_path):
        with log.open("ab") as stream:
            stream.write(b" and whole\n")
        until(lambda: content(tmp_path) == lines(1) + b"half and whole\n")


def test_what_it_waits_for_and_what_comes(tmp_path: Path) -> None:
    log = tmp_path / "later" / "kern.log"
    with followed(tmp_path, path="later/kern.log") as (live, said):
        until(lambda: bool(said))
        assert "is not there: waiting" in said[0]
        log.parent.mkdir()
        add(log, 1, 2)
        until(lambda: content(tmp_path) == lines(1, 2))
        until(lambda: live.status()["kern"]["state"]["lag"] == 0)
        shutil.rmtree(log.parent)
        log.parent.mkdir()
        add(log, 3)
        until(lambda: content(tmp_path) == lines(1, 2, 3))


def test_a_line_without_an_end_is_refused_and_counted(tmp_path: Path) -> None:
    log = tmp_path / "kern.log"
    log.write_bytes(lines(1) + b"x" * (3 << 20) + b"\n" + lines(2))
    with followed(tmp_path):
        until(lambda: content(tmp_path) == lines(1, 2))
    found = counts(tmp_path)
    assert found["received"] == 3
    assert found["refused"] == 1


def test_what_is_nowhere_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_followed, "PATIENCE", 0.1)
    log = tmp_path / "kern.log"
    add(log, *range(50))
    with followed(tmp_path) as (_, said):
        until(lambda: content(tmp_path) == lines(*range(50)))
        os.truncate(log, 0)
        add(log, 50)
        until(lambda: content(tmp_path) == lines(*range(51)))
        assert "was cut off, and there is no copy of it" in said[-1]
        log.unlink()
        add(log, 51)
        until(lambda: content(tmp_path) == lines(*range(52)))
    log.rename(tmp_path / "elsewhere")
    add(log, 52)
    with followed(tmp_path) as (_, said):
        until(lambda: content(tmp_path) == lines(*range(53)))
        assert "was removed, or replaced by another file" in said[-1]


def test_a_pattern_and_a_log_under_another_name(tmp_path: Path) -> None:
    add(tmp_path / "a.log", 1)
    add(tmp_path / "b.log", 2)
    add(tmp_path / "b.log.1", 0)  # a part of b.log, and not asked for
    with followed(tmp_path, path="*.log*"):
        until(lambda: sorted(content(tmp_path).splitlines(True)) == [lines(1), lines(2)])
    (tmp_path / "link").symlink_to(tmp_path / "a.log")
    add(tmp_path / "a.log", 3)
    with followed(tmp_path, path="link"):
        until(lambda: content(tmp_path).endswith(lines(3)))
    assert content(tmp_path).count(lines(1)) == 1


@pytest.mark.full
def test_many_logs_of_which_old_ones_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_logs, "MOST", 3)
    monkeypatch.setattr(_logs, "_AGAIN", 0.02)
    for n in range(9):
        add(tmp_path / f"day{n}.log", n)
        os.utime(tmp_path / f"day{n}.log", (1e9 + n, 1e9 + n))
    for _ in range(2):
        with followed(tmp_path, path="*.log") as (live, said):
            until(lambda: content(tmp_path) == lines(*range(9)))
            assert live.status()["kern"]["state"].get("logs", 0) <= 3
            assert not said


@pytest.mark.parametrize(("begin", "wanted"), [("beginning", [1, 2, 3]), ("end", [3]), ("oldest", [0, 1, 2, 3])])
def test_where_a_log_begins_that_was_never_read(tmp_path: Path, begin: str, wanted: list[int]) -> None:
    (tmp_path / "kern.log.1.gz").write_bytes(gzip.compress(lines(0)))
    add(tmp_path / "kern.log", 1, 2)
    with followed(tmp_path, begin=begin) as (live, _):
        until(lambda: live.status().get("kern", {}).get("state", {}).get("lag") == 0)
        time.sleep(0.1)
        add(tmp_path / "kern.log", 3)
        until(lambda: content(tmp_path) == lines(*wanted))


def test_a_capture_is_no_log(tmp_path: Path) -> None:
    (tmp_path / "kern.log").write_bytes(b"\xd4\xc3\xb2\xa1" + bytes(100))
    with followed(tmp_path) as (_, said):
        until(lambda: any('kind = "folder"' in one for one in said))
    assert content(tmp_path) == b""
