"""ZMap's old identification on SYN and UDP; one chance hit among thousands; another fixed identification."""

from __future__ import annotations

from pathlib import Path

from tests.classify.examples import DARK, Example, event, telescope

UDP = {
    "protocol": 17,
    "dst_port": 53,
    "tcp_flags": None,
    "tcp_seq": None,
    "tcp_ack": None,
    "tcp_window": None,
    "tcp_opt_len": None,
}


def example(folder: Path) -> Example:
    rows = [event(n, "192.0.2.1", DARK + n * 7919 % 65536, ip_id=54321) for n in range(20)]
    rows += [event(n, "192.0.2.2", DARK + n * 7919 % 65536, ip_id=54321, **UDP) for n in range(20)]
    rows += [event(n, "192.0.2.3", DARK + n, ip_id=54321 if n == 300 else n) for n in range(600)]
    rows += [event(n, "192.0.2.4", DARK + n, ip_id=256) for n in range(30)]
    rows += [event(n, "2001:db8::1", dst_ip=f"2001:db8:1::{n:x}", ip_id=None) for n in range(9)]
    return Example(rows, {"192.0.2.1": {"zmap"}, "192.0.2.2": {"zmap"}}, telescope())
