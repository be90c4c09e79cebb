"""A sensor's spool arrives at the collector: at once, late, past lost answers and forks; nobody else gets a byte of it."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.station.remote import collector, files, fill, stream, until

from teiten.errors import TeitenError, UsageError
from teiten.station import certificates, shipping
from teiten.station.feeds import Desk
from teiten.station.shipping import Shipper
from teiten.station.spool import Spool
from teiten.stationing import Station, Table

Told = list[tuple[str, str]]


@contextlib.contextmanager
def shipping_to(table: Table, desk: Desk) -> Iterator[tuple[Shipper, Told]]:
    told: Told = []
    found, credential = shipping.settings(table)
    one = Shipper(found, credential, desk, lambda level, text: told.append((level, text)))
    stop = threading.Event()
    thread = threading.Thread(target=one.run, args=(stop,))
    thread.start()
    try:
        yield one, told
    finally:
        stop.set()
        thread.join(30)
        one.finish()


def desk_of(folder: Path) -> Desk:
    spool = Spool.open(folder)
    return Desk(spool, Station(spool=folder, sync=0.01))


def test_what_comes_in_arrives(tmp_path: Path) -> None:
    with collector(tmp_path) as remote:
        desk = desk_of(tmp_path / "sensor")
        feed = desk.feed("kern", "home")
        desk.start()
        with shipping_to(remote.table(remote.add("home")), desk) as (one, told):
            for number in range(50):
                feed.put(b"line %d\n" % number, received=1, mark=number)
            assert until(lambda: feed.put_down == 50 and one.behind() == 0 and bool(one.shipped))
            assert until(lambda: files(remote.spool) == files(desk.spool))
            desk.stop()
        # the end of the run was sent, too, and it is remembered what is there
        assert files(remote.spool) == files(desk.spool)
        shipped = json.loads((tmp_path / "sensor" / shipping.FILE).read_text())["streams"]
        assert shipped[feed.stream.about.id]["number"] == feed.stream.last.number
        state = one.status()
        assert abs(state["skew"]) < 1 and 0 <= state["skew_within"] < 1 and state["lag"] == 0 and not told
        assert remote.collector.sensors["home"]["behind"] >= 0 and "skew" in remote.collector.sensors["home"]


def test_a_backlog_of_old_streams_catches_up(tmp_path: Path) -> None:
    """Streams of inputs that are no more, many segments, small pieces; the collector is not there at first."""
    with collector(tmp_path / "one") as first:
        credential, pin, port = first.add("home"), first.pin, first.port
    desk = desk_of(tmp_path / "sensor")
    for name in ("kern", "ufw"):
        one = stream(desk.spool, "home", name, limit=300)
        fill(one, 0, 200)
        one.close()
    table = Table(
        "collector", {"url": f"https://127.0.0.1:{port}", "credential": credential, "pin": pin, "every": 0.1}, "", tmp_path
    )
    with shipping_to(table, desk) as (shipper, told):
        assert until(lambda: shipper.trouble is not None)
        with collector(tmp_path / "one", listen=f"127.0.0.1:{port}") as remote:
            assert until(lambda: files(remote.spool) == files(desk.spool))
    assert [level for level, _ in told] == ["warning", "info"] and "waits in the spool" in told[0][1]


def test_an_answer_that_was_lost_and_a_collector_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipping, "STRETCH", 50)
    monkeypatch.setattr(shipping, "_PAUSES", (0.01,))
    desk = desk_of(tmp_path / "sensor")
    one = stream(desk.spool, limit=200)
    fill(one, 0, 30)
    one.close()
    with collector(tmp_path) as remote:
        table = remote.table(remote.add("home"))
        ask, calls = shipping.Line._ask, 0

        def lossy(self: shipping.Line, method: str, path: str, body: bytes) -> dict[str, Any]:
            nonlocal calls
            calls += 1
            said = ask(self, method, path, body)
            if calls % 3 == 0:
                raise ConnectionResetError("the answer was lost")
            return said

        monkeypatch.setattr(shipping.Line, "_ask", lossy)
        with shipping_to(table, desk):
            assert until(lambda: files(remote.spool) == files(desk.spool))
        assert remote.collector.totals["replayed"] > 0
        kept = files(remote.spool)
    # the collector comes back as it was at the end of the first segment
    folder = tmp_path / "spool" / "streams" / one.about.id
    for path in folder.glob("0000000[2-9].*"):
        path.unlink()
    with collector(tmp_path) as remote, shipping_to(remote.table(table.given["credential"]), desk_of(tmp_path / "sensor")):
        assert until(lambda: files(remote.spool) == kept)


def test_a_sensor_put_back_goes_on_as_another_stream(tmp_path: Path) -> None:
    """Its disk is put back to an older state: what the collector has stays, what came since arrives, once."""
    desk = desk_of(tmp_path / "sensor")
    one = stream(desk.spool)
    fill(one, 0, 3)
    back = {path: path.read_bytes() for path in one.folder.iterdir()}
    fill(one, 3, 3)
    one.close()
    with collector(tmp_path) as remote:
        table = remote.table(remote.add("home"))
        with shipping_to(table, desk):
            assert until(lambda: files(remote.spool) == files(desk.spool))
        kept = files(remote.spool)
        for path, data in back.items():
            path.write_bytes(data)
        again = stream(desk.spool)
        fill(again, 50, 9)
        again.close()
        for _ in range(2):  # the second time there is nothing to do
            with shipping_to(table, desk_of(tmp_path / "sensor")) as (shipper, told):
                assert until(lambda: bool(shipper.left) and shipper.behind() == 0)
            assert len(told) <= 1 and all("after record 3" in text for _, text in told)
        there = files(remote.spool)
        assert kept.items() <= there.items() and len(remote.spool.streams()) == 2
        lines = b"".join(data for name, data in there.items() if name.endswith(".data"))
        assert sorted(lines.split()) == sorted(b"".join(b"line %d\n" % n for n in (*range(6), *range(50, 59))).split())
        # and the input goes on in the new one, from its last mark
        goes_on = desk.spool.stream("kern", "home")
        assert goes_on.about.follows == one.about.id and goes_on.mark == {"at": 58}


@pytest.mark.parametrize("what", ["data", "chain", "both gone"])
def test_what_cannot_be_read_does_not_hold_up_the_rest(what: str, tmp_path: Path) -> None:
    """A bad disk in the middle of a backlog: what is good before and behind it arrives, and what does not is told."""
    desk = desk_of(tmp_path / "sensor")
    one = stream(desk.spool, limit=100)
    fill(one, 0, 60)
    one.close()
    folder = one.folder
    lost = set(folder.joinpath("00000003.data").read_bytes().split(b"\n")[2 if what == "data" else 0 : -1])
    if what == "data":
        data = folder.joinpath("00000003.data").read_bytes()
        folder.joinpath("00000003.data").write_bytes(b"\n".join(data.split(b"\n")[:2]) + b"\n")
    elif what == "chain":
        folder.joinpath("00000003.chain").write_bytes(b"")
    else:
        for path in folder.glob("00000003.*"):
            path.unlink()
    with collector(tmp_path) as remote:
        table = remote.table(remote.add("home"))
        for _ in range(2):
            with shipping_to(table, desk_of(tmp_path / "sensor")) as (shipper, told):
                assert until(lambda one=shipper: bool(one.left) and one.behind() == 0)
            assert len(told) <= 1 and all("not sent" in text for _, text in told)
        lines = b"".join(data for name, data in files(remote.spool).items() if name.endswith(".data")).split(b"\n")[:-1]
        assert sorted(lines) == sorted({b"line %d" % n for n in range(60)} - lost)


def test_what_is_with_the_collector_may_go(tmp_path: Path) -> None:
    desk = desk_of(tmp_path / "sensor")
    one = stream(desk.spool, limit=100)
    fill(one, 0, 30)
    id = one.about.id
    with collector(tmp_path) as remote, shipping_to(remote.table(remote.add("home")), desk) as (shipper, _):
        assert not shipper.whole(id, 1)
        assert until(lambda: files(remote.spool) == files(desk.spool) and shipper.behind() == 0)
        assert [shipper.whole(id, n) for n in (1, one.number - 1, one.number)] == [True, True, False]


def test_nobody_else_is_sent_a_byte(tmp_path: Path) -> None:
    """Whoever shows another certificate hears neither the credential nor a line."""
    with collector(tmp_path) as remote:
        credential = remote.add("home")
        desk = desk_of(tmp_path / "sensor")
        fill(stream(desk.spool), 0, 3)
        for trust in ({"pin": "ab" * 32}, {"pin": None}):
            given = {key: value for key, value in {**remote.table(credential).given, **trust}.items() if value is not None}
            with shipping_to(Table("collector", given, "", tmp_path), desk) as (shipper, told):
                assert until(lambda: shipper.trouble is not None)
            assert "pinned" in told[0][1] or "is not trusted (self" in told[0][1], told
        given["ca"] = str(remote.collector.files[0])
        with shipping_to(Table("collector", given, "", tmp_path), desk):
            assert until(lambda: files(remote.spool) == files(desk.spool))


def test_a_revoked_credential_waits_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipping, "_PAUSES", (0.05,))
    with collector(tmp_path) as remote:
        credential = remote.add("home")
        remote.collector.credentials.revoke("home")
        desk = desk_of(tmp_path / "sensor")
        fill(stream(desk.spool), 0, 3)
        with shipping_to(remote.table(credential), desk) as (shipper, told):
            assert until(lambda: remote.collector.totals["denied"] >= 2)
        assert len(told) == 1 and "401" in told[0][1] and "teiten collect list" in told[0][1]
        assert shipper.status()["waits"]


def test_it_keeps_to_its_rate(tmp_path: Path) -> None:
    desk = desk_of(tmp_path / "sensor")
    one = stream(desk.spool, limit=1000)
    fill(one, 0, 60)
    with collector(tmp_path) as remote, shipping_to(remote.table(remote.add("home"), rate=20_000), desk) as (shipper, _):
        begun = time.monotonic()
        assert until(lambda: files(remote.spool) == files(desk.spool))
        assert shipper.line.sent / (time.monotonic() - begun + 1.0) < 20_000


TABLES: list[tuple[dict[str, Any], str]] = [
    ({"credential": "home.x"}, "url"),
    ({"url": "http://a", "credential": "home.x"}, "https"),
    ({"url": "https://", "credential": "home.x"}, "https"),
    ({"url": "https://a:b", "credential": "home.x"}, "https"),
    ({"url": "https://u@a", "credential": "home.x"}, "https"),
    ({"url": "https://a"}, "credential"),
    ({"url": "https://a", "credential": "home"}, "NAME.SECRET"),
    ({"url": "https://a", "credential": "home.x", "credential_file": "x"}, "credential"),
    ({"url": "https://a", "credential_file": "none"}, "cannot be read"),
    ({"url": "https://a", "credential": "home.x", "pin": "x"}, "fingerprint"),
    ({"url": "https://a", "credential": "home.x", "every": 0}, "between"),
]


@pytest.mark.parametrize(("table", "why"), TABLES)
def test_settings_that_are_wrong(table: dict[str, Any], why: str, tmp_path: Path) -> None:
    with pytest.raises(TeitenError, match=why):
        shipping.settings(Table("collector", table, "[station.collector]", tmp_path))


def test_settings_that_are_right(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("home.abc\n")
    table = {"url": "https://a.example:99/under/", "credential_file": "secret", "pin": certificates.fingerprint(b"")}
    found, credential = shipping.settings(Table("collector", table, "", tmp_path))
    assert credential == "home.abc" and found["url"] == "https://a.example:99/under"
    with pytest.raises(UsageError, match="teiten collect add"):
        shipping.settings(None)
