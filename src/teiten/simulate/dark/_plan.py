"""What happens at the dark prefix in the simulated days: every actor with its share of the packets, and the stories."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from teiten.simulate._mix import HOURS_OFF_UTC, IOT, PCS, SERVERS, SURVEYS, WIDE, Trend
from teiten.simulate._sources import country_of, draw
from teiten.simulate._traffic import DAY, Span, generator
from teiten.simulate.dark import _series
from teiten.simulate.dark._causes import CAUSES
from teiten.simulate.dark._crowds import Crowd, Kind
from teiten.simulate.dark._series import Attack, Prefix, Run, Series, Walked
from teiten.simulate.dark._walk import ONE_PORT, TWO_PORTS, Walk, generator_of
from teiten.simulate.dark._wire import NTP, SNMP, SYSLOG

COUNTRIES: Final = tuple(sorted(HOURS_OFF_UTC))
PLACES: Final = {c: i for i, c in enumerate(COUNTRIES)}
SECOND: Final = 1_000_000
HEAD: Final = (22, 80, 443, 8080, 3389, 5900, 81, 6379, 1433, 3306, 8443, 5555, 21, 25, 8888, 2222, 5060, 8000, 9200, 5432)
ZIPF: Final = 1.15
SERVED: Final = (80, 443, 22, 25565, 8080, 30120)
"""what attacks on TCP are aimed at"""
NOTICE: Final = (
    (0x96F9E3A0, 28), (0x99E7D708, 29), (0x99E7D8B0, 29), (0x99E7D8B8, 29), (0x99E7E2A0, 29), (0x99E7E2A8, 29),
    (0x99E7E3C0, 29),
)  # fmt: skip
"""announced on 13 February 2019: https://www.nict.go.jp/info/topics/2019/02/13-2.html"""
NOTICE_PORTS: Final = (21, 22, 23, 80, 81, 443, 2323, 8000, 8080, 9000, 9527)


class Actor(Protocol):
    """Whoever sends."""

    @property
    def cause(self) -> str: ...

    def packets(self, begin: int, end: int) -> Mapping[str, Any] | None:
        """Its packets of that time (µs): columns of `_batch.FIELDS`; a crowd's may come after `end`."""
        ...


@dataclass(slots=True)
class Plan:
    """Actors, stories (times in seconds; `actor` where their packets can be counted), and what hides packets."""

    actors: list[Actor]
    stories: list[dict[str, Any]]
    outage: tuple[int, int]
    loss: tuple[int, int]
    lost: float = 0.2


