"""A session: addresses as text and back, one SELECT at a time, nothing outside the lake's files."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from making import T0, fill

from teiten import event, frame
from teiten.engine import judged, open_session
from teiten.engine.duckdb import Session, views
from teiten.errors import TeitenError, UsageError
from teiten.lake import Lake
from teiten.settings import Settings


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    lake = Lake.create(tmp_path_factory.mktemp("session") / "lake", "UTC")
    fill(lake, [{"src_ip": "203.0.113.9"}, {"src_ip": "2001:db8::9", "inner_src_ip": None}])
    with open_session(lake, Settings("Asia/Tokyo", "flag")) as found:
        yield found


def addresses(count: int, seed: int) -> list[bytes]:
    """IPv4, and IPv6 with zeros in every place."""
    chance = random.Random(seed)
    groups = (b"\0\0", b"\0\0", b"\0\1", b"\xff\xff")
    out = [b"".join(chance.choice((*groups, chance.randbytes(2))) for _ in range(8)) for _ in range(count)]
    out += [chance.randbytes(4) for _ in range(count)] + [b"\0" * 4, b"\xff" * 4, b"\0" * 16, b"\xff" * 16, b"\0" * 15 + b"\1"]
    return out + [ipaddress.ip_address(t).packed for t in ("::ffff:1.2.3.4", "::1.2.3.4", "::ffff:0:0", "1::", "::1:0:0:0")]


def test_addresses_as_text_and_back(session: Session) -> None:
    given = addresses(150, 1)
    sql = "SELECT address_text(b) AS t, address_bytes(address_text(b)) AS b FROM (SELECT unnest($bytes) AS b)"
    found = session.query(sql, {"bytes": given})
    assert [r["t"] for r in found] == [frame.address_text(b) for b in given]
    assert [r["b"] for r in found] == given


@pytest.mark.parametrize(
    ("address", "first", "last", "inside"),
    [
        ("10.0.0.5", "10.0.0.0", "10.0.0.7", True),
        ("10.0.0.8", "10.0.0.0", "10.0.0.7", False),
        ("2001:db8::5", "2001:db8::", "2001:db8::ffff", True),
        ("::a00:5", "10.0.0.0", "10.0.0.7", False),
    ],
)
def test_in_range(session: Session, address: str, first: str, last: str, inside: bool) -> None:
    found = session.query("SELECT in_range($a, $f, $l) AS yes", {"a": address, "f": first, "l": last})
    assert found == [{"yes": inside}]


def test_the_view_has_the_contracts_columns_and_text(session: Session) -> None:
    rows = session.query("SELECT * FROM events ORDER BY src_ip")
    assert list(rows[0]) == [*event.NAMES, *judged.JOINED]
    assert [r["src_ip"] for r in rows] == ["2001:db8::9", "203.0.113.9"]
    assert rows[0]["time"] == T0 and rows[0]["time"].utcoffset().total_seconds() == 9 * 3600


def test_every_view_and_column_has_a_meaning(session: Session) -> None:
    for name in ("events", "sources", "batches", "coverage", "verdicts", "notes"):
        there = [r["column_name"] for r in session.query(f"DESCRIBE {name}")]
        assert [r["column"] for r in views() if r["view"] == name] == there
    assert all(r["en"] and r["ja"] and r["type"] for r in views())


def test_types_are_as_told(session: Session) -> None:
    for name in ("events", "sources", "batches", "coverage", "verdicts", "notes"):
        there = {
            r["column_name"]: r["column_type"].replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ")
            for r in session.query(f"DESCRIBE {name}")
        }
        assert {r["column"]: r["type"] for r in views() if r["view"] == name} == there


@pytest.mark.parametrize(
    "sql",
    ["DROP VIEW events", "SELECT 1; SELECT 2", "COPY (SELECT 1) TO 'x.csv'", "SET threads = 1", "ATTACH 'x.db'",
     "INSTALL httpfs", "", "CREATE TABLE t AS SELECT 1", "PRAGMA version"],
)  # fmt: skip
def test_only_one_select(session: Session, sql: str) -> None:
    with pytest.raises(UsageError, match="one SELECT"):
        session.select_only(sql)


def test_a_select_is_let_through(session: Session) -> None:
    assert session.select_only(" SELECT 1 ; ") == "SELECT 1"
    assert session.select_only("WITH a AS (SELECT 1 AS x) SELECT * FROM a").startswith("WITH")


def test_nothing_outside_the_lake_is_read(session: Session, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    for sql in (
        f"SELECT * FROM read_csv('{tmp_path}/secret.csv')",
        f"SELECT * FROM '{tmp_path}/secret.csv'",
        f"SELECT * FROM read_text('{tmp_path}/*')",
        f"SELECT * FROM glob('{tmp_path}/*')",
        "SELECT getenv('HOME')",
    ):
        with pytest.raises(TeitenError):
            session.query(sql)


def test_what_is_wrong_is_said(session: Session) -> None:
    with pytest.raises(UsageError, match="dst_prot"):
        session.query("SELECT dst_prot FROM events")


def test_two_columns_of_one_name(session: Session) -> None:
    assert session.query("SELECT 1 AS a, 2 AS a") == [{"a": 1, "a_1": 2}]


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("max(time) - min(time)", "00:00:00"),
        ("INTERVAL 26 HOUR", "26:00:00"),
        ("[INTERVAL 1 DAY]", "[1 day]"),
        ("'101'::BIT", "101"),
        ("TIMETZ '01:02:03+09'", "01:02:03+09"),
        ("union_value(k := 1)", "1"),
    ],
)
def test_types_that_no_frame_has_are_text(session: Session, sql: str, text: str) -> None:
    assert session.query(f'SELECT {sql} AS "a ""b", 1 AS one FROM events LIMIT 1') == [{'a "b': text, "one": 1}]


def test_memory_is_bounded(session: Session) -> None:
    with pytest.raises(TeitenError):
        session.query("SELECT list(a.range) AS l FROM range(100000000) a")


def test_a_session_sees_the_lake_as_it_was(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake", "UTC")
    fill(lake, [{}])
    with open_session(lake, Settings("UTC", "flag")) as session:
        fill(lake, [{}, {}])
        assert session.query("SELECT count(*) AS n FROM events") == [{"n": 1}]
        assert session.query("SELECT sum(events)::BIGINT AS n FROM batches") == [{"n": 1}]
