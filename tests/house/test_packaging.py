"""What runs a station as a service: units that systemd understands and that may do little, an example that loads."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from teiten import cli, settings
from teiten.station import inputs, tasks

ROOT = Path(__file__).resolve().parents[2] / "packaging"
UNITS = sorted((ROOT / "systemd").glob("*.service"))
WATCH = ROOT / "systemd" / "teiten-watch.service"
OWN = ("watch", "sensor", "collect", "serve")
EXPOSED = 2.0
"""systemd's own measure of what a service may do, from 0 to 10"""


def words(unit: Path, key: str, section: str = "Service") -> list[str]:
    """The words of the last line of that key."""
    read = configparser.ConfigParser(strict=False, interpolation=None)
    read.optionxform = str  # type: ignore[assignment,method-assign]
    read.read(unit, encoding="utf-8")
    return read[section].get(key, "").split()


def test_there_is_a_unit_for_each_program() -> None:
    assert sorted(unit.stem for unit in UNITS) == sorted(f"teiten-{name}" for name in OWN)
    for unit in UNITS:
        program, command, *_ = words(unit, "ExecStart")
        assert program == "/opt/teiten/bin/teiten" and f"teiten-{command}" == unit.stem
        assert words(unit, "User") == ["teiten"] and words(unit, "CapabilityBoundingSet") == []


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize(
    ("unit", "drop_in"),
    [*((unit, "") for unit in UNITS), (WATCH, "ports"), (WATCH, "capture"), (WATCH, "backup")],
    ids=str,
)
def test_systemd_understands_them_and_they_may_do_little(unit: Path, drop_in: str, tmp_path: Path) -> None:
    copy = tmp_path / unit.name
    text = unit.read_text(encoding="utf-8").replace("/opt/teiten/bin/teiten", "/bin/true")
    if drop_in:
        more = (ROOT / "systemd" / "teiten-watch.service.d" / f"{drop_in}.conf.example").read_text(encoding="utf-8")
        text = text.replace("[Install]", f"{more}\n[Install]")
    copy.write_text(text, encoding="utf-8")
    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True, timeout=60, check=False
    )
    assert unit.name not in said.stderr, said.stderr
    told = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager", copy],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    ).stdout
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", told)
    assert found and float(found[1]) <= EXPOSED + (0.5 if drop_in else 0), told[-200:]


def test_the_example_loads() -> None:
    chosen = settings.load(config=ROOT / "teiten.toml")
    assert [one.kind for one in inputs.read(chosen.station.inputs)] == ["file"]
    assert [task.name for task in tasks.read(chosen.station.tasks)] == ["daily", "monthly"]
    for path in (chosen.station.spool, chosen.lake):
        assert path.is_relative_to("/var/lib/teiten"), "a unit may write nowhere else"


def test_the_container_starts_what_there_is() -> None:
    text = (ROOT / "container" / "Containerfile").read_text(encoding="utf-8")
    assert re.search(r'^CMD \["watch"\]$', text, re.MULTILINE) and "watch" in cli.commands()
    assert re.search(r"^USER teiten$", text, re.MULTILINE)
    health = re.search(r"^HEALTHCHECK .* CMD (\[.*\])$", text, re.MULTILINE)
    assert health
    args = cli.parser().parse_args([word.strip(' "') for word in health[1].strip("[]").split(",")][1:])
    assert args.alive


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_understands_the_socket(tmp_path: Path) -> None:
    unit = ROOT / "systemd" / "teiten-watch.socket"
    assert words(unit, "Service", "Socket") == ["teiten-watch.service"]
    for one in (unit, unit.with_suffix(".service")):
        text = one.read_text(encoding="utf-8").replace("/opt/teiten/bin/teiten", "/bin/true")
        (tmp_path / one.name).write_text(text, encoding="utf-8")
    command = ["systemd-analyze", "verify", "--man=no", tmp_path / unit.name]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert unit.name not in said.stderr, said.stderr
