"""Log files that are followed: each line once, through every kind of rotation, with the station running or not."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from _stations import at_work, content, counts, station, until


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
