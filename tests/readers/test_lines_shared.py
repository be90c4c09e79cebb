"""Others' logs against what is said of them: crowdsec's parser.assert, wazuh's decoders, plaso, Zeek's baselines."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.readers.reading import outcome_rows

from teiten.readers import _fields

ASSERTED = re.compile(
    r'\["(?P<stage>[^"]+)"\]\["(?P<parser>[^"]+)"\]\[(?P<n>\d+)\]'
    r'\.Evt\.(?P<kind>Parsed|Meta)\["(?P<key>[^"]+)"\] == "(?P<value>.*)"$'
)


@pytest.fixture
def firewall(shared_data: Path) -> Path:
    return shared_data / "firewall"


def asserted(path: Path, parser: str) -> list[dict[str, str]]:
    """What parser.assert says of each line of the last stage that names the parser."""
    out: dict[int, dict[str, str]] = {}
    for line in path.read_text().splitlines():
        found = ASSERTED.search(line)
        if found and found["parser"].endswith(parser):
            text = found["value"].replace('\\"', '"')
            out.setdefault(int(found["n"]), {})[found["key"]] = text
    return [out[n] for n in sorted(out)]


def rows(path: Path, fmt: str, **how: Any) -> list[dict[str, Any]]:
    return [row for row in outcome_rows(path, fmt=fmt, **how) if "note" not in row]


def test_pf(firewall: Path) -> None:
    """Every field of every line: pfSense's and OPNsense's."""
    folder = firewall / "crowdsec-hub" / "pf-logs"
    truth = asserted(folder / "parser.assert", "pf-logs")
    found = rows(folder / "pf-logs.log", "filterlog")
    assert len(truth) == len(found) == 9
    for said, row in zip(truth, found, strict=True):
        six = said["ip_ver"] == "6"
        assert (row["src_ip"], row["dst_ip"]) == (said["src_ip"], said["dst_ip"])
        assert (row["src_port"], row["dst_port"]) == (int(said["src_port"]), int(said["dst_port"]))
        assert row["protocol"] == int(said["ip6_proto_id" if six else "ip4_proto_id"])
        assert row["ttl"] == int(said["ip6_hop_limit" if six else "ip4_ttl"])
        assert row["ip_len"] == int(said["length"]) + (40 if six else 0)
        assert row["action"] == {"block": "drop", "pass": "accept"}[said["action"]]
        assert row["interface"] == (said["iface"] if said["direction"] == "in" else "")
        # of UDP it is the length with the header
        assert row["payload_len"] == int(said["data_length"]) - (8 if row["protocol"] == 17 else 0)
        if not six:
            assert (row["ip_id"], row["frag_offset"]) == (int(said["ip4_id"]), int(said["ip4_offset"]))
            assert row["ip_flags"] == {"none": 0, "DF": 2}[said["ip4_flags"]]
        if row["protocol"] == 6 and "tcp_flags" in said:  # (it leaves out those of a segment with payload)
            assert row["tcp_flags"] == _fields.flags(said["tcp_flags"])
            assert row["tcp_seq"] == int(said["sequence_number"].partition(":")[0])
            assert row["tcp_window"] == int(said["tcp_window"])
            assert row.get("tcp_ack") == (int(said["ack_number"]) if said.get("ack_number") else None)


def test_mikrotik(firewall: Path) -> None:
    folder = firewall / "crowdsec-hub" / "mikrotik-logs"
    truth = [said for said in asserted(folder / "parser.assert", "mikrotik-logs") if "dst_ip" in said]
    found = [row for row in rows(folder / "mikrotik-logs.log", "mikrotik") if "not" not in row]
    assert len(truth) == len(found) == 6
    for said, row in zip(truth, found, strict=True):
        assert (row["src_ip"], row["dst_ip"]) == (said["source_ip"].strip("[]"), said["dst_ip"].strip("[]"))
        assert (row["src_port"], row["dst_port"]) == (int(said["src_port"]), int(said["dst_port"]))
        assert row["protocol"] == _fields.protocol(said["proto"].split(" ")[0])
        assert row["ip_len"] == int(said["length"]) + (40 if ":" in row["src_ip"] else 0)
        assert row["interface"] == said["if_in"]
        assert row.get("action") == ("drop" if said.get("tag", "").startswith("drop") else None)


def test_suricata(firewall: Path) -> None:
    """Alerts are what crowdsec takes; flows are events too, stats are not."""
    folder = firewall / "crowdsec-hub" / "suricata-logs-evelog"
    truth = [said for said in asserted(folder / "parser.assert", "suricata-evelogs") if "dest_ip" in said]
    found = rows(folder / "suricata-logs-evelog.log", "suricata_eve")
    assert Counter(row.get("not", "event") for row in found) == {"event": 6, "stats": 2}
    alerts = [row for row in found if "not" not in row and "time_end" not in row]
    assert len(alerts) == len(truth)
    for said, row in zip(truth, alerts, strict=True):
        assert (row["dst_ip"], row["dst_port"]) == (said["dest_ip"], int(said["dest_port"]))
        assert row["protocol"] == _fields.protocol(said["proto"])


def test_windows(firewall: Path) -> None:
    """plaso makes 15 events of its 15 lines; of these 11 tell of a packet, 3 of the end of a connection, 1 of lost lines."""
    found = rows(firewall / "plaso" / "windows_firewall.log", "windows_firewall")
    counts = Counter(row.get("not", "event") for row in found)
    assert counts == {"event": 11, "closed": 3, "tells of no packet": 1, "header": 4}
    assert sum(counts.values()) - counts["header"] == 15


def samples(path: Path) -> list[str]:
    """The lines of one of wazuh's or ossec's .ini files."""
    return [found[1] for found in re.finditer(r"^log \d+ (?:pass|fail) = (.*)$", path.read_text(), re.MULTILINE)]


@pytest.mark.parametrize(
    ("name", "fmt", "least"),
    [
        ("wazuh-ruleset/cisco_asa.ini", "cisco", 25), ("wazuh-ruleset/cisco_ios.ini", "cisco", 5),
        ("wazuh-ruleset/netscreen.ini", "netscreen", 1), ("ossec/netscreen.ini", "netscreen", 1), ("ossec/pix.ini", "cisco", 0),
    ],
)  # fmt: skip
def test_decoders(firewall: Path, tmp_path: Path, name: str, fmt: str, least: int) -> None:
    """Lines of the decoder named: every one that names two ends of a packet is an event with these, no other is."""
    lines = samples(firewall / name)
    path = tmp_path / "log"
    path.write_text("\n".join(lines) + "\n")
    found = rows(path, fmt)
    assert len(found) == len(lines)
    made = [row for row in found if "not" not in row]
    assert len(made) >= least
    for row in made:
        line = path.read_bytes()[row["source_pos"] :].split(b"\n")[0].decode()
        for end in ("src", "dst"):
            assert row[f"{end}_ip"] in line
            if f"{end}_port" in row:
                assert re.search(rf"\D{row[f'{end}_port']}\b", line)
    if fmt == "cisco":
        assert not [row for row in found if row.get("not") == "other"]


def test_zeek(firewall: Path, tmp_path: Path) -> None:
    """Baselines: every connection, every field. (Their times are masked; one is put in.)"""
    connections = 0
    for path in sorted((firewall / "zeek").glob("*conn.log")):
        text = path.read_text().replace("XXXXXXXXXX.XXXXXX", "1500000000.123456")
        copy = tmp_path / path.name
        copy.write_text(text)
        fields: list[str] = []
        expected = []
        for line in text.splitlines():
            words = line.removeprefix("#fields\t").split("\t")
            if line.startswith("#fields") or words[0] in ("ts", "uid"):
                fields = words
            elif not line.startswith("#"):
                expected.append(dict(zip(fields, words, strict=True)))
        found = [row for row in rows(copy, "zeek_conn") if row.get("not") != "header"]
        assert len(found) == len(expected), path.name
        for said, row in zip(expected, found, strict=True):
            if "id.orig_h" not in said:
                assert row["not"] in ("no addresses", "no time stamp")
                continue
            connections += 1
            check_connection(said, row)
    assert connections >= 60


def check_connection(said: dict[str, str], row: dict[str, Any]) -> None:
    assert (row["src_ip"], row["dst_ip"]) == (said["id.orig_h"], said["id.resp_h"])
    assert row["protocol"] == int(said["ip_proto"])
    if row["protocol"] in (1, 58):
        assert row["icmp_type"] == int(said["id.orig_p"]) and "src_port" not in row
    else:
        assert (row["src_port"], row["dst_port"]) == (int(said["id.orig_p"]), int(said["id.resp_p"]))
    assert row.get("packets", 1) == int(said["orig_pkts"]) and row["bytes"] == int(said["orig_ip_bytes"])
    assert ("time_end" in row) == (said["duration"] != "-")
    if said["history"].startswith("S"):
        assert row["tcp_flags"] & 2
    assert row.get("interface") == ("" if (said["local_orig"], said["local_resp"]) == ("T", "F") else None)
