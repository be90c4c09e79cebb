"""Every capture that others made, cut at many bytes and with bytes changed: the accounting exact, what was whole is kept.

A few of them in the ordinary suite, all of them under `full`.
"""

from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest
from tests.readers import oracle

from teiten import readers

LONGEST = 1 << 16
"""bytes of a capture that are damaged over and over"""


def captures(shared_data: Path) -> list[Path]:
    with (shared_data / "packets" / "INDEX.csv").open(encoding="utf-8") as index:
        return [shared_data / "packets" / row["file"] for row in csv.DictReader(index)]


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Cut, or with some bytes changed (often to what lengths and counts go wrong with), or with some put in or left out."""
    if chance.random() < 0.3:
        return data[: chance.randrange(len(data))]
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        # headers lie at the beginning: half of the changes fall there
        at = chance.randrange(min(len(out), 200) if chance.random() < 0.5 else len(out))
        kind = chance.random()
        if kind < 0.6:
            out[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
        elif kind < 0.8:
            out[at : at + 4] = chance.choice((b"\xff" * 4, bytes(4), b"\0\0\0\x80", b"\x80\0\0\0"))
        elif kind < 0.9:
            del out[at : at + chance.randrange(1, 20)]
        else:
            out[at:at] = chance.randbytes(chance.randrange(1, 20))
        if not out:
            break
    return bytes(out)


def hurt(path: Path, times: int) -> int:
    """How many damaged copies were read; AssertionError, saying which, where something does not hold."""
    chance = random.Random(path.name)
    with path.open("rb") as stream:
        data = stream.read(LONGEST)
    if not data:
        return 0
    for i in range(times):
        bytes_ = damaged(data, chance)
        try:
            oracle.check("capture", bytes_)
        except Exception as error:
            raise AssertionError(f"{path}, damaged copy {i}: {error!r}") from error
    return times


def test_a_sample_of_captures_damaged(shared_data: Path) -> None:
    assert sum(hurt(path, 4) for path in captures(shared_data)[::9]) > 300


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_every_capture_damaged(shared_data: Path) -> None:
    count = sum(hurt(path, 40) for path in captures(shared_data))
    print(f"\n{count} damaged copies of captures read")
    assert count > 30_000


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_every_capture_whole(shared_data: Path) -> None:
    """The accounting adds up, over every file to its last byte; cut once, and read on once."""
    reader = readers.module("capture")
    for path in captures(shared_data):
        data = path.read_bytes()
        said = oracle.look(reader, data)
        assert said is not None, path
        if said.lines:
            oracle.cut(reader, data, said, len(data) * 2 // 3)
            oracle.read_on(reader, data, said, len(said.lines) // 2)
