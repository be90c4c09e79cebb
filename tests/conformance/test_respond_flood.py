"""A flood of SYNs from forged addresses, and connections past the accept queue, at the real responder in a namespace.

Nothing of a forged SYN reaches the responder: what the kernel made of it is told by its own counters. The responder stays up in
bounded memory, honest clients are recorded afterwards, and nothing goes out meanwhile but SYN-ACKs.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.conformance import test_respond as laboratory
from tests.conformance.test_respond import FOUR, SIX, TRAP, WORLD, within

pytestmark = [pytest.mark.root, pytest.mark.full, pytest.mark.alone]
NEEDED = ("ip", "nft", "ss", "hping3")
PORT = 2300
SECONDS = 5
CROWDED = "10.67.0.9"
"""whose share of connections is not the honest clients'"""
QUEUE = 256
"""connections that wait to be accepted, at most (net.core.somaxconn of the responder's namespace)"""
RULES = """
table inet watched {
  counter synack {}
  counter other {}
  chain out {
    type filter hook output priority 0; policy accept;
    oif "lo" accept
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, mld2-listener-report } accept
    tcp flags & (fin | syn | rst | psh | ack) == (syn | ack) counter name synack accept
    counter name other
  }
}
"""
CROWD = r"""
import socket, sys, time
links = []
for n in range(int(sys.argv[3])):
    link = socket.socket()
    link.bind((sys.argv[5], 0))
    link.setblocking(False)
    link.connect_ex((sys.argv[1], int(sys.argv[2])))
    links.append(link)
time.sleep(float(sys.argv[4]))
"""
HONEST = r"""
import json, socket, sys
ports = {}
for n, to in enumerate(sys.argv[2:]):
    try:
        with socket.create_connection((to, int(sys.argv[1])), timeout=10) as link:
            word = b"honest %d" % n
            link.sendall(word)
            ports[link.getsockname()[1]] = word.decode()
            link.settimeout(0.3)
            try:
                link.recv(100)
            except TimeoutError:
                pass
    except OSError as error:
        print(error, file=sys.stderr)
print(json.dumps(ports))
"""


@dataclass
class Flooded:
    sent: int
    counters: dict[str, int]
    """packets that left during the flood, by nftables"""
    kernel: dict[str, int]
    """what the kernel's counters rose by, during the flood and the crowd"""
    memory: tuple[int, int]
    """MiB of the process that listens, at its highest, before and after"""
    said: dict[int, str]
    """honest clients before, during and after: source port and what was said"""
    after: int
    """how many of them came afterwards"""
    kept: dict[laboratory.Key, bytes]
    opened: int


def kernel() -> dict[str, int]:
    lines = within(TRAP, "cat", "/proc/net/netstat").splitlines()
    names, values = next((a.split(), b.split()) for a, b in itertools.pairwise(lines) if a.startswith("TcpExt:"))
    return dict(zip(names[1:], map(int, values[1:]), strict=True))


