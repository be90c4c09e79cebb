"""A survey's findings beside nmap's -sV of the same host, field by field; and the same survey over IPv6, with a capture."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.test_survey import ASKED, ASKER, LINE, run, teiten, within

pytestmark = [pytest.mark.root, pytest.mark.full, pytest.mark.alone]
NEEDED = ("ip", "ss", "tcpdump", "nmap", "openssl")
FOUR, SIX = "10.78.1.2", "fd78:0:0:1::2"
OPTED_OUT, OUTSIDE, OLD = "fd78:0:0:1::9", "fd78:0:0:2::2", "fd78:0:0:1::7"
PORTS = (21, 22, 23, 80, 443, 8080)
COMPARED = (21, 22, 80, 443, 8080)
"""(nmap takes half a minute for telnet alone)"""
SERVER = r"""
import http.server, socket, socketserver, ssl, sys, threading
class Tcp(socketserver.ThreadingTCPServer):
    address_family, allow_reuse_address, daemon_threads = socket.AF_INET6, True, True
class Page(http.server.BaseHTTPRequestHandler):
    sys_version, server_version, title, realm = "", "Boa/0.94.14rc21", "Router Login", None
    def do_GET(self):
        body = b"<html><head><title>%s</title></head></html>" % self.title.encode()
        self.send_response(401 if self.realm else 200)
        if self.realm: self.send_header("WWW-Authenticate", 'Basic realm="%s"' % self.realm)
        self.send_header("Content-Type", "text/html"); self.send_header("Content-Length", str(len(body)))
        self.end_headers(); self.wfile.write(body)
    do_POST = do_HEAD = do_OPTIONS = do_GET
    def log_message(self, *_): pass
class Locked(Page):
    server_version, title, realm = "mini_httpd/1.19 19dec2003", "401 Unauthorized", "DVR Web"
class Hello(socketserver.BaseRequestHandler):
    said = b""
    def handle(self):
        self.request.sendall(self.said); self.request.settimeout(1)
        try:
            while self.request.recv(1000): pass
        except OSError: pass
def serve(port, handler, context=None):
    server = Tcp(("::", port), handler)
    if context: server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain(sys.argv[1], sys.argv[2])
GREETINGS = {
    21: b"220 (vsFTPd 3.0.3)\r\n", 22: b"SSH-2.0-dropbear_2019.78\r\n", 23: b"\xff\xfb\x01\r\nBusyBox v1.19.4\r\nlogin: "
}
for port, said in GREETINGS.items():
    serve(port, type("H", (Hello,), {"said": said}))