class _Planner:
    """Draws the series of one simulation."""

    def __init__(self, seed: int, span: Span, packets: float, prefix: Prefix) -> None:
        self.seed, self.span, self.prefix = seed, span, prefix
        self.wanted = {name: packets * c.share / sum(c.share for c in CAUSES.values()) for name, c in CAUSES.items()}
        self.actors: list[Actor] = []
        self.stories: list[dict[str, Any]] = []
        self.number = 0
        length = span.days * DAY
        off, thin = span.start + int(0.55 * length), span.start + int(0.70 * length)
        self.outage = off, off + int(np.clip(0.03 * length, 1800, 6 * 3600))
        self.loss = thin, thin + int(0.1 * length)

    def source(self, rng: np.random.Generator, countries: Mapping[str, float] = SURVEYS) -> tuple[int, int]:
        """An address and its country's place."""
        weights = np.array(list(countries.values()), dtype=np.float64)
        country = str(rng.choice(np.array(list(countries)), p=weights / weights.sum()))
        return int(draw(country, 1, rng)[0]), PLACES[country]

    def run(self, rng: np.random.Generator, shape: str, countries: Mapping[str, float] = SURVEYS) -> Run:
        """A scan's source, with a number of its own."""
        self.number += 1
        src, country = self.source(rng, countries)
        return Run(self.number, src, country, shape, self.seed)

    def when(self, rng: np.random.Generator, seconds: float) -> int:
        """A beginning (µs) from which that long lies within the span."""
        room = max(0.0, self.span.days * DAY - seconds * 1.02)
        off, on = self.outage
        for _ in range(20):
            begin = self.span.start + float(rng.uniform(0, room))
            if begin + seconds < off or begin > on or seconds > on - off:
                break  # the sensor sees some of it
        return int(begin * SECOND)

    def shortest(self, seconds: float) -> float:
        return min(seconds, 0.8 * self.span.days * DAY)

    def tell(self, kind: str, actor: Series | Walked, **more: Any) -> None:
        """The actor and its story."""
        self.actors.append(actor)
        told = {"kind": kind, "label": actor.cause, "actor": actor.actor}
        self.stories.append(told | {"from": actor.begin // SECOND, "to": -(-actor.end // SECOND)} | more)

    def series(self, kind: str, cause: str, actor: int, count: int, seconds: float, make: Any, rng: Any, **more: Any) -> None:
        """`count` packets within `seconds`, some time in the span."""
        options = {k: more.pop(k) for k in ("waver", "pulse", "after", "group") if k in more}
        count = max(1, count)
        begin = self.when(rng, seconds)
        self.tell(kind, Series(cause, actor, begin, count, seconds * SECOND / count, make, **options), **more)


def _parts(rng: np.random.Generator, wanted: float, whole: int, least: int = 4, most: int = 300) -> list[float]:
    """Which part of their `whole` packets so many runs get through, some all of it, that they are `wanted` together."""
    runs = int(np.clip(round(1.4 * wanted / whole), least, most))
    parts = rng.lognormal(0, 0.8, runs)
    for _ in range(4):
        parts = np.clip(parts * wanted / (whole * parts.sum()), min(1.0, 4 / whole), 1.0)
    return [float(x) for x in parts]


def _walks(p: _Planner) -> None:
    for cause in ("zmap-old", "zmap-new"):
        rng = generator(p.seed, cause)
        for i, part in enumerate(_parts(rng, p.wanted[cause], p.prefix.size, 24)):
            # of two shards this is one: it covers a part of the addresses only
            ports = 2 if cause == "zmap-new" and i % 6 == 5 else 1
            shards = 2 if i % 7 == 6 else 1
            _walked(p, rng, cause, ports, (1, 4, 1, 2, 1)[i % 5] // shards or 1, shards, part)


def _walked(p: _Planner, rng: np.random.Generator, cause: str, count: int, threads: int, shards: int, part: float) -> None:
    """One run of ZMap over the whole Internet."""
    run = p.run(rng, cause.replace("-", "_"))
    drift = (0.0, *rng.uniform(0, 0.005, threads - 1).tolist())
    group = TWO_PORTS if count == 2 else ONE_PORT
    shard, offset = int(rng.integers(0, shards)), int(rng.integers(0, 1 << 32))
    walk = Walk(generator_of(rng, group), offset, shards, shard, threads, drift, count)
    seconds = p.shortest(float(rng.uniform(1, 20)) * 3600)
    ports, lost = tuple(rng.choice(np.array(HEAD), count, replace=False).tolist()), float(rng.uniform(0, 0.05))
    begin = p.when(rng, seconds * 1.01 * part)
    actor = Walked(
        cause, run.actor, begin, seconds, walk, run.src, run.country, ports, run.shape, p.prefix, p.seed, part, lost
    )  # fmt: skip
    p.tell(
        "scan", actor, tool="zmap", src_ip=_text(run.src), ports=list(ports), generator=walk.generator, offset=walk.offset,
        threads=threads, shards=shards, shard=walk.shard, seconds=round(seconds, 3), part=round(part, 6), lost=round(lost, 4),
    )  # fmt: skip


def _tools(p: _Planner) -> None:
    for cause, shape, ports in (("masscan", "masscan", 3), ("masscan-new", "masscan_new", 2), ("own-scan", "nearly", 2)):
        rng = generator(p.seed, cause)
        for part in _parts(rng, p.wanted[cause], p.prefix.size * ports, 16):
            _masscan(p, cause, p.run(rng, shape), rng, ports, part)
    hosts = min(256, p.prefix.size)
    for cause, ports in (("nmap-syn", 4), ("nmap-connect", 1)):
        rng = generator(p.seed, cause)
        rounds = 2 if cause == "nmap-syn" else 1
        for part in _parts(rng, p.wanted[cause], hosts * ports * rounds, 10):
            run = p.run(rng, "nmap_syn" if cause == "nmap-syn" else "linux", SERVERS)
            tried = rng.choice(np.array(HEAD), ports, replace=False)
            first = p.prefix.network + int(rng.integers(0, p.prefix.size // hosts)) * hosts
            some = max(3, int(hosts * part))
            make = _series.in_rounds(run, first, some, tried)
            _scan(p, cause, run, some * ports * rounds, float(rng.uniform(60, 1800)), make, rng, tried)
    rng = generator(p.seed, "hping3")
    for i, part in enumerate(_parts(rng, p.wanted["hping3"], 600, 8)):
        run, dst = p.run(rng, "hping3", SERVERS), p.prefix.network + int(rng.integers(0, p.prefix.size))
        port, count = int(rng.choice(np.array(HEAD))), max(4, int(600 * part))
        make = _series.counting(run, dst, port) if i % 2 else _series.climbing(run, dst, 1)
        tried = np.array([port]) if i % 2 else np.arange(1, count + 1)
        _scan(p, "hping3", run, count, float(rng.uniform(30, 900)), make, rng, tried, consecutive=i % 2 == 0)


def _masscan(p: _Planner, cause: str, run: Run, rng: np.random.Generator, ports: int, part: float) -> None:
    """One run of it (or of what goes its way) over the prefix, in a random order."""
    tried = rng.choice(np.array(HEAD), ports, replace=False)
    count = max(4, int(p.prefix.size * ports * part))
    seconds = p.shortest(float(rng.uniform(0.5, 15)) * 3600)
    _scan(p, cause, run, count, seconds, _series.permuted(run, p.prefix, tried), rng, tried, part=round(part, 6))


def _shared(p: _Planner) -> None:
    """Addresses that several programs or machines send from: a rule on the address alone is wrong about one of them."""
    rng, whole = generator(p.seed, "survey"), p.span.days * DAY * 0.9
    for _ in range(6):
        run = p.run(rng, "zmap_old")
        for cause, shape, ports in (("survey-zmap", "zmap_old", HEAD), ("survey-own", "own_stack", WIDE)):
            tried = rng.choice(np.array(ports), 5, replace=False)
            p.number += 1
            own = Run(p.number, run.src, run.country, shape, p.seed)
            make = _series.permuted(own, p.prefix, tried)
            _scan(p, cause, own, max(12, int(p.wanted[cause] / 6)), whole, make, rng, tried)
    rng = generator(p.seed, "nat")
    count = int(np.clip(p.wanted["nat"] / 60, 12, 200))
    for i in range(count):
        run = p.run(rng, "host", {**IOT, **PCS})
        make = _series.behind(run, p.prefix, int(rng.integers(2, 40)), np.array(HEAD))
        begin, packets = p.when(rng, whole), max(4, int(p.wanted["nat"] / count))
        p.actors.append(Series("nat", run.actor, begin, packets, whole * SECOND / packets, make))
        if i % 3 == 0:
            # a bot among them; the number keeps it apart from the crowds' devices
            bot = Run(run.actor | 0xC8000000, run.src, run.country, "mirai", p.seed)
            tries = _series.anywhere_of(bot, p.prefix, np.array([23] * 9 + [2323]))
            p.actors.append(Series("mirai", bot.actor, begin, packets, whole * SECOND / packets, tries))


def _scan(p: _Planner, cause: str, run: Run, count: int, seconds: float, make: Any, rng: Any, ports: Any, **more: Any) -> None:
    tried = [int(x) for x in ports]
    said = tried if len(tried) <= 20 else f"{len(tried)} ports from {min(tried)} to {max(tried)}"
    p.series(
        "scan", cause, run.actor, count, seconds, make, rng, tool=CAUSES[cause].tool, src_ip=_text(run.src), ports=said, **more
    )


def _large(p: _Planner) -> None:
    whole = p.span.days * DAY * 0.97
    for cause, shape in (("large-masscan", "masscan"), ("large-zmap", "zmap_old"), ("large-own", "own_stack")):
        rng = generator(p.seed, cause)
        run = p.run(rng, shape)
        # at least 30 ports a day, whatever is left of the packets
        ports = rng.choice(np.array(WIDE), int(np.clip(p.wanted[cause] / p.span.days / 4, 60, len(WIDE))), replace=False)
        count = max(int(p.wanted[cause]), 120 * p.span.days)
        _scan(p, cause, run, count, whole, _series.permuted(run, p.prefix, ports), rng, ports)
    rng = generator(p.seed, "many-ports")
    for _ in range(4):
        run = p.run(rng, "linux", SERVERS)
        count = max(60, int(p.wanted["many-ports"] / 4))
        _scan(p, "many-ports", run, count, whole, _series.anywhere(run, p.prefix), rng, range(1, 65536))
    rng = generator(p.seed, "port-run")
    for i, part in enumerate(_parts(rng, p.wanted["port-run"], 1500, 8, 60)):
        length = max(60, int(1500 * part))
        run, first = p.run(rng, ("linux", "own_stack")[i % 2], SERVERS), int(rng.integers(1, 65000 - length))
        dst = p.prefix.network + int(rng.integers(0, p.prefix.size))
        seconds = p.shortest(length * float(rng.uniform(0.2, 20)))
        make = _series.climbing(run, dst, first)
        more = {"dst_ip": _text(dst), "waver": 0.5, "consecutive": True}
        _scan(p, "port-run", run, length, seconds, make, rng, range(first, first + length), **more)
    rng = generator(p.seed, "announced")
    for part in _parts(rng, p.wanted["announced"], p.prefix.size * 3, max(3, p.span.days), 60):
        network, bits = NOTICE[int(rng.integers(0, len(NOTICE)))]
        p.number += 1
        source = network + int(rng.integers(1, (1 << 32 - bits) - 1))
        run = Run(p.number, source, PLACES["JP"], "announced", p.seed)
        tried = rng.choice(np.array(NOTICE_PORTS), 3, replace=False)
        make = _series.permuted(run, p.prefix, tried)
        count = max(3, int(p.prefix.size * 3 * part))
        seconds = p.shortest(float(rng.uniform(0.2, 6)) * 3600)
        _scan(p, "announced", run, count, seconds, make, rng, tried, organisation="NOTICE")


def _attacks(p: _Planner) -> None:
    rng = generator(p.seed, "backscatter")
    vectors = tuple(_series.VECTORS)
    count = int(np.clip(p.wanted["backscatter"] / 200, 16, 400))
    sizes = rng.lognormal(0, 0.8, count)
    sizes *= p.wanted["backscatter"] / sizes.sum()
    for i, size in enumerate(sizes):
        vector = vectors[i % len(vectors)]
        weak = i == 7 or i % 16 == 15
        packets = 15 if weak else max(60, int(size))
        p.number += 1
        src, country = p.source(rng, SERVERS)
        some = rng.choice(np.array(SERVED), int(rng.integers(1, 3)), replace=False)
        game = int(rng.choice([53, 123, 27015, 3074]))
        fixed = {"dns": (53,), "echo": (0,), "icmp udp": (game,)}
        ports = fixed.get(vector, tuple(int(x) for x in some))
        rate = float(np.clip(rng.lognormal(0.7, 0.8), 0.7, packets / 90)) if not weak else 0.05
        pattern = ("random", "regular", "pulsed")[i % 3]
        # four of a connection's places are said two and a half times
        slots, group = (int(packets / 0.625), 4) if vector == "syn-ack" else (packets, 1)
        seconds = packets / rate
        attack = Attack(p.number, src, country, vector, ports, p.prefix)
        pulse = (60, int(rng.integers(30, 120))) if pattern == "pulsed" else None
        p.series(
            "attack", "backscatter", p.number, slots, p.shortest(seconds), attack.make, rng,
            victim=_text(src), vector=vector, ports=list(ports), rate=round(rate, 3), pattern=pattern, pulse=pulse,
            waver={"regular": 0.02}.get(pattern, 0.95), after=8 * SECOND if vector == "syn-ack" else 0, group=group,
        )  # fmt: skip
        if i % 8 == 3:
            # a hired server: attacked, and a scanner itself
            p.number += 1
            _masscan(p, "masscan", Run(p.number, src, country, "masscan", p.seed), rng, 2, min(1.0, 300 / p.prefix.size))


def _floods(p: _Planner) -> None:
    """Upon one address with whatever a program draws, with hping3's own packets, or upon several addresses at two ports."""
    rng = generator(p.seed, "spoofed-flood")
    floods = int(np.clip(p.wanted["spoofed-flood"] / 600, 3, 30))
    for i in range(floods):
        p.number += 1
        dst, port = p.prefix.network + int(rng.integers(0, p.prefix.size)), int(rng.choice([80, 443, 22, 25565]))
        packets = max(300, int(p.wanted["spoofed-flood"] / floods))
        seconds = p.shortest(packets / float(rng.uniform(2, 120)))
        kind, dsts = ("drawn", "hping3", "drawn")[i % 3], [dst]
        if i % 3 == 2:
            dsts = [p.prefix.network + int(x) for x in rng.integers(0, p.prefix.size, 6)]
        ports = [port, 53 if port == 80 else 80] if i % 3 == 2 else [port]
        make = _series.forged(np.array(dsts), np.array(ports), p.number, kind)
        told = {"dst_ip": _text(dsts[0]) if len(dsts) == 1 else [_text(x) for x in dsts], "ports": ports, "program": kind}
        p.series("flood", "spoofed-flood", p.number, packets, seconds, make, rng, **told)


def _neighbours(p: _Planner) -> None:
    """Machines beside the prefix that always ask the same of the same address."""
    rng = generator(p.seed, "misconfiguration")
    kinds = ((514, None, SYSLOG), (162, None, SNMP), (137, 137, None), (123, 123, NTP), (53, None, None), (8443, None, None))
    for port, sport, extra in kinds:
        p.number += 1
        near = p.prefix.network + p.prefix.size + int(rng.integers(0, 16)) * 256 + int(rng.integers(2, 250))
        where = country_of(np.array([near], dtype=np.uint32))[0]
        run = Run(p.number, near, PLACES.get(where or "", -1), "linux" if port == 8443 else "udp", p.seed)
        dst = p.prefix.network + int(rng.integers(0, p.prefix.size))
        make = _series.to_one(run, dst, port, sport, extra)
        count, seconds = max(20, int(p.wanted["misconfiguration"] / len(kinds))), p.span.days * DAY * 0.98
        p.series(
            "misconfiguration", "misconfiguration", p.number, count, seconds, make, rng,
            src_ip=_text(near), dst_ip=_text(dst), ports=[port], waver=0.01,
        )  # fmt: skip


def _within(begin: float, end: float) -> Trend:
    """All between those parts of the period, nothing before and after."""
    return lambda passed: float(begin - 1e-9 <= passed < end - 1e-9)


def _kinds(span: Span) -> list[tuple[Kind, dict[str, Any] | None]]:
    """The crowds, each with its story."""
    ranked = [*HEAD, *(x for x in WIDE if x not in HEAD and x not in (23, 2323, 445))]
    zipf = {port: 1 / (i + 1) ** ZIPF for i, port in enumerate(ranked)}
    spread = {c: 0.1 + 0.09 * i for i, c in enumerate(("BR", "VN", "TW", "IN", "TR", "RU", "CN", "US"))}
    hours = span.days * 24
    out: list[tuple[Kind, dict[str, Any] | None]] = [
        (Kind("mirai", "mirai", {23: 9, 2323: 1}, IOT, 3000, 500, 3.0, 20.0, hands=True), None),
        (Kind("mirai-9530", "mirai", {9530: 1}, {"CN": 5, "BR": 3, "VN": 3, "IR": 1}, 300, 40, 3.0, 20.0, hands=True), None),
        (Kind("telnet", "telnet", {23: 6, 2323: 1}, IOT, 800, 150, 3.0, 30.0), None),
        (Kind("hosts", "host", zipf, SERVERS, 2500, 600, 1.6, again=True), None),
        (Kind("smb", "windows", {445: 1}, PCS, 900, 250, 2.0, night=0.4, again=True), None),
        (Kind("udp", "udp", {53: 5, 123: 4, 1900: 3, 5060: 4, 161: 3, 11211: 2}, SURVEYS, 80, 15, 4.0, 10.0), None),
        (Kind("ping", "ping", {0: 1}, SURVEYS, 60, 20, 3.0, 10.0), None),
        (
            Kind("new-port", "telnet", {60001: 1}, dict.fromkeys(spread, 1.0), 400, 120, 2.0, 20.0, arrivals=spread),
            {"kind": "new port", "ports": [60001], "from": 0.1, "to": 1.0, "countries": spread},
        ),
        (
            Kind("plateau", "host", {5500: 1}, SERVERS, 250, 60, 2.0, 20.0, trend=_within(0.2, 0.8)),
            {"kind": "plateau", "ports": [5500], "from": 0.2, "to": 0.8},
        ),
    ]  # fmt: skip
    begin = int(hours * 0.8) / hours
    wave = Kind(
        "botnet-wave", "telnet", {37215: 1}, IOT, 100_000, 0, 1.05, 5.0, 1.0, _within(begin, begin + 1 / hours), each=0.8
    )  # fmt: skip
    out.append((wave, {"kind": "burst", "ports": [37215], "from": begin, "to": begin + 1 / hours}))
    for i, ports in enumerate(((135, 139, 593), (3388, 3389, 3390, 33389), (7547, 5358, 37215, 52869))):
        begin = int(hours * (0.15 + 0.3 * i)) / hours
        end = begin + 3 / hours
        kind = Kind(
            "group-burst", ("windows", "host", "telnet")[i], dict.fromkeys(ports, 1.0), (PCS, SERVERS, IOT)[i], 300, 0,
            2.0, 5.0, 1.0, _within(begin, end), number=i,
        )  # fmt: skip
        out.append((kind, {"kind": "burst", "ports": list(ports), "from": begin, "to": end}))
    return out


def _text(address: int) -> str:
    return str(ipaddress.IPv4Address(address))


def plan(seed: int, span: Span, packets: float, prefix: Prefix) -> Plan:
    """The actors of `span` at the prefix: about `packets` packets; more where each story's least is more."""
    p = _Planner(seed, span, packets, prefix)
    for part in (_walks, _tools, _shared, _large, _attacks, _floods, _neighbours):
        part(p)
    kinds = _kinds(span)
    crowds: Sequence[str] = [kind.cause for kind, _ in kinds]
    length = span.days * DAY
    for kind, story in kinds:
        wanted = p.wanted[kind.cause] / crowds.count(kind.cause)
        p.actors.append(Crowd(kind, seed, span, max(wanted, 12.0), prefix, PLACES))
        if story:
            times = {k: span.start + int(story[k] * length) for k in ("from", "to")}
            when = {c: span.start + int(x * length) for c, x in story.pop("countries", {}).items()}
            p.stories.append({"label": kind.cause, **story, **times} | ({"countries": when} if when else {}))
    p.stories += [
        {"kind": "outage", "from": p.outage[0], "to": p.outage[1], "sensor": "telescope", "because": "the sensor was off"},
        {"kind": "loss", "from": p.loss[0], "to": p.loss[1], "share": 0.2, "because": "the line lost a fifth of everything"},
    ]
    return Plan(p.actors, p.stories, p.outage, p.loss)
