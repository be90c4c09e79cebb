"""A dark IPv6 prefix as simulated: guessed addresses, forged ones, a truth that adds up, captures that others read."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import shutil
import subprocess
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teiten import settings as configuration
from teiten import simulate
from teiten.errors import UsageError
from teiten.readers import capture
from teiten.readers._base import ReadOptions
from teiten.readers._input import inputs
from teiten.simulate.dark import _six, _wire6
from teiten.simulate.dark._batch import TCP, UDP
from teiten.simulate.dark._wire6 import Packet, Quoted

START = dt.date(2026, 4, 1)
PREFIX = "2001:db8:38::/64"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[simulate.Summary, pl.DataFrame, list[dict[str, Any]]]:
    """The summary; a row for each packet as the reader finds it, with its cause; the lines of truth.jsonl."""
    folder = tmp_path_factory.mktemp("six") / "out"
    summary = simulate.run("telescope", 3, START, 2, 6_000, folder, prefix=PREFIX)
    chosen = configuration.load(config=summary.config)
    frames = []
    for path in summary.paths:
        for source in inputs([str(path)], chosen.reading):
            found = pl.concat([c.events for c in capture.read(source, ReadOptions(zone=chosen.zone))])
        told = pl.read_parquet(folder / "truth" / f"packets-{path.stem.removeprefix('telescope-')}.parquet")
        assert told["source_pos"].to_list() == found["source_pos"].to_list()
        frames.append(pl.concat([found, told.select("cause", "actor")], how="horizontal"))
    rows = [json.loads(line) for line in summary.truth.read_text().splitlines()]
    return summary, pl.concat(frames).with_columns(pl.col("cause").cast(pl.String)), rows


Made = tuple[simulate.Summary, pl.DataFrame, list[dict[str, Any]]]


def test_the_truth_adds_up(made: Made) -> None:
    summary, packets, rows = made
    told = {row["label"]: row["packets"] for row in rows if row["kind"] == "label"}
    assert told == Counter(packets["cause"].to_list()) and set(told) == set(_six.CAUSES)
    assert summary.events == packets.height == sum(told.values()) and 0.8 * 6_000 < summary.events < 1.2 * 6_000
    actors = Counter(packets.select("cause", "actor").iter_rows())
    assert all(row["packets"] == actors[row["label"], row["actor"]] for row in rows if "actor" in row)
    folder = summary.truth.parent
    sources = pl.concat([pl.read_parquet(p) for p in sorted(folder.glob("sources-*.parquet"))])
    by_cause = dict(sources.group_by(pl.col("cause").cast(pl.String)).agg(pl.col("packets").sum()).iter_rows())
    assert by_cause == told
    (outage,) = [row for row in rows if row["kind"] == "outage"]
    off, on = (dt.datetime.fromisoformat(outage[k]) for k in ("from", "to"))
    assert packets.filter(pl.col("time").is_between(off, on, closed="left")).is_empty()


def lower(address: bytes) -> int:
    return int.from_bytes(address[8:], "big")


def test_surveys_guess_and_forged_sources_are_random(made: Made) -> None:
    _, packets, _ = made
    network = ipaddress.IPv6Network(PREFIX)
    assert all(ipaddress.IPv6Address(d) in network for d in packets["dst_ip"].to_list())
    surveys = [lower(d) for d in packets.filter(pl.col("cause") == "echo-survey")["dst_ip"].to_list()]
    assert sum(n < 1 << 16 for n in surveys) > 0.55 * len(surveys), "low bytes, ports, words"
    assert any(n >> 24 & 0xFFFF == 0xFFFE for n in surveys), "makers' numbers"
    assert len(set(surveys)) < 0.7 * len(surveys), "the same guesses again and again"
    forged = [lower(d) for d in packets.filter(pl.col("cause") == "backscatter")["dst_ip"].to_list()]
    assert len(set(forged)) == len(forged) and sum(n < 1 << 32 for n in forged) == 0
    assert 0.47 < np.mean([n.bit_count() / 64 for n in forged]) < 0.53


def test_marks(made: Made) -> None:
    _, packets, rows = made
    rounds = defaultdict(set)
    nmap = packets.filter(pl.col("cause") == "nmap-syn")
    for actor, seq, sport in nmap.select("actor", "tcp_seq", "src_port").iter_rows():
        rounds[actor].add((seq, sport))
    assert all(len(r) == 1 for r in rounds.values()) and set(nmap["tcp_window"]) == {1024}
    sources = packets.group_by("cause", "actor").agg(pl.col("src_ip").n_unique(), pl.len())
    assert sources.filter((pl.col("cause") == "tcp-survey") & (pl.col("src_ip") > 5)).height, "many addresses of one /64"
    assert packets.filter(pl.col("cause") == "traceroute")["ttl"].max() <= 5
    victims = {row["actor"]: row["victim"] for row in rows if row["kind"] == "attack"}
    quoted = packets.filter(pl.col("inner_dst_ip").is_not_null())
    assert quoted.height
    for actor, dst, inner_src, inner_dst in quoted.select("actor", "dst_ip", "inner_src_ip", "inner_dst_ip").iter_rows():
        assert inner_src == dst and str(ipaddress.IPv6Address(inner_dst)) == victims[actor]


@pytest.mark.skipif(shutil.which("tshark") is None, reason="no tshark here")
def test_tshark_finds_nothing_wrong(made: Made) -> None:
    checks = [word for c in ("tcp", "udp") for word in ("-o", f"{c}.check_checksum:TRUE")]
    bad = " or ".join(f"{c}.checksum.status==0" for c in ("tcp", "udp", "icmpv6"))
    for path in made[0].paths:
        command = ["tshark", "-r", str(path), *checks, "-Y", f"{bad} or _ws.malformed"]
        assert subprocess.run(command, capture_output=True, check=True, text=True).stdout == ""


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        simulate.run("telescope", 5, START, 1, 500, tmp_path / name, prefix="2001:db8::/48", kinds=("log", "pcap"))
    files = [p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file()]
    assert len(files) == 6
    assert all((tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in files)


@pytest.mark.parametrize(("prefix", "words"), [("2001:db8::/32", "/32 cannot"), ("2001:db8::1/64", "is no prefix")])
def test_prefixes_that_cannot_be_simulated(prefix: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=words):
        simulate.run("telescope", 1, START, 1, 10, tmp_path / "x", prefix=prefix)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**63))
def test_a_guess_is_the_lower_half_of_an_address(seed: int) -> None:
    assert 0 < _six.guess(np.random.default_rng(seed)) < 1 << 64


@settings(max_examples=60, deadline=None)
@given(
    st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16), st.sampled_from([TCP, UDP, 58]),
    st.integers(0, 65535), st.integers(0, 2**32 - 1), st.booleans(),
)  # fmt: skip
def test_every_checksum_is_right(src: bytes, dst: bytes, protocol: int, port: int, seq: int, quotes: bool) -> None:
    quoted = Quoted(src, UDP if seq % 2 else TCP, port, 80, seq) if quotes and protocol == 58 else None
    one = Packet(0, src, dst, protocol, 50, "x", 1, "JP", sport=port, dport=port, seq=seq, kind=1, quoted=quoted)
    raw = _wire6.packet(one)
    above = raw[40:]
    assert int.from_bytes(raw[4:6], "big") == len(above)
    assert _wire6._folded(src + dst + len(above).to_bytes(4, "big") + bytes([0, 0, 0, protocol]) + above) == 0
