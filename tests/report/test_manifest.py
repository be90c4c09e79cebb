"""Editions: a manifest from which the same files come again, what changed in between, what the analyst added."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from teiten import periods, settings
from teiten.engine import open_session
from teiten.engine.filters import Filters
from teiten.errors import TeitenError
from teiten.lake import Lake
from teiten.report import bundle, edition, manifest
from teiten.report.answers import Answers

TOKYO = ZoneInfo("Asia/Tokyo")
APRIL = dt.datetime(2026, 4, 2, 9, tzinfo=dt.UTC)
MAY = dt.datetime(2026, 5, 5, 9, tzinfo=dt.UTC)
DAY = periods.parse("daily", "2019-10-22", TOKYO)


@pytest.fixture
def days(small: SimpleNamespace) -> list[str]:
    """The lines of three days."""
    return [x for x in small.log() if "2019-10-20" <= x < "2019-10-23"]


@pytest.fixture
def lake(
    days: list[str], tmp_path: Path, small: SimpleNamespace, once: Callable[[Callable[[Path], object], Path], Path]
) -> Lake:
    def three_days(folder: Path) -> None:
        small.ingest("".join(days), folder)

    return Lake.open(once(three_days, tmp_path) / "lake")


def write(lake: Lake, out: Path, now: dt.datetime = APRIL, *, code: str = "ja", **more: object) -> int:
    chosen = settings.load(zone="Asia/Tokyo", language=code)
    with open_session(lake, chosen) as session:
        more = {"pictures": False, **more}
        made = edition.make(session, chosen, DAY, Filters(), {code: out}, "teiten report", now=now, **more)  # type: ignore[arg-type]
    return made[code]


def again(lake: Lake, folder: Path, out: Path) -> list[str]:
    told = manifest.read(folder)
    manifest.check_lake(told, lake)
    chosen, lost = manifest.restore(settings.load(zone="UTC", language="en"), told)
    with open_session(lake, chosen, upto=told.table["lake"]["last_batch"], as_of=told.made) as session:
        causes, others = edition.again(session, chosen, told, out)
        return [*lost, *causes, *others]


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def late(small: SimpleNamespace, folder: Path, days: list[str]) -> Lake:
    """The lake with lines that came later: of the day itself, of one sensor more."""
    at = dt.datetime(2019, 10, 22, 7, tzinfo=TOKYO)
    more = [small.line(at + dt.timedelta(seconds=n), small.US + "9", small.tcp(8443)) for n in range(400)]
    found: Lake = small.ingest("".join([*days, *more]), folder)
    return found


def test_a_manifest_says_what_is_in_the_folder(lake: Lake, tmp_path: Path, small: SimpleNamespace) -> None:
    assert write(lake, tmp_path / "day") == 1
    there = files(tmp_path / "day")
    text = there.pop("manifest.json").decode()
    table = json.loads(text)
    assert table["files"] == {n: {"sha256": hashlib.sha256(d).hexdigest(), "size": len(d)} for n, d in there.items()}
    assert table["lake"] == {"id": lake.meta.id, "last_batch": lake.live_files()[1], "events": 1290, "counted": False}
    assert table["report"]["period"] == "2019-10-22" and table["report"]["filters"] == {}
    assert table["edition"] == {"number": 1, "made": "2026-04-02T18:00:00+09:00"}
    assert table["geo"] and table["thresholds"]["comparable_coverage"] == 0.95
    assert str(tmp_path) not in text and not [a for a in small.OWN if a in text]


@pytest.mark.full
@pytest.mark.parametrize("pictures", [False, pytest.param(True, marks=pytest.mark.full)])
def test_made_again_byte_for_byte(lake: Lake, tmp_path: Path, days: list[str], small: SimpleNamespace, pictures: bool) -> None:
    """From the lake as it is, and from the lake that got later batches since, whatever the machine is set to."""
    write(lake, tmp_path / "day", pictures=pictures)
    assert ("charts/ports.png" in files(tmp_path / "day")) == pictures
    assert again(lake, tmp_path / "day", tmp_path / "one") == []
    assert files(tmp_path / "one") == files(tmp_path / "day")
    grown = late(small, tmp_path, days)
    grown.add_note("addendum", period="2019-10-22", text="later")
    assert again(grown, tmp_path / "day", tmp_path / "two") == []
    assert files(tmp_path / "two") == files(tmp_path / "day")
    # the second edition, too, with what it keeps of the first
    assert write(grown, tmp_path / "day", MAY) == 2
    assert again(grown, tmp_path / "day", tmp_path / "three") == []
    assert files(tmp_path / "three") == files(tmp_path / "day")
    # and the first, from what the second keeps of it, and the second from what a third keeps
    assert again(grown, tmp_path / "day" / "editions" / "1", tmp_path / "four") == []
    assert files(tmp_path / "four") == files(tmp_path / "two")
    grown.add_note("addendum", period="2019-10-22", text="later still")
    assert write(grown, tmp_path / "day", MAY + dt.timedelta(days=1)) == 3
    assert again(grown, tmp_path / "day" / "editions" / "2", tmp_path / "five") == []
    assert files(tmp_path / "five") == files(tmp_path / "three")


@pytest.mark.full
def test_a_file_that_holds_several_batches_is_cut_by_place(
    lake: Lake, tmp_path: Path, days: list[str], small: SimpleNamespace
) -> None:
    """A file without a batch's number (compaction) is limited by the inputs' bytes."""
    write(lake, tmp_path / "day")
    grown = late(small, tmp_path, days)
    real = type(grown).live_files
    put = {"part-": "kept-"}

    class Compacted(Lake):
        def live_files(self, *args: object, **more: object):  # type: ignore[no-untyped-def]
            found, last = real(self, None, None, None)
            for file in found:
                other = file.path.with_name(file.path.name.replace("part-", put["part-"]))
                if not other.exists():
                    os.link(file.path, other)
            wanted = [type(f)(f.path.with_name(f.path.name.replace("part-", "kept-")), f.rows, f.t_min, f.t_max) for f in found]
            return wanted, args[2] if len(args) > 2 and args[2] is not None else last

    assert again(Compacted(grown.path, grown.meta), tmp_path / "day", tmp_path / "again") == []


def test_nothing_new_is_no_edition(lake: Lake, tmp_path: Path) -> None:
    write(lake, tmp_path / "day")
    before = files(tmp_path / "day")
    assert write(lake, tmp_path / "day", MAY) == 1
    assert files(tmp_path / "day") == before


@pytest.mark.parametrize("code", ["ja", pytest.param("en", marks=pytest.mark.full)])
def test_a_second_edition_says_what_changed(
    lake: Lake, tmp_path: Path, days: list[str], small: SimpleNamespace, code: str
) -> None:
    out = tmp_path / "day"
    write(lake, out, code=code)
    first = files(out)
    grown = late(small, tmp_path, days)
    grown.add_note(
        "addendum", period="2019-10-22", lang="ja", text="8443番は<b>自宅</b>の試験でした。\n以上。", url="https://example.org/"
    )
    assert write(grown, out, MAY, code=code) == 2
    there = files(out)
    assert there["editions/1/manifest.json"] == first["manifest.json"]
    rows = {n.removeprefix("editions/1/"): d for n, d in there.items() if n.startswith("editions/1/data/")}
    # once is enough: JSON and Parquet say the same
    assert rows == {n: d for n, d in first.items() if n.startswith("data/") and n.endswith(".csv")}
    page, text = there["index.html"].decode(), there["report.md"].decode()
    told = there["data/changes.csv"].decode()
    assert "total,packets,468,868" in told and "rank of ports,6/8443,,1" in told and "batches,new,,1" in told
    if code == "ja":
        assert "第2版(2026年5月5日)" in page and "第1版(2026年4月2日)から" in text
        assert "パケット数: 468→868(+400)" in text and "8443/tcp(圏外→1位)" in text
        assert "追記)" in page and "8443番は&lt;b&gt;自宅&lt;/b&gt;の試験でした。</p>\n<p>以上。" in page
        assert "追記を1件加えました" in text
    else:
        assert "Edition 2 (5 May 2026)" in page and "Packets: 468 → 868 (+400)" in text
        assert "自宅" not in page and "in Japanese only" in text
    assert "<b>" not in page
    # a third time without anything new keeps the second; the third edition keeps both
    assert write(grown, out, MAY + dt.timedelta(days=1), code=code) == 2
    assert files(out) == there
    grown.add_note("addendum", period="2019-10-22", text="x")
    assert write(grown, out, MAY + dt.timedelta(days=2), code=code) == 3
    assert {n.split("/")[1] for n in files(out) if n.startswith("editions/")} == {"1", "2"}


@pytest.mark.parametrize("many", [0, 1 << 40])
def test_a_digest_tells_verdicts_apart(lake: Lake, monkeypatch: pytest.MonkeyPatch, many: int) -> None:
    monkeypatch.setattr(manifest, "MANY", many)
    chosen = settings.load(zone="Asia/Tokyo")

    def digest() -> str:
        with open_session(lake, chosen) as session:
            return manifest.verdicts(Answers(session, DAY, Filters(), chosen.thresholds))

    found = {digest(): ""}
    for source, label, value in (
        ("192.0.2.7", "tool", "nmap"),
        ("192.0.2.8", "tool", "nmap"),
        ("192.0.2.7", "tool", "zmap"),
        ("192.0.2.7", "announced_scanner", "nmap"),
        ("192.0.2.0/24", "tool", "nmap"),
        ("2001:db8::7", "tool", "nmap"),
        ("2001:db8::8", "tool", "nmap"),
    ):
        number = lake.add_note("correction", src=source, label=label, value=value)
        found[digest()] = source
        lake.withdraw_note(number)
    assert len(found) == 8
    assert found[digest()] == ""


def test_fresh_begins_again(lake: Lake, tmp_path: Path, days: list[str], small: SimpleNamespace) -> None:
    write(lake, tmp_path / "day")
    assert write(late(small, tmp_path, days), tmp_path / "day", MAY, fresh=True) == 1
    assert not (tmp_path / "day" / "editions").exists()


def test_what_was_changed_by_hand_is_kept(lake: Lake, tmp_path: Path) -> None:
    out = tmp_path / "day"
    write(lake, out)
    (out / "report.md").write_text("my own words")
    assert write(lake, out, MAY) == 2
    assert (out / "editions/1/report.md").read_text() == "my own words"
    assert "my own words" not in (out / "report.md").read_text()


def test_notes_stand_where_they_belong(lake: Lake, tmp_path: Path, small: SimpleNamespace) -> None:
    """At the gap, dated below, withdrawn ones gone, and a source's address kept back."""
    lines = [x for x in small.log() if "2019-10-08" <= x < "2019-10-10"]
    own = small.ingest("".join(lines), tmp_path / "gap" if (tmp_path / "gap").mkdir() is None else tmp_path)
    day = dt.date(2019, 10, 9)
    own.add_note("gap", day_from=day, day_to=day, lang="en", text="patch day")
    own.add_note("gap", day_from=day, day_to=day, lang="ja", text="パッチ適用の日")
    own.add_note("correction", day_from=day, day_to=day, src="1.80.0.9", label="not_a_scanner", text="a friend")
    gone = own.add_note("note", day_from=day, text="wrong")
    own.withdraw_note(gone)
    own.add_note("note", period="2019-10", text="of the month, not of the day")
    own.add_note("note", day_from=day, text="a quiet day")
    chosen = settings.load(zone="Asia/Tokyo", language="en")
    period = periods.parse("daily", "2019-10-09", TOKYO)
    places = {"en": tmp_path / "en", "ja": tmp_path / "ja"}
    with open_session(own, chosen) as session:
        edition.make(session, chosen, period, Filters(), places, "teiten report", pictures=False)
    english, japanese = ((tmp_path / code / "report.md").read_text(encoding="utf-8") for code in ("en", "ja"))
    assert "to 14:00 (patch day)" in english and "14時(パッチ適用の日)" in japanese
    assert "patch day" not in japanese
    assert "One source is now taken for: not a scanner." in english and "a friend" in english and "a quiet day" in english
    assert "1.80.0.9" not in english and "wrong" not in english and "of the month" not in english


