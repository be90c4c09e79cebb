"""A port under the glass: figures against those counted from the written packets alone; from aggregates; with events gone."""

from __future__ import annotations

import csv
import datetime as dt
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from teiten import intake, lang, periods, retention, rollup
from teiten.cli import main
from teiten.engine import filters, open_session, rolled
from teiten.errors import TeitenError
from teiten.lake import Lake
from teiten.lake import rollup as kept
from teiten.report import edition, manifest, markdown
from teiten.report.answers import Answers
from teiten.report.asked import port as asked
from teiten.report.asked import port_sources
from teiten.settings import Keeping, Sensor, Settings

TOKYO = ZoneInfo("Asia/Tokyo")
FIRST = dt.date(2019, 3, 1)
DAYS = 50
RISES = 30
"""the day (from 0) from which on there are more hosts"""
OWN = {"east": "198.51.100.23", "west": "198.51.100.77"}
CHOSEN = Settings(
    "Asia/Tokyo", "flag", language="en", sensors=(Sensor("east", group="home"), Sensor("west", group="abroad")), pdf=False
)
RUSSIA, CHINA, JAPAN, NOTICE = "5.3.0.", "1.80.0.", "126.0.0.", "153.231.226.170"
LINE = (
    "{at} gw kernel: DROP IN=ppp0 OUT= MAC= SRC={src} DST={dst} LEN=40 TOS=0x00 PREC=0x00 TTL=50 ID=7 "
    "PROTO=TCP SPT=40000 DPT={port} SEQ=1 ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0\n"
)
Packet = tuple[dt.datetime, str, str, int]
"""when, at which sensor, from whom, to which port"""


def story() -> Iterator[Packet]:
    """3 hosts a day at 9530/tcp, from the 31st day 15 more: 12 of Russia, 8 of which try 81/tcp too, and 3 of Japan, which
    send 12 packets each. Besides 4 others a day at 81/tcp, a packet an hour to 22/tcp, an announced scanner; an idle day."""
    for n in range(DAYS):
        day = dt.datetime.combine(FIRST + dt.timedelta(days=n), dt.time(), TOKYO)
        if n == 40:
            continue
        found = [("east", f"{CHINA}{n % 5 + k}", 9530, 1) for k in range(3)]
        if n >= RISES:
            found += [("west" if k % 2 else "east", f"{RUSSIA}{(n + k) % 60}", 9530, 1) for k in range(12)]
            found += [("east", f"{RUSSIA}{(n + k) % 60}", 81, 2) for k in range(8)]
            found += [("east", f"{JAPAN}{n + k}", 9530, 12) for k in range(3)]
        found += [("east", f"{CHINA}{100 + n + k}", 81, 1) for k in range(4)]
        found += [("east", NOTICE, 9530, 2), ("east", NOTICE, 23, 1)]
        times = iter(range(60, 86400, 120))
        for sensor, src, port, packets in found:
            for _ in range(packets):
                yield day + dt.timedelta(seconds=next(times)), sensor, src, port
        for hour in range(24):
            for sensor in OWN:
                yield day + dt.timedelta(hours=hour, minutes=5), sensor, "8.8.8.8", 22


PACKETS = sorted(story())
PEOPLE = [p for p in PACKETS if p[2] != NOTICE]


def day_of(packet: Packet) -> dt.date:
    return packet[0].date()


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    folder = tmp_path_factory.mktemp("port")
    lake = Lake.open_or_create(folder / "lake", "Asia/Tokyo")
    for sensor, own in OWN.items():
        mine = [p for p in PACKETS if p[1] == sensor]
        lines = [LINE.format(at=at.isoformat(), src=src, dst=own, port=port) for at, _, src, port in mine]
        (folder / f"{sensor}.log").write_text("".join(lines))
        intake.ingest(
            lake, [str(folder / f"{sensor}.log")], replace(CHOSEN, keeping=Keeping()), sensor=sensor, judge=sensor == "west"
        )
    return lake


PERIOD = periods.span(FIRST + dt.timedelta(days=20), FIRST + dt.timedelta(days=44), TOKYO)


SHORT = periods.span(FIRST + dt.timedelta(days=42), FIRST + dt.timedelta(days=44), TOKYO)


def answers(session: Any, port: str = "9530/tcp", period: periods.Period = PERIOD, **texts: str) -> Answers:
    wanted = filters.parse(CHOSEN, **{"port": port, "scanners": "out", **texts})
    return Answers(session, period, wanted, CHOSEN.thresholds)


