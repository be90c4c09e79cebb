"""What teiten calls real scanners that run against a dark prefix of our own, in network namespaces (real_tools.py).

The capture on the dark side and, in the long form, NFLOG's capture and the kernel's log of the same packets are ingested by
the real command. A tool that is not installed skips its own tests alone. The long form adds a minute of floods upon an
ordinary server, whose answers to invented addresses end up in the dark.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.root]

HERE = Path(__file__).parent
NEEDED = ("unshare", "setpriv", "nsenter", "ip", "sysctl", "iptables", "ip6tables", "tcpdump")
os.environ["PATH"] += ":/usr/sbin:/sbin"

_spec = importlib.util.spec_from_file_location("real_tools", HERE / "real_tools.py")
assert _spec is not None and _spec.loader is not None
real_tools = importlib.util.module_from_spec(_spec)
sys.modules["real_tools"] = real_tools
_spec.loader.exec_module(real_tools)

BRIEF = (
    "nmap_syn", "nmap_connect", "zmap_syn", "masscan_syn", "hping_syn", "mirai_shape", "spoofed_all", "nmap_six", "answers",
    "answers_six",
)  # fmt: skip
"""a few seconds; the others are of the long form"""
ALL = tuple(scan.name for scan in real_tools.SCANS)
Row = dict[str, Any]


@dataclass
class Laboratory:
    """What arrived in the dark, by where it was seen: 'capture', 'nflog', 'log'."""

    folder: Path
    ran: dict[str, Row]
    missing: dict[str, str]
    """scan -> the tool that is not installed"""
    inputs: dict[str, Path] = field(default_factory=dict)
    lost: int = 0
    """packets that the kernel's log lacks: its ring buffer keeps some hundred lines, which a busy machine overruns"""
    _rows: dict[str, dict[str, list[Row]]] = field(default_factory=dict)
    _verdicts: dict[str, list[Row]] = field(default_factory=dict)

    def need(self, name: str) -> Any:
        """The scan of that name; skips where it could not be run."""
        if name in self.missing:
            pytest.skip(f"not installed: {self.missing[name]}")
        return real_tools.BY_NAME[name]

    def events(self, where: str, name: str) -> list[Row]:
        """The events of that scan's source."""
        return self.of(where, real_tools.BY_NAME[name].source)

    def of(self, where: str, source: str) -> list[Row]:
        """The events of a source."""
        return self.by_source(where).get(source, [])

    def by_source(self, where: str) -> dict[str, list[Row]]:
        """Every event, by its source."""
        if where not in self._rows:
            found: dict[str, list[Row]] = defaultdict(list)
            told = teiten("decode", "--tz", "UTC", "--output", "jsonl", str(self.inputs[where]))
            for line in told.splitlines():
                row = json.loads(line)
                found[row["src_ip"]].append(row)
            self._rows[where] = found
        return self._rows[where]

    def verdicts(self, where: str) -> list[Row]:
        """Every verdict of a lake that ingested what was seen there."""
        if where not in self._verdicts:
            lake = self.folder / f"lake-{where}"
            config = self.folder / "teiten.toml"
            # a zone in which it is about noon, so that no scan is cut by midnight
            config.write_text(f'zone = "Etc/GMT{time.gmtime().tm_hour - 12:+d}"\n')
            teiten("ingest", "--config", str(config), "--lake", str(lake), "--sensor", "dark", str(self.inputs[where]))
            query = "SELECT src_ip, label, value, rule, confidence, evidence FROM verdicts"
            told = teiten("sql", "--config", str(config), "--lake", str(lake), "--output", "json", query)
            self._verdicts[where] = json.loads(told)
        return self._verdicts[where]

    def called(self, where: str, source: str, label: str) -> list[Row]:
        return [row for row in self.verdicts(where) if row["src_ip"] == source and row["label"] == label]


def teiten(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "teiten", *words], capture_output=True, text=True, timeout=200, check=False, cwd=HERE
    )
    assert done.returncode == 0, f"teiten {' '.join(words)}: {done.stderr}"
    return done.stdout