def test_an_address_in_a_note_stops_the_report(lake: Lake, tmp_path: Path, small: SimpleNamespace) -> None:
    lake.add_note("addendum", period="2019-10-22", text=f"I was {small.OWN[0]} then")
    with pytest.raises(TeitenError, match="address of a sensor"):
        write(lake, tmp_path / "day")
    assert not (tmp_path / "day").exists()


def test_what_cannot_be_had_again_is_said(lake: Lake, tmp_path: Path, small: SimpleNamespace) -> None:
    lake.add_note("addendum", period="2019-10-22", text="x")
    write(lake, tmp_path / "day")
    folder = tmp_path / "other"
    folder.mkdir()
    other = small.ingest("".join(x for x in small.log() if x < "2019-09-03"), folder)
    with pytest.raises(TeitenError, match="made from another lake"):
        again(other, tmp_path / "day", tmp_path / "again")
    path = tmp_path / "day" / "manifest.json"
    table = json.loads(path.read_text(encoding="utf-8"))
    table["lake"]["events"] += 5
    table["geo"], table["program"]["version"], table["notes"] = ["older-data"], "0.0.1", [*table["notes"], "00000000"]
    table["settings"]["watchlists"] = [{"sha256": "0" * 64}]
    path.write_text(json.dumps(table), encoding="utf-8")
    said = "\n".join(again(lake, tmp_path / "day", tmp_path / "again"))
    for words in (
        "5 events have been taken out of the lake",
        "other data answered countries: older-data then",
        "another version of the program: teiten 0.0.1 then",
        "notes that are no longer in the lake: 00000000",
        "the setting watchlists names other files than then",
    ):
        assert words in said
    table["lake"]["last_batch"] += 1
    path.write_text(json.dumps(table), encoding="utf-8")
    with pytest.raises(TeitenError, match="ends with batch"):
        again(lake, tmp_path / "day", tmp_path / "again")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is no manifest"),
        ("[]", "is no manifest"),
        ('{"manifest": 1}', "is no manifest"),
        ('{"manifest": 9}', "of version 9"),
        ("\x00\xff", "is no manifest"),
    ],
)
def test_a_broken_manifest_is_a_sentence(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(TeitenError, match=why):
        manifest.read(tmp_path / "manifest.json")
    with pytest.raises(TeitenError, match="There is no"):
        manifest.read(tmp_path / "nowhere.json")


def test_settings_come_back(lake: Lake, tmp_path: Path) -> None:
    """Whatever shapes a report is as it was then, whatever the configuration says today."""
    config = tmp_path / "teiten.toml"
    config.write_text(
        'port_style = "TCP#23"\ncountry = "JP"\nwatch.since = 2019-10-01\n[thresholds]\ncomparable_coverage = 0.5\n'
    )
    chosen = settings.load(config=config, zone="Asia/Tokyo", language="ja")
    with open_session(lake, chosen) as session:
        edition.make(session, chosen, DAY, Filters(), {"ja": tmp_path / "day"}, "teiten report", pictures=False)
    told = manifest.read(tmp_path / "day")
    back, lost = manifest.restore(settings.load(zone="UTC", language="en"), told)
    assert lost == []
    assert back.watch_since == dt.date(2019, 10, 1)
    assert (back.port_style, back.country, back.threshold("comparable_coverage")) == ("TCP#23", "JP", 0.5)
    assert manifest.in_force(back) == told.table["settings"]
    config.write_text('[sensor.home]\ngroup = "secret"\n')
    assert manifest.restore(settings.load(config=config), told)[1] == ["the sensors are configured otherwise than then"]


def test_sensors_are_not_named(lake: Lake, tmp_path: Path) -> None:
    config = tmp_path / "teiten.toml"
    config.write_text('[sensor.home]\ngroup = "cellar"\n[sensor.attic]\n')
    chosen = settings.load(config=config, zone="Asia/Tokyo", language="ja")
    with open_session(lake, chosen) as session:
        edition.make(session, chosen, DAY, Filters(), {"ja": tmp_path / "day"}, "teiten report", pictures=False)
    text = (tmp_path / "day" / "manifest.json").read_text(encoding="utf-8")
    assert "cellar" not in text and "attic" not in text
    assert json.loads(text)["coverage"]["sensors"] == [1.0]


def test_a_report_of_before_there_were_manifests_is_replaced(lake: Lake, tmp_path: Path) -> None:
    write(lake, tmp_path / "day")
    (tmp_path / "day" / "manifest.json").unlink()
    assert write(lake, tmp_path / "day", MAY) == 1
    assert manifest.read(tmp_path / "day").made == MAY


def test_foreign_files_are_left_alone(lake: Lake, tmp_path: Path) -> None:
    out = tmp_path / "day"
    write(lake, out)
    (out / ".DS_Store").write_text("x")
    assert write(lake, out) == 1, "what a file manager leaves is no reason"
    (out / "data" / "thesis.csv").write_text("mine")
    with pytest.raises(TeitenError, match=r"other things in it \(data/thesis\.csv\)"):
        write(lake, out)
    assert (out / "data" / "thesis.csv").read_text() == "mine"


@pytest.mark.faults
def test_what_a_kill_leaves_is_cleared_away(tmp_path: Path) -> None:
    """Killed while it writes, and while it puts the new in the old one's place: the next run mends both."""
    out = tmp_path / "day"
    bundle._put({"index.html": b"old", "report.md": b"", "style.css": b""}, out)
    code = (
        "import os, sys, pathlib\n"
        "from teiten.report import bundle\n"
        "at = int(sys.argv[2]); real = pathlib.Path.rename; seen = [0]\n"
        "def rename(self, to):\n"
        "    seen[0] += 1\n"
        "    if seen[0] == at: os.kill(os.getpid(), 9)\n"
        "    return real(self, to)\n"
        "pathlib.Path.rename = rename\n"
        "bundle._put({'index.html': b'new'}, pathlib.Path(sys.argv[1]))\n"
    )
    for at, there in ((1, True), (2, False)):
        run = subprocess.run([sys.executable, "-c", code, str(out), str(at)], capture_output=True, check=False)
        assert run.returncode == -signal.SIGKILL, run.stderr
        assert out.exists() == there
        left = [p.name for p in tmp_path.iterdir() if p.name.startswith(".")]
        assert left
        bundle.check_place(out)
        assert (out / "index.html").read_bytes() == b"old"
        assert [p.name for p in tmp_path.iterdir()] == ["day"]
    # one that another run is writing just now stays
    handles: list[int] = []
    held = bundle._held(out, ".part", handles)
    (tmp_path / ".day.notes.part").mkdir()
    bundle.check_place(out)
    assert held.is_dir() and (tmp_path / ".day.notes.part").is_dir()
    os.close(handles[0])
    bundle.check_place(out)
    assert not held.exists() and (tmp_path / ".day.notes.part").is_dir()
