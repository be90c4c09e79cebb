"""Whole reports of a small lake: words against accepted texts, numbers against the engine, silence about addresses."""

from __future__ import annotations

import csv
import datetime as dt
import os
import re
import socket
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from teiten import lang, periods, settings
from teiten.data import fonts
from teiten.engine import filters, open_session, questions
from teiten.engine.duckdb import Session
from teiten.engine.filters import Filters
from teiten.errors import TeitenError
from teiten.lake import Lake
from teiten.report import bundle, edition, markdown
from teiten.report.answers import Answers

TOKYO = ZoneInfo("Asia/Tokyo")
CASES = Path(__file__).parent / "cases"
REPORTS = ["2019-10", "2019-10-22", "2019-10-09", "2019-09", "2019-W43"]


@pytest.fixture(scope="session")
def made(answers: dict[str, Answers], chosen: settings.Settings) -> dict[tuple[str, str], dict[str, bytes]]:
    """Every file of every report, by period and language."""
    out = {}
    for name in REPORTS:
        for code in lang.languages():
            report = edition.compose(answers[name], chosen, code, f"teiten report {name}")
            out[name, code] = bundle.render(report, lang.words(code), pictures=False)
    return out


def settled(text: str) -> str:
    """Without what changes from release to release: the version, and the geo data's name and date."""
    text = re.sub(r"teiten \d+\.\d+\S*", "teiten VERSION", text)
    return re.sub(r"(dbip\S*?)(、|, ).*?(\[|$)", r"GEO \3", text, flags=re.M)


@pytest.mark.parametrize("code", lang.languages())
@pytest.mark.parametrize("name", REPORTS)
def test_words(made: dict[tuple[str, str], dict[str, bytes]], name: str, code: str) -> None:
    """Read the difference aloud, then accept it: TEITEN_ACCEPT=1 pytest tests/report."""
    found = settled(made[name, code]["report.md"].decode())
    accepted = CASES / f"{name}.{code}.md"
    if os.environ.get("TEITEN_ACCEPT"):
        accepted.write_text(found, encoding="utf-8")
    assert found == accepted.read_text(encoding="utf-8")


def test_nothing_stands_in_the_wrong_language(made: dict[tuple[str, str], dict[str, bytes]]) -> None:
    for name in REPORTS:
        english = made[name, "en"]["report.md"].decode() + made[name, "en"]["index.html"].decode()
        english = re.sub(r'font-family="[^"]*"', "", english)
        assert not re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", english)
        japanese = made[name, "ja"]["report.md"].decode()
        assert not re.search(r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun|October|September|packets?|hosts?|unknown|other)\b", japanese)


def test_every_character_can_be_drawn(made: dict[tuple[str, str], dict[str, bytes]]) -> None:
    for files in made.values():
        assert fonts.covers(files["report.md"].decode()) - {"\n"} == set()


def test_no_destination_anywhere(made: dict[tuple[str, str], dict[str, bytes]], small: SimpleNamespace) -> None:
    """Looked for here byte by byte, without the program's own search."""
    forms = []
    for address in small.OWN:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        packed = socket.inet_pton(family, address)
        reverse = ".".join(reversed(packed.hex())) if ":" in address else ".".join(reversed(address.split(".")))
        number = str(int.from_bytes(packed, "big"))
        forms += [address, packed.hex(), packed.hex(":", 2), reverse, address.replace(".", "-"), number]
    for key, files in made.items():
        for name, content in files.items():
            low = content.lower()
            assert not [form for form in forms if form.encode() in low], (key, name)


def test_no_source_either(made: dict[tuple[str, str], dict[str, bytes]], small: SimpleNamespace) -> None:
    for files in made.values():
        for name, content in files.items():
            if name.endswith((".html", ".md", ".csv", ".svg", ".sql")):
                assert small.CHINA.encode() not in content and small.US.encode() not in content, name


