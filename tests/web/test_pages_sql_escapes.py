"""Promise 16: every way out of the SQL console that is known, tried at a real server over HTTP, while others use it.

The server is a process of its own, watched by strace where that is there: what each child opened, and where it would have
connected, is held against what it may. Besides: canary files (their bytes, their times), the lake's files, the memory that a
child came to, the time until an answer, and how others fared meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import pytest

import teiten
from teiten.settings import Settings

from .conftest import Client, lake_of

pytestmark = [
    pytest.mark.full,
    pytest.mark.faults,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel bounds and tells of a process on Linux"),
]
CASES = tomllib.loads((Path(__file__).parent / "cases" / "escapes.toml").read_text(encoding="utf-8"))
FEW = int(os.environ.get("TEITEN_CASES", "1000"))
"""so many of each table's cases: for a look at a machine that is busy"""
SECONDS, MEMORY_MB = (15.0 if os.getloadavg()[0] < 3 * (os.cpu_count() or 1) else 40.0), 600
BASE_MB = 250
"""what the child is before it asks: the interpreter, polars, DuckDB"""
SECRET = "teiten-canary-7c1f0e52"
START = f"""
import sys
from teiten.engine.console import Limits
from teiten.web import asking
asking.LIMITS = Limits(seconds={SECONDS}, memory_mb={MEMORY_MB}, answer_mb=8)
from teiten.cli import main
sys.exit(main(["serve", "--config", sys.argv[1], "--port", "0"]))
"""


@dataclass
class Seen:
    """What was noticed besides the answers."""

    most_mb: float = 0.0
    slowest: float = 0.0
    others: int = 0
    failed: list[str] = field(default_factory=list)
    connected: int = 0


@dataclass(frozen=True)
class Station:
    client: Client
    folder: Path
    settings: Settings
    seen: Seen
    port: int
    trace: Path | None

    def fill(self, query: str) -> str:
        told = {"canary": self.folder / "canary.txt", "folder": self.folder, "new": self.folder / "new",
                "lake": self.settings.lake, "port": self.port}  # fmt: skip
        for name, value in told.items():
            query = query.replace(f"{{{name}}}", str(value))
        return query


def children() -> Iterator[tuple[int, Path]]:
    """Processes of the console."""
    for one in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if one.name.isdigit() and b"teiten.engine.console" in (one / "cmdline").read_bytes().split(b"\0"):
                yield int(one.name), one


def watch(seen: Seen, client: Client, over: threading.Event) -> None:
    """Looks at the memory of every child three times a second, and asks for pages as somebody else would."""
    asked = 0.0
    while not over.wait(0.3):
        for _, one in children():
            with contextlib.suppress(OSError, IndexError, ValueError):
                text = (one / "status").read_text()
                seen.most_mb = max(seen.most_mb, int(text.partition("VmHWM:")[2].split()[0]) / 1024)
        if time.monotonic() - asked > 1.0:
            asked = time.monotonic()
            try:
                status = client.get("/ports?lang=en&period=week").status
                seen.others += 1
                seen.slowest = max(seen.slowest, time.monotonic() - asked)
                if status != 200:
                    seen.failed.append(f"status {status}")
            except OSError as error:
                seen.failed.append(str(error))


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    folder = tmp_path_factory.mktemp("escapes")
    found = lake_of(folder)
    canary = folder / "canary.txt"
    canary.write_text(f"{SECRET},1\n" * 20)
    os.utime(canary, (1_000_000_000, 1_500_000_000))
    (found.lake / "link").symlink_to(canary)
    (found.lake / "events" / "part-99999999-link.parquet").symlink_to(canary)
    trace = tmp_path_factory.mktemp("strace") / "of" if shutil.which("strace") else None
    calls = "openat,open,openat2,creat,unlink,unlinkat,rename,renameat,renameat2,mkdir,mkdirat,connect,bind,execve"
    calls += ",ptrace,clone,clone3,fork,vfork"
    watched = ["strace", "--seccomp-bpf", "-ff", "-qq", "-e", f"trace={calls}", "-o", str(trace)] if trace else []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(20)
        listener.settimeout(0.2)
        server = subprocess.Popen(
            [*watched, sys.executable, "-c", START, str(folder / "teiten.toml")], stderr=subprocess.PIPE, text=True,
            start_new_session=True,
            env={**os.environ, "TEITEN_TOKEN": SECRET},
        )  # fmt: skip
        assert server.stderr is not None
        line = next(line for line in server.stderr if "http://" in line)
        client = Client(int(re.findall(r":(\d+)/", line)[0]))
        seen, over = Seen(), threading.Event()

        def listen() -> None:
            while not over.is_set():
                with contextlib.suppress(OSError):
                    listener.accept()[0].close()
                    seen.connected += 1

        helpers = [threading.Thread(target=watch, args=(seen, client, over)), threading.Thread(target=listen)]
        for one in helpers:
            one.start()
        try:
            yield Station(client, folder, found, seen, listener.getsockname()[1], trace)
        finally:
            over.set()
            for one in helpers:
                one.join()
            # strace ends when what it watches does
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(30)
            server.stderr.close()


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(p): (p.stat().st_mtime_ns, p.read_bytes()) for p in sorted(folder.rglob("*")) if p.is_file() and not p.is_symlink()
    }


