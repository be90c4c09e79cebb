"""The one importer of numba: how kernels are compiled, where the result is kept, and the 64-bit keyed hash of a line.

With NUMBA_DISABLE_JIT=1 every kernel runs as plain Python and gives the same rows; kernels then get a `memoryview`
(whose items are Python integers) instead of an array: see `view`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt
from numba.extending import intrinsic

Function = TypeVar("Function", bound=Callable[..., Any])

_config: Any = numba.config
# scanning bytes one after the other gains nothing from vector code, and compiling is the shorter without these passes
_config.LOOP_VECTORIZE = 0
_config.SLP_VECTORIZE = 0

PLAIN: Final = bool(_config.DISABLE_JIT)
"""kernels run as plain Python"""

CHECKED: Final = bool(_config.BOUNDSCHECK)
"""every access of a kernel is checked: the tests run the whole corpus so"""


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _cache_folder() -> str:
    """Where compiled kernels are kept: beside the source, else in the user's cache folder, else in a temporary one.

    numba takes a kernel for fresh as long as its own file is: not the files of what it calls. So the folder is named
    after the content of all of them.
    """
    here = Path(__file__).parent
    digest = hashlib.blake2b(f"{numba.__version__} {CHECKED}".encode(), digest_size=8)
    for source in sorted([*here.glob("_*.py"), *here.glob("*/_*.py")]):
        digest.update(source.read_bytes())
    if _config.CACHE_DIR:
        base = Path(_config.CACHE_DIR)
    elif _writable(here / "__pycache__"):
        base = here / "__pycache__"
    else:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        if not _writable(home):
            home = Path(tempfile.gettempdir()) / f"teiten-cache-{os.getuid()}"
            home.mkdir(mode=0o700, exist_ok=True)
            if home.stat().st_uid != os.getuid():
                home = Path(tempfile.mkdtemp(prefix="teiten-cache-"))
        base = home / "teiten"
    return str(base / f"kernels-{digest.hexdigest()}")


_CACHE: Final = "" if PLAIN else _cache_folder()


def jit(function: Function) -> Function:
    """A kernel: compiled on first use, without the GIL, cached on disk."""
    if PLAIN:
        return function
    kept, _config.CACHE_DIR = _config.CACHE_DIR, _CACHE
    try:
        compiled: Any = numba.njit(nogil=True, cache=True, error_model="numpy")(function)
    finally:
        _config.CACHE_DIR = kept
    return cast(Function, compiled)


def view(array: npt.NDArray[np.uint8]) -> Any:
    """Bytes as kernels take them: an address (an array would be counted up and down at every call: three times as slow),
    the array itself where accesses are checked, a memoryview in the plain form. The array must outlive the call, and be
    padded (`_blocks.PAD`)."""
    if PLAIN:
        return memoryview(array)  # type: ignore[arg-type]
    return array if CHECKED else int(array.ctypes.data)


def numbers(array: npt.NDArray[np.int64]) -> Any:
    """A flat array of int64 as kernels take it for `get` and `put`: like `view`."""
    return array if PLAIN or CHECKED else int(array.ctypes.data)


def announce(kernel: Any, seconds: int) -> None:
    """Says aloud that a compilation comes, where the cache does not hold it."""
    if PLAIN or getattr(kernel, "signatures", None):
        return
    with contextlib.suppress(Exception):  # numba's cache has no public question for this; not to know is no harm
        if kernel._cache._cache_file._load_index():
            return
    print(f"teiten: compiling the log reader, once: about {seconds} s", file=sys.stderr, flush=True)


def _at_typed(_context: Any, address: Any, index: Any) -> Any:
    """One byte as an int64, without a bounds check."""
    from llvmlite import ir

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        byte = ir.IntType(8)
        place = builder.inttoptr(builder.add(args[0], args[1]), byte.as_pointer())
        return builder.zext(builder.load(place), ir.IntType(64))

    return numba.types.int64(numba.types.int64, numba.types.int64), build


def _at_plain(buf: Any, index: int) -> int:
    return int(buf[index])


def _at_checked(buf: Any, index: int) -> Any:
    return np.int64(buf[index])  # of a byte, int() would be unsigned, and a sum with it no longer a whole number


at: Any = _at_plain if PLAIN else jit(_at_checked) if CHECKED else intrinsic(_at_typed)
"""buf[index] of bytes, index >= 0"""


def _get_typed(_context: Any, address: Any, index: Any) -> Any:
    from llvmlite import ir

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = builder.add(args[0], builder.shl(args[1], ir.Constant(ir.IntType(64), 3)))
        return builder.load(builder.inttoptr(place, ir.IntType(64).as_pointer()))

    return numba.types.int64(numba.types.int64, numba.types.int64), build


def _put_typed(_context: Any, address: Any, index: Any, value: Any) -> Any:
    from llvmlite import ir

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = builder.add(args[0], builder.shl(args[1], ir.Constant(ir.IntType(64), 3)))
        builder.store(args[2], builder.inttoptr(place, ir.IntType(64).as_pointer()))
        return context.get_dummy_value()

    return numba.types.void(numba.types.int64, numba.types.int64, numba.types.int64), build


def _get_checked(array: Any, index: int) -> int:
    return int(array[index])


def _put_checked(array: Any, index: int, value: int) -> None:
    array[index] = value


def _part_address(array: Any, index: int) -> Any:
    return array + 8 * index


def _part_checked(array: Any, index: int) -> Any:
    return array[index:]


get: Any = _get_checked if PLAIN else jit(_get_checked) if CHECKED else intrinsic(_get_typed)
"""array[index] of int64"""
put: Any = _put_checked if PLAIN else jit(_put_checked) if CHECKED else intrinsic(_put_typed)
"""array[index] = value"""
part: Any = _part_checked if PLAIN else jit(_part_checked if CHECKED else _part_address)
"""array[index:]"""


# xxHash64 (Yann Collet; specification at github.com/Cyan4973/xxHash), seeded with the key ------------------------------

_P1: Final = np.uint64(0x9E3779B185EBCA87)
_P2: Final = np.uint64(0xC2B2AE3D27D4EB4F)
_P3: Final = np.uint64(0x165667B19E3779F9)
_P4: Final = np.uint64(0x85EBCA77C2B2AE63)
_P5: Final = np.uint64(0x27D4EB2F165667C5)
_U1, _U7, _U11, _U12, _U18, _U23, _U27, _U29, _U31, _U32, _U33, _U64 = (
    np.uint64(n) for n in (1, 7, 11, 12, 18, 23, 27, 29, 31, 32, 33, 64)
)


def _load64_typed(_context: Any, address: Any, index: Any) -> Any:
    """Eight bytes, little-endian, from any offset (numba has no unaligned load)."""
    from llvmlite import ir

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        word = ir.IntType(64)
        place = builder.inttoptr(builder.add(args[0], args[1]), word.as_pointer())
        return builder.load(place, align=1)

    return numba.types.uint64(numba.types.int64, numba.types.int64), build


@jit
def _load64_checked(buf: Any, index: int) -> Any:
    word = np.uint64(0)
    for i in range(8):
        word |= np.uint64(at(buf, index + i)) << np.uint64(8 * i)
    return word


load64: Any = _load64_checked if CHECKED else intrinsic(_load64_typed)
"""(buf, index) -> eight bytes as a uint64; compiled forms only"""


@jit
def _rotate(x: Any, by: Any) -> Any:
    return (x << by) | (x >> (_U64 - by))


@jit
def _round(acc: Any, word: Any) -> Any:
    return _rotate(acc + word * _P2, _U31) * _P1


@jit
def _merge(h: Any, acc: Any) -> Any:
    return (h ^ _round(np.uint64(0), acc)) * _P1 + _P4


@jit
def _hash_compiled(buf: Any, p: int, end: int, key: Any) -> Any:
    length = end - p
    if length >= 32:
        a, b, c, d = key + _P1 + _P2, key + _P2, key + np.uint64(0), key - _P1
        while p + 32 <= end:
            a = _round(a, load64(buf, p))
            b = _round(b, load64(buf, p + 8))
            c = _round(c, load64(buf, p + 16))
            d = _round(d, load64(buf, p + 24))
            p += 32
        h = _rotate(a, _U1) + _rotate(b, _U7) + _rotate(c, _U12) + _rotate(d, _U18)
        h = _merge(_merge(_merge(_merge(h, a), b), c), d)
    else:
        h = key + _P5
    h += np.uint64(length)
    while p + 8 <= end:
        h = _rotate(h ^ _round(np.uint64(0), load64(buf, p)), _U27) * _P1 + _P4
        p += 8
    if p + 4 <= end:
        word = np.uint64(0)
        for i in range(4):
            word |= np.uint64(at(buf, p + i)) << np.uint64(8 * i)
        h = _rotate(h ^ (word * _P1), _U23) * _P2 + _P3
        p += 4
    while p < end:
        h = _rotate(h ^ (np.uint64(at(buf, p)) * _P5), _U11) * _P1
        p += 1
    h ^= h >> _U33
    h *= _P2
    h ^= h >> _U29
    h *= _P3
    h ^= h >> _U32
    return h


def _hash_plain(buf: Any, p: int, end: int, key: Any) -> Any:
    """The same in Python's integers, for the plain form."""
    mask = (1 << 64) - 1
    p1, p2, p3, p4, p5 = (int(n) for n in (_P1, _P2, _P3, _P4, _P5))

    def rotate(x: int, by: int) -> int:
        return ((x << by) | (x >> (64 - by))) & mask

    def step(acc: int, word: int) -> int:
        return rotate((acc + word * p2) & mask, 31) * p1 & mask

    data, seed = bytes(buf[p:end]), int(key)
    i, n = 0, end - p
    if n >= 32:
        acc = [(seed + p1 + p2) & mask, (seed + p2) & mask, seed, (seed - p1) & mask]
        while i + 32 <= n:
            acc = [step(a, int.from_bytes(data[i + 8 * k : i + 8 * k + 8], "little")) for k, a in enumerate(acc)]
            i += 32
        h = sum(rotate(a, by) for a, by in zip(acc, (1, 7, 12, 18), strict=True)) & mask
        for a in acc:
            h = ((h ^ step(0, a)) * p1 + p4) & mask
    else:
        h = (seed + p5) & mask
    h = (h + n) & mask
    while i + 8 <= n:
        h = (rotate(h ^ step(0, int.from_bytes(data[i : i + 8], "little")), 27) * p1 + p4) & mask
        i += 8
    if i + 4 <= n:
        h = (rotate(h ^ (int.from_bytes(data[i : i + 4], "little") * p1 & mask), 23) * p2 + p3) & mask
        i += 4
    for byte in data[i:]:
        h = rotate(h ^ (byte * p5 & mask), 11) * p1 & mask
    h = (h ^ (h >> 33)) * p2 & mask
    h = (h ^ (h >> 29)) * p3 & mask
    return h ^ (h >> 32)


hash_bytes: Any = _hash_plain if PLAIN else _hash_compiled
"""(buf, start, end, key: uint64) -> uint64: xxHash64 of buf[start:end], seeded with the key"""
