"""Counters for Prometheus: every line as its format wants it, no address among them, and only where they were asked for."""

from __future__ import annotations

import http.client
import re
from pathlib import Path
from typing import Any

import pytest

from teiten.errors import UsageError
from teiten.station import made
from teiten.station.metrics import Metrics, text

LINE = re.compile(r'[a-z_]+(\{[a-z_]+="(?:[^"\\\n]|\\.)*"(,[a-z_]+="(?:[^"\\\n]|\\.)*")*\})? -?\d+(\.\d+)?(e[+-]?\d+)?')


def status(spool: Path) -> dict[str, Any]:
    feed = {"queued": 3, "trouble": None, "received": 10, "bytes": 200, "dropped_kernel": 2}
    return {
        "program": "1.0", "began": 1.5, "spool": str(spool),
        "inputs": {
            "kern": {
                "trouble": None, "ended": False, "feeds": {"home": feed, "": {"queued": 0, "trouble": "full", "refused": 4}},
                "state": {"lag": 5, "waits": "for 192.0.2.1", "_peers": 3, "up": 7, "peers": {"192.0.2.1": 9}, "Bad-Key": 1},
            },
            'od"d\n': {"trouble": "no such device", "ended": False, "feeds": {}, "state": {}},
        },
        "maker": {"running": True, "starts": 2},
        "tasks": {"daily": {"failures": 1, "ended": 100.0, "took": 2.5}, "new": {"failures": 0, "ended": 0.0, "took": 0.0}},
    }  # fmt: skip


def test_every_line_is_as_the_format_wants_it(tmp_path: Path) -> None:
    made.write(tmp_path, made.Made(at=1.0, took=0.5, behind=77))
    said = text(status(tmp_path))
    lines = [line for line in said.splitlines() if not line.startswith("#")]
    assert all(LINE.fullmatch(line) for line in lines), [line for line in lines if not LINE.fullmatch(line)]
    assert "192.0.2" not in said and "peers" not in said
    names = [line.split()[2] for line in said.splitlines() if line.startswith("# TYPE")]
    assert len(names) == len(set(names))
    for line in (
        'teiten_received_total{input="kern",sensor="home"} 10',
        'teiten_dropped_kernel_total{input="kern",sensor="home"} 2',
        'teiten_refused_total{input="kern",sensor=""} 4',
        'teiten_input_up{input="kern"} 1',
        'teiten_input_up{input="od\\"d\\n"} 0',
        'teiten_disk_trouble{input="kern"} 1',
        'teiten_input_lag{input="kern"} 5',
        "teiten_behind_bytes 77",
        'teiten_task_took_seconds{task="daily"} 2.5',
    ):
        assert line in lines, line


def test_they_are_had_where_they_were_asked_for(tmp_path: Path) -> None:
    metrics = Metrics(lambda: status(tmp_path))
    metrics.listen("")
    assert metrics.port == 0
    metrics.listen("127.0.0.1:0")
    try:
        for path, code in (("/metrics", 200), ("/", 404), ("/metrics?x=1", 200)):
            asked = http.client.HTTPConnection("127.0.0.1", metrics.port, timeout=10)
            asked.request("GET", path)
            answer = asked.getresponse()
            body = answer.read().decode()
            assert answer.status == code and ("teiten_info" in body) == (code == 200)
            assert answer.headers["Server"] == "teiten"
            asked.close()
        with pytest.raises(UsageError, match="an address and a port"):
            metrics.listen("9514")
        assert metrics.port == 0 and not metrics.open_to_others
        metrics.listen("0.0.0.0:0")
        assert metrics.open_to_others
        metrics.listen("127.0.0.2:0")
        assert metrics.port and not metrics.open_to_others
    finally:
        metrics.close()
