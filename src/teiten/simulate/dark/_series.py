"""Actors whose packets follow one another: scans of one source, attacks seen by backscatter, floods, neighbours.

Packet k of a series is a function of k alone, so that any stretch of time can be made without what came before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from teiten.simulate._sources import mixed
from teiten.simulate.dark import _tools
from teiten.simulate.dark._batch import ACK, I64, ICMP, RST, SYN, U64, UDP, below, unit
from teiten.simulate.dark._walk import Walk
from teiten.simulate.dark._wire import DNS_ANSWER, MSS, QUOTE_8, QUOTE_WHOLE

Columns = dict[str, Any]
RETRIES: Final = (0, 1, 3, 7)
"""seconds after which a Linux server says SYN-ACK again"""


@dataclass(frozen=True, slots=True)
class Prefix:
    """The dark prefix."""

    network: int
    length: int

    @property
    def size(self) -> int:
        return 1 << (32 - self.length)


@dataclass(frozen=True, slots=True)
class Series:
    """`count` packets from `begin` (µs) on, one each `interval` µs, wavering by `waver` of it; off for a part of each
    `pulse` (seconds on, seconds off) where given. `make(k, time)` gives their columns."""

    cause: str
    actor: int
    begin: int
    count: int
    interval: float
    make: Callable[[I64, I64], Columns]
    waver: float = 0.9
    pulse: tuple[int, int] | None = None
    after: int = 0
    """µs by which `make` may delay a packet"""
    group: int = 1
    """packets in a row that have one time before `make` delays them"""

    @property
    def end(self) -> int:
        """No packet at or after this time."""
        return self.begin + int(self._stretched(np.array([self.count * self.interval]))[0]) + self.after + 1

    def _stretched(self, active: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        if self.pulse is None:
            return active
        on, off = (x * 1e6 for x in self.pulse)
        return active + np.floor(active / on) * off

    def packets(self, begin: int, end: int) -> Columns | None:
        """Those with begin <= time < end."""
        if begin >= self.end or end <= self.begin:
            return None
        first, last = (self._number(t) for t in (begin - self.after, end))
        k = np.arange(max(0, first - 1 - self.group), min(self.count, last + 2), dtype=np.int64)
        if not len(k):
            return None
        lead = k // self.group * self.group
        waver = unit(lead, 1000 + self.actor) * self.waver
        time = self.begin + self._stretched((lead + waver) * self.interval).astype(np.int64)
        out = {"time": time} | self.make(k, time) | {"actor": self.actor}
        keep = (out["time"] >= begin) & (out["time"] < end) & (out.pop("keep") if "keep" in out else True)
        return {name: v[keep] if isinstance(v, np.ndarray) else v for name, v in out.items()}

    def _number(self, time: int) -> int:
        passed = max(0, time - self.begin)
        if self.pulse is None:
            return int(passed / self.interval)
        on, off = (x * 1e6 for x in self.pulse)
        whole, rest = divmod(passed, on + off)
        return int((whole * on + min(rest, on)) / self.interval)


@dataclass(slots=True)
class Walked:
    """One run of ZMap: what its walk meets in the prefix. `seconds`: how long a thread takes for its piece."""

    cause: str
    actor: int
    begin: int
    seconds: float
    walk: Walk
    src: int
    country: int
    ports: tuple[int, ...]
    shape: str
    prefix: Prefix
    seed: int
    part: float = 1.0
    """the run stops after this part of its piece"""
    lost: float = 0.0
    """how much of it the way swallows"""
    _found: tuple[I64, I64] | None = field(default=None, repr=False)

    @property
    def end(self) -> int:
        return self.begin + int(self.seconds * 1.1e6 * self.part) + 1

    def packets(self, begin: int, end: int) -> Columns | None:
        """Those with begin <= time < end."""
        if begin >= self.end:
            self._found = None  # it is over: nobody asks again
            return None
        if end <= self.begin:
            return None
        if self._found is None:
            places, done = self.walk.visits(self.prefix.network, self.prefix.length)
            kept = (done < self.part) & (unit(places, 2000 + self.actor) >= self.lost)
            self._found = places[kept], self.begin + (done[kept] * self.seconds * 1e6).astype(np.int64)
        places, times = self._found
        low, high = np.searchsorted(times, (begin, end))
        if low == high:
            return None
        address, port = np.divmod(places[low:high], len(self.ports))
        return scanned(self, self.prefix.network + address, np.array(self.ports)[port], times[low:high])


def scanned(
    run: Walked | Run,
    dst: I64,
    port: I64,
    time: I64,
    process: I64 | None = None,
    packet: I64 | None = None,
    source: U64 | None = None,
) -> Columns:
    """The columns of a scan's packets by one source."""
    n = len(dst)
    given = _tools.Given(
        src=np.full(n, run.src),
        dst=dst,
        port=port,
        time=time,
        source=np.full(n, run.src, dtype=np.uint64) if source is None else source,
        process=(np.full(n, run.actor) if process is None else process).astype(np.uint64),
        packet=mixed(time if packet is None else packet, run.actor) ^ dst.astype(np.uint64),
        salt=run.seed & 0xFFFF,
    )
    return _tools.filled(run.shape, given) | {"country": run.country, "actor": run.actor}


