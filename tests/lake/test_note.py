"""Notes: added, withdrawn, put in another's place; never changed."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from teiten.errors import UsageError
from teiten.lake import Lake, note


def test_notes_hold_until_they_are_withdrawn_or_replaced(lake: Lake) -> None:
    first = lake.add_note("note", text="a survey?", src="203.0.113.0/24", author="k")
    second = lake.add_note("note", text="a survey of NICT", src="203.0.113.0/24", replaces=first)
    third = lake.add_note("gap", day_from=dt.date(2026, 4, 1), day_to=dt.date(2026, 4, 2), sensor="home")
    assert [first, second, third] == sorted([first, second, third])
    assert lake.notes()["id"].to_list() == [second, third]
    assert lake.notes(every=True)["text"].to_list() == ["a survey?", "a survey of NICT", None]
    lake.withdraw_note(second, author="k")
    assert lake.notes()["id"].to_list() == [third]
    assert lake.notes(every=True).filter(withdrawn=True)["replaces"].to_list() == [second]
    for gone in (first, second, "00000000"):
        with pytest.raises(UsageError, match="no note"):
            lake.withdraw_note(gone)
        with pytest.raises(UsageError, match="no note"):
            lake.add_note("note", text="x", replaces=gone)


def test_many_notes_are_few_files(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(note, "FILES", 4)
    ids = [lake.add_note("note", text=str(n)) for n in range(11)]
    assert len(lake.note_files()) == 3
    assert lake.notes()["id"].to_list() == ids == sorted(set(ids))


def test_prefixes_are_written_one_way(lake: Lake) -> None:
    for given in ("203.0.113.9", "203.0.113.9/24", "2001:DB8:0::/32", "203.0.113.9/32"):
        lake.add_note("note", text="x", src=given)
    assert lake.notes()["src"].to_list() == ["203.0.113.9", "203.0.113.0/24", "2001:db8::/32", "203.0.113.9"]


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        ("letter", {"text": "x"}, "no kind of note"),
        ("note", {"text": " "}, "is empty"),
        ("note", {"text": "x", "src": "example.org"}, "no address"),
        ("correction", {"label": "not_a_scanner"}, "names a source"),
        ("gap", {"day_from": dt.date(2026, 4, 1)}, "names its days"),
        ("note", {"text": "x", "day_from": dt.date(2026, 4, 2), "day_to": dt.date(2026, 4, 1)}, "no day"),
    ],
)
def test_what_is_no_note_is_refused(lake: Lake, kind: str, given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        lake.add_note(kind, **given)
    assert lake.notes(every=True).is_empty()


def test_ids_go_up_within_a_hundredth_of_a_second() -> None:
    now = dt.datetime(2026, 4, 1, tzinfo=dt.UTC)
    first = note.next_id(None, now)
    assert len(first) == 8
    assert first < note.next_id(first, now) < note.next_id(None, now + dt.timedelta(seconds=1))
    assert note.next_id("zzzzzz00", now) == "zzzzzz01"
