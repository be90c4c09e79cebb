"""The contract's columns: all of them, in its order, with its types, explained in both languages."""

from __future__ import annotations

import re
import subprocess
import sys

from teiten import event

CONTRACT = [
    "time", "sensor", "src_ip", "dst_ip", "protocol", "src_port", "dst_port", "icmp_type", "icmp_code",
    "ttl", "ip_id", "ip_len", "tcp_flags", "tcp_seq", "tcp_ack", "tcp_window", "tcp_opt_len", "ip_flags",
    "frag_offset", "payload_len", "payload", "packets", "bytes", "time_end", "source_id", "source_pos", "time_basis", "action",
    "interface", "inner_src_ip", "inner_dst_ip", "inner_protocol", "inner_src_port", "inner_dst_port", "mark_mirai",
    "mark_masscan", "mark_zmap", "kind", "country", "asn", "as_name", "geo_db",
]  # fmt: skip


def test_the_columns_are_the_contracts() -> None:
    assert list(event.NAMES) == CONTRACT
    assert [c.name for c in event.READ_COLUMNS] == CONTRACT[: CONTRACT.index("mark_mirai")]
    assert [c.name for c in event.DECODED_COLUMNS] == CONTRACT[: CONTRACT.index("country")]
    assert list(event.MARKS) == CONTRACT[CONTRACT.index("mark_mirai") : CONTRACT.index("country")]


def test_every_column_is_explained_in_both_languages() -> None:
    for column in event.COLUMNS:
        assert column.en and not re.search(r"[^\x00-\x7fµ]", column.en)
        assert re.search(r"[ぁ-んァ-ヶ一-龠]", column.ja), column.name
        assert "  " not in column.ja


def test_integers_are_wide_enough() -> None:
    """Delta Lake knows no unsigned integers: each field's largest value must fit its signed type."""
    largest = {
        "protocol": 255, "src_port": 65535, "dst_port": 65535, "icmp_type": 255, "icmp_code": 255, "ttl": 255, "ip_id": 65535,
        "ip_len": 65535 + 40, "tcp_flags": 511, "tcp_seq": 2**32 - 1, "tcp_ack": 2**32 - 1, "tcp_window": 65535,
        "tcp_opt_len": 40,
        "ip_flags": 7, "frag_offset": 65528, "payload_len": 65535, "asn": 2**32 - 1, "inner_src_port": 65535,
    }  # fmt: skip
    bits = {"int16": 15, "int32": 31, "int64": 63}
    for name, value in largest.items():
        assert value < 2 ** bits[event.BY_NAME[name].kind], name


def test_flags_are_single_bits() -> None:
    for flags in (event.TCP_FLAGS, event.IP_FLAGS):
        assert sum(flags.values()) == 2 ** len(flags) - 1
    assert set(event.NOT_AN_ATTEMPT) < set(event.ACTIONS)


def test_nothing_heavy_is_imported() -> None:
    code = "import teiten.event, sys; print(sorted({'numpy', 'polars', 'numba', 'duckdb'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
