"""Each file of a lake is lost, cut short, or rotten: said by name, mended, and the same inputs restore every row."""

from __future__ import annotations

import datetime as dt
import random
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from dying import dying

from teiten import retention
from teiten.bench import _capture
from teiten.engine import open_session
from teiten.errors import LakeError, UsageError
from teiten.intake import ingest
from teiten.lake import Lake, _delta, check, compact, mend
from teiten.settings import Keeping, Settings

UTC = Settings("UTC", "flag")
LINE = (
    "2026-04-{d:02d}T{h:02d}:{m:02d}:{s:02d}+00:00 router kernel: {what} IN=ppp0 OUT= MAC= SRC=203.0.113.{x} DST=198.51.100.1 "
    "LEN=40 TTL=50 ID=1 PROTO=TCP SPT=4000 DPT=23 SEQ={n} ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0\n"
)
OTHER = "2026-04-{d:02d}T{h:02d}:{m:02d}:{s:02d}+00:00 router pppd[7]: rcvd [LCP EchoReq id={n}]\n"


def log(path: Path, first: int, count: int, *, cut: int = 0) -> Path:
    """Lines numbered from `first` on, one a minute, every seventh of another daemon; the last `cut` bytes left out."""
    text = "".join(
        (LINE if n % 7 else OTHER).format(d=1 + n // 1440, h=n // 60 % 24, m=n % 60, s=0, x=n % 250, n=n, what="DROP")
        for n in range(first, first + count)
    )
    path.write_text(text[: len(text) - cut])
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A lake of several batches an input, of inputs that overlap and that grew, some of it put together; and the inputs."""
    folder = tmp_path_factory.mktemp("made")
    logs = [folder / name for name in ("a.log", "b.log", "c.log", "d.log")]
    lake = Lake.create(folder / "lake", "UTC")
    log(logs[0], 0, 200, cut=1)  # the last line has no line end yet
    ingest(lake, [str(logs[0])], UTC)
    log(logs[0], 0, 330)  # grown
    log(logs[1], 150, 400)  # another window of the same log
    log(logs[2], 2000, 300)
    ingest(lake, [str(one) for one in logs[:3]], UTC)
    with lake.writer() as writer:
        compact.run(writer, rows=1000, grace=0)
    log(logs[3], 5000, 250)
    ingest(lake, [str(logs[3])], UTC)
    lake.add_note("note", text="a line", author="me")
    return folder / "lake", [str(one) for one in logs]


def rows(lake: Path) -> Counter[Any]:
    """Its events without where they came from."""
    files, _ = Lake.open(lake).live_files()
    frames = [pl.read_parquet(f.path).drop("source_id", "source_pos") for f in files]
    return Counter(pl.concat(frames, how="diagonal").select(sorted(frames[0].columns)).iter_rows() if frames else [])


def files(lake: Path) -> list[Path]:
    """The live ones, of all tables."""
    return [file for name in check.tables(lake) for file in _delta.Table(lake / name).files()]


def ask(lake: Path) -> int:
    with open_session(Lake.open(lake), UTC) as session:
        session.query("SELECT sum(lines) FROM batches")
        session.query("SELECT count(*) AS n FROM verdicts")
        return int(session.query("SELECT count(*) AS n, max(tcp_seq), max(src_ip) FROM events")[0]["n"])


def lose(file: Path) -> None:
    file.unlink()


def cut(file: Path) -> None:
    with file.open("r+b") as handle:
        handle.truncate(file.stat().st_size // 2)


def rot(file: Path) -> None:
    """Bytes of its pages become others; its name, size and end stay."""
    data = bytearray(file.read_bytes())
    data[8 : len(data) // 3] = bytes(len(data) // 3 - 8)
    file.write_bytes(data)


def test_a_whole_lake(made: tuple[Path, list[str]]) -> None:
    lake, _ = made
    assert check.look(lake) == []
    assert Lake.open(lake).damage(whole=True) is None
    assert len(files(lake)) > 6 and any(f.name.startswith("kept-") for f in (lake / "events").iterdir())


HARMS = (lose, cut, rot)


@pytest.mark.full
def test_files_in_turn(made: tuple[Path, list[str]], tmp_path: Path) -> None:
    """Every other one, since the full suite does them all."""
    for number in range(0, len(files(made[0])), 2):
        harmed(made, number, HARMS[number // 2 % 3], tmp_path)


@pytest.mark.full
def test_every_harm_to_every_file(made: tuple[Path, list[str]], tmp_path: Path) -> None:
    for number in range(len(files(made[0]))):
        for harm in HARMS:
            harmed(made, number, harm, tmp_path)


def harmed(made: tuple[Path, list[str]], number: int, harm: Any, folder: Path) -> None:
    """Harms one file of a copy; it is told by name, mended, and restored by its inputs."""
    (lake, logs), whole = made, rows(made[0])
    before = ask(lake)
    copy = folder / "copy"
    shutil.copytree(lake, copy)
    file = files(copy)[number]
    harm(file)
    where = f"{harm.__name__} {file}"
    found = check.look(copy)
    assert [one.file for one in found] == [f"{file.parent.name}/{file.name}"], where
    if file.parent.name in ("events", "batches"):
        with pytest.raises(LakeError) as told:
            ask(copy)
        assert file.name in told.value.message and "teiten lake mend" in str(told.value.hint), where
    opened = Lake.open(copy)
    done, aside = opened.take_out(lambda folder: mend.plan(folder, check.look(folder)))
    assert check.look(copy) == [], where
    left = ask(copy)
    assert left == before - done.events, where
    assert len(rows(copy) - whole) == 0
    if aside.is_file():
        assert pl.read_parquet(aside).height <= done.events
    named = {one.path for one in done.inputs}
    again = [name for name in logs if name in named] if not done.unknown else logs
    result = ingest(Lake.open(copy), again, UTC, judge=False)
    assert not result.failed
    assert rows(copy) == whole, where
    if harm is lose and file.parent.name == "events":
        assert result.total.events == done.events, where
    shutil.rmtree(copy)


@pytest.mark.full
def test_dying_while_it_is_mended(made: tuple[Path, list[str]], tmp_path: Path) -> None:
    """At every step; the next writer completes it."""
    lake, logs = made
    whole = rows(lake)
    kept = next(n for n, f in enumerate(files(lake)) if f.name.startswith("kept-") and f.parent.name == "events")
    step, ended = 0, False
    while not ended:
        copy = tmp_path / str(step)
        shutil.copytree(lake, copy)
        files(copy)[kept].unlink()
        with dying(step) as died:
            Lake.open(copy).take_out(lambda folder: mend.plan(folder, check.look(folder)))
        ended = not died
        step += 5
        Lake.open(copy).take_out(lambda folder: mend.plan(folder, check.look(folder)))
        assert check.look(copy) == []
        ingest(Lake.open(copy), logs, UTC, judge=False)
        assert rows(copy) == whole, f"died before step {step - 5}"
        shutil.rmtree(copy)
    assert step > 10


def test_an_input_is_taken_out_and_read_again_in_another_zone(tmp_path: Path) -> None:
    text = "".join(
        f"Apr  1 05:{n // 60:02d}:{n % 60:02d} router kernel: DROP IN=ppp0 OUT= SRC=203.0.113.9 DST=198.51.100.1 "
        f"LEN=40 TTL=50 ID={n} PROTO=TCP SPT=4000 DPT=23 WINDOW=1024 RES=0x00 SYN URGP=0\n"
        for n in range(90)
    )
    (tmp_path / "a.log").write_text(text)
    log(tmp_path / "b.log", 0, 30)
    lake = Lake.create(tmp_path / "lake", "UTC")
    ingest(lake, [str(tmp_path / "a.log"), str(tmp_path / "b.log")], UTC, year=2026)
    first = rows(lake.path)
    assert len(lake.verdict_state()) == 1
    with pytest.raises(UsageError, match="nowhere"):
        lake.take_out(lambda folder: mend.of_inputs(folder, ["nowhere.log"]))
    done, aside = lake.take_out(lambda folder: mend.of_inputs(folder, [str(tmp_path / "a.log")]))
    assert (done.events, len(done.inputs)) == (90, 1) and pl.read_parquet(aside).height == 90
    assert len(lake.verdict_state()) == 0, "its day is judged anew"
    ingest(lake, [str(tmp_path / "a.log")], UTC, year=2026, zone="Asia/Tokyo")
    times = Counter(row[sorted(pl.read_parquet_schema(lake.live_files()[0][0].path)).index("time")] for row in rows(lake.path))
    assert rows(lake.path) != first and sum(times.values()) == sum(first.values())
    done, _ = lake.take_out(lambda folder: mend.of_inputs(folder, [str(tmp_path / "a.log")], "home"))
    assert done.events == 90
    ingest(lake, [str(tmp_path / "a.log")], UTC, year=2026)
    assert rows(lake.path) == first


@pytest.mark.full
def test_what_is_taken_out_is_chosen_at_random(made: tuple[Path, list[str]], tmp_path: Path) -> None:
    """Several files at once, of all tables."""
    lake, logs = made
    whole, chance = rows(lake), random.Random(4)
    for number in range(3):
        copy = tmp_path / str(number)
        shutil.copytree(lake, copy)
        bad = chance.sample(files(copy), 3)
        for file in bad:
            chance.choice(HARMS)(file)
        Lake.open(copy).take_out(lambda folder: mend.plan(folder, check.look(folder)))
        ingest(Lake.open(copy), logs, UTC, judge=False)
        assert check.look(copy) == [] and rows(copy) == whole, bad
        shutil.rmtree(copy)


def test_packets_come_back_too(tmp_path: Path) -> None:
    """Of captures no hashes are kept: what is there is told by the events themselves."""
    capture = _capture.made(tmp_path, 3_000)
    data = capture.read_bytes()
    (tmp_path / "first.pcap").write_bytes(data[: 24 + 1_000 * (16 + _capture.FRAME)])
    lake = Lake.create(tmp_path / "lake", "UTC")
    ingest(lake, [str(tmp_path / "first.pcap")], UTC, judge=False)
    ingest(lake, [str(capture)], UTC, judge=False)
    whole = rows(lake.path)
    assert sum(whole.values()) == 3_000
    for number, file in enumerate(_delta.Table(lake.path / "events").files()):
        copy = tmp_path / f"copy{number}"
        shutil.copytree(lake.path, copy)
        lose(copy / "events" / file.name)
        done, _ = Lake.open(copy).take_out(lambda folder: mend.plan(folder, check.look(folder)))
        assert sum(rows(copy).values()) == 3_000 - done.events < 3_000
        ingest(Lake.open(copy), [str(capture)], UTC, judge=False)
        assert rows(copy) == whole


def test_days_that_were_dropped_are_no_damage(tmp_path: Path) -> None:
    """A batch of which events were dropped holds what is kept; what is lost of that comes back, and nothing of before."""
    path = log(tmp_path / "a.log", 0, 4 * 1440)
    keeping = replace(UTC, keeping=Keeping(keep_events=2))
    lake = Lake.create(tmp_path / "lake", "UTC")
    ingest(lake, [str(path)], UTC)
    wanted = retention.plan(lake, keeping, dt.datetime(2026, 4, 5, 12, tzinfo=dt.UTC))
    assert wanted is not None
    retention.carry_out(lake, keeping, wanted)
    kept, judged = rows(lake.path), lake.verdict_state().height
    with lake.writer() as writer:
        compact.run(writer, rows=1500, grace=0)
    assert rows(lake.path) == kept and 0 < sum(kept.values()) < 4 * 1440 * 6 // 7
    assert check.look(lake.path) == [] and judged == 4
    lose(_delta.Table(lake.path / "events").files()[0])
    done, _ = lake.take_out(lambda folder: mend.plan(folder, check.look(folder)))
    assert done.events == sum(kept.values()) and len(done.batches) == 1
    ingest(lake, [str(path)], keeping)
    assert rows(lake.path) == kept
    assert lake.verdict_state().height == judged
