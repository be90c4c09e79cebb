"""Files put together: the same events in fewer files, whatever dies on the way, and as a lake lives on."""

from __future__ import annotations

import datetime as dt
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from dying import dying
from hypothesis import given, settings
from hypothesis import strategies as st
from making import T0, fill

from teiten.engine import open_session
from teiten.lake import Lake, _delta, _writer, compact
from teiten.readers import _kept
from teiten.settings import Settings

SOURCES = ("203.0.113.9", "2001:db8::5", "198.51.100.77")
HERE = Settings("UTC", "flag")


def whole(lake: Lake) -> list[tuple[Any, ...]]:
    """Every event, in any order."""
    files, _ = lake.live_files()
    found = pl.concat([pl.read_parquet(f.path) for f in files], how="diagonal")
    return sorted(found.select("source_pos", "time", "src_ip", "dst_port").rows())


def some(lake: Lake, batches: int, events: int, step: float, first: int = 0) -> None:
    """So many batches of so many events, `step` hours apart; an event's number is its place in the source."""
    for b in range(batches):
        rows = []
        for e in range(events):
            n = first + b * events + e
            port, source = (23, 445, 22)[n % 3], f"203.0.113.{n * 7 % 250}"
            rows.append(
                {"time": T0 + dt.timedelta(hours=step * (b * events + e)), "source_pos": n, "dst_port": port, "src_ip": source}
            )
        fill(lake, rows)


def put_together(lake: Lake, **given: Any) -> compact.Result:
    with lake.writer() as writer:
        return compact.run(writer, **given)


def test_the_same_events_in_fewer_files_in_order(lake: Lake) -> None:
    some(lake, 12, 30, 0.5)
    before, kept = whole(lake), lake.batches()
    done = put_together(lake, rows=1000)
    assert (done.files_before, done.files_after, done.events) == (12, 1, 360)
    assert whole(lake) == before and lake.batches().equals(kept)
    (file,) = lake.live_files()[0]
    found = pl.read_parquet(file.path)
    assert found.equals(found.sort("protocol", "dst_port", "src_ip", "time", maintain_order=True))
    assert (file.rows, file.t_min, file.t_max) == (360, T0, T0 + dt.timedelta(hours=0.5 * 359))
    assert put_together(lake, rows=1000).events == 0


def test_a_month_a_day_an_hour_according_to_how_much_there_is(lake: Lake) -> None:
    some(lake, 6, 100, 0.25)  # 6 days and 6 hours
    assert 12 <= put_together(lake, rows=50).files_after <= 15
    for file in lake.live_files()[0]:
        assert file.rows <= 50
        assert file.t_min is not None and file.t_max is not None and file.t_min.date() == file.t_max.date()
    some(lake, 1, 100, 24, first=1000)  # a hundred days in one batch
    before = whole(lake)
    put_together(lake, rows=1000)
    assert whole(lake) == before
    months = [(f.t_min.month, f.t_max.month) for f in lake.live_files()[0] if f.t_min and f.t_max]
    assert all(first == last for first, last in months)


@given(st.lists(st.integers(0, 40 * 24 * 60), min_size=1, max_size=200), st.integers(1, 40))
def test_spans_hold_every_time_once(minutes: list[int], rows: int) -> None:
    times = pl.Series([T0 + dt.timedelta(minutes=m) for m in sorted(minutes)], dtype=pl.Datetime("us", "UTC"))
    spans = list(compact._spans(times, rows))
    counts = [times.is_between(start, end, closed="left").sum() for start, end in spans]
    assert sum(counts) == len(times) and all(counts)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    most = pl.DataFrame({"t": times}).group_by("t").len()["len"].max()
    assert max(counts) <= max(rows, int(most or 0) + rows - 1)  # type: ignore[call-overload]


def test_only_small_files_and_what_lies_in_their_months(lake: Lake) -> None:
    some(lake, 3, 40, 1)  # April, large
    put_together(lake, rows=1000)
    some(lake, 2, 40, 1, first=200)
    some(lake, 5, 2, 24 * 12, first=400)  # small ones, in four months
    with lake.writer() as writer:
        live = compact.files(writer.events)
        small = [f for f in live if not f.kept and f.rows < 10]
        groups = compact.plan(live, 1000, small)
    names = {f.name for group in groups for f in group}
    assert sum(name.startswith("part-") for name in names) == 5 and sum(name.startswith("kept-") for name in names) == 1
    before = whole(lake)
    put_together(lake, rows=1000, fresh=small)
    assert whole(lake) == before


def test_a_reader_from_before_goes_on_and_the_old_files_go_later(lake: Lake) -> None:
    some(lake, 4, 5, 1)
    with open_session(lake, HERE) as session:
        put_together(lake)
        assert session.query("SELECT count(*) AS n FROM events") == [{"n": 20}]
    assert len(list((lake.path / "events").glob("*.parquet"))) == 5
    with lake.writer():
        assert len(lake.sweep("events", 0)) == 4
    assert len(whole(lake)) == 20
    assert lake.holdings("events").files == 1


def test_the_lake_as_it_was_after_a_batch(lake: Lake) -> None:
    """A report that is made again sees the events of its batches, also when later ones lie in the same file."""
    from making import batch, events

    for n in range(4):
        made = events([{"source_pos": n * 100 + k, "source_id": 1, "time": T0 + dt.timedelta(hours=k)} for k in range(5)])
        with lake.writer() as writer:
            span = {"t_min": made["time"].min(), "t_max": made["time"].max()}
            writer.commit(batch(5, start=n * 100, end=n * 100 + 100, **span), made)
    put_together(lake)
    for upto in range(1, 5):
        with open_session(lake, HERE, upto=upto) as session:
            assert session.query("SELECT count(*) AS n FROM events") == [{"n": 5 * upto}]


