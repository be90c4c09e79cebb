"""A child's time, memory and failure are its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from teiten.bench import _process
from teiten.errors import TeitenError


def test_memory_and_time_are_the_childs() -> None:
    idle = _process.run([sys.executable, "-c", "pass"])
    busy = _process.run([sys.executable, "-c", "import time; b = bytearray(b'x') * (200 << 20); time.sleep(0.2)"])
    assert busy.memory > 195
    assert busy.memory - idle.memory > 50
    assert busy.seconds > 0.2


def test_output_goes_where_it_is_told(tmp_path: Path) -> None:
    _process.run([sys.executable, "-c", "print('here')"], out=tmp_path / "out")
    assert (tmp_path / "out").read_text() == "here\n"


def test_a_failure_tells_the_last_words() -> None:
    with pytest.raises(TeitenError, match="ended with 3: no luck"):
        _process.run([sys.executable, "-c", "import sys; print('no luck', file=sys.stderr); sys.exit(3)"])


def test_the_machine_is_told() -> None:
    machine = _process.machine()
    assert machine["cores"] and machine["python"] and machine["teiten"]
