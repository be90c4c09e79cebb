"""How kernels are compiled, kept and called; the 64-bit keyed hash of a line. The one importer of numba in the readers.

numba compiles a kernel once, in a process of its own (`_compile`); its machine code is kept as an object file, and loaded
from there by llvmlite: a run that only reads logs imports no numba. Kernels take and return 64-bit integers, and addresses.

With NUMBA_DISABLE_JIT=1 every kernel runs as plain Python, with NUMBA_BOUNDSCHECK=1 every access is checked; both give the
same rows. Kernels then get arrays instead of addresses: see `view`.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

Function = TypeVar("Function", bound=Callable[..., Any])


def _asked(name: str) -> bool:
    return os.environ.get(name, "0") not in ("", "0")


PLAIN: Final = _asked("NUMBA_DISABLE_JIT")
"""kernels run as plain Python"""

CHECKED: Final = not PLAIN and _asked("NUMBA_BOUNDSCHECK")
"""every access of a kernel is checked: the tests run the whole corpus so"""

MODE: Final = os.environ.get("TEITEN_KERNELS", "")
"""'make' in the process that compiles; 'numba' where every helper can be called from Python, compiled (tests)"""

NATIVE: Final = not PLAIN and not CHECKED and not MODE
"""kernels come as machine code from their object files; what they call is never called from here"""

_numba: Any = None
if not PLAIN and not NATIVE:
    import numba

    _numba = numba
    # scanning bytes one after the other gains nothing from vector code, and compiling is the shorter without these passes
    _numba.config.LOOP_VECTORIZE = 0
    _numba.config.SLP_VECTORIZE = 0


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


@cache
def folder() -> Path:
    """Where compiled kernels are kept: beside the source, else in the user's cache folder, else in a temporary one.

    It is named after the processor and the content of all sources that kernels come from.
    """
    from llvmlite import __version__, binding

    here = Path(__file__).parent
    features = binding.get_host_cpu_features().flatten()
    digest = hashlib.blake2b(f"{__version__} {CHECKED} {binding.get_host_cpu_name()} {features}".encode(), digest_size=8)
    for source in sorted([*here.glob("_*.py"), *here.glob("*/_*.py")]):
        text = source.read_bytes()
        if b"@jit" in text or b"@entry" in text or source.name in ("_codes.py", "_compile.py", "_words.py"):
            digest.update(text)
    name = f"kernels-{digest.hexdigest()}"
    given = os.environ.get("NUMBA_CACHE_DIR")
    if given:
        return Path(given) / name
    beside = here / "__pycache__"
    if (beside / name).is_dir() or _writable(beside):
        return beside / name
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    if not _writable(home):
        home = Path(tempfile.gettempdir()) / f"teiten-cache-{os.getuid()}"
        home.mkdir(mode=0o700, exist_ok=True)
        if home.stat().st_uid != os.getuid():
            home = Path(tempfile.mkdtemp(prefix="teiten-cache-"))
    return home / "teiten" / name


def jit(function: Function) -> Function:
    """Part of a kernel: called by other kernels only."""
    if PLAIN or NATIVE:
        return function
    if CHECKED:
        kept, _numba.config.CACHE_DIR = _numba.config.CACHE_DIR, str(folder())
        try:
            compiled = _numba.njit(nogil=True, cache=True, error_model="numpy")(function)
        finally:
            _numba.config.CACHE_DIR = kept
    else:
        alone = MODE == "make"
        compiled = _numba.njit(nogil=True, error_model="numpy", no_cpython_wrapper=alone, no_cfunc_wrapper=alone)(function)
    out: Function = compiled
    return out


class Entry:
    """A kernel that Python calls, as machine code: loaded, and compiled if need be, at its first call. It holds no GIL."""

    _lock: Final = threading.Lock()
    _engine: Any = None

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.__doc__ = function.__doc__
        self.name = f"{function.__module__.rpartition('.')[2]}.{function.__name__}"
        self._call: Any = None

    @property
    def file(self) -> Path:
        return folder() / f"{self.name}.o"

    def _load(self) -> Any:
        import ctypes

        from llvmlite import binding

        with Entry._lock:
            if self._call is not None:
                return self._call
            if not self.file.exists():
                make(self.name)
            symbol, _, code = self.file.read_bytes().partition(b"\n")
            if Entry._engine is None:
                binding.initialize_native_target()
                binding.initialize_native_asmprinter()
                machine = binding.Target.from_triple(binding.get_process_triple()).create_target_machine(opt=0, jit=True)
                Entry._engine = binding.create_mcjit_compiler(binding.parse_assembly(""), machine)
            engine = Entry._engine
            engine.add_object_file(binding.ObjectFileRef.from_data(code))
            engine.finalize_object()
            word = ctypes.c_int64
            # numba's own convention: the answer and an exception by reference, then the arguments; 0 for success
            form = ctypes.CFUNCTYPE(
                ctypes.c_int32,
                ctypes.POINTER(word),
                ctypes.POINTER(ctypes.c_void_p),
                *[word] * self.function.__code__.co_argcount,
            )
            self._call = ctypes, form(engine.get_function_address(symbol.decode()))
            return self._call

    def __call__(self, *args: int) -> int:
        ctypes, call = self._call or self._load()
        answer, trouble = ctypes.c_int64(), ctypes.c_void_p()
        if call(ctypes.byref(answer), ctypes.byref(trouble), *args):
            raise RuntimeError(f"the kernel {self.name} failed")
        return int(answer.value)


def entry(function: Function) -> Function:
    """A kernel that Python calls: integers and addresses (`view`) in, an integer out."""
    if NATIVE or MODE == "make":
        made: Any = Entry(function)
        return made  # type: ignore[no-any-return]
    return jit(function)


_COMMON: Final = ("_jit", "_addresses", "_marks", "_pages")
KERNELS: Final = (
    (_COMMON,),
    (("netfilter._scan",), ("_stamp", *_COMMON)),
    (("capture._walk", "capture._packet"), _COMMON),
    (("flowtuple._records", "flowtuple._snappy"), _COMMON),
    (("_counts",), _COMMON),
)
"""modules of `teiten.readers` with kernels that Python calls: what is needed together, and compiled side by side"""


def make(name: str) -> None:
    """Compiles a kernel and what is needed with it, in processes of their own. RuntimeError where that fails."""
    import subprocess

    env = {**os.environ, "TEITEN_KERNELS": "make", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    command = [sys.executable, "-m", "teiten.readers._compile", str(folder())]
    running = [
        subprocess.Popen([*command, *modules], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for modules in next(g for g in KERNELS if any(m.rpartition(".")[2] == name.partition(".")[0] for ms in g for m in ms))
    ]
    for process in running:
        words = process.communicate()[1].strip().splitlines()
        if process.returncode:
            raise RuntimeError(f"the log reader could not be compiled: {words[-1] if words else process.returncode}")


def view(array: npt.NDArray[Any]) -> Any:
    """A flat array as kernels take it: an address (an array would be counted up and down at every call: three times as
    slow), the array itself where accesses are checked; of bytes, a memoryview in the plain form. The array must outlive
    the call; bytes to be read must be padded (`_blocks.PAD`)."""
    if PLAIN:
        return memoryview(array) if array.dtype == np.uint8 else array  # type: ignore[arg-type]
    return array if CHECKED else int(array.ctypes.data)


def announce(kernel: Any, seconds: int) -> None:
    """Says aloud that a compilation comes, where there is no machine code yet."""
    if NATIVE and not kernel.file.exists():
        print(f"teiten: compiling the reader, once: about {seconds} s", file=sys.stderr, flush=True)


def _intrinsic(function: Callable[..., Any]) -> Any:
    """What a kernel does in LLVM's own words. (No numba where nothing is compiled.)"""
    if PLAIN or NATIVE:
        return function
    from numba.extending import intrinsic

    return intrinsic(function)