def highest(pid: int) -> int:
    """MiB that the process took at most."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) // 1024


def listener() -> int:
    found = re.search(r"pid=(\d+)", within(TRAP, "ss", "-ltnpH", f"sport = :{PORT}"))
    assert found
    return int(found[1])


def honest(*places: str) -> dict[int, str]:
    told = within(WORLD, sys.executable, "-c", HONEST, str(PORT), *places, timeout=120)
    return {int(port): word for port, word in json.loads(told).items()}


@pytest.fixture(scope="module")
def flooded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flooded]:
    if os.geteuid() != 0:
        pytest.skip("needs root, to make network namespaces")
    missing = [tool for tool in NEEDED if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    folder = tmp_path_factory.mktemp("flood")
    laboratory.take_down()
    try:
        laboratory.build()
    except subprocess.CalledProcessError as error:
        laboratory.take_down()
        pytest.skip(f"this kernel does not let us build the laboratory: {' '.join(error.cmd)}: {error.stderr.strip()}")
    try:
        yield flood(folder)
    finally:
        laboratory.take_down()


def flood(folder: Path) -> Flooded:
    # (without the laboratory's rules: its table of connections would be what is full)
    within(TRAP, "nft", "flush", "ruleset")
    within(TRAP, "sysctl", "-qw", f"net.core.somaxconn={QUEUE}")
    within(WORLD, "ip", "addr", "add", f"{CROWDED}/24", "dev", "r0")
    within(TRAP, "ip", "route", "add", "default", "via", laboratory.ADDRESSES[WORLD][0])
    within(TRAP, "nft", "-f", "-", given=RULES)
    with laboratory.responding(folder):
        said = honest(FOUR, SIX)
        owner, before = listener(), kernel()
        memory = highest(owner)
        within(TRAP, "nft", "reset", "counters")
        words = ["timeout", str(SECONDS), "hping3", "-q", "-n", "-S", "-p", str(PORT), "--flood", "--rand-source", FOUR]
        told = laboratory.run("ip", "netns", "exec", WORLD, *words, check=False, timeout=60)
        sent = re.search(r"(\d+) packets transmitted", told.stderr + told.stdout)
        listed = json.loads(within(TRAP, "nft", "-j", "list", "counters"))
        counters = {one["counter"]["name"]: one["counter"]["packets"] for one in listed["nftables"] if "counter" in one}
        # nobody accepts for a while: what was completed waits in the queue, and there is more of it than fits
        os.kill(owner, signal.SIGSTOP)
        crowd = ["ip", "netns", "exec", WORLD, sys.executable, "-c", CROWD, FOUR, str(PORT), str(3 * QUEUE), "4", CROWDED]
        with subprocess.Popen(crowd) as process:
            time.sleep(2)
            os.kill(owner, signal.SIGCONT)
            assert process.wait(60) == 0
        rose = {name: value - before[name] for name, value in kernel().items() if value != before[name]}
        later = honest(*[FOUR, SIX] * 10)
        after = highest(owner)
    kept, opened = laboratory.kept_of(folder)
    return Flooded(int(sent[1]) if sent else 0, counters, rose, (memory, after), said | later, len(later), kept, len(opened))


def test_honest_clients_are_recorded_after_a_flood(flooded: Flooded, figure: Callable[[int, str], None]) -> None:
    said = {port: word.encode() for port, word in flooded.said.items()}
    kept = {key[1]: data for key, data in flooded.kept.items() if key[2] == PORT}
    assert flooded.after == 20 and {port: kept.get(port) for port in said} == said
    figure(
        18,
        f"{flooded.sent:,} SYNs from forged addresses in {SECONDS} s, then {3 * QUEUE} connections at a queue of {QUEUE}: "
        f"{flooded.after} of 20 honest clients recorded afterwards; ListenOverflows {flooded.kernel['ListenOverflows']}; "
        f"the listener {flooded.memory[1]} MiB ({flooded.memory[0]} before); sent meanwhile: {flooded.counters['synack']:,} "
        f"SYN-ACKs, {flooded.counters['other']} other packets",
    )


def test_the_flood_was_one(flooded: Flooded) -> None:
    """More came than fits, by the kernel's own counters: half-open ones, and completed ones that nobody had accepted."""
    assert flooded.sent > 20 * QUEUE, flooded.sent
    assert flooded.kernel.get("TCPReqQFullDoCookies", 0) + flooded.kernel.get("TCPReqQFullDrop", 0) > 0, flooded.kernel
    assert flooded.kernel.get("ListenOverflows", 0) > 0, flooded.kernel


def test_memory_is_bounded_and_forged_addresses_are_no_events(flooded: Flooded) -> None:
    """A SYN that became no connection is no event: its address says nothing of anybody."""
    assert flooded.memory[1] < min(256, flooded.memory[0] + 64)
    # the crowd's, as far as they were accepted, and the honest ones
    assert 22 <= flooded.opened <= 22 + 3 * QUEUE


def test_nothing_but_syn_acks_went_out(flooded: Flooded) -> None:
    assert flooded.counters["other"] == 0 and flooded.counters["synack"] > 0, flooded.counters
