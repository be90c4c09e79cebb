"""Marks: polars and the readers' kernel say of random rows what plain rules say, and of real tools' captures what is known."""

from __future__ import annotations

import datetime as dt
import ipaddress
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teiten import event, frame, marks
from teiten.readers import _frames, _input, _marks, pick
from teiten.readers._base import Plain, ReadOptions
from teiten.settings import Reading

Row = dict[str, Any]
DESTINATIONS = [ipaddress.ip_address(a) for a in ("198.51.100.7", "0.0.0.0", "255.255.255.255", "2001:db8::7", "::c633:6407")]
NUMBERS = ("protocol", "src_port", "dst_port", "icmp_type", "ip_id", "tcp_flags", "tcp_seq", "packets")

# the rules, in plain words ------------------------------------------------------------------------------------------


def all_of(*conditions: bool | None) -> bool | None:
    """AND with what is not known."""
    if any(c is False for c in conditions):
        return False
    return None if any(c is None for c in conditions) else True


def one_of(*conditions: bool | None) -> bool | None:
    if any(conditions):
        return True
    return None if any(c is None for c in conditions) else False


def equal(a: int | None, b: int | None) -> bool | None:
    return None if a is None or b is None else a == b


def is_syn(row: Row) -> bool | None:
    flags = row["tcp_flags"]
    bare = None if flags is None else bool(flags & 2) and not flags & 16
    return all_of(equal(row["protocol"], 6), bare)


def plainly(row: Row) -> tuple[bool | None, bool | None, bool | None, str | None]:
    """The marks and the kind of a packet, as definitions.md has them."""
    address, syn = row["dst_ip"], is_syn(row)
    four = address.version == 4
    number = int(address) if four else None
    source, port, seq, ip_id, icmp = (row[n] for n in ("src_port", "dst_port", "tcp_seq", "ip_id", "icmp_type"))
    mirai = all_of(four, syn, None if source is None else source > 1024, equal(seq, number))
    made = None if port is None or seq is None or number is None else (number ^ port ^ seq) & 0xFFFF
    masscan = all_of(four, syn, equal(ip_id, made))
    echo = all_of(equal(row["protocol"], 1), equal(icmp, 8))
    zmap = all_of(four, equal(ip_id, 54321), one_of(syn, equal(row["protocol"], 17), echo))
    return mirai, masscan, zmap, plain_kind(row)


def plain_kind(row: Row) -> str | None:
    protocol, flags, icmp = row["protocol"], row["tcp_flags"], row["icmp_type"]
    if protocol == 6:
        if flags is None:
            return None
        if row["packets"] > 1 and flags & 2 and flags & 22 not in (2, 18):
            return None  # of several packets: SYN, and RST or more, of which is not said
        if row["packets"] > 1 and flags & 18 == 18 and flags != 18:
            return None
        if flags & 4 or flags & 18 == 18:
            return "backscatter"
        return "syn" if flags & 2 else "tcp"
    if protocol == 17:
        return "backscatter" if row["src_port"] == 53 else "udp"
    if protocol == 1:
        return "backscatter" if icmp in {0, 3, 4, 5, 11, 12, 14, 16, 18} else "icmp"
    if protocol == 58:
        return "backscatter" if icmp in {1, 2, 3, 4, 129} else "icmp"
    return None if protocol is None else "other"


# random rows --------------------------------------------------------------------------------------------------------


@st.composite
def rows(draw: st.DrawFn) -> Row:
    def some(*values: Any, most: int) -> Any:
        return draw(st.sampled_from([None, *values]) | st.integers(0, most))

    address = draw(st.sampled_from(DESTINATIONS))
    number = int(address) & 0xFFFFFFFF
    row = {
        "dst_ip": address,
        "protocol": draw(st.sampled_from([6, 6, 6, 17, 1, 58, 47, None]) | st.integers(0, 255)),
        "src_port": some(0, 53, 1023, 1024, 1025, 65535, most=65535),
        "dst_port": some(0, 23, 65535, most=65535),
        "icmp_type": some(0, 3, 8, 11, 32, 64, 96, 129, most=255),
        "tcp_flags": draw(st.sampled_from([None, 2, 18, 4, 20, 16, 0, 22, 6, 258, 194]) | st.integers(0, 511)),
        "packets": draw(st.sampled_from([1, 1, 0, 2, 7])),
        "tcp_seq": some(number, 0, (1 << 32) - 1, most=(1 << 32) - 1),
    }
    made = (number ^ (row["dst_port"] or 0) ^ (row["tcp_seq"] or 0)) & 0xFFFF
    row["ip_id"] = some(54321, made, made, most=65535)
    return row


