"""The section on one's own machines: there only where there is something to say, in words to read, and without an address."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from teiten import lang, periods, settings
from teiten.engine import open_session
from teiten.engine.filters import Filters
from teiten.errors import TeitenError
from teiten.lake import Lake
from teiten.report import edition
from teiten.report.answers import Answers

CASES = Path(__file__).parent / "cases"
TOKYO = ZoneInfo("Asia/Tokyo")
MACHINES = ("192.168.1.50", "192.168.1.60", "192.168.1.70")


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory, small: SimpleNamespace) -> Lake:
    """Two days with a bot on Telnet, one Mirai host behind the router, a scan of many ports."""
    lines = [x for x in small.log() if "2019-10-21" <= x < "2019-10-23"]
    head = "DROP IN=br0 OUT=ppp0 MAC="
    for day in (21, 22):
        at = dt.datetime(2019, 10, day, 1, tzinfo=TOKYO)
        for n in range(40):
            moment, dst = at + dt.timedelta(seconds=7 * n), f"203.0.{n + 114}.9"
            lines.append(small.line(moment, MACHINES[0], small.tcp(2323 if n % 9 == 0 else 23), dst=dst, head=head))
            seq = int.from_bytes(map(int, dst.split(".")), "big")
            mirai = small.tcp(80).replace("SEQ=1 ", f"SEQ={seq} ")
            lines.append(small.line(moment, MACHINES[1], mirai, dst=dst, head="DROP IN= OUT=ppp0 MAC="))
            if day == 22:
                lines.append(small.line(moment, MACHINES[2], small.tcp(100 + n), dst="203.0.114.9", head=head))
    found: Lake = small.ingest("".join(sorted(lines)), tmp_path_factory.mktemp("own"))
    return found


def write(lake: Lake, name: str, code: str, out: Path) -> str:
    """The report's text, after it was written whole."""
    chosen = settings.load(zone="Asia/Tokyo", language=code)
    kind = "monthly" if len(name) == 7 else "daily"
    with open_session(lake, chosen) as session:
        period = periods.parse(kind, name, TOKYO)  # type: ignore[arg-type]
        edition.make(session, chosen, period, Filters(), {code: out}, "teiten report", pictures=False)
    return (out / "report.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", lang.languages())
@pytest.mark.parametrize("name", ["2019-10", "2019-10-22"])
def test_words(mine: Lake, name: str, code: str, tmp_path: Path) -> None:
    """Read the difference aloud, then accept it: TEITEN_ACCEPT=1 pytest tests/report."""
    text = write(mine, name, code, tmp_path / "out")
    title = lang.words(code)("own.title")
    found = text.partition(f"## {title}\n")[2].partition("\n## ")[0]
    accepted = CASES / f"own-{name}.{code}.md"
    if os.environ.get("TEITEN_ACCEPT"):
        accepted.write_text(found, encoding="utf-8")
    assert found == accepted.read_text(encoding="utf-8")


def test_no_machine_is_named(mine: Lake, tmp_path: Path) -> None:
    write(mine, "2019-10-22", "en", tmp_path / "out")
    for path in (p for p in (tmp_path / "out").rglob("*") if p.is_file()):
        content = path.read_bytes()
        assert not [m for m in MACHINES if m.encode() in content or bytes(map(int, m.split("."))).hex().encode() in content]
    mine.add_note("addendum", period="2019-10-22", text=f"It was {MACHINES[0]}, the camera")
    with pytest.raises(TeitenError, match="address of a sensor"):
        write(mine, "2019-10-22", "en", tmp_path / "out")
    mine.withdraw_note(mine.notes()["id"][0])


def test_the_sql_gives_the_activity(mine: Lake) -> None:
    chosen = settings.load(zone="Asia/Tokyo", language="en")
    with open_session(mine, chosen) as session:
        answers = Answers(session, periods.parse("daily", "2019-10-22", TOKYO), Filters(), {})
        rows = session.query(answers.own_sql)
        assert {r["machine"] for r in rows} == set(MACHINES)
        assert sum(r["packets"] for r in rows) == 40 + 40 + 38
        assert answers.own_counted == 2 * 40, "what came through the LAN's side has an IN="


def test_a_setting_keeps_it_at_home(mine: Lake, tmp_path: Path) -> None:
    config = tmp_path / "teiten.toml"
    config.write_text("[publish]\nown_side = false\n", encoding="utf-8")
    chosen = settings.load(config=config, zone="Asia/Tokyo", language="en")
    with open_session(mine, chosen) as session:
        period = periods.parse("daily", "2019-10-22", TOKYO)
        report = edition.compose(Answers(session, period, Filters(), {}), chosen, "en", "")
    assert "own" not in [section.id for section in report.sections]


def test_nothing_to_say(answers: dict[str, Answers]) -> None:
    assert all(found.own == [] for found in answers.values())
