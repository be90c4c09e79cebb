"""Captures: ports by unique sources beside tracestats, tcpdump, dpkt and tshark; decoding alone; growing inputs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from teiten.bench import _capture
from teiten.bench._process import Took, middle, run, teiten

NAME: Final = "packets"
HELP: Final = "top ports with unique sources from captures beside tracestats, tcpdump, dpkt and tshark; decoding alone; memory"
GOALS: Final = {
    "times_tracestats": (">=", 0.5),
    "times_tracestats_large": (">=", 1.0),
    "times_tcpdump": (">=", 20.0),
    "times_dpkt": (">=", 100.0),
    "times_tshark": (">=", 150.0),
    "decode_packets_per_s": (">=", 25e6),
    "top_memory_mib": ("<", 1024.0),
    "top_slope": ("<=", 1.1),
    "times_tracestats_100m": (">=", 1.0),
    "top_100000000_memory_mib": ("<", 1024.0),
    "top_slope_100m": ("<=", 1.1),
}

_SLICES: Final = {"tcpdump": 1_000_000, "dpkt": 200_000, "tshark": 200_000}
"""packets for the slow: their time grows with the packets, so a rate can be had from fewer"""
_HEADER, _RECORD, _DESTINATION = 24, 76, 16 + 14 + 16
_AWK: Final = (
    '{ n = split($5, to, "."); port = to[n]; sub(":", "", port); from = $3; sub(/[.][0-9]+$/, "", from); c[port]++;'
    " if (!((port, from) in seen)) { seen[port, from] = 1; h[port]++ } } END { for (p in c) print h[p], c[p], p }"
)


def top(capture: Path) -> list[str]:
    """The command that ranks ports by unique sources."""
    return teiten("top", "ports", "--by", "hosts", str(capture))


def slice_of(capture: Path, packets: int) -> Path:
    """The first packets of the benchmarks' capture, to a /24: on more destinations tcpdump slows down beyond all proportion."""
    path = capture.with_name(f"{capture.stem}-{packets}-24.pcap")
    if not path.exists():
        with capture.open("rb") as file:
            data = bytearray(file.read(_HEADER + packets * _RECORD))
        # the third byte of each destination becomes that of the first
        begin = _HEADER + _DESTINATION + 2
        data[begin::_RECORD] = bytes([data[begin]]) * len(data[begin::_RECORD])
        path.write_bytes(data)
    return path


def dpkt_python() -> str | None:
    """A Python that has dpkt: $TEITEN_BENCH_PYTHON, else this one; None where neither has."""
    for python in (os.environ.get("TEITEN_BENCH_PYTHON"), sys.executable):
        if python and subprocess.run([python, "-c", "import dpkt"], capture_output=True, check=False).returncode == 0:
            return python
    return None


def peers(capture: Path) -> dict[str, tuple[list[str], int]]:
    """The slow peers that are here: their commands, and how many packets they get. Those that are not are named on stderr."""
    out: dict[str, tuple[list[str], int]] = {}
    files = {name: str(slice_of(capture, n)) for name, n in _SLICES.items()}
    python = dpkt_python()
    if shutil.which("tcpdump") and shutil.which("awk"):
        line = f"tcpdump -nn -r {files['tcpdump']} 2>/dev/null | awk '{_AWK}' | sort -rn | head"
        out["tcpdump"] = ["sh", "-c", line], _SLICES["tcpdump"]
    if python:
        out["dpkt"] = [python, str(Path(__file__).with_name("_dpkt.py")), files["dpkt"]], _SLICES["dpkt"]
    if shutil.which("tshark"):
        fields = "-e ip.src -e tcp.dstport -e udp.dstport"
        line = f"tshark -n -r {files['tshark']} -T fields {fields} 2>/dev/null | sort | uniq -c | sort -rn | head"
        out["tshark"] = ["sh", "-c", line], _SLICES["tshark"]
    for name, how in {"tcpdump": "", "dpkt": " (pip install dpkt, or $TEITEN_BENCH_PYTHON)", "tshark": ""}.items():
        if name not in out:
            print(f"teiten bench: {name} is not installed here and is left out{how}.", file=sys.stderr)
    return out


