"""Makes the benchmarks' FlowTuple file, deflated: the same blocks so many times.

    python -m teiten.bench._tuples FLOWS TIMES FILE

A program of its own, so that its memory is not counted with what reads them.
"""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import Any


def flow(n: int) -> dict[str, Any]:
    """One of the flows, as `publish.research` has them: sources that come again, a few ports, a minute for 5,000."""
    source, udp = n * 7919, n % 9 == 0
    return {
        "time": dt.datetime(2026, 4, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=n // 5000), "ip_version": 4,
        "src": f"198.{18 + n % 2}.{source >> 8 & 255}.{source & 255}", "dst_number": n * 2_654_435_761 >> 8 & 0xFFFFFFF,
        "protocol": 17 if udp else 6, "src_port": 1024 + n * 104_729 % 64_000, "dst_port": (23, 22, 445, 8080, 5555)[n % 5],
        "icmp_type": None, "icmp_code": None, "ttl": 40 + n % 80, "tcp_flags": None if udp else 2, "tcp_window": 1024 + n % 3,
        "tcp_opt_len": 4 * (n % 5), "ip_len": 40 + 4 * (n % 5), "mark_masscan": False, "country": "JP", "asn": n % 60_000,
        "packets": 1 + n % 3,
    }  # fmt: skip


def main(flows: int, times: int, path: Path) -> None:
    from teiten.publish import flowtuple

    data = flowtuple.avro(map(flow, range(flows)))[0]
    # the file's last sixteen bytes are its sync bytes, which end the header as well
    blocks = data.index(data[-16:]) + 16
    with path.open("wb") as file:
        file.write(data[:blocks])
        for _ in range(times):
            file.write(data[blocks:])


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