@pytest.fixture(scope="module")
def found(lake: Lake) -> Iterator[Answers]:
    with open_session(lake, CHOSEN) as session:
        yield answers(session)


@pytest.fixture(scope="module")
def counted(lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """The same lake with aggregates of a few days."""
    folder = tmp_path_factory.mktemp("counted") / "lake"
    shutil.copytree(lake.path, folder)
    other = Lake.open(folder)
    rollup.ensure(other, CHOSEN, SHORT.days)
    return other


def within(packets: list[Packet], port: int | None = 9530, period: periods.Period = PERIOD) -> list[Packet]:
    return [p for p in packets if period.first <= day_of(p) < period.after and port in (None, p[3])]


def test_days(found: Answers) -> None:
    course = found.once(asked.course)
    assert course.days[0] == PERIOD.first - dt.timedelta(days=28) and course.days[course.first] == PERIOD.first
    for at, day in enumerate(course.days):
        own = [p for p in PEOPLE if day_of(p) == day and p[3] == 9530]
        gone = day < FIRST or day == FIRST + dt.timedelta(days=40)
        assert course.packets[at] == (None if gone else len(own)), day
        assert course.hosts[at] == (None if gone else len({p[2] for p in own})), day
    assert set(course.by_country) == {"CN", "RU", "JP"}
    for code, net in (("CN", CHINA), ("RU", RUSSIA), ("JP", JAPAN)):
        mine = [p for p in PEOPLE if p[3] == 9530 and p[2].startswith(net)]
        hosts = [len({p[2] for p in mine if day_of(p) == day}) for day in course.days]
        assert [v or 0 for v in course.of(code)[1]] == hosts
    assert all(v is None or v == 0 for v in course.of("FR")[0])


def test_when_it_rose_and_who_rose_with_it(found: Answers) -> None:
    (rise,) = found.once(asked.risen)
    course = found.once(asked.course)
    assert course.days[rise.start] == FIRST + dt.timedelta(days=RISES)
    assert (rise.usual, rise.height, rise.over) == (3, 3 + 3 * 3**0.5, False)
    lands = asked.rising(course, rise)
    assert [(one.country, one.before, one.now, round(one.part, 6)) for one in lands] == [("RU", 0, 12, 0.8), ("JP", 0, 3, 0.2)]


def test_how_much(found: Answers) -> None:
    parts = found.once(asked.parts)
    own, scanner = within(PEOPLE), [p for p in within(PACKETS) if p[2] == NOTICE]
    assert (parts.packets, parts.hosts) == (len(own), len({p[2] for p in own}))
    assert (parts.scanner_packets, parts.scanner_hosts) == (len(scanner), 1)
    ports = Counter(p[3] for p in within(PEOPLE, None)).most_common()
    assert (parts.all_packets, parts.ports) == (sum(n for _, n in ports), len(ports))
    assert parts.rank == [port for port, _ in ports].index(9530) + 1
    assert {r["sensor"]: r["packets"] for r in found.once(asked.sensors)} == Counter(p[1] for p in own)
    days = found.once(asked.watch_days)
    assert all(n == pytest.approx(24, abs=0.2) for n in days.values()) and set(days) == set(OWN)


def test_few_packets(found: Answers) -> None:
    sent = Counter((day_of(p), p[2]) for p in within(PEOPLE))
    for row in found.once(port_sources.few):
        hosts = [n for (day, _), n in sent.items() if day == row["start"].date()]
        assert (row["hosts"], row["few"]) == (len(hosts), sum(n < 10 for n in hosts))


def test_what_its_sources_also_try(found: Answers) -> None:
    """Lift as its definition says, from the packets alone."""
    tried = defaultdict(set)
    for p in within(PEOPLE, None):
        tried[day_of(p), p[2]].add(p[3])
    own = [ports for ports in tried.values() if 9530 in ports]
    both = sum(81 in ports for ports in own)
    other = sum(81 in ports for ports in tried.values())
    together = found.once(port_sources.together)
    assert (together.own, together.alone, together.every) == (len(own), sum(len(p) == 1 for p in own), len(tried))
    (shared,) = together.ports
    assert (shared.key, shared.both, shared.tried) == ((6, 81), both, other)
    assert shared.hosts == len({src for (_, src), ports in tried.items() if {81, 9530} <= ports})
    assert shared.share == both / len(own)
    assert shared.lift == pytest.approx((both / len(tried)) / ((len(own) / len(tried)) * (other / len(tried))))


def test_first_sight_and_afterwards(found: Answers) -> None:
    assert found.once(asked.sight) == asked.Sight(FIRST, FIRST + dt.timedelta(days=DAYS - 1), FIRST)
    after = found.once(asked.after)
    assert after is not None and after.days == tuple(FIRST + dt.timedelta(days=n) for n in range(45, 50))
    assert (after.hosts_now, after.hosts_then) == (18, 18)
    everything = periods.span(FIRST, FIRST + dt.timedelta(days=DAYS - 1), TOKYO)
    assert asked.days_after(found.extent, everything) is None


def test_samples_name_nobody(found: Answers) -> None:
    samples = found.once(port_sources.samples)
    assert [one.country for one in samples] == ["RU", "CN", "JP"]
    assert all(any(port == (6, 9530) for port in one.session.ports) for one in samples)


QUESTIONS = (asked.parts, asked.networks, asked.lands, asked.tools, asked.sensors, port_sources.few, port_sources.together)


def test_the_same_from_aggregates(lake: Lake, counted: Lake) -> None:
    with open_session(lake, CHOSEN) as plain, open_session(counted, CHOSEN) as session:
        found, other = answers(plain, period=SHORT), answers(session, period=SHORT)
        for question in QUESTIONS:
            assert other.once(question) == found.once(question), question.__name__
        assert other.once(port_sources.few).counted and other.once(asked.lands).counted
        # as it is asked where events are gone
        rows = port_sources.sketched(other, "")
        wanted = port_sources.Query(
            port_sources.TOGETHER_SQL,
            {"where": found.filters, "where_any": asked.without_port(found.filters)},
            keys=port_sources.PORT_KEYS,
        ).rows(plain)
        assert rows is not None and rows.counted and not rows.estimated
        columns = ("protocol", "dst_port", "together", "alone")
        assert {tuple(r[c] for c in columns) for r in rows} == {tuple(r[c] for c in columns) for r in wanted}
        assert {r["hosts"] for r in rows if r["protocol"]} == {r["hosts"] for r in wanted if r["protocol"]}


def test_sketches_that_keep_few_hosts(counted: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a telescope's ports: estimates, with their errors, near what they estimate."""
    monkeypatch.setattr(kept, "KEPT", 8)
    monkeypatch.setattr(rolled, "QUICK", -1)
    day = FIRST + dt.timedelta(days=41)
    rollup.ensure(counted, CHOSEN, [day])
    with open_session(counted, CHOSEN) as session:
        other = answers(session, period=periods.span(day, day, TOKYO))
        few, both = other.once(port_sources.few), port_sources.sketched(other, "")
        (row,) = few
    # what each source sent to a port on a day is kept exactly; only sketches know several ports at once
    assert not few.estimated and row["hosts"] == 18 and row["few"] <= row["hosts"]
    assert both is not None and both.estimated
    shared = next(r for r in both if r["dst_port"] == 81)
    assert abs(shared["hosts"] - 8) <= 3 * shared["hosts_error"] * 8


@pytest.mark.full
def test_with_events_gone(found: Answers, counted: Lake, tmp_path: Path) -> None:
    """What days came to is told as before; of single sources it is said that they are gone."""
    shutil.copytree(counted.path, tmp_path / "lake")
    lake, chosen = Lake.open(tmp_path / "lake"), replace(CHOSEN, keeping=Keeping(keep_events=2))
    rollup.ensure(lake, CHOSEN, [FIRST + dt.timedelta(days=n) for n in range(DAYS)])
    wanted = retention.plan(lake, chosen, dt.datetime(2019, 6, 1, tzinfo=TOKYO))
    assert wanted is not None
    retention.carry_out(lake, chosen, wanted, grace=0)
    with open_session(lake, chosen) as session:
        other = answers(session)
        for question in (asked.course, *QUESTIONS, asked.after, asked.sight):
            assert other.once(question) == found.once(question), question.__name__
        assert other.once(port_sources.samples) == []
        text = told(other, "en")
    for sentence in ("no source can be shown", "fewer than 10 packets", "81/tcp (39.7 %, 22 hosts)"):
        assert sentence in text


def told(found: Answers, code: str) -> str:
    report = edition.compose(found, CHOSEN, code, "teiten report port 9530/tcp")
    return markdown.markdown(report, lang.words(code), (), {}).replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("port", "texts", "wanted"),
    [
        ("9531/tcp", {}, "no packet to 9531/tcp was seen.|it was never seen"),
        ("23/tcp", {}, "was seen but from research scanners.|Research scanners sent 24 packets from 1 host"),
        ("icmp", {}, "no packet of ICMP was seen"),
        ("9530/udp", {"sensor": "west"}, "no packet to 9530/udp was seen that passes the filters"),
    ],
)
def test_what_never_came(lake: Lake, port: str, texts: dict[str, str], wanted: str) -> None:
    with open_session(lake, CHOSEN) as session:
        wide = answers(session, port, **texts)
        edition.check(wide)
        text = told(wide, "en")
    assert all(sentence in text for sentence in wanted.split("|")), text[:1500]
    assert "## About" in text or "made" in text


def test_a_period_that_nobody_watched(lake: Lake) -> None:
    with open_session(lake, CHOSEN) as session:
        later = periods.span(dt.date(2027, 1, 1), dt.date(2027, 1, 9), TOKYO)
        with pytest.raises(TeitenError, match="nothing was observed"):
            edition.check(answers(session, period=later))


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("9530", "of which protocol"), ("telnet", "is no port"), ("8000-8010/tcp", "not one port"),
        ("47/gre", "GRE has no ports"),
        ("tcp", "not one port"), ("", "Which port"), ("23/tcp --from 2019-03-09 --to 2019-03-08", "is after"),
        ("23/tcp --port 22", "--port cannot"), ("23/tcp --from 2019-03", "is no day"), ("23/tcp --country XX1", "no country"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked(lake: Lake, capsys: pytest.CaptureFixture[str], words: str, wanted: str) -> None:
    assert main(["report", "port", *words.split(), "--lake", str(lake.path), "--tz", "Asia/Tokyo"]) == 2
    assert wanted in capsys.readouterr().err


def test_the_whole_way_and_again(lake: Lake, tmp_path: Path) -> None:
    """In Japanese; made again from its manifest it is the same, byte for byte; nothing names our addresses or a source."""
    chosen, here = replace(CHOSEN, country="RU"), tmp_path / "here"
    wanted = filters.parse(chosen, port="9530/tcp", scanners="out")
    with open_session(lake, chosen) as session:
        edition.make(session, chosen, PERIOD, wanted, {"ja": here}, "teiten report port", pictures=False)
    text = (here / "report.md").read_text(encoding="utf-8")
    for sentence in (
        "# 9530/tcp宛てパケットの観測(2019年3月21日〜4月14日)",
        "3月31日(日)頃からホスト数の増加を観測しました。それまでは1日3ホスト(中央値)でしたが、3月31日(日)には18ホストに達しています。",
        "このほかに、調査スキャナの1ホストから48パケットが届いています",
        "## ロシアからの推移",
        f"81/tcp({100 * 8 * 14 / (3 * 24 + 15 * 14):.1f}%、22ホスト)",
        "期間の後も観測されており、直近の5日間では1日平均18ホストです",
    ):
        assert sentence in text, text[:3000]
    rows = list(csv.DictReader((here / "data/port-sensors.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert [row["sensor"] for row in rows] == ["west", "east"] and rows[0]["packets_a_day"]
    for path in here.rglob("*"):
        if path.suffix in (".csv", ".json", ".md", ".html", ".sql", ".txt"):
            content = path.read_text(encoding="utf-8-sig")
            assert not any(own in content for own in OWN.values()), path
            assert "5.3.0.3" not in content, path
    again = manifest.read(here)
    upto = again.table["lake"]["last_batch"]
    put_back, lost = manifest.restore(CHOSEN, again)
    with open_session(lake, put_back, upto=upto, as_of=again.made) as session:
        assert edition.again(session, put_back, again, tmp_path / "again") == ([], []) and lost == []


def test_the_command(lake: Lake, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """By default up to the last whole day, in a folder named after port and days; it says how to make the same again."""
    monkeypatch.chdir(tmp_path)
    words = ["report", "port", "icmp", "--lake", str(lake.path), "--tz", "Asia/Tokyo", "--lang", "en", "--country", "kr"]
    assert main(words) == 0, capsys.readouterr().err
    folder = tmp_path / "teiten-report" / "port-icmp-2019-03-01--2019-04-19-en"
    assert str(folder.relative_to(tmp_path)) in capsys.readouterr().err
    table = manifest.read(folder).table
    assert (table["report"]["kind"], table["report"]["period"]) == ("span", "2019-03-01--2019-04-19")
    assert table["report"]["filters"] == {"port": "icmp", "scanners": "out"} and table["settings"]["country"] == "KR"
    assert "teiten report port icmp --from 2019-03-01 --to 2019-04-19 --lang en" in table["command"]
    assert "--country kr" in table["command"]
