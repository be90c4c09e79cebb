"""Attacks by backscatter: beside CAIDA's algorithm written out packet by packet, at its edges, and what is told of them."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.classify.examples import DARK, NOON, TOKYO, event, lake_of

from teiten import classify
from teiten.classify import attacks
from teiten.classify.attacks import Rule
from teiten.engine import filters, open_session
from teiten.engine.filters import Filters

US = 1_000_000
Train = list[int]
"""µs after NOON, in order"""


def rst(n: int, src: str, us: int, **more: Any) -> dict[str, Any]:
    plain = {"src_port": 80, "dst_port": 1024 + n * 7919 % 60000, "tcp_flags": 20}
    return event(n, src, DARK + n % 65536, **(plain | more)) | {"time": NOON + dt.timedelta(microseconds=us)}


def corsaro(times: Iterable[int]) -> list[tuple[int, int, int, int]]:
    """(first, last, packets, most in a minute) of the attacks: corsaro_dos.c, packet by packet, in whole seconds as there."""
    out = []

    def close(v: dict[str, Any]) -> None:
        v["most"] = max(v["most"], sum(v["buckets"]))
        if v["n"] >= 25 and (v["last"] - v["first"]) // US >= 60 and v["most"] >= 30:
            out.append((v["first"], v["last"], v["n"], v["most"]))

    vector: dict[str, Any] | None = None
    for t in times:
        if vector is not None and vector["last"] // US + 300 < t // US:
            close(vector)
            vector = None
        if vector is None:
            vector = {"first": t, "n": 0, "most": 0, "window": t // US, "buckets": [0] * 6, "at": 0}
        vector["n"] += 1
        vector["last"] = t
        offset = (t // US - vector["window"]) // 10
        if offset > 0:
            vector["most"] = max(vector["most"], sum(vector["buckets"]))
            for _ in range(min(offset, 6)):
                vector["at"] = (vector["at"] + 1) % 6
                vector["buckets"][vector["at"]] = 0
            vector["window"] += offset * 10
        vector["buckets"][vector["at"]] += 1
    if vector is not None:
        close(vector)
    return out


def trains() -> dict[str, Train]:
    """Victims whose packets come at all rates, with pauses about as long as the idle time."""
    rng = np.random.default_rng(5)
    found = {}
    for n in range(250):
        count = int(rng.integers(20, 120))
        gaps = rng.exponential(float(rng.choice([0.3, 1.5, 2.0, 2.3, 4.0])), count)
        pauses = rng.random(count) < 0.02
        gaps[pauses] += rng.uniform(280, 320, int(pauses.sum()))
        found[f"198.18.{n // 250}.{n}"] = [int(t) for t in np.cumsum(gaps) * US + rng.integers(0, US)]
    return found


def test_attacks_are_corsaros(tmp_path: Path) -> None:
    given = trains()
    rows = [rst(n, src, t) for src, times in given.items() for n, t in enumerate(times)]
    start = int(NOON.timestamp()) * US
    wanted = {
        (ipaddress.ip_address(src).packed, *attack)
        for src, times in given.items()
        for attack in corsaro([start + t for t in times])
    }
    with open_session(lake_of(tmp_path, rows), TOKYO) as session:
        found = attacks.vectors(session, Filters(), Rule())
    told = found.with_columns(found["start"].to_physical(), found["end"].to_physical())
    assert set(told.select("victim", "start", "end", "packets", "per_minute").rows()) == wanted
    assert len(wanted) > 50
    assert len({w[0] for w in wanted}) < len(given)


@pytest.mark.parametrize(
    ("times", "attack"),
    [
        ([n * 1.5 for n in range(41)], True),  # 60.0 seconds; 40 in the first minute
        ([n * 1.5 for n in range(40)], False),  # 58.5 seconds
        ([n / 10 for n in range(29)] + [61.0], False),  # 29 within 60 seconds, 30 in all
        ([n / 10 for n in range(29)] + [59.9, 61.0], True),
        ([n / 10 for n in range(24)] + [70.0], False),
        ([n / 10 for n in range(30)] + [302.9], True),  # idle for exactly 300 whole seconds
        ([n / 10 for n in range(30)] + [303.0], False),  # 301: the second vector is one packet
    ],
)
def test_edges(tmp_path: Path, times: list[float], attack: bool) -> None:
    rows = [rst(n, "192.0.2.1", round(t * US)) for n, t in enumerate(times)]
    with open_session(lake_of(tmp_path, rows), TOKYO) as session:
        assert attacks.vectors(session, Filters(), Rule()).height == attack
    assert bool(corsaro([int(NOON.timestamp()) * US + round(t * US) for t in times])) == attack


def test_what_is_told(tmp_path: Path) -> None:
    """Answers of three forms; the victim of an ICMP error is the quoted destination, whoever sent the error."""
    victim = ipaddress.ip_address("192.0.2.80").packed
    icmp = {"protocol": 1, "icmp_type": 3, "icmp_code": 13, "tcp_flags": None, "src_port": None, "dst_port": None}
    icmp |= {"inner_dst_ip": victim, "inner_protocol": 6, "inner_dst_port": 443}
    rows = [rst(n, "192.0.2.80", n * US) for n in range(100)]
    rows += [rst(n, "192.0.2.80", n * US, tcp_flags=18, src_port=443) for n in range(50)]
    rows += [rst(n, "198.51.100.1", n * US, **icmp) for n in range(30)]
    with open_session(lake_of(tmp_path, rows), TOKYO) as session:
        (row,) = attacks.attacks(session, Filters(), Rule()).to_dicts()
        assert (row["victim"], row["packets"], row["per_minute"]) == (victim, 180, 140)
        assert (row["answers"], row["ports"], row["port_count"]) == ("rst syn-ack icmp error", "80/tcp 443/tcp", 2)
        assert (row["destinations"], row["responders"], row["goes_on"]) == (100, 2, True)

        def asked(**texts: str) -> int:
            return attacks.attacks(session, filters.parse(TOKYO, **texts), Rule()).height

        assert asked(port="443/tcp") == asked(src="192.0.2.0/24") == asked(protocol="tcp") == asked(country="unknown") == 1
        assert asked(port="22") == asked(src="198.51.100.1") == asked(protocol="udp") == asked(country="JP") == 0
        assert asked(port="1-79/tcp,444-65535/tcp") == asked(sensor="another") == 0


def test_an_attack_is_whole_whatever_the_span(tmp_path: Path) -> None:
    """It is told of in each span that it touches, from its first packet to its last."""
    rows = [rst(n, "192.0.2.1", n * US) for n in range(7200)]
    with open_session(lake_of(tmp_path, rows), TOKYO) as session:
        half = NOON + dt.timedelta(minutes=60)
        for span in (Filters(start=half), Filters(end=half), Filters(start=half, end=half + dt.timedelta(seconds=1))):
            (row,) = attacks.attacks(session, span, Rule()).to_dicts()
            assert (row["start"], row["packets"]) == (NOON, 7200)
        assert not attacks.attacks(session, Filters(end=NOON), Rule()).height


def test_many_answers_come_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [rst(n, f"192.0.2.{n % 20}", n * US // 10) for n in range(4000)]
    with open_session(lake_of(tmp_path, rows), TOKYO) as session:
        whole = attacks.vectors(session, Filters(), Rule())
        monkeypatch.setattr(attacks, "EVENTS_AT_ONCE", 300)
        assert attacks.vectors(session, Filters(), Rule()).equals(whole)
        assert whole.height == 20


def test_a_verdict_on_each_day_that_it_reached(tmp_path: Path) -> None:
    """An attack over midnight (Tokyo): a day's verdict looks an hour back, so that what the day has of it counts."""
    midnight = dt.datetime(2026, 4, 1, 15, tzinfo=dt.UTC)
    shift = int((midnight - NOON).total_seconds()) - 100
    rows = [rst(n, "192.0.2.1", (shift + n) * US) for n in range(150)]  # 100 seconds before, 50 after
    rows += [rst(n, "192.0.2.2", (shift + 2000 + n) * US) for n in range(59)]
    lake = lake_of(tmp_path, rows)
    classify.run(lake, TOKYO)
    found = defaultdict(list)
    for row in lake.verdicts().to_dicts():
        if row["label"] == "attack_victim":
            found[row["day"].isoformat()].append(row["evidence"])
    assert sorted(found) == ["2026-04-01", "2026-04-02"]
    (first,), (second,) = found["2026-04-01"], found["2026-04-02"]
    assert '"until_midnight":true' in first
    assert '"since_day_before":true' in second
    assert '"packets":150' in second


def test_thresholds_are_settings(tmp_path: Path) -> None:
    rows = [rst(n, "192.0.2.1", n * US) for n in range(30)]
    lower = replace(TOKYO, thresholds={"attack_seconds": 20.0, "attack_packets_per_minute": 10.0})
    with open_session(lake_of(tmp_path, rows), TOKYO) as session:
        assert attacks.vectors(session, Filters(), Rule.of(TOKYO)).height == 0
        assert attacks.vectors(session, Filters(), Rule.of(lower)).height == 1
