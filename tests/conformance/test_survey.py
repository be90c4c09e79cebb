"""A survey in namespaces of its own, with a capture beside it: real servers are named, and not one packet goes to anybody else.

nmap's result for the same hosts, brought in by `teiten devices import`, names the same families.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.root, pytest.mark.full, pytest.mark.alone]
NEEDED = ("ip", "ss", "tcpdump")
ASKER, ASKED = "teiten-asker", "teiten-asked"
HOSTS = ("10.77.1.2", "10.77.1.3")
OPTED_OUT, OUTSIDE, OLD, SILENT = "10.77.1.9", "10.77.2.2", "10.77.1.7", "10.77.1.8"
os.environ["PATH"] += ":/usr/sbin:/sbin"
SERVER = """
import http.server
import socketserver
class Page(http.server.BaseHTTPRequestHandler):
    server_version = "uc-httpd/1.0.0"
    sys_version = ""
    def do_GET(self):
        body = b"<html><head><title>NETSurveillance WEB</title></head></html>"
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def log_message(self, *_): pass
socketserver.ThreadingTCPServer(("0.0.0.0", 80), Page).serve_forever()
"""
LINE = (
    "{at} gw kernel: DROP IN=ppp0 OUT= MAC= SRC={src} DST=198.51.100.23 LEN=40 TOS=0x00 PREC=0x00 TTL=50 ID=7 "
    "PROTO=TCP SPT=40000 DPT=23 SEQ=1 ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0\n"
)


def run(*command: str, timeout: float = 120, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=check, errors="replace")


def within(namespace: str, *command: str, timeout: float = 120, check: bool = True) -> subprocess.CompletedProcess[str]:
    return run("ip", "netns", "exec", namespace, *command, timeout=timeout, check=check)


@pytest.fixture(scope="module")
def hosts() -> Iterator[None]:
    """Two namespaces, wired; the other side has every address, a page on 80/tcp and nothing else."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    held: list[subprocess.Popen[bytes]] = []
    try:
        try:
            for namespace in (ASKER, ASKED):
                run("ip", "netns", "add", namespace)
            run("ip", "link", "add", "s0", "netns", ASKER, "type", "veth", "peer", "name", "s0", "netns", ASKED)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"namespaces cannot be made here: {error.stderr.strip()}")
        within(ASKER, "ip", "addr", "add", "10.77.0.1/16", "dev", "s0")
        for address in (*HOSTS, OPTED_OUT, OUTSIDE, OLD, SILENT):
            within(ASKED, "ip", "addr", "add", f"{address}/16", "dev", "s0")
        for namespace in (ASKER, ASKED):
            within(namespace, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", check=False)
            within(namespace, "ip", "link", "set", "lo", "up")
            within(namespace, "ip", "link", "set", "s0", "up")
        held.append(subprocess.Popen(["ip", "netns", "exec", ASKED, sys.executable, "-c", SERVER]))
        for _ in range(100):
            if ":80 " in within(ASKED, "ss", "-ltn", check=False).stdout:
                break
            time.sleep(0.2)
        yield
    finally:
        for process in held:
            process.kill()
            process.wait()
        for namespace in (ASKER, ASKED):
            run("ip", "netns", "del", namespace, check=False)


def teiten(*words: str, namespace: str = ASKER) -> subprocess.CompletedProcess[str]:
    return within(namespace, sys.executable, "-m", "teiten", *words, timeout=250)


@pytest.fixture(scope="module")
def lake(hosts: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("survey")
    now = dt.datetime.now(dt.UTC)
    sources = [(address, 1) for address in (*HOSTS, OPTED_OUT, OUTSIDE)] + [(OLD, 30)]
    log = "".join(LINE.format(at=(now - dt.timedelta(hours=hours)).isoformat(), src=address) for address, hours in sources)
    (folder / "gw.log").write_text(log)
    teiten("ingest", "--lake", str(folder / "lake"), str(folder / "gw.log"))
    (folder / "no.txt").write_text(f"{OPTED_OUT}  # asked not to be\n")
    day = now.date()
    (folder / "permission.toml").write_text(
        '[permission]\nby = "test"\nreference = "test"\ncontact = "survey@example.ac.jp"\n'
        f"from = {day - dt.timedelta(days=1)}\nuntil = {day + dt.timedelta(days=1)}\n"
        'prefixes = ["10.77.1.0/24"]\nopt_out = "no.txt"\n'
    )
    return folder


def captured(folder: Path, name: str, *words: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Runs teiten with a capture of everything that leaves the asker's side; the destinations of its packets, one each."""
    file = folder / f"{name}.pcap"
    command = ["ip", "netns", "exec", ASKER, "tcpdump", "-i", "s0", "-U", "-w", str(file), "--immediate-mode", "-Z", "root"]
    sniffer = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    time.sleep(1.5)
    done = teiten(*words)
    time.sleep(1.0)
    sniffer.send_signal(signal.SIGINT)
    sniffer.wait()
    text = run("tcpdump", "-nr", str(file), "ip and src host 10.77.0.1").stdout
    assert run("tcpdump", "-nr", str(file), "not ip and not arp").stdout == ""
    return done, re.findall(r"> (\d+\.\d+\.\d+\.\d+)[.:]", text)


def test_a_dry_run_sends_nothing(lake: Path) -> None:
    words = ("devices", "survey", "--lake", str(lake / "lake"), "--permission", str(lake / "permission.toml"), "--dry-run")
    done, sent = captured(lake, "dry", *words)
    assert sent == [] and all(host in done.stdout for host in HOSTS)
    assert OPTED_OUT not in done.stdout and OUTSIDE not in done.stdout and OLD not in done.stdout


def test_not_one_packet_goes_to_anybody_else(lake: Path) -> None:
    words = ("--lake", str(lake / "lake"), "--permission", str(lake / "permission.toml"), "--per-second", "10")
    done, sent = captured(lake, "survey", "devices", "survey", *words)
    print(f"{len(sent)} packets to {sorted(set(sent))}; {done.stderr.strip().splitlines()[-1]}")
    assert set(sent) == set(HOSTS) and len(sent) > 20
    shown = teiten("devices", "show", HOSTS[0], "--lake", str(lake / "lake")).stdout
    assert "Xiongmai" in shown and "uc-httpd" in shown
    _, again = captured(lake, "again", "devices", "survey", *words)
    assert again == []


def test_nmap_finds_the_same(lake: Path) -> None:
    if shutil.which("nmap") is None:
        pytest.skip("needs nmap")
    file = lake / "scan.xml"
    scripts = "http-title,http-server-header"
    within(ASKER, "nmap", "-n", "-Pn", "-p", "80", "-sV", "--script", scripts, "-oX", str(file), HOSTS[1], timeout=200)
    other = lake / "nmap-lake"
    teiten("devices", "import", str(file), "--lake", str(other))
    shown = teiten("devices", "show", HOSTS[1], "--lake", str(other)).stdout
    assert "Xiongmai" in shown and "NETSurveillance WEB" in shown


def test_without_a_permission_nothing_is_sent(lake: Path) -> None:
    done = within(ASKER, sys.executable, "-m", "teiten", "devices", "survey", "--lake", str(lake / "lake"), check=False)
    assert done.returncode == 2 and "without a written permission" in done.stderr
