"""Every loss has a number: sent = stored + rejected or ignored + refused + the kernel's drops + the queue's, in random runs."""

from __future__ import annotations

import random
import shutil
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.station.inputs.work import Work

from teiten.readers import _input, netfilter
from teiten.readers._base import FIRST_IGNORED, ReadOptions

pytestmark = [pytest.mark.full, pytest.mark.faults]

RUNS = 1000
LINE = (
    b"<4>Oct 22 05:02:07 gate kernel: DROP IN=eth0 OUT= MAC= SRC=192.0.2.77 DST=203.0.113.5 LEN=40 TOS=0x00 PREC=0x00 TTL=240 "
    b"ID=54321 PROTO=TCP SPT=51713 DPT=23 WINDOW=65535 RES=0x00 SYN URGP=0"
)
SAID = (
    LINE,
    LINE,
    LINE,
    b"<30>Oct 22 05:02:07 gate dnsmasq[1]: query",
    LINE.replace(b"192.0.2.77", b"192.0.2.777"),
    b"\xff\xfe\n",
    b"",
    b"x" * 500,
)


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A folder that costs no disk, where there is one: what is looked at here are numbers, not disks."""
    shared = Path("/dev/shm")
    if not shared.is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=shared) as folder:
        yield Path(folder)


def accounted(path: Path) -> Counter[str]:
    """What the reader says of all lines: made events, rejected, ignored."""
    out = Counter[str]()
    for chunk in netfilter.read(_input.of(path), ReadOptions(ZoneInfo("UTC"), year=2019)):
        out["events"] += int((chunk.outcome == 0).sum())
        out["rejected"] += int(((chunk.outcome > 0) & (chunk.outcome < FIRST_IGNORED)).sum())
        out["ignored"] += int((chunk.outcome >= FIRST_IGNORED).sum())
    return out


def kept(work: Work, folder: Path) -> int:
    """How many lines were written down; they are put to those of the runs before."""
    lines = work.lines()
    with (folder.parent / "all.log").open("ab") as out:
        out.write(b"".join(lines))
    return len(lines)


def datagrams(folder: Path, chance: random.Random) -> Counter[str]:
    table = {"kind": "syslog_udp", "listen": "127.0.0.1:0", "buffer": chance.choice((4096, 20_000, 1 << 20)), "max_line": 300}
    work = Work(folder, table, queue=chance.choice((500, 5000, 1 << 20)), sync=chance.choice((0.001, 0.02)))
    sent = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out, work.at_work(disk=chance.random() < 0.8):
        out.connect(work.place)
        for _ in range(chance.randrange(1, 6)):
            for _ in range(chance.randrange(100)):
                out.send(chance.choice(SAID))
                sent += 1
            time.sleep(chance.choice((0, 0, 0.005)))
    return Counter(work.counts(), sent=sent, written=kept(work, folder))


def connections(folder: Path, chance: random.Random) -> Counter[str]:
    table = {"kind": "syslog_tcp", "listen": "127.0.0.1:0", "max_line": 300}
    work = Work(folder, table, queue=chance.choice((500, 5000, 1 << 20)), sync=chance.choice((0.001, 0.02)))
    sent = Counter[str]()

    def say(counted: bool, said: list[bytes]) -> None:
        with socket.create_connection(work.place) as out:
            for one in said:
                out.sendall(b"%d %s" % (len(one), one) if counted else one + b"\n")
            out.shutdown(socket.SHUT_WR)
            while out.recv(10):
                pass
        sent["sent"] += len(said)

    with work.at_work():
        senders = []
        for n in range(chance.randrange(1, 5)):
            # (a counted frame begins with a priority: that is how it is told)
            said = [one for one in chance.choices(SAID, k=chance.randrange(60)) if one.strip(b"\n")]
            senders.append(threading.Thread(target=say, args=(n % 2 == 1, [b"<4>first", *said])))
        for one in senders:
            one.start()
        for one in senders:
            one.join()
    return Counter(work.counts(), written=kept(work, folder)) + sent


@pytest.mark.parametrize("run", [datagrams, connections], ids=["udp", "tcp"])
def test_what_was_sent_is_accounted_for(
    memory: Path, run: Callable[[Path, random.Random], Counter[str]], figure: Callable[[int, str], None]
) -> None:
    chance, sums, wrong = random.Random(20), Counter[str](), []
    for n in range(RUNS):
        folder = memory / str(n)
        one = run(folder, chance)
        sums += one
        if one["sent"] != one["written"] + one["refused"] + one["dropped_kernel"] + one["dropped_queue"]:
            wrong.append((n, one))
        shutil.rmtree(folder)
    assert not wrong, wrong[:3]
    said = accounted(memory / "all.log")
    assert said.total() == sums["written"] and min(said.values()) > 0 and sums["refused"]
    assert run is connections or (sums["dropped_kernel"] and sums["dropped_queue"])
    kind = "UDP" if run is datagrams else "TCP"
    figure(
        7,
        f"syslog over {kind}, {RUNS:,} random runs with small buffers, queues, stalls, garbage: {sums['sent']:,} lines sent = "
        f"{said['events']:,} stored + {said['rejected']:,} rejected + {said['ignored']:,} ignored + {sums['refused']:,} "
        f"refused + {sums['dropped_kernel']:,} dropped by the kernel + {sums['dropped_queue']:,} by the queue; difference 0",
    )
