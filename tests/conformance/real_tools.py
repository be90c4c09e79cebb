"""Runs real scanners against a dark prefix, in network namespaces of its own, and captures what arrives there.

usage: real_tools.py FOLDER NAME,NAME... , started by test_real_tools.py inside fresh network and process namespaces, which the
kernel takes down with everything in them when the first process ends, however it ends. Three namespaces:

    world (this one)    scanners and attackers; its default route leads into the dark
    dark                answers nothing: tcpdump and NFLOG see all that arrives on d0
    server              an ordinary host with an open and a closed port: the victim of spoofed floods

No interface leads out of them. FOLDER gets dark.pcap, nflog.pcap and ran.json (what each scan printed, and how it ended).
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

DARK4, DARK6 = "44.77", "2001:db8:77"
"""a /16 and a /48 that nobody in the laboratory has; what is sent there arrives on d0 and ends there"""
WORLD_LINK, DARK_LINK = "192.31.196.1", "192.31.196.2"
SERVER = "192.175.48.80"
"""it, and the scanners' addresses, are of the AS112 project: routed, as those of sources are, and nobody's scanner"""
SERVER6 = "2001:db8:3::80"
ASKED = {4: "192.175.48.78", 6: SERVER6}
"""the server's addresses that are asked in the name of others"""
BEYOND = "192.88.99.7"
"""behind the server, which says that it cannot be reached"""
LIFETIME = "120"
LOG_TAG = "TEITEN_TAG"
"""environment: what the kernel's log lines of this run begin with; without it nothing is logged"""


def source(number: int) -> str:
    """The address of scanner `number`: nobody else's in the laboratory."""
    return f"192.31.196.{number}"


@dataclass(frozen=True)
class Scan:
    """One source's doing. `commands` makes the commands of its source; several of them run side by side."""

    name: str
    number: int
    needs: str
    commands: Callable[[str], list[list[str]]]
    version: int = 4

    @property
    def source(self) -> str:
        return source(self.number) if self.version == 4 else f"2001:db8:1::{self.number:x}"


def nmap(*words: str, rate: int = 400) -> Callable[[str], list[list[str]]]:
    pace = ["--max-retries", "0", "--min-rate", str(rate), "--max-rate", str(rate), "--host-timeout", "20s"]
    return lambda src: [["nmap", "-n", "-Pn", "-S", src, "-e", "w0", *pace, *words]]


def zmap(*words: str, rate: int = 400) -> Callable[[str], list[list[str]]]:
    # one order, always the same: of an order drawn by chance, ZMap 2.1.1 falls over one in 200 (an assertion of its own)
    quiet = ["-q", "-v", "0", "-o", "/dev/null", "-b", "/dev/null", "--cooldown-time=1", "--seed=1"]
    return lambda src: [["zmap", "-i", "w0", "-S", src, "-G", _macs["d0"], "-r", str(rate), "-T", "1", *quiet, *words]]


def masscan(*words: str, rate: int = 600) -> Callable[[str], list[list[str]]]:
    def commands(src: str) -> list[list[str]]:
        link = ["--adapter", "w0", "--adapter-ip", src, "--adapter-mac", _macs["w0"], "--router-mac", _macs["d0"]]
        return [["masscan", *words, "--rate", str(rate), "--wait", "0", *link]]

    return commands


def hping(*words: str, count: int, pause_us: int = 2000) -> Callable[[str], list[list[str]]]:
    return lambda src: [["hping3", "-q", "-n", "-I", "w0", "-a", src, "-c", str(count), "-i", f"u{pause_us}", *words]]


def mirai(src: str) -> list[list[str]]:
    """Mirai's shape: 23 nine times in ten, one window for the whole process, the sequence number that of the destination."""
    rng = random.Random(5)
    out = []
    for n in range(24):
        target = f"{DARK4}.{rng.randrange(256)}.{rng.randrange(1, 255)}"
        number = struct.unpack("!I", socket.inet_aton(target))[0]
        port = "2323" if n % 10 == 9 else "23"
        shape = ["-S", "-w", "31286", "-s", str(20_000 + 7 * n), "-k", "-p", port, "-M", str(number)]
        out.append(["hping3", "-q", "-n", "-I", "w0", "-a", src, "-c", "1", "-i", "u1000", *shape, target])
    return out


