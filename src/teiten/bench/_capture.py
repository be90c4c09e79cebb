"""Makes the benchmarks' capture: seeded, 60-byte frames as a telescope of a /16 gets them, sources with a long tail.

    python -m teiten.bench._capture PACKETS FILE

A program of its own, as `_lines` is, and like that one it shares no code with `simulate`.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path
from typing import Any, Final

from teiten.bench import _process

FIRST: Final = 1_780_300_800
"""seconds since 1970: 2026-06-01, 08:00 UTC; the packets come at `RATE` a second from there on"""
RATE: Final = 5_000
FRAME: Final = 60
_BLOCK: Final = 500_000
_NETWORK: Final = 198 << 24 | 18 << 16
_PORTS: Final = (23, 445, 22, 80, 8080, 3389, 2323, 5060, 443, 1433, 52869, 5555, 81, 8443, 3306, 6379, 7547, 8291, 9530, 37215)
_FIELDS: Final = (
    ("seconds", "<u4"), ("micros", "<u4"), ("kept", "<u4"), ("length", "<u4"), ("macs", "S12"), ("type", ">u2"),
    ("version", "u1"), ("tos", "u1"), ("total", ">u2"), ("id", ">u2"), ("fragment", ">u2"), ("ttl", "u1"), ("protocol", "u1"),
    ("sum", ">u2"), ("source", ">u4"), ("destination", ">u4"), ("above", "S20"), ("pad", "S6"),
)  # fmt: skip


def made(work: Path, packets: int) -> Path:
    """The capture of that many packets in the folder; made there once, the same bytes every time."""
    path = work / f"capture-{packets}.pcap"
    if not path.exists():
        work.mkdir(parents=True, exist_ok=True)
        _process.run([sys.executable, "-m", __name__, str(packets), str(path)])
    return path


def _block(first: int, count: int) -> Any:
    import numpy as np

    rng = np.random.default_rng([20260601, first])
    out = np.zeros(count, np.dtype(list(_FIELDS)))
    micros = (np.arange(first, first + count) * (1_000_000 // RATE)) + rng.integers(0, 1_000_000 // RATE, count)
    out["seconds"], out["micros"] = FIRST + micros // 1_000_000, micros % 1_000_000
    out["kept"] = out["length"] = FRAME
    out["macs"], out["type"], out["version"] = b"\2" * 12, 0x0800, 0x45
    pool = np.random.default_rng(7).integers(1 << 24, 224 << 24, 300_000)
    # half of them from sources that are met again and again, some from sources that nobody sees twice
    source = np.where(
        rng.random(count) < 0.97, pool[(rng.zipf(1.15, count) - 1) % len(pool)], rng.integers(1 << 24, 224 << 24, count)
    )
    out["source"], out["destination"] = source, _NETWORK + rng.integers(0, 1 << 16, count)
    known = np.array(_PORTS)[(rng.zipf(1.5, count) - 1) % len(_PORTS)]
    port = np.where(rng.random(count) < 0.75, known, rng.integers(1, 65536, count))
    out["protocol"] = protocol = rng.choice(np.array([6, 17, 1]), count, p=[0.9, 0.07, 0.03])
    out["total"] = np.select([protocol == 6, protocol == 17], [40, 46], 46)
    out["id"], out["ttl"] = rng.integers(0, 1 << 16, count), rng.integers(30, 250, count)
    above = np.zeros(
        count, np.dtype([("a", ">u2"), ("b", ">u2"), ("c", ">u4"), ("d", ">u4"), ("e", ">u2"), ("f", ">u2"), ("g", ">u4")])
    )
    tcp, ping = protocol == 6, protocol == 1
    sequence = rng.integers(0, 1 << 32, count)
    above["a"] = np.where(ping, 0x0800, rng.integers(1024, 65536, count))
    above["b"] = np.where(ping, 0, port)
    # (of UDP: a length of 26 and no checksum)
    above["c"] = np.where(protocol == 17, 26 << 16, np.where(tcp & (rng.random(count) < 0.3), out["destination"], sequence))
    above["e"] = np.where(tcp, 0x5002, 0)
    above["f"] = np.where(tcp, 1024, 0)
    out["above"] = above.view("S20")
    return out


def main(argv: list[str]) -> None:
    packets, path = int(argv[0]), Path(argv[1])
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for first in range(0, packets, _BLOCK):
            file.write(_block(first, min(_BLOCK, packets - first)).tobytes())
    part.replace(path)


if __name__ == "__main__":
    main(sys.argv[1:])