def touched(station: Station) -> list[str]:
    """What the console's processes opened, made, removed or connected to beyond what they may."""
    if station.trace is None:
        return []
    kept = re.compile(r"^(\w+)\((.*)\) += (-?\d+)")
    begun = re.compile(r'execve\("[^"]*", \[.*"teiten\.engine\.console"')
    temporary = re.compile(r"^(/[^/]+)*/teiten-[^/]+(/|$)")
    lake, at = str(station.settings.lake), Path(teiten.__file__).parents[1]
    programs = (
        sys.prefix, sys.base_prefix, str(at), "/usr", "/lib", "/etc/ld.so", "/etc/localtime", "/proc/self", "/sys/", "/dev/",
        "/proc/meminfo", "/proc/cpuinfo", "/proc/stat", "/proc/filesystems", "/proc/sys/", "/etc/ssl/", "/etc/nsswitch.conf",
    )  # fmt: skip
    modules = {str(Path.cwd()), *sys.path}
    """where an interpreter that starts looks for modules: the names of their files"""
    # a file for each process and thread: those of the console, and whatever they start
    told_by = {one.suffix[1:]: one.read_text(errors="replace").splitlines() for one in station.trace.parent.iterdir()}
    own = [pid for pid, lines in told_by.items() if any(begun.search(text) for text in lines)]
    assert own, "strace saw no query"
    for pid in own:
        own += [
            m[3] for text in told_by.get(pid, ()) if (m := kept.match(text)) and m[1] in ("clone", "clone3", "vfork", "fork")
        ]
    out = []
    for text in (text for pid in own for text in told_by.get(pid, ())):
        found = kept.match(text)
        if found is None:
            continue
        call, told, result = found.groups()
        if call in ("clone", "clone3", "vfork", "fork") or "O_PATH" in told:  # by the latter nothing can be read
            continue
        if int(result) < 0:
            continue
        path = (re.findall(r'"((?:[^"\\]|\\.)*)"', told) or [""])[0]
        writes = bool(re.search(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC", told)) or call not in (
            "open",
            "openat",
            "openat2",
            "execve",
        )
        if call in ("connect", "bind") and "AF_UNIX" not in told:
            out.append(text)
        elif temporary.match(path) or path == "/dev/null" or ("O_DIRECTORY" in told and path in modules):
            continue
        elif writes or not path.startswith((lake, *programs)) or "canary" in path or (path.startswith(lake) and "link" in path):
            out.append(text)
    return out


def one_case(station: Station, ends: str, case: str) -> tuple[float, bool]:
    """Seconds until the answer to that query, and whether one that is to be refused was ended instead."""
    query = station.fill(case)
    began = time.monotonic()
    answer = station.client.get("/sql?" + urlencode({"q": query, "format": "csv"}))
    took = time.monotonic() - began
    print(f"{took:6.1f} s  {answer.status}  {case[:90]!r}", flush=True)
    assert took < SECONDS + 25, case  # a watchdog: starting under strace on a busy machine is in it
    said = answer.content.decode("utf-8", "replace")
    assert SECRET not in said and "Traceback" not in said, case
    for place in (str(station.settings.lake), str(Path.home()), sys.prefix, "teiten-"):
        assert place in query or place not in said, (case, said[:400])
    assert not (station.folder / "new").exists(), case
    late = ends != "limit" and "ended after" in said
    wanted = (200,) if ends == "harmless" or not query.strip() else (400,)
    assert answer.status in wanted or late, (case, answer.status, said[:300])
    if ends == "limit":
        assert re.search(r"memory|ended after|larger than|overflow|too|limit", said, re.IGNORECASE), (case, said[:300])
    return took, late


@pytest.mark.timeout(3600)
@pytest.mark.skipif(bool(os.environ.get("PYTEST_XDIST_WORKER")), reason="measures memory and time: make test-faults")
def test_no_way_out(station: Station, figure: Callable[..., None]) -> None:
    """Every case: nothing read, nothing written, nothing told, an answer in time, and the others served."""
    canary = station.folder / "canary.txt"
    before = files(station.folder)
    # read from now on, it would have a later time of access (relatime)
    os.utime(canary, (1_000_000_000, 1_500_000_000))
    started = time.monotonic()
    cases = [(table["ends"], case) for table in CASES.values() for case in table["cases"][:FEW]]
    with ThreadPoolExecutor(2) as visitors:  # as many as are asked at once
        times, late = zip(*visitors.map(lambda one: one_case(station, *one), cases), strict=True)
    longest, tried = max(times), len(cases)
    # on a machine that is busy with much else a process may not get to reading its query: it was ended, then
    assert sum(late) <= tried // 10
    assert canary.stat().st_atime == 1_000_000_000, "read by nobody"
    assert files(station.folder) == before
    assert station.seen.connected == 0
    assert touched(station) == []
    assert not list(children()), "no process is left"
    seen = station.seen
    assert seen.failed == [] and seen.others > 10
    assert seen.most_mb < MEMORY_MB + BASE_MB
    refused, bombs = (sum(ends == kind for ends, _ in cases) for kind in ("refused", "limit"))
    watched = "each open watched by strace, canaries untouched" if station.trace else "canaries untouched"
    figure(
        16,
        f"{tried} queries at a real server over HTTP ({refused} ways out, {bombs} bombs of memory, time and size, "
        f"{tried - refused - bombs} that only look like one): no file opened or changed beyond the lake's own ({watched}), no "
        f"connection; {sum(late)} of the ways out ended for time, the others refused in a sentence; at most "
        f"{seen.most_mb:.0f} MiB (limit {MEMORY_MB} and {BASE_MB} of the process itself), an answer after "
        f"{longest:.1f} s at most (limit {SECONDS:g} s and the start of a process); meanwhile {seen.others} pages for others, "
        f"the slowest after {seen.slowest:.1f} s ({time.monotonic() - started:.0f} s in all)",
    )
