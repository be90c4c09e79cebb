"""What a household line's log holds beside packets: a new address every few days, and the lines of the router's daemons."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from teiten.simulate._traffic import DAY, Span, generator
from teiten.simulate._write import Extra, Sensor

HOST: Final = "router.asus.com"
DROP: Final = "kernel: DROP IN=ppp0 OUT= MAC= "
ZONE_HOURS: Final = 9


def home_line(
    addresses: Iterable[tuple[int, int]],
    extras: Iterable[Extra],
    *,
    gaps: tuple[tuple[int, int], ...] = (),
    accepts: tuple[int, ...] = (),
) -> Sensor:
    """The sensor of a household line: its router's log."""
    return Sensor(
        name="home",
        log="router",
        group="domestic",
        country="JP",
        zone_hours=ZONE_HOURS,
        pattern="%Y-%m-%dT%H:%M:%S",
        head=f"{HOST} {DROP}",
        addresses=tuple(addresses),
        extras=tuple(extras),
        gaps=gaps,
        accepts=accepts,
    )


def clock(time: float) -> str:
    """The stamp of a line."""
    day, second = divmod(int(time) + ZONE_HOURS * 3600, DAY)
    stamp = np.datetime64(day, "D")
    return f"{stamp}T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}+09:00"


def daemon(time: float, who: str, text: str) -> Extra:
    """A line of another program."""
    return Extra(int(time * 1e6), f"{clock(time)} {HOST} {who}: {text}", f"ignored: {who.partition('[')[0]}")


def reconnects(seed: int, span: Span, outage: tuple[int, int] | None) -> list[tuple[int, int]]:
    """(time, address from then on): every four days or so, and after the outage. Addresses are documentation's."""
    rng = generator(seed, "reconnects")
    times, now = [span.start], float(span.start)
    while True:
        now += float(rng.uniform(2.5, 6.0)) * DAY
        if now >= span.end:
            break
        times.append(int(now))
    if outage:
        times = sorted([t for t in times if not outage[0] - 7200 <= t < outage[1] + 7200] + [outage[1]])
    blocks = rng.choice(np.array([0xCB007100, 0xC6336400]), len(times))  # 203.0.113.0/24, 198.51.100.0/24
    return [(t, int(b) + int(h)) for t, b, h in zip(times, blocks, rng.integers(2, 250, len(times)), strict=True)]


def dotted(number: int) -> str:
    """An address as its text."""
    return ".".join(str(number >> s & 255) for s in (24, 16, 8, 0))


def other_lines(seed: int, span: Span, addresses: list[tuple[int, int]], gaps: tuple[tuple[int, int], ...]) -> list[Extra]:
    """Lines of the router's other daemons: PPP connections, leases, the clock."""
    rng = generator(seed, "daemons")
    out: list[Extra] = []
    for i, (time, number) in enumerate(addresses):
        pid = 1200 + i * 37
        if i and not any(begin <= time - 1 < end for begin, end in gaps):
            out.append(daemon(time - 40, f"pppd[{pid - 37}]", "LCP terminated by peer"))
            out.append(daemon(time - 39, f"pppd[{pid - 37}]", f"Connect time {rng.uniform(3000, 9000):.1f} minutes."))
        out.append(daemon(time + 0.01, f"pppd[{pid}]", "Connected to 00:00:5e:00:53:01 via interface eth0"))
        out.append(daemon(time + 0.02, f"pppd[{pid}]", f"local  IP address {dotted(number)}"))
        out.append(daemon(time + 0.03, f"pppd[{pid}]", "remote IP address 192.0.2.1"))
        out.append(daemon(time + 2, "rc_service", f"ip-up {pid}:notify_rc start_firewall"))
    for day in range(span.days):
        for second in np.sort(rng.uniform(0, DAY, int(rng.integers(4, 10)))):
            host = int(rng.integers(2, 30))
            out.append(
                daemon(
                    span.start + day * DAY + float(second),
                    "dnsmasq-dhcp[612]",
                    f"DHCPREQUEST(br0) 192.168.1.{host} 00:00:5e:00:53:{host:02x}",
                )
            )
        if day % 3 == 0:
            out.append(daemon(span.start + day * DAY + 14_400, "ntpd", "Initial clock set"))
    return [e for e in out if not any(b * 1_000_000 <= e.time < t * 1_000_000 for b, t in gaps)]
