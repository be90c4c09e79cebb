"""The collector: who may bring what, blocks, plain senders; only the credential says whose lines they are."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from tests.station.remote import Remote, about, basic, bearer, collector, files, fill, stream, until

from teiten.errors import UsageError
from teiten.station import certificates, collecting
from teiten.station.spool import Spool, Stream
from teiten.station.trail import Trail
from teiten.stationing import Station, Table


def block(one: Stream, said: dict[str, Any] | None = None, **wrong: Any) -> tuple[str, bytes]:
    """Path and body of a PUT with all that the stream's first segment has."""
    found = Trail(one.folder).read(one.last.number, 1 << 20)
    assert found is not None and found.data is not None
    chain = b"".join(found.lines)
    head = {"about": said or about(one), "from": 0, "chain": len(chain), "data": len(found.data), **wrong}
    return f"/v1/streams/{one.about.id}/{found.segment}", json.dumps(head).encode() + b"\n" + chain + found.data


def put(remote: Remote, credential: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
    return remote.ask("PUT", path, body, bearer(credential))


def test_blocks_and_who_may_bring_them(tmp_path: Path) -> None:
    sensor = Spool.open(tmp_path / "sensor")
    one = stream(sensor, limit=10_000)
    fill(one, 0, 5)
    with collector(tmp_path) as remote:
        home, office = remote.add("home"), remote.add("office")
        path, body = block(one)
        where = f"/v1/streams/{one.about.id}"
        assert remote.ask("GET", where, None, bearer(home))[0] == 404
        # nobody, another sensor, and one that says it were this one
        assert put(remote, "home." + "0" * 64, path, body)[0] == 401 and remote.ask("PUT", path, body)[0] == 401
        assert put(remote, office, path, body)[0] == 403
        assert put(remote, office, path, block(one, about(one, sensor="office"))[1])[0] == 400
        assert files(remote.spool) == {}

        assert put(remote, home, path, body)[0] == 200
        assert files(remote.spool) == files(sensor)
        status, have = remote.ask("GET", where, None, bearer(home))
        assert (status, have["number"], have["end"]) == (200, 5, one.last.end)
        assert remote.ask("GET", where, None, bearer(office))[0] == 403 and put(remote, office, path, body)[0] == 403

        # a replay is free; the next one follows; what does not follow is told where to begin
        assert put(remote, home, path, body) == (200, have)
        fill(one, 5, 5)
        assert put(remote, home, *block(one))[0] == 200
        assert files(remote.spool) == files(sensor)
        assert remote.collector.totals["records"] == 10 and remote.collector.totals["replayed"] == 10

        for wrong in ({"data": 1}, {"chain": 3}, {"from": -1}, {"chain": "x"}, {"about": 3}, {"about": {}}):
            assert put(remote, home, *block(one, None, **wrong))[0] == 400  # type: ignore[arg-type]
        assert put(remote, home, path, b"")[0] == 400 and put(remote, home, path, b"[" * 100_000 + b"\n")[0] == 400
        path, body = block(one)
        assert put(remote, home, path, body[:-2] + b"X\n")[0] == 400
        for elsewhere in ("/v1/streams/..%2f..%2fx/1", "/v1/streams/../1", "/", "/v1/streams/a/b", "/v1/streams/.x.0/1"):
            assert put(remote, home, elsewhere, body)[0] in (400, 404)
        assert files(remote.spool) == files(sensor)
        assert [said.told["via"] for said in remote.spool.streams()] == ["home"]


def test_a_box_with_several_sensors(tmp_path: Path) -> None:
    sensor = Spool.open(tmp_path / "sensor")
    cellar, counters = stream(sensor, "cellar"), Stream((own := sensor.stream("kern", None)).folder, own.about)
    fill(cellar, 0, 1)
    counters.commit(counts={"dropped_kernel": 3})
    with collector(tmp_path) as remote:
        credential = remote.add("home", "cellar")
        assert put(remote, credential, *block(cellar))[0] == 200
        assert put(remote, credential, *block(counters))[0] == 200
        assert files(remote.spool) == files(sensor)


def test_plain_senders(tmp_path: Path) -> None:
    with collector(tmp_path) as remote:
        home, office = remote.add("home"), remote.add("office")
        lines = b"2026-04-01 a sensor=office\n"
        assert remote.ask("POST", "/v1/lines", lines, basic(home)) == (200, {"lines": 1, "refused": 0})
        assert remote.ask("POST", "/v1/lines", gzip.compress(lines), {**bearer(home), "Content-Encoding": "gzip"})[0] == 200
        vector = json.dumps([{"message": "2026-04-01 b", "sensor": "home", "host": "home"}, {"no": 1}]).encode()
        sent = remote.ask("POST", "/v1/lines?sensor=home", vector, {**basic(office), "Content-Type": "application/json"})
        assert sent == (200, {"lines": 1, "refused": 1})
        assert remote.ask("POST", "/v1/lines", b"", basic(home))[0] == 200
        # what was answered is on the disk
        kept = {
            one.sensor: b"".join(s.path.read_bytes() for s in remote.spool.segments(one.id) if s.path)
            for one in remote.spool.streams()
        }
        assert kept == {"home": lines * 2, "office": b"2026-04-01 b\n"}
        totals = remote.collector.desk.feed("collect", "office").totals
        assert totals["received"] == 2 and totals["refused"] == 1
        assert b"127.0.0.1" not in b"".join(files(remote.spool).values())


def test_wrong_credentials_are_told_once_and_revoked_ones_refused(tmp_path: Path) -> None:
    with collector(tmp_path) as remote:
        home = remote.add("home")
        assert remote.ask("POST", "/v1/lines", b"a\n", basic(home))[0] == 200
        remote.collector.credentials.revoke("home")
        for _ in range(3):
            assert remote.ask("POST", "/v1/lines", b"a\n", basic(home))[0] == 401
        for said in ("", "Basic", "Basic !!!", "Basic YQ==", "Bearer", "Bearer x", "Digest a"):
            assert remote.ask("POST", "/v1/lines", b"a\n", {"Authorization": said} if said else {})[0] == 401
        warned = [text for level, text in remote.told if level == "warning"]
        assert len(warned) == 3 and "'home'" in warned[0] and home.rpartition(".")[2] not in "".join(warned)
        assert remote.collector.totals["denied"] == 10


def test_a_budget_that_is_used_up(tmp_path: Path) -> None:
    sensor = Spool.open(tmp_path / "sensor")
    one = stream(sensor, limit=10_000)
    fill(one, 0, 5)
    with collector(tmp_path) as remote:
        home = remote.add("home")
        remote.collector.desk.full = "the spool has used up its budget"
        assert put(remote, home, *block(one))[0] == 507 and remote.ask("POST", "/v1/lines", b"a\n", basic(home))[0] == 507
        remote.collector.desk.full = None
        assert put(remote, home, *block(one))[0] == 200


def test_rates_and_sizes(tmp_path: Path) -> None:
    with collector(tmp_path, rate=1000, body=5000) as remote:
        home, office = remote.add("home"), remote.add("office")
        assert remote.ask("POST", "/v1/lines", b"a" * 5001, basic(home))[0] == 413
        assert remote.ask("POST", "/v1/lines", b"a" * 1900 + b"\n", basic(home))[0] == 200
        status, said = remote.ask("POST", "/v1/lines", b"a" * 1900 + b"\n", basic(home))
        assert status == 429 and "rate" in said["error"]
        assert remote.ask("POST", "/v1/lines", b"a" * 1900 + b"\n", basic(office))[0] == 200  # others do not notice


def test_a_renewed_certificate_is_shown(tmp_path: Path) -> None:
    with collector(tmp_path) as remote:
        before = remote.pin
        fresh = certificates.own(tmp_path / "fresh", ["127.0.0.1"])
        for old, new in zip(remote.collector.files, fresh, strict=True):
            new.replace(old)
        remote.collector._context = (-100.0, remote.collector._context[1])
        remote.collector.context()
        assert remote.pin != before and any(remote.pin in text for _, text in remote.told)


def test_the_list_knows_who_was_heard(tmp_path: Path) -> None:
    with collector(tmp_path) as remote:
        home = remote.add("home")
        assert remote.ask("POST", "/v1/lines", b"a\n", basic(home))[0] == 200
    heard = json.loads((tmp_path / "spool" / collecting.STATUS).read_text())
    assert heard["home"]["credential"] == remote.collector.credentials.all()[0].id and until(lambda: heard["home"]["last"] > 0)


def test_a_reload_of_the_same_settings_changes_nothing(tmp_path: Path) -> None:
    table = Table("collect", {"listen": "127.0.0.1:8514"}, "[station.collect]", tmp_path)
    one, same = (collecting.wanted(Station(collect=table)) for _ in range(2))
    other = collecting.wanted(Station(collect=Table("collect", {"listen": "127.0.0.1:8515"}, "[station.collect]", tmp_path)))
    assert one == same != other


@pytest.mark.parametrize(
    "table",
    [
        {"listen": "8514"}, {"certificate": "x"},
        {"key": "x"}, {"names": "x"}, {"connections": 0}, {"other": 1}, {"rate": "fast"},
    ],
)  # fmt: skip
def test_settings_that_are_wrong(table: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        collecting.settings(Table("collect", table, "[station.collect]", tmp_path), tmp_path)
