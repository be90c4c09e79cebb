"""What a program did to a folder's files, call by call, as strace saw it.

    ops = record([sys.executable, "driver.py", ...], folder)

Paths are relative to the folder; the root is ''. Lines that the program writes to its standard output are there as well, as
`Said`: with them it says what it takes for stored.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

CALLS = (
    "open,openat,creat,write,pwrite64,writev,pwritev,pwritev2,ftruncate,truncate,fallocate,copy_file_range,sendfile,"
    "fsync,fdatasync,sync_file_range,syncfs,sync,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,"
    "mkdir,mkdirat,rmdir,lseek,dup,dup2,dup3,fcntl,close,mmap"
)


@dataclass(frozen=True)
class Made:
    """A new file or folder under that name."""

    path: str
    folder: bool = False


@dataclass(frozen=True)
class Wrote:
    """Bytes of a file."""

    path: str
    offset: int
    data: bytes


@dataclass(frozen=True)
class Cut:
    """A file's new length."""

    path: str
    size: int


@dataclass(frozen=True)
class Synced:
    """A file's bytes, or a folder's names, are on the disk; with an empty path and `all`, everything is."""

    path: str
    all: bool = False


@dataclass(frozen=True)
class Moved:
    path: str
    to: str


@dataclass(frozen=True)
class Linked:
    path: str
    to: str


@dataclass(frozen=True)
class Gone:
    path: str


@dataclass(frozen=True)
class Said:
    """A line on the standard output."""

    text: str


Op = Made | Wrote | Cut | Synced | Moved | Linked | Gone | Said

_LINE = re.compile(rb"([\d.]+) (\w+)\((.*)\)\s+= (-?\d+|0x[0-9a-f]+)(<[^>]*>)?(.*)$", re.DOTALL)
_HEX = re.compile(rb"\\x([0-9a-f]{2})")


def _plain(text: bytes) -> bytes:
    return bytes.fromhex(text.replace(rb"\x", b"").decode("ascii"))


def record(command: Sequence[str], folder: Path, env: dict[str, str] | None = None) -> list[Op]:
    """Runs the command and returns what it did below `folder`, in the order in which the calls began. CalledProcessError."""
    with tempfile.TemporaryDirectory() as logs:
        strace = ["strace", "-ff", "-y", "-xx", "-s", "100000000", "-o", f"{logs}/t", "-e", f"trace={CALLS}"]
        strace += ["-e", "signal=none", "--absolute-timestamps=format:unix,precision:ns"]
        subprocess.run([*strace, *command], check=True, capture_output=True, env={**os.environ, **(env or {})})
        lines = [(line, log.name) for log in Path(logs).iterdir() for line in log.read_bytes().splitlines()]
    return list(_ops(sorted(lines), os.fsencode(folder.resolve())))


class _Files:
    """Where each descriptor stands. One process: its threads share them."""

    def __init__(self) -> None:
        self.at: dict[int, int] = {}
        self.append: set[int] = set()


def _ops(lines: list[tuple[bytes, str]], root: bytes) -> Iterator[Op]:
    files = _Files()
    for raw, _ in lines:
        match = _LINE.match(raw)
        if match is None:
            if rb"+++" in raw or rb"---" in raw:
                continue
            raise AssertionError(f"a call that is not understood: {raw[:200]!r}")
        _, call, given, result, into, _ = match.groups()
        if result.startswith(b"-"):
            continue
        yield from _op(files, call.decode(), given, int(result, 0), into, root)


def _inside(path: bytes, root: bytes) -> str | None:
    if path == root:
        return ""
    return os.fsdecode(path[len(root) + 1 :]) if path.startswith(root + b"/") else None


def _descriptor(given: bytes) -> tuple[int, bytes]:
    """'3</a/b>, ...' -> 3, /a/b"""
    match = re.match(rb"(-?\d+)<([^>]*)>", given)
    if match is None:
        return -1, b""
    return int(match.group(1)), _plain(match.group(2)) if match.group(2).startswith(rb"\x") else b""


