"""Datagrams: each as a line, whoever sent it; what is lost has a number, wherever it was lost."""

from __future__ import annotations

import errno
import os
import random
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.station.inputs.work import Work, until

from teiten.errors import InputError
from teiten.station.inputs import syslog_udp


def sender(place: tuple[str, int], source: str = "127.0.0.1") -> socket.socket:
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    out.bind((source, 0))
    out.connect(place)
    return out


def test_each_datagram_is_a_line(tmp_path: Path) -> None:
    work = Work(tmp_path, {"kind": "syslog_udp", "listen": "127.0.0.1:0", "max_line": 2000})
    with work.at_work(), sender(work.place) as out:
        for data in (b"<4>a", b"<4>b\n", b"<4>c\r\n\0", b"<4>d\n<4>e", b"\xff\xfe", b"", b"\n", b"x" * 3000):
            out.send(data)
        until(lambda: work.counts()["received"] == 9)
    assert work.lines() == [b"<4>a\n", b"<4>b\n", b"<4>c\n", b"<4>d\n", b"<4>e\n", b"\xff\xfe\n"]
    assert work.counts() == {"received": 9, "refused": 3, "bytes": 28}


def test_a_lines_text_changes_nothing(tmp_path: Path) -> None:
    """Senders are told apart by address alone; who is not named is refused and counted."""
    peers = {"127.0.0.2": "home", "127.0.0.3": "office"}
    work = Work(tmp_path, {"kind": "syslog_udp", "listen": "127.0.0.1:0", "peers": peers})
    with work.at_work():
        for source, text in (("2", b"a"), ("3", b"b"), ("4", b"c"), ("4", b"d")):
            with sender(work.place, f"127.0.0.{source}") as out:
                out.send(b"<4>Oct 22 05:02:07 127.0.0.2 sensor=home " + text)
        until(lambda: work.counts(None)["received"] == 2)
        until(lambda: work.lines("home") and work.lines("office"))
    assert [line[-2:] for line in work.lines("home")] == [b"a\n"] and [line[-2:] for line in work.lines("office")] == [b"b\n"]
    assert work.counts(None) == {"received": 2, "refused": 2}
    assert work.running.status()["strangers"] == 2
    assert len([text for _, text in work.told if "127.0.0.4" in text and "refused" in text]) == 1


def test_what_the_kernel_loses_is_counted(tmp_path: Path) -> None:
    """A buffer that is too small, a receiver that sleeps: sent = written down + lost, to the last datagram."""
    work = Work(tmp_path, {"kind": "syslog_udp", "listen": "127.0.0.1:0", "buffer": 4096})
    with sender(work.place) as out:
        for n in range(500):
            out.send(b"<4>line %d of many" % n)
        with work.at_work():
            until(lambda: work.running.status()["dropped_kernel"])
            out.send(b"<4>the last")
    counts = work.counts()
    assert 0 < counts["dropped_kernel"] < 500
    assert len(work.lines()) + counts["dropped_kernel"] == 501 and counts["received"] == len(work.lines())
    assert any("the kernel lost" in text for _, text in work.told)


def test_a_stall_loses_nothing_with_a_raised_buffer(tmp_path: Path) -> None:
    work = Work(tmp_path, {"kind": "syslog_udp", "listen": "127.0.0.1:0"})
    if work.running.buffer < 32 << 20:
        pytest.skip("the kernel's buffer cannot be raised here")
    with sender(work.place) as out:
        for n in range(20_000):
            out.send(b"<4>line %06d" % n)
        with work.at_work():
            until(lambda: work.counts()["received"] == 20_000)
    assert work.lines() == [b"<4>line %06d\n" % n for n in range(20_000)]
    assert work.counts()["dropped_kernel"] == 0


def test_a_full_queue_is_counted(tmp_path: Path) -> None:
    work = Work(tmp_path, {"kind": "syslog_udp", "listen": "127.0.0.1:0"}, queue=2000)
    with work.at_work(disk=False), sender(work.place) as out:
        for n in range(300):
            out.send(b"<4>line %d of many" % n)
            time.sleep(0.0002)
        until(lambda: sum(feed.totals.get("received", 0) for feed in work.desk.feeds.values()) == 300)
    counts = work.counts()
    assert counts["dropped_queue"] > 0 and counts["received"] == 300 == len(work.lines()) + counts["dropped_queue"]


def test_a_flood_takes_nothing_from_others(tmp_path: Path) -> None:
    """One sender fills its own socket's buffer; the datagrams of another all come through, and the cut has a number."""
    work = Work(tmp_path, {"kind": "syslog_udp", "listen": "127.0.0.1:0", "peers": {"127.0.0.2": "loud", "127.0.0.3": "home"}})
    for one in work.running.sockets:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 20_000)
    sent = 0
    with work.at_work(), sender(work.place, "127.0.0.2") as loud, sender(work.place, "127.0.0.3") as out:
        for n in range(60):
            for _ in range(500):
                loud.send(b"<4>" + b"z" * 300)
                sent += 1
            out.send(b"<4>line %d" % n)
            time.sleep(0.001)
        until(lambda: len(work.lines()) == 60)
        until(lambda: work.counts("loud")["received"] + work.running.status()["dropped_kernel"] == sent)
    assert work.lines() == [b"<4>line %d\n" % n for n in range(60)]
    lost = work.counts(None)["dropped_kernel"]
    assert 0 < lost < sent and lost + work.counts("loud")["received"] == sent


