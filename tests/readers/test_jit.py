"""The small kernels: the hash against xxHash64's vectors, eight bytes at a time against one by one, addresses as text."""

from __future__ import annotations

import ipaddress
import os
import subprocess
import sys
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teiten import frame
from teiten.readers import _jit, _swar, _text

quick = settings(deadline=None, max_examples=200)


def padded(data: bytes) -> np.ndarray[Any, Any]:
    return np.frombuffer(data + b"7=x " * 16, np.uint8)


def signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number


@pytest.mark.parametrize(
    ("data", "seed", "digest"),
    [(b"", 0, 0xEF46DB3751D8E999), (b"a", 0, 0xD24EC4F1A98C6E5B), (b"abc", 0, 0x44BC2CF5AD770999)],
)
def test_xxhash_vectors(data: bytes, seed: int, digest: int) -> None:
    array = padded(data)
    assert _jit.hash_bytes(_jit.view(array), 0, len(data), signed(seed)) == signed(digest)


@quick
@given(st.binary(max_size=200), st.integers(0, 2**64 - 1), st.integers(0, 7))
def test_the_hash_in_both_forms(data: bytes, key: int, skip: int) -> None:
    array = padded(b"x" * skip + data)
    end = skip + len(data)
    compiled = _jit.hash_bytes(_jit.view(array), skip, end, signed(key))
    assert compiled == signed(_jit._hash_plain(memoryview(array), skip, end, key))


TEXTS = st.binary(max_size=40) | st.text("AB1029=: ]\n\t.x", max_size=40).map(str.encode)


@pytest.mark.skipif(_jit.NATIVE, reason="only kernels can be called: the next test does this one in the form that can")
@quick
@given(TEXTS, st.integers(0, 5))
def test_eight_bytes_at_a_time(data: bytes, start: int) -> None:
    array = padded(data)
    buf, plain = _jit.view(array), np.frombuffer(data + b"7=x " * 16, np.uint8)
    start = min(start, len(data))
    slow = {"key_at": _swar._key_plain, "number_at": _swar._number_plain, "word_end": _swar._word_end_plain}
    slow |= {"next_equals": _swar._equals_plain, "next_line": _swar._line_plain, "hex_end": _swar._hex_plain}
    for name, function in slow.items():
        one = getattr(_swar, name)(buf, start, len(data))
        other = getattr(function, "py_func", function)(Checked(plain), start, len(data))
        assert one == other, name


@pytest.mark.skipif(not _jit.NATIVE, reason="runs the test before this one, compiled")
@pytest.mark.full
def test_eight_bytes_at_a_time_compiled() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"{__file__}::test_eight_bytes_at_a_time"]
    done = subprocess.run(command, env={**os.environ, "TEITEN_KERNELS": "numba"}, capture_output=True, text=True, check=False)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


if _jit.MODE == "numba":  # compiled now, before `_plain_access` takes away what they are made of
    for _compiled in (_swar.key_at, _swar.number_at, _swar.word_end, _swar.next_equals, _swar.next_line, _swar.hex_end):
        _compiled(_jit.view(padded(b"x")), 0, 1)


class Checked:
    """Bytes that complain of an index outside."""

    def __init__(self, data: np.ndarray[Any, Any]) -> None:
        self.data = data.tolist()

    def __getitem__(self, index: int) -> int:
        assert 0 <= index < len(self.data)
        return int(self.data[index])


@pytest.fixture(autouse=True)
def _plain_access(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_swar, "at", _jit._at_checked)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.none() | st.ip_addresses(v=4), min_size=1, max_size=50), st.booleans())
def test_addresses_as_text(drawn: list[ipaddress.IPv4Address | None], mixed: bool) -> None:
    packed = [a.packed if a else None for a in drawn] * (2000 // len(drawn) + 1)
    if mixed:
        packed.append(ipaddress.IPv6Address("2001:db8::1").packed)
    table = pl.DataFrame({"src_ip": pl.Series(packed, dtype=pl.Binary), "ttl": [1] * len(packed)})
    assert _text.addresses_as_text(table).equals(frame.addresses_as_text(table))
