"""Events go after their time; what they came to stays, nothing comes in twice, and a kill on the way loses nothing."""

from __future__ import annotations

import datetime as dt
import struct
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from teiten import coverage, intake, retention, rollup
from teiten.cli import main
from teiten.engine import open_session, questions
from teiten.engine.gaps import gaps
from teiten.errors import LakeError
from teiten.lake import Lake
from teiten.settings import Keeping, Settings

sys.path.insert(0, str(Path(__file__).parent / "lake"))

TOKYO = dt.timezone(dt.timedelta(hours=9))
DAYS = [dt.date(2026, 4, 1) + dt.timedelta(days=n) for n in range(4)]
NOW = dt.datetime(2026, 4, 5, 12, tzinfo=TOKYO)
SETTINGS = Settings("Asia/Tokyo", "flag", keeping=Keeping(keep_events=2))
LINE = (
    "{time} router kernel: DROP IN=ppp0 OUT= MAC= SRC=203.0.113.{n} DST=198.51.100.1 LEN=40 TOS=0x00 PREC=0x00 TTL=50 ID={n} "
    "PROTO=TCP SPT=40000 DPT={port} SEQ={n} ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0\n"
)


def log(path: Path, days: list[dt.date], every: int = 30) -> Path:
    """A line every so many minutes of those days (of Tokyo)."""
    times = [
        dt.datetime.combine(day, dt.time(), TOKYO) + dt.timedelta(minutes=m) for day in days for m in range(0, 1440, every)
    ]
    path.write_text("".join(LINE.format(time=t.isoformat(), n=n % 200 + 1, port=20 + n % 5) for n, t in enumerate(times)))
    return path


@pytest.fixture
def lake(tmp_path: Path, once: Callable[[Callable[[Path], object], Path], Path]) -> Lake:
    """Two logs of two days each, which the days of UTC cut otherwise than those of Tokyo: 96 events each."""
    return Lake.open(once(_two_logs, tmp_path) / "lake")


def _two_logs(folder: Path) -> None:
    lake = Lake.create(folder / "lake", "Asia/Tokyo")
    for n in (0, 2):
        found = intake.ingest(lake, [str(log(folder / f"{n}.log", DAYS[n : n + 2]))], replace(SETTINGS, keeping=Keeping()))
        assert found.total.events == 96


def carried_out(lake: Lake, settings: Settings = SETTINGS) -> int:
    wanted = retention.plan(lake, settings, NOW)
    assert wanted is not None
    return retention.carry_out(lake, settings, wanted, grace=0)


def held(lake: Lake) -> list[str]:
    with open_session(lake, replace(SETTINGS, keeping=Keeping())) as session:
        return [row["t"] for row in session.query("SELECT strftime(time, '%m-%d %H:%M') AS t FROM events ORDER BY time")]


def asked(lake: Lake) -> list[Any]:
    """What a month's report asks for: all of it may be answered without events."""
    start, end = (dt.datetime(2026, month, 1, tzinfo=TOKYO) for month in (4, 5))
    with open_session(lake, SETTINGS) as session:
        return [
            list(questions.rank(session, "ports", start, end)),
            [
                {k: v for k, v in row.items() if k in ("packets", "hosts", "events")}
                for row in questions.totals(session, start, end)
            ],
            list(gaps(session, start, end)),
            coverage.watched(session, start, end),
        ]


