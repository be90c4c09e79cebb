"""teiten export: Shadowserver's columns, MISP's warning list and feed; who is in them, and that no sensor's address is."""

from __future__ import annotations

import csv
import hashlib
import ipaddress
import json
import re
import uuid
from pathlib import Path

import pytest
from tests.classify.examples import DARK, address, event, lake_of

from teiten import cli
from teiten.publish import misp

NOTICE = "153.231.215.11"
MIRAI, PLAIN, VICTIM, SIX = "203.0.113.7", "198.51.100.9", "198.51.100.80", "2001:db8::1"
MIRROR = address(DARK + 3)
"""a source that is an address of the sensor, too: forged"""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("export")
    rows = [event(n, MIRAI, DARK + n, seconds=n, tcp_seq=DARK + n, country="JP", asn=64500) for n in range(5)]
    rows += [event(10 + n, PLAIN, DARK + n, seconds=60 + n, dst_port=445, src_port=50000 + n) for n in range(3)]
    rows += [event(20, VICTIM, DARK, seconds=90, src_port=80, dst_port=40000, tcp_flags=18)]
    rows += [event(30 + n, NOTICE, DARK + n, seconds=100 + n, dst_port=22, country="JP") for n in range(2)]
    rows += [event(40, SIX, dst_ip="2001:db8:1::9", seconds=120), event(50, MIRROR, DARK + 4, seconds=130)]
    lake_of(folder, rows)
    (folder / "teiten.toml").write_text(
        'zone = "Asia/Tokyo"\nlake = "lake"\n[publish]\nname = "Example CERT"\nurl = "https://example.org/r"\n'
        "[sensor.dark]\naddresses = 65536\n"
    )
    return str(folder / "teiten.toml")


def run(config: str, *words: str) -> int:
    return cli.main(["export", *words, "--config", config])


def listed(out: str) -> list[dict[str, str]]:
    return list(csv.DictReader(out.splitlines()))


