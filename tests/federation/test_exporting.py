"""From a lake to a file: what --dry-run shows is what goes, once, in a chain; nothing of the observer's own goes with it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from teiten import intake, settings
from teiten.errors import TeitenError, UsageError
from teiten.federation import counting, exporting, form, keys
from teiten.federation.keys import Signer
from teiten.lake import Lake
from teiten.publish import leaks
from teiten.settings import Settings
from teiten.site.plan import addresses

SENSOR = "198.51.100.23"
FIRST = dt.date(2026, 8, 3)
TODAY = dt.date(2026, 8, 20)
DAYS = 4
GONE = FIRST + dt.timedelta(days=2)
"""a day on which the sensor was silent from 6 o'clock on"""


def lines(days: int = DAYS, first: int = 0) -> list[str]:
    """Each day 46 packets: 30 for 23/tcp of 15 hosts, 14 for 445/tcp of 14, 2 for 81/tcp."""
    out = []
    for day in range(first, days):
        begin = dt.datetime.combine(FIRST + dt.timedelta(days=day), dt.time(0, 5), ZoneInfo("Asia/Tokyo"))
        spread = 20_000 if begin.date() == GONE else 85_000
        for n, port in enumerate([23] * 30 + [445] * 14 + [81] * 2):
            at = begin + dt.timedelta(seconds=n * spread // 46)
            host = f"8.8.{port % 200}.{n % 15 if port == 23 else n}"
            out.append(
                f"{at.isoformat()} gw kernel: DROP IN=ppp0 OUT= MAC= SRC={host} DST={SENSOR} LEN=40 TOS=0x00 PREC=0x00 TTL=50 "
                f"ID=7 PROTO=TCP SPT=40000 DPT={port} SEQ=1 ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0\n"
            )
    return out


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tmp_path = tmp_path_factory.mktemp("house")
    (tmp_path / "router.log").write_text("".join(lines()))
    (tmp_path / "teiten.toml").write_text(
        'zone = "Asia/Tokyo"\nlanguage = "en"\nlake = "lake"\n[federation]\nname = "friends"\nmember = "ume"\n'
        'label = "the Umeda line"\n[sensor.secret-name]\naddresses = 1\npaths = ["*.log"]\n'
    )
    found = settings.load(config=tmp_path / "teiten.toml")
    ingested(found, tmp_path / "router.log")
    return tmp_path


@pytest.fixture
def house(whole: Path, tmp_path: Path, own_data: Path) -> Settings:
    """A copy of that lake, and no key or chain."""
    shutil.copytree(whole, tmp_path / "house")
    return settings.load(config=tmp_path / "house" / "teiten.toml")


def ingested(found: Settings, *files: Path) -> Lake:
    lake = Lake.open_or_create(found.lake, "Asia/Tokyo")
    assert not intake.ingest(lake, [str(file) for file in files], found).failed
    return lake


def export(found: Settings, signer: Signer, out: Path, **kinds: object) -> Path | None:
    lake = Lake.open(found.lake)
    with exporting.chain(found.federating) as (path, links):
        draft = exporting.draft(lake, found, signer, links, TODAY, **kinds)  # type: ignore[arg-type]
        if not draft.days:
            return None
        name, data, link = exporting.sealed(found, signer, draft, links, dt.datetime.now(dt.UTC), addresses(lake, found))
        return exporting.put(out, name, data, path, link)


def opened(path: Path, signer: Signer) -> form.Contribution:
    return form.opened(form.read(path), signer.public)


def test_a_lake_is_counted_as_it_is(house: Settings) -> None:
    found = counting.count(Lake.open(house.lake), house, FIRST)
    assert found.figures["all"] == {"": (46, 31)}
    assert found.figures["port"] == {"23/6": (30, 15), "445/6": (14, 14), "81/6": (2, 2)}
    hours = Counter(dt.datetime.fromisoformat(line.split()[0]).hour for line in lines(1))
    assert found.hours == dict(hours) and set(found.watching) == set(range(24))
    assert all(addresses == 1 for _, addresses in found.watching.values())
    assert sum(n for n, _ in found.figures["pair"].values()) == sum(n for n, _ in found.figures["asn"].values()) == 46


def test_silence_is_a_gap_and_no_zero(house: Settings) -> None:
    found = counting.count(Lake.open(house.lake), house, GONE)
    assert set(range(6)) <= set(found.watching) and not set(range(8, 24)) & set(found.watching)


def test_the_file_holds_what_was_drawn_up(house: Settings, tmp_path: Path) -> None:
    signer = keys.make()
    path = export(house, signer, tmp_path / "out")
    assert path is not None and path.name == "friends-ume-000001.teiten"
    found = opened(path, signer)
    assert [day.isoformat() for day in found.head.days] == [f"2026-08-0{n}" for n in (3, 4, 5, 6)]
    own = found.rows.filter((found.rows["day"] == FIRST) & (found.rows["what"] == "port"))
    # 81/tcp came twice: too rare to be told
    assert {(k, p, h) for _, _, k, p, h in own.iter_rows()} == {("23/6", 30, 15), ("445/6", 14, 14)}
    assert (found.head.sequence, found.head.previous, found.head.label) == (1, "", "the Umeda line")


def test_nothing_of_the_observers_own_goes(house: Settings, tmp_path: Path) -> None:
    signer = keys.make()
    path = export(house, signer, tmp_path / "out")
    assert path is not None
    data = path.read_bytes()
    assert b"secret-name" not in data and SENSOR.encode() not in data and b"8.8." not in data
    secret = addresses(Lake.open(house.lake), house)
    assert leaks.packed([SENSOR]) <= secret and leaks.find({path.name: data}, secret) is None
    named = replace(house, federating=replace(house.federating, label=f"at {SENSOR.replace('.', '-')}"))
    with pytest.raises(TeitenError, match="would name an address"):
        export(named, signer, tmp_path / "again", again=True)
    assert not (tmp_path / "again").exists()


@pytest.mark.full
def test_what_is_not_new_does_not_go_again(house: Settings, tmp_path: Path) -> None:
    signer = keys.make()
    first = export(house, signer, tmp_path / "out")
    assert first is not None and export(house, signer, tmp_path / "out") is None
    # a late log changes two days, and adds one: these go, and no other
    late = tmp_path / "late.log"
    late.write_text("".join(line.replace("DPT=81", "DPT=82").replace("SRC=8.8", "SRC=9.9") for line in lines(5, 3)))
    ingested(house, late)
    second = export(house, signer, tmp_path / "out")
    assert second is not None
    found = opened(second, signer)
    assert [day.day for day in found.head.days] == [6, 7] and found.head.sequence == 2
    assert found.head.previous == hashlib.sha256(first.read_bytes()).hexdigest()
    # other rules are another telling
    closer = replace(house, federating=replace(house.federating, least_packets=2, least_hosts=1))
    third = export(closer, signer, tmp_path / "out")
    assert third is not None and len(opened(third, signer).head.days) == 5


@pytest.mark.full
def test_what_nobody_would_take_is_not_exported(house: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written, and no number of the chain is used up."""
    signer = keys.make()
    with (
        monkeypatch.context() as patched,
        pytest.raises(TeitenError, match=r"Nothing was exported: 4 days have [\d,]+ bytes, .* more than 900 in one file"),
    ):
        patched.setattr(form, "LARGEST", 900)
        export(house, signer, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    path = export(house, signer, tmp_path / "out")
    assert path is not None and path.name == "friends-ume-000001.teiten"


@pytest.mark.full
def test_days_that_are_not_settled_wait(house: Settings) -> None:
    signer, lake = keys.make(), Lake.open(house.lake)
    for today, days in ((TODAY, 4), (dt.date(2026, 8, 9), 3), (FIRST, 0)):
        assert len(exporting.draft(lake, house, signer, [], today).days) == days
    assert len(exporting.draft(lake, house, signer, [], TODAY, (FIRST, FIRST)).days) == 1


@pytest.mark.full
def test_a_kill_between_chain_and_file_uses_the_number_up(house: Settings, tmp_path: Path) -> None:
    """The line is there and the file is not: the next contribution has another number, so that no number is used twice."""
    signer = keys.make()
    path = export(house, signer, tmp_path / "out")
    assert path is not None
    path.unlink()
    again = export(house, signer, tmp_path / "out", again=True)
    assert again is not None and opened(again, signer).head.sequence == 2


def test_a_line_that_was_cut_is_none(house: Settings, tmp_path: Path) -> None:
    signer = keys.make()
    with exporting.chain(house.federating) as (path, _):
        pass
    path.write_text('{"sequence": 1, "dig')
    found = export(house, signer, tmp_path / "out")
    assert found is not None and opened(found, signer).head.sequence == 1
    assert len(path.read_text().splitlines()) == 1 and json.loads(path.read_text())["sequence"] == 1
    path.write_text("no json\n")
    with pytest.raises(TeitenError, match="no chain"), exporting.chain(house.federating):
        pass


@pytest.mark.full
def test_a_chain_that_was_lost_goes_on_after_a_file(house: Settings, tmp_path: Path) -> None:
    signer = keys.make()
    path = export(house, signer, tmp_path / "out")
    assert path is not None
    link = exporting.after(path, house.federating, signer)
    assert (link.sequence, link.digest) == (1, hashlib.sha256(path.read_bytes()).hexdigest())
    with pytest.raises(UsageError, match="not yours"):
        exporting.after(path, replace(house.federating, member="take"), signer)
    with pytest.raises(TeitenError, match="forged"):
        exporting.after(path, house.federating, Signer(bytes(32)))


def test_two_at_once_are_one_too_many(house: Settings) -> None:
    with (
        exporting.chain(house.federating),
        pytest.raises(TeitenError, match="Another process"),
        exporting.chain(house.federating),
    ):
        pass


def test_who_says_of_which_federation(house: Settings) -> None:
    with pytest.raises(UsageError, match="names no federation"), exporting.chain(replace(house.federating, name="")):
        pass


def test_sensors_that_are_many_can_be_settled(house: Settings) -> None:
    """least_sensors: with one sensor nothing changes; a figure of three is bounded by the one at that place."""
    rules = replace(house.federating, least_sensors=3)
    found = counting.count(Lake.open(house.lake), replace(house, federating=rules), FIRST)
    assert found.figures["port"]["23/6"] == (30, 15)