def _texts(given: bytes) -> list[bytes]:
    return [_plain(t) for t in re.findall(rb'"((?:\\x[0-9a-f]{2})*)"', given)]


def _paths(given: bytes) -> list[bytes]:
    """Paths of a call; relative ones are below the folder that stands before them."""
    found = []
    for base, text in re.findall(rb'(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"((?:\\x[0-9a-f]{2})*)"', given):
        path = _plain(text)
        if not path.startswith(b"/"):
            path = (_plain(base) if base else os.fsencode(Path.cwd())) + b"/" + path
        found.append(os.path.normpath(path))
    return found


def _op(files: _Files, call: str, given: bytes, result: int, into: bytes | None, root: bytes) -> Iterator[Op]:
    if call in ("open", "openat", "creat"):
        yield from _opened(files, call, given, result, root)
    elif call in ("write", "pwrite64", "writev", "pwritev", "pwritev2"):
        yield from _written(files, call, given, result, root)
    elif call in ("fsync", "fdatasync"):
        path = _inside(_descriptor(given)[1], root)
        if path is not None:
            yield Synced(path)
    elif call in ("sync", "syncfs"):
        yield Synced("", all=True)
    elif call in ("ftruncate", "truncate"):
        where = _descriptor(given)[1] if call == "ftruncate" else _paths(given)[0]
        path = _inside(where, root)
        if path is not None:
            yield Cut(path, int(given.rpartition(b", ")[2]))
    elif call == "lseek":
        files.at[_descriptor(given)[0]] = result
    elif call in ("rename", "renameat", "renameat2", "link", "linkat"):
        old, new = (_inside(p, root) for p in _paths(given)[:2])
        assert (old is None) == (new is None), "a file came from outside, or went there"
        if old is not None and new is not None:
            yield Moved(old, new) if call.startswith("rename") else Linked(old, new)
    elif call in ("unlink", "unlinkat", "rmdir"):
        path = _inside(_paths(given)[0], root)
        if path is not None:
            yield Gone(path)
    elif call in ("mkdir", "mkdirat"):
        path = _inside(_paths(given)[0], root)
        if path is not None:
            yield Made(path, folder=True)
    elif call in ("symlink", "symlinkat", "fallocate", "copy_file_range", "sendfile", "sync_file_range"):
        assert root.hex() not in given.replace(rb"\x", b"").decode("latin-1"), f"{call} is not modelled"
    elif call == "mmap" and b"PROT_WRITE" in given and b"MAP_SHARED" in given:
        where = re.search(rb"\d+<([^>]*)>", given)
        assert where is None or _inside(_plain(where.group(1)), root) is None, "files written through memory are not modelled"


def _opened(files: _Files, call: str, given: bytes, number: int, root: bytes) -> Iterator[Op]:
    files.at[number] = 0
    files.append.discard(number)
    path = _inside(_paths(given)[0], root)
    if path is None:
        return
    if b"O_APPEND" in given:
        files.append.add(number)
    if call == "creat" or b"O_CREAT" in given:
        yield Made(path)  # where it was there already, nothing new is made
    if call == "creat" or b"O_TRUNC" in given:
        yield Cut(path, 0)


def _written(files: _Files, call: str, given: bytes, count: int, root: bytes) -> Iterator[Op]:
    number, where = _descriptor(given)
    data = b"".join(_texts(given.partition(b", ")[2]))[:count]
    if number == 1:
        for line in data.decode("utf-8", "replace").splitlines():
            yield Said(line)
        return
    path = _inside(where, root)
    positioned = call in ("pwrite64", "pwritev", "pwritev2")
    offset = files.at.get(number, 0)
    if positioned:
        offset = int(given.rpartition(b", ")[2])
    elif number in files.append:
        offset = -1
    else:
        files.at[number] = offset + count
    if path is not None:
        assert len(data) == count, "strace cut the data"
        yield Wrote(path, offset, data)