def laboratory_command(folder: Path, names: list[str]) -> list[str]:
    """When the process that runs it dies the first one there does, and with it its process and network namespaces."""
    alone = ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    return [*alone, sys.executable, str(HERE / "real_tools.py"), str(folder), ",".join(names)]


def record(folder: Path, names: tuple[str, ...], tag: str | None = None) -> Laboratory:
    """Runs the scans that can be run here. Skips, saying why, where no laboratory can be built at all."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to make network namespaces")
    lacking = [tool for tool in NEEDED if shutil.which(tool) is None]
    if lacking:
        pytest.skip(f"not installed: {', '.join(lacking)}")
    missing = {n: need for n in names if shutil.which(need := real_tools.BY_NAME[n].needs) is None}
    wanted = [name for name in names if name not in missing]
    command = laboratory_command(folder, wanted)
    more = {real_tools.LOG_TAG: tag} if tag else {}
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False, env={**os.environ, **more})
    if not (folder / "ran.json").exists():
        reason = (done.stderr.strip() or "it said nothing").splitlines()[-1]
        if "Operation not" in reason or "ermission" in reason or "No such file or directory" in reason:
            pytest.skip(f"this kernel does not let us build the laboratory: {reason}")
        pytest.fail(f"the laboratory broke: {done.stderr}")
    ran = {one["name"]: one for one in json.loads((folder / "ran.json").read_text())}
    return Laboratory(folder, ran, missing, {"capture": folder / "dark.pcap"})


@pytest.fixture(scope="module")
def brief(tmp_path_factory: pytest.TempPathFactory) -> Laboratory:
    """Some scans, in a few seconds; the capture of them alone."""
    return record(tmp_path_factory.mktemp("brief"), BRIEF)


@pytest.fixture(scope="module")
def whole(
    tmp_path_factory: pytest.TempPathFactory, kernel_log: Callable[..., contextlib.AbstractContextManager[None]]
) -> Iterator[Laboratory]:
    """All of them, with floods of more than a minute, and the kernel's log of the same packets."""
    folder = tmp_path_factory.mktemp("whole")
    tag = f"REAL-{os.getpid():x}"
    kernel = folder / "kernel.log"
    with kernel_log(kernel):
        found = record(folder, ALL, tag)
        time.sleep(1)
    lines = [
        line for line in kernel.read_bytes().splitlines(keepends=True) if tag.encode() in line and b" SRC=fe80" not in line
    ]
    (folder / "dark.log").write_bytes(b"".join(lines))
    found.inputs["nflog"] = folder / "nflog.pcap"
    # (what interfaces say of themselves may come before the capture begins)
    found.lost = sum(len(rows) for src, rows in found.by_source("capture").items() if not src.startswith("fe80")) - len(lines)
    if not found.lost:
        found.inputs["log"] = folder / "dark.log"
    yield found


@pytest.fixture
def laboratory(request: pytest.FixtureRequest) -> Laboratory:
    found: Laboratory = request.getfixturevalue(request.param)
    return found


def cases(names: tuple[str, ...]) -> list[Any]:
    """(laboratory, scan) for the brief form, and with the mark `full` for the long one."""
    out = [pytest.param("brief", name, id=name, marks=pytest.mark.full) for name in names if name in BRIEF]
    return out + [pytest.param("whole", name, id=f"{name}-whole", marks=pytest.mark.full) for name in names]


BOTH = [pytest.param("brief", id="brief", marks=pytest.mark.full), pytest.param("whole", id="whole", marks=pytest.mark.full)]
each_scan = pytest.mark.parametrize(("laboratory", "name"), cases(ALL), indirect=["laboratory"])


def some(*names: str) -> Any:
    return pytest.mark.parametrize(("laboratory", "name"), cases(names), indirect=["laboratory"])


# what a packet shows -------------------------------------------------------------------------------------------------


def number(address: str) -> int:
    a, b, c, d = map(int, address.split("."))
    return a << 24 | b << 16 | c << 8 | d


