"""Sensors and collector: killed at any moment, delivered thrice by two ways, a week offline; nothing lost or doubled."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from _logs import LINE, numbers
from tests.station.remote import collector, files, until

from teiten.lake import Lake
from teiten.settings import Settings
from teiten.station import certificates, shipping
from teiten.station.credentials import Credentials
from teiten.station.feeds import Desk
from teiten.station.making import Maker
from teiten.station.records import START, Record, digest
from teiten.station.replica import ElsewhereError, Replica
from teiten.station.segments import About
from teiten.station.shipping import Shipper
from teiten.station.spool import Spool
from teiten.station.trail import Stretch, Trail
from teiten.stationing import Station

pytestmark = pytest.mark.faults
SENSOR_MIB = 64.0
"""what is documented for a sensor"""


def line(n: int) -> bytes:
    return LINE.format(d=1 + n // 86400 % 28, m=n // 60 % 60, s=n % 60, x=n % 250, n=n).encode()


def made(folder: Path, *spools: Spool) -> Counter[int]:
    """The numbers in one lake made of all these spools, in turns."""
    chosen = Settings("UTC", "flag", lake=folder / "lake")
    makers = [Maker(spool, chosen, lambda *_: None) for spool in spools]
    for maker in makers * 2:
        maker.round()
    return numbers(Lake.open(folder / "lake"))


def fabricated(spool: Spool, many: int, pause: float = 1.0, name: str = "router.home.00112233445566ff") -> None:
    """A stream of that many records of a line each, `pause` seconds apart, up to now: as a sensor that was offline has it."""
    about = About(name, "home", "router")
    folder = spool.make(about).folder
    begun = at = time.time() - many * pause
    segment, end, sha, data, chain = 0, 0, START, bytearray(), bytearray()
    for n in range(many):
        told: dict[str, object] = {}
        if not chain:
            segment, end, begun = segment + 1, 0, at
            told["as"] = asdict(about)
        block, at = line(n), at + pause
        end += len(block)
        if last := at - begun >= 86400 or len(chain) > 8 << 20 or n == many - 1:
            told["seal"] = True
        counts = {"received": 1, "bytes": len(block)}
        one = Record(n + 1, at, n * pause, end, digest(block), sha, counts, {"at": n}, told).line()
        sha = one[-67:-3].decode()
        data += block
        chain += one
        if last:
            (folder / f"{segment:08d}.data").write_bytes(data)
            (folder / f"{segment:08d}.chain").write_bytes(chain)
            data.clear()
            chain.clear()


# every batch three times, shuffled, through two collectors --------------------------------------------------------------


def thrice(folder: Path, sensors: int, lines: int, seed: int) -> tuple[int, Counter[int]]:
    """How many deliveries there were, and the numbers in the lake of both collectors."""
    dice = random.Random(seed)
    waiting: list[tuple[int, About, Stretch]] = []
    collectors = [Spool.open(folder / f"collector{n}") for n in range(2)]
    for sensor in range(sensors):
        spool = Spool.open(folder / f"sensor{sensor}")
        stream = spool.stream("kern", f"s{sensor}", limit=6000)
        first = sensor * lines
        stream.run()
        while first < (sensor + 1) * lines:
            some = min(dice.randint(1, 30), (sensor + 1) * lines - first)
            stream.commit(b"".join(map(line, range(first, first + some))), counts={"received": some})
            first += some
        stream.stop()
        stream.close()
        trail = Trail(stream.folder)
        while (one := trail.read(stream.last.number, dice.randint(1, 5000))) is not None:
            trail.place = one.after
            waiting += [(way, stream.about, one) for way in (0, 1) for _ in range(3)]
    replicas: dict[tuple[int, str], Replica] = {}
    count, refused = len(waiting), 0
    while waiting:
        way, about, one = waiting.pop(dice.randrange(len(waiting)))
        key = (way, about.id)
        to = replicas.get(key) or Replica(collectors[way], about)
        if dice.random() < 0.9:
            replicas[key] = to
        else:
            replicas.pop(key, None)  # the collector is started anew
        assert one.data is not None
        try:
            to.take(one.segment, one.begin, one.lines, one.data)
        except ElsewhereError:
            refused += 1
            waiting.append((way, about, one))
    return count + refused, made(folder, *collectors)


def test_three_times_shuffled_by_two_ways(tmp_path: Path) -> None:
    count, found = thrice(tmp_path, 2, 200, 3)
    assert found == Counter(range(400)) and count > 100


@pytest.mark.full
@pytest.mark.timeout(900)
def test_three_times_shuffled_by_two_ways_often(tmp_path: Path, figure: Callable[[int, str], None]) -> None:
    deliveries, rounds, lines = 0, 3, 0
    for seed in range(rounds):
        (tmp_path / str(seed)).mkdir()
        count, found = thrice(tmp_path / str(seed), 4, 1500, seed)
        assert found == Counter(range(6000))
        deliveries, lines = deliveries + count, lines + 6000
    told = f"sensors: {deliveries:,} deliveries of {lines:,} lines, each block 3 times, shuffled, by 2 collectors into one lake"
    figure(5, f"{told}: no row more")


# kills of both ends ------------------------------------------------------------------------------------------------------


class Ends:
    """A sensor that follows a log, and a collector, each a process that can be killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "router.log"
        self.log.write_bytes(b"")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        certificate, _ = certificates.own(folder / "there" / "tls", ["127.0.0.1"])
        _, credential = Credentials(folder / "there" / "credentials.json").add("home")
        (folder / "there.toml").write_text(f'[station]\nspool = "there"\n[station.collect]\nlisten = "127.0.0.1:{port}"\n')
        (folder / "here.toml").write_text(
            f'[station]\nspool = "here"\nsync = 0.02\n[station.input.kern]\nkind = "file"\npath = "router.log"\npoll = 0.05\n'
            f'[station.collector]\nurl = "https://127.0.0.1:{port}"\ncredential = "{credential}"\nevery = 0.1\n'
            f'pin = "{certificates.fingerprint_of(certificate)}"\n'
        )
        self.commands = {
            "sensor": [sys.executable, "-m", "teiten", "sensor", "--config", str(folder / "here.toml")],
            "collector": [sys.executable, str(Path(__file__).parent / "_collector.py"), str(folder / "there.toml")],
        }
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as said:
            self.running[name] = subprocess.Popen(self.commands[name], stderr=said, cwd=self.folder)

    def kill(self, name: str) -> None:
        process = self.running.pop(name)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.full
