"""One member cannot fill a store: what is too large or too many is refused by file and member, and the store is as it was."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from teiten.errors import UsageError
from teiten.federation import bounds, form, keys, lines, store
from teiten.federation.keys import Member, Members

from .conftest import DAYS, MADE, House, contribution, listed, stored, toml


def content(place: Path) -> dict[str, bytes]:
    return {p.relative_to(place).as_posix(): p.read_bytes() for p in (place / store.ACCEPTED).rglob("*") if p.is_file()}


def small(members: Members) -> Members:
    """The list with 1 MiB a file, so 4 MiB a month, for each."""
    return replace(members, members=tuple(replace(one, mib=1) for one in members.members))


def padded(house: House, sequence: int, size: int, made: dt.datetime = MADE) -> bytes:
    """A contribution of some `size` bytes that holds: ports by the thousand."""
    rows = [(DAYS[0], "pair", f"{n}/{p} CN", 99, 9) for p in (33, 50) for n in range(60_000)][: size // 33]
    data = contribution(house, DAYS[:1], sequence=sequence, made=made, lie=lambda own: own + rows)
    assert abs(len(data) / size - 1) < 0.1
    return data


def test_a_file_that_is_too_large(houses: list[House], tmp_path: Path) -> None:
    members, place = small(listed(houses[:2])), tmp_path / "s"
    stored(place, members, [contribution(houses[0])])
    before = content(place)
    large = padded(houses[0], 2, 1_300_000)
    found = stored(place, members, [large, contribution(houses[1])])
    assert [one.state for one in found] == ["refused", "accepted"]
    assert (
        f"000.teiten (home-01) has {len(large):,} bytes, and a file of this member may have 1,048,576 (1 MiB)" in found[0].why
    )
    assert {name: data for name, data in content(place).items() if "home-01" in name} == before
    # whoever merges allows it to that member alone; and one that is forged is never said to be the member's
    more = replace(members, members=(replace(members.members[0], mib=2), members.members[1]))
    assert [one.state for one in stored(place, more, [large])] == ["accepted"]
    assert "forged" in stored(tmp_path / "t", members, [large[:-9].replace(b'"sequence":2', b'"sequence":7', 1)])[0].why


def test_bytes_of_a_month(houses: list[House], tmp_path: Path) -> None:
    """In one go or in several; another month, and other members, have room of their own; a replay weighs nothing."""
    members, place = small(listed(houses[:2])), tmp_path / "s"
    files = [padded(houses[0], n, 900_000) for n in range(1, 6)]
    assert {one.state for one in stored(place, members, files[:2])} == {"accepted"}
    found = stored(place, members, [*files[2:4], files[0], files[4]])
    assert [one.state for one in found] == ["accepted", "accepted", "known", "refused"]
    assert "003.teiten (home-01): with it the files of this member made in 2026-10 would have" in found[3].why
    before = content(place)
    # under a new name it is the same member
    renamed = replace(members, members=(replace(members.members[0], name="ume", formerly=("home-01",)), members.members[1]))
    assert [one.state for one in stored(place, renamed, [files[4]])] == ["refused"] and content(place) == before
    other = padded(houses[0], 5, 900_000, MADE - dt.timedelta(days=8))
    earlier = contribution(houses[0], DAYS[:1], sequence=6, made=dt.datetime(2026, 11, 2, tzinfo=dt.UTC))
    assert [one.state for one in stored(place, members, [contribution(houses[1]), other])] == ["accepted", "refused"]
    assert [one.state for one in stored(place, members, [earlier], dt.datetime(2026, 11, 3, tzinfo=dt.UTC))] == ["accepted"]
    assert not [why for _, why in store.load(place).aside if "altered" in why]


def test_files_of_a_month(houses: list[House], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "FILES", 3)
    members, place = listed(houses[:2]), tmp_path / "s"
    files = [contribution(houses[0], DAYS[:1], sequence=n) for n in range(1, 5)]
    found = stored(place, members, [*files, contribution(houses[1])])
    assert [one.state for one in found] == ["accepted"] * 3 + ["refused", "accepted"]
    assert "003.teiten (home-01): of this member 3 files made in 2026-10 are here" in found[3].why
    assert len(content(place)) == 4


def test_no_months_before_there_were_contributions(houses: list[House], tmp_path: Path) -> None:
    """A member that puts its clock back has no further months to fill."""
    old = [dt.date(1999, 5, 5)]
    data = contribution(houses[0], old, made=dt.datetime(1999, 6, 1, tzinfo=dt.UTC), lie=lambda own: [])
    found = stored(tmp_path / "s", listed(houses[:1]), [data])
    assert found[0].state == "refused" and "(home-01) was made on 1999-06-01, before there were" in found[0].why
    assert not content(tmp_path / "s")


def test_the_list_says_how_much(houses: list[House], tmp_path: Path) -> None:
    path = tmp_path / "members.toml"
    path.write_text(toml(listed(houses[:1])).replace('name = "home-01"', 'name = "home-01"\nmib = 64'))
    assert keys.members(path).members[0].mib == 64 and form.LARGEST == 64 << 20
    assert Member("x", (), ()).mib == keys.MIB == 8
    for wrong in ("0", "65", "1.5", "true", '"8"'):
        path.write_text(toml(listed(houses[:1])).replace('name = "home-01"', f'name = "home-01"\nmib = {wrong}'))
        with pytest.raises(UsageError, match=r"home-01.*mib must be a whole number from 1 to 64"):
            keys.members(path)


def test_pieces_make_no_difference(houses: list[House], monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows looked at in small pieces are the same, a wrong one has the same line, and one told twice is found across them."""
    data = contribution(houses[0], DAYS[:1])
    body = data.split(b"\n", 3)[3]
    whole = lines.read(body, DAYS, "x")
    bad = body.replace(b"\tport\t", b"\tfort\t", 1)
    line = bad[: bad.index(b"fort")].count(b"\n") + 4
    twice = body + body.split(b"\n")[1] + b"\n"
    for piece in (lines.PIECE, 2000):
        monkeypatch.setattr(lines, "PIECE", piece)
        assert lines.read(body, DAYS, "x").equals(whole)
        with pytest.raises(form.InputError, match=f"x, line {line}: no row"):
            lines.read(bad, DAYS, "x")
        with pytest.raises(form.InputError, match="told twice"):
            lines.read(twice, DAYS, "x")