def spoofed(*words: str, count: int, pause_us: int = 2000) -> Callable[[str], list[list[str]]]:
    return lambda _: [["hping3", "-q", "-n", "-I", "w0", "--rand-source", "-c", str(count), "-i", f"u{pause_us}", *words]]


def attack(*words: str, seconds: int) -> Callable[[str], list[list[str]]]:
    """A flood upon the server from invented sources, ten packets a second: slow, and long enough to be an attack."""
    return lambda _: [["hping3", "-q", "-n", "-I", "w1", "--rand-source", "-c", str(seconds * 10), "-i", "u100000", *words]]


def answers(_: str) -> list[list[str]]:
    """Questions to an open port, a closed one, and one of UDP, each from two addresses that are not ours."""
    ask = ("hping3", "-q", "-n", "-I", "w1", "-c", "5", "-i", "u20000")
    own = [f"{DARK4}.70.{n}" for n in (1, 2)]
    return [
        [*ask, "-a", src, *words, ASKED[4]]
        for src in own
        for words in (("-S", "-p", "80"), ("-S", "-p", "81"), ("-2", "-p", "9"))
    ]


def answers_six(_: str) -> list[list[str]]:
    """The same over IPv6, which hping3 does not speak."""
    ask = (
        "nmap",
        "-6",
        "-n",
        "-Pn",
        "-e",
        "w1",
        "--send-ip",
        "--max-retries",
        "0",
        "--min-rate",
        "100",
        "--host-timeout",
        "5s",
    )
    own = [f"{DARK6}::70:{n}" for n in range(1, 7)]
    return [[*ask, "-S", src, *words, SERVER6] for src in own for words in (("-sS", "-p", "80,81"), ("-sU", "-p", "9"))]


ANYWHERE = f"{DARK4}.x.x"
SCANS = (
    Scan("nmap_syn", 10, "nmap", nmap("-sS", "-p", "23", f"{DARK4}.10.0/24")),
    Scan("nmap_ports", 11, "nmap", nmap("-sS", "-p", "21,22,23,25,80,110,143,443,445,3389,8080,8443", f"{DARK4}.11.0/28")),
    Scan("nmap_udp", 12, "nmap", nmap("-sU", "-p", "53,123,161,1900,5060", f"{DARK4}.12.0/27")),
    Scan("nmap_xmas", 13, "nmap", nmap("-sX", "-p", "22,23,80", f"{DARK4}.13.0/26")),
    Scan("nmap_connect", 14, "nmap", lambda _: [["nmap", "-n", "-Pn", "-sT", "-p", "22,23", "--max-retries", "0", "--min-rate",
                                                "200", "--initial-rtt-timeout", "100ms", f"{DARK4}.14.0/27"]]),
    Scan("nmap_run", 15, "nmap", nmap("-sS", "-r", "-p", "1000-1999", f"{DARK4}.15.1")),
    Scan("zmap_syn", 20, "zmap", zmap("-p", "23", f"{DARK4}.20.0/24")),
    Scan("zmap_udp", 21, "zmap", zmap("-M", "udp", "-p", "53", "--probe-args=hex:0001", f"{DARK4}.21.0/25")),
    Scan("zmap_icmp", 22, "zmap", zmap("-M", "icmp_echoscan", f"{DARK4}.22.0/25")),
    Scan("masscan_syn", 30, "masscan", masscan(f"{DARK4}.30.0/24", "-p23,2323")),
    Scan("masscan_ports", 31, "masscan", masscan(f"{DARK4}.31.0/30", "-p1-200")),
    Scan("hping_syn", 40, "hping3", hping("-S", "-p", "445", "--rand-dest", ANYWHERE, count=400)),
    Scan("hping_run", 41, "hping3", hping("-S", "-p", "++3000", f"{DARK4}.41.1", count=400)),
    Scan("hping_ping", 42, "hping3", hping("-1", "--rand-dest", ANYWHERE, count=100)),
    Scan("mirai_shape", 50, "hping3", mirai),
    Scan("spoofed_one", 60, "hping3", spoofed("-S", "-p", "80", f"{DARK4}.60.1", count=1500, pause_us=2000)),
    Scan("spoofed_all", 61, "hping3", spoofed("-S", "-p", "443", "--rand-dest", ANYWHERE, count=1500, pause_us=2000)),
    Scan("answers", 70, "hping3", answers),
    Scan("answers_six", 71, "nmap", answers_six, 6),
    Scan("attack_open", 80, "hping3", attack("-S", "-p", "80", SERVER, seconds=66)),
    Scan("attack_closed", 81, "hping3", attack("-S", "-p", "81", "192.175.48.81", seconds=66)),
    Scan("attack_udp", 82, "hping3", attack("-2", "-p", "9", "192.175.48.82", seconds=66)),
    Scan("attack_beyond", 83, "hping3", attack("-S", "-p", "80", BEYOND, seconds=66)),
    Scan("nmap_six", 6, "nmap", nmap("-6", "-sS", "-p", "23,80", *(f"{DARK6}::{n:x}" for n in range(1, 17))), 6),
)  # fmt: skip
BY_NAME = {scan.name: scan for scan in SCANS}


