"""Real lines of others (../shared/data), and what their owners' tests say of them."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest
from tests.readers.reading import chunks, events

from teiten.readers._base import EVENT

NOW = "2026-11-22T02:50:44Z"
PLACE = ("time", "source_pos", "time_basis")


def test_three_spellings_of_the_same_packets(shared_data: Path) -> None:
    folder = shared_data / "firewall/kernel"
    names = ("iptables_LOG_dmesg.txt", "iptables_LOG_dmesg_T.txt", "iptables_LOG_dmesg_iso.txt")
    boot, ctime, iso = (events(folder / n, mtime=NOW, zone="UTC") for n in names)
    assert boot.height == 302
    for other in (ctime, iso):
        assert boot.drop(PLACE).equals(other.drop(PLACE))
    # the same moments: to the microsecond against the boot, to the second against dmesg -T
    assert (boot["time"] - boot["time"][0]).equals(iso["time"] - iso["time"][0])
    assert iso["time"].dt.truncate("1s").equals(ctime["time"])


def test_nftables(shared_data: Path) -> None:
    table = events(shared_data / "firewall/kernel/nft_log_dmesg.txt", mtime=NOW)
    assert table.height == 12
    assert table["protocol"].to_list() == [6] * 8 + [17] * 4
    assert table["payload_len"].to_list() == [0] * 8 + [12, 30, 12, 30]
    assert set(table["action"]) == {"drop"}


ASSERTED = re.compile(
    r'\["crowdsecurity/iptables-logs"\]\[(\d+)\]\.Evt\.(?:Parsed|Unmarshaled\["iptables"\])\["(\w+)"\] == "(.*)"'
)
COLUMN = {
    "src_ip": "src_ip", "dst_ip": "dst_ip", "src_port": "src_port", "dst_port": "dst_port",
    "int_eth": "interface", "TTL": "ttl", "WINDOW": "tcp_window", "ID": "ip_id", "SPT": "src_port", "DPT": "dst_port",
    "SRC": "src_ip", "DST": "dst_ip", "IN": "interface",
}  # fmt: skip
PROTOCOLS = {"TCP": 6, "UDP": 17}


def test_crowdsec(shared_data: Path) -> None:
    folder = shared_data / "firewall/crowdsec-hub/iptables-logs"
    found = chunks(folder / "iptables-logs.log", mtime=NOW)
    table = events(folder / "iptables-logs.log", mtime=NOW)
    # their results count every line, those that are not netfilter's too
    of_line = {int(line): row for c in found for line, row in zip(c.event_line, table.to_dicts(), strict=True)}
    seen = 0
    for number, key, value in ASSERTED.findall((folder / "parser.assert").read_text()):
        row = of_line.get(int(number))
        if row is None:
            continue
        if key in ("proto", "PROTO"):
            assert row["protocol"] == PROTOCOLS[value]
        elif key == "length":  # theirs is the last LEN= of the line
            last = row["ip_len"] if row["protocol"] == 6 else row["payload_len"] + 8
            assert last == int(value)
        elif key in COLUMN:
            assert str(row[COLUMN[key]]) == value, (number, key)
        else:
            continue
        seen += 1
    assert seen >= 30
    assert [code == EVENT for c in found for code in c.outcome] == [True, True, False, True]


def test_crowdsec_scan(shared_data: Path) -> None:
    folder = shared_data / "firewall/crowdsec-hub/iptables-scan-multi-port"
    table = events(folder / "iptables-scan-multi-port.log", mtime=NOW)
    assert table.height == 49
    told = set(re.findall(r'GetMeta\("source_ip"\) == "([^"]+)"', (folder / "scenario.assert").read_text()))
    assert told <= set(table["src_ip"])


PSAD = {
    "syn_scan_1000_1500": ("192.168.10.55", 6, range(1000, 1501), 2),
    "syn_scan_1000_1500_multi_dst": ("192.168.10.55", 6, range(1000, 1501), 2),
    "topera_ipv6_syn_scan_no_ip_opts": ("2012:1234:1234::1", 6, range(1024), 2),
    "ms_sql_server_sig_match": ("192.168.10.55", 6, [1433], 2),
    "ipv6_ms_sql_server_sig_match": ("2001:db8:0:f101::2", 6, [1433], 2),
    "fin_scan_1000_1150": ("192.168.10.55", 6, range(1000, 1151), 1),
    "null_scan_1000_1150": ("192.168.10.55", 6, range(1000, 1151), 0),
    "ack_scan_1000_1150": ("192.168.10.55", 6, range(1000, 1151), 16),
    "udp_scan_1000_1150": ("192.168.10.55", 17, range(1000, 1151), None),
    "fwknop_spa_pkt": ("192.168.10.55", 17, [62201], None),
    "syn_scan_1000_1500_localhost": ("127.0.0.1", 6, range(1000, 1501), 2),
    "syn_scan_1000_1500_zeroip": ("0.0.0.0", 6, range(1000, 1501), 2),
    "ipv6_tcp_connect_nmap_default_scan": ("2001:db8:0:f101::2", 6, [1, 65389], 2),
    "ipv4_valid_ping": ("192.168.10.55", 1, [], None),
    "ipv4_igmp": ("192.168.10.55", 2, [], None),
}


@pytest.mark.parametrize("name", PSAD)
def test_psad(shared_data: Path, name: str) -> None:
    """psad's own suite (expected.tsv): sources, protocols, ports."""
    source, protocol, ports, flags = PSAD[name]
    path = shared_data / "firewall/psad" / name
    table = events(path, mtime=NOW)
    assert table.height == len(path.read_bytes().splitlines())
    mine = table.filter((pl.col("src_ip") == source) & (pl.col("protocol") == protocol))
    assert set(ports) <= set(mine["dst_port"].drop_nulls())
    if flags is not None:
        assert flags in set(mine["tcp_flags"])
        assert "connect" in name or set(mine["tcp_flags"]) == {flags}


def test_psad_destinations_and_time(shared_data: Path) -> None:
    folder = shared_data / "firewall/psad"
    assert events(folder / "syn_scan_1000_1500_multi_dst", mtime=NOW)["dst_ip"].n_unique() == 4
    stated = events(folder / "syslog_time_fmt1.log", mtime=NOW)
    assert set(stated["time_basis"]) == {"stated"}
    assert str(stated["time"][2]) == "2015-03-08 00:22:57.444022+00:00"
    assert set(stated["ip_id"][:2]) == {54321, 33065}


@pytest.mark.parametrize(
    "place", ["firewall/perl-IPTables-Log/syslog", "firewall/plaso", "firewall/wazuh-ruleset", "firewall/zeek"]
)
def test_other_lines_are_ignored(shared_data: Path, place: str) -> None:
    path = shared_data / "firewall" / place
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            found = chunks(file, mtime=NOW)
            assert sum(c.events.height for c in found) == (8 if "perl" in place else 0)
