"""10,000 idle connections, as a process of its own: memory, and how soon a new first payload is written down."""

from __future__ import annotations

import json
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = [pytest.mark.full, pytest.mark.alone]
CONNECTIONS = 10_000
RESPONDER = """
import sys, threading
from teiten.respond import services
from teiten.respond.listening import Limits, Listening
out = open(sys.argv[1], "ab", buffering=0)
listening = Listening([("0.0.0.0", 0)], services.load(), lambda block, lines: out.write(block),
                      limits=Limits(connections=int(sys.argv[2]), new=100_000, idle=600))
print(listening.places[0][1], flush=True)
listening.run(threading.Event())
"""


def test_ten_thousand_idle_connections_and_a_new_word(tmp_path: Path, figure: Callable[[int, str], None]) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < CONNECTIONS + 200:
        pytest.skip(f"this machine allows {hard} open files, and {CONNECTIONS + 200} are wanted")
    resource.setrlimit(resource.RLIMIT_NOFILE, (CONNECTIONS + 200, hard))
    lines = tmp_path / "lines"
    words = [sys.executable, "-c", RESPONDER, str(lines), str(CONNECTIONS)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    links = []
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        begun = time.monotonic()
        for n in range(CONNECTIONS):
            own = f"127.0.{1 + n // 6000}.{1 + n // 40 % 250}"
            links.append(socket.create_connection(("127.0.0.1", port), timeout=30, source_address=(own, 0)))
        seconds = time.monotonic() - begun
        while lines.read_bytes().count(b'"kind":"open"') < CONNECTIONS:
            assert time.monotonic() - begun < 120
            time.sleep(0.1)
        delays = []
        for n in range(20):  # one of those who were silent speaks; it makes no line's end
            word = b"first payload %d" % n
            before = time.monotonic()
            links[n * 7].sendall(word)
            while lines.read_bytes().count(b'"kind":"said"') <= n:
                assert time.monotonic() - before < 10
                time.sleep(0.01)
            delays.append(time.monotonic() - before)
        status = Path(f"/proc/{process.pid}/status").read_text()
        peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
        cpu = sum(map(int, Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]))
        made = f"{CONNECTIONS:,} idle connections in {peak:.0f} MiB; {CONNECTIONS / seconds:,.0f} new ones a second"
        figure(12, f"responding sensor: {made}; a first payload on the disk after {max(delays):.2f} s at most")
        assert peak < 256
        assert max(delays) < 1.5  # a second, and what a busy test machine adds
        # idle connections cost nothing
        time.sleep(3)
        again = sum(map(int, Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]))
        assert (again - cpu) / os.sysconf("SC_CLK_TCK") < 1.5
        first = json.loads(lines.read_bytes().splitlines()[0])
        assert first["kind"] == "open"
    finally:
        process.kill()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()
        for link in links:
            link.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
