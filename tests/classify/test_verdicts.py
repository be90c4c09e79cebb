"""Which days are judged, from which events, and what the lake keeps of it."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from tests.classify.conftest import TOKYO, MakeLake, Packet, line

from teiten import classify, intake
from teiten.classify import importing, verdicts
from teiten.engine import open_session
from teiten.errors import LakeBusyError, UsageError
from teiten.lake import Lake
from teiten.settings import Settings


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def held(lake: Lake, zone: str = "Asia/Tokyo") -> list[tuple[str, str, str, str | None]]:
    """Day, source, label, value of every verdict."""
    rows = lake.verdicts(zone=zone).select("day", "src_ip", "label", "value").rows()
    return sorted((d.isoformat(), str(ipaddress.ip_address(s)), label, value) for d, s, label, value in rows)


def ports(time: str, src: str, names: list[str]) -> list[Packet]:
    return [(f"{time}:{n:02d}", src, name) for n, name in enumerate(names)]


TEN = [f"{n}/tcp" for n in range(1, 11)]


def test_a_day_is_that_of_the_zone_and_ten_ports_are_counted_by_protocol(make_lake: MakeLake) -> None:
    lake = make_lake(
        [
            *ports("2026-04-01T10:00", "192.0.2.1", TEN),
            *ports("2026-04-01T10:01", "192.0.2.2", TEN[:9] * 3),  # nine ports, often
            *ports("2026-04-01T10:02", "192.0.2.3", [*TEN[:5], *(p.replace("tcp", "udp") for p in TEN[:5])]),
            *ports("2026-04-01T10:03", "192.0.2.4", [*TEN[:9], "icmp", "icmp"]),  # ICMP has no port
            *ports("2026-04-01T23:59", "192.0.2.5", TEN[:5]),
            *ports("2026-04-02T00:00", "192.0.2.5", TEN[5:]),  # five and five: two days
        ]
    )
    result = classify.run(lake, TOKYO)
    assert result.days == [day("2026-04-01"), day("2026-04-02")]
    assert result.sources == 6
    assert held(lake) == [
        ("2026-04-01", "192.0.2.1", "port_scanner", None),
        ("2026-04-01", "192.0.2.3", "port_scanner", None),
    ]
    (one, _) = lake.verdicts().to_dicts()
    assert json.loads(one["evidence"]) == {"ports": 10, "packets": 10, "threshold": 10.0}
    assert (one["prefix_len"], one["scope"], one["rule"], one["confidence"]) == (32, "all", "port_scanner", 1.0)
    assert one["last_batch"] == 1
    # in another zone the same packets are of one day
    utc = replace(TOKYO, zone_name="UTC")
    classify.run(lake, utc)
    assert ("2026-04-01", "192.0.2.5", "port_scanner", None) in held(lake, "UTC")


def test_the_seeds_sources_are_notices(make_lake: MakeLake) -> None:
    """seeds/004: 20, 21, 25 and 26 February 2019."""
    eleven = [f"{p}/tcp" for p in (8080, 80, 22, 23, 8000, 23023, 2222, 21, 443, 81, 2323)]
    lake = make_lake(
        [
            ("2019-02-20T11:00:00", "153.231.226.170", "22/tcp"),
            *ports("2019-02-21T12:00", "153.231.216.178", eleven),
            ("2019-02-25T09:00:00", "153.231.216.186", "23/tcp"),
            ("2019-02-26T09:00:00", "153.231.226.162", "443/tcp"),
            ("2019-02-26T10:00:00", "203.0.113.9", "23/tcp"),
        ]
    )
    assert classify.run(lake, TOKYO).labels == {"announced_scanner": 4, "port_scanner": 1}
    assert held(lake) == [
        ("2019-02-20", "153.231.226.170", "announced_scanner", "NOTICE"),
        ("2019-02-21", "153.231.216.178", "announced_scanner", "NOTICE"),
        ("2019-02-21", "153.231.216.178", "port_scanner", None),
        ("2019-02-25", "153.231.216.186", "announced_scanner", "NOTICE"),
        ("2019-02-26", "153.231.226.162", "announced_scanner", "NOTICE"),
    ]
    listed = lake.verdicts().filter(pl.col("label") == "announced_scanner").select("list", "list_version", "rule").unique()
    assert listed.rows() == [("notice", "2019-02-13", "announced_prefix")]


def test_what_is_no_attempt_is_not_judged(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("".join(line(n, f"2026-04-01T10:00:{n:02d}", "192.0.2.1", p, "ACCEPT") for n, p in enumerate(TEN)))
    lake = Lake.open_or_create(tmp_path / "lake", "Asia/Tokyo")
    intake.ingest(lake, [str(log)], TOKYO, judge=False)
    assert classify.run(lake, TOKYO).days == [day("2026-04-01")]
    assert held(lake) == []


# which days ---------------------------------------------------------------------------------------------------------


def test_a_judged_day_is_judged_again_only_when_something_changed(
    make_lake: MakeLake, tmp_path: Path, own_folder: Path
) -> None:
    lake = make_lake([("2026-04-01T10:00:00", "192.0.2.1", "23/tcp"), ("2026-04-03T10:00:00", "192.0.2.1", "23/tcp")])
    # the batch spans the 2nd, too: a day without an event is judged and remembered
    assert classify.run(lake, TOKYO).days == [day(f"2026-04-0{n}") for n in (1, 2, 3)]
    assert classify.run(lake, TOKYO).days == []
    # more events
    make_lake([("2026-04-03T11:00:00", "192.0.2.2", "23/tcp")])
    assert classify.run(lake, TOKYO).days == [day("2026-04-03")]
    # a list whose first version is of the 2nd speaks of every day
    mine = tmp_path / "mine.txt"
    mine.write_text("192.0.2.1\n")
    importing.import_files([mine], importing.Wishes(date=day("2026-04-02")), own_folder)
    assert len(classify.run(lake, TOKYO).days) == 3
    assert [row[:2] for row in held(lake)] == [("2026-04-01", "192.0.2.1"), ("2026-04-03", "192.0.2.1")]
    # its next version only of the days from its own on
    mine.write_text("192.0.2.2\n")
    importing.import_files([mine], importing.Wishes(date=day("2026-04-03")), own_folder)
    assert classify.run(lake, TOKYO).days == [day("2026-04-03")]
    assert [row[:2] for row in held(lake)] == [("2026-04-01", "192.0.2.1"), ("2026-04-03", "192.0.2.2")]
    # the same version with another content
    mine.write_text("192.0.2.3\n")
    importing.import_files([mine], importing.Wishes(date=day("2026-04-03")), own_folder)
    assert classify.run(lake, TOKYO).days == [day("2026-04-03")]
    assert [row[:2] for row in held(lake)] == [("2026-04-01", "192.0.2.1")]
    # a threshold
    assert len(classify.run(lake, replace(TOKYO, thresholds={"port_scanner_ports": 1.0})).days) == 3
    assert len([row for row in held(lake) if row[2] == "port_scanner"]) == 3
    # names
    names = tmp_path / "names.csv"
    names.write_text("192.0.2.1,one.shodan.io\n")
    assert len(classify.run(lake, replace(TOKYO, ptr_names=names)).days) == 3
    assert ("2026-04-03", "192.0.2.1", "announced_scanner", "Shodan") in held(lake)
    assert ("2026-04-01", "192.0.2.1", "announced_scanner", "mine") in held(lake)  # the prefix's rule comes first


def test_names_that_cannot_be_read_are_said(make_lake: MakeLake, tmp_path: Path) -> None:
    lake = make_lake([("2026-04-01T10:00:00", "192.0.2.1", "23/tcp")])
    (tmp_path / "names.csv").write_text("192.0.2.1,one.shodan.io\n192.0.2.300,x.shodan.io\n")
    result = classify.run(lake, replace(TOKYO, ptr_names=tmp_path / "names.csv"))
    assert result.labels == {"announced_scanner": 1}
    assert result.notes == [
        f"1 lines of names could not be read, the first {tmp_path / 'names.csv'}:2: '192.0.2.300' is no address."
    ]


def test_only_the_days_asked_for(make_lake: MakeLake) -> None:
    lake = make_lake([(f"2026-04-{n:02d}T10:00:00", "153.231.226.170", "23/tcp") for n in range(1, 11)])
    assert classify.run(lake, TOKYO, [day("2026-04-05"), day("2026-05-05")]).days == [day("2026-04-05")]
    assert len(held(lake)) == 1
    assert classify.last_day(lake, TOKYO) == day("2026-04-10")
    assert len(classify.run(lake, TOKYO).days) == 9
    assert len(held(lake)) == 10


def test_an_empty_lake(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake", "UTC")
    assert classify.run(lake, TOKYO).days == []
    assert classify.last_day(lake, TOKYO) is None
    assert classify.lists_used(lake, "UTC", [day("2026-04-01")]) == {}


def test_lists_used(make_lake: MakeLake, tmp_path: Path, own_folder: Path) -> None:
    lake = make_lake([(f"2026-04-0{n}T10:00:00", "192.0.2.1", "23/tcp") for n in (1, 2, 3)])
    (tmp_path / "mine.txt").write_text("192.0.2.1\n")
    for date in ("2026-03-01", "2026-04-02"):
        importing.import_files([tmp_path / "mine.txt"], importing.Wishes(date=day(date)), own_folder)
    classify.run(lake, TOKYO)
    days = [day(f"2026-04-0{n}") for n in (1, 2, 3)]
    assert classify.lists_used(lake, "Asia/Tokyo", days)["mine"] == [("2026-03-01", "2026-03-01"), ("2026-04-02", "2026-04-02")]
    assert classify.lists_used(lake, "Asia/Tokyo", days[:1])["mine"] == [("2026-03-01", "2026-03-01")]
    assert classify.lists_used(lake, "Asia/Tokyo", days[:1])["notice"] == [("2019-02-13", "2019-02-13")]


# the same however it is cut -----------------------------------------------------------------------------------------


def by_hand(packets: list[Packet], zone: str, least: int) -> set[tuple[str, str]]:
    """Day and source of port scanners, counted in Python."""
    tried: dict[tuple[str, str], set[str]] = defaultdict(set)
    for time, src, port in packets:
        moment = dt.datetime.fromisoformat(time + "+09:00").astimezone(ZoneInfo(zone))
        if port != "icmp":
            tried[moment.date().isoformat(), src].add(port)
    return {key for key, found in tried.items() if len(found) >= least}


def crowd() -> list[Packet]:
    """Six weeks around the end of summer time in Berlin, 40 sources that try 1 to 14 ports a day."""
    out: list[Packet] = []
    start = dt.datetime(2025, 10, 1)
    for n in range(9000):
        moment = start + dt.timedelta(minutes=6 * n)
        src, port = n * 7919 % 40, n * 104729 % (3 + n * 7919 % 12)
        out.append((moment.isoformat(), f"192.0.2.{src}", f"{100 + port}/{'udp' if port % 3 else 'tcp'}" if port else "icmp"))
    return out


@pytest.mark.parametrize(
    "zone",
    [
        "Asia/Tokyo",
        pytest.param("Europe/Berlin", marks=pytest.mark.full),
        pytest.param("America/St_Johns", marks=pytest.mark.full),
        pytest.param("UTC", marks=pytest.mark.full),
    ],
)
@pytest.mark.parametrize(
    "size", [500_000, pytest.param(2_000, marks=pytest.mark.full), pytest.param(100, marks=pytest.mark.full)]
)
def test_however_it_is_cut(make_lake: MakeLake, monkeypatch: pytest.MonkeyPatch, zone: str, size: int) -> None:
    packets = crowd()
    lake = make_lake(packets)
    monkeypatch.setattr(verdicts, "CHUNK_EVENTS", size)
    monkeypatch.setattr(verdicts, "STORE_DAYS", 5)
    chosen = Settings(zone, "flag", thresholds={"port_scanner_ports": 8.0})
    seen: list[tuple[int, int]] = []
    result = classify.run(lake, chosen, progress=lambda done, of: seen.append((done, of)))
    assert {row[:2] for row in held(lake, zone)} == by_hand(packets, zone, 8)
    assert seen[-1] == (len(result.days), len(result.days))
    moments = [dt.datetime.fromisoformat(p[0] + "+09:00").astimezone(ZoneInfo(zone)) for p in packets]
    assert result.sources == len({(m.date(), p[1]) for m, p in zip(moments, packets, strict=True)})


def test_a_busy_day_is_cut_by_its_sources(make_lake: MakeLake, monkeypatch: pytest.MonkeyPatch) -> None:
    packets = crowd()[:480]
    lake = make_lake(packets)
    monkeypatch.setattr(verdicts, "CHUNK_EVENTS", 60)
    result = classify.run(lake, replace(TOKYO, thresholds={"port_scanner_ports": 3.0}))
    assert {row[:2] for row in held(lake)} == by_hand(packets, "Asia/Tokyo", 3)
    assert result.sources == len({(p[0][:10], p[1]) for p in packets})


def test_one_day_by_itself(make_lake: MakeLake) -> None:
    lake = make_lake(ports("2026-04-01T10:00", "192.0.2.1", TEN * 2))
    assert classify.run(lake, TOKYO).labels == {"port_scanner": 1}


def test_judging_stores_nothing_and_gives_the_same(make_lake: MakeLake) -> None:
    lake = make_lake(ports("2019-03-01T10:00", "153.231.226.170", TEN))
    basis = classify.Basis.load(TOKYO)
    with open_session(lake, TOKYO) as session:
        ((days, count, frame),) = classify.judge(session, basis, [day("2019-03-01")])
    assert (days, count, frame.height) == ([day("2019-03-01")], 1, 2)
    assert held(lake) == []
    classify.run(lake, TOKYO)
    columns = list(frame.columns)
    assert lake.verdicts().select(columns).sort("label").equals(frame.sort("label"))


def test_ipv6_sources(make_lake: MakeLake, tmp_path: Path) -> None:
    (tmp_path / "v6.csv").write_text("prefix,organisation\n2001:db8::/32,Six\n")
    v6 = "".join(
        "2026-04-01T10:00:00+09:00 router kernel: DROP IN=ppp0 OUT= MAC= SRC=2001:0db8:0000:0000:0000:0000:0000:00"
        f"{n:02x} DST=2001:0db8:ffff:0000:0000:0000:0000:0001 LEN=60 TC=0 HOPLIMIT=50 FLOWLBL=0 PROTO=TCP SPT=4000 DPT={port} "
        "WINDOW=1024 RES=0x00 SYN URGP=0\n"
        for n in (1, 2)
        for port in range(1, 12 if n == 1 else 3)
    )
    (tmp_path / "six.log").write_text(v6)
    lake = Lake.open_or_create(tmp_path / "lake", "Asia/Tokyo")
    chosen = replace(TOKYO, watchlists=(tmp_path / "v6.csv",))
    result = intake.ingest(lake, [str(tmp_path / "six.log")], chosen)
    assert result.judged is not None
    assert result.judged.labels == {"announced_scanner": 2, "port_scanner": 1}
    assert set(lake.verdicts()["prefix_len"]) == {128}


# at the end of an ingest, and where the lake cannot be written -----------------------------------------------------------


def test_an_ingest_judges_the_days_that_it_touched(tmp_path: Path) -> None:
    lake = Lake.open_or_create(tmp_path / "lake", "Asia/Tokyo")
    log = tmp_path / "a.log"

    def ingest(text: str) -> Any:
        log.write_text(text)
        return intake.ingest(lake, [str(log)], TOKYO).judged

    first = line(1, "2019-03-01T10:00:00", "153.231.226.170", "23/tcp")
    assert ingest(first).days == [day("2019-03-01")]
    assert ingest(first) is None  # nothing new
    second = line(2, "2019-03-02T10:00:00", "153.231.226.170", "23/tcp")
    assert ingest(first + second).days == [day("2019-03-02")]
    assert [row[0] for row in held(lake)] == ["2019-03-01", "2019-03-02"]


def test_a_wrong_list_is_told_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_text("nonsense\n")
    (tmp_path / "a.log").write_text(line(1, "2019-03-01T10:00:00", "153.231.226.170", "23/tcp"))
    lake = Lake.open_or_create(tmp_path / "lake", "Asia/Tokyo")
    for chosen in (
        replace(TOKYO, watchlists=(tmp_path / "bad.txt",)),
        replace(TOKYO, ptr_names=tmp_path / "absent.csv"),
    ):
        with pytest.raises(Exception, match=r"bad\.txt|absent\.csv"):
            intake.ingest(lake, [str(tmp_path / "a.log")], chosen)
    assert lake.live_files()[1] == 0


def test_where_somebody_writes_the_verdicts_wait(make_lake: MakeLake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = make_lake([("2019-03-01T10:00:00", "153.231.226.170", "23/tcp")])
    with lake.writer():
        result = classify.refresh(Lake.open(lake.path), TOKYO, wait=0.1)
    assert isinstance(result.trouble, LakeBusyError)
    assert result.stale == [day("2019-03-01")]
    assert result.days == []
    assert classify.refresh(lake, TOKYO).days == [day("2019-03-01")]
    # nothing is stale now: nobody waits
    with lake.writer():
        assert classify.refresh(Lake.open(lake.path), TOKYO, wait=0.1).trouble is None


def test_a_broken_list_does_not_undo_an_ingest(tmp_path: Path, own_folder: Path) -> None:
    own_folder.mkdir(parents=True)
    (own_folder / "torn--1.json").write_text("{")
    (tmp_path / "a.log").write_text(line(1, "2019-03-01T10:00:00", "153.231.226.170", "23/tcp"))
    lake = Lake.open_or_create(tmp_path / "lake", "Asia/Tokyo")
    result = intake.ingest(lake, [str(tmp_path / "a.log")], TOKYO)
    assert result.total.events == 1
    assert result.judged is not None
    assert "torn--1.json" in str(result.judged.trouble)
    assert result.judged.stale == [day("2019-03-01")]
    (own_folder / "torn--1.json").unlink()
    assert classify.run(lake, TOKYO).days == [day("2019-03-01")]


def test_a_refresh_does_not_hide_what_is_wrong_with_the_lists(make_lake: MakeLake, tmp_path: Path) -> None:
    lake = make_lake([("2019-03-01T10:00:00", "153.231.226.170", "23/tcp")])
    with pytest.raises(UsageError):
        classify.refresh(lake, replace(TOKYO, ptr_names=tmp_path / "absent.csv"))


def test_a_hostile_span_of_a_batch(make_lake: MakeLake) -> None:
    """One batch from 1971 to 2100: its days are found without a row for each batch and day in memory."""
    lake = make_lake([("1971-01-01T10:00:00", "192.0.2.1", "23/tcp"), ("2099-12-31T10:00:00", "153.231.226.170", "23/tcp")])
    assert len(classify.stale_days(lake, classify.Basis.load(TOKYO))) == (day("2099-12-31") - day("1971-01-01")).days + 1
    classify.run(lake, TOKYO, [day("2099-12-31")])
    assert held(lake) == [("2099-12-31", "153.231.226.170", "announced_scanner", "NOTICE")]


def test_a_wrong_clock_costs_no_day_for_every_day_between(make_lake: MakeLake, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch from 2018 to 2026: two days have events, and only these are looked at."""
    lake = make_lake([*ports("2018-01-02T10:00", "192.0.2.1", TEN), *ports("2026-12-30T10:00", "192.0.2.2", TEN)])
    made: list[object] = []
    real = verdicts._asked
    monkeypatch.setattr(verdicts, "_asked", lambda *a: made.append(a) or real(*a))
    result = classify.run(lake, TOKYO)
    assert len(made) == 2
    assert len(result.days) > 3_000
    assert [row[0] for row in held(lake) if row[2] == "port_scanner"] == ["2018-01-02", "2026-12-30"]
    assert classify.run(lake, TOKYO).days == []
