"""What fuzzing asks of a reader, asked of every case: the accounting, cuts, reading on, small blocks, the plain form."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.readers import oracle
from tests.readers.capture import making as make
from tests.readers.flowtuple import making as flows

from teiten import readers
from teiten.readers import _blocks
from teiten.readers.capture import _read
from teiten.readers.flowtuple import _read as stretches

HERE = Path(__file__).parent
KEPT = [(name, path) for name in ("capture", "flowtuple", "netfilter") for path in sorted((HERE / name / "cases").glob("*.*"))]
CASES = {f"{name} {path.name}": (name, path.read_bytes()) for name, path in KEPT if not path.name.endswith((".jsonl", ".json"))}
CASES |= {f"capture {name}": ("capture", make.pcap([wrap(make.PACKET)] * 2, link)) for name, (link, wrap) in make.LINKS.items()}
CASES["capture blocks"] = (
    "capture",
    make.section() + make.interface(1, name=b"a", resolution=9) + make.interface(101, resolution=0x94, offset=-5)
    + make.enhanced(make.ethernet(0x800, make.PACKET), 10**18) + make.block(4, b"name") + make.simple(make.PACKET)
    + make.section(">") + make.interface(228, ">") + make.obsolete(make.PACKET, 10**15, ">"),
)  # fmt: skip
CASES |= {f"flowtuple {codec}": ("flowtuple", flows.many(codec, version)) for codec, version in (("null", 4), ("deflate", 3))}
CASES["flowtuple damaged"] = ("flowtuple", flows.many("snappy").replace(flows.SYNC + b"\x18", flows.SYNC + b"\x19\xff", 2))


@pytest.mark.parametrize("case", CASES)
def test_what_must_hold_for_any_bytes(case: str) -> None:
    """Cut at places all over it, read on from every few lines."""
    name, data = CASES[case]
    reader: Any = readers.module(name)
    data = data[:6000]
    said = oracle.look(reader, data, frame=True)
    assert said is not None and said.lines
    for part in range(12):
        if name == "capture":
            oracle.cut(reader, data, said, part * len(data) // 12)
        oracle.read_on(reader, data, said, part * len(said.lines) // 12)


@pytest.mark.parametrize("case", CASES)
def test_small_blocks(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record, or a line, may be cut by a block's end anywhere."""
    name, data = CASES[case]
    reader: Any = readers.module(name)
    whole = oracle.look(reader, data)
    monkeypatch.setattr(_read, "BLOCK", 61)
    monkeypatch.setattr(stretches, "STRETCH", 61)
    monkeypatch.setattr(_blocks.blocks, "__defaults__", (oracle.SMALL,))
    small = oracle.look(reader, data)
    assert whole and small
    assert (small.lines, small.events, small.rejected, small.notes) == (whole.lines, whole.events, whole.rejected, whole.notes)


def told(form: dict[str, str]) -> str:
    """What a process with kernels of that form says of all cases."""
    code = (
        "from tests.readers import oracle, test_fuzz\nfrom teiten import readers\n"
        "for case, (name, data) in test_fuzz.CASES.items():\n"
        "    print(case, oracle.look(readers.module(name), data[:6000]).digest().hex())\n"
    )
    root = HERE.parents[1]
    env = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA_")} | form
    env["PYTHONPATH"] = os.pathsep.join([str(root), str(root / "src")])
    run = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True, cwd=root)
    return run.stdout


def test_the_plain_form_says_the_same() -> None:
    """Plain Python raises where a kernel reads beyond the end of its buffer."""
    assert told({"NUMBA_DISABLE_JIT": "1"}) == told({})


@pytest.mark.full
def test_the_form_with_bounds_checks_says_the_same(tmp_path: Path) -> None:
    assert told({"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}) == told({})
