"""The work of `teiten bench station`: a real station, real senders, somebody who asks all the time, and the same to rsyslog.

python -m teiten.bench._station_run FOLDER quick|whole OUT
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from teiten.errors import TeitenError

UDP_RATE: Final = 20_000
STREAM_RATE: Final = 55_000
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_NUMBER: Final = re.compile(rb"SEQ=(\d+) ")


@dataclass
class Process:
    """A daemon at work, with the processes that it started."""

    child: subprocess.Popen[bytes]

    def family(self) -> list[int]:
        """Its own id and those of its descendants."""
        parents: dict[int, list[int]] = {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError, ValueError):
                words = path.read_text().rpartition(")")[2].split()
                parents.setdefault(int(words[1]), []).append(int(path.parent.name))
        out = [self.child.pid]
        for one in out:
            out.extend(parents.get(one, ()))
        return out

    def processor(self) -> list[float]:
        """Processor seconds: its own, and those of its descendants, ended ones too."""
        own, others = 0.0, 0.0
        for one in self.family():
            with contextlib.suppress(OSError, ValueError):
                words = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
                mine, ended = int(words[11]) + int(words[12]), int(words[13]) + int(words[14])
                if one == self.child.pid:
                    own, others = own + mine / _TICKS, others + ended / _TICKS
                else:
                    others += (mine + ended) / _TICKS
        return [own, others]

    def memory(self) -> list[float]:
        """MiB at the most: its own, and the largest of its descendants."""
        found = [0.0]
        for one in self.family():
            with contextlib.suppress(OSError, AttributeError):
                text = Path(f"/proc/{one}/status").read_text()
                found.append(int(re.findall(r"VmHWM:\s+(\d+)", text)[0]) / 1024)
        return [found[1] if len(found) > 1 else 0.0, max(found[2:], default=0.0)]

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Ends it."""
        self.child.send_signal(how)
        self.child.wait(180)


