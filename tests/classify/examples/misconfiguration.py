"""A syslog client for a day; a source that tries two addresses, one that is too fast, one that stops after an hour."""

from __future__ import annotations

from pathlib import Path

from tests.classify.examples import DARK, Example, event, telescope

SYSLOG = {"protocol": 17, "dst_port": 514, "tcp_flags": None, "tcp_seq": None, "ip_len": 120}


def example(folder: Path) -> Example:
    rows = [event(n, "192.0.2.1", DARK + 9, seconds=n * 600.0, **SYSLOG) for n in range(60)]
    rows += [event(n, "192.0.2.2", DARK + 9 + n // 59, seconds=n * 600.0, **SYSLOG) for n in range(60)]
    rows += [event(n, "192.0.2.3", DARK + 9, seconds=n * 60.0, **SYSLOG) for n in range(60)]
    rows += [event(n, "192.0.2.4", DARK + 9, seconds=n * 600.0, packets=1000, **SYSLOG) for n in range(60)]
    rows += [event(n, "192.0.2.5", DARK + 9, seconds=n * 2000.0, dst_port=8443) for n in range(12)]
    return Example(rows, {"192.0.2.1": {"514/udp"}, "192.0.2.5": {"8443/tcp"}}, telescope())