PROGRAM = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
sys.path[:0] = sys.argv[4:]
from pathlib import Path
from teiten.errors import InputError
from teiten.station.inputs import syslog_udp
from tests.station.inputs.work import Work, until
work = Work(Path(sys.argv[2]), {"kind": "syslog_udp", "listen": f"127.0.0.1:{sys.argv[3]}", "buffer": 4096})
work.running.sockets[0].setsockopt(1, 8, 20_000)
with work.at_work():
    until(lambda: work.counts()["received"])
    os._exit(9) if "kill" in os.environ else None
"""


def test_a_socket_of_systemds_outlives_the_station(tmp_path: Path) -> None:
    """What comes while it is started anew waits in the socket; what the kernel lost meanwhile is counted, once."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", 0))
        held.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 20_000)
        sent = 0
        for kill in (True, False, False):
            with sender(held.getsockname()) as out:
                for n in range(100):
                    out.send(b"<4>line %d" % n)
                    sent += 1
            words = [str(held.fileno()), str(tmp_path), str(held.getsockname()[1]), *sys.path, str(Path(__file__).parents[3])]
            environment = {**os.environ, **({"kill": "1"} if kill else {})}
            command = [sys.executable, "-c", PROGRAM, *words]
            subprocess.run(command, check=not kill, pass_fds=[held.fileno()], env=environment, timeout=60)
    work = Work(tmp_path, {"kind": "syslog_udp", "listen": "127.0.0.1:0"})
    counts = work.counts()
    assert 0 < counts["dropped_kernel"] < sent and counts["received"] + counts["dropped_kernel"] == sent
    work.desk.stop()
    for one in work.running.sockets:
        one.close()


def test_what_was_taken_is_handed_on_where_the_socket_fails(tmp_path: Path) -> None:
    work = Work(tmp_path, {"kind": "syslog_udp", "listen": "127.0.0.1:0"})
    take = work.running.take

    def failing(one: socket.socket, most: int) -> int:
        many: int = take(one, most)
        if many:
            raise OSError(errno.ENOMEM, "no memory")
        return many

    work.running.take = failing
    with pytest.raises(AssertionError, match="no memory"), work.at_work(), sender(work.place) as out:
        out.send(b"<4>taken before")
        work.thread.join(20)
    assert work.lines() == [b"<4>taken before\n"]


def test_a_larger_buffer_is_left_as_it_is() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 100_000)
        assert syslog_udp.raise_buffer(one, 50_000) == 100_000


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    first = Work(tmp_path / "1", {"kind": "syslog_udp", "listen": "127.0.0.1:0"})
    with first.at_work(), pytest.raises(InputError, match=r"Another program listens at 127\.0\.0\.1, UDP port"):
        Work(tmp_path / "2", {"kind": "syslog_udp", "listen": f"127.0.0.1:{first.place[1]}"})


def test_ipv6(tmp_path: Path) -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    work = Work(tmp_path, {"kind": "syslog_udp", "listen": "[::]:0", "peers": {"127.0.0.0/8": "four", "::1": "six"}})
    port = work.place[1]
    with work.at_work():
        for address, family in (("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)):
            with socket.socket(family, socket.SOCK_DGRAM) as out:
                out.sendto(address.encode(), (address, port))
        until(lambda: work.lines("four") and work.lines("six"))
    assert (work.lines("four"), work.lines("six")) == ([b"127.0.0.1\n"], [b"::1\n"])


def losses(folder: Path, chance: random.Random) -> int:
    """A run with small buffers, queues and sleeps: what was sent, less what is accounted for."""
    table = {"kind": "syslog_udp", "listen": "127.0.0.1:0", "buffer": chance.choice((4096, 20_000, 1 << 20)), "max_line": 300}
    work = Work(folder, table, queue=chance.choice((500, 5000, 1 << 20)), sync=chance.choice((0.001, 0.02)))
    sent = 0
    with sender(work.place) as out, work.at_work(disk=chance.random() < 0.8):
        for _ in range(chance.randrange(1, 6)):
            for _ in range(chance.randrange(100)):
                out.send(chance.choice((b"<4>short", b"<4>" + b"x" * 200, b"y" * 400, b"", b"\xff\0\n")))
                sent += 1
            time.sleep(chance.choice((0, 0, 0.005)))
    counts = work.counts()
    assert counts["received"] == len(work.lines()) + counts["refused"] + counts["dropped_queue"]
    return sent - counts["received"] - counts["dropped_kernel"]


def test_sent_is_written_down_refused_or_lost(tmp_path: Path) -> None:
    chance = random.Random(7)
    assert [losses(tmp_path / str(n), chance) for n in range(12)] == [0] * 12
