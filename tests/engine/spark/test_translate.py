"""DuckDB's SQL as Spark's: what means something else there is written otherwise, and values go in as they are."""

from __future__ import annotations

import datetime as dt
import importlib.resources

import pytest

pytest.importorskip("sqlglot", reason="the extra teiten[spark] is not installed")

from teiten.engine.spark import _translate
from teiten.errors import UsageError


def spark(sql: str) -> str:
    (tree,) = _translate.parse(sql)
    return _translate.translate(tree, KNOWN)


KNOWN = _translate.macros(
    _translate.parse(importlib.resources.files("teiten.engine").joinpath("macros.sql").read_text(encoding="utf-8"))
)


@pytest.mark.parametrize(
    ("duckdb", "there"),
    [
        ("SELECT 100.0 * x", "SELECT CAST('100.0' AS DOUBLE) * x"),
        ("SELECT x // 3, x::UINTEGER", "SELECT x DIV 3, CAST(x AS BIGINT)"),
        ("SELECT 18397679294719823053", "SELECT (-49064778989728563)"),
        ("SELECT a FROM t ORDER BY a", "SELECT a FROM t ORDER BY a NULLS LAST"),
        ("SELECT epoch_us(t), make_timestamptz(n)", "SELECT UNIX_MICROS(t), TIMESTAMP_MICROS(n)"),
        ("SELECT arg_max(a, b) FROM t", "SELECT MAX_BY(a, b) FILTER(WHERE NOT a IS NULL) FROM t"),
        ("SELECT any_value(a) FILTER (b) FROM t", "SELECT MAX(a) FILTER(WHERE b) FROM t"),
        (
            "SELECT a FROM t QUALIFY row_number() OVER (ORDER BY b) <= 3 ORDER BY a, c",
            (
                "SELECT a FROM (SELECT a, ROW_NUMBER() OVER (ORDER BY b NULLS LAST) <= 3 AS _kept, c AS _by_1 FROM t) "
                "AS _windowed WHERE _kept ORDER BY a NULLS LAST, _by_1 NULLS LAST"
            ),
        ),
        ("SELECT (a, b) IN (SELECT (c, d) FROM u) FROM t", "SELECT (a, b) IN (SELECT c, d FROM u) FROM t"),
        ("SELECT min(h, 3) FROM t", "SELECT SLICE(SORT_ARRAY(COLLECT_LIST(h)), 1, 3) FROM t"),
        ("SELECT list_sort(list(DISTINCT p))[1:8] FROM t", "SELECT SLICE(ARRAY_SORT(COLLECT_LIST(DISTINCT p)), 1, 8) FROM t"),
        ("SELECT regexp_replace(a, 'x(y)', '\\1')", "SELECT REGEXP_REPLACE(a, '^((?s:.*?))(?:x(y))', '$1$2')"),
    ],
)  # fmt: skip
def test_what_means_something_else(duckdb: str, there: str) -> None:
    assert spark(duckdb) == there


def test_an_order_within_a_group_is_a_sort() -> None:
    told = spark("SELECT first(a ORDER BY b DESC, c) FILTER (d) AS x, string_agg(a, ',' ORDER BY a) FROM t")
    assert "ARRAY_SORT(COLLECT_LIST(NAMED_STRUCT('k0', b, 'k1', c, 'v', a)) FILTER(WHERE d)" in told
    assert "WHEN l.k0 < r.k0 THEN 1 ELSE -1" in told
    assert "ARRAY_JOIN(TRANSFORM(ARRAY_SORT(" in told


def test_macros_are_put_in_place_of_their_calls() -> None:
    told = spark("SELECT address_text(src_ip), theta_hash(src_ip), source_prefix(src_ip) FROM t")
    for name in KNOWN:
        assert f"{name.upper()}(" not in told.upper()


def test_values_are_constants() -> None:
    moment = dt.datetime(2021, 7, 1, tzinfo=dt.UTC)
    (tree,) = _translate.parse("SELECT * FROM t WHERE a = $a AND b = $b AND c = $c AND d IN (SELECT unnest($d)) AND e = $e")
    values = {"a": "it's", "b": moment, "c": b"\x01\xff", "d": [1, 2], "e": -3}
    told = _translate.translate(_translate.fill(tree, values), {})
    assert "a = 'it\\'s'" in told
    assert "CAST('2021-07-01 00:00:00+00:00' AS TIMESTAMP)" in told
    assert "UNHEX('01ff')" in told
    assert "e = -3" in told
    assert [one.sql() for one in _translate.of_values(tree)]
    (tree,) = _translate.parse("SELECT ? + ? FROM t")
    assert _translate.translate(_translate.fill(tree, [1, "x"]), {}) == "SELECT 1 + 'x' FROM t"


def test_names_that_a_statement_reads() -> None:
    (tree,) = _translate.parse(
        "WITH a AS (SELECT * FROM events) SELECT * FROM a JOIN Batches b USING (x), (SELECT 1 FROM notes)"
    )
    assert _translate.named(tree) == {"events", "batches", "notes"}


def test_what_is_no_sql_is_told() -> None:
    with pytest.raises(UsageError, match="SQL"):
        _translate.parse("SELECT FROM WHERE (")
