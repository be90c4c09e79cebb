"""Captures of real tools, brought in by the real command into a lake of its own: every sender is called what it was.

The captures (../shared/data/packets/netns) were made with the tools that their names say. What a capture's sender is called
beyond that would be a false alarm, and so would any tool in the captures of others.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from teiten.cli import main
from teiten.lake import Lake

CONFIG = """
zone = "UTC"
[sensor.dark]
addresses = 1048576
paths = ["*.pcap"]
"""
TRUTH: dict[str, set[tuple[str, str]]] = {
    "any_sll": {("tool_nmap", "nmap")},
    "backscatter_linux_kernel": set(),
    # hping3 told to send Mirai's sequence numbers: it is both, and both marks are there
    "hping3_mirai_shaped": {("tool_hping3", "hping3"), ("tool_mirai", "mirai"), ("mirai_ports", "23,2323")},
    "hping3_scan": {("tool_hping3", "hping3")},
    "hping3_syn": {("tool_hping3", "hping3")},
    "masscan132_ping": set(),
    "masscan132_syn": {("tool_masscan", "masscan")},
    "masscan132_udp": set(),
    "nmap6_sS_sU": {("tool_nmap", "nmap")},
    "nmap_O": set(),
    "nmap_sS_24": {("tool_nmap", "nmap")},
    "nmap_sS_top100": {("tool_nmap", "nmap")},
    "nmap_sT": set(),
    "nmap_sX_sF_sN": set(),
    "ulogd_NFLOG_rawip": {("tool_nmap", "nmap")},
    "zmap211_syn": {("tool_zmap_mark", "zmap")},
    "zmap4_order_1thread_44.0.0.0-12": {("tool_zmap_order", "zmap")},
    "zmap4_order_4threads_44.0.0.0-12": {("tool_zmap_order", "zmap")},
    # small lists of addresses: ZMap walks in another group, and shows no mark
    "zmap4_syn_default": set(),
    "zmap4_syn_windows": set(),
}
"""capture -> (rule, value) of the rules that name a tool; a /24 of nmap's host discovery, UDP and the like have no rule"""
NAMING = ("tool", "mirai_ports")


def called(capture: Path, folder: Path) -> list[dict[str, object]]:
    """Every verdict on the capture's senders, after `teiten ingest`."""
    (folder / "teiten.toml").write_text(CONFIG)
    (folder / "x.pcap").write_bytes(capture.read_bytes())
    assert (
        main(["ingest", "--config", str(folder / "teiten.toml"), "--lake", str(folder / "lake"), str(folder / "x.pcap")]) == 0
    )
    return Lake.open(folder / "lake").verdicts().to_dicts()


@pytest.mark.parametrize(
    "name", [name if n % 5 == 0 else pytest.param(name, marks=pytest.mark.full) for n, name in enumerate(sorted(TRUTH))]
)
def test_a_real_tool_is_called_what_it_is(name: str, shared_data: Path, tmp_path: Path) -> None:
    found = called(shared_data / "packets" / "netns" / f"{name}.pcap", tmp_path)
    assert {(row["rule"], row["value"]) for row in found if row["label"] in NAMING} == TRUTH[name]
    for row in found:
        assert 0.99 <= float(str(row["confidence"])) <= 1 or row["label"] not in NAMING


def test_every_capture_of_a_tool_is_looked_at(shared_data: Path) -> None:
    assert {path.stem for path in (shared_data / "packets" / "netns").glob("*.pcap")} == set(TRUTH)


def test_the_generator_and_threads_of_a_real_scan_are_told(shared_data: Path, tmp_path: Path) -> None:
    for threads, name in ((1, "zmap4_order_1thread_44.0.0.0-12"), (4, "zmap4_order_4threads_44.0.0.0-12")):
        (tmp_path / name).mkdir()
        (row,) = [
            r
            for r in called(shared_data / "packets" / "netns" / f"{name}.pcap", tmp_path / name)
            if r["rule"] == "tool_zmap_order"
        ]
        said = json.loads(str(row["evidence"]))
        assert said["subshards"] == threads
        assert said["generator"] == {1: 3616844, 4: 3173455}[threads]
        assert said["chance"] <= 1e-9
