"""What reaches a dark IPv6 prefix: whoever guesses addresses, answers to forged ones, machines that are wrongly set up.

Nobody can try 2^64 addresses, so scanners guess: low bytes, ports and words as addresses, embedded IPv4, addresses made of
makers' numbers (RFC 7707, 4.1.1). Echo requests and a few services are most of it, from few networks whose scanners use
many of their addresses (Richter, Gasser and Berger, IMC 2022; Tanveer et al., arXiv 2508.07506), beside backscatter and
stale configuration (Czyz et al., IMC 2013). Which guess is tried how often, and the shares, are ours.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from teiten.simulate._mix import SERVERS, SURVEYS
from teiten.simulate._sources import draw_v6
from teiten.simulate._traffic import DAY, Span, generator
from teiten.simulate.dark._batch import ACK, RST, SYN, TCP, UDP
from teiten.simulate.dark._causes import Cause
from teiten.simulate.dark._wire import DNS_ASK, MSS, NTP, STILL, WINDOWS
from teiten.simulate.dark._wire6 import ICMP6, Packet, Quoted

CAUSES: Final[dict[str, Cause]] = {
    "echo-survey": Cause(0.34, "echo requests of surveys, to addresses that are easily guessed"),
    "tcp-survey": Cause(0.20, "surveys of services, to addresses that are easily guessed"),
    "udp-survey": Cause(0.05, "surveys of DNS and NTP"),
    "zmap6": Cause(0.06, "ZMap for IPv6: no identification to mark, a list instead of an order"),
    "nmap-syn": Cause(0.06, "nmap -6 -sS: one sequence number a round", "nmap"),
    "traceroute": Cause(0.07, "surveys of routes, which arrive with few hops left"),
    "blind": Cause(0.03, "addresses drawn at random"),
    "backscatter": Cause(0.14, "a victim's answers to forged packets"),
    "misconfiguration": Cause(0.05, "a machine that still asks an address which was a server's"),
}
SERVICES: Final = (443, 80, 22, 53, 8080, 21, 25, 8443, 3389, 5900, 123, 161, 7547, 179)
WORDS: Final = (0xCAFE, 0xBEEF, 0xDEADBEEF, 0xBABE, 0xFACE, 0xF00D, 0xC0FFEE, 0xBAD, 0xDEAD, 0x1337)
MAKERS: Final = (0x00005E, 0x001A11, 0x00163E, 0x525400, 0xB827EB)
"""first halves of hardware addresses: IANA's, and some that virtual machines and small boards have"""


@dataclass(slots=True)
class Plan6:
    """Packets in the order of time, and the stories (times in seconds)."""

    packets: list[Packet]
    stories: list[dict[str, Any]]


def guess(rng: np.random.Generator) -> int:
    """The lower half of an address, as RFC 7707 says that people and machines choose them."""
    how = rng.random()
    if how < 0.45:
        return int(min(rng.geometric(0.06), 0xFFFF))  # ::1, ::2 ...
    if how < 0.62:
        port = int(rng.choice(np.array(SERVICES)))
        return int(str(port), 16) if rng.random() < 0.7 else port  # ::443 is written so
    if how < 0.74:
        return int(rng.choice(np.array(WORDS)))
    if how < 0.86:
        a = [10 if rng.random() < 0.3 else 192, int(rng.integers(0, 256)), int(rng.integers(0, 8)), int(rng.integers(1, 255))]
        if rng.random() < 0.5:
            return int.from_bytes(bytes(a), "big")  # ::c000:201
        return int("".join(f"{x:0>4}" for x in a), 16)  # ::192:0:2:1
    maker = int(rng.choice(np.array(MAKERS))) ^ 0x020000
    return maker << 40 | 0xFFFE << 24 | int(rng.integers(0, 1 << 24))


