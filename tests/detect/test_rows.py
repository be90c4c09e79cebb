"""Detections and stories come back from their rows as they were."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from teiten.detect import rows
from teiten.detect.model import MEANINGS, About, Detection, Part, Story

DAY = dt.date(2026, 4, 1)
_HOURS = st.integers(0, 48).map(lambda n: dt.datetime(2026, 3, 31, 15, tzinfo=dt.UTC) + dt.timedelta(hours=n))
_NUMBERS = st.floats(0, 1e9, allow_nan=False)
_TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
_PORTS = st.lists(st.tuples(st.sampled_from([1, 6, 17]), st.none() | st.integers(0, 65535)), max_size=3, unique=True)
_ABOUTS = st.builds(
    About,
    ports=_PORTS.map(lambda ports: tuple(sorted(ports, key=lambda p: (p[0], -1 if p[1] is None else p[1])))),
    country=st.sampled_from([None, "", "US", "JP"]),
    asn=st.sampled_from([None, 0, 64496]),
    sensor=st.none() | _TEXTS,
    group=st.none() | _TEXTS,
)
_PARTS = st.builds(
    Part,
    what=st.sampled_from(["port", "country", "asn"]),
    key=_TEXTS,
    packets=_NUMBERS,
    share=st.floats(0, 1),
    since=st.none() | _HOURS,
)
_DETECTIONS = st.builds(
    Detection,
    kind=st.sampled_from(sorted(MEANINGS)),
    about=_ABOUTS,
    day=st.just(DAY),
    start=_HOURS,
    end=st.none() | _HOURS,
    peak=st.none() | _HOURS,
    packets=_NUMBERS,
    hosts=st.none() | _NUMBERS,
    usual=st.none() | _NUMBERS,
    times=st.none() | _NUMBERS,
    measure=st.sampled_from(["packets", "hosts"]),
    score=_NUMBERS,
    confidence=st.sampled_from(["sure", "likely", "possible"]),
    parts=st.lists(_PARTS, max_size=3).map(tuple),
    sources=st.sampled_from([None, "few", "many"]),
    reason=st.dictionaries(_TEXTS, st.integers() | _TEXTS | st.lists(st.floats(0, 1)), max_size=3),
)


@given(st.lists(_DETECTIONS, max_size=4))
def test_detections(found: list[Detection]) -> None:
    assert rows.detections(rows.of_detections(DAY, found)) == found


@given(
    st.lists(_DETECTIONS, max_size=3, unique_by=lambda one: one.id),
    _ABOUTS,
    st.sampled_from(["new", "once", "resting"]),
    st.none() | _NUMBERS,
)
def test_stories(found: list[Detection], about: About, state: str, times: float | None) -> None:
    story = Story(
        "abcdef01", "burst", about, DAY, state, dt.datetime(2026, 4, 1, tzinfo=dt.UTC), None, tuple(found), times, 3.5, DAY,
        2, None, 4, DAY, 1, "false", "ours",
    )  # type: ignore[arg-type]  # fmt: skip
    empty = Story("abcdef02", "high", About(), DAY, "high", dt.datetime(2026, 4, 1, tzinfo=dt.UTC))
    assert rows.stories(rows.of_stories(DAY, [story, empty]), found) == [story, empty]
