"""The sockets: real clients on this machine's own loopback, what is bounded, what is counted."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from teiten.errors import InputError
from teiten.respond import services
from teiten.respond.listening import Limits, Listening

KNOWN = services.load()


@dataclass
class Run:
    listening: Listening
    lines: list[tuple[float, dict[str, Any]]]
    stop: threading.Event
    thread: threading.Thread

    @property
    def place(self) -> tuple[str, int]:
        return self.listening.places[0]

    def connect(self, own: str = "") -> socket.socket:
        return socket.create_connection(self.place, timeout=5, source_address=(own, 0) if own else None)

    def kinds(self, kind: str) -> list[dict[str, Any]]:
        return [line for _, line in self.lines if line["kind"] == kind]

    def wait(self, test: Any) -> None:
        deadline = time.monotonic() + 10
        while not test():
            assert time.monotonic() < deadline, [line for _, line in self.lines][-5:]
            time.sleep(0.01)


@contextlib.contextmanager
def running(service: str = "telnet", address: str = "127.0.0.1", **limits: Any) -> Iterator[Run]:
    lines: list[tuple[float, dict[str, Any]]] = []

    def put(block: bytes, count: int) -> None:
        made = [json.loads(line) for line in block.splitlines()]
        assert len(made) == count
        lines.extend((time.time(), one) for one in made)

    listening = Listening([(address, 0)], KNOWN, put, limits=Limits(**limits))
    port = listening.places[0][1]
    chosen = next(one for one in KNOWN.by_port.values() if one.name == service)
    listening.services = replace(KNOWN, by_port={port: chosen})
    stop = threading.Event()
    thread = threading.Thread(target=listening.run, args=(stop,))
    thread.start()
    try:
        yield Run(listening, lines, stop, thread)
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def test_first_words_are_kept_byte_for_byte_within_a_second() -> None:
    with running("telnet") as run, run.connect() as link:
        assert link.recv(100) == b"login: "
        begun = time.time()
        link.sendall(b"ro\xffot")
        run.wait(lambda: run.kinds("said"))
        assert run.lines[-1][0] - begun < 1
        one = run.kinds("said")[0]
        assert base64.b64decode(one["data"]) == b"ro\xffot" and (one["n"], one["at"]) == (0, 0)
        assert (one["src"], one["sport"]) == link.getsockname() and one["dport"] == run.place[1]
        link.close()
        run.wait(lambda: run.kinds("closed"))
        assert run.kinds("closed")[0]["why"] == "ended"


def test_the_end_takes_what_is_there_and_says_why() -> None:
    with running("http") as run:
        with run.connect() as link:
            link.sendall(b"GET /half")
            run.wait(lambda: run.kinds("open"))
            time.sleep(0.05)
            run.stop.set()
            run.thread.join(10)
        assert [line["kind"] for _, line in run.lines] == ["open", "said", "closed"]
        assert run.kinds("closed")[0]["why"] == "stopped"


def test_who_resets_who_is_silent_and_who_stays_too_long() -> None:
    with running("http", idle=0.6, longest=2) as run:
        first, second, third = run.connect(), run.connect(), run.connect()
        run.wait(lambda: len(run.kinds("open")) == 3)
        first.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        first.close()
        for _ in range(60):
            with contextlib.suppress(OSError):
                third.send(b"x")
            time.sleep(0.05)
        run.wait(lambda: len(run.kinds("closed")) == 3)
        why = {one["sport"]: one["why"] for one in run.kinds("closed")}
        assert sorted(why.values()) == ["idle", "reset", "too long"]
        assert why[second.getsockname()[1]] == "idle"
        # byte after byte is no line after line
        assert len(run.kinds("said")) <= 10
        second.close(), third.close()


def test_a_flood_is_bounded_and_every_connection_an_event() -> None:
    with running("http", connections=20, each=15, new=1000) as run:
        links = [run.connect(f"127.0.0.{2 + n % 3}") for n in range(60)]
        run.wait(lambda: len(run.kinds("open")) == 60)
        assert len(run.listening.open) <= 20
        counted = run.listening.status()
        assert counted["accepted"] + counted.get("refused_each", 0) == 60
        assert counted["closed_made_room"] == counted["accepted"] - 20
        # who came last is heard
        links[-1].sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert links[-1].recv(100).startswith(b"HTTP/1.1 401")
        for link in links:
            link.close()
    assert len(run.kinds("closed")) == 60


def test_an_address_has_its_share_of_new_connections() -> None:
    with running("http", new=5) as run:
        links = [run.connect("127.0.0.2") for _ in range(30)]
        with run.connect("127.0.0.3") as other:
            other.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert other.recv(100).startswith(b"HTTP/1.1 401")
        run.wait(lambda: len(run.kinds("open")) == 31)
        assert run.listening.status()["refused_rate"] >= 10
        for link in links:
            link.close()


def test_only_so_much_is_said_in_a_second() -> None:
    with running("http", rate=100) as run:
        answers = []
        for _ in range(4):
            with run.connect() as link:
                link.settimeout(0.3)
                link.sendall(b"GET / HTTP/1.0\r\n\r\n")
                with contextlib.suppress(TimeoutError):
                    answers.append(link.recv(200))
        assert 1 <= len([a for a in answers if a]) < 4
        run.wait(lambda: len(run.kinds("said")) == 4)  # heard they all were


def test_ipv6_and_a_place_that_is_taken() -> None:
    with running("ssh", "::1") as run:
        with socket.create_connection(run.place, timeout=5) as link:
            assert link.recv(100).startswith(b"SSH-2.0-")
        run.wait(lambda: run.kinds("closed"))
        assert run.kinds("open")[0]["src"] == "::1"
        with pytest.raises(InputError, match="address already in use"):
            Listening([("::1", run.place[1])], KNOWN, lambda block, lines: None)
