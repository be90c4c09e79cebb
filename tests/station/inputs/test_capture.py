"""Live capture: every packet that was sent is written down or counted as lost, whatever way it is captured in."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from teiten.errors import UsageError
from teiten.station import inputs
from teiten.stationing import Table

SENDER = Path(__file__).with_name("namespace_sender.py")
ROOT = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("ip") is None, reason="needs root, unshare and ip"
)


def sent(folder: Path, many: int, **table: Any) -> dict[str, Any]:
    """What a station counted of so many packets; its spool is in the folder."""
    command = ["unshare", "--net", sys.executable, str(SENDER), str(folder), str(many), json.dumps(table)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode and ("Operation not permitted" in done.stderr or "not supported" in done.stderr.lower()):
        pytest.skip(f"no network namespaces here: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def events(folder: Path) -> list[dict[str, Any]]:
    """The events of the spool's segments."""
    out = []
    for data in sorted((folder / "spool" / "streams").glob("*/*.data")):
        done = subprocess.run(
            [sys.executable, "-m", "teiten", "decode", "--tz", "UTC", str(data)], capture_output=True, text=True, check=True
        )
        out += [json.loads(line) for line in done.stdout.splitlines()]
    return out


@ROOT
@pytest.mark.full
@pytest.mark.parametrize("method", ["ring", "tcpdump", "dumpcap"])
def test_every_packet_is_written_down(tmp_path: Path, method: str) -> None:
    if method != "ring" and shutil.which(method) is None:
        pytest.skip(f"no {method}")
    found = sent(tmp_path, 3000, kind="capture", interface="v1", method=method)
    counts = found["status"]["feeds"]["home"]
    assert (counts["received"], counts.get("dropped_kernel", 0), found["said"]) == (3000, 0, [])
    rows = events(tmp_path)
    assert sorted(row["ip_id"] for row in rows) == list(range(3000))
    assert {(row["src_ip"], row["dst_port"], row["ttl"], row["time_basis"]) for row in rows} == {("10.9.0.1", 9, 64, "stated")}


@ROOT
@pytest.mark.full
@pytest.mark.parametrize(
    "table",
    [
        {"kind": "capture", "interface": "v1", "memory": 1 << 18},
        {"kind": "capture", "interface": "v1", "memory": 1 << 17, "method": "tcpdump"},
        {"kind": "nflog", "group": 5, "memory": 100_000},
    ],
    ids=["ring", "tcpdump", "nflog"],
)
def test_what_the_kernel_drops_is_counted_exactly(tmp_path: Path, table: dict[str, Any]) -> None:
    """Far more than the little memory holds: received + dropped_kernel = sent."""
    for tool in ("tcpdump", "iptables"):
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool}")
    counts = sent(tmp_path, 200_000, **table)["status"]["feeds"]["home"]
    assert counts["received"] + counts.get("dropped_kernel", 0) == 200_000, counts


@ROOT
@pytest.mark.full
def test_a_filter_and_a_cut_hold_in_the_kernel(tmp_path: Path) -> None:
    if shutil.which("tcpdump") is None:
        pytest.skip("no tcpdump")
    words = "udp and src portrange 1-50"
    counts = sent(tmp_path, 100, kind="capture", interface="v1", filter=words, snaplen=64)["status"]["feeds"]["home"]
    assert counts["received"] == 50


@ROOT
@pytest.mark.full
def test_an_interface_that_is_not_there_is_told(tmp_path: Path) -> None:
    found = sent(tmp_path, 1, kind="capture", interface="none0")
    assert found["status"]["feeds"] == {}
    assert found["said"][0].startswith("error: net: There is no interface none0.")


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ({}, "has no interface"),
        ({"interface": "-w"}, "is no name of an interface"),
        ({"interface": "eth0", "filter": "-w /etc/passwd"}, "is no filter"),
        ({"interface": "eth0", "snaplen": 10}, "lies between 64 and 262144"),
        ({"interface": "eth0", "method": "magic"}, "is unknown"),
        ({"interface": "eth0", "promiscuous": 1}, "must be true or false"),
    ],
)
def test_wrong_settings_are_told(tmp_path: Path, table: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        inputs.read((Table("net", {"kind": "capture", **table}, "teiten.toml, [station.input.net]", tmp_path),))
