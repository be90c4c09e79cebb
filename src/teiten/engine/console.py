"""A stranger's query: one SELECT, asked in a process of its own that may take so much memory and time and no more.

DuckDB bounds what its operators keep, not what a function makes of one value: `repeat('x', 2e9)` took 4 GB and could not be
interrupted. So the kernel bounds the child (RLIMIT_DATA), and who asked kills it at the deadline. The kernel also keeps it from
every file but the lake's (`confined`), and it gets nothing of the environment that it does not need to start.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import re
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from teiten.engine import confined
from teiten.errors import LakeChangedError, LakeError, QueryError, TeitenError, UsageError
from teiten.settings import Settings

if TYPE_CHECKING:
    import polars as pl

_OK: Final = b"\x01"
_ERROR: Final = b"\x00"
_ERRORS: Final = {one.__name__: one for one in (TeitenError, UsageError, LakeError, LakeChangedError)}
_PIECE: Final = 1 << 20
_LOOK: Final = 0.1
"""seconds between two looks at whether the query is still wanted"""
_SESSION_SHARE: Final = 0.5
"""of the memory allowed is DuckDB's; the answer as a frame, and on its way out, takes the rest"""
MOST_MB: Final = 1792
"""what a query may take by default: with an idle process less than 2 GiB"""
SPILL_MB: Final = 4096
"""what a query may put into its temporary folder"""
_NEEDED: Final = (
    "PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LC_ALL", "PYTHONUTF8", "SYSTEMROOT",
)  # fmt: skip
"""what of the environment the child gets: no token, no password of a station"""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a query may take: seconds on the clock, MiB beyond an idle process, MiB of answer."""

    seconds: float = 60.0
    memory_mb: int = 1024
    answer_mb: int = 256


def usual_memory_mb(settings: Settings) -> int:
    """MiB that a query may take where nothing is said: so much that DuckDB has what a session of ours has."""
    from teiten.engine.duckdb import usual_memory_mb

    session = settings.query_memory_mb or usual_memory_mb()
    return max(1024, min(MOST_MB, int(session / _SESSION_SHARE)))


def ask(
    lake: Path,
    settings: Settings,
    query: str,
    limits: Limits | None = None,
    *,
    stranger: bool = False,
    stop: threading.Event | None = None,
) -> pl.DataFrame:
    """The rows of one SELECT over the lake's documented views, times in the settings' zone.

    stranger: whoever asks is not at home on this machine: nothing but the documented views, and no path of a file in what is
    said (`strangers`). stop: set from elsewhere, ends the query.

    UsageError where the query is wrong, or no SELECT (QueryError, with its place, for strangers); LakeError; TeitenError where
    it went beyond a limit, which it names; StoppedError.
    """
    import polars as pl

    limits = limits or Limits()
    order = pickle.dumps((str(lake), settings, query, limits, stranger))
    with tempfile.TemporaryDirectory(prefix="teiten-") as folder:
        # the child's temporary folder is ours: it goes away even when the child is killed
        child = subprocess.Popen(
            [sys.executable, "-m", "teiten.engine.console"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={name: os.environ[name] for name in _NEEDED if name in os.environ} | {"TMPDIR": folder, "HOME": folder},
            start_new_session=True,
        )
        answer, said, why = _watched(child, order, limits, stop)
    if why == "stopped":
        raise StoppedError("The query was stopped.")
    if why == "time":
        raise TeitenError(
            f"The query was ended after {limits.seconds:g} s.", hint="Ask for a shorter period, or allow more time."
        )
    if why == "answer":
        raise TeitenError(
            f"The answer is larger than {limits.answer_mb} MiB, so it was not fetched.", hint="Add LIMIT, or group the rows."
        )
    if answer[:1] == _OK:
        return pl.read_ipc_stream(io.BytesIO(answer[1:]))
    if answer[:1] == _ERROR:
        # the child read hostile text: what comes from it is no pickle
        kind, message, hint, *place = json.loads(answer[1:])
        if place:
            raise QueryError(message, hint=hint, at=place[0], length=place[1], near=tuple(place[2]))
        raise _ERRORS.get(kind, TeitenError)(message, hint=hint)
    if child.returncode in (-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGBUS, -signal.SIGKILL) or b"MemoryError" in said:
        raise _too_much(limits)
    last = "" if stranger else said.decode("utf-8", "replace").strip().rpartition("\n")[2]
    raise TeitenError(f"The query could not be asked: {last or f'its process ended with {child.returncode}'}.")


class StoppedError(TeitenError):
    """Whoever asked wants no answer any more."""


def _too_much(limits: Limits) -> TeitenError:
    return TeitenError(
        f"The query needs more memory than it may have ({limits.memory_mb} MiB).",
        hint="Ask for a shorter period or fewer columns, or allow more memory.",
    )


def _watched(
    child: subprocess.Popen[bytes], order: bytes, limits: Limits, stop: threading.Event | None
) -> tuple[bytes, bytes, str]:
    """The child's answer, what it said on stderr, and why it was killed ('time', 'answer', 'stopped') or ''."""
    why = ""
    out, said = bytearray(), bytearray()

    def end(reason: str) -> None:
        nonlocal why
        why = why or reason
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)

    def read() -> None:
        assert child.stdout is not None
        while piece := child.stdout.read1(_PIECE):  # type: ignore[attr-defined]
            if len(out) + len(piece) > limits.answer_mb << 20:
                end("answer")
                return
            out.extend(piece)

    def listen() -> None:
        assert child.stderr is not None
        while piece := child.stderr.read1(_PIECE):  # type: ignore[attr-defined]
            said.extend(piece)
            del said[:-4096]

    threads = [threading.Thread(target=read, daemon=True), threading.Thread(target=listen, daemon=True)]
    deadline = threading.Timer(limits.seconds, end, ["time"])
    try:
        for thread in (*threads, deadline):
            thread.start()
        assert child.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            child.stdin.write(order)
            child.stdin.close()
        while stop is not None and child.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_LOOK)
            if stop.is_set():
                end("stopped")
                break
        child.wait()
    finally:
        deadline.cancel()
        if child.poll() is None:
            end("stopped")
            child.wait()
        for thread in threads:
            thread.join()
        for stream in (child.stdout, child.stderr):
            assert stream is not None
            stream.close()
    return bytes(out), bytes(said), why