def test_ranking_is_the_engines(made: dict[tuple[str, str], dict[str, bytes]], session: Session) -> None:
    period = periods.parse("monthly", "2019-10", TOKYO)
    before = (period.before().start, period.before().end)
    for what in ("ports", "countries"):
        expected = questions.rank(session, what, period.start, period.end, before=before)
        rows = list(csv.DictReader(made["2019-10", "ja"][f"data/{what}.csv"].decode().splitlines()))
        assert [(r["packets"], r["rank"], r["rank_before"]) for r in rows] == [
            tuple("" if row[c] is None else str(row[c]) for c in ("packets", "rank", "rank_before")) for row in expected
        ]
        assert sum(int(r["packets"]) for r in rows) == expected.total


def test_sql_gives_the_rows(made: dict[tuple[str, str], dict[str, bytes]], session: Session) -> None:
    """What stands beside a chart as SQL gives what stands there as CSV (movers are chosen from it by a rule)."""
    checked = 0
    for key in (("2019-10", "ja"), ("2019-10-22", "en")):
        files = made[key]
        for name in files:
            if not name.startswith("sql/") or name == "sql/movers.sql":
                continue
            answer = session.query(files[name].decode())
            rows = list(csv.DictReader(files[name.replace("sql", "data", 1).replace(".sql", ".csv")].decode().splitlines()))
            assert len(rows) == len(answer), name
            for row, asked in zip(rows, answer, strict=True):
                assert int(row["packets"]) == asked["packets"], name
            checked += 1
    assert checked > 15


def test_counts_are_right(answers: dict[str, Answers]) -> None:
    """October: 744 hours less three, 15 packets each with 445/tcp halved and 52869/tcp, the mail sweep, one IPv6 packet."""
    october = answers["2019-10"]
    assert october.totals.packets == (744 - 3) * 17 + 60 + 1
    assert october.totals_before is not None
    assert october.totals_before.packets == 720 * 16
    assert october.apart == {"accepted": 31, "outgoing": 31}
    gaps = october.coverage.gaps
    assert len(gaps) == 1 and gaps[0].start.hour == 10 and gaps[0].end.hour == 14
    assert 0.994 < october.coverage.share < 0.996
    assert october.comparable
    moved = {r.key: r.difference for r in october.moved("ports")}
    assert moved[6, 52869] == 741 * 3
    assert moved[6, 445] == 741 * 2 - 720 * 4
    unknown = october.ranking("countries")[-1]
    assert (unknown.key, unknown.rank, unknown.packets) == (None, None, 741 + 1)


def test_gap_is_no_zero(answers: dict[str, Answers]) -> None:
    stack = answers["2019-10-09"].stack("ports")
    assert [stack.totals[h] for h in (10, 11, 12, 13, 14)] == [17, None, None, None, 17]
    assert answers["2019-10-09"].hour_of_day()[12] is None


def test_nothing_before_is_said(answers: dict[str, Answers], made: dict[tuple[str, str], dict[str, bytes]]) -> None:
    assert not answers["2019-09"].comparable
    text = made["2019-09", "en"]["report.md"].decode()
    assert "Nothing was observed the month before" in text
    assert "Change" not in text and "▲" not in text


def test_folder(lake: Lake, session: Session, chosen: settings.Settings, tmp_path: Path) -> None:
    """Written whole, replaced whole, with nothing left beside it; a stranger's folder is left alone."""
    period = periods.parse("daily", "2019-10-22", TOKYO)
    out = tmp_path / "reports" / "day"
    for _ in range(2):
        edition.make(session, chosen, period, Filters(), {"en": out}, "teiten report")
        assert [p.name for p in out.parent.iterdir()] == ["day"]
    names = {str(p.relative_to(out)) for p in out.rglob("*") if p.is_file()}
    assert {"index.html", "report.md", "style.css", "fonts/teiten-sans.woff2", "charts/ports.png", "data/ports.csv"} <= names
    assert out.stat().st_mode & 0o555 == 0o555
    strange = tmp_path / "strange"
    strange.mkdir()
    (strange / "thesis.txt").write_text("mine")
    with pytest.raises(TeitenError, match="other things"):
        edition.make(session, chosen, period, Filters(), {"en": strange}, "teiten report")
    assert [p.name for p in strange.iterdir()] == ["thesis.txt"]


