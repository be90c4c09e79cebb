"""A laboratory: two network namespaces, real scanners in one, the kernel's LOG beside tcpdump in both.

Nothing leaves the namespaces: a veth pair joins them, 10.66.0.0/24 and fd66::/64 are theirs alone, and both are taken
down with whatever ran in them. The rules stand in the raw table, before the kernel puts fragments together, so that the
log and the capture see the same packets.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

NEEDED = ("ip", "iptables", "ip6tables", "nft", "tcpdump", "tshark", "nmap", "hping3", "dmesg", "sysctl")
SCANNER, VICTIM = "teiten-scan", "teiten-dark"
ADDRESSES = {SCANNER: ("10.66.0.1", "fd66::1"), VICTIM: ("10.66.0.2", "fd66::2")}
TAG = f"{os.getpid():x}"
"""tells this run's lines from those of runs before, which the ring buffer still holds"""
ALL_NETNS = "net.netfilter.nf_log_all_netns"
HERE = Path(__file__).parent
os.environ["PATH"] += ":/usr/sbin:/sbin"


@dataclass(frozen=True)
class Recording:
    """One logger's lines and the capture of the same packets. `logger` is 'iptables' or 'nftables'."""

    logger: str
    namespace: str
    log: Path
    capture: Path


def run(*command: str, timeout: float = 60, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=check, stdin=subprocess.DEVNULL)


def within(namespace: str, *command: str, timeout: float = 60, check: bool = True) -> subprocess.CompletedProcess[str]:
    return run("ip", "netns", "exec", namespace, *command, timeout=timeout, check=check)


def build() -> None:
    """The two namespaces, joined; quiet (no autoconfiguration), with a logger of each kind on every packet that comes in."""
    for namespace in (SCANNER, VICTIM):
        run("ip", "netns", "add", namespace)
    run("ip", "link", "add", "v0", "netns", SCANNER, "type", "veth", "peer", "name", "v0", "netns", VICTIM)
    for namespace, (four, six) in ADDRESSES.items():
        within(namespace, "ip", "link", "set", "lo", "up")
        within(namespace, "ip", "addr", "add", f"{four}/24", "dev", "v0")
        within(namespace, "ip", "addr", "add", f"{six}/64", "dev", "v0", "nodad")
        within(namespace, "sysctl", "-qw", "net.ipv6.conf.v0.router_solicitations=0", check=False)
        within(namespace, "ip", "link", "set", "v0", "up")
        within(namespace, "sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.icmp_ratelimit=0", check=False)
        flags = ("--log-tcp-sequence", "--log-tcp-options", "--log-ip-options")
        for tables in ("iptables", "ip6tables"):
            where = ("-t", "raw", "-A", "PREROUTING", "-i", "v0")
            within(namespace, tables, *where, "-j", "LOG", "--log-prefix", f"IPT-{TAG}-{namespace} DROP ", *flags)
        within(namespace, "nft", "add", "table", "inet", "teiten")
        within(namespace, "nft", "add chain inet teiten in { type filter hook prerouting priority -290; }")
        within(namespace, "nft", f'add rule inet teiten in iif "v0" log prefix "NFT-{TAG}-{namespace} DROP " flags all')


def take_down() -> None:
    for namespace in (SCANNER, VICTIM):
        pids = run("ip", "netns", "pids", namespace, check=False).stdout.split()
        for pid in pids:
            run("kill", pid, check=False)
        run("ip", "netns", "del", namespace, check=False)


def traffic() -> None:
    """What scanners send, whole and odd, at a pace that the kernel's ring buffer follows."""
    four, six = ADDRESSES[VICTIM]
    nmap = ("nmap", "-n", "-Pn", "--max-rate", "200", "--max-retries", "0", "--host-timeout", "20s")
    scans = [
        ("-sS", "-p", "21-25,80,443,445,8080", four),
        ("-sT", "-p", "22,23", four),
        ("-sU", "-p", "53,123,161,1900,5060", four),
        ("-sX", "-p", "23", four), ("-sN", "-p", "23", four), ("-sF", "-p", "23", four), ("-sA", "-p", "23", four),
        ("-sW", "-p", "23", four), ("-sM", "-p", "23", four),
        ("-sY", "-p", "2905", four),
        ("-sO", "-p", "1,2,6,17,47,50,51,132", four),
        ("-sS", "-f", "-p", "23", four),
        ("-sS", "--ip-options", "R", "-p", "23", four),
        ("-sS", "--ip-options", "T", "-p", "23", four),
        ("-6", "-sS", "-p", "22,23,80", six),
        ("-6", "-sU", "-p", "53,161", six),
        ("-6", "-sX", "-p", "22", six),
    ]  # fmt: skip
    for scan in scans:
        within(SCANNER, *nmap, *scan, timeout=60, check=False)
    for ping in (("-PE", four), ("-PP", four), ("-PM", four), ("-6", "-PE", six)):
        within(SCANNER, "nmap", "-n", "-sn", "--disable-arp-ping", *ping, timeout=30, check=False)
    hping = ("hping3", "-q", "-n", "-c", "2", "-i", "u10000")
    for odd in (
        ("-S", "-p", "23"), ("-A", "-p", "80", "-M", "7", "-L", "9"), ("-F", "-P", "-U", "-p", "1"), ("-R", "-p", "2"),
        ("-S", "-X", "-Y", "-p", "3"), ("-S", "-w", "31286", "-N", "54321", "-t", "255", "-p", "2323"), ("-p", "4"),
        ("-2", "-p", "5060", "-d", "300"), ("-2", "-p", "53", "-s", "53"), ("-2", "-p", "7", "-d", "100", "-f"),
        ("-S", "-p", "23", "-d", "120", "-f"), ("-S", "-p", "24", "-x"), ("-S", "-p", "24", "-y"),
        ("-S", "-p", "25", "-o", "8"), ("-S", "-p", "25", "-g", "1600"),
        ("-1", "-C", "8"), ("-1", "-C", "13"), ("-1", "-C", "17"), ("-1", "-C", "0"),
        ("-1", "-C", "11", "-K", "0"), ("-1", "-C", "3", "-K", "3"), ("-1", "-C", "3", "-K", "4"), ("-1", "-C", "5", "-K", "1"),
        ("-0", "-H", "89", "-d", "20"), ("-G", "-S", "-p", "23"), ("-S", "-p", "0"), ("-S", "-s", "0", "-k", "-p", "9"),
    ):  # fmt: skip
        within(SCANNER, *hping, *odd, four, timeout=15, check=False)
    within(SCANNER, sys.executable, str(HERE / "odd_packets.py"), *ADDRESSES[SCANNER], *ADDRESSES[VICTIM], timeout=60)