# in the child --------------------------------------------------------------------------------------------------------


def _answer(order: bytes, out: BinaryIO) -> None:
    """Asks, and writes the rows as an Arrow stream; or what is wrong."""
    import duckdb  # noqa: F401  (what it reads of its own is read before the doors are shut)
    import polars as pl

    from teiten.engine.duckdb import Session
    from teiten.lake import Lake

    path, settings, query, limits, stranger = pickle.loads(order)
    pl.DataFrame({"a": [1]}).write_ipc_stream(io.BytesIO())
    confined.bound(seconds=limits.seconds)
    confined.shut_in(_readable(Path(path)), [Path(tempfile.gettempdir())])
    memory = int(limits.memory_mb * _SESSION_SHARE)
    only = query
    try:
        with Session(Lake.open(path), settings, memory_mb=memory, spill_mb=SPILL_MB, stranger=stranger) as session:
            confined.bound(limits.memory_mb)
            only = session.select_only(query)
            if stranger:
                session.for_strangers(only)
            found = session.frame(only)
            rows = io.BytesIO()
            found.write_ipc_stream(rows)
    except MemoryError:
        _refuse(out, _too_much(limits))
    except QueryError as error:
        # the place is one of the statement, without what stands around it
        before = query.find(only)
        error.at = None if error.at is None or before < 0 else error.at + before
        _refuse(out, error)
    except TeitenError as error:
        _refuse(out, _without_paths(error, Path(path)) if stranger else error)
    else:
        out.write(_OK)
        out.write(rows.getbuffer())


def _readable(lake: Path) -> list[Path]:
    """What the child still reads: the lake (a table of it may lie on another disk), the program's own files, zones."""
    tables = [one for one in lake.iterdir() if one.is_dir()] if lake.is_dir() else []
    own = [Path(one) for one in (*sys.path, sys.prefix, sys.base_prefix, *sysconfig.get_paths().values()) if one]
    return [lake, *tables, *own, *map(Path, ("/usr", "/lib", "/lib64", "/proc/self", "/sys/fs/cgroup", "/etc/localtime"))]


def _without_paths(error: TeitenError, lake: Path) -> TeitenError:
    """The same sentence without the folders of this machine."""

    def told(text: str) -> str:
        for folder in dict.fromkeys((str(lake.resolve()), str(lake.absolute()), str(lake), tempfile.gettempdir())):
            text = text.replace(folder, "…") if len(folder) > 1 else text
        return _PATHS.sub("…", text)

    return type(error)(told(error.message), hint=error.hint and told(error.hint))


_PATHS: Final = re.compile(r"(?<![\w.:/])(?:/[\w.@+%~-]+){2,}/?")


def _refuse(out: BinaryIO, error: TeitenError) -> None:
    told: list[Any] = [type(error).__name__, error.message, error.hint]
    if isinstance(error, QueryError):
        told += [error.at, error.length, error.near]
    out.write(_ERROR + json.dumps(told).encode())


def _main() -> None:
    confined.end_with_parent()
    out: Any = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no answer
    with out:
        _answer(sys.stdin.buffer.read(), out)


if __name__ == "__main__":
    _main()

__all__ = ["Limits", "StoppedError", "ask", "usual_memory_mb"]
