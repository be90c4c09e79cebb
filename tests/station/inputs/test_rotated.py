"""A log's parts: which names they have, in which order, and which of them holds a known place."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from teiten.readers._input import rotation_key
from teiten.station.inputs._rotated import Part, Place, age, digest, holds, opened, parts, shorter

SETS = [
    ["kern.log.10.gz", "kern.log.2.gz", "kern.log.1", "kern.log"],
    ["kern.log-20260401.gz", "kern.log-20260402", "kern.log"],
    ["kern-20260401.log", "kern-20260402.log", "kern.log"],
    ["kern.2.log.xz", "kern.1.log", "kern.log"],
    ["ulog.3", "ulog.0", "ulog"],
    ["kern.log.old", "kern.log"],
]


@pytest.mark.parametrize("names", SETS, ids=lambda names: names[0])
def test_the_order_is_the_readers(names: list[str], tmp_path: Path) -> None:
    for name in names:
        (tmp_path / name).write_bytes(name.encode())
    for stranger in ("kern.log.bak", "kern.logger", "auth.log.1", "ulogd", ".kern.log.swp"):
        (tmp_path / stranger).write_bytes(b"something else")
    assert [part.path.name for part in parts(tmp_path / names[-1])] == names
    assert sorted(map(Path, names), key=rotation_key) == list(map(Path, names))


@pytest.mark.parametrize("name", ["kern.log.bak", "kern.logger", "kern.log.1.2", "kern.log.", "kern.log-a", "kern.log"])
def test_what_is_no_part(name: str) -> None:
    assert age("kern.log", name) is None


def test_a_part_that_is_being_packed_is_one(tmp_path: Path) -> None:
    for name in ("kern.log", "kern.log.1", "kern.log.1.gz"):
        (tmp_path / name).write_bytes(b"x")
    assert [part.path.name for part in parts(tmp_path / "kern.log")] == ["kern.log.1", "kern.log"]


def test_the_parts_of_a_link_lie_beside_what_it_names(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for name in ("kern.log", "kern.log.1"):
        (tmp_path / "data" / name).write_bytes(b"x")
    (tmp_path / "kern.log").symlink_to(tmp_path / "data" / "kern.log")
    assert [part.path for part in parts(tmp_path / "kern.log")] == [tmp_path / "data" / "kern.log.1", tmp_path / "kern.log"]


def place(data: bytes, offset: int, *, open: bool = True) -> Place:
    tail = data[max(0, offset - 1024) : offset]
    return Place(offset, digest(data[: min(1024, offset)]), digest(tail), "1", 0.0, open, data[: min(1024, offset)])


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress], ids=["plain", "gzip", "bzip2", "xz"])
def test_a_place_is_found_in_what_became_of_the_file(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    data = b"".join(b"line %d\n" % n for n in range(2000))
    (tmp_path / "log").write_bytes(pack(data))
    handle = os.open(tmp_path / "log", os.O_RDONLY)
    there, other = place(data, 9000), place(data[:5000] + b"x" + data[5001:], 5500)
    short = place(data, 20)
    assert holds(handle, [short, there, other]) == there
    assert holds(handle, [other]) is None
    assert holds(handle, [place(data * 2, len(data) + 10)]) is None
    assert shorter(handle, place(data * 2, len(data) + 10))
    assert not shorter(handle, there)
    os.close(handle)
    assert [Place.of(one.plain()) == one for one in (short,)] == [True]


def test_a_name_that_is_anothers_by_now(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"x")
    part = Part(tmp_path / "log", (tmp_path / "log").stat())
    (tmp_path / "new").write_bytes(b"y")
    (tmp_path / "new").rename(tmp_path / "log")
    assert opened(part) is None