class _Planner:
    def __init__(self, seed: int, span: Span, packets: int, prefix: ipaddress.IPv6Network) -> None:
        self.seed, self.span, self.prefix = seed, span, prefix
        self.wanted = {name: packets * cause.share for name, cause in CAUSES.items()}
        self.found: list[Packet] = []
        self.stories: list[dict[str, Any]] = []
        self.number = 0

    def address(self, rng: np.random.Generator, lower: int) -> bytes:
        """An address of the prefix: in most cases of its first subnet."""
        subnet = 0 if rng.random() < 0.8 else int(rng.integers(0, 1 << 64 - self.prefix.prefixlen))
        return (int(self.prefix.network_address) + (subnet << 64) + lower).to_bytes(16, "big")

    def network(self, rng: np.random.Generator, countries: dict[str, int]) -> tuple[bytes, str]:
        """A source's address and country."""
        weights = np.array(list(countries.values()), dtype=np.float64)
        country = str(rng.choice(np.array(list(countries)), p=weights / weights.sum()))
        return draw_v6(country, 1, rng)[0], country

    def actor(
        self, cause: str, kind: str, count: int, seconds: float, countries: dict[str, int], rng: np.random.Generator,
        make: Callable[[Packet, int], Packet], **more: Any,
    ) -> None:  # fmt: skip
        """`count` packets within so many seconds, some time in the span; `make` fills in the k-th."""
        self.number += 1
        src, country = self.network(rng, countries)
        begin = self.span.start + float(rng.uniform(0, max(0.0, self.span.days * DAY - seconds)))
        times = np.sort(rng.uniform(begin, begin + seconds, count))
        bare = Packet(0, src, b"", TCP, 64 - int(rng.integers(7, 25)), cause, self.number, country)
        for k, time in enumerate(times.tolist()):
            self.found.append(make(replace(bare, time=int(time * 1e6)), k))
        text = str(ipaddress.IPv6Address(src))
        told = {"victim": text} if kind == "attack" else {"src_ip": text, "tool": CAUSES[cause].tool}
        when = {"from": int(begin), "to": int(begin + seconds) + 1}
        self.stories.append({"kind": kind, "label": cause, "actor": self.number, **when, **told, **more})


def _many(rng: np.random.Generator, packet: Packet, wide: bool) -> Packet:
    """From another address of its /64, where the scanner has the habit."""
    return replace(packet, src=packet.src[:8] + rng.bytes(8)) if wide and rng.random() < 0.5 else packet


def _surveys(p: _Planner) -> None:
    shapes: dict[str, Callable[[np.random.Generator, Packet], Packet]] = {
        "echo-survey": lambda rng, q: replace(
            q, protocol=ICMP6, kind=128, ident=q.actor * 977 & 0xFFFF, number=int(rng.integers(0, 65536))
        ),
        "tcp-survey": lambda rng, q: replace(
            q, flags=SYN, sport=int(rng.integers(32768, 61000)), dport=int(rng.choice(np.array(SERVICES[:10]))),
            seq=int(rng.integers(0, 1 << 32)), window=64800, extra=STILL, flow=int(rng.integers(1, 1 << 20)),
        ),
        "udp-survey": lambda rng, q: replace(
            q, protocol=UDP, sport=int(rng.integers(1025, 65000)), **_of_udp(rng)
        ),
        "zmap6": lambda rng, q: replace(
            q, flags=SYN, sport=int(rng.integers(32768, 61001)), dport=(80, 443, 22, 8080)[q.actor % 4],
            seq=int(rng.integers(0, 1 << 32)), window=65535, extra=WINDOWS, hops=q.hops,
        ),
        "traceroute": lambda rng, q: replace(
            q, protocol=ICMP6, kind=128, hops=int(rng.integers(1, 6)), ident=q.actor * 31 & 0xFFFF,
            number=int(rng.integers(1, 40)),
        ),
    }  # fmt: skip
    for cause, shape in shapes.items():
        rng = generator(p.seed, f"six {cause}")
        actors = int(np.clip(p.wanted[cause] / 40, 3, 60))
        for i in range(actors):
            wide = i % 2 == 1

            def make(q: Packet, _k: int, wide: bool = wide, rng: Any = rng, shape: Any = shape) -> Packet:
                return _many(rng, shape(rng, replace(q, dst=p.address(rng, guess(rng)))), wide)

            seconds = p.span.days * DAY * float(rng.uniform(0.05, 0.9))
            p.actor(cause, "scan", max(4, int(p.wanted[cause] / actors)), seconds, SURVEYS, rng, make, many_addresses=wide)


def _of_udp(rng: np.random.Generator) -> dict[str, Any]:
    dns = rng.random() < 0.6
    return {"dport": 53 if dns else 123, "extra": DNS_ASK if dns else NTP}