def by_definition(row: Row) -> dict[str, bool]:
    """The marks of definitions, from the packet's own fields, without teiten's code."""
    four, flags = ":" not in row["dst_ip"], row["tcp_flags"]
    syn = row["protocol"] == 6 and flags is not None and flags & 2 and not flags & 16
    target = number(row["dst_ip"]) if four else 0
    echo = row["protocol"] == 1 and row["icmp_type"] == 8
    return {
        "mark_mirai": bool(syn and four and row["tcp_seq"] == target and row["src_port"] > 1024),
        "mark_masscan": bool(syn and four and row["ip_id"] == (target ^ row["dst_port"] ^ row["tcp_seq"]) & 0xFFFF),
        "mark_zmap": bool(four and (syn or echo or row["protocol"] == 17) and row["ip_id"] == 54321),
    }


PACKETS = {
    "nmap_syn": 256, "nmap_ports": 192, "nmap_udp": None, "nmap_xmas": 192, "nmap_connect": 64, "nmap_run": 1000,
    "zmap_syn": 256, "zmap_udp": 128, "zmap_icmp": 128, "masscan_syn": 512, "masscan_ports": 800, "hping_syn": 400,
    "hping_run": 400,
    "hping_ping": 100, "mirai_shape": 24, "nmap_six": 32,
}  # fmt: skip
"""what a scan sends; None: depends on the tool's payloads"""
MARKED = {
    "zmap_syn": "mark_zmap", "zmap_udp": "mark_zmap", "zmap_icmp": "mark_zmap", "masscan_syn": "mark_masscan",
    "masscan_ports": "mark_masscan", "mirai_shape": "mark_mirai",
}  # fmt: skip
KINDS = {"nmap_udp": "udp", "nmap_xmas": "tcp", "zmap_udp": "udp", "zmap_icmp": "icmp", "hping_ping": "icmp"}
"""of a scan that is no SYN scan"""
SOURCED = tuple(PACKETS)


@some(*SOURCED)
def test_every_packet_arrives_and_is_one_event(laboratory: Laboratory, name: str) -> None:
    laboratory.need(name)
    seen = len(laboratory.events("capture", name))
    assert seen == PACKETS[name] if PACKETS[name] else seen > 100, laboratory.ran[name]["told"]
    for where in laboratory.inputs:
        assert len(laboratory.events(where, name)) == seen, where


@pytest.mark.full
def test_the_kernels_log_is_whole(whole: Laboratory) -> None:
    """Else the others looked at the captures alone."""
    if whole.lost:
        pytest.skip(f"this machine was too busy: the kernel's ring buffer lost {whole.lost:,} lines")
    rows = whole.by_source("log")
    assert {src: len(rows[src]) for src in rows} == {
        src: len(some) for src, some in whole.by_source("capture").items() if not src.startswith("fe80")
    }


@some(*SOURCED)
def test_the_marks_are_those_of_the_definitions(laboratory: Laboratory, name: str) -> None:
    laboratory.need(name)
    for where in laboratory.inputs:
        counts: Counter[str] = Counter()
        events = laboratory.events(where, name)
        for row in events:
            for mark, holds in by_definition(row).items():
                assert bool(row[mark]) == holds, (where, mark, row)
                counts[mark] += holds
        for mark in ("mark_mirai", "mark_masscan", "mark_zmap"):
            # one packet in 65,536 has another tool's mark by chance: three in some hundred would be no chance
            wanted = len(events) if MARKED.get(name) == mark else 0
            assert abs(counts[mark] - wanted) <= (0 if wanted else 2), (where, mark, counts)


@some(*SOURCED)
def test_the_kind_of_every_packet(laboratory: Laboratory, name: str) -> None:
    laboratory.need(name)
    for where in laboratory.inputs:
        assert {row["kind"] for row in laboratory.events(where, name)} == {KINDS.get(name, "syn")}, where


