"""A user's query with its addresses as bytes: the same rows, columns and errors as with their text."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from making import T0, fill

from teiten.engine import bytewise, open_session
from teiten.engine.duckdb import Session
from teiten.errors import UsageError
from teiten.lake import Lake
from teiten.settings import Settings

CHANGED = [
    "SELECT count(DISTINCT src_ip) AS n, approx_count_distinct(dst_ip) AS m FROM events",
    "SELECT dst_port, protocol, count(DISTINCT src_ip), count(DISTINCT e.dst_ip) FROM events e GROUP BY ALL ORDER BY ALL",
    "SELECT src_ip, count(*) AS n FROM events GROUP BY src_ip ORDER BY n DESC, src_ip",
    "SELECT src_ip AS who, count(*), max(dst_ip) FROM events GROUP BY who ORDER BY who",
    "SELECT count(*), src_ip FROM events GROUP BY 2 ORDER BY 2",
    "SELECT Src_IP, dst_port, count(*) FROM events GROUP BY ALL HAVING src_ip LIKE '%.%' ORDER BY ALL",
    "SELECT src_ip || '!' AS said, count(*) FROM events GROUP BY ALL ORDER BY 1",
    "SELECT time::DATE AS day, count(DISTINCT src_ip) FILTER (WHERE dst_ip <> '203.0.113.77') AS n FROM events GROUP BY day",
    "SELECT DISTINCT src_ip FROM events ORDER BY src_ip DESC LIMIT 5",
    "SELECT DISTINCT ON (src_ip) src_ip, dst_port FROM events ORDER BY src_ip, dst_port",
    "SELECT count(*) FROM events WHERE src_ip = '198.51.100.7' OR '2001:db8::7' = events.src_ip",
    "SELECT count(*) FROM events WHERE src_ip <> '198.51.100.7' AND src_ip NOT IN ('198.51.100.8', '2001:db8::7')",
    "SELECT count(*) FROM events WHERE src_ip IN ('198.51.100.7', '198.051.100.7', 'nobody', '2001:DB8::7')",
    "SELECT count(*) FROM events WHERE inner_src_ip IS NULL AND src_ip BETWEEN '198.51.100.1' AND '198.51.100.4'",
    "SELECT min(src_ip), string_agg(DISTINCT src_ip, ' ' ORDER BY src_ip) FROM events WHERE dst_port = 23",
    "SELECT src_ip, rank() OVER (ORDER BY count(*) DESC, src_ip) AS place FROM events GROUP BY src_ip ORDER BY place",
    "WITH few AS (SELECT src_ip, dst_port FROM events) SELECT dst_port, count(DISTINCT src_ip) FROM few GROUP BY 1 ORDER BY 1",
    "SELECT src_ip FROM events UNION SELECT dst_ip FROM events ORDER BY 1",
    "SELECT n FROM (SELECT src_ip AS n FROM events WHERE dst_port = 22) ORDER BY n",
    "SELECT src_ip, count(DISTINCT scanner) AS n FROM events GROUP BY ALL ORDER BY ALL",
    "SELECT CASE WHEN src_ip = '198.51.100.7' THEN 'it' ELSE dst_ip END AS what, count(*) FROM events GROUP BY what ORDER BY 1",
    "SELECT src_ip, dst_port FROM events QUALIFY row_number() OVER (PARTITION BY src_ip ORDER BY source_pos) = 1 ORDER BY ALL",
]
AS_THEY_ARE = [
    "SELECT * FROM events ORDER BY source_pos",
    "SELECT upper(src_ip) AS dst_ip, count(*) FROM events GROUP BY ALL ORDER BY ALL",
    "SELECT src_ip FROM events WHERE src_ip IN (SELECT src_ip FROM events WHERE dst_port = 22) ORDER BY 1",
    "SELECT a.src_ip, count(*) FROM events a JOIN events b ON a.src_ip = b.src_ip GROUP BY 1 ORDER BY 1",
    "WITH events AS (SELECT 'x' AS src_ip) SELECT count(DISTINCT src_ip) FROM events",
    "SELECT list_transform(['a'], lambda src_ip: src_ip || 'b') AS l FROM events GROUP BY ALL",
    "SELECT e.s FROM events AS e(t, sensor, s) ORDER BY 1",
    "SELECT count(DISTINCT dst_port) FROM events",
]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    chance = random.Random(5)
    lake = Lake.create(tmp_path_factory.mktemp("bytewise") / "lake", "UTC")
    sources = [f"198.51.100.{n}" for n in range(1, 12)] + ["2001:db8::7", "::ffff:198.51.100.7", "2001:db8::8"]
    rows = [
        {"src_ip": chance.choice(sources), "dst_ip": f"203.0.113.{chance.randrange(76, 79)}", "time": T0, "source_pos": n}
        for n in range(200)
    ]
    fill(lake, [row | {"dst_port": chance.choice((22, 23, 80))} for row in rows])
    with open_session(lake, Settings("Asia/Tokyo", "flag")) as found:
        yield found


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What `rewrite` said, each time it was asked."""
    said: list[bool] = []

    def rewrite(tree: dict[str, object], aggregates: frozenset[str]) -> bool:
        said.append(real(tree, aggregates))
        return said[-1]

    real = bytewise.rewrite
    monkeypatch.setattr(bytewise, "rewrite", rewrite)
    return said


@pytest.mark.parametrize("sql", [*CHANGED, *AS_THEY_ARE])
def test_the_same_rows_and_columns(session: Session, looked: list[bool], monkeypatch: pytest.MonkeyPatch, sql: str) -> None:
    found = session.frame(sql)
    if sql in CHANGED:
        assert looked == [True]
    monkeypatch.setattr(bytewise, "may_help", lambda _sql: False)
    assert found.equals(session.frame(sql)), sql
    assert found.height


@pytest.mark.parametrize("sql", AS_THEY_ARE)
def test_what_is_not_understood_stays(session: Session, looked: list[bool], sql: str) -> None:
    session.frame(sql)
    assert not any(looked) or "IN (SELECT" in sql  # of that one the inner query is changed


def test_what_it_comes_to(session: Session) -> None:
    relation = session._relation(
        "SELECT src_ip, count(DISTINCT dst_ip) AS n FROM events WHERE src_ip = '8.8.8.8' GROUP BY ALL", users=True
    )
    assert relation is not None
    query = relation.sql_query()
    assert "unhex('08080808')" in query and "GROUP BY src_ip" in query and "count(DISTINCT dst_ip)" in query


def test_errors_are_about_the_users_own_text(session: Session) -> None:
    with pytest.raises(UsageError, match="no_such_column") as caught:
        session.frame("SELECT src_ip, no_such_column FROM events")
    assert "raw_events" not in str(caught.value)
    with pytest.raises(UsageError, match="GROUP BY"):
        session.frame("SELECT src_ip, count(*) FROM events")