def _others(p: _Planner) -> None:
    rng = generator(p.seed, "six nmap")
    actors = int(np.clip(p.wanted["nmap-syn"] / 60, 2, 20))
    for _ in range(actors):
        port, seq = int(rng.integers(33000, 65000)), int(rng.integers(0, 1 << 32))
        targets = [p.address(rng, guess(rng)) for _ in range(4)]

        def nmap(q: Packet, k: int, port: int = port, seq: int = seq, targets: list[bytes] = targets) -> Packet:
            return replace(
                q, dst=targets[k % 4], flags=SYN, sport=port, dport=1 + k // 4 * 7, seq=seq, window=1024, extra=MSS
            )  # fmt: skip

        count = max(8, int(p.wanted["nmap-syn"] / actors))
        p.actor("nmap-syn", "scan", count, float(rng.uniform(60, 1800)), SERVERS, rng, nmap)
    for _ in range(2):

        def blind(q: Packet, _k: int) -> Packet:
            return replace(
                q, dst=p.address(rng, int(rng.integers(0, 1 << 63)) << 1), flags=SYN, sport=int(rng.integers(32768, 61000)),
                dport=443, seq=int(rng.integers(0, 1 << 32)), window=64800, extra=STILL,
            )  # fmt: skip

        p.actor("blind", "scan", max(4, int(p.wanted["blind"] / 2)), p.span.days * DAY * 0.8, SERVERS, rng, blind)
    for port, extra in ((443, STILL), (53, DNS_ASK), (123, NTP)):
        dst, udp = p.address(rng, guess(rng)), port != 443

        def stale(q: Packet, _k: int, dst: bytes = dst, port: int = port, extra: int = extra, udp: bool = udp) -> Packet:
            sent = replace(q, dst=dst, dport=port, sport=int(rng.integers(32768, 61000)), extra=extra)
            if udp:
                return replace(sent, protocol=UDP)
            return replace(sent, flags=SYN, seq=int(rng.integers(0, 1 << 32)), window=64800, flow=int(rng.integers(1, 1 << 20)))

        count = max(6, int(p.wanted["misconfiguration"] / 3))
        told: dict[str, Any] = {"dst_ip": str(ipaddress.IPv6Address(dst)), "ports": [port]}
        p.actor("misconfiguration", "misconfiguration", count, p.span.days * DAY * 0.98, SERVERS, rng, stale, **told)


ANSWERS: Final = ("syn-ack", "rst-ack", "unreachable", "echo", "exceeded")


def _attacks(p: _Planner) -> None:
    """Forged sources are drawn from the whole prefix: their lower halves are random."""
    rng = generator(p.seed, "six backscatter")
    count = int(np.clip(p.wanted["backscatter"] / 60, 3, 60))
    for i in range(count):
        answer, port = ANSWERS[i % len(ANSWERS)], int(rng.choice([80, 443, 22, 53]))

        def make(q: Packet, _k: int, answer: str = answer, port: int = port) -> Packet:
            dst = p.address(rng, int(rng.integers(0, 1 << 63)) << 1 | int(rng.integers(0, 2)))
            sport, seq = int(rng.integers(1024, 65536)), int(rng.integers(0, 1 << 32))
            q = replace(q, dst=dst)
            if answer in ("syn-ack", "rst-ack"):
                flags, window = (SYN | ACK, 64260) if answer == "syn-ack" else (RST | ACK, 0)
                extra = MSS if answer == "syn-ack" else 0
                own = seq if answer == "syn-ack" else 0
                return replace(
                    q,
                    flags=flags,
                    window=window,
                    extra=extra,
                    sport=port,
                    dport=sport,
                    seq=own,
                    ack=int(rng.integers(0, 1 << 32)),
                )
            if answer == "echo":
                return replace(q, protocol=ICMP6, kind=129, ident=sport, number=0)
            victim = q.src
            if answer == "exceeded":
                # a router before the victim answers
                q = replace(q, src=victim[:8] + (1).to_bytes(8, "big"))
            kind, code, inner = (1, 4, UDP) if answer == "unreachable" else (3, 0, TCP)
            return replace(q, protocol=ICMP6, kind=kind, code=code, quoted=Quoted(victim, inner, sport, port, seq))

        packets = max(12, int(p.wanted["backscatter"] / count))
        seconds = packets / float(np.clip(rng.lognormal(0.2, 0.6), 0.6, max(0.7, packets / 70)))
        p.actor("backscatter", "attack", packets, seconds, SERVERS, rng, make, vector=answer, ports=[port])


def plan(seed: int, span: Span, packets: int, prefix: ipaddress.IPv6Network) -> Plan6:
    """About `packets` packets of the span at that prefix (/48 to /64), and an outage of the sensor."""
    p = _Planner(seed, span, packets, prefix)
    for part in (_surveys, _others, _attacks):
        part(p)
    off = span.start + int(0.55 * span.days * DAY)
    on = off + int(np.clip(0.03 * span.days * DAY, 1800, 6 * 3600))
    p.stories.append({"kind": "outage", "from": off, "to": on, "sensor": "telescope", "because": "the sensor was off"})
    seen = (q for q in p.found if not off <= q.time / 1e6 < on and q.time < span.end * 1_000_000)
    return Plan6(sorted(seen, key=lambda q: (q.time, q.actor)), p.stories)


def by_day(packets: Sequence[Packet], span: Span) -> Iterator[list[Packet]]:
    """The packets of each day of the span."""
    at = 0
    for day in range(span.days):
        end = at
        limit = (span.start + (day + 1) * DAY) * 1_000_000
        while end < len(packets) and packets[end].time < limit:
            end += 1
        yield list(packets[at:end])
        at = end
