"""One suite over both engines: what DuckDB answers, a Spark cluster of real processes answers too, row for row.

What one of them cannot do is a mark beside the question, with the reason: `never` where it is not meant to, `notimpl` where
nobody has done it yet.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import truth as golden
from polars.testing import assert_frame_equal
from test_quarter import land, stored

pytest.importorskip("pyspark", reason="the extra teiten[spark] is not installed")
if shutil.which("java") is None:
    pytest.skip("there is no Java here", allow_module_level=True)

from twin import Twin

from teiten import clustering, engine, periods, rollup, settings
from teiten.bench._spark_cluster import cluster, end
from teiten.classify import verdicts
from teiten.engine import gaps, questions, series, standard
from teiten.engine.filters import Filters
from teiten.engine.spark import Session as Clustered
from teiten.engine.spark import _translate
from teiten.errors import LakeError, TeitenError
from teiten.lake import Lake
from teiten.report import edition
from teiten.rollup import cells
from teiten.sessions import join

pytestmark = [pytest.mark.full, pytest.mark.alone, pytest.mark.timeout(900)]


@dataclass(frozen=True)
class Place:
    """The golden quarter, and a cluster to ask about it."""

    lake: Lake
    chosen: settings.Settings
    workers: list[subprocess.Popen[bytes]]
    start: dt.datetime
    end: dt.datetime

    @property
    def before(self) -> tuple[dt.datetime, dt.datetime]:
        return self.start - (self.end - self.start), self.start


SHORT = tuple((f"spark.{who}.extraJavaOptions", "-XX:TieredStopAtLevel=1") for who in ("driver", "executor"))
"""each statement is new and over in a second: what Java's second compiler would make of it would never be run"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("engines")
    config = golden.write_logs(golden.golden(1, 6, 1.0, dark=False, land=land), folder / "in", 6)
    lake = stored(config, folder)
    with cluster(folder) as (master, workers):
        chosen = replace(
            settings.load(config=config, engine="spark"),
            spark=clustering.Spark(master=master, memory="700m", partitions=2, conf=SHORT),
            animations=False,
            pdf=False,
        )
        start, stop = (dt.datetime.combine(day, dt.time(), chosen.zone) for day in (golden.QUARTER, golden.AFTER))
        yield Place(lake, chosen, workers, start, stop)


@pytest.fixture(scope="module")
def twin(place: Place) -> Iterator[Twin]:
    with Twin(place.lake, place.chosen, counted=False) as session:
        yield session


def never(reason: str) -> pytest.MarkDecorator:
    """The engine is not meant to do it."""
    return pytest.mark.skip(reason=f"never: {reason}")


