"""Would an intrusion detection system have spoken? The published thresholds of four, with their numbers and sources.

All of them follow single source addresses; so do these functions: a session of many sources is looked at source by source.
They get attempts that nobody answered, as a firewall's log shows them. Sources, read on 2026-11-22:

psad        psad.conf, DANGER_LEVEL1..5 = 5, 15, 150, 1500, 10000 packets; PORT_RANGE_SCAN_THRESHOLD 1 (two ports at least);
            ENABLE_PERSISTENCE Y (counts do not time out)                                  github.com/mrash/psad
CrowdSec    scenario crowdsecurity/iptables-scan-multi_ports: leaky bucket of capacity 15, leakspeed 5s, distinct destination
            ports of tcp and udp; the bucket is golang.org/x/time/rate with that burst, so the 16th distinct port that finds
            no room overflows it; it is forgotten after (15 + 1) * 5 s without a new port          github.com/crowdsecurity
Zeek        policy/misc/scan.zeek: port_scan_threshold 15 ports of one host, addr_scan_threshold 25 hosts on one port, each
            within 5 min (TCP). Its five minutes follow one another from some moment on; here any five minutes count
                                                                                            github.com/zeek/zeek
Snort 2.9   sfPortscan, src/preprocessors/portscan.c: window 60, 90, 600 s at sense level low, medium, high. Answered by a
            reset: 5, 10, 5 resets and 5, 15, 10 ports. Not answered ('filtered'): never, 200 attempts and 15 ports, 200 and
            10. The window begins with its first packet; a port counts when it differs from the one before.
Suricata has no port scan preprocessor of its own, and so no number to cite.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final, NamedTuple

TCP: Final = 6
UDP: Final = 17

PSAD_LEVELS: Final = (5, 15, 150, 1500, 10000)
CROWDSEC_CAPACITY: Final = 15
CROWDSEC_LEAK: Final = 5.0
ZEEK_PORTS: Final = 15
ZEEK_HOSTS: Final = 25
ZEEK_SECONDS: Final = 300.0
SNORT: Final = (
    # level, window in seconds, resets and ports, attempts (0: never) and ports; fewer sources than that (it is one here)
    ("low", 60.0, 5, 5, 0, 5),
    ("medium", 90.0, 10, 15, 200, 15),
    ("high", 600.0, 5, 10, 200, 10),
)


class Try(NamedTuple):
    """One attempt of one source. `second`: on any clock that runs forward; host: the address that was tried."""

    second: float
    protocol: int | None
    port: int | None
    host: bytes
    packets: int = 1
    reset: bool = False
    """it was answered by a reset (action reject)"""


@dataclass(frozen=True, slots=True)
class Crossing:
    """One threshold and whether it was crossed. `reached` of `needed` `unit` within `seconds` (None: without limit).

    id: 'psad.1'..'psad.5', 'crowdsec', 'zeek.ports', 'zeek.hosts', 'snort.low'...; `at`: the second at which it was crossed.
    """

    id: str
    needed: int
    unit: str
    seconds: float | None
    reached: int
    at: float | None
    url: str

    @property
    def crossed(self) -> bool:
        return self.at is not None


URLS: Final[dict[str, str]] = {
    "psad": "https://github.com/mrash/psad/blob/master/psad.conf",
    "crowdsec": "https://github.com/crowdsecurity/hub/blob/master/scenarios/crowdsecurity/iptables-scan-multi_ports.yaml",
    "zeek": "https://github.com/zeek/zeek/blob/master/scripts/policy/misc/scan.zeek",
    "snort": "https://www.snort.org/faq/readme-sfportscan",
}


def check(tries: Iterable[Try]) -> list[Crossing]:
    """Every threshold against the attempts of one source, in a fixed order."""
    own = sorted(tries, key=lambda t: t.second)
    return [*psad(own), crowdsec(own), *zeek(own), *snort(own)]


def worst(sources: Iterable[Sequence[Try]]) -> list[Crossing]:
    """For each threshold the source that came farthest; of several that crossed it, the one that did so first."""
    best: list[Crossing] = []
    for tries in sources:
        found = check(tries)
        best = found if not best else [max(pair, key=_farther) for pair in zip(best, found, strict=True)]
    return best


def _farther(one: Crossing) -> tuple[bool, float, int]:
    return one.crossed, -(one.at or 0.0), one.reached


def psad(tries: Sequence[Try]) -> list[Crossing]:
    """The five danger levels: packets in all, once two ports were tried."""
    total = 0
    ports: set[tuple[int | None, int | None]] = set()
    at: list[float | None] = [None] * len(PSAD_LEVELS)
    reached = 0
    for second, protocol, port, _, packets, _ in tries:
        total += packets
        ports.add((protocol, port))
        while reached < len(PSAD_LEVELS) and total >= PSAD_LEVELS[reached] and len(ports) > 1:
            at[reached] = second
            reached += 1
    return [
        Crossing(f"psad.{i + 1}", level, "packets", None, total, at[i], URLS["psad"]) for i, level in enumerate(PSAD_LEVELS)
    ]


def crowdsec(tries: Sequence[Try]) -> Crossing:
    """The leaky bucket: a token for each new port; 15 to begin with, one more every 5 s up to 15; none left = overflow."""
    room = float(CROWDSEC_CAPACITY)
    last = 0.0
    seen: set[int] = set()
    fullest, at = 0, None
    life = (CROWDSEC_CAPACITY + 1) * CROWDSEC_LEAK
    for one in tries:
        if one.protocol not in (TCP, UDP) or one.port is None:
            continue
        if seen and one.second - last >= life:  # the bucket ran dry and is forgotten, with the ports that it knew
            seen, room = set(), float(CROWDSEC_CAPACITY)
        if one.port in seen:
            continue
        if seen:
            room = min(float(CROWDSEC_CAPACITY), room + (one.second - last) / CROWDSEC_LEAK)
        seen.add(one.port)
        last = one.second
        if room < 1.0 - 1e-9:
            at = one.second if at is None else at
            fullest = CROWDSEC_CAPACITY + 1
            break
        room -= 1.0
        fullest = max(fullest, math.ceil(CROWDSEC_CAPACITY - room - 1e-9))
    return Crossing("crowdsec", CROWDSEC_CAPACITY + 1, "ports", CROWDSEC_LEAK, fullest, at, URLS["crowdsec"])


def zeek(tries: Sequence[Try]) -> list[Crossing]:
    """15 ports of one host, 25 hosts on one port: TCP, within any five minutes."""
    tcp = [t for t in tries if t.protocol == TCP and t.port is not None]
    ports = _most(tcp, ZEEK_PORTS, by_host=True)
    hosts = _most(tcp, ZEEK_HOSTS, by_host=False)
    return [
        Crossing("zeek.ports", ZEEK_PORTS, "ports", ZEEK_SECONDS, *ports, URLS["zeek"]),
        Crossing("zeek.hosts", ZEEK_HOSTS, "hosts", ZEEK_SECONDS, *hosts, URLS["zeek"]),
    ]


def _most(tries: Sequence[Try], needed: int, *, by_host: bool) -> tuple[int, float | None]:
    """The most different ports of one host (or hosts on one port) within the window, and when they first were enough."""
    groups: dict[bytes | int | None, list[tuple[float, bytes | int | None]]] = {}
    for second, _, port, host, _, _ in tries:
        group, value = (host, port) if by_host else (port, host)
        groups.setdefault(group, []).append((second, value))
    most, at = 0, None
    for own in sorted(groups.values(), key=len, reverse=True):
        if len(own) < needed and len(own) <= most:
            break  # neither this one nor those that follow say anything new
        counts: dict[bytes | int | None, int] = {}
        first = 0
        for second, value in own:
            counts[value] = counts.get(value, 0) + 1
            while second - own[first][0] > ZEEK_SECONDS:
                old = own[first][1]
                counts[old] -= 1
                if not counts[old]:
                    del counts[old]
                first += 1
            if len(counts) > most:
                most = len(counts)
            if len(counts) >= needed and (at is None or second < at):
                at = second
    return most, at


def snort(tries: Sequence[Try]) -> list[Crossing]:
    """One source against one host, at each sense level. What counts is what was answered by resets, or not at all."""
    hosts: dict[bytes, list[Try]] = {}
    for t in tries:
        if t.protocol == TCP and t.port is not None:
            hosts.setdefault(t.host, []).append(t)
    tried = sorted(((sum(t.packets for t in own), own) for own in hosts.values()), key=itemgetter(0), reverse=True)
    out = []
    answered = any(t.reset for own in hosts.values() for t in own)
    for level, seconds, resets, reset_ports, attempts, ports in SNORT:
        reached, at, enough = 0, None, min(resets, attempts or resets)
        for packets, own in tried:
            if packets < enough and packets <= reached:
                break  # too few there, and in those that follow
            one = _window(own, seconds, resets, reset_ports, attempts, ports)
            reached, at = max(one, (reached, at), key=lambda f: (f[1] is not None, -(f[1] or 0.0), f[0]))
        needed = resets if answered or not attempts else attempts
        unit = "resets" if answered else "attempts" if attempts else "never"
        out.append(Crossing(f"snort.{level}", needed, unit, seconds, reached, at, URLS["snort"]))
    return out


def _window(
    tries: Sequence[Try], seconds: float, resets: int, reset_ports: int, attempts: int, ports: int
) -> tuple[int, float | None]:
    """The most resets (or attempts) in a window that begins with its first packet, and when they first were enough."""
    end = float("-inf")
    made = answered = changes = most = 0
    port: int | None = None
    for second, _, tried, _, packets, reset in tries:
        if second > end:
            end, made, answered, changes, port = second + seconds, 0, 0, 0, None
        made += packets
        if reset:
            answered += packets
        if tried != port:
            changes, port = changes + 1, tried
        if (answered or made) > most:
            most = answered or made
        if (answered >= resets and changes >= reset_ports) or (attempts and made >= attempts and changes >= ports):
            return most, second
    return most, None


def tries_of(
    events: Iterable[tuple[dt.datetime, bytes, int | None, int | None, bytes, int, str | None]],
) -> list[list[Try]]:
    """Events (time, source, protocol, port, destination, packets, action) -> the attempts of each source."""
    out: dict[bytes, list[Try]] = {}
    for time, src, protocol, port, dst, packets, action in events:
        one = Try(time.timestamp(), protocol, port, dst, packets, action == "reject")
        out.setdefault(src, []).append(one)
    return list(out.values())