def run(*command: str, check: bool = True, timeout: float = 30) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False, stdin=subprocess.DEVNULL)
    if check and done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


_holders: dict[str, int] = {}


def inside(name: str, *command: str) -> list[str]:
    return ["nsenter", "-t", str(_holders[name]), "-n", *command]


_macs: dict[str, str] = {}
"""of w0 and d0"""


def namespace(name: str) -> None:
    """Another network namespace, held by a process that sleeps as long as the laboratory may last."""
    process = subprocess.Popen(["unshare", "--net", "sleep", LIFETIME])
    mine = Path("/proc/self/ns/net").readlink()
    for _ in range(200):
        if Path(f"/proc/{process.pid}/ns/net").readlink() != mine:
            break
        time.sleep(0.01)
    _holders[name] = process.pid


def join(own: str, other: str, name: str, addresses: dict[str, tuple[str, ...]]) -> None:
    """A veth pair from here to the namespace `name`, both ends up with their addresses."""
    run("ip", "link", "add", own, "type", "veth", "peer", "name", other, "netns", str(_holders[name]))
    for where, link in (((), own), (tuple(inside(name)), other)):
        run(*where, "sysctl", "-qw", f"net.ipv6.conf.{link}.accept_dad=0", check=False)
        run(*where, "sysctl", "-qw", f"net.ipv6.conf.{link}.router_solicitations=0", check=False)
        for address in addresses[link]:
            run(*where, "ip", "addr", "add", address, "dev", link, *(("nodad",) if ":" in address else ()))
        run(*where, "ip", "link", "set", link, "up")