Ask = Callable[[Twin, Place], Any]
QUESTIONS: dict[str, Ask] = {
    **{
        f"{what} by {by}": lambda s, p, what=what, by=by: questions.rank(s, what, p.start, p.end, by=by, before=p.before, n=12)
        for what in questions.THINGS
        for by in ("packets", "hosts")
        if (what, by) not in {("sensors", "hosts"), ("asns", "hosts")}
    },
    "totals": lambda s, p: questions.totals(s, p.start, p.end, before=p.before),
    "scanners' share": lambda s, p: questions.scanner_share(s, p.start, p.end, by="hosts"),
    "series": lambda s, p: series.series(s, None, p.start, p.end, "day"),
    "series of ports": lambda s, p: series.series(s, "ports", p.start, p.end, "day", minimum=3),
    "series of countries by hosts": lambda s, p: series.series(s, "countries", p.start, p.end, "day", by="hosts"),
    "hours": lambda s, p: series.hours(s, p.start, p.end),
    "hosts by port and day": lambda s, p: standard.port_days(s, p.start, p.end),
    "mirai": lambda s, p: standard.mirai(s, p.start, p.end),
    "many ports": lambda s, p: standard.many_ports(s, p.start, p.end, 80, 30),
    "silences by events": lambda s, p: gaps.by_events(s, p.start, p.end),
    "filters": lambda s, p: questions.rank(
        s, "sources", p.start, p.end, n=20, filters=Filters(tool=("mirai",), country=("CN", None), scanners="out")
    ),
    "what is spoofed": lambda s, p: questions.rank(
        s, "countries", p.start, p.end, filters=Filters(spoofed="out", kind=("syn",))
    ),
}
USERS = {
    "addresses as text": "SELECT src_ip, dst_port, count(*) AS n FROM events GROUP BY ALL ORDER BY n DESC, 1, 2 LIMIT 50",
    "a range": "SELECT count(*) AS n FROM events WHERE in_range(src_ip, '1.80.0.0', '1.95.255.255')",
    "verdicts": "SELECT label, rule, count(*) AS n, count(DISTINCT src_ip) AS hosts FROM verdicts GROUP BY ALL ORDER BY ALL",
    "joined": "SELECT tool, research_scanner, sum(packets)::BIGINT AS p FROM events GROUP BY ALL ORDER BY ALL",
    "beside batches": "SELECT b.sensor, count(*) AS n FROM events JOIN batches b USING (source_id) GROUP BY 1 ORDER BY 1",
    "how often each": "SELECT dst_port, histogram(protocol) AS n FROM raw_events GROUP BY ALL ORDER BY dst_port LIMIT 20",
    "hosts as a sketch": "SELECT theta_hosts(theta_hash(src_ip), 9223372036854775807) AS n FROM raw_events",
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question(twin: Twin, place: Place, name: str) -> None:
    before = twin.asked
    assert QUESTIONS[name](twin, place) is not None
    assert twin.asked > before


@pytest.mark.parametrize("name", USERS)
def test_a_users_query(twin: Twin, name: str) -> None:
    assert twin.frame(USERS[name]).height


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("cursor", marks=never("it hands out DuckDB itself (`teiten.open(...).duckdb()`)")),
        pytest.param("console", marks=never("a stranger's query runs in a bounded process of its own")),
        pytest.param("alerts", marks=never("what cannot wait asks the last hours, which lie on this machine")),
    ],
)
def test_what_stays_with_duckdb(name: str) -> None:
    raise AssertionError(name)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("kind", "day", "least"),
    [
        ("daily", "2021-08-12", 30),
        ("weekly", "2021-W32", 30),
        ("running", "2021-08-12", 15),
        ("monthly", "2021-08", 30),
        ("quarterly", "2021-Q3", 30),
    ],
)
def test_a_report(place: Place, tmp_path: Path, kind: str, day: str, least: int) -> None:
    with Twin(place.lake, place.chosen, counted=False) as session:
        edition.make(
            session, place.chosen, periods.parse(kind, day, place.chosen.zone), Filters(), {"en": tmp_path}, "x", pictures=False
        )
        assert session.asked > least


def test_rules_make_the_same_verdicts(place: Place) -> None:
    days = [dt.date(2021, 8, 10) + dt.timedelta(n) for n in range(5)]
    start, stop = (dt.datetime.combine(d, dt.time(), place.chosen.zone) for d in (days[0], days[-1] + dt.timedelta(1)))
    basis = verdicts.Basis.load(place.chosen)
    with Twin(place.lake, place.chosen, start=start, end=stop) as session:
        found = pl.concat([frame for _, _, frame in verdicts.judge(session, basis, days, [])])
        assert session.asked > 10
    with engine.open_session(place.lake, replace(place.chosen, engine="duckdb"), start=start, end=stop) as session:
        want = pl.concat([frame for _, _, frame in verdicts.judge(session, basis, days, [])])
    assert {"tool", "port_scanner"} <= set(found["label"])
    columns = [name for name in want.columns if name != "made"]
    assert_frame_equal(found.select(columns).sort(columns), want.select(columns).sort(columns))