@pytest.mark.full
@pytest.mark.parametrize(
    ("name", "victim", "about"),
    [
        ("attack_open", "192.175.48.80", (6, 18)),
        ("attack_closed", "192.175.48.81", (6, 20)),
        ("attack_udp", "192.175.48.82", (1, 3)),
    ],
)
def test_a_victims_answers_are_backscatter(whole: Laboratory, name: str, victim: str, about: tuple[int, int]) -> None:
    whole.need(name)
    for where in whole.inputs:
        rows = whole.of(where, victim)
        assert len(rows) > 550, where
        assert {(row["protocol"], row["icmp_type"] if row["protocol"] == 1 else row["tcp_flags"]) for row in rows} == {about}
        assert {row["kind"] for row in rows} == {"backscatter"}
        if about[0] == 1:
            assert {(row["inner_dst_ip"], row["inner_protocol"], row["inner_dst_port"]) for row in rows} == {(victim, 17, 9)}


@some("answers", "answers_six")
def test_answers_to_what_others_asked_are_backscatter(laboratory: Laboratory, name: str) -> None:
    """SYN-ACK, RST and "port unreachable" of an ordinary host, to addresses that never asked it."""
    scan = laboratory.need(name)
    icmp = (1, 3, 3) if scan.version == 4 else (58, 1, 4)
    for where in laboratory.inputs:
        rows = [row for row in laboratory.of(where, real_tools.ASKED[scan.version]) if row["icmp_type"] != 136]
        seen = {(row["protocol"], row["icmp_type"], row["icmp_code"]) for row in rows if row["protocol"] != 6}
        assert seen == {icmp}, laboratory.ran[name]["told"]
        assert {row["tcp_flags"] for row in rows if row["protocol"] == 6} == {18, 20}, where
        assert {row["kind"] for row in rows} == {"backscatter"}, where
        quoted = {(row["inner_dst_ip"], row["inner_protocol"], row["inner_dst_port"]) for row in rows if row["protocol"] != 6}
        assert quoted == {(real_tools.ASKED[scan.version], 17, 9)}, where
        labels = {row["label"] for row in laboratory.verdicts(where) if row["src_ip"] == real_tools.ASKED[scan.version]}
        assert "backscatter" in labels and not labels & {"tool", "spoofed_flood", "port_scanner"}, (where, labels)


# what a source is called ---------------------------------------------------------------------------------------------

TOOLS = {
    "nmap_syn": "nmap", "nmap_ports": "nmap", "nmap_run": "nmap", "zmap_syn": "zmap", "zmap_udp": "zmap", "zmap_icmp": "zmap",
    "masscan_syn": "masscan", "masscan_ports": "masscan", "hping_syn": "hping3", "hping_run": "hping3", "mirai_shape": "mirai",
    "nmap_six": "nmap",
}  # fmt: skip
NAMELESS = ("nmap_connect", "nmap_xmas", "nmap_udp", "hping_ping")
"""nothing citable in their packets says which tool sent them"""


@some(*TOOLS)
def test_a_tool_is_named_and_no_other(laboratory: Laboratory, name: str) -> None:
    scan = laboratory.need(name)
    for where in laboratory.inputs:
        found = laboratory.called(where, scan.source, "tool")
        assert {row["value"] for row in found} == {TOOLS[name]}, (where, found)
        assert all(row["confidence"] >= 0.99 for row in found), (where, found)


@some(*NAMELESS)
def test_a_tool_without_a_rule_is_not_guessed(laboratory: Laboratory, name: str) -> None:
    scan = laboratory.need(name)
    for where in laboratory.inputs:
        assert laboratory.called(where, scan.source, "tool") == []


@some(*SOURCED)
def test_a_real_source_is_neither_forged_nor_a_victim(laboratory: Laboratory, name: str) -> None:
    """Trap: "spoofed" by a high TTL marks every packet of masscan's and old ZMap's."""
    scan = laboratory.need(name)
    for where in laboratory.inputs:
        labels = {row["label"] for row in laboratory.verdicts(where) if row["src_ip"] == scan.source}
        assert not labels & {"spoofed_flood", "backscatter", "attack_victim"}, (where, labels)


