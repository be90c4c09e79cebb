"""Packets of an interface, as they come: out of the kernel's ring, or through tcpdump or dumpcap in a pipe."""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from teiten.errors import InputError, UsageError
from teiten.station.inputs import Host, _pcap
from teiten.station.inputs._ring import NoRing, Ring
from teiten.station.spool import PACKETS
from teiten.stationing import Given, Key, size, text

NAME: Final = "capture"
MEANS: Final = "packets of a network interface"
METHODS: Final = ("auto", "ring", "tcpdump", "dumpcap")
_ASK_EVERY: Final = 5.0
"""seconds between two questions of what the kernel dropped"""


def _whole(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 64 <= value <= 262144:
        raise UsageError(f"{where} lies between 64 and 262144 bytes, and {value!r} does not.")
    return value


def _truth(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise UsageError(f"{where} must be true or false, not {value!r}.")
    return value


def _method(value: Any, where: str) -> str:
    if value not in METHODS:
        raise UsageError(f"{where} is unknown: {value!r}.", hint=f"Choose one of: {', '.join(METHODS)}.")
    return str(value)


def _interface(value: Any, where: str) -> str:
    found = text(value, where)
    if not re.fullmatch(r"[^\s/\-][^\s/]{0,14}", found):
        raise UsageError(f"{where}: '{found}' is no name of an interface.", hint="`ip link` shows them.")
    return found


def _expression(value: Any, where: str) -> str:
    """A filter's words; none that tcpdump would take for an option."""
    found = text(value, where)
    if found.lstrip().startswith("-"):
        raise UsageError(f"{where} is no filter of packets.", hint='Write it as for tcpdump: filter = "not port 22".')
    return found


KEYS: Final = (
    Key("sensor", text, "the sensor that the packets count for", "home"),
    Key("interface", _interface, "the interface's name, such as `eth0`", needed=True),
    Key("filter", _expression, 'which packets, in tcpdump\'s words, such as `"not port 22"`; without it, all', ""),
    Key("snaplen", _whole, "bytes of a packet that are kept", 512),
    Key("outgoing", _truth, "whether packets that the machine sends are taken too", default=False),
    Key("promiscuous", _truth, "whether packets for other machines on the wire are taken too", default=False),
    Key("memory", size, "memory in which the kernel holds packets that are not yet taken", 32 << 20),
    Key(
        "method",
        _method,
        "`ring`: by a socket of our own (needs CAP_NET_RAW); `tcpdump`, `dumpcap`: through that program in a pipe; `auto`: the "
        "ring where it is allowed, else tcpdump",
        "auto",
    ),
    Key("user", text, "whose rights tcpdump takes on once it captures, where it was started by root", "nobody"),
)


class _Capture:
    def __init__(self, given: Given, host: Host) -> None:
        self.given, self.host = given, host
        self.method = given["method"]
        self._asked = time.monotonic()
        self.last: float | None = None

    def run(self, stop: threading.Event) -> None:
        if self.method in ("auto", "ring"):
            try:
                self._ring(stop)
                return
            except (PermissionError, NoRing) as error:
                if self.method == "ring" or shutil.which("tcpdump") is None:
                    raise InputError(
                        f"Interface {self.given['interface']} cannot be captured: {error.strerror or error}.",
                        hint="It needs the right CAP_NET_RAW (setcap, or AmbientCapabilities in the unit), or tcpdump.",
                    ) from None
                self.host.tell("info", f"captures through tcpdump: {error.strerror or error}")
        self._pipe(stop, "dumpcap" if self.method == "dumpcap" else "tcpdump")

    def status(self) -> Mapping[str, Any]:
        return {"interface": self.given["interface"], "method": self.method, "last": self.last}

    # the ring --------------------------------------------------------------------------------------------------------

    def _ring(self, stop: threading.Event) -> None:
        given = self.given
        ring = Ring(
            given["interface"],
            program=_program(given["filter"], given["snaplen"], given["interface"]),
            memory=given["memory"],
            promiscuous=given["promiscuous"],
            outgoing=given["outgoing"],
        )
        self.method = "ring"
        with contextlib.closing(ring):
            head = _pcap.header(ring.link, given["snaplen"])
            feed = self.host.desk.feed(given.name, given["sensor"], PACKETS, told=self.host.told, head=head)
            while True:
                block, many = ring.take(0.2)
                self.last = time.time() if many else self.last
                if many and feed.put(block, stop=stop, received=many) < 0:
                    feed.count(received=many, dropped_queue=many)
                self._lost(feed, ring.dropped, always=stop.is_set())
                if stop.is_set():
                    return

    def _lost(self, feed: Any, dropped: Any, *, always: bool) -> None:
        if always or time.monotonic() - self._asked >= _ASK_EVERY:
            self._asked = time.monotonic()
            feed.count(dropped_kernel=dropped())

    # another program -------------------------------------------------------------------------------------------------

    def _pipe(self, stop: threading.Event, program: str) -> None:
        self.method = program
        with _child(self._command(program)) as child:
            told = _Told(child.stderr)
            records = _pcap.Records()
            feed = None
            assert child.stdout is not None
            pipe = child.stdout.fileno()
            stopping = False
            while True:
                if stop.is_set() and not stopping:
                    stopping = True
                    child.send_signal(signal.SIGINT)  # it hands over what it has, and says what was dropped
                if select.select([pipe], [], [], 0.2)[0]:
                    piece = os.read(pipe, 1 << 18)
                    if not piece:
                        break
                    whole, many = records.take(piece)
                    self.last = time.time()
                    if feed is None and records.head is not None:
                        feed = self.host.desk.feed(
                            self.given.name, self.given["sensor"], PACKETS, told=self.host.told, head=records.head
                        )
                    if feed is not None and many and feed.put(whole, stop=stop, received=many) < 0:
                        feed.count(received=many, dropped_queue=many)
                if feed is not None:
                    if program == "tcpdump" and not stopping and time.monotonic() - self._asked >= _ASK_EVERY:
                        self._asked = time.monotonic()
                        child.send_signal(signal.SIGUSR1)
                    feed.count(dropped_kernel=told.dropped())
            code = child.wait(10)
            told.end()
            if feed is not None:
                feed.count(dropped_kernel=told.dropped())
            if not stop.is_set():
                raise InputError(f"{program} ended ({code}): {told.last or 'it said nothing'}")

    def _command(self, program: str) -> list[str]:
        given = self.given
        found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin:/usr/local/sbin")
        if found is None:
            raise InputError(
                f"There is no {program} on this machine.", hint=f"Install it (apt install {program}), or take another method."
            )
        kept, memory = str(given["snaplen"]), given["memory"]
        if program == "dumpcap":
            command = [found, "-q", "-P", "-w", "-", "-i", given["interface"], "-s", kept, "-B", str(max(1, memory >> 20))]
            command += [] if given["promiscuous"] else ["-p"]
            return command + (["-f", given["filter"]] if given["filter"] else [])
        command = [found, "-n", "-U", "-w", "-", "-i", given["interface"], "-s", kept, "-B", str(max(64, memory >> 10))]
        command += ["--time-stamp-precision=nano"]
        command += [] if given["promiscuous"] else ["-p"]
        command += [] if given["outgoing"] else ["-Q", "in"]
        command += ["-Z", given["user"]] if os.geteuid() == 0 else []
        return command + ([given["filter"]] if given["filter"] else [])


class _Told:
    """What a capturing program says of itself: how much the kernel dropped, and its last words."""

    _DROPPED: Final = (
        re.compile(r"(\d+) packets? dropped by kernel"),
        re.compile(r"Packets received/dropped on interface .*: \d+/(\d+) "),
    )

    def __init__(self, stream: Any) -> None:
        self.last = ""
        self._known = self._now = 0
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def _read(self, stream: Any) -> None:
        for line in stream:
            text = line.decode("utf-8", "replace").strip()
            found = next((m for m in (one.search(text) for one in self._DROPPED) if m), None)
            if found:
                self._now = int(found[1])
            elif text:
                self.last = text[:300]

    def dropped(self) -> int:
        """More than when this was asked last."""
        more, self._known = self._now - self._known, self._now
        return max(0, more)

    def end(self) -> None:
        self._thread.join(5)


@contextlib.contextmanager
def _child(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A program in a pipe, ended when it is no longer needed, whatever happens."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        yield child
    finally:
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        for stream in (child.stdout, child.stderr):
            if stream is not None:
                stream.close()


def _program(expression: str, snaplen: int, interface: str) -> list[tuple[int, int, int, int]]:
    """A filter as instructions of the kernel, which cuts packets to `snaplen`; of an expression tcpdump makes them."""
    if not expression:
        return [(0x06, 0, 0, snaplen)]
    found = shutil.which("tcpdump") or shutil.which("tcpdump", path="/usr/sbin:/sbin:/usr/local/sbin")
    if found is None:
        raise InputError("A filter needs tcpdump, which makes the kernel's instructions of it.", hint="apt install tcpdump")
    done = subprocess.run(
        [found, "-ddd", "-s", str(snaplen), "-i", interface, expression],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise InputError(f"The filter '{expression}' is none: {why}.", hint="Write it as for tcpdump.")
    lines = [tuple(int(n) for n in line.split()) for line in done.stdout.splitlines()[1:]]
    return [(a, b, c, d) for a, b, c, d in lines]


def open(given: Given, host: Host) -> _Capture:
    return _Capture(given, host)
