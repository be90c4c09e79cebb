"""What a record says and an event does not, and the other way: zeros, ICMP, ports, values of several packets."""

from __future__ import annotations

from typing import Any

import pytest
from tests.readers.flowtuple import making as make
from tests.readers.flowtuple.test_read import events

from teiten.frame import addresses_as_text
from teiten.readers import _frames
from teiten.readers._marks import Marked


def one(version: int = 3, **fields: Any) -> dict[str, Any]:
    found = addresses_as_text(events(make.file([make.block(make.record(version, **fields), 1)], version=version)))
    return {name: value for name, value in found.to_dicts()[0].items() if value is not None}


def test_version_3() -> None:
    said = one()
    assert said.pop("time").timestamp() == 1_700_000_000 and said.pop("source_pos") > 0
    assert said == {
        "sensor": "home", "src_ip": "198.51.100.1", "dst_ip": "44.1.2.3", "protocol": 6, "src_port": 40000, "dst_port": 23,
        "ttl": 51, "ip_len": 44, "tcp_flags": 2, "tcp_window": 1024, "tcp_opt_len": 4, "packets": 3, "bytes": 132,
        "source_id": 0, "time_basis": "stated",
    }  # fmt: skip


def test_zero_is_what_is_not_known() -> None:
    said = one(ttl=0, tcp_flags=0, ip_len=0, tcp_synlen=0, tcp_synwinlen=0)
    assert not said.keys() & {"ttl", "tcp_flags", "ip_len", "tcp_opt_len", "tcp_window", "bytes"}


@pytest.mark.parametrize(
    ("source", "port", "said"), [(40000, 0, (40000, 0)), (0, 53, (0, 53)), (0, 0, (None, None)), (1, 2, (1, 2))]
)  # fmt: skip
def test_port_0_is_a_port_beside_another(source: int, port: int, said: tuple[int | None, int | None]) -> None:
    found = one(src_port=source, dst_port=port, protocol=17)
    assert (found.get("src_port"), found.get("dst_port")) == said


def test_icmp() -> None:
    found = one(protocol=1, src_port=3, dst_port=1, tcp_flags=0)
    assert (found["icmp_type"], found["icmp_code"]) == (3, 1) and not found.keys() & {"src_port", "dst_port", "tcp_flags"}
    assert "icmp_type" not in one(protocol=1, src_port=300, dst_port=1)
    found = one(4, protocol=1, dst_port=8 << 8 | 3)
    assert (found["icmp_type"], found["icmp_code"]) == (8, 3) and "dst_port" not in found
    assert not one(protocol=47, src_port=9).keys() & {"src_port", "dst_port", "icmp_type"}


def test_window_and_options_are_a_bare_syns() -> None:
    assert not one(tcp_flags=18).keys() & {"tcp_window", "tcp_opt_len"}
    assert one(tcp_synlen=20, tcp_synwinlen=0)["tcp_window"] == 0


def test_version_4_says_what_all_packets_have() -> None:
    found = one(4)
    assert (found["dst_ip"], found["src_port"], found["ip_len"], found["tcp_flags"]) == ("44.1.2.0", 40000, 44, 2)
    assert found["bytes"] == 396 and found["packets"] == 9
    assert "ttl" not in found  # two of them
    several = one(4, uniq_src_ports=7, common_srcports=[], dst_port=0)
    assert "src_port" not in several and several["dst_port"] == 0


def test_marks_need_what_a_flow_does_not_have() -> None:
    rows = Marked(_frames.FrameRows(events(make.file([make.block(make.record(), 1)]))))
    row = rows.frame().to_dicts()[0]
    assert row["kind"] == "syn" and row["mark_mirai"] is row["mark_masscan"] is row["mark_zmap"] is None
