"""Every check of the doctor, before a healthy lake and before one that was sabotaged so that it must speak."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st

from teiten import doctor, intake, settings
from teiten.cli import main
from teiten.doctor import Result, firewall
from teiten.doctor import lake as lake_checks
from teiten.lake import Lake
from teiten.readers import _input

NOW = dt.datetime(2026, 4, 5, 3, 0, tzinfo=dt.UTC)
JST = dt.timezone(dt.timedelta(hours=9))
TAIL = "PROTO=TCP SPT=40000 DPT=23 SEQ=7 ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0"


def line(
    at: dt.datetime, *, stamp: str = "", prefix: str = "DROP ", way: str = "IN=ppp0 OUT=", tail: str = TAIL, n: int = 1
) -> str:
    when = stamp or at.astimezone(JST).isoformat(timespec="seconds")
    ends = f"SRC=192.0.2.{n % 250 + 1} DST=198.51.100.23"
    return f"{when} gw kernel: {prefix}{way} MAC= {ends} LEN=40 TOS=0x00 PREC=0x00 TTL=9 ID=1 {tail}\n"


def minutes(count: int, *, until: dt.datetime = NOW, seed: int = 3) -> list[dt.datetime]:
    """Moments at random, one in three minutes as a mean, the last two minutes before the end."""
    draw = random.Random(seed)
    at, out = until - dt.timedelta(minutes=2), []
    for _ in range(count):
        out.append(at.replace(microsecond=0))
        at -= dt.timedelta(minutes=draw.expovariate(1 / 3))
    return out[::-1]


def healthy() -> list[str]:
    return [line(at, n=n) for n, at in enumerate(minutes(1500))]


def save(lines: Iterable[str], folder: Path, name: str = "router.log", written: dt.datetime = NOW) -> Path:
    path = folder / name
    path.write_text("".join(lines), encoding="utf-8")
    os.utime(path, (written.timestamp(), written.timestamp()))
    return path


def examine(
    log: Path, *, now: dt.datetime = NOW, zone: str = "Asia/Tokyo", config: str = "", year: int | None = None
) -> dict[str, list[Result]]:
    """What the doctor says of a log, by check."""
    file = log.parent / "teiten.toml"
    file.write_text(config, encoding="utf-8")
    chosen = settings.load(config=file, zone=zone, lake=log.parent / "no-lake")
    with doctor.open_patient(chosen, [str(log)], now, zone=zone, year=year) as patient:
        out: dict[str, list[Result]] = {}
        for result in doctor.run(patient):
            out.setdefault(result.check, []).append(result)
        return out


def one(found: dict[str, list[Result]], check: str) -> Result:
    assert len(found[check]) == 1
    return found[check][0]


def ill(found: dict[str, list[Result]]) -> set[str]:
    """Checks that are not content, but for the lake that is not there."""
    return {r.check for results in found.values() for r in results if r.state != "ok"} - {"lake"}


def test_checks_are_found_and_each_is_tried_here() -> None:
    known = set(doctor.checks())
    text = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    assert {name for name in known if f'"{name}"' not in text} == set()
    assert all(check.__doc__ for check in doctor.checks().values())


def test_a_healthy_log_is_ok(tmp_path: Path) -> None:
    found = examine(save(healthy(), tmp_path))
    assert ill(found) == set()
    assert "1,500 lines, 1,500 of them records" in one(found, "format").seen


# arrival -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "written", "state"), [(0, 0, "ok"), (1, 1, "wrong"), (1, 0, "look"), (90, 90, "look"), (90, 0, "look")]
)
def test_arriving(tmp_path: Path, days: int, written: int, state: str) -> None:
    """A log that others still write into, and one that is a copy of then."""
    log = save(healthy(), tmp_path, written=NOW + dt.timedelta(days=written))
    found = one(examine(log, now=NOW + dt.timedelta(days=days)), "arriving")
    assert found.state == state
    assert (f"last event {days} day" in found.seen or days <= 1) and "2026-04-05 11:58" in found.seen
    assert "an hour" in found.seen and bool(found.mend) == (state != "ok")


def test_arriving_counts_for_each_sensor_as_configured(tmp_path: Path) -> None:
    log = save(healthy(), tmp_path)
    over = '[sensor.home]\npaths = ["*.log"]\nto = 2026-04-05\n'
    assert "run is over" in one(examine(log, config=over, now=NOW + dt.timedelta(days=9)), "arriving").seen


def test_sensors(tmp_path: Path) -> None:
    log = save(healthy(), tmp_path)
    config = '[sensor.garden]\npaths = ["garden/*"]\n[sensor.later]\nfrom = 2027-01-01\n'
    silent, strange = examine(log, config=config)["sensors"]
    assert (silent.state, strange.state) == ("wrong", "look")
    assert "sensor garden" in silent.seen and "garden/*" in silent.mend and "home" in strange.seen
    assert one(examine(log, config='[sensor.home]\npaths = ["*.log"]\n'), "sensors").state == "ok"
    assert "sensors" not in examine(log)


def test_no_two_checks_have_one_name() -> None:
    both = [(module, name, value) for module in doctor._modules() for name, value in vars(module).items()]
    names = [name for module, name, value in both if name.startswith("check_") and value.__module__ == module.__name__]
    assert len(names) == len(set(names))


def test_nothing_there(tmp_path: Path) -> None:
    found = examine(save(["gw dropbear[1]: Exit before auth\n"] * 5, tmp_path))
    assert one(found, "arriving").state == "wrong" and one(found, "arriving").seen == "no event at all"


# reading -----------------------------------------------------------------------------------------------------------


def test_format(tmp_path: Path) -> None:
    picture = tmp_path / "router.log"
    picture.write_bytes(bytes(range(256)) * 100)
    assert one(examine(picture), "format").state == "wrong"
    picture.unlink()
    gone = one(examine(picture), "format")
    assert gone.state == "wrong" and "router.log" in gone.seen


@pytest.mark.parametrize(("every", "state"), [(500, "ok"), (20, "look"), (3, "wrong")])
def test_rejected(tmp_path: Path, every: int, state: str) -> None:
    """Cut lines: how many, why, and where the first one is."""
    lines = healthy()
    for n in range(every - 1, len(lines), every):
        lines[n] = lines[n].partition("DST=")[0] + "\n"
    found = one(examine(save(lines, tmp_path)), "rejected")
    assert found.state == state
    assert f"{len(lines) // every:,} records" in found.seen and "cut before the addresses end" in found.seen
    assert f"such as line {every:,}:" in found.seen and "\x1b" not in found.seen


# clock -------------------------------------------------------------------------------------------------------------


def test_future(tmp_path: Path) -> None:
    lines = [line(at + dt.timedelta(hours=9), n=n) for n, at in enumerate(minutes(300))]
    found = one(examine(save(lines, tmp_path)), "future")
    assert found.state == "wrong" and "by up to 9 hours" in found.seen and "set `zone`" in found.mend
    lines = [*healthy(), line(NOW + dt.timedelta(days=400))]
    found = one(examine(save(lines, tmp_path)), "future")
    assert found.state == "wrong" and found.seen.startswith("1 event in the future") and "NTP" in found.mend


def test_jumps(tmp_path: Path) -> None:
    lines = healthy()
    back = [*lines[:700], *lines[800:820], *lines[700:800], *lines[820:]]
    found = one(examine(save(back, tmp_path)), "jumps")
    assert found.state == "look" and "goes back 1 time," in found.seen
    older = [line(at - dt.timedelta(days=20)) for at in minutes(30)]
    assert one(examine(save([*lines[:700], *older, *lines[700:]], tmp_path)), "jumps").state == "wrong"
    boot = [line(dt.datetime(1970, 1, 1, 0, n, tzinfo=dt.UTC)) for n in range(9)]
    found = one(examine(save([*lines[:700], *boot, *lines[700:]], tmp_path)), "jumps")
    assert found.state == "wrong" and "9 events from before 2001" in found.seen


def test_year_less(tmp_path: Path) -> None:
    lines = [line(at, stamp=at.astimezone(JST).strftime("%b %e %H:%M:%S")) for at in minutes(100)]
    found = one(examine(save(lines, tmp_path)), "year less")
    assert found.state == "look" and "100.0 %" in found.seen and "the year" in found.seen


def test_zone(tmp_path: Path) -> None:
    """A log that keeps UTC, read as Tokyo's: it ends nine hours before its file was written; read as New York's, after."""
    lines = [line(at, stamp=at.strftime("%Y-%m-%dT%H:%M:%S")) for at in minutes(1500)]
    found = one(examine(save(lines, tmp_path)), "zone")
    assert found.state == "look" and "9 hours before" in found.seen and "UTC+0" in found.mend
    found = one(examine(save(lines, tmp_path), zone="America/New_York"), "zone")
    assert found.state == "wrong" and "4 hours after" in found.seen and "UTC+0" in found.mend
    assert "agree with UTC in 1 of 1 input" in one(examine(save(lines, tmp_path), zone="UTC"), "zone").seen


def test_summer_time(tmp_path: Path) -> None:
    """Berlin went to summer time on 29 March 2026 at 1 o'clock UTC; this router's clock stayed at UTC+1."""
    end = dt.datetime(2026, 3, 30, tzinfo=dt.UTC)
    standard = dt.timezone(dt.timedelta(hours=1))
    moments = minutes(1500, until=end)
    lines = [line(at, stamp=at.astimezone(standard).strftime("%Y-%m-%dT%H:%M:%S")) for at in moments]
    found = one(examine(save(lines, tmp_path, written=end), zone="Europe/Berlin", now=end), "summer time")
    assert found.state == "look" and "may not keep summer time" in found.seen
    right = [line(at) for at in moments]
    found = one(examine(save(right, tmp_path, written=end), zone="Europe/Berlin", now=end), "summer time")
    assert found.state == "ok" and "in 1 case" in found.seen


# firewall ----------------------------------------------------------------------------------------------------------


def test_dropped(tmp_path: Path) -> None:
    accepted = [line(at, prefix="ACCEPT ") for at in minutes(200)]
    assert one(examine(save(accepted, tmp_path)), "dropped").state == "wrong"
    nothing = [line(at, prefix="") for at in minutes(200)]
    assert one(examine(save(nothing, tmp_path)), "dropped").state == "look"


def test_limit(tmp_path: Path) -> None:
    """UFW's three a minute, while a storm goes on for two hours."""
    begin = NOW - dt.timedelta(minutes=125)
    storm = [line(begin + dt.timedelta(seconds=20 * n)) for n in range(360)]
    found = one(examine(save([*healthy()[:1000], *storm], tmp_path)), "limit")
    assert found.state == "look" and "exactly 3 records" in found.seen and "3/minute" in found.mend


