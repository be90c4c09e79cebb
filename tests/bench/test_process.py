"""A child's time, memory and failure are its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from teiten.bench import _process
from teiten.errors import TeitenError


def test_memory_and_time_are_the_childs() -> None:
    """Measured from a light process, as `teiten bench` does: this one, pytest, would be counted with its child."""
    code = (
        "import sys, json; from teiten.bench import _process\n"
        "idle = _process.run([sys.executable, '-c', 'pass'])\n"
        "words = 'import time; b = bytearray(b\"x\") * (200 << 20); time.sleep(0.2)'\n"
        "busy = _process.run([sys.executable, '-c', words])\n"
        "print(json.dumps([idle.memory, busy.memory, busy.seconds]))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    idle, busy, seconds = json.loads(told)
    assert idle < 60
    assert 195 < busy < 300
    assert seconds > 0.2


def test_what_a_large_process_asks_for_is_counted_without_it() -> None:
    """Of 300 MiB that the one who asks holds, nothing is told of a child that holds none."""
    code = (
        'import sys; b = bytearray(b"x") * (300 << 20); from teiten.bench import _process\n'
        "print(_process.run_apart([sys.executable, '-c', 'pass']).memory)"
    )
    assert 1 < float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout) < 60
    with pytest.raises(TeitenError, match="ended with 3: no luck"):
        _process.run_apart([sys.executable, "-c", "import sys; print('no luck', file=sys.stderr); sys.exit(3)"])


def test_output_goes_where_it_is_told(tmp_path: Path) -> None:
    _process.run([sys.executable, "-c", "print('here')"], out=tmp_path / "out")
    assert (tmp_path / "out").read_text() == "here\n"


def test_a_failure_tells_the_last_words() -> None:
    with pytest.raises(TeitenError, match="ended with 3: no luck"):
        _process.run([sys.executable, "-c", "import sys; print('no luck', file=sys.stderr); sys.exit(3)"])


def test_the_machine_is_told() -> None:
    machine = _process.machine()
    assert machine["cores"] and machine["python"] and machine["teiten"]
