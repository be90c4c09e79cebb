"""Verdicts in the lake: days replaced at once, days known to be judged, few files however often."""

from __future__ import annotations

import datetime as dt
import os
import tempfile
import time
from collections.abc import Iterable
from typing import Any

import polars as pl
import pytest
from dying import dying
from hypothesis import given, settings
from hypothesis import strategies as st
from making import events, fill

from teiten.lake import Lake, _daily, _delta, verdict

APRIL = dt.date(2026, 4, 1)
_ROW: dict[str, Any] = {
    "src_ip": bytes((203, 0, 113, 5)), "prefix_len": 32, "day": APRIL, "scope": "all", "label": "port_scanner", "value": None,
    "rule": "ports-10", "list": None, "list_version": None, "confidence": 1.0, "evidence": '{"ports": 12}',
}  # fmt: skip


def frame(rows: Iterable[dict[str, Any]]) -> pl.DataFrame:
    schema = {name: verdict.SCHEMA[name] for name in verdict.GIVEN}
    return pl.DataFrame([{**_ROW, **row} for row in rows], schema=schema, orient="row")


def day(n: int) -> dt.date:
    return APRIL + dt.timedelta(days=n)


def test_days_are_replaced_and_others_stay(lake: Lake) -> None:
    lake.replace_verdicts([day(0), day(1)], "UTC", frame([{}, {"day": day(1), "value": "first"}]), basis="a")
    lake.replace_verdicts([day(1), day(40)], "UTC", frame([{"day": day(1), "value": "second"}]), basis="b")
    found = lake.verdicts()
    assert found.select("day", "value").rows() == [(day(0), None), (day(1), "second")]
    assert found["evidence"].to_list() == [_ROW["evidence"]] * 2
    state = lake.verdict_state()
    assert state.select("day", "basis").rows() == [(day(0), "a"), (day(1), "b"), (day(40), "b")]
    assert lake.verdicts(days=[day(1)])["value"].to_list() == ["second"]


def test_zones_have_days_of_their_own(lake: Lake) -> None:
    for zone in ("UTC", "Asia/Tokyo"):
        lake.replace_verdicts([day(0)], zone, frame([{"value": zone}]))
    lake.replace_verdicts([day(0)], "UTC", frame([]))
    assert lake.verdicts()["value"].to_list() == ["Asia/Tokyo"]
    assert lake.verdict_state("UTC").height == lake.verdict_state("Asia/Tokyo").height == 1
    assert lake.verdicts(zone="UTC").is_empty()


def test_the_state_tells_the_batch_that_was_looked_at(lake: Lake) -> None:
    fill(lake, [{}])
    lake.replace_verdicts([day(0)], "UTC", frame([]))
    fill(lake, [{}])
    lake.replace_verdicts([day(1)], "UTC", frame([]))
    lake.replace_verdicts([day(2)], "UTC", frame([]), last_batch=1)
    assert lake.verdict_state().select("day", "last_batch").rows() == [(day(0), 1), (day(1), 2), (day(2), 1)]


@pytest.mark.full
def test_judging_a_year_again_and_again_leaves_few_files(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_delta, "CHECKPOINT_EVERY", 10)
    for n in range(0, 90, 3):
        lake.replace_verdicts([day(n), day(n + 1)], "UTC", frame([{"day": day(n)}]))
    assert len(lake.verdict_files()) == 3
    assert lake.verdicts().height == 30 and lake.verdict_state().height == 60
    # files that were replaced an hour ago, and log entries before the last checkpoints, are gone
    past = time.time() - 2 * _delta.GRACE
    for file in (lake.path / "verdicts").glob("*.parquet"):
        os.utime(file, (past, past))
    lake.replace_verdicts([day(0)], "UTC", frame([{}]))
    assert len(list((lake.path / "verdicts").glob("*.parquet"))) == 4  # the one just replaced is still there
    assert len(list((lake.path / "verdicts" / "_delta_log").iterdir())) < 30
    assert lake.verdicts().height == 30


