"""Run in a network namespace of its own: a pair of interfaces, an input that listens to one end, packets sent into the other.

    unshare --net python namespace_sender.py FOLDER PACKETS '{"kind": "capture", ...}'

Prints the station's counters and how many packets were sent, as JSON.
"""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

from teiten.station.live import Live
from teiten.stationing import read

WIRE = """
sysctl -qw net.ipv6.conf.default.disable_ipv6=1 net.ipv4.conf.default.rp_filter=0 net.ipv4.conf.default.accept_local=1
sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.all.accept_local=1
ip link set lo up
ip link add v0 type veth peer name v1
ip addr add 10.9.0.1/24 dev v0
ip addr add 10.9.0.2/24 dev v1
ip link set v0 up
ip link set v1 up
"""
RULES = """
iptables -A INPUT -i v1 -j NFLOG --nflog-group 5 --nflog-prefix DROP
iptables -A INPUT -i v1 -j DROP
"""


def mac(interface: str) -> bytes:
    told = json.loads(subprocess.check_output(["ip", "-j", "link", "show", interface]))
    return bytes.fromhex(told[0]["address"].replace(":", ""))


def datagram(number: int) -> bytes:
    """UDP from port `number` to port 9, its IP header whole."""
    addresses = socket.inet_aton("10.9.0.1") + socket.inet_aton("10.9.0.2")
    head = struct.pack("!BBHHHBBH", 0x45, 0, 28, number & 0xFFFF, 0, 64, 17, 0) + addresses
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    head = head[:10] + struct.pack("!H", ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF) + head[12:]
    return head + struct.pack("!HHHH", number % 65535 + 1, 9, 8, 0)


def main(folder: Path, many: int, table: dict[str, object]) -> None:
    for line in (WIRE + (RULES if table["kind"] == "nflog" else "")).split("\n"):
        if line:
            subprocess.run(line.split(), check=True)
    station = read({"spool": "spool", "input": {"net": table}}, "test, [station]", folder)
    said: list[str] = []
    live = Live(station, lambda level, sentence: said.append(f"{level}: {sentence}"))
    with live.at_work():
        deadline = time.monotonic() + 20
        while not live.desk.feeds and not said and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(0.5)
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        wire.bind(("v0", 0))
        frame = mac("v1") + mac("v0") + b"\x08\x00"
        for number in range(many):
            if number == many - 10:
                time.sleep(1)  # what NFLOG lost at a burst's end is told by the number of the packet after it
            wire.send(frame + datagram(number))
        time.sleep(1.5)
    json.dump({"status": live.status()["net"], "said": said}, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3]))
