"""A household line in Japan: a router's drop log, month by month, with a new address every few days."""

from __future__ import annotations

from typing import Any

import polars as pl

from teiten.frame import address_text
from teiten.simulate import _stories
from teiten.simulate._household import DROP, HOST, clock, dotted, home_line, other_lines, reconnects
from teiten.simulate._mix import HOUSEHOLD
from teiten.simulate._shapes import OPTIONS
from teiten.simulate._sources import draw, draw_v6
from teiten.simulate._traffic import DAY, Span, Wish, concatenate, generator, visits
from teiten.simulate._write import Extra, Sensor, v6_text

HELP = "a household line in Japan, its address new every few days"
A_DAY = 3_000
"""packets that reach the line on a usual day"""
OWN_V6 = bytes.fromhex("20010db80000000102005efffe005301")


def _ipv6(seed: int, span: Span) -> list[Extra]:
    """A handful of IPv6 packets: surveys find addresses that were seen elsewhere."""
    rng = generator(seed, "ipv6")
    out = []
    for _ in range(max(2, span.days // 4)):
        country, port = str(rng.choice(["US", "CN", "DE"])), int(rng.choice([443, 80, 22, 8080]))
        source, time = draw_v6(country, 1, rng)[0], span.start + float(rng.uniform(0, span.days * DAY))
        ttl, sport, seq = rng.integers(38, 58), rng.integers(32768, 61000), rng.integers(0, 1 << 32)
        line = (
            f"{clock(time)} {HOST} {DROP}SRC={v6_text(source)} DST={v6_text(OWN_V6)} LEN=60 TC=0 HOPLIMIT={ttl} FLOWLBL=0 "
            f"PROTO=TCP SPT={sport} DPT={port} SEQ={seq} ACK=0 WINDOW=65535 RES=0x00 SYN URGP=0 OPT ({OPTIONS[4]}) "
        )
        out.append(Extra(int(time * 1e6), line, "ipv6-survey", address_text(source), country, port, 1))
    return out


def _repeats(seed: int, span: Span, addresses: list[tuple[int, int]]) -> list[Extra]:
    """Equal packets that the router's syslog folds into `last message repeated N times`."""
    rng = generator(seed, "repeats")
    count = max(1, span.days // 9)
    out = []
    for source, moment in zip(draw("FR", count, rng), rng.uniform(0.02, 0.98, count), strict=True):
        time = span.start + float(moment) * span.days * DAY
        src, dst = dotted(int(source)), dotted([a for t, a in addresses if t <= time][-1])
        line = (
            f"{clock(time)} {HOST} {DROP}SRC={src} DST={dst} LEN=437 TOS=0x00 PREC=0x00 TTL=52 ID=0 DF "
            "PROTO=UDP SPT=5070 DPT=5060 LEN=417 "
        )
        times = int(rng.integers(2, 6))
        out.append(Extra(int(time * 1e6), line, "sip-repeated", src, "FR", 5060, 1))
        out.append(
            Extra(
                int(time * 1e6),
                f"{clock(time + 1)} {HOST} last message repeated {times} times",
                "sip-repeated",
                src,
                "FR",
                5060,
                times,
            )
        )
    return out


def make(wish: Wish) -> tuple[list[tuple[Sensor, pl.DataFrame]], list[dict[str, Any]]]:
    """The one sensor with its packets, and the stories."""
    seed, span = wish.seed, wish.span
    total = wish.events if wish.events is not None else A_DAY * span.days
    scale = total / (A_DAY * span.days)
    weight = sum(c.share for c in HOUSEHOLD)
    parts = [visits(c, seed, span, total * c.share / weight, 1) for c in HOUSEHOLD]
    stories: list[dict[str, Any]] = []
    for what in _stories.BURSTS:
        packets, story = _stories.burst(what, seed, span, scale, lambda rng, n: 0)
        parts.append(packets)
        stories.append(story)
    packets, story = _stories.sweep(seed, span, scale)
    parts.append(packets)
    stories.append(story)
    packets, scans = _stories.notice(seed, span, 1)
    parts.append(packets)
    stories += scans
    found = concatenate(parts).filter(pl.col("time").is_between(span.start * 1_000_000, span.end * 1_000_000, closed="left"))
    outage = None
    if span.days >= 3:
        begin = span.start + int(0.66 * span.days) * DAY + 2 * 3600 + 600
        outage = (begin, begin + 5 * 3600 + 1800)
        stories.append(
            {"kind": "outage", "from": outage[0], "to": outage[1], "sensor": "home", "because": "the router was off"}
        )
    if span.days >= 5:
        begin = span.start + int(0.93 * span.days) * DAY
        found = _stories.thinned(found, seed, begin, begin + 15 * 3600, 0.35)
        stories.append(
            {"kind": "fall", "from": begin, "to": begin + 15 * 3600, "because": "the observer's own line: a fall in everything"}
        )
    gaps = (outage,) if outage else ()
    addresses = reconnects(seed, span, outage)
    stories += [{"kind": "new address", "from": t, "to": t} for t, _ in addresses[1:]]
    spoken = [*_ipv6(seed, span), *_repeats(seed, span, addresses)]
    awake = [e for e in spoken if not any(b * 1_000_000 - 2_000_000 <= e.time < t * 1_000_000 for b, t in gaps)]
    extras = sorted([*other_lines(seed, span, addresses, gaps), *awake], key=lambda e: e.time)
    within = (e for e in extras if span.start * 1_000_000 <= e.time < span.end * 1_000_000)
    sensor = home_line(addresses, within, gaps=gaps)
    found = _stories.silent(found, gaps)
    return [(sensor, found)], _stories.counted(stories, found)