def settled(path: Path, quiet: float = 1.0, limit: float = 20.0) -> None:
    """Waits until a file that another process writes has been still for a while."""
    began, size, since = time.monotonic(), -1, time.monotonic()
    while time.monotonic() - began < limit:
        now = path.stat().st_size
        if now != size:
            size, since = now, time.monotonic()
        elif time.monotonic() - since >= quiet:
            return
        time.sleep(0.1)


@contextlib.contextmanager
def _kernel_log(file: Path, before: Callable[[], None] = lambda: None) -> Iterator[None]:
    """What the kernel logs meanwhile, of any namespace, into that file. Skips where the kernel does not show it.

    `before` is done first, when nobody else uses the kernel's switch, which is the machine's and is put back at the end.
    """
    with (Path(tempfile.gettempdir()) / "teiten-laboratory.lock").open("w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        switch = run("sysctl", "-n", ALL_NETNS, check=False)
        if switch.returncode != 0:
            pytest.skip("this kernel has no nf_log_all_netns: the log of a namespace cannot be seen")
        reader: subprocess.Popen[bytes] | None = None
        try:
            before()
            run("sysctl", "-qw", f"{ALL_NETNS}=1")
            # the reader of the ring buffer comes first: the buffer itself keeps only some hundred lines
            with file.open("wb") as out:
                reader = subprocess.Popen(["dmesg", "-W"], stdout=out, stderr=subprocess.DEVNULL)
            yield
        finally:
            if reader is not None:
                reader.terminate()
                reader.wait(timeout=10)
            run("sysctl", "-qw", f"{ALL_NETNS}={switch.stdout.strip() or 0}", check=False)


@pytest.fixture(scope="session")
def kernel_log() -> Callable[..., contextlib.AbstractContextManager[None]]:
    """kernel_log(file): a block during which the kernel's log goes into that file."""
    return _kernel_log


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[Recording]:
    """The same packets seen by iptables LOG, by nftables and by tcpdump, on both ends."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to make network namespaces")
    missing = [tool for tool in NEEDED if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    folder = tmp_path_factory.mktemp("laboratory")
    kernel = folder / "kernel.log"
    captures = {namespace: folder / f"{namespace}.pcap" for namespace in ADDRESSES}
    helpers: list[subprocess.Popen[bytes]] = []

    def begin() -> None:
        take_down()
        try:
            build()
        except subprocess.CalledProcessError as error:
            pytest.skip(f"this kernel does not let us build the laboratory: {' '.join(error.cmd)}: {error.stderr.strip()}")
        # what the new interfaces say by themselves (multicast listeners, neighbours) is over before anybody records
        time.sleep(5)

    with _kernel_log(kernel, begin):
        try:
            for namespace, capture in captures.items():
                capture.touch()
                command = [
                    "ip",
                    "netns",
                    "exec",
                    namespace,
                    "tcpdump",
                    "-i",
                    "v0",
                    "-Q",
                    "in",
                    "-U",
                    "-n",
                    "-s",
                    "0",
                    "-Z",
                    "root",
                ]
                command += ["-w", str(capture), "ip or ip6"]
                helpers.append(subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL))
            time.sleep(3)
            traffic()
            settled(kernel)
            for helper in helpers:
                helper.terminate()
                helper.wait(timeout=10)
        finally:
            for helper in helpers:
                if helper.poll() is None:
                    helper.kill()
                    helper.wait(timeout=10)
            take_down()
    lines = kernel.read_bytes().splitlines(keepends=True)
    found = []
    for logger, mark in (("iptables", "IPT"), ("nftables", "NFT")):
        for namespace, capture in captures.items():
            log = folder / f"{logger}-{namespace}.log"
            log.write_bytes(b"".join(line for line in lines if f"{mark}-{TAG}-{namespace} DROP ".encode() in line))
            found.append(Recording(logger, namespace, log, capture))
    return found
