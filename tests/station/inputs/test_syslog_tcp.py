"""Lines over connections: every one of them, whoever else sends how much; senders wait while the disk is full."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from pathlib import Path
from typing import Any

from tests.station.inputs.work import Work, until


def connected(place: tuple[str, int], source: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(place, timeout=20, source_address=(source, 0))


def work_of(folder: Path, table: dict[str, Any] | None = None, **station: Any) -> Work:
    return Work(folder, {"kind": "syslog_tcp", "listen": "127.0.0.1:0", **(table or {})}, **station)


def test_both_framings_beside_each_other(tmp_path: Path) -> None:
    work = work_of(tmp_path)
    said = [b"<4>line %d" % n for n in range(2000)]
    with work.at_work():
        with connected(work.place) as lines, connected(work.place) as counted:
            for at in range(0, 2000, 100):
                lines.sendall(b"".join(one + b"\n" for one in said[at : at + 50]))
                counted.sendall(b"".join(b"%d %s" % (len(one), one) for one in said[at + 50 : at + 100]))
        until(lambda: len(work.lines()) == 2000)
        until(lambda: work.running.status()["connections"] == 0)
    assert sorted(work.lines()) == sorted(one + b"\n" for one in said)
    assert work.counts()["received"] == 2000 and work.counts()["refused"] == 0


def test_the_last_line_of_a_connection(tmp_path: Path) -> None:
    """Ended, a line needs no end; broken off, it is no line."""
    work = work_of(tmp_path)
    with work.at_work():
        with connected(work.place) as one:
            one.sendall(b"<4>whole\n<4>without its end")
        until(lambda: len(work.lines()) == 2)
        with connected(work.place) as one:
            one.sendall(b"<4>third\n<4>torn")
            until(lambda: len(work.lines()) == 3)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
        until(lambda: work.counts()["refused"] == 1)
    assert work.lines() == [b"<4>whole\n", b"<4>without its end\n", b"<4>third\n"]
    assert work.counts()["received"] == 4


def test_senders_by_address(tmp_path: Path) -> None:
    work = work_of(tmp_path, {"peers": {"127.0.0.2": "home", "127.0.0.3": "office"}})
    with work.at_work():
        for source in "234":
            with contextlib.suppress(OSError), connected(work.place, f"127.0.0.{source}") as one:
                one.sendall(b"<4>of 127.0.0.2\n")
        until(lambda: work.lines("home") and work.lines("office"))
        until(lambda: work.counts(None)["refused_connections"] == 1)
    assert len(work.lines("home")) == len(work.lines("office")) == 1
    assert [text for _, text in work.told if "127.0.0.4" in text] != []


def test_a_sender_waits_while_the_disk_is_full_and_others_do_not(tmp_path: Path) -> None:
    work = work_of(tmp_path, {"peers": {"127.0.0.2": "full", "127.0.0.3": "other"}, "max_line": 1000}, queue=1 << 20)
    line = b"<4>" + b"x" * 900 + b"\n"
    many = 3000
    work.running.listener.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    full = work.running.peers.feeds["full"]
    write, full.write = full.write, lambda **_: True  # its disk takes nothing
    work.desk.start()
    with work.at_work(disk=False), connected(work.place, "127.0.0.2") as one, connected(work.place, "127.0.0.3") as other:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        sending = threading.Thread(target=lambda: (one.sendall(line * many), one.shutdown(socket.SHUT_WR)))
        sending.start()
        until(lambda: work.running.status()["paused"] == 1)
        for n in range(5):
            other.sendall(b"<4>%d\n" % n)
            until(lambda n=n: len(work.lines("other")) == n + 1)  # type: ignore[misc]
        held, blocked = full.queued, sending.is_alive()
        full.write = write
        assert held <= 1 << 20 and blocked
        sending.join(20)
        until(lambda: full.totals.get("received") == many and not full.queued)
    assert len(work.lines("full")) == many
    assert work.counts("full")["received"] == many and work.counts("full")["dropped_queue"] == 0


def test_no_more_connections_than_allowed(tmp_path: Path) -> None:
    work = work_of(tmp_path, {"connections": 5, "connections_each": 3})
    with work.at_work(), contextlib.ExitStack() as stack:
        for source in ("127.0.0.1",) * 4 + ("127.0.0.2",) * 3:
            stack.enter_context(connected(work.place, source))
        until(lambda: work.running.status().get("cut_connections") == 1)
        state = work.running.status()
        assert state["connections"] == 5 and state["cut_connections_each"] == 1
        stack.close()
        until(lambda: work.running.status()["connections"] == 0)
        with connected(work.place) as one:
            one.sendall(b"<4>served again\n")
        until(lambda: len(work.lines()) == 1)


def test_a_flood_does_not_starve_others(tmp_path: Path) -> None:
    work = work_of(tmp_path)
    stop = threading.Event()

    def flood(one: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while not stop.is_set():
                one.sendall(b"z" * 65536)

    with work.at_work(), connected(work.place) as one, connected(work.place) as small:
        thread = threading.Thread(target=flood, args=(one,))
        thread.start()
        try:
            waits = []
            for n in range(10):
                began = time.monotonic()
                small.sendall(b"<4>%d\n" % n)
                until(lambda n=n: b"<4>%d\n" % n in work.lines())  # type: ignore[misc]
                waits.append(time.monotonic() - began)
        finally:
            stop.set()
            thread.join(20)
    assert sorted(waits)[5] < 5
    assert work.counts()["refused"] == 1, "the flood is one line without an end"


def test_a_gigantic_frame_is_cut(tmp_path: Path) -> None:
    work = work_of(tmp_path)
    with work.at_work():
        with connected(work.place) as one:
            one.sendall(b"4 <4>a99999999999 <4>b")
            assert one.recv(10) == b"", "the connection is closed"
        until(lambda: work.counts()["refused"] == 1)
    assert work.lines() == [b"<4>a\n"] and work.running.status()["cut_gigantic"] == 1


def test_unfinished_messages_do_not_fill_the_memory(tmp_path: Path) -> None:
    work = work_of(tmp_path, {"connections_each": 40})
    with work.at_work(), contextlib.ExitStack() as stack:
        for _ in range(30):
            stack.enter_context(connected(work.place)).sendall(b"<4>" + b"x" * 900_000)
        until(lambda: work.counts()["refused"] >= 10)
        listener = work.running.listener
        until(lambda: sum(one.frames.held for one in listener.open) <= 16 << 20)


def test_what_was_sent_before_the_end_is_taken(tmp_path: Path) -> None:
    work = work_of(tmp_path)
    with work.at_work(), connected(work.place) as one:
        until(lambda: work.running.status()["connections"] == 1)
        one.sendall(b"".join(b"<4>line %d\n" % n for n in range(1000)))
    assert len(work.lines()) == 1000
