"""The simulation as a whole: the same bytes for a seed, and a truth that agrees with what the reader finds."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import ipaddress
import itertools
import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from teiten import marks, settings, simulate
from teiten.enrich import enrich
from teiten.errors import TeitenError, UsageError
from teiten.readers import netfilter
from teiten.readers._base import ReadOptions, Tally
from teiten.readers._input import inputs

START = dt.date(2026, 4, 20)
DAYS = 16
"""over the end of a month: two files"""


@dataclass
class Made:
    """One simulation and its files, read."""

    summary: simulate.Summary
    folder: Path
    lines: list[tuple[str, str]]
    """(label, line), all logs one after another"""
    truth: list[dict[str, Any]]
    sources: pl.DataFrame

    def labelled(self, label: str) -> list[str]:
        return [line for found, line in self.lines if found == label]


def text(path: Path) -> list[str]:
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    assert raw.endswith(b"\n")
    return raw.decode().removesuffix("\n").split("\n")


def read(summary: simulate.Summary, folder: Path) -> Made:
    lines = []
    for path in summary.paths:
        labels = text(folder / "truth/lines" / f"{path.name.removesuffix('.gz')}.labels")
        lines += list(zip(labels, text(path), strict=True))
    truth = [json.loads(line) for line in summary.truth.read_text().splitlines()]
    return Made(summary, folder, lines, truth, pl.read_csv(folder / "truth/truth.csv"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("home") / "out"
    return read(simulate.run("home", 7, START, DAYS, None, folder), folder)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("many") / "out"
    return read(simulate.run("sensors", 7, START, 8, None, folder, n_sensors=5), folder)


def digests(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()
    }


@pytest.mark.parametrize("scenario", ["home", "sensors"])
def test_the_same_seed_gives_the_same_bytes_another_does_not(tmp_path: Path, scenario: str) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        simulate.run(scenario, seed, START, 2, 3_000, tmp_path / name)
    first, again, other = (digests(tmp_path / name) for name in "abc")
    assert first == again
    logs = [name for name in first if name.startswith("logs/")]
    assert logs
    assert all(first[name] != other[name] for name in logs)


def test_files_by_month_the_older_compressed_with_their_last_lines_time(home: Made) -> None:
    assert [p.name for p in home.summary.paths] == ["router-2026-04.log.gz", "router-2026-05.log"]
    for path in home.summary.paths:
        last = dt.datetime.fromisoformat(text(path)[-1].split(" ")[0])
        assert path.stat().st_mtime == last.timestamp()


def test_a_household_line_has_its_usual_number_of_lines_a_day(home: Made) -> None:
    assert home.summary.lines == len(home.lines)
    assert 2_000 * DAYS < home.summary.lines < 4_000 * DAYS


def test_lines_are_in_the_order_of_time_and_within_the_period(home: Made) -> None:
    stamps = [line[:25] for _, line in home.lines]
    assert stamps == sorted(stamps)
    assert stamps[0] >= "2026-04-20T00:00:00+09:00"
    assert stamps[-1] < "2026-05-06T00:00:00+09:00"


def decoded(made: Made) -> tuple[pl.DataFrame, Tally]:
    chosen = settings.load(config=made.summary.config)
    tally, frames = Tally(), []
    for source in inputs([str(p) for p in made.summary.paths], chosen.reading):
        for chunk in netfilter.read(source, ReadOptions(zone=chosen.zone)):
            frames.append(chunk.events)
            tally.lines += len(chunk.outcome)
            tally.rejected.update(r.reason for r in chunk.rejected)
    return pl.concat(frames), tally


def as_text(frame: pl.DataFrame) -> pl.Series:
    return pl.Series([str(ipaddress.ip_address(a)) for a in frame["src_ip"]])


@pytest.mark.parametrize("scenario", ["home", "many"])
def test_the_reader_finds_what_the_truth_says(scenario: str, request: pytest.FixtureRequest) -> None:
    made: Made = request.getfixturevalue(scenario)
    events, tally = decoded(made)
    assert not tally.rejected
    assert tally.lines == made.summary.lines
    assert len(events) == made.summary.events == made.sources["packets"].sum()
    found = events.select(as_text(events).alias("src_ip"), "packets").group_by("src_ip").agg(pl.col("packets").sum())
    told = made.sources.group_by("src_ip").agg(pl.col("packets").sum())
    assert found.sort("src_ip").equals(told.sort("src_ip"))
    labels = {row["label"]: row["packets"] for row in made.truth if row["kind"] == "label"}
    assert labels == dict(made.sources.group_by("label").agg(pl.col("packets").sum()).iter_rows())
    assert sum(labels.values()) == made.summary.events


def test_sources_lie_in_the_countries_that_the_truth_names(home: Made) -> None:
    events, _ = decoded(home)
    rows = enrich(marks.add(events))
    found = rows.select(as_text(rows).alias("src_ip"), "country", "asn").unique()
    both = found.join(home.sources.select("src_ip", told="country").unique(), on="src_ip")
    assert both.filter(pl.col("country") != pl.col("told")).is_empty()
    assert both["country"].null_count() == 0
    assert both["asn"].null_count() < 12  # IPv6 and the announced alone are not asked whether some AS has them


FIELD = re.compile(r"\b(SRC|DST|ID|SPT|DPT|SEQ|WINDOW|TTL|LEN)=(\S+)")


def fields(line: str) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in FIELD.findall(line):
        out.setdefault(key, int(value) if value.isdecimal() else value)
    return out


def number(address: str) -> int:
    return int(ipaddress.IPv4Address(address))


@pytest.mark.parametrize("label", ["mirai", "mirai-52869", "mirai-37215"])
def test_mirai_hosts_have_its_mark_and_no_others_do(home: Made, label: str) -> None:
    some = [fields(line) for line in home.labelled(label)]
    assert some
    assert all(f["SEQ"] == number(f["DST"]) and f["SPT"] > 1024 for f in some)
    others = [
        fields(line)
        for found, line in home.lines
        if not found.startswith(("mirai", "ignored")) and " SEQ=" in line and ":" not in line[-200:]
    ]
    assert not [f for f in others if f.get("SEQ") == number(f["DST"])]


def test_the_marks_of_the_other_tools(home: Made) -> None:
    for f in map(fields, home.labelled("masscan")):
        assert f["ID"] == (number(f["DST"]) ^ f["DPT"] ^ f["SEQ"]) & 0xFFFF
        assert f["WINDOW"] == 1024 and f["LEN"] == 40 and f["TTL"] > 200
    for f in map(fields, home.labelled("zmap-old")):
        assert f["ID"] == 54321 and f["WINDOW"] == 65535 and f["TTL"] > 200
    new = [fields(line) for line in home.labelled("zmap-new")]
    assert all(f["LEN"] == 52 and f["TTL"] < 64 for f in new)
    assert sum(f["ID"] == 54321 for f in new) <= 1
    rounds = Counter((f["SRC"], f["SEQ"], f["SPT"]) for f in map(fields, home.labelled("nmap")))
    assert max(rounds.values()) > 3


def test_backscatter_is_answers_and_quoted_packets(home: Made) -> None:
    lines = home.labelled("backscatter")
    assert lines
    assert all(" ACK SYN " in line or " ACK RST " in line or "PROTO=ICMP" in line for line in lines)
    quoted = [line for line in lines if "PROTO=ICMP" in line]
    for line in quoted:
        own, inner = re.findall(r"DST=(\S+)", line)[0], re.findall(r"\[SRC=(\S+)", line)[0]
        assert own == inner  # the forged packet bore the observer's address


def story(made: Made, kind: str) -> list[dict[str, Any]]:
    return [row for row in made.truth if row["kind"] == kind]


def test_nothing_is_logged_while_the_router_is_off(home: Made) -> None:
    (outage,) = story(home, "outage")
    inside = [line for _, line in home.lines if outage["from"] <= line[:25] < outage["to"]]
    assert inside == []
    assert dt.datetime.fromisoformat(outage["to"]) - dt.datetime.fromisoformat(outage["from"]) == dt.timedelta(
        hours=5, minutes=30
    )


def test_the_line_has_a_new_address_after_each_connection(home: Made) -> None:
    changes = [row["from"] for row in story(home, "new address")]
    assert len(changes) >= 2
    packets = [
        (line[:25], fields(line)["DST"])
        for label, line in home.lines
        if not label.startswith(("ignored", "ipv6")) and "DST=" in line
    ]
    own = [{address for stamp, address in packets if a < stamp < b} for a, b in itertools.pairwise(["", *changes, "~"])]
    assert all(len(addresses) == 1 for addresses in own)
    spoken = [line.rsplit(" ", 1)[1] for _, line in home.lines if "local  IP address" in line]
    assert [{address} for address in spoken] == own
    # documentation's addresses: nobody's line
    networks = [ipaddress.ip_network(n) for n in ("203.0.113.0/24", "198.51.100.0/24")]
    assert all(any(ipaddress.ip_address(a) in n for n in networks) for a in spoken)


def test_bursts_are_where_the_truth_says(home: Made) -> None:
    bursts = story(home, "burst")
    assert len(bursts) == 4
    for burst in bursts:
        lines = home.labelled(burst["label"])
        assert len(lines) == burst["packets"]
        assert all(burst["from"] <= line[:25] < burst["to"] for line in lines)
        assert {fields(line)["DPT"] for line in lines} == set(burst["ports"])
        assert len({fields(line)["SRC"] for line in lines}) == burst["hosts"]


def test_one_port_rises_and_another_ends(home: Made) -> None:
    rising = [line[:10] for line in home.labelled("mirai-9530")]
    ends = [line[:10] for line in home.labelled("mirai-52869")]
    half = (START + dt.timedelta(days=DAYS // 2 - 1)).isoformat()
    assert min(rising) >= half
    assert Counter(rising)[max(rising)] > Counter(rising)[min(rising)]
    assert max(ends) <= (START + dt.timedelta(days=DAYS * 10 // 16)).isoformat()


def test_a_source_has_as_many_ports_as_its_lines(home: Made) -> None:
    for label in ("rdp-sweep", "masscan", "sip"):
        ports: dict[str, set[int]] = {}
        for line in home.labelled(label):
            ports.setdefault(fields(line)["SRC"], set()).add(fields(line)["DPT"])
        told = dict(home.sources.filter(pl.col("label") == label).select("src_ip", "ports").iter_rows())
        assert told == {source: len(tried) for source, tried in ports.items()}


def test_announced_scans_come_from_announced_addresses(home: Made) -> None:
    announced = ("215.8/29", "216.176/29", "216.184/29", "226.160/29", "226.168/29", "227.192/29")
    prefixes = [ipaddress.ip_network(f"153.231.{p}") for p in announced]
    lines = home.labelled("announced")
    assert len(lines) == sum(row["packets"] for row in story(home, "announced scan")) > 0
    for line in lines:
        assert any(ipaddress.ip_address(fields(line)["SRC"]) in p for p in prefixes)
        assert " TTL=244 " in line and " WINDOW=1024 " in line


def test_pcs_sleep_at_night(home: Made) -> None:
    hours = Counter(int(line[11:13]) for line in home.labelled("mssql"))  # mostly China's: an hour behind
    night, day = (sum(hours[h] for h in some) for some in (range(3, 7), range(12, 16)))
    assert night * 1.8 < day


def test_repeated_messages_follow_their_line(home: Made) -> None:
    at = [i for i, (_, line) in enumerate(home.lines) if "last message repeated" in line]
    assert at
    for i in at:
        assert home.lines[i - 1][0] == home.lines[i][0] == "sip-repeated"


def test_the_configuration_describes_the_sensor(home: Made) -> None:
    found = settings.load(config=home.summary.config)
    assert found.zone_name == "Asia/Tokyo"
    assert [s.name for s in found.sensors] == ["home"]
    for path in home.summary.paths:
        sensor = found.sensor_of(path)
        assert sensor is not None and sensor.name == "home"


def test_many_sensors_in_two_groups_each_with_its_log(many: Made) -> None:
    found = settings.load(config=many.summary.config)
    assert [s.group for s in found.sensors] == ["domestic"] * 3 + ["overseas"] * 2
    for path in many.summary.paths:
        sensor = found.sensor_of(path)
        assert sensor is not None and path.name.startswith(sensor.name)
        assert {fields(line)["DST"] for line in text(path)} == {fields(text(path)[0])["DST"]}
    seen = many.sources.filter(pl.col("label") == "masscan").group_by("src_ip").agg(pl.col("sensor").n_unique())
    assert (seen["sensor"] >= 4).mean() > 0.3, "the same scanners reach most sensors"


def test_one_sensor_is_off_and_one_alone_sees_a_burst(many: Made) -> None:
    (outage,) = story(many, "outage")
    (local,) = [row for row in story(many, "burst") if row["label"] == "burst-local"]
    assert many.sources.filter(pl.col("label") == "burst-local")["sensor"].unique().to_list() == local["sensors"]
    begin, end = (dt.datetime.fromisoformat(outage[k]) for k in ("from", "to"))
    for path in many.summary.paths:
        inside = sum(begin <= dt.datetime.fromisoformat(line.split(" ")[0]) < end for line in text(path))
        if path.name.startswith(outage["sensor"]):
            assert inside == 0
        elif path.name.endswith("04.log"):
            assert inside > 0


@pytest.mark.parametrize("days", [1, 2, 3, 4])
def test_short_periods_work_too(tmp_path: Path, days: int) -> None:
    made = simulate.run("home", 0, START, days, 50, tmp_path / "a")
    assert made.events > 0
    assert simulate.run("sensors", 0, START, days, 50, tmp_path / "b", n_sensors=3).events > 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scenario": "telescope", "prefix": "44.0.0.0/8"}, "/8 cannot"),
        ({"scenario": "moon"}, "'moon' is no scenario"),
        ({"days": 0}, "0 days"),
        ({"events": 0}, "0 events"),
        ({"seed": -1}, "seed"),
        ({"n_sensors": 0}, "0 sensors"),
    ],
)
def test_wrong_wishes(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    wish: dict[str, Any] = {"scenario": "home", "seed": 1, "start": START, "days": 1, "events": 10, "out": tmp_path / "x"}
    with pytest.raises(UsageError, match=said):
        simulate.run(**(wish | change))
    assert not (tmp_path / "x").exists()


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        simulate.run("home", 1, START, 1, 10, tmp_path)
    with pytest.raises(UsageError, match="is there already"):
        simulate.run("home", 1, START, 1, 10, tmp_path / "mine.txt")


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TeitenError, match="cannot be written"):
        simulate.run("home", 1, START, 1, 10, tmp_path / "file" / "below")


def test_what_fails_halfway_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(simulate, "write_truth", full)
    with pytest.raises(TeitenError, match="No space left"):
        simulate.run("home", 1, START, 1, 10, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    made = simulate.run("home", 1, START, 1, 10, tmp_path / "x")
    assert all(p.is_file() for p in [*made.paths, made.truth, made.config])
    assert [p.name for p in tmp_path.iterdir()] == ["x"]