@how(max_examples=20, deadline=None)
@given(st.floats(0.05, 60), st.integers(0, 10**6))
def test_chance_is_no_limit(rate: float, seed: int) -> None:
    draw = random.Random(seed)
    times: dict[int, int] = {}
    for _ in range(4000):
        n, t = 0, draw.expovariate(rate)
        while t < 1:
            n, t = n + 1, t + draw.expovariate(rate)
        if n:
            times[n] = times.get(n, 0) + 1
    assert firewall.limited(times) is None


def test_sequence(tmp_path: Path) -> None:
    bare = TAIL.replace("SEQ=7 ACK=0 ", "")
    found = one(examine(save([line(at, tail=bare) for at in minutes(200)], tmp_path)), "sequence")
    assert found.state == "look" and "100.0 %" in found.seen and "--log-tcp-sequence" in found.mend


# data, own side ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "state"),
    [(NOW, "ok"), (dt.datetime(2026, 12, 1, tzinfo=dt.UTC), "look"), (dt.datetime(2029, 1, 1, tzinfo=dt.UTC), "wrong")],
)
def test_geo(tmp_path: Path, now: dt.datetime, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEITEN_DATA", str(tmp_path / "data"))
    found = examine(save(healthy()[:50], tmp_path), now=now)["geo"]
    assert [r.state for r in found] == [state, state] and found[0].seen.startswith("country: ")


def test_watchlists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEITEN_DATA", str(tmp_path / "data"))
    (tmp_path / "mine.txt").write_text("203.0.113.0/24\n")
    words = ["watchlist", "import", str(tmp_path / "mine.txt"), "--name", "campus", "--date", "2024-01-01"]
    assert main([*words, "--organisation", "Campus", "--licence", "CC0-1.0"]) == 0
    found = one(examine(save(healthy()[:50], tmp_path)), "watchlists")
    assert found.state == "look" and "campus" in found.seen and "older than a year" in found.seen


def test_own_side(tmp_path: Path) -> None:
    """Named by its address here, and only here."""
    lines = healthy()
    for n in range(12):
        lines[n * 10] = lines[n * 10].replace("IN=ppp0 OUT= MAC=", "IN=br0 OUT=ppp0 MAC=")
        head, _, tail = lines[n * 10].partition("SRC=")
        lines[n * 10] = f"{head}SRC=192.168.1.50 DST=203.0.{n + 114}.9 {tail[tail.index('LEN=') :]}"
    found = one(examine(save(lines, tmp_path)), "own side")
    assert found.state == "wrong" and "192.168.1.50 (machine A)" in found.seen and "23/tcp" in found.seen


# the lake ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def kept(tmp_path: Path) -> Lake:
    log = save(healthy(), tmp_path)
    chosen = settings.load(zone="Asia/Tokyo")
    lake = Lake.create(tmp_path / "lake", "Asia/Tokyo")
    intake.ingest(lake, list(_input.inputs([str(log)], chosen.reading)), chosen)
    return lake


def results(lake: Path, now: dt.datetime = NOW) -> dict[str, Result]:
    with doctor.open_patient(settings.load(zone="Asia/Tokyo", lake=lake), now=now) as patient:
        return {r.check: r for r in doctor.run(patient)}


def test_lake(kept: Lake) -> None:
    found = results(kept.path)
    assert {r.check for r in found.values() if r.state != "ok"} == set()
    assert "1,500 events in 1 batch," in found["lake"].seen and "netfilter: 1 input," in found["format"].seen
    assert results(kept.path, NOW + dt.timedelta(days=1))["arriving"].state == "wrong"
    meta = kept.path / "lake.toml"
    meta.write_text(meta.read_text().replace(f"schema_version = {kept.meta.schema_version}", "schema_version = 99"))
    newer = results(kept.path)
    assert newer["lake"].state == "wrong" and "version 99" in newer["lake"].seen and "newer teiten" in newer["lake"].mend
    shutil.rmtree(kept.path)
    assert results(kept.path)["lake"].state == "wrong"


def test_lake_with_a_broken_table(kept: Lake) -> None:
    for file in (kept.path / "events").glob("*.parquet"):
        file.unlink()
    found = results(kept.path)
    assert found["lake"].state == "wrong" and str(kept.path) in found["lake"].seen
    assert found["geo"].check == "geo", "the other checks look all the same"


@pytest.mark.full
def test_rejected_lines_of_a_lake(kept: Lake, tmp_path: Path) -> None:
    chosen = settings.load(zone="Asia/Tokyo")
    bad = save([x.partition("DST=")[0] + "\n" for x in healthy()[:900]], tmp_path, "bad.log")
    intake.ingest(kept, [str(bad)], chosen)
    found = results(kept.path)["rejected"]
    assert found.state == "wrong" and "900 records (37.5 %)" in found.seen and "SRC=192.0.2" in found.seen


def test_writing(kept: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may write anywhere, so the refusal of a read-only disk is put in."""
    real = tempfile.NamedTemporaryFile

    def refused(*args: Any, **more: Any) -> Any:
        if more.get("prefix") == ".doctor-":
            raise OSError(30, "Read-only file system")
        return real(*args, **more)

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", refused)
    found = results(kept.path)["writing"]
    assert found.state == "wrong" and "Read-only file system" in found.seen and found.mend
    assert not list(kept.path.rglob(".doctor-*"))


def test_disk(kept: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    assert results(kept.path)["disk"].state == "ok"
    monkeypatch.setattr(lake_checks, "DAYS_LOOK", 1e15)
    assert results(kept.path)["disk"].state == "look"
    monkeypatch.setattr(lake_checks, "LITTLE", 1e18)
    assert results(kept.path)["disk"].state == "wrong"


def test_keeping(kept: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "keeping" not in results(kept.path)
    (tmp_path / "teiten.toml").write_text('[lake]\nkeep_events = "9999d"\n')
    monkeypatch.setenv("TEITEN_CONFIG", str(tmp_path / "teiten.toml"))
    assert results(kept.path)["keeping"].state == "ok"
    (tmp_path / "teiten.toml").write_text('[lake]\ndisk = "1MB"\n')
    monkeypatch.setattr("teiten.retention.TOLD", 0.0)
    found = results(kept.path)["keeping"]
    assert found.state == "look" and "of the 0.00 GB that it may take" in found.seen and "--dry-run" in found.mend


# the command -------------------------------------------------------------------------------------------------------


def test_command(kept: Lake, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """0 where nothing is wrong, 1 where something is; the same in JSON."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TEITEN_CONFIG", raising=False)
    begin = dt.datetime.now(dt.UTC)
    log = save([line(at, n=n) for n, at in enumerate(minutes(600, until=begin))], tmp_path, "now.log", begin)
    assert main(["doctor", "--log", str(log), "--lake", str(kept.path), "--tz", "Asia/Tokyo", "--output", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {"check": "dropped", "state": "ok"}.items() <= next(r for r in rows if r["check"] == "dropped").items()
    assert list(rows[0]) == ["check", "state", "seen", "mend"]
    assert main(["doctor", "--lake", str(tmp_path / "nowhere")]) == 1
    said = capsys.readouterr().out
    assert "WRONG  lake" in said and "-> Make one with: teiten ingest" in said and said.splitlines()[-1].endswith(" wrong")
    assert main(["doctor", "--log", str(log), "--format", "pcapng"]) == 2
    assert main(["doctor", "--tz", "Mars/Base"]) == 2


def test_a_check_that_fails_is_a_finding(kept: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    from teiten.errors import DataError

    def broken(p: Any) -> Iterator[Result]:
        raise DataError("The list is torn.", hint="Import it again.")

    checks: dict[str, Callable[[Any], Any]] = {"lists": broken, **doctor.checks()}
    monkeypatch.setattr(doctor, "checks", lambda: checks)
    found = results(kept.path)
    assert (found["lists"].state, found["lists"].seen, found["lists"].mend) == (
        "wrong",
        "The list is torn.",
        "Import it again.",
    )
    assert found["disk"].state == "ok"
