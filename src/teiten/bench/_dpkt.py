"""The peer dpkt: ports by unique sources of a capture, as one writes it with that library: `python _dpkt.py FILE`."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any


def main(path: str) -> None:
    import dpkt  # a tool of the benchmark alone, not installed with the program

    packets: Counter[tuple[str, int]] = Counter()
    hosts: defaultdict[tuple[str, int], set[bytes]] = defaultdict(set)
    with Path(path).open("rb") as file:
        for _, frame in dpkt.pcap.Reader(file):
            ip: Any = dpkt.ethernet.Ethernet(frame).data
            if not isinstance(ip, dpkt.ip.IP):
                continue
            above = ip.data
            if isinstance(above, dpkt.tcp.TCP | dpkt.udp.UDP):
                key = type(above).__name__, above.dport
                packets[key] += 1
                hosts[key].add(ip.src)
    for key, sources in sorted(hosts.items(), key=lambda item: -len(item[1]))[:10]:
        print(*key, packets[key], len(sources))


if __name__ == "__main__":
    main(sys.argv[1])