def test_hosts_have_the_columns_of_shadowserver(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(config, "hosts") == 0
    said = capsys.readouterr()
    head = (
        "timestamp,protocol,src_ip,src_port,src_asn,src_geo,src_region,src_city,src_hostname,src_naics,src_sector,device_vendor,"
        "device_type,device_model,severity,dst_ip,dst_port,dst_asn,dst_geo,dst_region,dst_city,dst_hostname,dst_naics,dst_sector,"
        "public_source,infection,family,tag,application,version,event_id,count"
    )
    assert said.out.splitlines()[0] == head
    rows = {row["src_ip"]: row for row in listed(said.out)}
    # neither the announced scanner, nor who answers somebody's forged packets, nor what is no IPv4, nor our own address
    assert set(rows) == {MIRAI, PLAIN}
    bot = rows[MIRAI]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", bot["timestamp"])
    assert (bot["protocol"], bot["dst_port"], bot["count"], bot["src_geo"], bot["src_asn"]) == ("tcp", "23", "5", "JP", "64500")
    assert (bot["infection"], bot["tag"], bot["public_source"]) == ("mirai", "mirai", "Example CERT")
    plain = rows[PLAIN]
    assert (plain["infection"], plain["tag"], plain["src_port"], plain["count"]) == ("", "", "50000", "3")
    assert all(row["dst_ip"] == "" for row in rows.values())
    assert "1 of IPv6 do not fit" in said.err and "Left out: research scanners" in said.err


def test_hosts_by_the_contracts_filters(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words, wanted in (
        (["--tool", "mirai"], {MIRAI}),
        (["--scanners", "in"], {MIRAI, PLAIN, NOTICE}),
        (["--kind", "backscatter"], {VICTIM}),
        (["--port", "445/tcp"], {PLAIN}),
        (["-n", "1"], {MIRAI}),
    ):
        assert run(config, "hosts", *words) == 0
        assert {row["src_ip"] for row in listed(capsys.readouterr().out)} == wanted, words


def test_a_table_for_people_fits(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(config, "hosts", "--output", "table") == 0
    out = capsys.readouterr().out
    assert MIRAI in out and all(len(line) <= 80 for line in out.splitlines())


def test_no_list_names_an_address_of_the_sensor(config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    everything = ["--scanners", "in", "--spoofed", "in", "--kind", "syn,tcp,udp,icmp,backscatter,other,unknown"]
    assert run(config, "hosts", *everything) == 0
    assert run(config, "warninglist", "--large", *everything) == 0
    assert run(config, "misp", "--from", "2026-01-01", "--to", "2027-01-01", *everything, "--out", str(tmp_path / "f")) == 0
    texts = [capsys.readouterr().out, *(p.read_text() for p in (tmp_path / "f").iterdir())]
    assert all(MIRAI in text for text in texts[:1])
    dark = {address(DARK + n) for n in range(10)}
    for text in texts:
        assert not dark & set(re.findall(r"\d+\.\d+\.\d+\.\d+", text))
        assert "2001:db8:1::9" not in text


def test_a_warning_list_is_one_of_misps(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Held against schema.json of MISP's warning lists, by hand."""
    assert run(config, "warninglist") == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {"description", "list", "matching_attributes", "name", "type", "version"}
    assert told["list"] == [NOTICE] and told["type"] == "cidr"
    assert type(told["version"]) is int and 20_000_000 < told["version"] < 30_000_000
    assert "Example CERT" in told["name"] and len(set(told["matching_attributes"])) == len(told["matching_attributes"])
    assert run(config, "warninglist", "--scanners", "in", "--large") == 0
    found = json.loads(capsys.readouterr().out)["list"]
    assert found == sorted(found, key=lambda a: (":" in a, ipaddress.ip_address(a))) and SIX in found


def feed_of(folder: Path) -> tuple[dict[str, dict], dict[str, dict], list[str]]:
    events = {p.stem: json.loads(p.read_text())["Event"] for p in folder.glob("*-*.json")}
    return events, json.loads((folder / "manifest.json").read_text()), (folder / "hashes.csv").read_text().split()


def test_a_feed_grows_and_stays_what_it_is(config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    span = ["--from", "2026-01-01", "--to", "2027-01-01"]
    out = ["--out", str(tmp_path / "feed")]
    assert run(config, "misp", *span, *out) == 0
    events, manifest, hashes = feed_of(tmp_path / "feed")
    (one,) = events.values()
    assert list(events) == list(manifest) == [one["uuid"]]
    (attribute,) = one["Attribute"]
    assert (attribute["type"], attribute["category"], attribute["value"]) == ("ip-src", "Network activity", NOTICE)
    assert attribute["to_ids"] is False and attribute["comment"].startswith("NOTICE; 2 packets to 1 port")
    assert [one["timestamp"], attribute["timestamp"]] == [manifest[one["uuid"]]["timestamp"]] * 2
    assert hashes == [f"{hashlib.md5(NOTICE.encode()).hexdigest()},{one['uuid']}"]
    assert all(str(uuid.UUID(u)) == u for u in (one["uuid"], attribute["uuid"], one["Orgc"]["uuid"]))
    before = {p.name: p.read_bytes() for p in (tmp_path / "feed").iterdir()}
    assert run(config, "misp", *span, *out) == 0
    assert before == {p.name: p.read_bytes() for p in (tmp_path / "feed").iterdir()}, "the same again is the same file"
    assert run(config, "misp", *span, *out, "--scanners", "out", "--tool", "mirai", "--to-ids", "--tlp", "amber") == 0
    events, manifest, hashes = feed_of(tmp_path / "feed")
    assert len(events) == len(manifest) == len(hashes) == 2
    other = next(e for e in events.values() if e["uuid"] != one["uuid"])
    assert [a["value"] for a in other["Attribute"]] == [MIRAI] and other["Attribute"][0]["to_ids"] is True
    assert other["Tag"][0]["name"] == "tlp:amber" and "tool mirai" in other["info"]


def test_a_feed_that_says_something_else_gets_a_later_time(tmp_path: Path) -> None:
    import datetime as dt

    now = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
    row = {"src_ip": "192.0.2.1", "first": now, "last": now, "packets": 1, "ports": 1, "scanner": None, "research": False}
    row |= {"tool": None, "asn": None, "country": None}
    org = misp.Organisation("x")

    def stored(rows: list[dict], at: dt.datetime) -> int:
        event = misp.event(rows, org, "w", "info", now.date(), "green", to_ids=False)
        files, _ = misp.feed(tmp_path, event, at)
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        return int(json.loads(files["manifest.json"])[event["uuid"]]["timestamp"])

    first = stored([row], now)
    assert first == now.timestamp()
    assert stored([row], now + dt.timedelta(days=1)) == first
    # even where the clock has gone back
    assert stored([row, {**row, "src_ip": "192.0.2.2"}], now - dt.timedelta(days=1)) == first + 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["misp", "--period", "2026-05"], "folder with --out"),
        (["misp", "--out", "feed"], "about a period"),
        (["misp", "--period", "2026-05", "--out", "{tmp}/other"], "other things than a feed"),
        (["misp", "--period", "2026", "--out", "feed"], "names no period"),
        (["misp", "--from", "2026-01-01", "--to", "2027-01-01", "--org-uuid", "7", "--out", "feed"], "is no UUID"),
        (["atom", "{tmp}/nowhere"], "There is no folder"),
        (["atom", "{tmp}/other"], "holds no report"),
        (["atom", "{tmp}/other", "--url", "example"], "no address of a site"),
    ],
)
def test_misfortunes_are_one_sentence(
    words: list[str], said: str, config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("x")
    assert run(config, *(w.format(tmp=tmp_path) for w in words)) in (1, 2)
    told = capsys.readouterr()
    assert said in told.err and told.out == "" and "Traceback" not in told.err
    assert [p.name for p in (tmp_path / "other").iterdir()] == ["mine.txt"]


def test_a_folder_without_rows_is_no_error(config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nothing = ["--from", "2020-01-01", "--to", "2020-02-01"]
    assert run(config, "misp", *nothing, "--out", str(tmp_path / "feed")) == 0
    assert "No source fits" in capsys.readouterr().err and not (tmp_path / "feed").exists()
    assert run(config, "hosts", *nothing) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_no_list_names_an_address_of_a_sensor() -> None:
    from teiten.cli import export
    from teiten.errors import TeitenError

    own = {bytes([192, 0, 2, 7])}
    export._look(["198.51.100.1", "moved from 192.0.2.8"], own)
    with pytest.raises(TeitenError, match="would name an address of a sensor"):
        export._look(["198.51.100.1", "moved from 192.0.2.7"], own)
