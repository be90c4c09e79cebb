"""A stranger's query: each way out is refused where the query is read, what is allowed is, and what is wrong has its place."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from teiten import settings
from teiten.engine import strangers
from teiten.engine.duckdb import Session, views
from teiten.errors import QueryError, TeitenError, UsageError
from teiten.lake import Lake

CASES = tomllib.loads((Path(__file__).parents[1] / "web" / "cases" / "escapes.toml").read_text(encoding="utf-8"))
REFUSED = [query for table in CASES.values() if table["ends"] == "refused" for query in table["cases"]]
HARMLESS = [query for table in CASES.values() if table["ends"] == "harmless" for query in table["cases"]]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory, some_events: Callable[[Path, int], Path]) -> Path:
    return some_events(tmp_path_factory.mktemp("strangers"), 7)


@pytest.fixture(scope="module")
def session(stored: Path) -> Iterator[Session]:
    with Session(Lake.open(stored), settings.load(zone="Asia/Tokyo", lake=str(stored)), stranger=True) as one:
        yield one


@pytest.fixture
def filled(stored: Path, tmp_path: Path) -> Callable[[str], str]:
    (tmp_path / "canary.txt").write_text("a secret")
    told = {"canary": tmp_path / "canary.txt", "folder": tmp_path, "new": tmp_path / "new", "lake": stored, "port": 9}

    def fill(query: str) -> str:
        for name, value in told.items():
            query = query.replace(f"{{{name}}}", str(value))
        return query

    return fill


def asked(session: Session, query: str) -> list[dict[str, object]]:
    only = session.select_only(query)
    session.for_strangers(only)
    return session.query(only)


@pytest.mark.parametrize("query", REFUSED)
def test_a_way_out_is_refused(session: Session, filled: Callable[[str], str], tmp_path: Path, query: str) -> None:
    with pytest.raises(UsageError) as error:
        asked(session, filled(query))
    assert "a secret" not in str(error.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["canary.txt"]


def test_there_are_as_many_ways_as_promised() -> None:
    assert len(set(REFUSED)) >= 100 and len(REFUSED) == len(set(REFUSED))


@pytest.mark.parametrize("query", HARMLESS)
def test_what_only_looks_like_one_is_answered(session: Session, filled: Callable[[str], str], stored: Path, query: str) -> None:
    rows = asked(session, filled(query))
    assert rows
    if "{" not in query:
        assert str(stored) not in str(rows) and "path" not in rows[0]


@pytest.mark.parametrize(
    "query",
    [
        "FROM events",
        "SELECT * FROM main.events e JOIN sources USING (source_id)",
        "WITH a AS (SELECT 1 AS x), b AS (SELECT * FROM a) SELECT * FROM b",
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT * FROM r",
        "SELECT * FROM range(3), unnest([1, 2]), generate_series(1, 2)",
        "SELECT hour_start(time), address_bytes(src_ip) FROM events WHERE in_range(src_ip, '192.0.2.0', '192.0.2.9')",
        "SELECT tool, scanner, spoofed, count(*) FROM events GROUP BY ALL",
        *(f"SELECT * FROM {name}" for name in sorted({row["view"] for row in views()})),
    ],
)
def test_what_is_documented_may_be_asked(session: Session, query: str) -> None:
    asked(session, query)


@pytest.mark.parametrize(
    ("query", "place", "near"),
    [
        ("SELECT 時, dst_prt FROM (SELECT 1 AS 時, 2 AS dst_port)", "dst_prt", "dst_port"),
        ("SELECT *\nFROM evnts", "evnts", "events"),
        ("SELECT count_iff(true) FROM events", "count_iff(true)", "count_if"),
        ("SELEC 1", "SELEC", None),
        ("SELECT 'é', 'x'::INT", "'x'::INT"[3:], None),
        ("SELECT * FROM read_text('/etc/passwd')", "read_text('/etc/passwd')", None),
    ],
)
def test_what_is_wrong_has_its_place(session: Session, query: str, place: str, near: str | None) -> None:
    with pytest.raises(QueryError) as error:
        asked(session, query)
    assert error.value.at is not None
    assert query[error.value.at : error.value.at + error.value.length] == place
    assert near is None or near in error.value.near


def test_names_that_are_spelt_alike() -> None:
    assert strangers.nearest("Evnets", {"events", "notes", "stories"}) == ["events"]
    assert strangers.nearest("zzz", {"events"}) == []


def test_a_program_may_ask_for_more(stored: Path) -> None:
    """Who is at home on the machine has the paths, and DuckDB's own tables."""
    with Session(Lake.open(stored), settings.load(zone="Asia/Tokyo", lake=str(stored))) as own:
        assert own.query(own.select_only("SELECT path FROM sources"))
        with pytest.raises(TeitenError):
            own.frame(own.select_only("SELECT * FROM read_text('/etc/passwd')"))