class Station:
    """`teiten watch` in a folder, with an input of each kind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        own = ["-subj", "/CN=station", "-keyout", "station.key", "-out", "station.pem"]
        subprocess.run([*new, *own], cwd=folder, check=True, capture_output=True)
        self.ports: dict[str, int] = {"udp": 0, "tcp": 0, "tls": 0}

    def start(self) -> Process:
        """Starts it; it listens when this returns."""
        table = '[station.input.{0}]\nkind = "syslog_{0}"\nlisten = "127.0.0.1:{1}"\nsensor = "{0}"\n'
        tables = "".join(table.format(name, port) for name, port in self.ports.items())
        (self.folder / "teiten.toml").write_text(
            f'zone = "UTC"\nlake = "lake"\n[station]\nspool = "spool"\n{tables}'
            'certificate = "station.pem"\nkey = "station.key"\n'
        )
        with contextlib.suppress(OSError):
            (self.folder / "spool" / "status.json").unlink()
        command = [sys.executable, "-m", "teiten", "watch", "--config", "teiten.toml", "--no-tasks"]
        with (self.folder / "station.log").open("ab") as log:
            out = Process(subprocess.Popen(command, cwd=self.folder, stderr=log))
        self.ports = self._listening(out)
        return out

    def _listening(self, process: Process) -> dict[str, int]:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.child.poll() is None:
            with contextlib.suppress(OSError, ValueError, KeyError):
                found = self.status()
                return {name: int(found[name]["state"]["_listen"].rpartition(":")[2]) for name in ("udp", "tcp", "tls")}
            time.sleep(0.05)
        raise TeitenError(f"the station does not listen: {(self.folder / 'station.log').read_text()[-400:]}")

    def status(self) -> dict[str, Any]:
        """What it says of its inputs."""
        found: dict[str, Any] = json.loads((self.folder / "spool" / "status.json").read_text())["inputs"]
        return found

    def numbers(self, kind: str) -> list[int]:
        """The numbers of all lines that are written down of that input."""
        from teiten.station.spool import Spool

        spool, out = Spool(self.folder / "spool"), list[int]()
        for stream in spool.streams():
            for segment in spool.segments(stream.id) if stream.input == kind and stream.sensor is not None else ():
                if segment.path is not None:
                    out.extend(map(int, _NUMBER.findall(segment.read(0, segment.end))))
        return out

    def counted(self, name: str) -> int:
        """A counter of all chains."""
        from teiten.station.spool import Spool

        spool = Spool(self.folder / "spool")
        segments = [segment for stream in spool.streams() for segment in spool.segments(stream.id)]
        return sum(record.counts.get(name, 0) for segment in segments for record in segment.records)


def send(kind: str, port: int, rate: float, seconds: float, first: int = 0, *more: str) -> dict[str, float]:
    """Has a sender send; what it says of it."""
    words = [kind, f"127.0.0.1:{port}", str(rate), str(seconds), str(first), *more]
    command = [sys.executable, "-m", "teiten.bench._station_send", *words]
    told = subprocess.run(command, check=True, capture_output=True, timeout=seconds * 4 + 120).stdout
    out: dict[str, float] = json.loads(told)
    return out


@contextlib.contextmanager
def asking(station: Station) -> Iterator[list[tuple[float, float]]]:
    """Somebody asks the lake, again and again, how much there is and how new it is: (when, newest time)."""
    answers: list[tuple[float, float]] = []
    stop = threading.Event()
    program = (
        "import sys,time,teiten\n"
        "while True:\n"
        "    time.sleep(0.5)\n"
        "    try:\n"
        "        with teiten.open(sys.argv[1]) as lake:\n"
        "            rows = lake.sql('SELECT count(*) AS n, epoch_us(max(time)) AS t FROM events').rows()\n"
        "    except teiten.errors.TeitenError:\n"
        "        continue\n"
        "    print(time.time(), (rows[0][1] or 0) / 1e6, flush=True)\n"
    )
    command = [sys.executable, "-c", program, str(station.folder / "lake")]
    with (
        (station.folder / "asking.log").open("wb") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as child,
    ):

        def read() -> None:
            assert child.stdout is not None
            for line in child.stdout:
                when, newest = map(float, line.split())
                answers.append((when, newest))
                if stop.is_set():
                    return

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        try:
            yield answers
        finally:
            stop.set()
            child.terminate()
            thread.join(20)


def latencies(answers: list[tuple[float, float]], first: float, last: float) -> list[float]:
    """Of lines sent at an even rate between those times: seconds until an answer counted them, one for each 0.1 s."""
    out, sent = [], first
    for when, newest in answers:
        while sent <= min(newest, last):
            out.append(when - sent)
            sent += 0.1
    return sorted(out)


def rates(station: Station, quick: bool) -> dict[str, float]:
    """UDP, then TCP, then TLS, at their rates, while the lake is asked."""
    out: dict[str, float] = {}
    process = station.start()
    waits: list[float] = []
    with asking(station) as answers:
        send("tcp", station.ports["tcp"], 10, 1, 4_000_000_000)  # the lake is there, and asked, before anything is measured
        until(lambda: answers, 60)
        for kind in ("udp", "tcp", "tls"):
            rate, seconds = (UDP_RATE, 15 if quick else 600) if kind == "udp" else (STREAM_RATE, 10 if quick else 60)
            before, began = process.processor(), time.time()
            told = send(kind, station.ports[kind], rate, seconds)
            ended = time.time()
            until(lambda end=ended: answers[-1][1] >= end - 1, 180)  # type: ignore[misc]
            busy = [now - then for now, then in zip(process.processor(), before, strict=True)]
            waits += latencies(answers, began + 0.5, ended - 1)
            out[f"{kind}_rate"] = told["sent"] / told["seconds"]
            out[f"{kind}_sent"] = told["sent"]
            out[f"{kind}_receivers_percent"] = 100 * busy[0] / told["seconds"]
            out[f"{kind}_maker_percent"] = 100 * busy[1] / told["seconds"]
    out["receivers_mib"], out["maker_mib"] = process.memory()
    process.end()
    for kind in ("udp", "tcp", "tls"):
        found = [n for n in station.numbers(kind) if n < 4_000_000_000]
        out[f"{kind}_lost"] = out[f"{kind}_sent"] - len(set(found))
        out[f"{kind}_doubled"] = len(found) - len(set(found))
    waits.sort()
    out["latency_median_s"], out["latency_worst_s"] = waits[len(waits) // 2], waits[-1]
    out["rows_differ"] = sum(out[f"{kind}_sent"] - out[f"{kind}_lost"] for kind in ("udp", "tcp", "tls")) + 10 - rows(station)
    return out


def rows(station: Station) -> int:
    """Events in the lake."""
    import teiten

    if not (station.folder / "lake").is_dir():
        return 0
    with teiten.open(station.folder / "lake") as lake:
        [[many]] = lake.sql("SELECT count(*) FROM events").rows()
    return int(many)


def stall(folder: Path) -> dict[str, float]:
    """The station stands still for two seconds while 20,000 datagrams a second come."""
    station = Station(folder)
    process = station.start()
    sender = threading.Thread(target=lambda: told.update(send("udp", station.ports["udp"], UDP_RATE, 6)))
    told: dict[str, float] = {}
    sender.start()
    time.sleep(3)
    process.child.send_signal(signal.SIGSTOP)
    time.sleep(2)
    process.child.send_signal(signal.SIGCONT)
    sender.join()
    time.sleep(2)
    buffer = float(station.status()["udp"]["state"]["buffer"])
    process.end()
    lost, counted = told["sent"] - len(set(station.numbers("udp"))), station.counted("dropped_kernel")
    return {"stall_lost": lost, "stall_uncounted": lost - counted, "stall_buffer_mib": buffer / 2**20}


def kills(folder: Path, many: int) -> dict[str, float]:
    """Killed again and again while lines come over TCP from a sender that connects anew: lost and doubled lines."""
    station = Station(folder)
    chance, told = random.Random(1), dict[str, float]()
    process = station.start()
    seconds = many * 2.0
    words = ("tcp", station.ports["tcp"], 5000, seconds, 0, "--patient")
    sender = threading.Thread(target=lambda: told.update(send(*words)))
    sender.start()
    for _ in range(many):
        time.sleep(chance.uniform(0.3, 1.7))
        process.end(signal.SIGKILL)
        process = station.start()
    sender.join()
    time.sleep(1)
    process.end()
    found = station.numbers("tcp")
    return {
        "kills": many, "kills_sent": told["sent"], "kills_lost": told["sent"] - len(set(found)),
        "kills_doubled": len(found) - len(set(found)),
    }  # fmt: skip


# beside it ---------------------------------------------------------------------------------------------------------------


class Rsyslog:
    """rsyslog that writes what it receives into a file."""

    def __init__(self, folder: Path, program: str) -> None:
        self.folder, self.program = folder, program
        folder.mkdir(parents=True)
        self.ports = {"udp": free(socket.SOCK_DGRAM), "tcp": free(socket.SOCK_STREAM)}
        (folder / "rsyslog.conf").write_text(
            f'global(workDirectory="{folder}")\nmodule(load="imudp")\nmodule(load="imptcp")\n'
            f'template(name="raw" type="string" string="%rawmsg%\\n")\nruleset(name="r") {{ '
            f'action(type="omfile" template="raw" file="{folder}/out.log") }}\n'
            f'input(type="imudp" port="{self.ports["udp"]}" address="127.0.0.1" rcvbufSize="32m" ruleset="r")\n'
            f'input(type="imptcp" port="{self.ports["tcp"]}" address="127.0.0.1" ruleset="r")\n'
        )

    def start(self) -> Process:
        """Starts it; it listens when this returns."""
        with contextlib.suppress(OSError):
            (self.folder / "pid").unlink()
        command = [self.program, "-n", "-f", str(self.folder / "rsyslog.conf"), "-i", str(self.folder / "pid")]
        out = Process(subprocess.Popen(command, stderr=subprocess.DEVNULL))
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.ports["tcp"]), timeout=1):
                return out
            time.sleep(0.05)
        raise TeitenError("rsyslog does not listen")

    def numbers(self) -> list[int]:
        """The numbers of all lines in its file."""
        path = self.folder / "out.log"
        return list(map(int, _NUMBER.findall(path.read_bytes()))) if path.exists() else []


def beside(folder: Path, program: str, quick: bool, many: int) -> dict[str, float]:
    """The same load, and the same kills, on rsyslog."""
    out: dict[str, float] = {}
    for kind, rate in (("udp", UDP_RATE), ("tcp", STREAM_RATE)):
        peer = Rsyslog(folder / kind, program)
        process = peer.start()
        told = send(kind, peer.ports[kind], rate, 15 if quick else 60)
        until(lambda peer=peer, sent=told["sent"]: len(peer.numbers()) >= sent, 10, fail=False)  # type: ignore[misc]
        out[f"rsyslog_{kind}_rate"] = told["sent"] / told["seconds"]
        out[f"rsyslog_{kind}_percent"] = 100 * process.processor()[0] / told["seconds"]
        out[f"rsyslog_{kind}_mib"] = process.memory()[0]
        process.end()
        out[f"rsyslog_{kind}_lost"] = told["sent"] - len(set(peer.numbers()))
    peer, chance, told = Rsyslog(folder / "kills", program), random.Random(1), {}
    process = peer.start()
    words = ("tcp", peer.ports["tcp"], 5000, many * 2.0, 0, "--patient")
    sender = threading.Thread(target=lambda: told.update(send(*words)))
    sender.start()
    for _ in range(many):
        time.sleep(chance.uniform(0.3, 1.7))
        process.end(signal.SIGKILL)
        process = peer.start()
    sender.join()
    time.sleep(1)
    process.end()
    found = peer.numbers()
    return out | {"rsyslog_kills_lost": told["sent"] - len(set(found)), "rsyslog_kills_doubled": len(found) - len(set(found))}


def free(kind: int) -> int:
    """A port that is free now."""
    with socket.socket(socket.AF_INET, kind) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def until(true: Callable[[], Any], seconds: float, *, fail: bool = True) -> None:
    """Waits for it. TeitenError after so many seconds."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            if fail:
                raise TeitenError(f"what was waited for did not come within {seconds:g} s")
            return
        time.sleep(0.2)


def main(folder: Path, quick: bool, out: Path) -> None:
    """Everything, one after the other."""
    many = 5 if quick else 50
    figures = rates(Station(folder / "rates"), quick)
    shutil.rmtree(folder / "rates")
    figures |= stall(folder / "stall")
    figures |= kills(folder / "kills", many)
    program = shutil.which("rsyslogd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is not None:
        figures |= beside(folder / "rsyslog", program, quick, many)
    out.write_text(json.dumps(figures), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] == "quick", Path(sys.argv[3]))