def test_a_full_month_is_cut_between_days(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_daily, "ROWS", 10)
    lake.replace_verdicts([day(n) for n in range(30)], "UTC", frame({"day": day(n)} for n in range(30)))
    assert len(lake.verdict_files()) == 6
    before = {file.name for file in lake.verdict_files()}
    lake.replace_verdicts([day(29)], "UTC", frame([{"day": day(29), "value": "new"}]))
    assert len(before & {file.name for file in lake.verdict_files()}) == 5
    assert lake.verdicts()["day"].to_list() == [day(n) for n in range(30)]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"day": day(1)}, "not replaced"),
        ({"label": None}, "no label"),
        ({"src_ip": b"123"}, "neither 4 nor 16"),
        ({"src_ip": None}, "neither 4 nor 16"),
        ({"prefix_len": 33}, "longer than its address"),
        ({"confidence": 1.5}, "confidence"),
    ],
)
def test_what_is_no_verdict_is_refused(lake: Lake, row: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        lake.replace_verdicts([day(0)], "UTC", frame([{}, row]))
    assert lake.verdict_state().is_empty()


def test_statistics_hold_no_addresses(lake: Lake) -> None:
    lake.replace_verdicts([day(0)], "UTC", frame([{}]))
    lake.add_note("note", src="203.0.113.5", text="mine")
    with lake.writer() as writer:
        from making import batch

        writer.commit(batch(1), events([{}]))
    for log in lake.path.glob("*/_delta_log/*.json"):
        assert b"203.0.113.5" not in log.read_bytes() and b"cb007105" not in log.read_bytes().lower()


@settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["UTC", "Asia/Tokyo"]), st.sets(st.integers(0, 75), min_size=1, max_size=40), st.integers(0, 3)
        ),
        min_size=1,
        max_size=6,
    )
)
@pytest.mark.full
def test_whatever_is_replaced_the_latest_holds(calls: list[tuple[str, set[int], int]]) -> None:
    """Against a dict: zone and day -> (which call judged it, its verdicts)."""
    model: dict[tuple[str, dt.date], tuple[int, int]] = {}
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(_daily, "ROWS", 7)
        patch.setattr(_delta, "CHECKPOINT_EVERY", 2)
        patch.setattr(os, "fsync", lambda handle: None)
        lake = Lake.create(f"{folder}/lake", "UTC")
        for call, (zone, days, each) in enumerate(calls):
            rows = [{"day": day(n), "value": f"{call}"} for n in days for _ in range(each)]
            lake.replace_verdicts([day(n) for n in days], zone, frame(rows), basis=f"{call}")
            model |= {(zone, day(n)): (call, each) for n in days}
        state = lake.verdict_state().select("zone", "day", "basis").rows()
        assert sorted(state) == sorted((zone, on, str(call)) for (zone, on), (call, _) in model.items())
        found = lake.verdicts().select("zone", "day", "value").rows()
        wanted = [(zone, on, str(call)) for (zone, on), (call, each) in model.items() for _ in range(each)]
        assert sorted(found) == sorted(wanted)


def test_dying_while_judging_or_noting_leaves_old_or_new(lake: Lake) -> None:
    lake.replace_verdicts([day(0)], "UTC", frame([{"value": "old"}]))
    ended, step = False, 0
    while not ended:
        with dying(step) as died:
            lake.replace_verdicts([day(0), day(1)], "UTC", frame([{"value": f"{step}"}, {"day": day(1), "value": f"{step}"}]))
            lake.add_note("note", text=f"{step}")
        ended, step = not died, step + 1
        values = lake.verdicts()["value"].to_list()
        assert values == ["old"] or (len(values) == 2 and len(set(values)) == 1)
        assert all(text.isdigit() for text in lake.notes()["text"])
    assert step > 5
    assert values == [f"{step - 1}"] * 2 and lake.notes()["text"].to_list()[-1] == f"{step - 1}"