def build() -> None:
    """world - w0/d0 - dark, world - w1/s0 - server; every other address lies beyond d0."""
    namespace("dark")
    namespace("server")
    run("ip", "link", "set", "lo", "up")
    scanners = tuple(f"{scan.source}/{32 if scan.version == 4 else 128}" for scan in SCANS if scan.number < 60)
    join(
        "w0",
        "d0",
        "dark",
        {"w0": (f"{WORLD_LINK}/24", "2001:db8:2::1/64", *scanners), "d0": (f"{DARK_LINK}/24", "2001:db8:2::2/64")},
    )
    # the first is the address by which it answers as a router
    victims = ("192.175.48.79/24", *(f"192.175.48.{n}/24" for n in (78, 80, 81, 82)), f"{SERVER6}/64")
    join("w1", "s0", "server", {"w1": ("192.175.48.1/24", "2001:db8:3::1/64"), "s0": victims})
    for link, where in (("w0", ()), ("d0", inside("dark"))):
        _macs[link] = run(*where, "ip", "-o", "link", "show", link).split("link/ether ")[1].split()[0]
    run("ip", "route", "add", "default", "via", DARK_LINK)
    run("ip", "-6", "route", "add", "default", "via", "2001:db8:2::2")
    run("ip", "route", "add", f"{DARK4}.14.0/24", "via", DARK_LINK, "src", source(14))
    run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.w1.rp_filter=0")
    run("ip", "-6", "neigh", "replace", "2001:db8:2::2", "lladdr", _macs["d0"], "dev", "w0", "nud", "permanent")
    run(*inside("server", "ip", "route", "add", "default", "via", "192.175.48.1"))
    run(*inside("server", "ip", "-6", "route", "add", "default", "via", "2001:db8:3::1"))
    run("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
    run(*inside("server", "sysctl", "-qw", "net.ipv6.icmp.ratelimit=0"), check=False)
    run("ip", "route", "add", f"{BEYOND}/32", "via", "192.175.48.79")
    run(*inside("server", "ip", "route", "add", "unreachable", f"{BEYOND}/32"))
    run(*inside("server", "sysctl", "-qw", "net.ipv4.ip_forward=1"))
    run(*inside("server", "sysctl", "-qw", "net.ipv4.icmp_ratelimit=0", "net.ipv4.icmp_ratemask=0"), check=False)
    run(*inside("server", "sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.tcp_synack_retries=0"), check=False)
    raw = ("-t", "raw", "-A", "PREROUTING", "-i", "d0")
    for tables in ("iptables", "ip6tables"):
        run(*inside("dark", tables, *raw, "-j", "NFLOG", "--nflog-group", "7"))
        if os.environ.get(LOG_TAG):
            flags = ("--log-tcp-sequence", "--log-tcp-options", "--log-ip-options")
            run(*inside("dark", tables, *raw, "-j", "LOG", "--log-prefix", f"{os.environ[LOG_TAG]} DROP ", *flags))
        run(*inside("dark", tables, *raw, "-j", "DROP"))


@contextlib.contextmanager
def captures(folder: Path) -> Iterator[None]:
    """tcpdump on d0 and on NFLOG's group, until the end of the block and what was still on its way."""
    helpers = []
    for name, link in (("dark.pcap", "d0"), ("nflog.pcap", "nflog:7")):
        command = ["tcpdump", "-i", link, "-U", "-n", "-s", "0", "-B", "16384", "-Z", "root", "-w", str(folder / name)]
        what = ["-Q", "in", "ip or ip6"] if link == "d0" else []
        helpers.append(
            subprocess.Popen(
                inside("dark", *command, *what), stdout=subprocess.DEVNULL, stderr=(folder / f"{name}.err").open("wb")
            )
        )
    try:
        for name in ("dark.pcap", "nflog.pcap"):
            for _ in range(100):
                if b"listening" in (folder / f"{name}.err").read_bytes():
                    break
                time.sleep(0.05)
        yield
        time.sleep(0.5)
    finally:
        for helper in helpers:
            helper.terminate()
        for helper in helpers:
            helper.wait(timeout=10)


def serve() -> subprocess.Popen[bytes]:
    """An ordinary listener on port 80 of the server."""
    code = "import socket,time; s=socket.create_server(('::', 80), family=socket.AF_INET6, dualstack_ipv6=True, backlog=512)"
    code += "; time.sleep(3600)"
    return subprocess.Popen(inside("server", sys.executable, "-c", code))


def do(scan: Scan, later: float) -> dict[str, object]:
    """The scan's commands side by side, after so many seconds, and how they ended."""
    time.sleep(later)
    began = time.monotonic()
    commands = scan.commands(scan.source)
    running = [
        subprocess.Popen(c, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL) for c in commands
    ]
    told = [process.communicate(timeout=90)[0].decode("utf-8", "replace") for process in running]
    codes = [process.returncode for process in running]
    return {"name": scan.name, "codes": codes, "told": "\n".join(told)[-400:], "seconds": time.monotonic() - began}


@contextlib.contextmanager
def murmur() -> Iterator[None]:
    """A datagram now and then from an ordinary host: on a wire that has fallen silent masscan 1.3.2 waits for ever."""
    over = threading.Event()

    def speak() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            while not over.wait(0.2):
                out.sendto(b"still here", (DARK_LINK, 9))

    thread = threading.Thread(target=speak)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def main() -> None:
    folder, names = Path(sys.argv[1]), sys.argv[2].split(",")
    build()
    server = serve()
    time.sleep(0.3)
    with captures(folder), murmur(), ThreadPoolExecutor(len(names)) as pool:
        # the floods last a minute; where the kernel logs, the others take turns, at a pace that its ring buffer follows
        apart = 2.5 if os.environ.get(LOG_TAG) else 0.0
        short = [name for name in names if not name.startswith("attack_")]
        later = [apart * short.index(name) if name in short else 0.0 for name in names]
        ran = list(pool.map(do, [BY_NAME[name] for name in names], later))
    server.kill()
    (folder / "ran.json").write_text(json.dumps(ran, indent=1))


if __name__ == "__main__":
    main()