@pytest.mark.parametrize("most", [100_000, 30])
def test_what_detection_looks_at(place: Place, most: int) -> None:
    chosen = replace(place.chosen, thresholds={**place.chosen.thresholds, "detect_cells": float(most)})
    with Twin(place.lake, chosen, counted=False) as session:
        frame, _ = cells.count(session, [dt.date(2021, 8, 10), dt.date(2021, 8, 11)])
    assert frame.height > 100


def test_aggregates_are_read(place: Place, tmp_path: Path) -> None:
    shutil.copytree(place.lake.path, tmp_path / "lake")
    lake = Lake.open(tmp_path / "lake")
    plain = replace(place.chosen, engine="duckdb")
    days = [dt.date(2021, 8, 10) + dt.timedelta(n) for n in range(3)]
    rollup.ensure(lake, plain, days)
    start, stop = (dt.datetime.combine(d, dt.time(), plain.zone) for d in (days[0], days[-1] + dt.timedelta(1)))
    with Twin(lake, place.chosen) as session:
        found = questions.rank(session, "ports", start, stop, n=10)
        assert found.counted
        assert session.asked


def test_sessions_of_a_scanner(twin: Twin, place: Place) -> None:
    wanted = Filters(start=place.start, end=place.end)
    assert join.of_organisation(twin, "NOTICE", join.networks(["153.231.215.9", "150.249.227.161"]), wanted, 120).sessions


def test_a_held_step_is_read_and_not_made_again(place: Place) -> None:
    (tree,) = _translate.parse("""
    WITH sources AS (SELECT src_ip, sum(packets) AS packets FROM raw_events GROUP BY src_ip),
         counted AS (SELECT packets, count(*) AS n FROM sources GROUP BY packets)
    SELECT packets, n / whole FROM counted, (SELECT sum(n) AS whole FROM counted)
    """)
    with engine.open_session(place.lake, place.chosen, counted=False) as session:
        assert isinstance(session, Clustered)
        with session.names.answer(tree) as rows:
            leaves = rows._jdf.queryExecution().optimizedPlan().collectLeaves()
            read = [leaves.apply(n).nodeName() for n in range(leaves.size())]
    assert read == ["InMemoryRelation"] * 2


def test_a_worker_is_killed(place: Place) -> None:
    """One of two, while it works: the others do what it had to do, and the answer is the same."""
    ask = lambda s: list(questions.rank(s, "sources", place.start, place.end, by="packets", n=50, before=place.before))  # noqa: E731
    with engine.open_session(place.lake, replace(place.chosen, engine="duckdb"), counted=False) as session:
        want = ask(session)
    with engine.open_session(place.lake, place.chosen, counted=False) as session:
        killer = threading.Timer(0.7, end, [place.workers[1]])
        killer.start()
        begun = time.monotonic()
        for _ in range(4):
            assert ask(session) == want
        killer.join()
        assert time.monotonic() - begun > 0.7, "the job was over before the worker was killed"
    assert place.workers[1].poll() is not None


def test_a_file_goes_while_it_is_asked(place: Place, tmp_path: Path) -> None:
    shutil.copytree(place.lake.path, tmp_path / "lake")
    lake = Lake.open(tmp_path / "lake")
    with engine.open_session(lake, place.chosen, counted=False) as session:
        assert len(questions.rank(session, "ports", n=5))
        gone = session.files[0].path
        gone.unlink()
        with pytest.raises(LakeError, match=gone.name):
            questions.rank(session, "countries", n=5)


def test_the_master_is_not_there(place: Place) -> None:
    away = replace(place.chosen, spark=clustering.Spark(master="spark://127.0.0.1:1"))
    with pytest.raises(TeitenError, match=r"127\.0\.0\.1:1"):
        engine.open_session(place.lake, away)
    assert os.path.isdir(place.lake.path)  # noqa: PTH112
