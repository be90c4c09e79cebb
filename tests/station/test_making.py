"""From the spool to the lake: each line once, whatever happens in between, and never taken for another segment's."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from teiten import coverage, intake, settings
from teiten.engine import open_session
from teiten.engine.gaps import DOWN, gaps
from teiten.lake import Lake
from teiten.readers import _input, _raw
from teiten.station import _packed, made, streams
from teiten.station.making import Maker
from teiten.station.spool import Spool, Stream

NOW = dt.datetime(2026, 11, 3, 12, tzinfo=dt.UTC).timestamp()


def line(n: int, stamp: str = "Nov  3 12:00:00 gw kernel: ") -> bytes:
    return (
        f"{stamp}IN=ppp0 OUT= MAC= SRC=203.0.113.{n % 250} DST=198.51.100.1 LEN=40 TOS=0x00 PREC=0x00 TTL=50 "
        f"ID={n % 65536} PROTO=TCP SPT=40000 DPT=23 SEQ={n} ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0\n"
    ).encode()


class Station:
    """A spool, and makers of its lake: a new one for each `make(fresh=True)`, as after a kill."""

    def __init__(self, folder: Path) -> None:
        self.spool = Spool.open(folder / "spool")
        self.settings = settings.Settings("UTC", "flag")
        self.settings = dataclasses.replace(self.settings, lake=folder / "lake")
        self.told: list[tuple[str, str]] = []
        self.maker: Maker | None = None
        self.at = NOW

    def stream(self, name: str = "kern", sensor: str = "home", **told: str) -> Stream:
        stream = self.spool.stream(name, sensor, told=told)
        if not stream.last.number:
            stream.run()
        return stream

    def put(self, stream: Stream, *numbers: int, stamp: str = "Nov  3 12:00:00 gw kernel: ") -> None:
        self.at += 1
        stream.commit(b"".join(line(n, stamp) for n in numbers), at=self.at, counts={"received": len(numbers)})

    def put_of_a_file(self, stream: Stream, lines: list[bytes], until: dt.datetime, behind: int = 0) -> None:
        """As the input `file` does: the mark says until when the file was written, and how much of it is still to come."""
        self.at += 1
        mark = {"until": until.timestamp(), "behind": behind}
        stream.commit(b"".join(lines), at=self.at, mark=mark, counts={"received": len(lines)})

    def make(self, *, fresh: bool = False) -> Maker:
        if fresh or self.maker is None:
            self.maker = Maker(self.spool, self.settings, lambda level, text: self.told.append((level, text)))
        done = self.maker.round()
        done.tally.check()
        return self.maker

    @property
    def lake(self) -> Lake:
        return Lake.open(self.settings.lake)

    def rows(self) -> pl.DataFrame:
        files, _ = self.lake.live_files()
        frames = [pl.read_parquet(f.path, columns=["sensor", "time", "time_basis", "tcp_seq"]) for f in files]
        return pl.concat(frames).sort("sensor", "tcp_seq", "time")

    def stored(self) -> list[int]:
        return self.rows()["tcp_seq"].to_list()

    def ingest(self, path: Path, data: bytes) -> int:
        path.write_bytes(data)
        source = dataclasses.replace(_input.of(path), mtime=dt.datetime.fromtimestamp(NOW + 60, dt.UTC))
        return intake.ingest(self.lake, [source], self.settings, sensor="home", judge=False).total.events


@pytest.fixture
def station(tmp_path: Path) -> Station:
    return Station(tmp_path)


@pytest.mark.parametrize("fresh", [False, True], ids=["one maker", "killed each time"])
def test_a_segment_that_grows_adds_its_new_lines(station: Station, fresh: bool) -> None:
    stream = station.stream()
    for n in range(0, 30, 10):
        station.put(stream, *range(n, n + 10))
        station.make(fresh=fresh)
        station.make(fresh=fresh)
        assert station.stored() == list(range(n + 10))
    assert set(station.lake.batches(["source_id"])["source_id"]) == {1}


def test_equal_lines_stay_as_many_as_came(station: Station) -> None:
    kern, other = station.stream(), station.stream("syslog")
    for stream in (kern, other):
        station.put(stream, 1, 1, 2)
        stream.seal()
        station.put(stream, 1, 1, 2)
        station.make()
        station.put(stream, 2)
        station.make(fresh=True)
    assert station.stored() == [1] * 8 + [2] * 6


def test_what_was_stored_by_hand_is_not_doubled(station: Station, tmp_path: Path) -> None:
    station.make()
    assert station.ingest(tmp_path / "kern.log", b"".join(line(n) for n in (*range(20), 19))) == 21
    stream = station.stream()
    station.put(stream, *range(10))
    station.make()
    stream.seal()
    station.put(stream, *range(10, 20), 19, 19, 20)  # it was there twice, and came a third time
    station.make(fresh=True)
    station.put(stream, 20, 21)
    station.make()
    assert station.stored() == sorted([*range(20), 19, 19, 20, 20, 21])
    # and the other way round
    assert station.ingest(tmp_path / "again.log", b"".join(line(n) for n in (20, 20, 21, 22))) == 1


def test_lines_that_only_came_by_hand_before_leave_a_mark_of_how_far_it_came(station: Station, tmp_path: Path) -> None:
    station.make()
    station.ingest(tmp_path / "kern.log", b"".join(line(n) for n in range(20)))
    stream = station.stream()
    station.put(stream, *range(20))
    station.make()
    told = made.read(station.spool.path)
    assert told is not None and told.ends == {f"{stream.about.id}/00000001": stream.last.end} and told.behind == 0
    last = station.lake.batches(["start", "end", "lines", "had_already"]).row(-1)
    assert last == (0, stream.last.end, 20, 20)
    station.make(fresh=True)
    assert station.lake.batches(["batch"]).height == 2


def test_lines_without_a_stamp_have_the_time_at_which_they_came(station: Station) -> None:
    stream = station.stream()
    station.put(stream, 1, stamp="")
    station.put(stream, 2)
    station.put(stream, 3, 4, stamp="<4>")
    station.make()
    rows = station.rows()
    assert rows["time_basis"].to_list() == ["received", "year inferred", "received", "received"]
    assert [t.timestamp() - NOW for t in rows["time"]] == [1, 0, 3, 3]
    stream.seal()
    station.put(stream, 3, stamp="<4>")
    station.make()
    assert station.stored() == [1, 2, 3, 3, 4]


def test_each_stream_counts_for_its_sensor_in_its_zone(station: Station) -> None:
    station.put(station.stream("kern", "tokyo", zone="Asia/Tokyo"), 1)
    station.put(station.stream("kern", "home"), 2)
    station.make()
    found = {row["sensor"]: row["time"].hour for row in station.rows().iter_rows(named=True)}
    assert found == {"tokyo": 3, "home": 12}


def test_made_says_what_is_in_the_lake(station: Station) -> None:
    kern, other = station.stream(), station.stream("syslog", "attic")
    station.put(kern, 1)
    kern.seal()
    station.put(kern, 2)
    station.put(other, 3)
    maker = station.make()
    told = made.read(station.spool.path)
    assert told is not None and told.lake == maker.lake.meta.id and told.behind == 0 and told.trouble is None
    assert told.streams == {kern.about.id: 1, other.about.id: 0} and told.held == told.streams
    assert told.whole(kern.about.id, 1) and not told.whole(kern.about.id, 2)
    assert told.end(kern.about.id, 1, 77) == 77 and told.end(kern.about.id, 2, 10**6) == kern.last.end
    assert told.end(other.about.id, 1, 10**6) == other.last.end and told.end(other.about.id, 2, 10**6) == 0


def test_what_was_taken_out_of_the_lake_is_made_again(station: Station) -> None:
    from teiten.lake import mend

    stream = station.stream()
    station.put(stream, *range(5))
    stream.seal()
    station.put(stream, *range(5, 9))
    station.make()
    station.lake.take_out(lambda path: mend.of_inputs(path, [f"spool:{stream.about.id}/00000001"]))
    assert station.stored() == [5, 6, 7, 8]
    station.put(stream, 9)
    station.make()
    assert station.stored() == list(range(10))


def test_a_segment_that_cannot_be_read_does_not_hold_up_the_others(station: Station) -> None:
    broken, good = station.stream(format="nothing"), station.stream("syslog", "attic")
    station.put(broken, 1)
    station.put(good, 2)
    station.make()
    station.make()
    assert station.stored() == [2]
    assert [level for level, _ in station.told if level == "error"] == ["error"]
    told = made.read(station.spool.path)
    assert told is not None and not any(told.streams.values()) and told.behind
    assert ("error", told.trouble) in station.told


def test_bytes_that_are_gone_before_the_lake_had_them_are_a_loss_with_a_number(station: Station) -> None:
    stream = station.stream()
    station.put(stream, 1, 2, 3)
    station.make()
    station.put(stream, 4, 5)
    stream.seal()
    station.put(stream, 6)
    (stream.folder / "00000001.data").unlink()
    station.make(fresh=True)
    assert station.stored() == [1, 2, 3, 6]
    rows = station.lake.watching()
    assert (rows["received"].sum(), rows["dropped_spool"].sum()) == (6, 2)
    told = made.read(station.spool.path)
    assert told is not None and told.whole(stream.about.id, 1) and told.behind == 0
    station.make(fresh=True)
    assert [level for level, _ in station.told if level == "error"] == ["error"]


def test_when_inputs_were_alive_and_what_they_lost_goes_with_it(station: Station) -> None:
    stream = station.stream(keeps="yes")
    own = station.spool.stream("kern", None)
    own.run()
    own.commit(counts={"dropped_kernel": 7})
    for n in range(3):
        station.put(stream, n)
        station.make(fresh=n == 1)
    stream.seal()
    station.at += 30
    station.put(stream, 5)
    station.make(fresh=True)
    rows = station.lake.watching()
    mine = rows.filter(pl.col("sensor") == "home")
    assert mine["received"].sum() == 4 and mine["keeps"].all() and mine["bytes"].sum() == 0
    assert rows.filter(pl.col("sensor").is_null())["dropped_kernel"].to_list() == [7]
    assert mine["end"][-1].timestamp() == station.at
    before = mine
    station.settings = dataclasses.replace(station.settings, lake=station.settings.lake.with_name("anew"))
    station.make(fresh=True)
    assert station.lake.watching().filter(pl.col("sensor") == "home").drop("last_batch").equals(before.drop("last_batch"))


@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.full) for n in range(1, 6))])
def test_a_lake_made_anew_has_the_same_rows(station: Station, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    streams = [station.stream(name, sensor) for name, sensor in (("a", "home"), ("b", "home"), ("c", "attic"))]
    n = 0
    for _ in range(20):
        stream = chance.choice(streams)
        many = chance.randint(1, 5)
        station.put(stream, *range(n, n + many), stamp=chance.choice(["", "Nov  3 11:59:59 gw kernel: "]))
        n += many
        if chance.random() < 0.2:
            stream.seal()
        if chance.random() < 0.3:
            station.make(fresh=chance.random() < 0.3)
    station.make()
    before = station.rows()
    assert before.height == n
    station.settings = dataclasses.replace(station.settings, lake=tmp_path / "anew")
    station.make(fresh=True)
    assert station.rows().equals(before)


def test_a_maker_ends_when_its_station_does(station: Station, tmp_path: Path) -> None:
    """The end of its standard input means a last round; where the lake cannot be had, it says so and ends all the same."""
    station.put(station.stream(), 1, 2, 3)
    command = [sys.executable, "-m", "teiten.station.making", "--spool", str(station.spool.path), "--lake"]
    good = subprocess.run([*command, str(tmp_path / "lake")], input=b"", capture_output=True, timeout=120, check=False)
    assert good.returncode == 0 and station.stored() == [1, 2, 3], good.stderr


def test_a_lake_that_is_gone_is_told_and_how_much_waits(station: Station) -> None:
    stream = station.stream()
    station.put(stream, 1)
    maker, last = station.make(), threading.Event()
    last.set()
    (station.settings.lake / "lake.toml").unlink()
    station.put(stream, 2)
    assert not maker.work(last)
    told = made.read(station.spool.path)
    assert told is not None and told.trouble and told.behind == len(line(2))
    assert [level for level, _ in station.told] == ["debug", "error", "error"]


def test_an_events_line_comes_back_from_the_evidence(station: Station) -> None:
    """Also when it is packed; when it is no longer kept, that is said."""
    stream = station.stream()
    for n in range(0, 40, 5):
        station.put(stream, *range(n, n + 5))
    stream.seal()
    station.make()
    files, _ = station.lake.live_files()
    rows = pl.concat([pl.read_parquet(one.path, columns=["source_id", "source_pos", "tcp_seq"]) for one in files])
    places = {(source, pos): seq for source, pos, seq in rows.iter_rows()}
    expected = {place: line(seq).decode().rstrip("\n") for place, seq in places.items()}
    data = stream.folder / "00000001.data"
    _packed.pack(data, data.stat().st_size)
    for packed in (False, True):
        if packed:
            data.unlink()
        found = _raw.lines(station.lake, places, station.settings.reading)
        assert {place: one.text for place, one in found.items()} == expected
    data.with_name("00000001.data.zst").unlink()
    assert {one.why for one in _raw.lines(station.lake, places, station.settings.reading).values()} == {_raw.GONE}


def dated(n: int, at: dt.datetime) -> bytes:
    return line(n, f"{at:%b} {at.day:2d} {at:%H:%M:%S} gw kernel: ")


@pytest.mark.parametrize("rounds", ["at the end", "each time", "each time, killed"])
def test_an_old_log_without_years_has_those_of_its_file(station: Station, rounds: str) -> None:
    """Three years of a quiet line, read years later in pieces: as `teiten ingest` reads them from the file."""
    start = dt.datetime(2016, 6, 1, tzinfo=dt.UTC)
    times = [start + dt.timedelta(hours=13 * n) for n in range(2000)]
    stream = station.stream()
    for begin in range(0, 2000, 400):
        lines = [dated(n, times[n]) for n in range(begin, begin + 400)]
        station.put_of_a_file(stream, lines, times[-1], (1600 - begin) * 2000)
        if rounds != "at the end":
            station.make(fresh="killed" in rounds)
    station.put(stream, 5000)  # and then what is new
    station.make()
    rows = station.rows()
    assert rows.height == 2001 and set(rows["time_basis"]) == {"year inferred"}
    assert rows.filter(pl.col("tcp_seq") < 2000)["time"].to_list() == times
    assert rows["time"][-1].timestamp() == NOW


@pytest.mark.parametrize("cut", [1, 7, 100])
def test_seconds_since_boot_count_to_when_they_came(station: Station, cut: int) -> None:
    stream = station.stream()
    first = [line(n, f"[{1000 + n:5d}.500000] ") for n in range(cut)]
    again = [line(100 + n, f"[{5 + n:5d}.000000] ") for n in range(3)]  # after a reboot
    station.put_of_a_file(stream, first, dt.datetime.fromtimestamp(NOW + 1, dt.UTC))
    station.make()
    station.put_of_a_file(stream, again, dt.datetime.fromtimestamp(NOW + 90, dt.UTC))
    station.make(fresh=True)
    rows = station.rows()
    assert set(rows["time_basis"]) == {"boot inferred"}
    assert [t.timestamp() - NOW for t in rows["time"]] == [*(1 - (cut - 1 - n) for n in range(cut)), 0, 1, 2]


def test_a_spool_that_was_set_back_doubles_nothing(station: Station) -> None:
    """What the lake has of a segment is not what stands in it any more (an older copy was put back): its lines are compared."""
    stream = station.stream()
    station.put(stream, 1, 2)
    length = (stream.folder / "00000001.data").stat().st_size
    station.put(stream, 3, 4)
    station.make()
    stream.close()
    chain = stream.folder / "00000001.chain"
    chain.write_bytes(b"".join(chain.read_bytes().splitlines(keepends=True)[:-1]))
    os.truncate(stream.folder / "00000001.data", length)
    again = station.spool.stream("kern", "home")
    again.run()
    station.put(again, 4, 5)
    station.make(fresh=True)
    station.make(fresh=True)
    assert station.stored() == [1, 2, 3, 4, 5]


def test_many_sensors_are_stored_together(station: Station) -> None:
    streams = [station.stream("udp", f"s{n:02d}") for n in range(5)]
    for n in range(3):
        for place, stream in enumerate(streams):
            station.put(stream, 100 * place + n)
        station.make()
    assert len(station.stored()) == 15
    rows = station.lake.batches(["batch", "sensor", "events"])
    assert rows["batch"].to_list() == list(range(1, 16)) and rows["events"].sum() == 15
    log = list((station.settings.lake / "events" / "_delta_log").glob("*.json"))
    assert len(log) == 4  # one that makes the table, one a round


class Clock:
    """The time of a station that is lived through quickly."""

    CLOCK_BOOTTIME = 7
    CLOCK_MONOTONIC = 1

    def __init__(self, at: float) -> None:
        self.at, self.up = at, 1000.0

    def time(self) -> float:
        return self.at

    def clock_gettime(self, _which: int) -> float:
        return self.up

    def passes(self, seconds: float) -> None:
        self.at, self.up = self.at + seconds, self.up + seconds


@pytest.mark.full
def test_a_hundred_outages_are_gaps(
    station: Station, monkeypatch: pytest.MonkeyPatch, figure: Callable[[int, str], None]
) -> None:
    """Promise 9: a station that is stopped, killed, put to sleep, and switched off; on a line that hardly sees a packet."""
    chance, clock = random.Random(9), Clock(NOW)
    monkeypatch.setattr(streams, "time", clock)
    beat, outages = 300.0, []
    stream = station.spool.stream("udp", "home")
    stream.run({"heartbeat": beat})
    n = 0
    for _ in range(100):
        for _ in range(chance.randint(2, 30)):
            clock.passes(beat)
            if chance.random() < 0.02:
                stream.commit(line(n, ""), at=clock.at, counts={"received": 1})
                n += 1
            else:
                stream.commit()
        begin, kind = clock.at, chance.choice(["stopped", "killed", "asleep", "off"])
        if kind == "stopped":
            stream.stop()
        away = chance.uniform(11 * 60, 8 * 3600)
        clock.passes(away)
        if kind == "asleep":
            stream.commit()
        else:
            stream.close()
            clock.up = 100.0 if kind == "off" else clock.up
            stream = station.spool.stream("udp", "home")
            stream.run({"heartbeat": beat})
        outages.append((begin, clock.at))
        if chance.random() < 0.2:
            station.make(fresh=chance.random() < 0.5)
    clock.passes(beat)
    stream.commit()
    station.make()
    low, high = (dt.datetime.fromtimestamp(t, dt.UTC) for t in (NOW, clock.at))
    with open_session(station.lake, station.settings) as session:
        found = [(row["start"].timestamp(), row["end"].timestamp(), row["reason"]) for row in gaps(session, low, high)]
        watched = coverage.watched(session, low, high)
    shown = sum(any(abs(a - c) < 1 and abs(b - d) < 1 and reason == DOWN for c, d, reason in found) for a, b in outages)
    zeros = sum(any(s.start.timestamp() < b - 1 and s.end.timestamp() > a + 1 for s in watched) for a, b in outages)
    assert n and (shown, zeros, len(found)) == (100, 0, 100)
    figure(9, f"{shown} of 100 outages of a station shown as gaps, {zeros} as zeros, on a line with {n} packets")