class Given:
    """Those rows as a reader has them."""

    def __init__(self, made: list[Row], constant: bool = False) -> None:
        self.made, self.constant = made, constant

    def __len__(self) -> int:
        return len(self.made)

    def column(self, name: str) -> Plain:
        if name == "dst_ip":
            addresses = [row["dst_ip"] for row in self.made]
            low = np.array([int(a) & ((1 << 63) - 1) for a in addresses], np.int64)
            return Plain(
                "addresses", numbers=np.array([a.version for a in addresses], np.int64), high=np.zeros_like(low), low=low
            )
        if self.constant:
            return Plain("constant", self.made[0][name])
        numbers = [-1 if row[name] is None else row[name] for row in self.made]
        return Plain("numbers", numbers=np.array(numbers, np.int64))

    def frame(self) -> pl.DataFrame:
        raise AssertionError


def by_kernel(made: Any) -> list[tuple[Any, ...]]:
    columns = [event.BY_NAME[name] for name in event.MARKS]
    return _frames.frame(_marks.Marked(made), columns).rows()


def by_polars(made: list[Row]) -> list[tuple[Any, ...]]:
    table = {name: pl.Series([row[name] for row in made], dtype=frame.READ_SCHEMA[name]) for name in NUMBERS}
    table["dst_ip"] = pl.Series([row["dst_ip"].packed for row in made], dtype=pl.Binary)
    return pl.DataFrame(table).select(marks.columns()).rows()


@settings(deadline=None, max_examples=60)
@given(st.lists(rows(), min_size=1, max_size=60))
def test_marks_are_those_of_the_plain_rules(made: list[Row]) -> None:
    want = [plainly(row) for row in made]
    assert by_polars(made) == want
    assert by_kernel(Given(made)) == want
    assert by_kernel(Given(made[:1], constant=True)) == want[:1]


def test_every_answer_is_met() -> None:
    """What the rules can say is said, on rows that were thought of: the test above could not be empty."""
    syn: Row = {
        "dst_ip": DESTINATIONS[0], "protocol": 6, "src_port": 40000, "dst_port": 23, "icmp_type": None, "ip_id": 9,
        "tcp_flags": 2, "tcp_seq": 5, "packets": 1,
    }  # fmt: skip
    number = int(DESTINATIONS[0])
    cases: list[tuple[Row, tuple[Any, ...]]] = [
        ({}, (False, False, False, "syn")),
        ({"tcp_seq": number}, (True, False, False, "syn")),
        ({"tcp_seq": number, "src_port": 1024}, (False, False, False, "syn")),
        ({"tcp_seq": number, "tcp_flags": 18}, (False, False, False, "backscatter")),
        ({"tcp_seq": None}, (None, None, False, "syn")),
        ({"tcp_seq": None, "src_port": 1024}, (False, None, False, "syn")),
        ({"tcp_flags": None}, (False, False, False, None)),
        ({"tcp_flags": None, "tcp_seq": number}, (None, False, False, None)),
        ({"ip_id": (number ^ 23 ^ 5) & 0xFFFF}, (False, True, False, "syn")),
        ({"ip_id": 54321}, (False, False, True, "syn")),
        ({"ip_id": 54321, "tcp_flags": 16}, (False, False, False, "tcp")),
        ({"ip_id": None}, (False, None, None, "syn")),
        ({"ip_id": 54321, "dst_ip": DESTINATIONS[3]}, (False, False, False, "syn")),
        ({"tcp_seq": int(DESTINATIONS[4]), "dst_ip": DESTINATIONS[4]}, (False, False, False, "syn")),
        ({"protocol": 17, "tcp_flags": None, "tcp_seq": None, "ip_id": 54321}, (False, False, True, "udp")),
        ({"protocol": 17, "tcp_flags": None, "tcp_seq": None, "src_port": 53}, (False, False, False, "backscatter")),
        ({"protocol": 1, "icmp_type": 8, "ip_id": 54321}, (False, False, True, "icmp")),
        ({"protocol": 1, "icmp_type": 3, "ip_id": 54321}, (False, False, False, "backscatter")),
        ({"protocol": 58, "icmp_type": 128, "dst_ip": DESTINATIONS[3]}, (False, False, False, "icmp")),
        ({"protocol": 58, "icmp_type": 129, "dst_ip": DESTINATIONS[3]}, (False, False, False, "backscatter")),
        ({"protocol": 47}, (False, False, False, "other")),
        ({"packets": 3}, (False, False, False, "syn")),
        ({"packets": 3, "tcp_flags": 18}, (False, False, False, "backscatter")),
        ({"packets": 3, "tcp_flags": 27}, (False, False, False, None)),
        ({"packets": 3, "tcp_flags": 6}, (False, False, False, None)),
        ({"protocol": None, "tcp_flags": None, "tcp_seq": None, "ip_id": 54321}, (None, None, None, None)),
    ]
    made = [syn | change for change, _ in cases]
    want = [answer for _, answer in cases]
    assert [plainly(row) for row in made] == want
    assert by_polars(made) == want
    assert by_kernel(Given(made)) == want


