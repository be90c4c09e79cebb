"""What holds is kept once, in whatever order it comes; what does not is refused by name, and harms nothing else."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from teiten.errors import TeitenError
from teiten.federation import form, keys, store
from teiten.federation.keys import Member
from teiten.federation.merging import Merged

from .conftest import DAYS, FEDERATION, MADE, NOW, ZONE, House, contribution, inflate, listed, stored, toml


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def states(found: list[store.Outcome]) -> list[str]:
    return [one.state for one in found]


def says(place: Path, port: str = "23/6") -> list[float]:
    merged = Merged(store.load(place), DAYS[0], DAYS[-1])
    table = merged.table("port")
    return table.packets[table.keys.index(port)].tolist()


def content(place: Path) -> dict[str, bytes]:
    return {p.relative_to(place).as_posix(): p.read_bytes() for p in (place / store.ACCEPTED).rglob("*") if p.is_file()}


def test_the_order_and_repetition_make_no_difference(houses: list[House], tmp_path: Path) -> None:
    """Two members, three contributions each, editions among them, in many orders, some twice, in several runs: one store."""
    files = []
    for house in houses[:2]:
        one = contribution(house, DAYS[:4])
        two = contribution(house, DAYS[2:7], sequence=2, previous=digest(one), lie=inflate("port", "23/6", 3))
        three = contribution(house, DAYS[6:], sequence=3, previous=digest(two))
        files += [one, two, three]
    rng = random.Random(5)
    seen = set()
    for n in range(8):
        place = tmp_path / f"store-{n}"
        order = rng.sample(files, len(files)) if n else files
        for part in (order[:2], order[1:4], order[4:], rng.sample(files, 3)):
            stored(place, listed(houses[:2]), part)
        assert len(content(place)) == 6
        merged = Merged(store.load(place), DAYS[0], DAYS[-1])
        seen.add((tuple(sorted(content(place).items())), tuple(says(place)), merged.table("port").rate.tobytes()))
        assert not store.load(place).aside
    assert len(seen) == 1


def test_a_newer_edition_replaces_its_days_alone(houses: list[House], tmp_path: Path) -> None:
    one = contribution(houses[0], DAYS)
    two = contribution(houses[0], DAYS[5:6], sequence=2, previous=digest(one), lie=inflate("port", "23/6", 10))
    stored(tmp_path / "s", listed(houses[:1]), [two, one])
    merged = Merged(store.load(tmp_path / "s"), DAYS[0], DAYS[-1])
    course = merged.course("port", "23/6")
    stored(tmp_path / "t", listed(houses[:1]), [one])
    before = Merged(store.load(tmp_path / "t"), DAYS[0], DAYS[-1]).course("port", "23/6")
    assert course[5] == pytest.approx(10 * (before[5] or 0)) and course[:5] + course[6:] == before[:5] + before[6:]


def test_a_replay_is_known(houses: list[House], tmp_path: Path) -> None:
    data = contribution(houses[0])
    assert states(stored(tmp_path / "s", listed(houses), [data, data])) == ["accepted", "known"]
    assert states(stored(tmp_path / "s", listed(houses), [data])) == ["known"]
    assert len(content(tmp_path / "s")) == 1


def test_two_of_one_number_speak_against_each_other(houses: list[House], tmp_path: Path) -> None:
    """In either order: neither counts, it is told, and a later number mends it."""
    one, other = contribution(houses[0]), contribution(houses[0], lie=inflate("port", "23/6", 9))
    for n, order in enumerate(itertools.permutations([one, other])):
        place = tmp_path / f"s{n}"
        stored(place, listed(houses[:2]), [*order, contribution(houses[1])])
        found = store.load(place)
        assert [c.head.member for c in found.contributions] == ["home-02"]
        assert found.aside == [("home-01", "2 different contributions have the number 1: neither counts.")]
        stored(place, listed(houses[:2]), [contribution(houses[0], sequence=2, previous=digest(one))])
        assert {c.head.sequence for c in store.load(place).contributions if c.head.member == "home-01"} == {2}


def test_a_hole_in_a_chain_is_told(houses: list[House], tmp_path: Path) -> None:
    one = contribution(houses[0], DAYS[:4])
    three = contribution(houses[0], DAYS[4:], sequence=3, previous="0" * 64)
    stored(tmp_path / "s", listed(houses), [one, three])
    found = store.load(tmp_path / "s")
    assert len(found.contributions) == 2 and "Number 2 has not come" in found.aside[0][1]
    two = contribution(houses[0], DAYS[3:4], sequence=2, previous=digest(one))
    stored(tmp_path / "s", listed(houses), [two])
    assert "Number 3 does not follow the number 2" in store.load(tmp_path / "s").aside[0][1]


def test_what_is_refused_is_named_and_harms_no_other(houses: list[House], tmp_path: Path) -> None:
    house, stranger = houses[0], houses[5]
    wrong = {
        "forged": (contribution(house, by=stranger.signer), "key is that of 'home-06'"),
        "altered": (contribution(house).replace(b"\tall\t\t3", b"\tall\t\t9", 1), "altered"),
        "cut": (contribution(house)[:-10], "cut short"),
        "other federation": (contribution(house, federation="others"), "for the federation 'others'"),
        "wrong zone": (contribution(house, zone="UTC"), "days of UTC, and this federation's are those of Asia/Tokyo"),
        "yet to come": (contribution(house, made=NOW + dt.timedelta(hours=2)), "yet to come: a clock is wrong"),
        "days to come": (contribution(house, made=dt.datetime(2026, 10, 5, tzinfo=dt.UTC)), "not over when it was made"),
        "no contribution": (b"hello", "no contribution"),
        "newer": (contribution(house).replace(b"federation 1\n", b"federation 2\n", 1), "a newer form"),
    }
    for name, (data, words) in wrong.items():
        place = tmp_path / name.replace(" ", "-")
        found = stored(place, listed(houses[:6]), [contribution(houses[1]), data, contribution(houses[2])])
        assert states(found) == ["accepted", "refused", "accepted"], name
        assert words in found[1].why and "001.teiten" in found[1].why, (name, found[1].why)
        assert len(content(place)) == 2
    found = stored(tmp_path / "x", listed(houses[:1]), [contribution(stranger)])
    assert "does not know" in found[0].why and "home-06" in found[0].why


def test_the_store_is_as_it_was(houses: list[House], tmp_path: Path) -> None:
    """Whatever comes, in whatever way it is bad: named, and not a byte of the store is another one."""
    house, place = houses[0], tmp_path / "s"
    one = contribution(house, DAYS[:3])
    stored(place, listed(houses[:2]), [one, contribution(houses[1], DAYS[:3])])
    before, told = content(place), says(place)
    bad = [
        contribution(house, DAYS[3:], sequence=2, by=houses[9].signer), contribution(house, DAYS[3:], name="home-02"),
        contribution(house, zone="UTC"), contribution(house, made=NOW + dt.timedelta(days=400)), contribution(house)[:900],
        contribution(house).replace(b"-federation 1", b"-federation 0", 1), b"", b"\x1b[2J" * 99, one + b"x", b"\x1f\x8b" + one,
    ]  # fmt: skip
    found = stored(place, listed(houses[:2]), [*bad, one])
    assert states(found) == ["refused"] * len(bad) + ["known"]
    assert all(f"{n:03d}.teiten" in outcome.why for n, outcome in enumerate(found[:-1]))
    assert content(place) == before and says(place) == told and not store.load(place).aside


def test_a_clock_that_was_put_back_is_told(houses: list[House], tmp_path: Path) -> None:
    one = contribution(houses[0], DAYS[:4])
    two = contribution(houses[0], DAYS[4:], sequence=2, previous=digest(one), made=MADE - dt.timedelta(hours=9))
    stored(tmp_path / "s", listed(houses[:1]), [two, one])
    found = store.load(tmp_path / "s")
    assert len(found.contributions) == 2
    assert found.aside == [("home-01", "Number 2 says to be made at 2026-10-19 18:00 UTC, before number 1: a clock was off.")]


def test_clocks_may_differ_by_a_quarter_of_an_hour(houses: list[House], tmp_path: Path) -> None:
    for minutes, state in ((14, "accepted"), (16, "refused")):
        data = contribution(houses[0], made=NOW + dt.timedelta(minutes=minutes))
        assert states(stored(tmp_path / f"{minutes}", listed(houses), [data])) == [state]


def test_expired_rotated_and_revoked_keys(houses: list[House], tmp_path: Path) -> None:
    house, new = houses[0], keys.Signer(bytes([200]) * 32)
    old_key = keys.Key(house.signer.public, until=dt.date(2026, 10, 15))
    members = replace(listed(houses[:1]), members=(Member("home-01", (), (old_key, keys.Key(new.public))),))
    one = contribution(house, made=dt.datetime(2026, 10, 14, tzinfo=dt.UTC))
    late = contribution(house, sequence=2, previous=digest(one))
    rotated = contribution(house, sequence=2, previous=digest(one), by=new)
    found = stored(tmp_path / "s", members, [one, late, rotated])
    assert states(found) == ["accepted", "refused", "accepted"] and "did not sign" in found[1].why
    # revoked: what came before stays, what says to be made since is set aside, nothing new is accepted
    gone = keys.Key(house.signer.public, revoked=dt.date(2026, 10, 18))
    place = tmp_path / "r"
    stored(place, listed(houses[:1]), [contribution(house, DAYS[:3], made=dt.datetime(2026, 10, 14, tzinfo=dt.UTC))])
    stored(place, listed(houses[:1]), [contribution(house, DAYS[3:], sequence=2, made=MADE)])
    members = replace(members, members=(Member("home-01", (), (gone,)),))
    again = stored(place, members, [contribution(house, sequence=3, made=dt.datetime(2026, 10, 15, tzinfo=dt.UTC))])
    assert states(again) == ["refused"] and "revoked on 2026-10-18" in again[0].why
    kept = store.load(place)
    assert [c.head.sequence for c in kept.contributions] == [1] and "revoked" in kept.aside[0][1]


def test_a_member_that_was_renamed(houses: list[House], tmp_path: Path) -> None:
    house = houses[0]
    place = tmp_path / "s"
    one = contribution(house, DAYS[:5])
    stored(place, listed([house]), [one])
    renamed = replace(listed([house]), members=(Member("umeda", ("home-01",), (keys.Key(house.signer.public),)),))
    two = contribution(house, DAYS[5:], sequence=2, previous=digest(one), name="umeda")
    assert states(stored(place, renamed, [two, one])) == ["accepted", "accepted"]
    found = store.load(place)
    merged = Merged(found, DAYS[0], DAYS[-1])
    assert merged.members == ["umeda"] and not found.aside and float(merged.address_days[0]) == pytest.approx(10)
    # and who takes a name without being given it
    assert "calls itself 'other'" in stored(place, renamed, [contribution(house, sequence=3, name="other")])[0].why


def test_what_was_altered_in_the_store_is_set_aside(houses: list[House], tmp_path: Path) -> None:
    place = tmp_path / "s"
    stored(place, listed(houses[:2]), [contribution(houses[0]), contribution(houses[1])])
    path = next((place / store.ACCEPTED / "home-01").iterdir())
    path.write_bytes(path.read_bytes()[:-40])
    found = store.load(place)
    assert [c.head.member for c in found.contributions] == ["home-02"] and found.aside[0][0] == "home-01"


def test_a_store_that_is_none(tmp_path: Path, houses: list[House]) -> None:
    (tmp_path / store.LIST).write_text(toml(listed(houses[:1])))
    with pytest.raises(TeitenError, match="holds no contributions"):
        store.load(tmp_path)
    with store.held(tmp_path), pytest.raises(TeitenError, match="Another process"), store.held(tmp_path):
        pass


MERGE = """
import datetime as dt, sys
from pathlib import Path
from teiten.federation import keys, store
place, inbox = Path(sys.argv[1]), Path(sys.argv[2])
print("ready", flush=True)
store.accept(place, sorted(inbox.iterdir()), keys.members(place / store.LIST), dt.datetime(2026, 10, 21, tzinfo=dt.UTC))
"""


@pytest.mark.full
@pytest.mark.faults
def test_killed_in_the_middle(houses: list[House], tmp_path: Path) -> None:
    """Twelve kills at random moments of a merge: what lies there is whole each time, and in the end all of it, once."""
    inbox, place = tmp_path / "inbox", tmp_path / "store"
    inbox.mkdir()
    place.mkdir()
    (place / store.LIST).write_text(toml(listed(houses)))
    previous = ""
    for n, house in enumerate(houses):
        previous = ""
        for sequence in range(1, 6):
            data = contribution(house, DAYS[2 * sequence - 2 : 2 * sequence], sequence=sequence, previous=previous)
            (inbox / f"{n:02d}-{sequence}.teiten").write_bytes(data)
            previous = digest(data)
    rng, between = random.Random(3), 0
    for _ in range(12):
        process = subprocess.Popen(
            [sys.executable, "-c", MERGE, str(place), str(inbox)], stdout=subprocess.PIPE, env={**os.environ}
        )
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        time.sleep(rng.random() * 0.15)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        if (place / store.ACCEPTED).is_dir():
            found = store.load(place)
            between += 0 < len(found.contributions) < 100
            assert not [why for _, why in found.aside if "has not come" not in why]
    assert between, "no kill fell into a merge"
    subprocess.run([sys.executable, "-c", MERGE, str(place), str(inbox)], check=True, stdout=subprocess.DEVNULL)
    found = store.load(place)
    assert len(found.contributions) == 100 and not found.aside
    assert not list((place / store.ACCEPTED).glob("*/.*"))
    assert {c.head.federation for c in found.contributions} == {FEDERATION} and found.members.zone == ZONE
    assert all(form.parse(p.read_bytes(), p.name) for p in (place / store.ACCEPTED).glob("*/*"))