def test_what_would_go_is_said_first(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    wanted = retention.plan(lake, SETTINGS, NOW)
    assert wanted is not None and wanted.days == (DAYS[0], DAYS[1]) and wanted.first_kept == DAYS[2]
    assert (wanted.because, wanted.weight.files, wanted.weight.events) == ("keep_events", 1, 96)
    (tmp_path / "teiten.toml").write_text('zone = "Asia/Tokyo"\n[lake]\npath = "lake"\nkeep_events = "2d"\n')
    monkeypatch.setenv("TEITEN_CONFIG", str(tmp_path / "teiten.toml"))
    assert main(["lake", "retain", "--dry-run"]) == 0
    assert "to go by [lake] keep_events: 4 days (2026-04-01 to 2026-04-04), 192 events" in capsys.readouterr().err
    assert lake.kept_since() is None and len(held(lake)) == 192


def test_events_go_and_their_counts_stay(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    before = asked(lake)
    assert carried_out(lake) == 96
    assert main(["lake", "status", "--lake", str(lake.path), "--tz", "Asia/Tokyo"]) == 0
    assert "events are kept since 2026-04-03 (Asia/Tokyo)" in capsys.readouterr().err
    assert lake.kept_since() == dt.datetime(2026, 4, 3, tzinfo=TOKYO)
    assert lake.dropped_days("Asia/Tokyo") == {DAYS[0], DAYS[1]}
    assert held(lake)[0] == "04-03 00:00" and len(held(lake)) == 96
    assert len(list((lake.path / "events").glob("*.parquet"))) == 1
    assert asked(lake) == before
    assert retention.plan(lake, SETTINGS, NOW) is None
    # nothing of the days is made again, whatever changes
    assert coverage.refresh(lake, SETTINGS) == [] and rollup.stale(lake, SETTINGS, DAYS[:2]) == {}


def test_a_file_that_the_moment_cuts_keeps_its_rest(lake: Lake) -> None:
    with lake.writer() as writer:
        from teiten.lake import compact

        compact.run(writer, grace=0)
    settings = replace(SETTINGS, keeping=Keeping(keep_events=3))
    wanted = retention.plan(lake, settings, NOW)
    assert wanted is not None and wanted.days == (DAYS[0],) and wanted.weight.cut == 1
    assert carried_out(lake, settings) == 48
    assert held(lake)[0] == "04-02 00:00" and len(held(lake)) == 144


def test_what_was_dropped_does_not_come_back(lake: Lake, tmp_path: Path) -> None:
    carried_out(lake)
    names = [str(tmp_path / "0.log"), str(tmp_path / "2.log")]
    assert intake.ingest(lake, names, SETTINGS, judge=False).total.events == 0
    late = log(tmp_path / "late.log", DAYS[1:3], every=7)
    tally = intake.ingest(lake, [str(late)], SETTINGS, sensor="other", judge=False).total
    assert tally.ignored["expired"] == 206 and tally.events == 206 and tally.lines == 412
    again = log(tmp_path / "again.log", DAYS[1:3], every=7)
    again.write_text("".join(again.read_text().splitlines(keepends=True)[1:]))
    tally = intake.ingest(lake, [str(again)], SETTINGS, sensor="other", judge=False).total
    assert tally.events == 0 and len(held(lake)) == 96 + 206


def capture(path: Path, first: int, after: int) -> Path:
    """Packets number `first` to `after` (without it) of one every ten minutes since the first day's beginning, as raw IP."""
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    for n in range(first, after):
        syn = struct.pack(">HHIIBBHHH", 40000, 23, n, 0, 0x50, 2, 1024, 0, 0)
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40, n, 0, 60, 6, 0, bytes([203, 0, 113, n % 250]), bytes([198, 51, 100, 1]))
        moment = dt.datetime.combine(DAYS[0], dt.time(), TOKYO) + dt.timedelta(minutes=10 * n)
        out += struct.pack("<IIII", int(moment.timestamp()), n, 40, 40) + ip + syn
    path.write_bytes(out)
    return path


@pytest.mark.full
def test_captures_of_dropped_days_do_not_come_back(tmp_path: Path) -> None:
    lake, settings = Lake.create(tmp_path / "dark", "Asia/Tokyo"), replace(SETTINGS, keeping=Keeping(keep_events=3))
    whole = capture(tmp_path / "a.pcap", 0, 288)
    assert intake.ingest(lake, [str(whole)], replace(SETTINGS, keeping=Keeping()), judge=False).total.events == 288
    assert carried_out(lake, settings) == 144
    tally = intake.ingest(lake, [str(whole)], settings, judge=False).total
    assert (tally.events, tally.had_already) == (0, 288)  # by its bytes
    for n in range(2):
        tally = intake.ingest(lake, [str(capture(tmp_path / f"{n}.pcap", 72 + n, 300 + n))], settings, judge=False).total
        assert (tally.ignored["expired"], tally.had_already) == (72 - n, 144 + 12 * n)
        assert tally.events == 12 if n == 0 else tally.events == 1
    assert len(held(lake)) == 144 + 13


def test_nothing_goes_before_its_counts_are_there(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollup, "kept", lambda *_: set())
    with pytest.raises(LakeError, match="No events were dropped"):
        carried_out(lake)
    assert lake.kept_since() is None and len(held(lake)) == 192


def test_what_comes_in_meanwhile_stops_it(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real: Callable[..., set[dt.date]] = rollup.kept
    asked: list[int] = []

    def kept(*args: Any) -> set[dt.date]:
        asked.append(1)
        if len(asked) == 1:
            found = real(*args)
            intake.ingest(lake, [str(log(tmp_path / "x.log", DAYS[:1], every=11))], SETTINGS, sensor="x", judge=False)
            return found
        return real(*args)

    monkeypatch.setattr(rollup, "kept", kept)
    with pytest.raises(LakeError, match="changed meanwhile"):
        carried_out(lake)
    assert lake.kept_since() is None


def test_a_kill_at_any_step(lake: Lake) -> None:
    from dying import dying
    from making import batch, events

    with lake.writer() as writer:
        from teiten.lake import compact

        compact.run(writer, grace=0)
    settings = replace(SETTINGS, keeping=Keeping(keep_events=3))
    wanted = retention.plan(lake, settings, NOW)
    assert wanted is not None
    before = asked(lake)
    rollup.ensure(lake, settings, wanted.days)
    after = [t for t in held(lake) if t >= "04-02"]
    deaths, ended = 0, False
    while not ended:
        with dying(deaths) as died:
            lake.drop_before(wanted.since, lambda: True, grace=0)
        ended = not died
        deaths += not ended
        assert [t for t in held(Lake.open(lake.path)) if t >= "04-02"] == after
    assert deaths > 3 and held(lake) == after and asked(lake) == before
    # written down and not done: the next writer does it
    with lake.writer() as writer:
        writer.commit(batch(1), events([{"time": NOW}]))
    with dying(4), pytest.raises(BaseException):  # noqa: B017
        lake.drop_before(wanted.since + dt.timedelta(days=1), lambda: True, grace=0)
        raise KeyboardInterrupt
    with Lake.open(lake.path).writer():
        pass
    since = Lake.open(lake.path).kept_since()
    assert since is not None and since > wanted.since and held(lake)[0] == "04-03 00:00"


def test_the_disk_that_it_may_take_is_told_before_it_acts(lake: Lake) -> None:
    whole = retention.size(lake)
    near = replace(SETTINGS, keeping=Keeping(disk=round(whole / 0.9)))
    assert retention.plan(lake, near, NOW) is None
    (said,) = retention.near_the_limit(lake, near, NOW)
    assert "the events of 2026-04-01 would go first" in said
    over = replace(SETTINGS, keeping=Keeping(disk=whole - 1))
    wanted = retention.plan(lake, over, NOW)
    assert wanted is not None and wanted.because == "disk" and wanted.days[0] == DAYS[0] and len(wanted.days) == 1
    assert retention.near_the_limit(lake, replace(SETTINGS, keeping=Keeping(disk=10 * whole)), NOW) == []


@pytest.mark.full
def test_a_writer_lets_go_by_itself(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake", "Asia/Tokyo")
    names = [str(log(tmp_path / "0.log", DAYS))]
    assert intake.ingest(Lake.create(tmp_path / "other", "UTC"), names, SETTINGS).notes == []  # not the lake that was meant
    found = intake.ingest(lake, names, replace(SETTINGS, lake=lake.path))
    assert found.judged is not None and any("192 events of 2026-04-01 to 2026-04-04" in note for note in found.notes)
    assert held(lake) == [] and lake.kept_since() == dt.datetime(2026, 4, 5, tzinfo=TOKYO)
    assert asked(lake)[1][0]["packets"] == 192


def evidence(lake: Lake, days: list[dt.date]) -> int:
    """An answer of an address at noon of each of those days (of Tokyo); how many were new."""
    from teiten.lake import device

    rows = [
        {
            **dict.fromkeys(device.GIVEN),
            "src_ip": bytes([203, 0, 113, n]),
            "time": dt.datetime.combine(day, dt.time(12), TOKYO),
            "protocol": 6,
            "port": 80,
            "title": f"camera {n}",
            "origin": "shodan",
        }
        for n, day in enumerate(days)
    ]
    return lake.add_devices([{name: row[name] for name in device.GIVEN} for row in rows])


def test_evidence_of_devices_has_a_time_of_its_own(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    assert evidence(lake, DAYS) == 4
    assert carried_out(lake) == 96
    assert lake.devices(["time"]).height == 4, "it stays when events go"
    kept = replace(SETTINGS, keeping=Keeping(keep_devices=2))
    assert retention.old_devices(lake, SETTINGS, NOW) is None
    assert retention.old_devices(lake, kept, NOW) == (dt.datetime(2026, 4, 3, tzinfo=TOKYO), 2)
    assert retention.old_devices(lake, replace(SETTINGS, keeping=Keeping(keep_devices=10**7)), NOW) is None
    (tmp_path / "teiten.toml").write_text('zone = "Asia/Tokyo"\n[lake]\npath = "lake"\nkeep_devices = "1d"\n')
    monkeypatch.setenv("TEITEN_CONFIG", str(tmp_path / "teiten.toml"))
    assert main(["lake", "retain", "--dry-run"]) == 0
    assert "4 rows of evidence of devices from before" in capsys.readouterr().err
    assert lake.devices(["time"]).height == 4
    assert retention.drop_devices(lake, kept, NOW) == 2
    assert lake.devices(["time"])["time"].min() == dt.datetime(2026, 4, 3, 12, tzinfo=TOKYO)
    assert len(held(lake)) == 96, "and events stay when it goes"
    assert evidence(lake, DAYS) == 0, "what was dropped is not taken in again"
    assert main(["lake", "retain"]) == 0
    assert "2 rows of evidence are no longer kept" in capsys.readouterr().err and lake.devices(["time"]).height == 0


def test_an_ingest_drops_evidence_that_is_too_old(lake: Lake, tmp_path: Path) -> None:
    evidence(lake, DAYS[:1])
    settings = replace(SETTINGS, lake=lake.path, keeping=Keeping(keep_devices=30))
    found = intake.ingest(lake, [str(log(tmp_path / "new.log", [dt.date(2026, 4, 9)]))], settings)
    assert any("1 rows of evidence of devices are no longer kept" in note for note in found.notes), found.notes
    assert lake.devices(["time"]).height == 0