@pytest.mark.timeout(900)
def test_kills_of_both_ends(tmp_path: Path, figure: Callable[[int, str], None]) -> None:
    kills, lines = killed(tmp_path, 60, 60_000)
    figure(1, f"sensor and collector: {kills} kills -9 of either end, {lines:,} numbered lines into the lake, each once")


def killed(folder: Path, kills: int, lines: int) -> tuple[int, int]:
    """Kills either end at random moments while a log grows; each line is in the lake once."""
    ends, dice = Ends(folder), random.Random(8)
    stop = threading.Event()
    written = 0

    def grow() -> None:
        nonlocal written
        with ends.log.open("ab", buffering=0) as log:
            while written < lines and not stop.is_set():
                some = min(lines - written, dice.randint(1, 2 * lines // (kills * 40) + 1))
                log.write(b"".join(map(line, range(written, written + some))))
                written += some
                time.sleep(0.05)

    try:
        ends.start("collector")
        ends.start("sensor")
        growing = threading.Thread(target=grow)
        growing.start()
        for _ in range(kills):
            time.sleep(dice.uniform(0.4, 1.5))
            name = dice.choice(("sensor", "collector"))
            ends.kill(name)
            ends.start(name)
        growing.join(120)
        here, there = Spool.open(folder / "here"), Spool.open(folder / "there")

        def arrived() -> bool:
            whole = b"".join(data for name, data in files(there).items() if name.endswith(".data"))
            return whole.count(b"\n") >= lines and files(here) == files(there)

        assert until(arrived, 60), (folder / "sensor.log").read_text()[-2000:]
    finally:
        stop.set()
        for name in list(ends.running):
            ends.kill(name)
    assert made(folder, there) == Counter(range(lines))
    return kills, lines


# a week offline ----------------------------------------------------------------------------------------------------------

CLEAN = """
import json, os, subprocess, sys
child = subprocess.Popen(json.loads(sys.argv[1]), cwd=sys.argv[2])
_, status, usage = os.wait4(child.pid, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), usage.ru_maxrss / 1024]))
"""


@pytest.mark.full
@pytest.mark.alone
@pytest.mark.timeout(900)
def test_a_week_offline_and_a_thousand_lines_a_second(tmp_path: Path, figure: Callable[[int, str], None]) -> None:
    """A line a second for a week waits in the spool; it arrives while a thousand lines a second come in, in 64 MiB."""
    ends = Ends(tmp_path)
    week = 7 * 86400
    fabricated(Spool.open(tmp_path / "here"), week)
    ends.start("collector")
    there = Spool.open(tmp_path / "there")
    begun, seconds = time.monotonic(), 60
    child = subprocess.Popen(
        [sys.executable, "-c", CLEAN, json.dumps(ends.commands["sensor"]), str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    try:
        with ends.log.open("ab", buffering=0) as log:
            n = 0
            while time.monotonic() - begun < seconds:
                want = int((time.monotonic() - begun) * 1000)
                log.write(b"".join(map(line, range(n, want))))
                n = want
                time.sleep(0.05)

        def arrived(stream: str) -> int:
            return sum(path.stat().st_size for path in there.streams_path.glob(f"{stream}.*/*.data"))

        late = sum(map(len, map(line, range(week))))
        assert until(lambda: time.sleep(0.5) or (arrived("kern") == ends.log.stat().st_size and arrived("router") == late), 600)
        took = time.monotonic() - begun
    finally:
        with contextlib.suppress(OSError, ValueError):
            os.kill(json.loads((tmp_path / "here" / "status.json").read_text())["pid"], signal.SIGTERM)
        code, most = json.loads(child.communicate(timeout=60)[0])
        ends.kill("collector")
    assert code == 0 and most < SENSOR_MIB
    assert (
        files(there).items() >= {k: v for k, v in files(Spool.open(tmp_path / "here")).items() if k.endswith(".data")}.items()
    )
    told = f"`teiten sensor`, {n // seconds:,} lines/s while a week of a line a second ({week:,} records) catches up"
    figure(12, f"{told}, done after {took:.0f} s: {most:.0f} of {SENSOR_MIB:.0f} MiB")


@pytest.mark.full
def test_sixty_sensors_at_once(tmp_path: Path) -> None:
    """Each line of each arrives, under its own sensor's name."""
    with collector(tmp_path) as remote:
        stop = threading.Event()
        desks, threads, shippers = [], [], []
        for number in range(60):
            desk = Desk(Spool.open(tmp_path / f"s{number}"), Station(sync=0.05))
            found, credential = shipping.settings(remote.table(remote.add(f"s{number}"), every=0.5))
            one = Shipper(found, credential, desk, lambda *_: None)
            threads.append(threading.Thread(target=one.run, args=(stop,)))
            desks.append(desk)
            shippers.append(one)
            desk.start()
            threads[-1].start()
        for n in range(100):
            for number, desk in enumerate(desks):
                desk.feed("kern", f"s{number}").put(b"%d of %d\n" % (n, number), received=1)
        wanted = {f"s{number}": b"".join(b"%d of %d\n" % (n, number) for n in range(100)) for number in range(60)}

        def there() -> dict[str | None, bytes]:
            return {
                one.sensor: b"".join(s.read(0, s.end) for s in remote.spool.segments(one.id)) for one in remote.spool.streams()
            }

        assert until(lambda: there() == wanted, 120)
        stop.set()
        for thread in threads:
            thread.join(60)
        for desk, one in zip(desks, shippers, strict=True):
            desk.stop()
            one.finish()
        assert remote.collector.server.counts["refused"] == 0