def test_dying_at_every_step(lake: Lake) -> None:
    some(lake, 9, 10, 20)
    before, step, deaths, ended = whole(lake), 0, 0, False
    while not ended:
        with dying(step) as died:
            put_together(lake, rows=30, grace=0)
        ended, step = not died, step + 1
        deaths += bool(died)
        assert whole(lake) == before
    assert deaths > 5
    with lake.writer():
        lake.sweep("events", 0)
    assert len(list((lake.path / "events").glob("*.parquet"))) == lake.holdings("events").files < 9


def test_a_writer_puts_small_files_together_by_itself(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch a minute for a while: the number of files stays small."""
    monkeypatch.setattr(_writer, "COMPACT_EVERY", 10)
    monkeypatch.setattr(compact, "MANY", 10)
    most = 0
    with lake.writer() as writer:
        from making import batch, events

        for n in range(60):
            made = events([{"time": T0 + dt.timedelta(minutes=n), "source_pos": n}])
            writer.commit(batch(1, start=n, end=n + 1, t_min=made["time"].min(), t_max=made["time"].max()), made)
            most = max(most, writer.events.live().height)
    assert most <= 12 and lake.holdings("events").rows == 60
    assert [row[0] for row in whole(lake)] == list(range(60))


@settings(deadline=None, max_examples=4)
@given(st.lists(st.lists(st.integers(0, 45 * 24), min_size=1, max_size=40), min_size=1, max_size=6), st.integers(3, 60))
@pytest.mark.full
def test_whatever_the_batches_the_same_events(batches: list[list[int]], rows: int) -> None:
    """Batches that overlap in time, in any order: nothing is lost or doubled, by our encoder as by polars; then all is done."""
    with tempfile.TemporaryDirectory() as folder:
        lakes = [Lake.create(Path(folder) / name, "UTC") for name in ("ours", "plain")]
        n = 0
        for hours in batches:
            made = [
                {"time": T0 + dt.timedelta(hours=h), "source_pos": n + k, "dst_port": h % 3 or None, "src_ip": SOURCES[h % 3]}
                for k, h in enumerate(hours)
            ]
            n += len(hours)
            for lake in lakes:
                fill(lake, made)
        before = whole(lakes[0])
        with lakes[0].writer() as writer:
            writer.encode = _kept.pack
            compact.run(writer, rows=rows)
        put_together(lakes[1], rows=rows)
        assert whole(lakes[0]) == whole(lakes[1]) == before
        ours, plain = ([pl.read_parquet(f.path) for f in lake.live_files()[0]] for lake in lakes)
        assert sorted(f.rows() for f in ours) == sorted(f.rows() for f in plain)
        for lake in lakes:
            put_together(lake, rows=rows)
            assert put_together(lake, rows=rows).events == 0
            assert not compact.loose(compact.files(_delta.Table(lake.path / "events")), rows)


def test_a_writer_puts_finished_days_together_a_little_at_a_time(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of days that are over, as large as they may be; not today's, not those that just came, never for long."""
    today = dt.datetime.now(dt.UTC)
    some(lake, 4, 30, 0.5)
    fill(lake, [{"time": today, "source_pos": 10_000 + n} for n in range(30)])

    def tidied() -> list[str]:
        with lake.writer() as writer:
            writer.tidy()
        return sorted("kept" if f.batch is None else "part" for f in lake.live_files()[0])

    before = whole(lake)
    monkeypatch.setattr(compact, "AGE", -60.0)
    assert tidied() == ["part"] * 5, "too few of them"
    monkeypatch.setattr(compact, "LEAST", 100)
    monkeypatch.setattr(compact, "AGE", 60.0)
    assert tidied() == ["part"] * 5, "they came a moment ago"
    monkeypatch.setattr(compact, "AGE", -60.0)
    monkeypatch.setattr(compact, "ROWS", 30)
    monkeypatch.setattr(compact, "PAUSE", 0.0)
    assert tidied().count("part") == 4, "one group, and its time is over"
    monkeypatch.setattr(compact, "PAUSE", 60.0)
    monkeypatch.setattr(compact, "LEAST", 30)
    assert tidied().count("part") == 1
    assert whole(lake) == before
    assert lake.holdings("events").loose_files >= 1


def test_files_that_follow_each_other_become_one(lake: Lake) -> None:
    """What a writer put together in small files is put together again, without a new batch; then it is done."""
    some(lake, 6, 10, 1)
    put_together(lake, rows=20)
    assert len(lake.live_files()[0]) >= 3 and lake.holdings("events").loose == 60
    before = whole(lake)
    assert put_together(lake, rows=1000).files_after == 1
    assert whole(lake) == before and put_together(lake, rows=1000).events == 0


def test_older_files_lack_columns(tmp_path: Path) -> None:
    """Files of an older version of the lake are put together with new ones."""
    lake = Lake.create(tmp_path / "lake", "UTC")
    some(lake, 2, 5, 1)
    for file in lake.live_files()[0]:
        pl.read_parquet(file.path).drop("tcp_opt_len").write_parquet(file.path)
    before = whole(lake)
    put_together(lake)
    assert whole(lake) == before
    assert "tcp_opt_len" in pl.read_parquet_schema(_delta.Table(lake.path / "events").files()[0])
