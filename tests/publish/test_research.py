"""A data set for research: no sensor's address in any form, sources by the scheme, risk as counted by hand, FlowTuple."""

from __future__ import annotations

import hashlib
import io
import ipaddress
import json
from pathlib import Path
from typing import Any

import fastavro
import polars as pl
import pytest
from tests.classify.examples import DARK, address, event, lake_of

from teiten import cli
from teiten.publish import flowtuple, leaks

ALONE, PAIR, TWIN, SIX = "203.0.113.7", "198.51.100.9", "198.51.100.10", "2001:db8::1"


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("research")
    rows = [event(n, ALONE, DARK + n, seconds=n, tcp_seq=n, country="JP", asn=64500, ttl=50) for n in range(5)]
    for n, one in enumerate((PAIR, TWIN)):
        rows += [event(10 + n, one, DARK + n, seconds=70, src_port=4000, dst_port=445, country="US", asn=64501, ttl=60)]
    rows += [event(40, SIX, dst_ip="2001:db8:1::9", seconds=120), event(50, address(DARK + 3), DARK + 4, seconds=130)]
    lake_of(folder, rows)
    (folder / "teiten.toml").write_text(
        'zone = "UTC"\nlake = "lake"\n[publish]\nname = "Example CERT"\nlicence = "CC BY 4.0"\n'
        "[sensor.dark]\naddresses = 65536\n"
    )
    return str(folder / "teiten.toml")


def run(config: str, out: Path, *words: str) -> int:
    return cli.main(["export", "research", "--out", str(out), "--config", config, *words])


@pytest.mark.parametrize(
    ("scheme", "destinations"), [("cryptopan", "drop"), ("truncate", "hash"), ("hash", "hash"), ("drop", "drop")]
)
def test_no_address_that_should_not(config: str, tmp_path: Path, scheme: str, destinations: str) -> None:
    assert run(config, tmp_path / "set", "--scheme", scheme, "--destinations", destinations) == 0
    flows = pl.read_parquet(tmp_path / "set" / "flows.parquet")
    assert flows["packets"].sum() == 8 and "dst_ip" not in flows.columns
    texts = {str(one) for name in ("src", "dst") for one in flows[name].drop_nulls().to_list()}
    assert not texts & {ALONE, PAIR, TWIN, SIX} and not any(one.startswith(("10.77.", "2001:db8:1::9")) for one in texts)
    own = leaks.packed([address(DARK + n) for n in range(6)])
    names = ("README.md", "codebook.md", "risk.md", "CITATION.cff", "LICENSE.txt")
    assert leaks.find({name: (tmp_path / "set" / name).read_bytes() for name in names}, own) is None
    assert (flows["dst"].null_count() == flows.height) == (destinations == "drop")
    known = flows["src"].drop_nulls().n_unique()
    # the /24 of the pair and its twin is one
    assert known == {"cryptopan": 4, "truncate": 3, "hash": 4, "drop": 0}[scheme]
    manifest = json.loads((tmp_path / "set" / "manifest.json").read_text())
    for name, told in manifest["files"].items():
        assert hashlib.sha256((tmp_path / "set" / name).read_bytes()).hexdigest() == told["sha256"]
    assert manifest["scheme"] == scheme and manifest["licence"] == "CC BY 4.0"


def test_the_same_key_gives_the_same_names_and_no_key_others(config: str, tmp_path: Path) -> None:
    def sources(name: str, *words: str) -> set[str]:
        assert run(config, tmp_path / name, *words) == 0
        return set(pl.read_parquet(tmp_path / name / "flows.parquet")["src"].to_list())

    key = str(tmp_path / "key")
    assert sources("a", "--key", key) == sources("b", "--key", key) != sources("c") != sources("d")


def test_risk_is_what_one_counts_by_hand(config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of four sources one is alone by country and AS, two are alike, IPv6's is alone: half of them stand alone."""
    assert run(config, tmp_path / "set") == 0
    risk = json.loads((tmp_path / "set" / "manifest.json").read_text())["risk"]
    assert risk["sources"] == 4
    assert risk["by"]["country, AS"] == {"k<2": 0.5, "k<5": 1.0, "k<10": 1.0}
    assert risk["by"]["interval, both ports, TTL"]["k<2"] == 0.5
    assert "50.0 %" in (tmp_path / "set" / "risk.md").read_text()
    assert "stand alone" in capsys.readouterr().err


def test_flowtuples_are_read_by_others(config: str, tmp_path: Path) -> None:
    assert run(config, tmp_path / "set", "--scheme", "truncate") == 0
    with (tmp_path / "set" / "flowtuple.avro").open("rb") as stream:
        reader: Any = fastavro.reader(stream)
        assert reader.writer_schema["name"] == "org.caida.corsaro.flowtuple"
        records = list(reader)
    assert sum(one["packet_cnt"] for one in records) == 7 and {one["dst_ip"] for one in records} == {0}
    assert {ipaddress.ip_address(one["src_ip"]) for one in records} == {
        ipaddress.ip_address("203.0.113.0"), ipaddress.ip_address("198.51.100.0"),
    }  # fmt: skip
    assert all(one["time"] % 60 == 0 and one["protocol"] == 6 for one in records)


def test_a_record_says_what_corsaro_would() -> None:
    import datetime as dt

    flow: dict[str, Any] = {
        "time": dt.datetime(2026, 4, 1, tzinfo=dt.UTC), "ip_version": 4, "src": "192.0.2.1", "dst": None, "protocol": 6,
        "src_port": 1,
        "dst_port": 2, "icmp_type": None, "icmp_code": None, "ttl": 64, "tcp_flags": 2, "tcp_window": 1024, "tcp_opt_len": 4,
        "ip_len": 44, "kind": "syn", "mark_masscan": True, "country": "JP", "asn": None, "packets": 3,
    }  # fmt: skip
    one = flowtuple.record(flow)
    assert one is not None and tuple(one) == flowtuple.FIELDS
    assert (one["tcp_synlen"], one["tcp_synwinlen"], one["is_masscan"], one["maxmind_country"]) == (24, 1024, 1, "JP")
    answer = flowtuple.record({**flow, "tcp_flags": 18})
    assert answer is not None and (answer["tcp_synlen"], answer["tcp_synwinlen"]) == (0, 0)
    echo = flowtuple.record({**flow, "protocol": 1, "icmp_type": 8, "icmp_code": 0, "src_port": None, "dst_port": None})
    assert echo is not None and (echo["src_port"], echo["dst_port"]) == (8, 0)
    assert flowtuple.record({**flow, "src": "0123456789abcdef"}) is None
    data, count, left = flowtuple.avro([flow, {**flow, "ip_version": 6}])
    assert (count, left) == (1, 1) and len(list(fastavro.reader(io.BytesIO(data)))) == 1


def test_refusals(config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["export", "research", "--config", config]) == 2
    assert run(config, tmp_path / "x", "--interval", "0") == 2
    bare = tmp_path / "bare.toml"
    bare.write_text(
        Path(config).read_text().replace('licence = "CC BY 4.0"\n', "").replace('"lake"', f'"{Path(config).parent}/lake"')
    )
    capsys.readouterr()
    assert run(str(bare), tmp_path / "x") == 2
    assert "without a licence" in capsys.readouterr().err and not (tmp_path / "x").exists()
