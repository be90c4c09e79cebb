"""Real rsyslog and syslog-ng, set up as the router guide says, to a real `teiten watch`: every line in the lake, once, in time.

Over UDP, TCP and TLS, in their own forms and in those of old devices. What is sent is what a kernel logs, numbered.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.full]

ROOT = Path(__file__).parents[2]
SENDERS = ROOT / "examples" / "senders"
os.environ["PATH"] += ":/usr/sbin:/sbin"
MANY = 500

OLD_RSYSLOG = """
kern.* action(type="omfwd" target="192.0.2.10" port="UDP" protocol="udp")
kern.* action(type="omfwd" target="192.0.2.10" port="UDP" protocol="udp" template="RSYSLOG_SyslogProtocol23Format")
kern.* action(type="omfwd" target="192.0.2.10" port="TCP" protocol="tcp")
kern.* action(type="omfwd" target="192.0.2.10" port="TCP" protocol="tcp" template="RSYSLOG_SyslogProtocol23Format")
"""
OLD_SYSLOG_NG = """
destination d_old_udp { network("192.0.2.10" port(UDP) transport("udp") persist-name("a")); };
log { source(s_src); destination(d_old_udp); };
destination d_old_tcp { network("192.0.2.10" port(TCP) transport("tcp") persist-name("b")); };
log { source(s_src); destination(d_old_tcp); };
destination d_old_tls {
  network("192.0.2.10" port(TLS) transport("tls") persist-name("c") tls(ca-file("CA") peer-verify(required-trusted)));
};
log { source(s_src); destination(d_old_tls); };
"""


def openssl(folder: Path) -> None:
    """ca.pem, and station.pem with its key in station.key."""
    new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    names = ["-addext", "subjectAltName=DNS:station.example,IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"]
    signer = ["-CA", "ca.pem", "-CAkey", "ca.key"]
    for words in (
        ["-subj", "/CN=an authority", "-keyout", "ca.key", "-out", "ca.pem"],
        [
            "-subj",
            "/CN=station.example",
            *signer,
            *names,
            "-keyout",
            "station.key",
            "-out",
            "station.pem",
        ],
    ):
        subprocess.run(new + words, cwd=folder, check=True, capture_output=True, timeout=60)


@contextlib.contextmanager
def watching(folder: Path) -> Iterator[dict[str, int]]:
    """A station that hears at three ports: kind -> port."""
    openssl(folder)
    table = '[station.input.{0}]\nkind = "syslog_{0}"\nlisten = "127.0.0.1:0"\nsensor = "{0}"\n'
    tables = "".join(table.format(name) for name in ("udp", "tcp", "tls"))
    own = 'certificate = "station.pem"\nkey = "station.key"\n'
    (folder / "teiten.toml").write_text(f'zone = "UTC"\nlake = "lake"\n[station]\nevery = 1\nspool = "spool"\n{tables}{own}')
    command = [sys.executable, "-m", "teiten", "watch", "--config", "teiten.toml", "--no-tasks"]
    with (folder / "station.log").open("wb") as log, subprocess.Popen(command, cwd=folder, stderr=log) as process:
        try:
            yield ports(folder)
            process.send_signal(signal.SIGTERM)
            assert process.wait(120) == 0, (folder / "station.log").read_text()
        finally:
            process.kill()


def ports(folder: Path) -> dict[str, int]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, ValueError, KeyError, IndexError):
            found = json.loads((folder / "spool" / "status.json").read_text())["inputs"]
            return {name: int(found[name]["state"]["_listen"].rpartition(":")[2]) for name in ("udp", "tcp", "tls")}
        time.sleep(0.1)
    raise AssertionError((folder / "station.log").read_text())


def settled(text: str, folder: Path, at: dict[str, int]) -> str:
    """The guide's configuration with this test's station in it."""
    text = text.replace("192.0.2.10", "127.0.0.1").replace("/etc/teiten/ca.pem", str(folder / "ca.pem"))
    for kind in ("UDP", "TCP", "TLS"):
        text = re.sub(rf'(port="|port\(){kind}\b', rf"\g<1>{at[kind.lower()]}", text)
    text = text.replace("CA", str(folder / "ca.pem")) if 'ca-file("CA")' in text else text
    blocks = []
    for block in re.split(r"\n(?=# )", text):
        port = at["tls"] if "6514" in block else at["udp"] if '"udp"' in block else at["tcp"]
        blocks.append(re.sub(r'(port=")(?:5514|6514)|(port\()(?:5514|6514)', lambda m, p=port: f"{m[1] or m[2]}{p}", block))
    return "\n".join(blocks)


def rsyslog(folder: Path, at: dict[str, int]) -> list[str]:
    own = settled((SENDERS / "rsyslog.conf").read_text() + OLD_RSYSLOG, folder, at)
    (folder / "rsyslog.conf").write_text(
        f'global(workDirectory="{folder}")\nmodule(load="imuxsock" SysSock.Use="off")\n'
        f'input(type="imuxsock" Socket="{folder}/log" useSysTimeStamp="off" rateLimit.Interval="0")\n{own}'
    )
    return ["rsyslogd", "-n", "-f", str(folder / "rsyslog.conf"), "-i", str(folder / "rsyslog.pid")]


def syslog_ng(folder: Path, at: dict[str, int]) -> list[str]:
    own = settled((SENDERS / "syslog-ng.conf").read_text() + OLD_SYSLOG_NG, folder, at)
    (folder / "syslog-ng.conf").write_text(f'@version: 3.38\nsource s_src {{ unix-dgram("{folder}/log"); }};\n{own}')
    state = ["--persist-file", f"{folder}/persist", "--control", f"{folder}/control", "--pidfile", f"{folder}/pid"]
    return ["syslog-ng", "-F", "-f", str(folder / "syslog-ng.conf"), *state]


def say(path: Path, first: int) -> None:
    """Numbered lines as a kernel hands them to the local syslog."""
    deadline = time.monotonic() + 30
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        while True:
            try:
                out.connect(str(path))
                break
            except OSError:
                assert time.monotonic() < deadline, "the sender does not listen"
                time.sleep(0.1)
        line = (
            b"[463590.331247] DROP IN=eth0 OUT= MAC=00:00:5e:00:53:01:00:00:5e:00:53:02:08:00 SRC=192.0.2.77 DST=203.0.113.5 "
        )
        line += b"LEN=40 TOS=0x00 PREC=0x00 TTL=240 ID=54321 PROTO=TCP SPT=%d DPT=23 WINDOW=65535 RES=0x00 SYN URGP=0 "
        for n in range(first, first + MANY):
            out.send(time.strftime("<4>%b %e %H:%M:%S kernel: ", time.gmtime()).encode() + line % n)
            if n % 50 == 0:
                time.sleep(0.01)


@pytest.mark.parametrize(
    ("sender", "ways"), [("rsyslogd", {"udp": 3, "tcp": 3, "tls": 1}), ("syslog-ng", {"udp": 2, "tcp": 2, "tls": 2})]
)
def test_every_line_of_a_real_sender_is_in_the_lake(tmp_path: Path, sender: str, ways: dict[str, int]) -> None:
    if shutil.which(sender) is None:
        pytest.skip(f"{sender} is not installed")
    if sender == "rsyslogd" and not list(Path("/usr/lib").glob("**/rsyslog/lmnsd_gtls.so")):
        pytest.skip("rsyslog-gnutls is not installed")
    began = time.time()
    with watching(tmp_path) as at:
        command = rsyslog(tmp_path, at) if sender == "rsyslogd" else syslog_ng(tmp_path, at)
        # (its stamps are local times: this station's zone is UTC)
        with (
            (tmp_path / "sender.log").open("wb") as log,
            subprocess.Popen(command, stderr=log, env=os.environ | {"TZ": "UTC"}) as process,
        ):
            try:
                say(tmp_path / "log", 20_000)
                deadline = time.monotonic() + 60
                while arrived(tmp_path) != {name: MANY * many for name, many in ways.items()} and time.monotonic() < deadline:
                    time.sleep(0.2)
                time.sleep(0.5)
            finally:
                process.terminate()
                process.wait(20)
    question = (
        "SELECT sensor, count(*) AS rows, count(DISTINCT src_port) AS ports, min(time) AS first, max(time) AS last, "
        "count(DISTINCT action) AS actions, min(action) AS action FROM events WHERE ip_id = 54321 GROUP BY sensor"
    )
    command = [sys.executable, "-m", "teiten", "sql", "--lake", "lake", "--output", "json", question]
    rows = json.loads(subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=120).stdout)
    log = (tmp_path / "sender.log").read_text() + (tmp_path / "station.log").read_text()
    assert {row["sensor"]: row["rows"] for row in rows} == {name: MANY * many for name, many in ways.items()}, log
    for row in rows:
        assert row["ports"] == MANY and (row["actions"], row["action"]) == (1, "drop")
        stamps = [time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(when)) for when in (began - 2, time.time() + 2)]
        assert stamps[0] <= row["first"].replace(" ", "T")[:19] <= row["last"].replace(" ", "T")[:19] <= stamps[1]


def arrived(folder: Path) -> dict[str, int]:
    """Lines written down, by input."""
    found = json.loads((folder / "spool" / "status.json").read_text())["inputs"]
    return {name: int(found[name]["feeds"].get(name, {}).get("received", 0)) for name in sorted(found)}