def test_a_leak_stops_the_report(tmp_path: Path, chosen: settings.Settings, small: SimpleNamespace) -> None:
    """A sensor that is named after its address, and asked for by name, would stand on the page."""
    text = "".join(x for x in small.log() if x.startswith("2019-10-22"))
    own = small.ingest(text, tmp_path, sensor=small.OWN[0])
    with open_session(own, chosen) as found:
        wanted = filters.parse(chosen, sensor=small.OWN[0])
        out = tmp_path / "out"
        with pytest.raises(TeitenError, match="address of a sensor"):
            edition.make(found, chosen, periods.parse("daily", "2019-10-22", TOKYO), wanted, {"en": out}, "")
        assert not out.exists()


def test_hostile_names_are_only_text(tmp_path: Path, chosen: settings.Settings, small: SimpleNamespace) -> None:
    evil = "\"><script>alert(1)</script>'=cmd|`x`[a](javascript:b)"
    at = dt.datetime(2019, 10, 22, 5, tzinfo=TOKYO)
    head = "<img/src=x>DROP IN=<b>ppp0 OUT= MAC="
    lines = [small.line(at + dt.timedelta(seconds=30 * n), small.CHINA + "9", small.tcp(23), head=head) for n in range(60)]
    own = small.ingest("".join(lines), tmp_path, sensor=evil)
    with open_session(own, chosen) as found:
        wanted = replace(Filters(), sensor=(evil,), words={"sensor": evil})
        edition.make(found, chosen, periods.parse("daily", "2019-10-22", TOKYO), wanted, {"ja": tmp_path / "out"}, evil)
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "<script" not in page and "<img" not in page and "<b>" not in page
    assert "&lt;script&gt;" in page
    text = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "<script" not in text and not re.search(r"(?<!\\)\]\(javascript", text)


def test_empty_periods_are_a_sentence(session: Session, chosen: settings.Settings, tmp_path: Path) -> None:
    with pytest.raises(TeitenError, match="nothing was observed; the lake's events run from 2019-09-01"):
        edition.make(session, chosen, periods.parse("monthly", "2018-01", TOKYO), Filters(), {"en": tmp_path / "x"}, "")
    with pytest.raises(TeitenError, match="no event passes the filters"):
        wanted = Filters(country=("FR",), words={"country": "FR"})
        edition.make(session, chosen, periods.parse("monthly", "2019-10", TOKYO), wanted, {"en": tmp_path / "x"}, "")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    "only",
    [
        Filters(country=(None,)),
        Filters(protocol=(1,)),
        Filters(port=(filters.PortRange(587, 587),)),
        Filters(port=(filters.PortRange(52869, 52869),), country=("US",)),
        Filters(action=("accept",)),
    ],
    ids=["unknown countries", "icmp", "one hour's port", "new this month", "accepted"],
)
@pytest.mark.parametrize("name", ["2019-10", "2019-10-22", "2019-W43"])
@pytest.mark.full
def test_odd_selections(session: Session, chosen: settings.Settings, name: str, only: Filters) -> None:
    """Whatever is left of a period can be told: no countries, no ports, one hour."""
    kind = {7: "monthly", 10: "daily", 8: "weekly"}[len(name)]
    found = Answers(session, periods.parse(kind, name, TOKYO), only, {})  # type: ignore[arg-type]
    for code in lang.languages():
        report = edition.compose(found, chosen, code, "")
        assert bundle.render(report, lang.words(code), pictures=False)["report.md"]


@pytest.mark.full
def test_other_sensors_are_not_compared(chosen: settings.Settings, small: SimpleNamespace, tmp_path: Path) -> None:
    """A sensor that came in October makes more packets, but tells nothing of the world."""
    september = [x for x in small.log() if x < "2019-10-01"]
    october = [x for x in small.log() if x >= "2019-10-01"]
    own = small.ingest("".join(september + october), tmp_path, sensor="old")
    own = small.ingest("".join(october), tmp_path, sensor="new")
    with open_session(own, chosen) as found:
        month = Answers(found, periods.parse("monthly", "2019-10", TOKYO), Filters(), {})
        assert month.coverage.sensors == ("new", "old") and month.coverage_before.sensors == ("old",)
        text = markdown.markdown(edition.compose(month, chosen, "en", ""), lang.words("en"), (), {})
    assert "Other sensors were watching the month before (1 sensor)" in text
    assert "% against" not in text and "Change" not in text