serve(80, Page); serve(8080, Locked); serve(443, Page, context)
threading.Event().wait()
"""
SIX_LINE = (
    "{at} gw kernel: DROP IN=ppp0 OUT= MAC= SRC={src} DST=2001:0db8:0000:0000:0000:0000:0000:0001 LEN=60 TC=0 HOPLIMIT=50 "
    "FLOWLBL=0 PROTO=TCP SPT=40000 DPT=23 SEQ=1 ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0\n"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Two namespaces wired for both versions of IP, a host with six services, and a lake in which it was seen."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    folder = tmp_path_factory.mktemp("beside")
    held: list[subprocess.Popen[bytes]] = []
    try:
        try:
            for namespace in (ASKER, ASKED):
                run("ip", "netns", "add", namespace)
            run("ip", "link", "add", "s0", "netns", ASKER, "type", "veth", "peer", "name", "s0", "netns", ASKED)
            for namespace, own in ((ASKER, ("10.78.0.1/16", "fd78::1/32")), (ASKED, (f"{FOUR}/16", *_hosts()))):
                for address in own:
                    nodad = ["nodad"] if ":" in address else []
                    within(namespace, "ip", "addr", "add", address, "dev", "s0", *nodad)
                within(namespace, "ip", "link", "set", "lo", "up")
                within(namespace, "ip", "link", "set", "s0", "up")
        except subprocess.CalledProcessError as error:
            pytest.skip(f"namespaces cannot be made here: {error.stderr.strip()}")
        key, certificate = str(folder / "key.pem"), str(folder / "cert.pem")
        subject = ["-subj", "/C=CN/O=Camera Works/CN=ipcam.example"]
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, *subject)
        held.append(subprocess.Popen(["ip", "netns", "exec", ASKED, sys.executable, "-c", SERVER, certificate, key]))
        for _ in range(150):
            listening = within(ASKED, "ss", "-ltn", check=False).stdout
            if all(f":{port} " in listening for port in PORTS):
                break
            time.sleep(0.2)
        _seen(folder)
        yield folder
    finally:
        for process in held:
            process.kill()
            process.wait()
        for namespace in (ASKER, ASKED):
            run("ip", "netns", "del", namespace, check=False)


def _hosts() -> list[str]:
    return [f"{address}/32" for address in (SIX, OPTED_OUT, OUTSIDE, OLD)]


def _seen(folder: Path) -> None:
    now = dt.datetime.now(dt.UTC)
    log = LINE.format(at=(now - dt.timedelta(hours=1)).isoformat(), src=FOUR)
    for address, hours in ((SIX, 1), (OPTED_OUT, 1), (OUTSIDE, 1), (OLD, 30)):
        whole = ipaddress.ip_address(address).exploded
        log += SIX_LINE.format(at=(now - dt.timedelta(hours=hours)).isoformat(), src=whole)
    (folder / "gw.log").write_text(log)
    teiten("ingest", "--lake", str(folder / "lake"), str(folder / "gw.log"))
    (folder / "no.txt").write_text(f"{OPTED_OUT}/128\n")
    day = now.date()
    (folder / "permission.toml").write_text(
        '[permission]\nby = "test"\nreference = "test"\ncontact = "survey@example.ac.jp"\n'
        f"from = {day - dt.timedelta(days=1)}\nuntil = {day + dt.timedelta(days=1)}\n"
        'prefixes = ["10.78.1.0/24", "fd78:0:0:1::/64"]\nopt_out = "no.txt"\n'
    )


@pytest.fixture(scope="module")
def surveyed(folder: Path) -> tuple[list[dict[str, Any]], set[str]]:
    """The rows of both addresses, and whom packets went to (without the neighbours' own talk)."""
    file = folder / "survey.pcap"
    words = ["tcpdump", "-i", "s0", "-Q", "out", "-U", "-w", str(file), "--immediate-mode", "-Z", "root", "tcp or udp"]
    sniffer = subprocess.Popen(["ip", "netns", "exec", ASKER, *words], stderr=subprocess.DEVNULL)
    time.sleep(1.5)
    permission = ("--permission", str(folder / "permission.toml"), "--per-second", "10")
    teiten("devices", "survey", "--lake", str(folder / "lake"), *permission)
    time.sleep(0.5)
    sniffer.terminate()
    sniffer.wait()
    told = run("tcpdump", "-nr", str(file)).stdout
    return rows(folder / "lake"), {place.rpartition(".")[0] for place in re.findall(r" > ([\da-f.:]+):", told)}


def rows(lake: Path) -> list[dict[str, Any]]:
    words = ("sql", "SELECT * FROM devices ORDER BY src_ip, port", "--lake", str(lake), "--output", "json")
    found: list[dict[str, Any]] = json.loads(teiten(*words).stdout)
    return found


def by_port(found: list[dict[str, Any]], address: str) -> dict[int, dict[str, Any]]:
    return {row["port"]: row for row in found if row["src_ip"] == address}


def test_over_ipv6_the_same_is_found_and_nobody_else_is_asked(
    surveyed: tuple[list[dict[str, Any]], set[str]], figure: Callable[[int, str], None]
) -> None:
    found, asked = surveyed
    others = asked - {FOUR, SIX}
    figure(18, f"a survey over IPv4 and IPv6, captured: addresses outside its permission that a packet went to: {len(others)}")
    assert asked == {FOUR, SIX}
    four, six = by_port(found, FOUR), by_port(found, SIX)
    assert set(four) == set(six) == set(PORTS)
    assert four[23]["banner"] == "BusyBox v1.19.4\r\nlogin:"  # (without telnet's commands)
    told = ("service", "title", "server", "realm", "banner", "cert_sha256", "cert_subject", "cert_issuer")
    assert [{name: six[port][name] for name in told} for port in PORTS] == [
        {name: four[port][name] for name in told} for port in PORTS
    ]


def test_nmap_says_the_same_of_each_service(folder: Path, surveyed: tuple[list[dict[str, Any]], set[str]]) -> None:
    """The same ports and services; title, realm, certificate and greeting agree, word for word."""
    file, scripts = folder / "scan.xml", "http-title,http-server-header,http-auth,ssl-cert,banner"
    ports = ",".join(map(str, COMPARED))
    words = (
        "-n",
        "-Pn",
        "-p",
        ports,
        "-sV",
        "-T4",
        "--version-intensity",
        "1",
        "--script",
        scripts,
        "--script-args",
        "banner.timeout=2",
        "-oX",
        str(file),
        FOUR,
    )
    within(ASKER, "nmap", *words, timeout=200)
    teiten("devices", "import", str(file), "--lake", str(folder / "other"))
    ours, theirs = by_port(surveyed[0], FOUR), by_port(rows(folder / "other"), FOUR)
    assert set(theirs) == set(COMPARED)
    agree = {
        name: [port for port in COMPARED if ours[port][name] and ours[port][name] == theirs[port][name]]
        for name in ("service", "title", "server", "realm", "cert_sha256", "cert_subject", "cert_issuer")
    }
    assert agree["service"] == list(COMPARED)
    assert agree["title"] == agree["server"] == [80, 443, 8080] and agree["realm"] == [8080]
    assert agree["cert_sha256"] == agree["cert_subject"] == agree["cert_issuer"] == [443]
    for port, said in ((21, "220 (vsFTPd 3.0.3)"), (22, "SSH-2.0-dropbear_2019.78")):
        assert ours[port]["banner"] == theirs[port]["banner"] == said
