"""What is wrong with a capture is told by its byte, once a kind; the whole packets before it are kept."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest
from tests.readers.capture import making as make
from tests.readers.capture.test_capture import chunks, outcomes, put

FRAME = make.ethernet(0x800, make.PACKET)
GOOD = make.pcap([FRAME] * 3)
SIZE = 16 + len(FRAME)
MICRO = make.SECONDS * 10**6
BLOCK = len(make.enhanced(FRAME, 1))
BEGIN = len(make.section() + make.interface())
FAR = "has the time {}; it is kept as it says"
CASES = {
    "no interface": (
        make.section() + make.enhanced(FRAME, MICRO) * 2, 0, "the packet at byte 28 is of an interface that no block before it",
    ),
    "another interface": (
        make.section() + make.interface() + make.enhanced(FRAME, MICRO) + make.enhanced(FRAME, MICRO, number=3),
        1, f"the packet at byte {BEGIN + BLOCK} is of an interface that no block before it describes",
    ),
    "link type": (make.pcap([FRAME] * 3, 65000), 0, "the packet at byte 24 is of a link type that I do not know (65000)"),
    "link type of an interface": (
        make.section() + make.interface(4000) + make.enhanced(FRAME, MICRO), 0,
        f"the packet at byte {BEGIN} is of a link type that I do not know (4000)",
    ),
    "interface described in too few bytes": (
        make.section() + make.block(1, b"\1\0\0\0") + make.enhanced(FRAME, MICRO), 0,
        "is of a link type that I do not know; others like it are counted only",
    ),
    "length of 2^31": (
        GOOD + struct.pack("<IIII", 1, 2, 1 << 31, 1 << 31) + b"x" * 100, 3,
        f"damaged at byte {len(GOOD)}: no record can begin so; 116 bytes from there on cannot be read",
    ),
    "time that is no date": (
        make.section() + make.interface(resolution=0) + make.enhanced(FRAME, make.SECONDS) + make.enhanced(FRAME, 1 << 62),
        1, " has a time that is no date",
    ),
    "1970": (
        GOOD[:24] + bytes(8) + GOOD[32:], 3,
        f"the packet at byte 24 {FAR.format('1970-01-01T00:00:00Z, before there were captures')}",
    ),
    "2106": (
        GOOD[: 24 + SIZE] + b"\xff" * 4 + GOOD[28 + SIZE :], 3,
        f"the packet at byte {24 + SIZE} {FAR.format('2106-02-07T06:28:15Z, more than a year after the file itself')}",
    ),
    "cut in the file's header": (GOOD[:20], 0, "the file's own header is not whole: 20 of 24 bytes are there"),
    "cut after the magic number": (GOOD[:4], 0, "the file's own header is not whole: 4 of 24 bytes are there"),
    "cut in a section's first bytes": (make.section()[:9], 0, "the file's own header is not whole: 9 of 12 bytes are there"),
    "cut in a section": (make.section()[:14], 0, "the record at byte 0 is not whole: 14 bytes of it are there"),
    "cut in an interface": (make.section() + make.interface()[:11], 0, "the record at byte 28 is not whole: 11 bytes"),
    "cut in a record's header": (
        GOOD[: -len(FRAME) - 5], 2, f"the record at byte {24 + 2 * SIZE} is not whole: 11 bytes of it are there",
    ),
    "cut in a packet": (GOOD[:-5], 2, f"the record at byte {24 + 2 * SIZE} is not whole: {SIZE - 5} bytes of it are there"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_trouble_is_told_by_its_byte(case: str, tmp_path: Path) -> None:
    data, kept, words = CASES[case]
    path = put(tmp_path, data)
    os.utime(path, (make.SECONDS + 60, make.SECONDS + 60))
    found = chunks(path)
    notes = [note for chunk in found for note in chunk.notes]
    assert outcomes(found)["event"] == kept
    assert len(notes) == 1 and words in notes[0], notes


def test_a_snap_length_of_0_is_none(tmp_path: Path) -> None:
    """It stands for no limit, in both formats."""
    for data in (make.pcap([FRAME] * 3, snap=0), make.section() + make.interface(snap=0) + make.enhanced(FRAME, MICRO) * 3):
        path = put(tmp_path, data)
        os.utime(path, (make.SECONDS + 60, make.SECONDS + 60))
        found = chunks(path)
        assert outcomes(found) == {"event": 3}
        assert not [note for chunk in found for note in chunk.notes]


def test_each_trouble_is_told_once_and_counted(tmp_path: Path) -> None:
    data = make.section() + make.interface(resolution=0) + make.interface(4000)
    data += (make.enhanced(FRAME, 1 << 62) + make.enhanced(FRAME, 5, number=1) + make.enhanced(FRAME, 5, number=9)) * 50
    found = chunks(put(tmp_path, data))
    assert outcomes(found) == {"time stamp out of range": 50, "link type not known": 50, "interface not described": 50}
    assert len([note for chunk in found for note in chunk.notes]) == 3
