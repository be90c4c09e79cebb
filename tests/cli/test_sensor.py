"""teiten sensor: what it needs, and how little it imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from teiten.cli import main

Said = pytest.CaptureFixture[str]
PROGRAM = """
import sys
from teiten.cli import main
code = main(["sensor"])
print(*sorted({m.split(".")[0] for m in sys.modules}))
sys.exit(code)
"""
HEAVY = {"numpy", "polars", "duckdb", "pyarrow", "deltalake", "numba", "llvmlite", "PIL", "nanoarrow", "dns"}


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ("", "Nothing is to come in"),
        ('[station.input.a]\nkind = "stdin"\n', "[station.collector] is missing"),
        ('[station.input.a]\nkind = "stdin"\n[station.collector]\nurl = "http://a"\n', "https"),
        ('[station.input.collector]\nkind = "stdin"\n[station.collector]\nurl = "https://a"\ncredential = "a.b"\n', "is taken"),
    ],
)
def test_what_is_missing_is_said(table: str, why: str, tmp_path: Path, capsys: Said) -> None:
    config = tmp_path / "teiten.toml"
    config.write_text(table)
    assert main(["sensor", "--config", str(config)]) == 2
    assert why in capsys.readouterr().err


def test_nothing_heavy_is_imported(tmp_path: Path) -> None:
    """A whole run with every kind of input known: the standard library alone."""
    pin = "ab" * 32
    collector = f'[station.collector]\nurl = "https://127.0.0.1:9"\ncredential = "a.b"\npin = "{pin}"\n'
    (tmp_path / "teiten.toml").write_text(f'[station.input.a]\nkind = "stdin"\n{collector}')
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", PROGRAM], cwd=tmp_path, stdin=pipe, stdout=pipe, stderr=pipe) as run:
        assert run.stdin is not None
        assert run.stderr is not None
        run.stdin.write(b"a line\n")
        run.stdin.flush()
        said = b""
        while b"waits in the spool" not in said:  # it has tried to send it
            said += (line := run.stderr.readline())
            assert line, said
        out, said = run.communicate(timeout=60)
        assert run.returncode == 0, said
    assert not HEAVY & set(out.decode().split())
