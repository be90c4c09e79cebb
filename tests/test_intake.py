"""Each line once, whatever file it comes back in: with the real reader, on real files."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import random
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from teiten import settings
from teiten.errors import InputError
from teiten.intake import Result, ingest
from teiten.lake import Lake
from teiten.readers import _input
from teiten.readers._base import Rejected

TOKYO = settings.Settings("Asia/Tokyo", "flag")
START = dt.datetime(2026, 4, 1)


def line(n: int, second: int | None = None) -> str:
    """A router's line; `n` is its sequence number."""
    at = START + dt.timedelta(seconds=n if second is None else second)
    return (
        f"{at.isoformat()}+09:00 router kernel: DROP IN=ppp0 OUT= MAC= SRC=203.0.113.{n % 250} DST=198.51.100.1 LEN=40 "
        f"TOS=0x00 PREC=0x00 TTL=50 ID={n % 65536} PROTO=TCP SPT=40000 DPT=23 SEQ={n} ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0\n"
    )


def log(*numbers: int) -> bytes:
    return "".join(map(line, numbers)).encode()


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(tmp_path / "lake", "Asia/Tokyo")


def put(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


def stored(lake: Lake) -> list[int]:
    """Sequence numbers of the lake's events, in order."""
    files, _ = lake.live_files()
    return sorted(n for f in files for n in pl.read_parquet(f.path)["tcp_seq"].to_list())


def run(lake: Lake, *paths: Any, **more: Any) -> Result:
    """What is stored is this file's matter; tests/classify and tests/rollup see to what is made of it afterwards."""
    result = ingest(lake, paths, TOKYO, judge=False, **more)
    result.total.check()
    return result


def test_the_same_file_adds_nothing(lake: Lake, tmp_path: Path) -> None:
    path = put(tmp_path / "a.log", log(*range(50)))
    assert run(lake, path).total.events == 50
    again = run(lake, path).total
    assert (again.lines, again.had_already, again.events) == (50, 50, 0)
    assert stored(lake) == list(range(50))


def test_a_grown_file_adds_its_new_lines(lake: Lake, tmp_path: Path) -> None:
    for upto in (20, 50, 90):
        run(lake, put(tmp_path / "a.log", log(*range(upto))))
    assert stored(lake) == list(range(90))
    assert lake.batches(["source_id"])["source_id"].to_list() == [1, 1, 1]


def test_renamed_rotated_and_compressed_copies_add_nothing(lake: Lake, tmp_path: Path) -> None:
    data = log(*range(60))
    run(lake, put(tmp_path / "messages", data))
    copies = [
        put(tmp_path / "messages.1", data),
        put(tmp_path / "messages.2.gz", gzip.compress(data)),
        put(tmp_path / "old.bz2", bz2.compress(data)),
    ]
    assert run(lake, *copies).total.had_already == 180
    assert stored(lake) == list(range(60))


def test_a_ring_buffer_downloaded_again_adds_only_what_is_new(lake: Lake, tmp_path: Path) -> None:
    whole = log(*range(350))
    run(lake, put(tmp_path / "one.log", log(*range(100))))
    for end in (180, 250, 350):
        size = len(log(*range(end)))
        window = whole[:size][-30000:]  # its head is cut off in the middle of a line
        result = run(lake, put(tmp_path / f"{end}.log", window))
        assert result.total.rejected.total() == 0
    assert stored(lake) == list(range(350))


def test_a_pipe_of_what_is_there(lake: Lake, tmp_path: Path) -> None:
    run(lake, put(tmp_path / "a.log", log(*range(30))))
    with open(put(tmp_path / "b.log", log(*range(10, 40))), "rb", buffering=0) as pipe:  # noqa: PTH123
        source = _input.Input("-", None, None, None, False, _stream=pipe)
        result = run(lake, source)
    assert (result.total.had_already, result.total.events) == (20, 10)
    assert stored(lake) == list(range(40))


def test_older_logs_later_and_a_concatenation(lake: Lake, tmp_path: Path) -> None:
    run(lake, put(tmp_path / "new.log", log(*range(100, 160))))
    run(lake, put(tmp_path / "old.log", log(*range(100))))
    assert run(lake, put(tmp_path / "both.log", log(*range(170)))).total.events == 10
    assert run(lake, put(tmp_path / "swapped.log", log(*range(100, 160), *range(100)))).total.events == 0
    assert stored(lake) == list(range(170))


def test_two_equal_lines_in_one_file_are_two_events(lake: Lake, tmp_path: Path) -> None:
    run(lake, put(tmp_path / "a.log", log(5, 5, 6)))
    run(lake, put(tmp_path / "b.log", log(6, 7, 7)))
    assert stored(lake) == [5, 5, 6, 7, 7]


def test_the_second_of_two_equal_lines_comes_later(lake: Lake, tmp_path: Path) -> None:
    a, x = line(1, 9), line(2, 9)
    run(lake, put(tmp_path / "1.log", (x + a + x).encode()))
    result = run(lake, put(tmp_path / "2.log", (a + x + x).encode()))
    assert (result.total.had_already, result.total.events) == (2, 1)
    assert stored(lake) == [1, 2, 2, 2]


def test_a_last_line_without_its_end(lake: Lake, tmp_path: Path) -> None:
    """It is stored; and when the file comes back whole, or grown, it is not stored again."""
    whole = log(*range(10))
    path = tmp_path / "a.log"
    assert run(lake, put(path, whole[:-1])).total.events == 10
    assert run(lake, put(path, whole[:-1])).total.events == 0
    assert run(lake, put(path, log(*range(12)))).total.events == 2
    assert stored(lake) == list(range(12))


@pytest.mark.parametrize("batch_events", ["50000", "5"])  # the half line may also end the batch that was full
def test_a_last_line_that_was_caught_half_written(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch_events: str
) -> None:
    monkeypatch.setenv("TEITEN_BATCH_EVENTS", batch_events)
    whole = log(*range(10))
    path = tmp_path / "a.log"
    half = run(lake, put(path, whole[:-150])).total  # no event yet: rejected, and counted
    assert (half.events, half.rejected.total()) == (9, 1)
    assert run(lake, put(path, log(*range(11)))).total.events == 2
    assert stored(lake) == list(range(11))


def test_many_batches_of_one_file(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEITEN_BATCH_EVENTS", "1000")
    path = put(tmp_path / "a.log", log(*range(40_000)))
    result = run(lake, path)
    assert result.inputs[0].batches > 1
    assert run(lake, path).total.had_already == 40_000
    assert run(lake, put(tmp_path / "tail.log", log(*range(30_000, 41_000)))).total.events == 1000
    assert stored(lake) == list(range(41_000))
    sums = lake.batches(["lines", "events", "start", "end", "source_id"])
    assert sums["events"].sum() == 41_000


def test_sensors_are_apart(lake: Lake, tmp_path: Path) -> None:
    """Two that stand side by side see the same packets: their lines are not compared."""
    assert run(lake, put(tmp_path / "a.log", log(*range(5))), sensor="one").total.events == 5
    assert run(lake, put(tmp_path / "b.log", log(*range(1, 5))), sensor="two").total.events == 4


def test_the_same_file_of_another_sensor_is_refused(lake: Lake, tmp_path: Path) -> None:
    """The sensor was renamed, or the file is in the wrong place: nothing is stored, and what to do is said."""
    path = put(tmp_path / "a.log", log(*range(5)))
    run(lake, path, sensor="one")
    put(tmp_path / "a.log", log(*range(8)))  # grown meanwhile
    (failed,) = run(lake, path, sensor="two").failed
    assert "as the sensor one's" in str(failed.error) and "teiten lake take-out" in str(failed.error)
    assert run(lake, path, sensor="one").total.events == 3


def test_the_configuration_names_the_sensor(lake: Lake, tmp_path: Path) -> None:
    chosen = settings.Settings("UTC", "flag", sensors=(settings.Sensor("roof", paths=(str(tmp_path / "*.log"),)),))
    result = ingest(lake, [put(tmp_path / "a.log", log(1)), put(tmp_path / "b.txt", log(2))], chosen)
    assert [one.sensor for one in result.inputs] == ["roof", "home"]


def test_an_input_that_cannot_be_read_is_told_and_the_others_go_on(lake: Lake, tmp_path: Path) -> None:
    good = put(tmp_path / "a.log", log(1, 2))
    noise = put(tmp_path / "noise.log", random.Random(1).randbytes(5000))
    result = run(lake, str(tmp_path / "absent.log"), noise, good)
    assert {Path(one.name).name for one in result.failed} == {"absent.log", "noise.log"}
    assert stored(lake) == [1, 2]
    with pytest.raises(InputError, match="no file"):
        run(lake, str(tmp_path / "absent.log"))


def test_every_line_is_accounted_for_and_rejected_ones_are_shown(lake: Lake, tmp_path: Path) -> None:
    seen: list[Rejected] = []
    data = log(1) + log(2).replace(b"SPT=", b"SPT=9999") + b"Apr  1 00:00:03 router dnsmasq[1]: query\n" + log(4)
    result = run(lake, put(tmp_path / "a.log", data), rejected=lambda _, some: seen.extend(some))
    total = result.total
    assert (total.lines, total.made_events, total.rejected.total(), total.ignored.total()) == (4, 2, 1, 1)
    assert len(seen) == 1
    kept = lake.batches(["samples", "rejected"]).row(0, named=True)
    assert "SPT=9999" in kept["samples"]


def test_a_log_line_without_an_interface_went_out(lake: Lake, tmp_path: Path) -> None:
    """IN= with nothing after it says so; that is not the same as a source that does not say."""
    run(lake, put(tmp_path / "a.log", log(1).replace(b"IN=ppp0 OUT=", b"IN= OUT=ppp0")))
    files, _ = lake.live_files()
    assert pl.read_parquet(files[0].path)["interface"].to_list() == [""]


@st.composite
def downloads(draw: st.DrawFn) -> tuple[list[tuple[int, int]], list[tuple[str, int, int]]]:
    """A stream of (sequence number, second) with equal lines, and how it is downloaded in the order of time."""
    chance = random.Random(draw(st.integers(0, 2**32)))
    stream: list[tuple[int, int]] = []
    edges = [0]
    for second in range(draw(st.integers(4, 40))):
        numbers = [second * 10 + chance.randrange(3) for _ in range(chance.randint(0, 4))]
        stream += [(n, second) for n in [*numbers, second * 10 + 9]]
        edges.append(len(stream))
    snapshots, at = [], 0
    while at < len(edges) - 1:
        stop = min(len(edges) - 1, at + chance.randint(1, 9))
        kind = chance.choice(["whole", "grown", "ring", "again", "gzip"])
        start = 0 if kind in ("whole", "grown", "gzip") else edges[max(0, at - chance.randint(2, 6))]
        cut = chance.randint(1, 60) if kind == "ring" and start else 0
        snapshots.append((kind, start, edges[stop], cut))
        at = stop
    return stream, snapshots  # type: ignore[return-value]


@hypothesis_settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(downloads())
@pytest.mark.full
def test_downloads_add_up_to_the_stream(tmp_path_factory: pytest.TempPathFactory, case: Any) -> None:
    stream, snapshots = case
    folder = tmp_path_factory.mktemp("downloads")
    lake = Lake.create(folder / "lake", "Asia/Tokyo")
    for n, (kind, start, end, cut) in enumerate(snapshots):
        data = "".join(line(*one) for one in stream[start:end]).encode()[cut:]
        name = folder / ("grown.log" if kind == "grown" else f"{n}.log")
        paths = [put(name, gzip.compress(data) if kind == "gzip" else data)]
        run(lake, *(paths * 2 if kind == "again" else paths))
    assert Counter(stored(lake)) == Counter(n for n, _ in stream)