@pytest.mark.parametrize("laboratory", BOTH, indirect=True)
def test_evidence_names_no_address_of_the_dark(laboratory: Laboratory) -> None:
    for where in laboratory.inputs:
        for row in laboratory.verdicts(where):
            assert real_tools.DARK4 not in row["evidence"], row
            assert real_tools.DARK6 not in row["evidence"], row


@some("nmap_run", "hping_run")
def test_a_run_of_ports_is_one(laboratory: Laboratory, name: str) -> None:
    scan = laboratory.need(name)
    for where in laboratory.inputs:
        assert laboratory.called(where, scan.source, "port_run"), where


def strangers(laboratory: Laboratory, where: str, port: int) -> set[str]:
    """Sources that are nobody's in the laboratory, and sent to that port."""
    own = ("192.31.196.", "192.175.48.")
    rows = (row for rows in laboratory.by_source(where).values() for row in rows)
    return {
        row["src_ip"]
        for row in rows
        if row["dst_port"] == port and ":" not in row["src_ip"] and not row["src_ip"].startswith(own)
    }


@pytest.mark.parametrize(
    ("laboratory", "name", "port"),
    [
        pytest.param("brief", "spoofed_all", 443, id="spoofed_all"),
        pytest.param("whole", "spoofed_all", 443, id="spoofed_all-whole", marks=pytest.mark.full),
        pytest.param("whole", "spoofed_one", 80, id="spoofed_one-whole", marks=pytest.mark.full),
    ],
    indirect=["laboratory"],
)
@pytest.mark.full
def test_invented_sources_are_a_spoofed_flood_and_no_tool(laboratory: Laboratory, name: str, port: int) -> None:
    laboratory.need(name)
    for where in laboratory.inputs:
        sources = strangers(laboratory, where, port)
        assert len(sources) > 1400
        forged = {row["src_ip"] for row in laboratory.verdicts(where) if row["label"] == "spoofed_flood"} & sources
        named = {row["src_ip"] for row in laboratory.verdicts(where) if row["label"] == "tool"} & sources
        assert len(forged) >= 0.95 * len(sources), (where, len(forged), len(sources))
        assert not named, (where, sorted(named)[:5])


@pytest.mark.full
@pytest.mark.parametrize(
    ("name", "victim"),
    [
        ("attack_open", "192.175.48.80"),
        ("attack_closed", "192.175.48.81"),
        ("attack_udp", "192.175.48.82"),
        ("attack_beyond", "192.88.99.7"),
    ],
)
def test_an_attack_is_seen_by_its_victims_answers(whole: Laboratory, name: str, victim: str) -> None:
    """RSDoS: 25 packets, a minute, 30 packets within a minute. The last victim says nothing itself: a router quotes it."""
    whole.need(name)
    for where in whole.inputs:
        assert len(whole.called(where, victim, "attack_victim")) == 1, where


@pytest.mark.full
def test_a_laboratory_that_is_killed_leaves_nothing(tmp_path: Path) -> None:
    """kill -9 of the test takes the namespaces, and whatever runs in them, with it."""
    if lacking := [tool for tool in (*NEEDED, "hping3") if shutil.which(tool) is None]:
        pytest.skip(f"not installed: {', '.join(lacking)}")
    code = f"import subprocess; subprocess.run({laboratory_command(tmp_path, ['attack_open'])!r})"

    def left() -> list[str]:
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if str(tmp_path).encode() in (process / "cmdline").read_bytes():
                    found.append(process.name)
        return found

    parent = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE)
    began = time.monotonic()
    while not (tmp_path / "dark.pcap").exists() and time.monotonic() - began < 20 and parent.poll() is None:
        time.sleep(0.1)
    if parent.poll() is not None:
        pytest.skip("this kernel does not let us build the laboratory")
    assert len(left()) >= 4
    parent.kill()
    parent.communicate()
    began = time.monotonic()
    while left() and time.monotonic() - began < 10:
        time.sleep(0.1)
    assert left() == []