def _types() -> Any:
    return _numba.types


def _reader(bits: int) -> Callable[..., Any]:
    """array[index] of little-endian integers of that width, without a bounds check; bytes unsigned, others signed."""

    def typed(_context: Any, array: Any, index: Any) -> Any:
        from llvmlite import ir

        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kind, word = ir.IntType(bits), ir.IntType(64)
            place = builder.add(args[0], builder.mul(args[1], ir.Constant(word, bits // 8)))
            value = builder.load(builder.inttoptr(place, kind.as_pointer()))
            return value if bits == 64 else builder.zext(value, word) if bits == 8 else builder.sext(value, word)

        return _types().int64(_types().int64, _types().int64), build

    return typed


def _writer(bits: int) -> Callable[..., Any]:
    """array[index] = value, of that width."""

    def typed(_context: Any, array: Any, index: Any, value: Any) -> Any:
        from llvmlite import ir

        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kind, word = ir.IntType(bits), ir.IntType(64)
            place = builder.add(args[0], builder.mul(args[1], ir.Constant(word, bits // 8)))
            value = args[2] if bits == 64 else builder.trunc(args[2], kind)
            builder.store(value, builder.inttoptr(place, kind.as_pointer()), align=1)
            return context.get_dummy_value()

        return _types().void(_types().int64, _types().int64, _types().int64), build

    return typed


def _get_checked(array: Any, index: int) -> int:
    return int(array[index])


def _at_checked(buf: Any, index: int) -> Any:
    # of a byte, numba's int() would be unsigned, and a sum with it no longer a whole number
    return int(buf[index]) if PLAIN else np.int64(buf[index])


def _put_checked(array: Any, index: int, value: int) -> None:
    array[index] = value


def _part_address(array: Any, index: int) -> Any:
    return array + 8 * index


def _part_checked(array: Any, index: int) -> Any:
    return array[index:]


def _access(plain: Callable[..., Any], typed: Callable[..., Any]) -> Any:
    return plain if PLAIN else jit(plain) if CHECKED else _intrinsic(typed)


at: Any = _access(_at_checked, _reader(8))
"""buf[index] of bytes, index >= 0"""
get: Any = _access(_get_checked, _reader(64))
"""array[index] of int64"""
get32: Any = _access(_get_checked, _reader(32))
"""array[index] of int32"""
put: Any = _access(_put_checked, _writer(64))
"""array[index] = value of int64"""
put32: Any = _access(_put_checked, _writer(32))
"""array[index] = value of int32"""
put8: Any = _access(_put_checked, _writer(8))
"""array[index] = value of bytes"""
get16: Any = _access(_get_checked, _reader(16))
"""array[index] of int16"""
put16: Any = _access(_put_checked, _writer(16))
"""array[index] = value of int16"""
part: Any = _part_checked if PLAIN else jit(_part_checked if CHECKED else _part_address)
"""array[index:] of int64"""


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

    return _types().uint64(_types().int64, _types().int64), build


@jit
def _load64_checked(buf: Any, index: int) -> Any:
    word = np.uint64(0)
    for i in range(8):
        word |= np.uint64(at(buf, index + i)) << np.uint64(8 * i)
    return word


load64: Any = _load64_checked if CHECKED else _intrinsic(_load64_typed)
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


def _signed_plain(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _signed_compiled(value: Any) -> Any:
    return np.int64(value)


def _unsigned_compiled(value: Any) -> Any:
    return np.uint64(value)


signed: Any = _signed_plain if PLAIN else jit(_signed_compiled)
unsigned: Any = (lambda value: value & ((1 << 64) - 1)) if PLAIN else jit(_unsigned_compiled)
hash_of: Any = _hash_plain if PLAIN else _hash_compiled
"""(buf, start, end, key: uint64) -> uint64: xxHash64 of buf[start:end], seeded with the key; within kernels"""


@entry
def hash_bytes(buf: Any, p: int, end: int, key: int) -> int:
    """xxHash64 of buf[p:end], seeded with the key; hash and key as signed integers."""
    out: int = signed(hash_of(buf, p, end, unsigned(key)))
    return out