@dataclass(frozen=True, slots=True)
class Run:
    """What a scan's packets have in common."""

    actor: int
    src: int
    country: int
    shape: str
    seed: int


def shuffled(k: I64, size: int, key: int) -> I64:
    """A random order of 0 .. size-1, place by place: a Feistel network of four rounds, walked until it stays inside."""
    bits = max(2, (size - 1).bit_length() + 1) // 2
    mask, out = (1 << bits) - 1, k.copy()
    outside = np.ones(len(k), dtype=bool)
    while outside.any():
        left, right = out[outside] >> bits, out[outside] & mask
        for turn in range(4):
            left, right = right, left ^ (below(right, key * 8 + turn, 1 << 30) & mask)
        out[outside] = left << bits | right
        outside = out >= size
    return out


def permuted(run: Run, prefix: Prefix, ports: I64) -> Callable[[I64, I64], Columns]:
    """masscan's way: every address and port once, in a random order."""

    def make(k: I64, time: I64) -> Columns:
        place = shuffled(k % (prefix.size * len(ports)), prefix.size * len(ports), run.actor + 17)
        return scanned(run, prefix.network + place % prefix.size, ports[place // prefix.size], time, packet=k)

    return make


def in_rounds(run: Run, first: int, hosts: int, ports: I64) -> Callable[[I64, I64], Columns]:
    """nmap's way: one port at all hosts, then the next; all of it once more, as a round of its own."""

    def make(k: I64, time: I64) -> Columns:
        per_round = hosts * len(ports)
        turn, rest = k // per_round, k % per_round
        return scanned(run, first + rest % hosts, ports[rest // hosts], time, process=run.actor * 16 + turn, packet=k)

    return make


def climbing(run: Run, dst: int, first: int, step_hosts: int = 1) -> Callable[[I64, I64], Columns]:
    """Port after port: `first`, `first` + 1 ... at one address, or at `step_hosts` addresses each before the next."""

    def make(k: I64, time: I64) -> Columns:
        return scanned(run, dst + k % step_hosts, first + k // step_hosts, time, packet=k)

    return make


def counting(run: Run, dst: int, port: int) -> Callable[[I64, I64], Columns]:
    """hping3's way: one port of one address, its own port one more with each packet."""

    def make(k: I64, time: I64) -> Columns:
        out = scanned(run, np.full(len(k), dst), np.full(len(k), port), time, packet=k)
        return out | {"sport": (below(np.array([run.actor]), 3, 2500, 1024)[0] + k) % 65536}

    return make


def to_one(run: Run, dst: int, port: int, sport: int | None = None, extra: int | None = None) -> Callable[[I64, I64], Columns]:
    """The same again and again: one port of one address, as a machine that is wrongly set up."""

    def make(k: I64, time: I64) -> Columns:
        out = scanned(run, np.full(len(k), dst), np.full(len(k), port), time, packet=k)
        given = {"sport": sport, "extra": extra}
        return out | {name: value for name, value in given.items() if value is not None}

    return make


def anywhere(run: Run, prefix: Prefix, lowest: int = 1) -> Callable[[I64, I64], Columns]:
    """Any port of any address."""

    def make(k: I64, time: I64) -> Columns:
        dst = prefix.network + below(k, run.actor + 5, prefix.size)
        return scanned(run, dst, below(k, run.actor + 6, 65536, lowest), time, packet=k)

    return make


def anywhere_of(run: Run, prefix: Prefix, ports: I64) -> Callable[[I64, I64], Columns]:
    """Some of those ports at any address, as a bot draws them."""

    def make(k: I64, time: I64) -> Columns:
        dst = prefix.network + below(k, run.actor + 5, prefix.size)
        return scanned(run, dst, ports[below(k, run.actor + 6, len(ports))], time, packet=k)

    return make


def behind(run: Run, prefix: Prefix, machines: int, ports: I64) -> Callable[[I64, I64], Columns]:
    """Several ordinary machines behind one address: their systems differ, the way to them is one."""

    def make(k: I64, time: I64) -> Columns:
        machine = below(k, run.actor + 7, machines) + (run.actor << 8)
        dst = prefix.network + below(k, run.actor + 5, prefix.size)
        out = scanned(run, dst, ports[below(k, run.actor + 6, len(ports))], time, packet=k, source=machine.astype(np.uint64))
        at = np.full(len(k), run.src, dtype=np.uint64)
        return out | {"ttl": np.where(out["ttl"] > 64, 128, 64) - _tools.routers(at, run.seed & 0xFFFF)}

    return make


@dataclass(frozen=True, slots=True)
class Attack:
    """A denial of service with forged sources, of which some lie in the prefix."""

    actor: int
    victim: int
    country: int
    vector: str
    ports: tuple[int, ...]
    prefix: Prefix

    def make(self, k: I64, time: I64) -> Columns:
        """What the victim sends to those who never wrote to it."""
        again = len(RETRIES) if self.vector == "syn-ack" else 1
        which = k // again
        salt = self.actor + 31
        ports = np.array(self.ports)[below(which, salt + 1, len(self.ports))]
        out: Columns = {
            "src": self.victim,
            "dst": self.prefix.network + below(which, salt + 2, self.prefix.size),
            "country": self.country,
            "sport": ports,
            "dport": below(which, salt + 3, 65536, 1024),
            "seq": below(which, salt + 4, 1 << 32),
            "ack": below(which, salt + 5, 1 << 32),
            "ttl": 64 - below(np.array([self.victim]), 6, 25, 7)[0],
            "df": 1,
            "time": time,
        }
        return out | VECTORS[self.vector](self, k, out)


def _syn_ack(attack: Attack, k: I64, base: Columns) -> Columns:
    """Said up to four times: a reset from the forged source's network, or the server's own limit, ends it sooner."""
    retry = k % len(RETRIES)
    told = below(k // len(RETRIES), attack.actor + 40, len(RETRIES) + 1, 1)
    return {
        "flags": SYN | ACK,
        "window": 64240,
        "extra": MSS,
        "time": base["time"] + np.array(RETRIES)[retry] * 1_000_000,
        "keep": retry < told,
    }


def _icmp(attack: Attack, k: I64, base: Columns) -> Columns:
    """Port unreachable from the victim itself, or a router's before it; the quoted packet names the victim."""
    near = below(k, attack.actor + 41, 4) == 0
    router = (attack.victim & 0xFFFFFF00) | ((attack.victim + 7) % 253 + 1)
    udp = attack.vector == "icmp udp"
    return {
        "protocol": ICMP,
        "flags": 0,
        "df": 0,
        "src": np.where(near, router, attack.victim),
        "ip_id": below(k, attack.actor + 42, 65536),
        "icmp_type": np.where(near & ~np.bool_(udp), 11, 3),
        "icmp_code": np.where(near, 0 if not udp else 1, 3 if udp else 13),
        "inner_dst": attack.victim,
        "inner_protocol": UDP if udp else 6,
        "inner_sport": base["dport"],
        "inner_dport": base["sport"],
        "inner_id": below(k, attack.actor + 43, 65536),
        "sport": 0,
        "dport": 0,
        "extra": QUOTE_8 if udp else np.where(near, QUOTE_8, QUOTE_WHOLE),
    }


VECTORS: Final[dict[str, Callable[[Attack, I64, Columns], Columns]]] = {
    "syn-ack": _syn_ack,
    "rst-ack": lambda _a, _k, _b: {"flags": RST | ACK, "seq": 0, "window": 0},
    "rst": lambda _a, _k, _b: {"flags": RST, "ack": 0, "window": 0},
    "icmp udp": _icmp,
    "icmp tcp": _icmp,
    "dns": lambda a, k, _b: {
        "protocol": UDP,
        "flags": 0,
        "sport": 53,
        "extra": DNS_ANSWER,
        "ip_id": below(k, a.actor + 44, 65536),
        "df": 0,
    },
    "echo": lambda _a, k, b: {
        "protocol": ICMP,
        "flags": 0,
        "icmp_type": 0,
        "ip_id": k & 0xFFFF,
        "sport": b["dport"],
        "dport": 0,
        "df": 0,
        "extra": 0,
    },
}
"""what the victim says -> its columns"""


def forged(dsts: I64, ports: I64, actor: int, program: str) -> Callable[[I64, I64], Columns]:
    """A SYN flood upon dark addresses: every packet another forged source, flat over the address space.

    'drawn': TTL, port and window are drawn for every packet. 'hping3': --rand-source, whose TTL and window are always the
    same and whose source port counts.
    """

    def make(k: I64, time: I64) -> Columns:
        out: Columns = {
            "time": time,
            "src": below(k, actor + 50, 0xDF000000, 0x01000000),
            "dst": dsts[below(k, actor + 56, len(dsts))],
            "dport": ports[below(k, actor + 57, len(ports))],
            "ip_id": below(k, actor + 52, 65536),
            "seq": below(k, actor + 54, 1 << 32),
        }
        if program == "hping3":
            # each byte below 255; routers drop what cannot be a source (RFC 1812, 5.3.7)
            first = below(k, actor + 61, 224, 1)
            rest = [below(k, actor + 62 + n, 255) << (16 - 8 * n) for n in range(3)]
            out["src"] = (np.where(first == 127, 126, first) << 24) + sum(rest)
            way = int(below(np.array([actor]), 58, 25, 7)[0])
            counted = (int(below(np.array([actor]), 59, 3000, 1024)[0]) + k) % 65536
            return out | {"ttl": 64 - way, "sport": counted, "window": 512, "ack": below(k, actor + 60, 1 << 31)}
        return out | {
            "ttl": below(k, actor + 51, 256, 30),
            "sport": below(k, actor + 53, 65536, 1),
            "window": below(k, actor + 55, 65536, 1),
        }

    return make
