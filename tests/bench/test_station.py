"""The bench of a station: what it sends is a kernel's log, and what it says of waiting is what was waited."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading

import pytest

from teiten.bench import _station_run as work
from teiten.bench import _station_send as sending
from teiten.bench.station import GOALS


def test_lines_are_numbered() -> None:
    said = sending.lines(7, 3)
    assert work._NUMBER.findall(b"\n".join(said)) == [b"7", b"8", b"9"]
    assert all(line.startswith(b"<4>2") and b"+00:00 gate kernel: [" in line for line in said)


def test_waiting_is_from_sending_to_the_first_answer() -> None:
    answers = [(10.0, 0.0), (12.0, 11.0), (15.0, 11.0), (16.0, 14.0)]
    waits = work.latencies(answers, 10.0, 14.0)
    assert waits[0] == pytest.approx(1.0, abs=0.11) and waits[-1] == pytest.approx(4.9, abs=0.11)
    assert len(waits) == pytest.approx(40, abs=2)


def test_a_sender_keeps_to_its_rate_and_sends_all() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        command = [
            sys.executable,
            "-m",
            "teiten.bench._station_send",
            "tcp",
            f"127.0.0.1:{server.getsockname()[1]}",
            "2000",
            "0.5",
        ]
        child = subprocess.Popen(command, stdout=subprocess.PIPE)
        connection, _ = server.accept()
        parts: list[bytes] = []
        reader = threading.Thread(target=lambda: parts.extend(iter(lambda: connection.recv(65536), b"")))
        reader.start()
        told = json.loads(child.communicate(timeout=60)[0])
        reader.join(20)
        connection.close()
    assert told["sent"] == 1000 and told["seconds"] >= 0.49
    assert work._NUMBER.findall(b"".join(parts)) == [b"%d" % n for n in range(1000)]


def test_goals_are_those_of_the_promise() -> None:
    assert GOALS["udp_lost"] == ("<=", 0.0) and GOALS["tcp_rate"][1] >= 50_000
