"""A lake on a real object store (Ceph's S3 gateway): hosts that are folders of this machine, one writer, kills, refusals."""

from __future__ import annotations

import concurrent.futures
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import _ceph
import pytest

from teiten import intake, settings, storing
from teiten.cli import main
from teiten.engine import open_session
from teiten.errors import LakeBusyError, LakeChangedError, LakeError
from teiten.lake import Lake, _delta, _mirror
from teiten.lake._store import Objects, StoreError

pytestmark = [pytest.mark.full, pytest.mark.alone]
LINE = (
    "2019-03-{day:02d}T12:{m:02d}:{s:02d}+09:00 router kernel: DROP IN=ppp0 OUT= MAC= SRC={src} DST=198.51.100.1 LEN=40 "
    "TOS=0x00 PREC=0x00 TTL=50 ID={n} PROTO=TCP SPT=40000 DPT={port} SEQ={n} ACK=0 WINDOW=1024 RES=0x00 SYN URGP=0\n"
)
Host = Callable[..., Path]


@pytest.fixture(scope="module")
def ceph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_ceph.Ceph]:
    if missing := _ceph.missing():
        pytest.skip(f"no {', '.join(missing)} here (Debian: ceph-mon, ceph-osd, radosgw)")
    with _ceph.running(tmp_path_factory.mktemp("ceph")) as found:
        found.bucket("lakes")
        yield found


