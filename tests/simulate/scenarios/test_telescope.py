"""The dark prefix as simulated: exact marks, a truth that adds up, captures that readers take. Parses the bytes by itself."""

from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress
import itertools
import json
import shutil
import struct
import subprocess
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teiten import settings as configuration
from teiten import simulate
from teiten.readers import capture
from teiten.readers._base import ReadOptions
from teiten.readers._input import inputs
from teiten.simulate.dark import _record
from teiten.simulate.dark._batch import together
from teiten.simulate.dark._causes import CAUSES
from teiten.simulate.dark._plan import Plan
from teiten.simulate.dark._record import _hidden
from teiten.simulate.dark._series import Prefix, Run, Series, permuted, shuffled
from teiten.simulate.dark._walk import ONE_PORT, index_of, logarithm

ORDER = ONE_PORT.order

START = dt.date(2026, 4, 1)
DAYS = 2
FEW = 30_000
PREFIX = Prefix(0x2C0B2600, 24)


@dataclass
class Packet:
    cause: str
    actor: int
    time: int
    ip: bytes
    above: bytes
    at: int

    def __post_init__(self) -> None:
        self.id, self.ttl, self.protocol = struct.unpack_from(">4xH2xBB", self.ip)
        self.src, self.dst = struct.unpack_from(">II", self.ip, 12)
        self.flags = self.window = self.seq = self.ack = self.sport = self.dport = -1
        self.options = b""
        if self.protocol == 6:
            self.sport, self.dport, self.seq, self.ack, length, self.flags, self.window = struct.unpack_from(
                ">HHIIBBH", self.above
            )
            self.options = self.above[20 : length // 4]
        elif self.protocol == 17:
            self.sport, self.dport = struct.unpack_from(">HH", self.above)


@dataclass
class Made:
    summary: simulate.Summary
    folder: Path
    packets: list[Packet]
    truth: list[dict[str, Any]]

    def of(self, cause: str) -> list[Packet]:
        return [p for p in self.packets if p.cause == cause]

    def stories(self, kind: str) -> list[dict[str, Any]]:
        return [row for row in self.truth if row["kind"] == kind]


def parsed(path: Path) -> list[tuple[int, int, bytes, bytes]]:
    raw, at, out = path.read_bytes(), 24, []
    assert raw[:24] == struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    while at < len(raw):
        seconds, micros, size, original = struct.unpack_from("<IIII", raw, at)
        frame = raw[at + 16 : at + 16 + size]
        assert size == original == len(frame) and frame[12:14] == b"\x08\x00"
        assert struct.unpack_from(">H", frame, 16)[0] == size - 14
        out.append((at, seconds * 1_000_000 + micros, frame[14:34], frame[34:]))
        at += 16 + size
    return out


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("dark") / "out"
    summary = simulate.run("telescope", 7, START, DAYS, FEW, folder)
    packets = []
    for path in summary.paths:
        rows = pl.read_parquet(folder / "truth" / f"packets-{path.stem.removeprefix('telescope-')}.parquet")
        found = parsed(path)
        assert rows["source_pos"].to_list() == [f[0] for f in found], "a row for each packet, in the file's order"
        for (at, time, ip, above), (cause, actor) in zip(found, rows.select("cause", "actor").iter_rows(), strict=True):
            packets.append(Packet(cause, actor, time, ip, above, at))
    return Made(summary, folder, packets, [json.loads(line) for line in summary.truth.read_text().splitlines()])


def digests(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()
    }


def test_the_same_seed_gives_the_same_bytes_another_does_not(tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        simulate.run("telescope", seed, START, 1, 5_000, tmp_path / name)
    first, again, other = (digests(tmp_path / name) for name in "abc")
    assert first == again
    assert all(first[name] != other[name] for name in first)


def test_the_truth_adds_up(made: Made) -> None:
    counted = Counter(p.cause for p in made.packets)
    told = {row["label"]: row["packets"] for row in made.stories("label")}
    assert told == counted, "every cause is there"
    assert set(told) == set(CAUSES)
    assert made.summary.events == len(made.packets) == sum(told.values())
    assert 0.85 * FEW < made.summary.events < 1.15 * FEW
    sources = pl.concat([pl.read_parquet(p) for p in sorted((made.folder / "truth").glob("sources-*.parquet"))])
    by_cause = dict(sources.group_by(pl.col("cause").cast(pl.String)).agg(pl.col("packets").sum()).iter_rows())
    assert by_cause == {c: n for c, n in counted.items() if not CAUSES[c].forged}
    assert sources.filter(pl.col("cause") != "misconfiguration")["country"].null_count() == 0
    actors = Counter((p.cause, p.actor) for p in made.packets)
    for row in made.truth:
        if "actor" in row:
            assert row["packets"] == actors[row["label"], row["actor"]]


def test_packets_are_in_the_order_of_time_each_in_its_day(made: Made) -> None:
    begin = int(dt.datetime(2026, 3, 31, 15, tzinfo=dt.UTC).timestamp()) * 1_000_000
    for day, path in enumerate(made.summary.paths):
        times = [time for _, time, _, _ in parsed(path)]
        assert times == sorted(times)
        assert begin + day * 86_400_000_000 <= times[0] and times[-1] < begin + (day + 1) * 86_400_000_000
    assert all(PREFIX.network <= p.dst < PREFIX.network + PREFIX.size for p in made.packets)
    (outage,) = made.stories("outage")
    off = [dt.datetime.fromisoformat(outage[k]).timestamp() * 1e6 for k in ("from", "to")]
    assert not any(off[0] <= p.time < off[1] for p in made.packets)


def folded(data: bytes) -> int:
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def test_every_checksum_is_right(made: Made) -> None:
    for p in made.packets:
        assert folded(p.ip) == 0xFFFF
        pseudo = p.ip[12:20] + struct.pack(">HH", p.protocol, len(p.above)) if p.protocol != 1 else b""
        assert folded(pseudo + p.above) == 0xFFFF
        if p.protocol == 1 and p.above[0] in (3, 11):
            assert folded(p.above[8:28]) == 0xFFFF


def test_mirai(made: Made) -> None:
    some = made.of("mirai")
    assert all(p.seq == p.dst and p.sport >= 1024 and not p.options and p.flags == 2 and p.ttl <= 57 for p in some)
    ports = Counter(p.dport for p in some)
    assert set(ports) == {23, 2323} and 0.88 < ports[23] / len(some) < 0.92
    assert {p.dport for p in made.of("mirai-9530")} == {9530}
    assert all(p.seq == p.dst for p in made.of("mirai-9530"))
    assert not any(p.seq == p.dst for p in made.packets if not p.cause.startswith("mirai"))
    processes, addresses, owners = defaultdict(set), defaultdict(set), defaultdict(set)
    for p in some:
        processes[p.actor].add((p.window, p.sport))
        addresses[p.actor].add(p.src)
        owners[p.src].add(p.actor)
    assert max(map(len, processes.values())) <= 2, "a process lives three days"
    assert sum(len(a) > 1 for a in addresses.values()) > 20
    assert sum(len(o) > 1 for o in owners.values()) > 20, "addresses change hands"


def masscan_rule(p: Packet) -> bool:
    return p.id == (p.dst ^ p.dport ^ p.seq) & 0xFFFF


@pytest.mark.parametrize(
    ("cause", "rule"),
    [
        ("zmap-old", lambda p: p.id == 54321 and p.window == 65535 and not p.options and 230 < p.ttl < 249),
        ("large-zmap", lambda p: p.id == 54321 and p.window == 65535 and not p.options),
        ("zmap-new", lambda p: p.window == 65535 and len(p.options) == 12 and 39 < p.ttl < 58),
        ("masscan", lambda p: masscan_rule(p) and p.window == 1024 and not p.options and 230 < p.ttl < 249),
        ("masscan-new", lambda p: masscan_rule(p) and p.window == 1025 and p.options == b"\x02\x04\x05\xb4"),
        ("nmap-syn", lambda p: p.window == 1024 and p.options == b"\x02\x04\x05\xb4" and 12 < p.ttl < 54),
        ("nmap-connect", lambda p: p.window in (29200, 64240) and len(p.options) == 20 and p.ip[6] == 0x40),
        ("hping3", lambda p: p.window == 512 and not p.options and p.ttl < 58),
        ("announced", lambda p: p.ttl == 244 and p.window == 1024 and p.src >> 16 in (0x96F9, 0x99E7)),
    ],
)
def test_marks_of_tools(made: Made, cause: str, rule: Any) -> None:
    some = made.of(cause)
    assert len(some) > 20
    assert all(p.protocol == 6 and p.flags == 2 and rule(p) for p in some)


def test_marks_elsewhere_are_chance(made: Made) -> None:
    others = [p for p in made.packets if p.protocol == 6 and (CAUSES[p.cause].tool or "") not in ("zmap", "masscan")]
    assert sum(p.id == 54321 for p in others) <= 3
    assert sum(masscan_rule(p) for p in others if p.ip[6] == 0) <= 5
    assert len({p.id for p in made.of("zmap-new")}) > 0.9 * len(made.of("zmap-new"))


def test_one_sequence_number_a_round_of_nmap(made: Made) -> None:
    numbers = defaultdict(set)
    for p in made.of("nmap-syn"):
        numbers[p.actor].add((p.seq, p.sport))
    assert all(1 <= len(n) <= 2 for n in numbers.values())


def test_new_zmap_goes_its_way(made: Made) -> None:
    for story in made.stories("scan"):
        if story["label"] != "zmap-new" or story["threads"] != 1 or len(story["ports"]) != 1:
            continue
        g, times = story["generator"], {}
        for p in made.of("zmap-new"):
            if p.actor == story["actor"]:
                times[p.time] = (p.dst, p.dport)
        assert {port for _, port in times.values()} == set(story["ports"])
        assert len({dst for dst, _ in times.values()}) == len(times), "each address once"
        # its exponents rise with time: the table of all of them by the generator's own powers is in test_walk
        dsts = np.array([times[t][0] for t in sorted(times)]) - PREFIX.network
        inverse = pow(int(logarithm(np.array([g], dtype=np.uint64))[0]), -1, ORDER)
        exponents = [int(x) * inverse % ORDER for x in logarithm(index_of(PREFIX.network, 24)[dsts] + np.uint64(1))]
        rises = [(b - a) % ORDER for a, b in itertools.pairwise(exponents)]
        assert sum(rises) < ORDER


def test_new_zmap_with_two_ports(made: Made) -> None:
    stories = [s for s in made.stories("scan") if s["label"] == "zmap-new" and len(s["ports"]) == 2]
    assert stories
    for story in stories:
        tried = [(p.dst, p.dport) for p in made.of("zmap-new") if p.actor == story["actor"]]
        assert {port for _, port in tried} == set(story["ports"])
        assert len(set(tried)) == len(tried) == story["packets"]


def test_backscatter_is_attacks_with_victims(made: Made) -> None:
    some = made.of("backscatter")
    for p in some:
        if p.protocol == 6:
            assert p.flags in (0x12, 0x14, 4) and (p.flags == 0x12) == (p.options == b"\x02\x04\x05\xb4")
        elif p.protocol == 17:
            assert p.sport == 53
        else:
            assert p.above[0] in (0, 3, 11)
    attacks = made.stories("attack")
    assert {a["vector"] for a in attacks} == {"syn-ack", "rst-ack", "rst", "icmp udp", "icmp tcp", "dns", "echo"}
    times = defaultdict(list)
    for p in some:
        times[p.actor].append(p.time / 1e6)
        if p.protocol == 1 and p.above[0] in (3, 11):
            quoted_src, victim = struct.unpack_from(">II", p.above, 20)
            (story,) = [a for a in attacks if a["actor"] == p.actor]
            assert quoted_src == p.dst and ".".join(map(str, victim.to_bytes(4, "big"))) == story["victim"]

    def seen(ts: list[float]) -> bool:
        """CAIDA's rule, with a window at every packet."""
        busiest = max((sum(t <= u < t + 60 for u in ts) for t in ts), default=0)
        return len(ts) >= 25 and ts[-1] - ts[0] >= 60 and busiest >= 30

    strong = [a for a in attacks if a["rate"] > 0.1]
    assert sum(seen(times[a["actor"]]) for a in strong) >= 0.7 * len(strong)
    assert not any(seen(times[a["actor"]]) for a in attacks if a["rate"] < 0.1)


def test_forged_floods_and_long_runs(made: Made) -> None:
    flood = made.of("spoofed-flood")
    assert len({p.src for p in flood}) > 0.99 * len(flood)
    assert len({p.src >> 24 for p in flood}) > 180
    by_program = defaultdict(list)
    for story in made.stories("flood"):
        own = [p for p in flood if p.actor == story["actor"]]
        assert {p.dport for p in own} == set(story["ports"]) and len({p.dst for p in own}) == (
            6 if len(story["ports"]) == 2 else 1
        )
        by_program[story["program"]] += own
    drawn, hping3 = by_program["drawn"], by_program["hping3"]
    assert max(p.ttl for p in drawn) > 220 and min(p.ttl for p in drawn) < 60
    assert {p.window for p in hping3} == {512} and len({p.ttl for p in hping3}) == 1
    runs = defaultdict(list)
    for p in made.of("port-run"):
        runs[p.actor].append(p.dport)
    assert all(ports == sorted(set(ports)) and len(ports) > 30 for ports in runs.values())


def test_large_scanners_try_many_ports_every_day(made: Made) -> None:
    ports = defaultdict(set)
    for p in made.packets:
        if p.cause.startswith("large-"):
            ports[p.cause, p.src, (p.time // 3_600_000_000 + 9) // 24].add(p.dport)
    assert len(ports) == 3 * DAYS and min(map(len, ports.values())) >= 30


def test_stories_of_ports(made: Made) -> None:
    for kind, cause in (("plateau", "plateau"), ("new port", "new-port")):
        (story,) = made.stories(kind)
        begin, end = (dt.datetime.fromisoformat(story[k]).timestamp() * 1e6 for k in ("from", "to"))
        slack = 3600e6
        assert all(begin - slack <= p.time < end + slack and p.dport in story["ports"] for p in made.of(cause))
    for burst in made.stories("burst"):
        begin, end = (dt.datetime.fromisoformat(burst[k]).timestamp() * 1e6 for k in ("from", "to"))
        own = [p for p in made.of(burst["label"]) if p.dport in burst["ports"]]
        assert own and all(begin - 1e6 <= p.time < end + 300e6 for p in own)


def countries(made: Made, cause: str) -> dict[int, str]:
    """Source -> country, as the truth tells."""
    tables = [pl.read_parquet(p) for p in sorted((made.folder / "truth").glob("sources-*.parquet"))]
    rows = pl.concat(tables).filter(pl.col("cause") == cause).select("src_ip", "country").iter_rows()
    return {int(ipaddress.IPv4Address(src)): country for src, country in rows}


def test_a_new_port_comes_from_country_to_country(made: Made) -> None:
    (story,) = made.stories("new port")
    of, first = countries(made, "new-port"), {}
    for p in made.of("new-port"):
        first.setdefault(of[p.src], p.time / 1e6)
    assert len(first) >= 6
    for country, time in first.items():
        # whole hours, and the clock of the period's stretches
        assert time > dt.datetime.fromisoformat(story["countries"][country]).timestamp() - 1


def test_pcs_sleep_at_night_where_they_are(made: Made) -> None:
    of, zones = countries(made, "smb"), {"VN": 7, "RU": 3, "ID": 7, "BR": -3, "VE": -4, "TW": 8}
    hours = Counter(
        int(p.time / 3.6e9 + zones[of[p.src]]) % 24 for p in made.of("smb") if of[p.src] in zones
    )  # fmt: skip
    night, day = (sum(hours[h] for h in some) for some in (range(3, 7), range(14, 18)))
    assert night * 1.6 < day


def test_the_reader_takes_every_packet(made: Made) -> None:
    chosen = configuration.load(config=made.summary.config)
    frames = []
    for source in inputs([str(p) for p in made.summary.paths], chosen.reading):
        for chunk in capture.read(source, ReadOptions(zone=chosen.zone)):
            assert not chunk.rejected
            frames.append(chunk.events)
    events = pl.concat(frames)
    assert events["source_pos"].to_list() == [p.at for p in made.packets]
    assert events["tcp_seq"].to_list() == [p.seq if p.protocol == 6 else None for p in made.packets]
    sensor = chosen.sensor_of(made.summary.paths[0])
    assert sensor is not None and (sensor.name, sensor.addresses) == ("telescope", 256)


@pytest.mark.skipif(shutil.which("tshark") is None, reason="no tshark here")
def test_tshark_finds_nothing_wrong(made: Made) -> None:
    checks = [word for c in ("ip", "tcp", "udp") for word in ("-o", f"{c}.check_checksum:TRUE")]
    bad = " or ".join(f"{c}.checksum.status==0" for c in ("ip", "tcp", "udp", "icmp"))
    for path in made.summary.paths:
        command = ["tshark", "-r", str(path), *checks, "-Y", f"{bad} or _ws.malformed"]
        assert subprocess.run(command, capture_output=True, check=True, text=True).stdout == ""


def test_a_line_that_loses_a_fifth() -> None:
    rng = np.random.default_rng(1)
    n = 20_000
    batch = together([{"time": np.sort(rng.integers(0, 20_000_000, n)), "src": rng.integers(0, 1 << 32, n), "dst": 5}])
    hidden = _hidden(batch, Plan([], [], (5, 6), (10, 20)))
    seconds = batch["time"] // 1_000_000
    assert hidden[seconds == 5].all() and not hidden[(seconds < 10) & (seconds != 5)].any()
    assert 0.18 < hidden[seconds >= 10].mean() < 0.22


@given(st.integers(2, 5000), st.integers(0, 50))
def test_a_random_order_takes_each_place_once(size: int, key: int) -> None:
    assert sorted(shuffled(np.arange(size), size, key).tolist()) == list(range(size))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 400), st.floats(1, 1e6), st.sampled_from([None, (1, 2), (60, 30)]), st.lists(st.integers(0, 10**8)))
def test_a_series_is_the_same_however_time_is_cut(
    count: int, interval: float, pulse: tuple[int, int] | None, cuts: list[int]
) -> None:
    run = Run(3, 0x01020304, 0, "masscan", 1)
    series = Series("masscan", 3, 1_000_000, count, interval, permuted(run, PREFIX, np.array([1, 2])), pulse=pulse)
    whole = series.packets(0, series.end)
    assert whole is not None and len(whole["time"]) == count
    edges = sorted({0, series.end, *(c for c in cuts if c < series.end)})
    parts = [series.packets(a, b) for a, b in itertools.pairwise(edges)]
    for name in ("time", "dst", "seq", "ip_id"):
        assert np.concatenate([p[name] for p in parts if p is not None]).tolist() == whole[name].tolist()


def test_a_day_of_very_many_packets_has_its_truth_in_several_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_record, "TOLD_AT_ONCE", 1_000)
    monkeypatch.setattr(_record, "AT_ONCE", 400)
    found = simulate.run("telescope", 1, START, 1, 4_000, tmp_path / "x")
    truth = tmp_path / "x" / "truth"
    names = [f"packets-2026-04-01{end}.parquet" for end in ("", "-2", "-3")]
    rows = pl.concat([pl.read_parquet(truth / name) for name in names])
    rows = pl.concat([rows, *(pl.read_parquet(p) for p in sorted(truth.glob("packets-*-[4-9].parquet")))])
    assert rows["source_pos"].to_list() == [at for at, *_ in parsed(found.paths[0])]
    sources = pl.read_parquet(truth / "sources-2026-04-01.parquet")
    assert not sources.select("src_ip", "cause").is_duplicated().any()
    forged = rows["cause"].cast(pl.String).is_in([c for c, v in CAUSES.items() if v.forged]).sum()
    assert sources["packets"].sum() == found.events - forged


def test_a_large_prefix_with_few_packets(tmp_path: Path) -> None:
    found = simulate.run("telescope", 1, START, 1, 20_000, tmp_path / "x", prefix="44.11.0.0/16")
    assert 0.8 * 20_000 < found.events < 1.6 * 20_000
