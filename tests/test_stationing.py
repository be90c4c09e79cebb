"""[station]: what may be written, what it becomes, and a clear word for every mistake."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from teiten import settings, stationing
from teiten.errors import UsageError

BASE = Path("/somewhere")


def test_nothing_need_be_said() -> None:
    found = stationing.read({}, "[station]", BASE)
    assert found == stationing.Station(spool=BASE / "teiten-spool")
    assert (found.disk, found.keep, found.inputs, found.tasks) == (20 * 10**9, None, (), ())


def test_all_of_it(tmp_path: Path) -> None:
    file = tmp_path / "teiten.toml"
    file.write_text(
        """[station]
spool = "evidence"
disk = "1.5GB"
keep = "30d"
sync = 0.05
queue = 1048576
metrics = "127.0.0.1:9514"
[station.input.kern]
kind = "stdin"
zone = "Asia/Tokyo"
[station.input."dmz-2.x"]
kind = "stdin"
sensor = "dmz"
[station.task.page]
command = "report daily"
[station.collector]
url = "https://collector.example"
"""
    )
    found = settings.load(config=file).station
    assert (found.spool, found.disk, found.keep, found.sync) == (tmp_path / "evidence", 1_500_000_000, 30 * 86400.0, 0.05)
    assert (found.queue, found.metrics) == (1 << 20, "127.0.0.1:9514")
    assert [one.name for one in found.inputs] == ["kern", "dmz-2.x"]
    assert found.inputs[0].base == tmp_path and found.inputs[0].where.endswith("[station.input.kern]")
    assert [dict(one.given) for one in found.tasks] == [{"command": "report daily"}]
    assert found.collector is not None and found.collector.given["url"] == "https://collector.example"
    assert found.collect is None


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ([], "must be a table"),
        ({"spol": "x"}, "knows no setting 'spol'"),
        ({"disk": "20 gigs"}, "disk must be a size"),
        ({"disk": 0}, "disk must be a size"),
        ({"disk": True}, "disk must be a size"),
        ({"keep": "soon"}, "keep must be seconds"),
        ({"sync": 0}, "sync lies between 0.01 and 60"),
        ({"every": True}, "every must be seconds"),
        ({"spool": " "}, "spool must be a text"),
        ({"input": [1]}, "must be a table of tables"),
        ({"input": {"a": 1}}, "must be a table of tables, written [station.input.NAME]"),
        ({"input": {"../a": {}}}, "a name has letters, digits"),
        ({"input": {"a" * 65: {}}}, "64 at most"),
        ({"collector": "x"}, "[station.collector] must be a table"),
    ],
)
def test_a_mistake_is_named(table: Any, words: str) -> None:
    with pytest.raises(UsageError) as error:
        stationing.read(table, "[station]", BASE)
    assert words in str(error.value)


@pytest.mark.parametrize(("written", "bytes"), [(5, 5), ("5", 5), ("1kB", 1000), ("0.5 MB", 500_000), ("2TB", 2 * 10**12)])
def test_sizes(written: Any, bytes: int) -> None:
    assert stationing.size(written, "x") == bytes


@pytest.mark.parametrize(("written", "seconds"), [(8, 8.0), (0.5, 0.5), ("15m", 900.0), ("1.5h", 5400.0), ("2w", 1209600.0)])
def test_spans(written: Any, seconds: float) -> None:
    assert stationing.seconds(written, "x") == seconds


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("127.0.0.1:5514", ("127.0.0.1", 5514)),
        ("[::1]:514", ("::1", 514)),
        ("localhost:0", ("localhost", 0)),
        ("::1:514", None),
        ("514", None),
        ("a:65536", None),
        (514, None),
    ],
)
def test_endpoints(written: Any, found: tuple[str, int] | None) -> None:
    if found is None:
        with pytest.raises(UsageError, match="must be an address and a port"):
            stationing.endpoint(written, "x")
    else:
        assert stationing.endpoint(written, "x") == found


KEYS = (stationing.Key("path", stationing.text, "the file", needed=True), stationing.Key("pause", stationing.seconds, "x", 1.0))


def table(**given: Any) -> stationing.Table:
    return stationing.Table("kern", given, "[station.input.kern]", BASE)


def test_an_inputs_table() -> None:
    found = stationing.given(table(kind="file", path="/var/log/kern.log"), KEYS, ("kind",))
    assert (found["path"], found["pause"], found.name) == ("/var/log/kern.log", 1.0, "kern")
    with pytest.raises(UsageError, match="has no path"):
        stationing.given(table(), KEYS)
    with pytest.raises(UsageError, match="knows no setting 'pth'") as error:
        stationing.given(table(pth="x"), KEYS, ("kind",))
    assert error.value.hint == "It knows: kind, path, pause."
    with pytest.raises(UsageError, match=r"\[station.input.kern\]: pause must be seconds"):
        stationing.given(table(path="x", pause="y"), KEYS)


def test_a_sensors_part_imports_nothing_heavy() -> None:
    """What `teiten sensor` runs: the standard library alone."""
    code = (
        "import sys\n"
        "import teiten.station.live, teiten.station.inputs as inputs\n"
        "inputs.kinds()\n"
        "top = {m.partition('.')[0] for m in sys.modules}\n"
        "print(sorted(m for m in top if m not in sys.stdlib_module_names and not m.startswith('_')))\n"
    )
    run = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.strip() == "['teiten']", run.stdout