def test_no_rows() -> None:
    nothing = marks.add(pl.DataFrame(schema=frame.READ_SCHEMA))
    assert dict(nothing.select(*frame.DECODED_SCHEMA).schema) == frame.DECODED_SCHEMA


def test_the_rules_are_read_without_polars() -> None:
    code = "import teiten.marks, teiten.readers._marks, sys; print('polars' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


# real tools ---------------------------------------------------------------------------------------------------------

TOOLS = {
    # capture: the tool's SYNs, and how many of them have which mark (definitions.md, "Tools by their packets")
    "zmap211_syn": (256, {"mark_zmap": 256, "mark_masscan": 0, "mark_mirai": 0}),
    "zmap4_syn_default": (256, {"mark_zmap": 0, "mark_masscan": 0, "mark_mirai": 0}),
    "masscan132_syn": (768, {"mark_zmap": 0, "mark_masscan": 768, "mark_mirai": 0}),
    "hping3_syn": (50, {"mark_zmap": 0, "mark_masscan": 0, "mark_mirai": 0}),
    "hping3_mirai_shaped": (43, {"mark_zmap": 0, "mark_masscan": 0, "mark_mirai": 41}),
    "nmap_sT": (12, {"mark_zmap": 0, "mark_masscan": 0, "mark_mirai": 0}),
    "nmap_sS_24": (256, {"mark_zmap": 0, "mark_masscan": 0, "mark_mirai": 0}),
    "hping3_scan": (800, {"mark_zmap": 0, "mark_masscan": 0, "mark_mirai": 0}),
}


def decoded(path: Path) -> pl.DataFrame:
    """All events of a capture with their marks: the kernel's, which are polars' too."""
    source = _input.inputs([str(path)], Reading())[0]
    options = ReadOptions(ZoneInfo("UTC"), boot_time=dt.datetime(2026, 4, 1, tzinfo=dt.UTC))
    parts = []
    for chunk in pick(source.head(), "auto", source.name).read(source, options):
        made: Any = chunk.made
        parts.append(_marks.Marked(made).frame())
        assert marks.add(chunk.events).select(parts[-1].columns).equals(parts[-1])
    return pl.concat(parts)


@pytest.mark.parametrize("name", TOOLS)
def test_marks_of_real_tools(shared_data: Path, name: str) -> None:
    syns, marked = TOOLS[name]
    found = decoded(shared_data / "packets" / "netns" / f"{name}.pcap").filter(pl.col("kind") == "syn")
    assert found.height == syns
    assert {m: int(found[m].sum()) for m in marked} == marked


def test_backscatter_of_a_real_victim(shared_data: Path) -> None:
    """Trap 3: a rule that wants RST without ACK would lose a third of the answers."""
    found = decoded(shared_data / "packets" / "netns" / "backscatter_linux_kernel.pcap")
    flags = Counter(found["tcp_flags"])
    assert set(found["kind"]) == {"backscatter"}
    assert flags[event.TCP_FLAGS["RST"] | event.TCP_FLAGS["ACK"]] > 100
