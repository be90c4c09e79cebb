"""What was said, in the report on a port and of a quarter: told from ten hosts on, without any address of a sensor."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.payloads import talks

from teiten import periods
from teiten.engine import filters, open_session
from teiten.engine.duckdb import Session
from teiten.lake import Lake
from teiten.report.answers import Answers
from teiten.report.asked import said as asked
from teiten.report.asked.said import Said


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    chosen = talks.lake_of(tmp_path_factory.mktemp("said"))
    with open_session(Lake.open(chosen.lake), chosen) as made:
        yield made


def told(session: Session, **chosen: str) -> Said:
    period = periods.parse("monthly", "2026-11", session.zone)
    wanted = filters.parse(session.settings, **chosen).between(period.start, period.end)
    return asked.said_in(Answers(session, period, wanted, {}))


def test_told_is_what_ten_hosts_sent(session: Session) -> None:
    found = told(session)
    assert {one.what.partition(" ")[0] for one in found.groups} >= {"CVE-2014-8361", "EDB-41471"}
    assert not any("CVE-2017-17215" in one.what for one in found.groups)  # six hosts
    assert found.few == 4 and found.hosts == 32
    assert {(one.user, one.password): one.hosts for one in found.logins} == {("root", "xc3511"): 10, ("admin", "admin"): 10}
    assert found.few_logins == 1


def test_a_word_that_one_host_made_up_is_not_told(session: Session) -> None:
    """Each bot named its file differently: nobody finds theirs. What all of them fetch is told."""
    found = {one.what.partition(" ")[0]: one for one in told(session).groups}
    assert found["CVE-2014-8361"].downloads == ()
    assert found["EDB-41471"].downloads == ("hxxp://192[.]0[.]2[.]9/jaws",)
    every = repr([(one.what, one.downloads, one.commands) for one in found.values()])
    assert "bot3" not in every and "198.51" not in every and "198[.]51" not in every


def test_what_its_hosts_tried_besides(session: Session) -> None:
    realtek = told(session, port="52869/tcp").groups[0]
    assert [(port.port, port.hosts, port.share) for port in realtek.ports] == [("81/tcp", 10, 1.0)]
    assert realtek.course == {dt.date(2026, 11, 1): 4, dt.date(2026, 11, 2): 3, dt.date(2026, 11, 3): 3}


def test_nothing_said_is_no_section(tmp_path: Path, session: Session) -> None:
    assert told(session, port="9999/tcp") == Said()


@pytest.mark.full
@pytest.mark.parametrize("lang", ["en", "ja"])
@pytest.mark.parametrize(
    "words", [("port", "52869/tcp", "--from", "2026-11-01", "--to", "2026-11-03"), ("quarterly", "2026-Q4")]
)
def test_reports_have_the_section_and_no_own_address(tmp_path: Path, lang: str, words: tuple[str, ...]) -> None:
    from teiten import cli

    talks.lake_of(tmp_path)
    out = tmp_path / "out"
    more = ("--config", str(tmp_path / "teiten.toml"), "--lang", lang, "--out", str(out), "--no-animations", "--no-pdf")
    assert cli.main(["report", *words, *more]) == 0
    text = (out / "report.md").read_text("utf-8")
    assert "CVE-2014-8361 Realtek SDK miniigd SOAP" in text
    for file in out.rglob("*"):
        if file.suffix in (".html", ".md", ".csv", ".json", ".svg", ".sql"):
            content = file.read_text("utf-8")
            for own in (talks.OWN, talks.SECOND, "c6336417"):
                assert own not in content, file
