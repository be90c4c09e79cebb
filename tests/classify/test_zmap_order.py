"""ZMap's order of addresses: real captures, a walk simulated by other means than the classifier's, and what is no such walk.

The simulator shares no code with the classifier. It goes the walk element by element where that is short (a /16); where it is
long (a /24) it asks a dictionary of powers when each address is due, and a test holds the two against each other.
"""

from __future__ import annotations

import ipaddress
import struct
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from teiten.classify import _zmap_group as groups
from teiten.classify import _zmap_index as indices
from teiten.classify import zmap_order
from teiten.classify.zmap_order import DEFAULT, Verdict, judge

P = 4294967311
ORDER = P - 1
NET = int(ipaddress.IPv4Address("133.74.0.0"))
EMPTY = 16384
"""what an empty list leaves out below: 0.0.0.0's /18 goes to the end"""
Seen = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]


def primitive(rng: np.random.Generator) -> int:
    """A generator as ZMap draws it: at random below 2^22, the next that is a primitive root."""
    g = int(rng.integers(2, 1 << 22))
    while any(pow(g, ORDER // q, P) == 1 for q in (2, 3, 5, 131, 364289)):
        g = g % ((1 << 22) - 1) + 1
    return g


def times_modulo(many: npt.NDArray[np.uint64], one: int) -> npt.NDArray[np.uint64]:
    """many * one mod P by halves of 16 bits."""
    high, low = np.uint64(one >> 16), np.uint64(one & 0xFFFF)
    modulus = np.uint64(P)
    return (many * high % modulus * np.uint64(65536) + many * low) % modulus


def speeds(rng: np.random.Generator, threads: int, drift: float) -> npt.NDArray[np.float64]:
    return 1.0 + rng.uniform(-drift, drift, threads)


def walk(rng: np.random.Generator, g: int, threads: int, count: int, drift: float, loss: float, moved: int = EMPTY) -> Seen:
    """The next `count` packets that a dark /16 sees of a scan under way, each step of each thread gone."""
    offset, phase, speed = int(rng.integers(ORDER)), rng.uniform(0, 0.9), speeds(rng, threads, drift)
    length = int(65536 * (count + 4 * count**0.5 + 8) / threads)
    powers = np.ones(1, dtype=np.uint64)
    while len(powers) < length:
        powers = np.concatenate([powers, times_modulo(powers, pow(g, len(powers), P))])
    found: list[tuple[float, int]] = []
    for thread, pace in enumerate(speed):
        gone = int(phase * pace * (ORDER // threads))
        start = pow(g, (offset + thread * (ORDER // threads) + gone) % ORDER, P)
        addresses = times_modulo(powers, start).astype(np.int64) - 1 + moved
        here = np.flatnonzero((addresses >= NET) & (addresses < NET + 65536))
        found += zip((here / pace).tolist(), addresses[here].tolist(), strict=True)
    return lossy(rng, found, count, loss)


def lossy(rng: np.random.Generator, found: list[tuple[float, int]], count: int, loss: float) -> Seen:
    kept = [one for one in sorted(found) if rng.random() >= loss][:count]
    assert len(kept) == count
    return np.array([a for _, a in kept]), np.array([t for t, _ in kept])


@cache
def dictionaries() -> list[tuple[int, dict[int, int]]]:
    tables = []
    for size in (2, 9, 5, 131, 364289):
        step, table, power = pow(3, ORDER // size, P), {}, 1
        for n in range(size):
            table[power] = n
            power = power * step % P
        tables.append((size, table))
    return tables


@cache
def log3(element: int) -> int:
    """The exponent of 3 that gives the element, by the Chinese remainder theorem."""
    total = 0
    for size, table in dictionaries():
        rest = ORDER // size
        total += table[pow(element, rest, P)] * rest * pow(rest, -1, size)
    return total % ORDER


def due(
    rng: np.random.Generator, g: int, threads: int, count: int, drift: float, loss: float, size: int = 256, moved: int = EMPTY
) -> Seen:
    """The next `count` packets that a small dark prefix sees of a scan under way, from when each address is due."""
    offset, piece, speed = int(rng.integers(ORDER)), ORDER // threads, speeds(rng, threads, drift)
    inverse, found = pow(log3(g), -1, ORDER), []
    for address in range(NET, NET + size):
        at = (log3(address - moved + 1) * inverse - offset) % ORDER
        thread = min(at // piece, threads - 1)
        found.append(((at - thread * piece) / speed[thread], address))
    first = int(rng.integers(max(1, size - 2 * count)))
    return lossy(rng, sorted(found)[first:], count, loss)


def share(rng: np.random.Generator, trials: int, make: Callable[[int, int], Seen]) -> float:
    """Of so many scans, with 1 to 4 threads in turn, how many were named, with their own generator and threads."""
    named = 0
    for n in range(trials):
        g, threads = primitive(rng), 1 + n % 4
        verdict = judge(*make(g, threads))
        named += verdict.zmap and (verdict.generator, verdict.subshards) == (g, threads)
    return named / trials


# --- the mathematics


def test_logarithms_against_powers() -> None:
    rng = np.random.default_rng(1)
    for group in (groups.ONE_PORT, groups.TWO_PORTS):
        elements = np.concatenate([[1, 2, group.order], rng.integers(1, group.prime, 200)]).astype(np.uint64)
        logs = groups.logarithms(group)(elements)
        assert [pow(group.root, int(n), group.prime) for n in logs] == elements.tolist()


@pytest.mark.full
def test_every_generator_and_no_other() -> None:
    known = groups.generators(groups.ONE_PORT)
    assert len(known.numbers) == 1_109_646
    below = set(known.numbers[known.numbers < 3000].tolist())
    assert below == {g for g in range(2, 3000) if all(pow(g, ORDER // q, P) != 1 for q in (2, 3, 5, 131, 364289))}
    for place in (0, 5, 70_000, -1):
        expected = pow(log3(int(known.numbers[place])), -1, ORDER) / ORDER
        assert int(known.turns[place]) / 2**64 == pytest.approx(expected, abs=1e-12)


def test_multiplication_modulo_at_its_edges() -> None:
    for modulus in (P, ORDER, (1 << 33) + 17, 1 << 35):
        values = [0, 1, 2, modulus // 2, modulus - 2, modulus - 1]
        a, b = (np.array(pair, dtype=np.uint64) for pair in zip(*((x, y) for x in values for y in values), strict=True))
        expected = [int(x) * int(y) % modulus for x, y in zip(a, b, strict=True)]
        assert groups.multiply(a, b, modulus).tolist() == expected


def test_index_counts_whole_blocks_first() -> None:
    """Against a count by hand."""
    index = indices.index(("0.0.0.0/16", "1.0.0.64/26", "1.0.128.0/18"))
    ask = np.array([1 << 24, (1 << 24) + 64, (1 << 24) + 128, (1 << 24) + 16384, (1 << 24) + 49152, 65536, 5], dtype=np.uint32)
    total = ((1 << 18) - 4 - 2) * 16384
    # 1.0.0.0/18 is partly blocked, 1.0.128.0/18 wholly: the former comes last, the latter not at all
    assert index.of(ask).tolist() == [
        total,
        -1,
        total + 64,
        (1 << 24) - 4 * 16384,
        (1 << 24) - 3 * 16384,
        0,
        -1,
    ]


def test_the_reserved_list_leaves_what_it_says() -> None:
    index = indices.index(indices.RESERVED)
    excluded = sum(ipaddress.IPv4Network(one).num_addresses for one in indices.RESERVED)
    allowed = index.wholly * indices.BLOCK + sum(end - start + 1 for start, end, _ in index.pieces)
    assert allowed == (1 << 32) - excluded
    last = np.array([index.pieces[-1][1]], dtype=np.uint32)
    assert index.of(last).tolist() == [allowed - 1]


def test_the_two_simulators_agree() -> None:
    """Whoever goes the walk passes an address when the dictionary says it is due."""
    rng = np.random.default_rng(2)
    g = primitive(rng)
    addresses, steps = walk(rng, g, 1, 8, 0.0, 0.0)
    inverse = pow(log3(g), -1, ORDER)
    at = [log3(int(a) - EMPTY + 1) * inverse % ORDER for a in addresses]
    assert [(one - at[0]) % ORDER for one in at] == (steps - steps[0]).astype(int).tolist()


# --- real captures


def capture(path: Path) -> dict[tuple[int, int], Seen]:
    """(source, port) -> destinations and times, of a little-endian pcap of Ethernet frames with IPv4."""
    data, at, rows = path.read_bytes(), 24, {}
    parts = {0xA1B2C3D4: 1e6, 0xA1B23C4D: 1e9}[struct.unpack_from("<I", data)[0]]
    assert struct.unpack_from("<I", data, 20)[0] == 1
    while at < len(data):
        second, part, size, _ = struct.unpack_from("<IIII", data, at)
        frame, at = data[at + 16 : at + 16 + size], at + 16 + size
        if frame[12:14] == b"\x08\x00" and frame[23] in (6, 17):
            source, destination = struct.unpack_from(">II", frame, 26)
            port = struct.unpack_from(">H", frame, 14 + 4 * (frame[14] & 15) + 2)[0]
            rows.setdefault((source, port), []).append((destination, second + part / parts))
    return {key: (np.array([d for d, _ in one]), np.array([t for _, t in one])) for key, one in rows.items()}


@pytest.mark.parametrize(("threads", "generator"), [(1, 3616844), (4, 3173455)])
def test_real_captures_are_named(shared_data: Path, threads: int, generator: int) -> None:
    """The generators were found by this program: that every window of a capture names the same one is the evidence."""
    plural = "s" if threads > 1 else ""
    seen = capture(shared_data / f"packets/netns/zmap4_order_{threads}thread{plural}_44.0.0.0-12.pcap")
    ((_, (addresses, times)),) = seen.items()
    assert len(addresses) > 1000
    for start in range(0, len(addresses) - 8, 300):
        verdict = judge(addresses[start : start + 8], times[start : start + 8])
        assert (verdict.outcome, verdict.generator, verdict.subshards) == ("zmap", generator, threads)
        assert (verdict.exclusions, verdict.shift, verdict.ports) == ("reserved", 2048, 1)
    whole = judge(addresses, times)
    assert whole.zmap and whole.distinct == len(addresses) and whole.p < 1e-60


CONTROLS = ("masscan132_syn", "masscan132_udp", "nmap_sS_24", "nmap_sS_top100", "hping3_scan", "zmap211_syn")


@pytest.mark.parametrize("name", CONTROLS)
def test_real_captures_of_others_are_not_named(shared_data: Path, name: str) -> None:
    """zmap211_syn is ZMap's, of a small allow list: another group, which this does not know."""
    for addresses, times in capture(shared_data / f"packets/netns/{name}.pcap").values():
        for start in range(0, min(len(addresses), 480), 48):
            assert judge(addresses[start:][:24], times[start:][:24]).outcome == "undetermined"


# --- simulated scans


@pytest.mark.parametrize("threads", [1, 2, 3, 4])
def test_a_scan_is_named_with_its_generator_and_threads(threads: int) -> None:
    rng = np.random.default_rng(threads)
    g = primitive(rng)
    for seen in (walk(rng, g, threads, 12, 0.005, 0.05), due(rng, g, threads, 16, 0.005, 0.05)):
        verdict = judge(*seen)
        assert (verdict.outcome, verdict.generator, verdict.subshards) == ("zmap", g, threads)
        assert (verdict.exclusions, verdict.shift) == ("none", 1) and verdict.p <= zmap_order.ACCEPTED


def test_recall_in_a_16_and_a_24() -> None:
    rng = np.random.default_rng(7)
    assert share(rng, 16, lambda g, threads: walk(rng, g, threads, 12, 0.005, 0.05)) >= 0.95
    assert share(rng, 28, lambda g, threads: due(rng, g, threads, 16, 0.005, 0.05)) >= 0.95


def test_a_28_that_sees_a_whole_scan() -> None:
    """Sixteen addresses, a packet every hundred days or every few minutes: what counts is the line."""
    rng = np.random.default_rng(11)
    assert share(rng, 8, lambda g, threads: due(rng, g, threads, 16, 0.0005, 0.0, size=17)) >= 0.75


def test_times_may_be_dates_in_any_order() -> None:
    rng = np.random.default_rng(3)
    addresses, times = due(rng, primitive(rng), 2, 20, 0.0, 0.0)
    stamps = np.datetime64("2026-03-01", "ns") + ((times - times[0]) * 1e3).astype("timedelta64[ns]")
    mixed = rng.permutation(20)
    one, other = judge(addresses, times), judge(addresses[mixed], stamps[mixed])
    assert one.zmap and (one.generator, one.subshards) == (other.generator, other.subshards)


def test_a_shifted_index_is_found_when_asked_for() -> None:
    rng = np.random.default_rng(4)
    g = primitive(rng)
    seen = due(rng, g, 1, 18, 0.0, 0.05, moved=EMPTY * 8)
    assert judge(*seen).outcome == "undetermined"
    verdict = judge(*seen, replace(DEFAULT, lists=("none",), subshards=(1,), shifts=10))
    assert (verdict.outcome, verdict.generator, verdict.shift) == ("zmap", g, 8)


def test_a_walk_lost_in_other_packets_is_found_later() -> None:
    """The first window holds something else; a later one names it, and the windows tried are counted."""
    rng = np.random.default_rng(5)
    g = primitive(rng)
    addresses, times = due(rng, g, 1, 60, 0.0, 0.0)
    others = np.setdiff1d(np.arange(NET, NET + 256), addresses)[:24]
    verdict = judge(np.concatenate([others, addresses]), np.concatenate([times[0] - np.arange(24, 0, -1), times]))
    assert (verdict.zmap, verdict.generator, verdict.distinct, verdict.destinations) == (True, g, 84, 24)
    assert verdict.hypotheses == 3 * 2 * 4 * 1_109_646 * 2


def test_two_ports() -> None:
    """A scan of two ports walks another group; seen is every other place, at one of the ports."""
    prime, root = (1 << 33) + 17, 19
    rng = np.random.default_rng(6)
    g = next(
        n
        for n in range(int(rng.integers(1 << 21)), 1 << 22)
        if all(pow(n, (prime - 1) // q, prime) != 1 for q in (2, 3, 59, 3033169))
    )
    start, found, x = int(rng.integers(1, prime)), [], 0
    powers = [pow(g, n, prime) for n in range(4096)]
    stride, block = pow(g, 4096, prime), np.array(powers, dtype=object)
    # a dark /9, so that a walk in Python's own numbers is short
    x = start
    for n in range(8):
        for m, element in enumerate((block * x % prime).tolist()):
            address = ((element - 1) >> 1) + EMPTY
            if (element - 1) & 1 and 133 << 24 <= address < (133 << 24) + (1 << 23):
                found.append((4096 * n + m, address))
        x = x * stride % prime
    assert len(found) >= 12 and root != g
    addresses, times = np.array([a for _, a in found]), np.array([t for t, _ in found])
    assert judge(addresses, times).outcome == "undetermined"
    verdict = judge(addresses, times, replace(DEFAULT, ports=(1, 2), lists=("none",)))
    assert (verdict.outcome, verdict.generator, verdict.ports, verdict.subshards) == ("zmap", g, 2, 1)


# --- what is no walk


def controls(rng: np.random.Generator, count: int, size: int) -> dict[str, Seen]:
    """Orders of other scanners, at even times with some noise; none visits a destination twice."""
    even = np.arange(count) + rng.uniform(0, 0.3, count)
    a, c = 4 * int(rng.integers(size // 4)) + 1, 2 * int(rng.integers(size // 2)) + 1
    lcg = [int(rng.integers(size))]
    while len(lcg) < count:
        lcg.append((a * lcg[-1] + c) % size)
    stride = 2 * int(rng.integers(size // 2)) + 1
    small = [pow(3, 1 + n * 7, 257) - 1 for n in range(count)]
    orders = {
        "uniform": rng.choice(size, count, replace=False),
        "bursts": rng.permutation(size)[:count],
        "sequential": np.arange(count) + int(rng.integers(size - count)),
        "backwards": np.arange(count)[::-1] + int(rng.integers(size - count)),
        "stride": (np.arange(count) * stride + int(rng.integers(size))) % size,
        "lcg": np.array(lcg),
        "walk of a /24": np.array(small),
    }
    moments = dict.fromkeys(orders, even) | {"bursts": np.sort(np.round(rng.uniform(0, 4, count)))}
    return {name: (NET + orders[name].astype(np.int64), moments[name]) for name in orders}


def test_other_orders_are_undetermined() -> None:
    rng = np.random.default_rng(8)
    for count, size in ((6, 256), (12, 65536), (16, 256), (24, 65536)):
        for name, seen in controls(rng, count, size).items():
            verdict = judge(*seen)
            assert verdict.outcome == "undetermined" and verdict.generator is None, name


def test_chance_is_what_it_says() -> None:
    """Of places taken at random a share of about p has a chance of at most p (before the best of many is taken)."""
    rng = np.random.default_rng(9)
    turns = rng.integers(0, 1 << 64, 20_000, dtype=np.uint64)
    logs = rng.integers(0, ORDER, 8).astype(np.uint64)
    p, _ = zmap_order._chance(turns, logs, np.sort(np.r_[0.0, rng.random(6), 1.0]))
    for level in (0.1, 0.01, 0.003):
        # the smaller of two chances: at most twice
        assert 0.5 * level < np.mean(p <= level) < 2.0 * level + 3 * (2 * level / len(turns)) ** 0.5


def test_repeats_are_no_evidence() -> None:
    rng = np.random.default_rng(10)
    addresses, times = due(rng, primitive(rng), 1, 4, 0.0, 0.0)
    verdict = judge(np.repeat(addresses, 50), np.repeat(times, 50) + np.tile(np.arange(50) / 100, 4))
    assert verdict == Verdict("undetermined", 1.0, 0, 4, 4)
    one = judge(np.full(100, NET), np.arange(100))
    assert (one.outcome, one.distinct) == ("undetermined", 1)
    assert judge([], []).outcome == "undetermined"


def test_equal_times_are_no_error() -> None:
    rng = np.random.default_rng(12)
    assert judge(NET + rng.permutation(256)[:20], np.zeros(20)).outcome == "undetermined"


@pytest.mark.parametrize(
    ("addresses", "times", "words"),
    [([1, 2], [1.0], "one length"), ([-1], [0], "addresses"), ([1 << 32], [0], "addresses"), ([1.5], [0], "addresses"),
     ([1, 2], [0.0, float("nan")], "finite")],
)  # fmt: skip
def test_what_is_no_question(addresses: list[int], times: list[float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        judge(addresses, times)


def test_addresses_that_a_list_excludes() -> None:
    """A prefix for documentation is on ZMap's own list: only the empty list can have led there."""
    verdict = judge(int(ipaddress.IPv4Address("198.51.100.0")) + np.random.default_rng(1).permutation(256)[:16], np.arange(16))
    assert verdict.hypotheses == 2 * 4 * 1_109_646


# --- the table on disk


def test_the_table_is_kept_and_a_broken_one_made_again(tmp_path: Path) -> None:
    file, logs, made = tmp_path / "kept" / "zmap.npz", groups.logarithms(groups.ONE_PORT), groups.generators(groups.ONE_PORT)
    groups._keep(file, made)
    assert 13e6 < file.stat().st_size < 14e6 and [file] == list(file.parent.iterdir())
    again = groups._kept(file, logs)
    assert again is not None and np.array_equal(again.turns, made.turns) and np.array_equal(again.numbers, made.numbers)
    groups._keep(file, groups.Generators(made.numbers, made.turns[::-1]))
    assert groups._kept(file, logs) is None
    file.write_bytes(file.read_bytes()[:1000])
    assert groups._kept(file, logs) is None
    assert groups._kept(tmp_path / "none.npz", logs) is None


# --- curves and cost


@pytest.mark.full
def test_goals_at_length() -> None:
    rng = np.random.default_rng(20)
    assert share(rng, 200, lambda g, threads: walk(rng, g, threads, 12, 0.005, 0.05)) >= 0.95
    assert share(rng, 400, lambda g, threads: due(rng, g, threads, 16, 0.005, 0.05)) >= 0.95


@pytest.mark.full
def test_no_false_name_in_thousands() -> None:
    rng = np.random.default_rng(21)
    named = []
    for n in range(150):
        count, size = ((12, 65536), (16, 256), (24, 65536), (8, 256))[n % 4]
        named += [name for name, seen in controls(rng, count, size).items() if judge(*seen).zmap]
    assert not named


@pytest.mark.full
def test_a_question_costs_tens_of_milliseconds() -> None:
    rng = np.random.default_rng(22)
    zmap_order.prepare()
    hit, miss = due(rng, primitive(rng), 4, 16, 0.005, 0.05), controls(rng, 16, 256)["uniform"]
    judge(*hit)
    for seen, most in ((hit, 0.2), (miss, 0.2)):
        begun = time.process_time()
        for _ in range(10):
            judge(*seen)
        assert (time.process_time() - begun) / 10 < most
