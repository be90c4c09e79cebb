"""Awkward months, told: ties, one port, two days, a month before that was hardly observed, scanners that come daily or stop.

Only the sections that tell a month point by point are kept as cases. Read the difference aloud, then accept it:
TEITEN_ACCEPT=1 pytest tests/report/test_months.py
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from teiten import lang, periods, settings
from teiten.engine import open_session
from teiten.engine.filters import Filters
from teiten.errors import TeitenError, UsageError
from teiten.report import bundle, edition, markdown
from teiten.report.answers import Answers
from teiten.settings import Settings

TOKYO = ZoneInfo("Asia/Tokyo")
CASES = Path(__file__).parent / "cases" / "months"
TOLD = ("ports", "countries", "followed", "watched", "measure")
NOTICE, OTHER_NOTICE = "153.231.226.170", "153.231.215.{}"
Line = tuple[dt.datetime, str, str]
"""when, source, what"""


def hours(*months: int) -> Iterator[dt.datetime]:
    """Every hour of the first thirty days of these months of 2026."""
    for month in months:
        for n in range(30 * 24):
            yield dt.datetime(2026, month, 1, tzinfo=TOKYO) + dt.timedelta(hours=n)


def after(at: dt.datetime, minutes: int) -> dt.datetime:
    return at + dt.timedelta(minutes=minutes)


def ties(small: SimpleNamespace) -> Iterator[Line]:
    """In April five ports, in May six with equally many packets, two of them new; organisations that never come."""
    sources = (small.CHINA, "5.3.0.", "133.9.0.", small.US, small.CHINA)
    for at in hours(4, 5):
        if at.hour % 3:
            continue
        for n, port in enumerate((22, 23, 81, 445, 9999) if at.month == 5 else (23, 22, 80, 445, 8080)):
            if at.month == 5 or (n + at.day) % 2:
                yield after(at, n * 5), f"{sources[n]}{at.day}", small.tcp(port)
        if at.month == 5:
            yield after(at, 50), "133.9.0.7", "PROTO=ICMP TYPE=8 CODE=0 ID=5 SEQ=1"


def one_port(small: SimpleNamespace) -> Iterator[Line]:
    """Nothing but 23/tcp, and no source of a known country."""
    for at in hours(4, 5):
        yield from ((after(at, 7 + 23 * n), f"192.0.2.{1 + (at.day * 7 + n) % 200}", small.tcp(23)) for n in range(2))


def two_days(small: SimpleNamespace) -> Iterator[Line]:
    """Observation begins on 29 April: a month with two days, then one whose month before has two. NOTICE comes in May."""
    for at in hours(4, 5):
        if at.month == 5 or at.day >= 29:
            yield after(at, 3), f"{small.CHINA}{at.day}", small.tcp(23)
            yield after(at, 13), f"{small.US}{at.day}", small.tcp((445, 22, 80)[at.hour % 3])
        if at.month == 5 and at.day in (3, 4) and at.hour == 12:
            yield after(at, 30), NOTICE, small.tcp(22)


def daily(small: SimpleNamespace) -> Iterator[Line]:
    """NOTICE comes almost daily in May, at new ports too, and falls silent for less than a week; 52869/tcp rises."""
    for at in hours(4, 5):
        yield after(at, 3), f"{small.CHINA}{at.day}", small.tcp(23)
        yield after(at, 13), f"{small.US}{at.day}", small.tcp((445, 22, 80)[at.hour % 3])
        if at.hour < (12 if at.month == 5 else 6):
            yield after(at, 23), f"133.9.0.{at.day}", small.tcp(52869)
        if at.hour == 12 and at.month == 4:
            yield after(at, 30), NOTICE, small.tcp(23)
        if at.hour == 12 and at.month == 5 and at.day not in (4, 5, 28, 29, 30):
            yield after(at, 30), OTHER_NOTICE.format(8 + at.day % 8), small.tcp((23, 22, 80, 8443, 12345)[at.day % 5])


def gone(small: SimpleNamespace) -> Iterator[Line]:
    """NOTICE came in April only; a third of May was not observed; Japan is seen no more."""
    for at in hours(4, 5):
        if at.month == 5 and 10 <= at.day <= 19:
            continue
        yield after(at, 3), f"{small.CHINA}{at.day}", small.tcp(23)
        yield after(at, 13), f"{small.US}{at.day}", small.tcp((445, 22, 80)[at.hour % 3])
        if at.month == 4 and at.hour == 9:
            yield after(at, 20), "133.9.0.5", small.tcp(1433)
        if at.hour == 12 and at.month == 4 and at.day in (3, 4, 9):
            yield after(at, 30), NOTICE, small.tcp(23)


MONTHS: dict[str, tuple[Callable[[SimpleNamespace], Iterator[Line]], str, str]] = {
    "ties": (ties, "2026-05", "organisations = ['NOTICE', 'Shodan']\n[watch]\nsince = 2026-05-15"),
    "one-port": (one_port, "2026-05", ""),
    "two-days": (two_days, "2026-04", ""),
    "after-two-days": (two_days, "2026-05", "port_style = '23/TCP'"),
    "daily": (daily, "2026-05", "[watch]\nsince = 2026-05-01"),
    "gone": (gone, "2026-05", "country = 'none'\n[watch]\nsince = 2026-05-28"),
}


def told(small: SimpleNamespace, folder: Path, name: str) -> dict[str, str]:
    """The sections of that month, in each language."""
    make, month, text = MONTHS[name]
    lines = sorted(make(small))
    lake = small.ingest("".join(small.line(at, source, what) for at, source, what in lines), folder)
    config = folder / "teiten.toml"
    config.write_text(f"zone = 'Asia/Tokyo'\n{text}\n", encoding="utf-8")
    chosen = settings.load(config=config)
    out = {}
    with open_session(lake, chosen) as session:
        answers = Answers(session, periods.parse("monthly", month, TOKYO), Filters(), chosen.thresholds)
        for code in lang.languages():
            report = edition.compose(answers, chosen, code, "")
            kept = [s for s in report.sections if s.id.startswith(TOLD) and s.id not in ("ports-time", "countries-time")]
            report = dataclasses.replace(report, sections=kept)
            figures = {b.data.id: b.figure.title for s in kept for b in s.blocks if b.figure is not None}
            found = markdown.markdown(report, lang.words(code), figures, figures)
            out[code] = re.sub(r"(dbip\S*?)(、|, ).*?(\[|$)", r"GEO \3", found, flags=re.M)
    return out


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.full if name in ("one-port", "gone") else ()) for name in MONTHS]
)
def test_told(small: SimpleNamespace, tmp_path: Path, name: str) -> None:
    for code, found in told(small, tmp_path, name).items():
        accepted = CASES / f"{name}.{code}.md"
        if os.environ.get("TEITEN_ACCEPT"):
            accepted.write_text(found, encoding="utf-8")
        assert found == accepted.read_text(encoding="utf-8")


def test_an_unknown_organisation_is_said(small: SimpleNamespace, tmp_path: Path, chosen: Settings) -> None:
    text = "".join(small.line(at, f"{small.CHINA}1", small.tcp(23)) for at in hours(4))
    lake = small.ingest(text, tmp_path)
    wanted = dataclasses.replace(chosen, organisations=("Nobody",))
    with open_session(lake, wanted) as session:
        answers = Answers(session, periods.parse("monthly", "2026-04", TOKYO), Filters(), {})
        with pytest.raises(UsageError, match="No watchlist names 'Nobody'"):
            edition.compose(answers, wanted, "en", "")


def test_one_event_is_no_month(small: SimpleNamespace, tmp_path: Path, chosen: Settings) -> None:
    lake = small.ingest(small.line(dt.datetime(2026, 5, 3, 4, tzinfo=TOKYO), f"{small.CHINA}9", small.tcp(23)), tmp_path)
    with open_session(lake, chosen) as session:
        answers = Answers(session, periods.parse("monthly", "2026-05", TOKYO), Filters(), {})
        with pytest.raises(TeitenError, match="its events lie too close together"):
            edition.check(answers)


def led_nowhere(files: dict[str, bytes]) -> None:
    """Every place of the page that a link leads to is there, once; every file that page or text lead to is in the folder."""
    page = files["index.html"].decode()
    there = re.findall(r' id="([^"]+)"', re.sub(r"<svg.*?</svg>", "", page, flags=re.S))
    assert len(there) == len(set(there))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(there)
    named = set(re.findall(r'(?:href="|\]\()((?:data|sql)/[^")]+)', page + files["report.md"].decode()))
    assert named <= set(files) and "data/ports.csv" in named


@pytest.mark.full
def test_ports_in_their_style_everywhere(small: SimpleNamespace, tmp_path: Path, chosen: Settings) -> None:
    """Words, tables and charts; not the rows and their SQL, which keep port and protocol apart, nor references."""
    text = "".join(small.line(at, source, what) for at, source, what in sorted(daily(small)))
    lake = small.ingest(text, tmp_path)
    wanted = dataclasses.replace(chosen, port_style="TCP#23", language="ja")
    with open_session(lake, wanted) as session:
        for kind, period in (("monthly", "2026-05"), ("daily", "2026-05-03"), ("weekly", "2026-W19")):
            answers = Answers(session, periods.parse(kind, period, TOKYO), Filters(), {})  # type: ignore[arg-type]
            report = edition.compose(answers, wanted, "ja", "")
            files = bundle.render(report, lang.words("ja"), pictures=False)
            assert "TCP#23" in files["report.md"].decode()
            led_nowhere(files)
            for name, content in files.items():
                if name.endswith((".md", ".html", ".svg")):
                    shown = re.sub(r"\\\*\d+: .*|<ol class=\"footnotes\">.*?</ol>", "", content.decode())
                    assert not re.findall(r"[^\n]{0,40}\b\d+/(?:tcp|udp)\b", shown), (kind, name)


ORDINALS = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "11th",
    "12th",
    "13th",
    "14th",
    "15th",
]


def place_of(port: int, counts: dict[int, int]) -> int:
    return 1 + sum(n > counts[port] for n in counts.values())


@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.full) for n in (1, 2, 3))])
def test_no_rank_is_wrong(small: SimpleNamespace, tmp_path: Path, chosen: Settings, seed: int) -> None:
    """Two months of ports drawn at random, counted here: every place that the text tells, now and before, and its direction."""
    chance = random.Random(seed)
    ports = chance.sample(range(1, 60_000), 14)
    counts: dict[int, dict[int, int]] = {4: {}, 5: {}}
    lines = []
    for month, found in counts.items():
        for port in chance.sample(ports, 12):
            found[port] = chance.randint(40, 52) if seed else chance.randint(40, 400)
            for n in range(found[port]):
                at = dt.datetime(2026, month, 1, tzinfo=TOKYO) + dt.timedelta(
                    minutes=n * 43_000 // found[port], seconds=port % 60
                )
                lines.append((at, f"{small.CHINA}{port % 200}", small.tcp(port)))
    lake = small.ingest("".join(small.line(*line) for line in sorted(lines)), tmp_path)
    with open_session(lake, chosen) as session:
        answers = Answers(session, periods.parse("monthly", "2026-05", TOKYO), Filters(), {})
        report = edition.compose(answers, chosen, "en", "")
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", markdown.markdown(report, lang.words("en"), (), {}))
    told = re.findall(r"^- (\w+) is (\d+)/tcp(?: \([^)]*\))?, (.*?)(?: in the month before.*)?\.$", text, flags=re.M)
    alone = [p for p in counts[5] if place_of(p, counts[5]) <= 5 and list(counts[5].values()).count(counts[5][p]) == 1]
    assert sorted(int(port) for _, port, _ in told) == sorted(alone) and (alone or seed)
    for place, name, move in told:
        port = int(name)
        now = place_of(port, counts[5])
        assert place == ORDINALS[now - 1].capitalize()
        if port not in counts[4]:
            assert move.startswith("not seen at all")
            continue
        before = place_of(port, counts[4])
        way = {1: "up from ", -1: "down from ", 0: ""}[(before > now) - (before < now)]
        assert move == f"{way}{ORDINALS[before - 1]}"
    fallen = re.findall(r"(\d+)/tcp[^,;]*?(?:, the port of [^,;]*)?, then (\w+), (?:fell to (\w+)|was not seen)", text)
    assert len(told) + len(fallen) > 1
    for now_text, rank, was in fallen:
        assert ORDINALS[place_of(int(now_text), counts[4]) - 1] == rank
        assert (was == "") == (int(now_text) not in counts[5])
        if was:
            assert ORDINALS[place_of(int(now_text), counts[5]) - 1] == was