@pytest.fixture
def host(ceph: _ceph.Ceph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """(name): the folder that mirrors this test's lake on the host of that name."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", _ceph.KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", _ceph.SECRET)
    url = f"s3://lakes/{uuid.uuid4()}"

    def folder(name: str, **more: str) -> Path:
        return storing.folder(url, storing.Store(endpoint=ceph.endpoint, cache=str(tmp_path / name), **more))

    yield folder
    _mirror._MIRRORS.clear()


def log(folder: Path, name: str, count: int, day: int = 1) -> Path:
    path = folder / name
    rng = random.Random(name)
    sources = [f"203.0.{rng.randrange(100)}.{rng.randrange(250)}" for _ in range(count)]
    lines = (LINE.format(day=day, m=n // 60 % 60, s=n % 60, src=src, n=n, port=23 + n % 5) for n, src in enumerate(sources))
    path.write_text("".join(lines))
    return path


def ingest(folder: Path, *logs: Path) -> int:
    chosen = settings.load(zone="Asia/Tokyo")
    done = intake.ingest(Lake.open_or_create(folder, "Asia/Tokyo"), [str(path) for path in logs], chosen)
    assert not done.failed
    return done.total.events


def rows(folder: Path, sql: str) -> list[dict[str, object]]:
    with open_session(Lake.open(folder), settings.load(zone="Asia/Tokyo")) as session:
        return session.query(sql)


COUNTS = "SELECT count(*) AS n, count(DISTINCT (source_id, source_pos)) AS own, count(DISTINCT src_ip) AS hosts FROM events"


def test_a_lake_on_a_store_answers_as_one_in_a_folder(host: Host, tmp_path: Path) -> None:
    words = ["simulate", "--scenario", "home", "--seed", "1", "--start", "2026-04-01", "--days", "1", "--events", "1400"]
    assert main([*words, "--out", str(tmp_path / "s")]) == 0
    logs = [*(tmp_path / "s" / "logs").iterdir(), log(tmp_path, "x.log", 700)]
    plain = tmp_path / "plain"
    first = ingest(plain, logs[0])
    assert ingest(host("a"), logs[0]) == first > 1000
    assert ingest(host("b"), logs[1]) == ingest(plain, logs[1]) == 700  # another host goes on
    assert ingest(host("a"), *logs) == 0  # all known, whoever stored it
    asked = "SELECT time, src_ip, dst_port, tcp_seq, country FROM events ORDER BY ALL"
    wanted = rows(plain, asked)
    assert len(wanted) == first + 700
    assert all(rows(host(name), asked) == wanted for name in ("a", "b", "c"))
    judged = "SELECT src_ip, day, label, rule FROM verdicts ORDER BY ALL"
    assert rows(host("c"), judged) == rows(plain, judged) != []
    lake = Lake.open(host("b"))
    lake.add_note("note", text="seen")
    assert Lake.open(host("fresh")).notes()["text"].to_list() == ["seen"]
    with open_session(Lake.open(host("only", cache_size="1MB")), settings.load(zone="UTC")) as session:
        assert session.query("SELECT count(*) AS n FROM events") == [{"n": first + 700}]


def test_a_lake_in_a_folder_is_moved_there_and_back(host: Host, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    ingest(plain, log(tmp_path, "1.log", 500))
    objects = _mirror.attach(host("a")).objects  # type: ignore[union-attr]
    for file in sorted(path for path in plain.rglob("*") if path.is_file() and path.name != ".lock"):
        objects.put(str(file.relative_to(plain)), file)
    assert rows(host("a"), COUNTS) == rows(plain, COUNTS)
    ingest(host("b"), log(tmp_path, "2.log", 500, day=2))
    back = tmp_path / "back"
    for one in objects.below(""):
        if not one.name.startswith(_mirror.LEASES):
            (back / one.name).parent.mkdir(parents=True, exist_ok=True)
            objects.fetch(one.name, back / one.name)
    assert rows(back, COUNTS)[0]["n"] == 1000


def test_only_what_a_question_wants_is_fetched(host: Host, tmp_path: Path) -> None:
    import datetime as dt

    for n in (1, 2, 3):
        ingest(host("a"), log(tmp_path, f"{n}.log", 300, day=n))
    lake = Lake.open(host("b"))
    assert not list((lake.path / "events").glob("*.parquet"))
    with open_session(
        lake,
        settings.load(zone="UTC"),
        start=dt.datetime(2019, 3, 2, tzinfo=dt.UTC),
        end=dt.datetime(2019, 3, 3, tzinfo=dt.UTC),
    ) as session:
        assert session.query("SELECT count(*) AS n FROM events") == [{"n": 300}]
    assert len(list((lake.path / "events").glob("*.parquet"))) == 1


def test_forgotten_is_gone_from_the_store(host: Host, tmp_path: Path) -> None:
    import ipaddress

    ingest(host("a"), log(tmp_path, "x.log", 600))
    source = str(rows(host("a"), "SELECT src_ip, count(*) AS n FROM events GROUP BY ALL ORDER BY n DESC LIMIT 1")[0]["src_ip"])
    objects = _mirror.attach(host("a")).objects  # type: ignore[union-attr]
    before = {one.name for one in objects.below("events") if one.name.endswith(".parquet")}
    Lake.open(host("a")).forget(ipaddress.ip_network(source))
    after = {one.name for one in objects.below("events") if one.name.endswith(".parquet")}
    assert before and not before & after
    assert rows(host("b"), f"SELECT count(*) AS n FROM events WHERE src_ip = '{source}'") == [{"n": 0}]
    assert not [one for one in objects.here()[0] if "forget" in one.name]


def test_two_hosts_write_in_turn(host: Host, tmp_path: Path) -> None:
    logs = [log(tmp_path, f"{n}.log", 200, day=1 + n) for n in range(8)]
    Lake.open_or_create(host("a"), "Asia/Tokyo")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        one = pool.submit(lambda: [ingest(host("a"), path) for path in logs[:4]])
        two = pool.submit(lambda: [ingest(host("b"), path) for path in logs[4:]])
        assert sum(one.result() + two.result()) == 1600
    assert rows(host("c"), COUNTS)[0]["n"] == rows(host("c"), COUNTS)[0]["own"] == 1600


def test_a_store_lets_one_make_an_object(host: Host) -> None:
    host("a")
    objects = _mirror.attach(host("a")).objects  # type: ignore[union-attr]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        for n in range(30):
            won = list(pool.map(lambda who, n=n: objects.create(f"race/{n}", f"{who}".encode()), range(16)))  # type: ignore[misc]
            assert sum(won) == 1
            assert objects.get(f"race/{n}") == str(won.index(True)).encode()


def test_a_host_that_sleeps_too_long_stores_nothing(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lease ran out and another wrote: neither its batch nor half of it is in the lake."""
    monkeypatch.setattr(_mirror, "TTL", 2.0)
    monkeypatch.setattr(_mirror.Lease, "_renew", lambda self: None)
    Lake.open_or_create(host("a"), "Asia/Tokyo")
    slow = Lake.open(host("a"))
    paths = [log(tmp_path, f"{n}.log", 100, day=n) for n in (1, 2)]
    with pytest.raises((LakeBusyError, LakeChangedError), match="lease"), slow.writer():
        with pytest.raises(LakeBusyError, match="is being written by process"), Lake.open(host("b")).writer(0):
            pass
        time.sleep(2.5)
        assert ingest(host("b"), paths[0]) == 100
        _delta.Table(host("a") / "events").commit(number=99)
    assert rows(host("c"), COUNTS)[0]["n"] == 100
    assert ingest(host("a"), *paths) == 100
    assert rows(host("b"), COUNTS)[0]["n"] == 200


def test_an_entry_that_is_there_is_not_written_over(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even a host that believes in its lease: the store refuses the entry, and its folder is as the store is."""
    ingest(host("a"), log(tmp_path, "1.log", 100))
    lake = Lake.open(host("a"))
    with pytest.raises(LakeChangedError, match="another host"), lake.writer() as writer:
        objects = _mirror.of(host("a")).objects  # type: ignore[union-attr]
        mine = writer.events.delta.version() + 1
        objects.put(f"events/_delta_log/{mine:020}.json", objects.get(f"events/_delta_log/{mine - 1:020}.json"))
        writer.events.commit(number=77)
    assert not (host("a") / "events" / "_delta_log" / f"{mine:020}.json").exists()


KILLED = """
import sys
from teiten.cli import main
from teiten.lake import _mirror
_mirror.TTL = 1.5  # whoever comes after a killed one need not wait a minute
sys.exit(main(sys.argv[1:]))
"""


def test_kills_leave_whole_batches(host: Host, ceph: _ceph.Ceph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """25 kills of an ingest at random moments, on two hosts in turn; at the end each event is there once."""
    monkeypatch.setattr(_mirror, "TTL", 1.5)
    rng = random.Random(5)
    logs = [log(tmp_path, f"{n}.log", 400, day=1 + n) for n in range(4)]
    Lake.open_or_create(host("a"), "Asia/Tokyo")
    url = _mirror.attach(host("a")).objects.url  # type: ignore[union-attr]
    last, killed = 0, 0
    for n in range(25):
        env = {**os.environ, "AWS_ENDPOINT_URL": ceph.endpoint, "TEITEN_CACHE": str(tmp_path / f"kill{n % 2}")}
        words = ["ingest", "--lake", url, "--tz", "Asia/Tokyo", *map(str, rng.sample(logs, 4))]
        run = subprocess.Popen([sys.executable, "-c", KILLED, *words], env=env, stdout=-3, stderr=-3)
        try:
            run.wait(rng.uniform(0.3, 5.0))
        except subprocess.TimeoutExpired:
            run.send_signal(signal.SIGKILL)
            run.wait()
            killed += 1
        found = rows(host("c"), COUNTS)[0]
        assert found["n"] == found["own"]
        assert int(str(found["n"])) >= last and int(str(found["n"])) % 400 == 0
        last = int(str(found["n"]))
    ingest(host("b"), *logs)
    assert rows(host("c"), COUNTS)[0]["n"] == rows(host("c"), COUNTS)[0]["own"] == 1600
    assert killed > 5


def test_keys_that_run_out_while_it_is_read(
    host: Host, ceph: _ceph.Ceph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(host("a"), log(tmp_path, "1.log", 300))
    lake = Lake.open(host("b"))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    mirror = _mirror.of(host("b"))
    assert mirror is not None
    mirror.objects = Objects(mirror.objects.url, ceph.endpoint, "us-east-1")
    with pytest.raises(StoreError, match=r"s3://lakes/.* at http://127.* \(SignatureDoesNotMatch\)\. Set AWS_ACCESS_KEY_ID"):
        lake.live_files()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", _ceph.SECRET)
    assert rows(host("c"), COUNTS)[0]["n"] == 300


@pytest.mark.parametrize("what", ["short", "gone"])
def test_a_lost_object_is_named(host: Host, tmp_path: Path, what: str) -> None:
    ingest(host("a"), log(tmp_path, "1.log", 300))
    objects = _mirror.attach(host("a")).objects  # type: ignore[union-attr]
    name = next(one.name for one in objects.below("events") if one.name.endswith(".parquet"))
    if what == "short":
        objects.put(name, objects.get(name)[:-100])
    else:
        objects.delete([name])
    with pytest.raises(LakeError, match=name.rpartition("/")[2][:13]):
        rows(host("b"), COUNTS)


def test_no_bucket_no_lake_no_store(host: Host, ceph: _ceph.Ceph, tmp_path: Path) -> None:
    store = storing.Store(endpoint=ceph.endpoint, cache=str(tmp_path / "x"))
    with pytest.raises(StoreError, match="There is no bucket"):
        Lake.open(storing.folder("s3://nobody/x", store))
    with pytest.raises(LakeError, match="is no lake"):
        Lake.open(host("a"))
    away = storing.Store(endpoint="http://127.0.0.1:9", cache=str(tmp_path / "y"))
    with pytest.raises(StoreError, match=r"http://127\.0\.0\.1:9 did not answer"):
        Lake.open(storing.folder("s3://lakes/x", away))
