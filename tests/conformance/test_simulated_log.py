"""The log that `simulate` writes beside a capture is, letter for letter, what the kernel writes of that capture's packets."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from teiten import simulate

pytestmark = [pytest.mark.full, pytest.mark.root]

SPACE = "teiten-told"
TAG = f"SIM-{os.getpid():x}"
LINES = 1_200
SEND = """
import socket, struct, sys, time
raw, out = open(sys.argv[1], "rb").read(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
out.bind(("send0", 0))
at = 24
while at < len(raw):
    size = struct.unpack_from("<I", raw, at + 8)[0]
    out.send(raw[at + 16 : at + 16 + size])
    at += 16 + size
    time.sleep(0.002)
"""
"""each frame of a capture onto the wire, at a pace that the kernel's ring buffer follows"""


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=60, stdin=subprocess.DEVNULL)


def within(*command: str) -> None:
    run("ip", "netns", "exec", SPACE, *command)


def build() -> None:
    """A namespace with a cable of its own, whose receiving end is called and addressed as in the simulated log."""
    run("ip", "netns", "add", SPACE)
    run("ip", "link", "add", "eth0", "netns", SPACE, "type", "veth", "peer", "name", "send0", "netns", SPACE)
    within("ip", "link", "set", "eth0", "address", "00:00:5e:00:53:01")
    for name in ("eth0", "send0"):
        within("sysctl", "-qw", f"net.ipv6.conf.{name}.accept_dad=0", f"net.ipv6.conf.{name}.router_solicitations=0")
        within("ip", "link", "set", name, "up")
    for tables in ("iptables", "ip6tables"):
        what = ("-j", "LOG", "--log-prefix", f"{TAG} ", "--log-tcp-sequence", "--log-tcp-options")
        within(tables, "-t", "raw", "-A", "PREROUTING", "-i", "eth0", *what)


@pytest.fixture(params=[None, "2001:db8:38::/64"], ids=["ipv4", "ipv6"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, list[str]]:
    """A capture of the packets that have a line, every cause among them, and the lines."""
    day = dt.date(2026, 4, 1)
    out = tmp_path / "sim"
    summary = simulate.run("telescope", 4, day, 1, 12_000, out, prefix=request.param, kinds=("pcap", "log"))
    told = pl.read_parquet(out / "truth" / "packets-2026-04-01.parquet").filter(pl.col("log_pos").is_not_null())
    every = max(1, told.height // LINES)
    few = told.group_by("cause").len().filter(pl.col("len") < 600)["cause"].implode()
    some = told.with_row_index().filter((pl.col("index") % every == 0) | pl.col("cause").is_in(few)).head(3 * LINES)
    raw, log = (path.read_bytes() for path in summary.paths)
    frames = [raw[at : at + 16 + struct.unpack_from("<I", raw, at + 8)[0]] for at in some["source_pos"]]
    capture = tmp_path / "some.pcap"
    capture.write_bytes(raw[:24] + b"".join(frames))
    return capture, [log[at : log.index(b"\n", at)].decode() for at in some["log_pos"]]


@pytest.mark.skipif(any(shutil.which(t) is None for t in ("ip", "iptables", "ip6tables", "dmesg")), reason="needs iptables")
def test_the_kernel_writes_the_same_lines(
    made: tuple[Path, list[str]], tmp_path: Path, kernel_log: Callable[..., contextlib.AbstractContextManager[None]]
) -> None:
    capture, expected = made
    kernel = tmp_path / "kernel.log"

    def begin() -> None:
        subprocess.run(("ip", "netns", "del", SPACE), capture_output=True, check=False)
        try:
            build()
        except subprocess.CalledProcessError as error:
            pytest.skip(f"this kernel does not let us build the namespace: {error.stderr.decode().strip()}")
        time.sleep(2)

    try:
        with kernel_log(kernel, begin):
            time.sleep(2)
            within(sys.executable, "-c", SEND, str(capture))
            time.sleep(2)
    finally:
        subprocess.run(("ip", "netns", "del", SPACE), capture_output=True, check=False)
    lines = [line.partition(f"{TAG} ")[2] for line in kernel.read_text().splitlines() if f"{TAG} " in line]
    found: list[Any] = [line for line in lines if "SRC=fe80:" not in line and line]
    assert len(found) == len(expected)
    for kernels, ours in zip(found, expected, strict=True):
        assert kernels.strip() == ours.partition("[DROP] ")[2].strip()
