"""Inputs read by tasks and stored by one writer: what is stored is what `intake.ingest` stores, whatever becomes of tasks."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from tests.test_intake_captures import T0, capture, tcp

from teiten import clustering, intake, settings, spreading
from teiten.engine import spark
from teiten.errors import LakeBusyError, TeitenError
from teiten.lake import Lake, _lock
from teiten.settings import Settings

HOUR = 3600 * 10**6


def captures(folder: Path, count: int, each: int = 40) -> list[str]:
    """So many captures of an hour each, one after the other."""
    folder.mkdir(parents=True, exist_ok=True)
    out = []
    for n in range(count):
        path = folder / f"{n:03d}.pcap"
        path.write_bytes(capture([tcp(T0 + n * HOUR + k * 1000, n * each + k) for k in range(each)]))
        out.append(str(path))
    return out


def rows(lake: Lake) -> pl.DataFrame:
    """The lake's events without the numbers of their inputs, in order."""
    found = pl.concat([pl.read_parquet(one.path) for one in lake.live_files()[0]])
    return found.drop("source_id").sort(found.drop("source_id").columns)


def plain(folder: Path) -> Settings:
    return replace(settings.load(zone="Asia/Tokyo", lake=folder), engine="spark")


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Any], Any]], None]:
    """In the cluster's place, this process: tasks one after the other; a function may come between."""

    def use(between: Callable[[Any], Any] = lambda told: told) -> None:
        def run(_: Settings, function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
            return [between(function(item)) for item in items]

        monkeypatch.setattr(spark, "run", run)
        monkeypatch.setattr(spark, "cores", lambda _: 2)
        monkeypatch.setattr(spark, "everywhere", lambda _, function, *arguments: [function(*arguments)])

    use()
    return use


def test_tasks_store_what_one_process_stores(tmp_path: Path, here: Any) -> None:
    files = captures(tmp_path / "in", 11)
    alone, many = (Lake.create(tmp_path / name, "Asia/Tokyo") for name in ("alone", "many"))
    intake.ingest(alone, files, plain(alone.path), judge=False)
    result = spreading.ingest(many, files, plain(many.path), judge=False)
    assert result.total.events == 440
    assert not result.failed
    assert_frame_equal(rows(many), rows(alone))
    assert many.batches(["source_id"])["source_id"].n_unique() == 11
    again = spreading.ingest(many, files, plain(many.path), judge=False)
    assert (again.total.events, again.total.had_already) == (0, 440)
    assert_frame_equal(rows(many), rows(alone))
    assert not (many.path / "staging").exists()


def test_captures_that_overlap_in_one_round(tmp_path: Path, here: Any) -> None:
    """Tasks do not see each other; what two of them read is stored once all the same."""
    (folder := tmp_path / "in").mkdir()
    packets = [tcp(T0 + n * 1000, n) for n in range(300)]
    for n, part in enumerate((packets[:150], packets[100:250], packets[50:300], packets[:150])):
        (folder / f"{n}.pcap").write_bytes(capture(part))
    lake = Lake.create(tmp_path / "lake", "Asia/Tokyo")
    result = spreading.ingest(lake, [str(folder)], plain(lake.path), judge=False)
    assert result.total.events == 300
    assert rows(lake)["tcp_seq"].n_unique() == 300


def test_a_task_that_ran_twice_leaves_nothing(tmp_path: Path, here: Any) -> None:
    twice: list[Any] = []

    def again(told: Any) -> Any:
        twice.append(told)
        return told

    here(again)
    files = captures(tmp_path / "in", 3)
    lake = Lake.create(tmp_path / "lake", "Asia/Tokyo")
    task = spreading.Task(
        lake.path, "job", Path(files[0]), files[0], "auto", "home", "Asia/Tokyo", None, None, plain(lake.path), 0, 1
    )
    assert spreading.read(task).staged  # an attempt whose answer never came
    spreading.ingest(lake, files, plain(lake.path), judge=False)
    assert rows(lake).height == 120
    assert not (lake.path / "staging").exists()
    assert len(twice) == 3


@pytest.mark.parametrize("other", ["duckdb", "spark"])
def test_two_that_store_at_once(tmp_path: Path, here: Any, other: str) -> None:
    """The cluster's ingest holds the lake; what begins meanwhile, by tasks or in one process, waits and adds what is new."""
    files = captures(tmp_path / "in", 9)
    lake = Lake.create(tmp_path / "lake", "Asia/Tokyo")
    found: list[Any] = []
    engine = spreading if other == "spark" else intake

    def second() -> None:
        found.append(engine.ingest(Lake.open(lake.path), files[3:], plain(lake.path), judge=False))

    waiting = threading.Thread(target=second)

    def meanwhile(told: Any) -> Any:
        if waiting.ident is None:
            waiting.start()
            time.sleep(0.2)
            assert waiting.is_alive(), "it did not wait"
            assert not found
        return told

    here(meanwhile)
    first = spreading.ingest(lake, files[:6], plain(lake.path), judge=False)
    waiting.join(60)
    assert (first.total.events, found[0].total.events, found[0].total.had_already) == (240, 120, 120)
    assert rows(lake)["tcp_seq"].n_unique() == rows(lake).height == 360
    assert not (lake.path / "staging").exists()


def test_who_waits_too_long_is_told_who_writes(tmp_path: Path, here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    files = captures(tmp_path / "in", 2)
    lake = Lake.create(tmp_path / "lake", "Asia/Tokyo")
    intake.ingest(lake, files[:1], plain(lake.path), judge=False)
    monkeypatch.setattr(_lock, "WAIT", 0.1)
    with lake.writer():
        before = {path: path.stat().st_size for path in lake.path.rglob("*")}
        with pytest.raises(LakeBusyError, match=f"is being written by process {os.getpid()} on "):
            spreading.ingest(Lake.open(lake.path), files, plain(lake.path), judge=False)
        assert {path: path.stat().st_size for path in lake.path.rglob("*")} == before
    assert spreading.ingest(lake, files, plain(lake.path), judge=False).total.events == 40


def test_a_file_that_is_no_capture_does_not_hinder_the_others(tmp_path: Path, here: Any) -> None:
    files = captures(tmp_path / "in", 2)
    (tmp_path / "in" / "junk.pcap").write_bytes(bytes(range(256)) * 8)
    lake = Lake.create(tmp_path / "lake", "Asia/Tokyo")
    result = spreading.ingest(lake, [*files, str(tmp_path / "in" / "junk.pcap")], plain(lake.path), judge=False)
    assert [Path(one.name).name for one in result.failed] == ["junk.pcap"]
    assert rows(lake).height == 80


@pytest.mark.parametrize(
    ("one", "words"),
    [
        ({"teiten": None}, "has no package teiten for its Python 3.9"),
        ({"teiten": "0.0.1"}, "has teiten 0.0.1, this machine"),
        ({"sees": False}, "does not see the lake"),
        ({"writes": False}, "may not write"),
    ],
)
def test_a_worker_that_will_not_do(one: dict[str, Any], words: str) -> None:
    fine = {"host": "node7", "python": "3.9", "teiten": spreading.__version__, "sees": True, "writes": True}
    spreading.check([fine], Path("lake"))
    with pytest.raises(TeitenError, match=f"node7 {words}"):
        spreading.check([fine, fine | one], Path("lake"))


def test_a_task_of_another_version_says_so(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake", "Asia/Tokyo")
    task = spreading.Task(
        lake.path, "job", tmp_path, "x", "auto", "home", "Asia/Tokyo", None, None, plain(lake.path), 0, 1, version="9.9"
    )
    told = spreading.read(task)
    assert told.trouble is not None
    assert "this machine 9.9" in told.trouble[0]


# a real cluster -------------------------------------------------------------------------------------------------------

real = [pytest.mark.full, pytest.mark.alone, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    pytest.importorskip("pyspark", reason="the extra teiten[spark] is not installed")
    if shutil.which("java") is None:
        pytest.skip("there is no Java here")
    from teiten.bench._spark_cluster import cluster

    with cluster(tmp_path_factory.mktemp("cluster")) as (address, workers):
        yield address, workers


DRIVER = """
import sys
from dataclasses import replace
from teiten import clustering, settings, spreading
from teiten.lake import Lake
lake, master, *files = sys.argv[1:]
chosen = replace(settings.load(zone="Asia/Tokyo", lake=lake), engine="spark",
                 spark=clustering.Spark(master=master, memory="700m"))
print("begins", flush=True)
print(spreading.ingest(Lake.open(lake), files, chosen, judge=False).total.events, flush=True)
"""


@pytest.mark.full
@pytest.mark.alone
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("package", "words"),
    [
        ("raise ModuleNotFoundError(\"No module named 'teiten'\")", "has no package teiten for its Python"),
        ("__version__ = '0.0.1'", f"has teiten 0.0.1, this machine {spreading.__version__}"),
    ],
)
def test_a_real_worker_has_no_package_or_another(tmp_path: Path, master: Any, package: str, words: str) -> None:
    """Its Python finds another package first: nothing is read, and the lake is as it was."""
    (tmp_path / "other" / "teiten").mkdir(parents=True)
    (tmp_path / "other" / "teiten" / "__init__.py").write_text(package + "\n", encoding="utf-8")
    files = captures(tmp_path / "in", 2)
    lake = Lake.create(tmp_path / "lake", "Asia/Tokyo")
    program = tmp_path / "driver.py"
    conf = f', conf=(("spark.executorEnv.PYTHONPATH", "{tmp_path / "other"}"),)'
    program.write_text(textwrap.dedent(DRIVER).replace(', memory="700m"', ', memory="700m"' + conf), encoding="utf-8")
    before = sorted(lake.path.rglob("*"))
    driver = subprocess.run(
        [sys.executable, str(program), str(lake.path), master[0], *files],
        env=os.environ | {"SPARK_LOCAL_IP": "127.0.0.1"}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert driver.returncode
    assert re.search(f"The worker \\S+ {words}", driver.stderr), driver.stderr[-2000:]
    assert sorted(lake.path.rglob("*")) == before


@pytest.mark.full
@pytest.mark.alone
@pytest.mark.timeout(600)
def test_a_driver_and_a_worker_are_killed(tmp_path: Path, master: Any, request: pytest.FixtureRequest) -> None:
    """Killed again and again, begun again each time: in the end every packet is there once."""
    from teiten.bench._spark_cluster import end

    address, workers = master
    files = captures(tmp_path / "in", 60, each=400)
    lake = Lake.create(tmp_path / "lake", "Asia/Tokyo")
    program = tmp_path / "driver.py"
    program.write_text(textwrap.dedent(DRIVER), encoding="utf-8")
    command = [sys.executable, str(program), str(lake.path), address, *files]
    environment = os.environ | {"SPARK_LOCAL_IP": "127.0.0.1"}
    for after in (0.5, 3.0):
        driver = subprocess.Popen(command, env=environment, start_new_session=True, stdout=subprocess.DEVNULL)
        until = time.monotonic() + 120
        while not list((lake.path / "staging").glob("*/*/*")) and driver.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(after)
        os.killpg(driver.pid, signal.SIGKILL)
        driver.wait()
        held = rows(Lake.open(lake.path)) if Lake.open(lake.path).live_files()[0] else None
        assert held is None or held["tcp_seq"].n_unique() == held.height
    driver = subprocess.Popen(command, env=environment, start_new_session=True, stdout=subprocess.PIPE)
    while not list((lake.path / "staging").glob("*/*/*")) and driver.poll() is None:
        time.sleep(0.05)
    end(workers[1])
    out, _ = driver.communicate(timeout=300)
    assert driver.returncode == 0, out
    held = rows(Lake.open(lake.path))
    assert held.height == 60 * 400
    assert held["tcp_seq"].n_unique() == held.height
    assert not (lake.path / "staging").exists()
    assert clustering.ENGINES[1] == "spark"
