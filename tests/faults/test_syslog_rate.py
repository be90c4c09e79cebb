"""Syslog at 20,000 datagrams a second for a minute, over a stall, at 50,000 lines a second over TCP and TLS: none is lost."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from teiten.bench import _station_run as work

pytestmark = [pytest.mark.full, pytest.mark.faults]

SECONDS = 60


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the station's certificate")
def test_a_minute_of_datagrams(tmp_path: Path, figure: Callable[[int, str], None]) -> None:
    station = work.Station(tmp_path / "minute")
    process = station.start()
    with work.asking(station) as answers:
        told = work.send("udp", station.ports["udp"], work.UDP_RATE, SECONDS)
        own, _ = process.processor()
        work.until(lambda: work.rows(station) == told["sent"], 120, fail=False)
        asked = len(answers)
    memory, _ = process.memory()
    process.end()
    found, dropped = station.numbers("udp"), station.counted("dropped_kernel")
    lost = int(told["sent"]) - len(found)
    assert len(found) == len(set(found)) and lost == dropped + station.counted("dropped_queue")
    assert work.rows(station) == len(found)
    rate = told["sent"] / told["seconds"]
    assert rate > 0.95 * work.UDP_RATE, "the sender did not keep to its rate: the machine is busy with something else"
    assert lost == 0
    figure(
        8,
        f"{told['sent']:,} datagrams in {told['seconds']:.0f} s ({rate:,.0f}/s): 0 lost, all in the lake, which was asked "
        f"{asked} times meanwhile; receivers {100 * own / told['seconds']:.0f} % of one core, {memory:.0f} MiB",
    )


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the station's certificate")
def test_a_stall_of_two_seconds(tmp_path: Path, figure: Callable[[int, str], None]) -> None:
    found = work.stall(tmp_path / "stall")
    assert found["stall_uncounted"] == 0
    if found["stall_buffer_mib"] >= 32:
        assert found["stall_lost"] == 0
    figure(
        8,
        f"2 s stall at 20,000/s, buffer {found['stall_buffer_mib']:.0f} MiB: {found['stall_lost']:.0f} lost, none uncounted",
    )


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the station's certificate")
@pytest.mark.parametrize("kind", ["tcp", "tls"])
def test_lines_over_connections(tmp_path: Path, figure: Callable[[int, str], None], kind: str) -> None:
    station = work.Station(tmp_path / kind)
    process = station.start()
    told = work.send(kind, station.ports[kind], work.STREAM_RATE, 10)
    own, _ = process.processor()
    process.end()
    found = station.numbers(kind)
    rate = told["sent"] / told["seconds"]
    assert len(found) == len(set(found)) == told["sent"] == work.rows(station)
    assert rate >= 50_000, "the sender did not keep to its rate: the machine is busy with something else"
    figure(
        8,
        f"{kind.upper()}: {told['sent']:,} lines at {rate:,.0f}/s: 0 lost; "
        f"receivers {100 * own / told['seconds']:.0f} % of one core",
    )
