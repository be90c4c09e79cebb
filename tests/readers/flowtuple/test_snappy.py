"""Snappy's kernel: against a packer of others, on copies that reach into themselves, on what is not sound."""

from __future__ import annotations

import os
import random

import numpy as np
import pytest

from teiten.readers import _blocks, _jit
from teiten.readers.flowtuple import _snappy


def unpacked(stream: bytes, size: int) -> bytes | None:
    data = np.frombuffer(stream + bytes(_blocks.PAD), np.uint8)
    out = np.zeros(size + _blocks.PAD, np.uint8)
    n = _snappy.unpack(_jit.view(data), 0, len(stream), _jit.view(out), size)
    assert not out[size:].any()
    return None if n < 0 else out[:n].tobytes()


def test_as_others_pack() -> None:
    arrow = pytest.importorskip("pyarrow")
    chance = random.Random(3)
    for size in (0, 1, 59, 61, 300, 70_000 if not _jit.PLAIN else 3000):
        words = [chance.randbytes(chance.randrange(1, 90)) for _ in range(12)]
        data = b"".join(chance.choice(words) for _ in range(size))[:size] if size else b""
        stream = arrow.Codec("snappy").compress(data, asbytes=True)
        head = 1
        while stream[head - 1] > 127:
            head += 1
        assert unpacked(stream[head:], size) == data


def test_copies_of_each_length() -> None:
    assert unpacked(b"\x00a\x1d\x01", 12) == b"a" * 12  # 11 more, from one back
    assert unpacked(b"\x08abc\x0e\x03\x00", 7) == b"abcabca"
    assert unpacked(b"\x08abc\x0f\x03\x00\x00\x00", 7) == b"abcabca"
    assert unpacked(b"\xf0\x03wxyz", 4) == b"wxyz"


@pytest.mark.parametrize(
    "stream",
    [b"\x01\x01", b"\x00a\x1d\x02", b"\x00a\x1d\x00", b"\x10ab", b"\xf4\x05", b"\x0e\x01", b"\xfc\xff\xff\xff\xffaaaaaaaaa"],
)
def test_what_is_not_sound(stream: bytes) -> None:
    assert unpacked(stream, 100) is None


def test_nothing_is_written_beyond_what_was_asked_for() -> None:
    assert unpacked(b"\x00a\xfe\x01\x00", 30) is None
    for seed in range(300):
        unpacked(random.Random(seed).randbytes(60), 40)
    assert unpacked(os.urandom(0), 0) == b""