def tracestats(capture: Path) -> list[str] | None:
    """libtrace's counter with one filter; None where it is not installed."""
    if shutil.which("tracestats") is None:
        print("teiten bench: tracestats (libtrace-tools) is not installed here and is left out.", file=sys.stderr)
        return None
    return ["tracestats", "-f", "tcp dst port 23", f"pcapfile:{capture}"]


def _beside(capture: Path, times: int, work: Path) -> tuple[Took, Took | None]:
    """The ranking and tracestats, turn by turn."""
    other = tracestats(capture)
    ours, theirs = [], []
    for _ in range(times):
        ours.append(run(top(capture), out=work / "stdout"))
        if other is not None:
            theirs.append(run(other, out=work / "stdout"))
    return middle(ours), middle(theirs) if theirs else None


def _rates(name: str, packets: int, took: tuple[Took, Took | None], end: str = "") -> dict[str, float]:
    ours, theirs = took
    figures = {f"top_{name}_s": ours.seconds, f"top_{name}_processor_s": ours.processor}
    figures |= {f"top_{name}_packets_per_s": packets / ours.seconds, f"top_{name}_memory_mib": ours.memory}
    if theirs is not None:
        figures |= {f"tracestats_{name}_s": theirs.seconds, f"tracestats_{name}_processor_s": theirs.processor}
        figures[f"times_tracestats{end}"] = theirs.seconds / ours.seconds
    return figures


def run_benchmark(work: Path, quick: bool) -> dict[str, float]:
    """Packets a second of each, the ratios, and what grows with the packets. Needs room for 5 GB in the folder."""
    sizes = (500_000, 5_000_000) if quick else (5_000_000, 50_000_000)
    times = 1 if quick else 3
    run(top(_capture.made(work, 1_000)))  # the one-time compilation has a benchmark of its own
    captures = {packets: _capture.made(work, packets) for packets in sizes}
    small, large = sizes
    figures: dict[str, float] = {"packets": float(small), "megabytes": captures[small].stat().st_size / 1e6}
    took = {packets: _beside(capture, times, work) for packets, capture in captures.items()}
    figures |= _rates(str(small), small, took[small]) | _rates(str(large), large, took[large], "_large")
    figures["top_memory_mib"] = max(ours.memory for ours, _ in took.values())
    figures["top_slope"] = took[large][0].seconds / took[small][0].seconds / (large / small)
    rate = small / took[small][0].seconds
    for name, (command, packets) in peers(captures[small]).items():
        if quick and name != "tcpdump":
            continue
        one = run(command, out=work / "stdout")
        figures[f"{name}_packets_per_s"] = packets / one.seconds
        figures[f"{name}_memory_mib"] = one.memory
        figures[f"times_{name}"] = rate / figures[f"{name}_packets_per_s"]
    run([sys.executable, "-m", "teiten.bench._decode", str(captures[small])], out=work / "decoded")
    plain, hashed = map(float, (work / "decoded").read_text(encoding="utf-8").split())
    figures |= {"decode_packets_per_s": plain, "decode_hashed_packets_per_s": hashed}
    captures[large].unlink()
    return figures


def run_large(work: Path) -> dict[str, float]:
    """100 million packets, 7.6 GB: time and memory beside a twentieth of them."""
    sizes = (5_000_000, 100_000_000)
    small, large = (_beside(_capture.made(work, packets), 1, work) for packets in sizes)
    _capture.made(work, sizes[1]).unlink()
    figures = _rates(str(sizes[1]), sizes[1], large, "_100m")
    figures["top_slope_100m"] = large[0].seconds / small[0].seconds / (sizes[1] / sizes[0])
    return figures
