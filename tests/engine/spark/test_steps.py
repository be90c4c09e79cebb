"""Steps of a statement that are read more than once are held, where they put rows together; the statement means the same."""

from __future__ import annotations

import pytest

pytest.importorskip("sqlglot", reason="the extra teiten[spark] is not installed")

from teiten.engine.spark import _steps, _translate


def shared(sql: str) -> list[str]:
    (tree,) = _translate.parse(sql)
    return _steps.shared(tree, lambda name: name == "events")


@pytest.mark.parametrize(
    ("sql", "held"),
    [
        ("WITH a AS (SELECT x, sum(y) AS y FROM events GROUP BY x) SELECT * FROM a, (SELECT sum(y) FROM a)", ["a"]),
        ("WITH a AS (SELECT DISTINCT x FROM events) SELECT * FROM a JOIN a b USING (x)", ["a"]),
        # read once
        ("WITH a AS (SELECT x FROM events GROUP BY x) SELECT * FROM a", []),
        # as long as the events
        ("WITH a AS (SELECT x FROM events WHERE y) SELECT * FROM a JOIN a b USING (x)", []),
        ("WITH a AS (SELECT x, sum(y) OVER (PARTITION BY x) AS s FROM events) SELECT * FROM a JOIN a b USING (x)", []),
        # not the cluster's
        ("WITH a AS (SELECT x FROM batches GROUP BY x) SELECT * FROM a JOIN a b USING (x)", []),
        # read twice by what is not held itself, once by what is
        (
            "WITH a AS (SELECT x FROM events GROUP BY x), b AS (SELECT * FROM a WHERE x) SELECT * FROM b, (SELECT 1 FROM b)",
            ["a"],
        ),
        (
            "WITH a AS (SELECT x FROM events GROUP BY x), b AS (SELECT sum(x) s FROM a) SELECT * FROM b, (SELECT 1 FROM b)",
            ["b"],
        ),
        ("WITH a AS (SELECT x FROM events GROUP BY x), A AS (SELECT 1) SELECT * FROM a, (SELECT * FROM a)", []),
        ("WITH RECURSIVE a AS (SELECT x FROM events GROUP BY x) SELECT * FROM a, (SELECT * FROM a)", []),
        ("WITH a AS (SELECT x FROM events GROUP BY x) SELECT * FROM a, (WITH a AS (SELECT 1) SELECT * FROM a), a b", []),
        ("SELECT x FROM events", []),
    ],
)
def test_what_is_held(sql: str, held: list[str]) -> None:
    assert shared(sql) == held


def test_a_step_is_taken_out_with_those_before_it() -> None:
    text = "WITH a AS (SELECT 1 AS x), b AS (SELECT x FROM a GROUP BY x), c AS (SELECT 2) SELECT * FROM b, c"
    (tree,) = _translate.parse(text)
    assert _steps.step(tree, "b").sql() == "SELECT x FROM (SELECT 1 AS x) AS a GROUP BY x"
    _steps.put(tree, "b", "_step_1")
    assert tree.sql() == "WITH a AS (SELECT 1 AS x), b AS (SELECT * FROM _step_1), c AS (SELECT 2) SELECT * FROM b, c"
    with pytest.raises(KeyError):
        _steps.step(tree, "d")


def test_steps_before_it_stand_where_they_were_named() -> None:
    text = """
    WITH a AS (SELECT x FROM events), b AS (SELECT a.x FROM a JOIN a z USING (x)),
         c AS (WITH d AS (SELECT x FROM b) SELECT d.x, (SELECT max(x) FROM a) FROM d WHERE x IN (SELECT x FROM b))
    SELECT * FROM c, c
    """
    (tree,) = _translate.parse(text)
    a = "(SELECT x FROM events)"
    b = f"(SELECT a.x FROM {a} AS a JOIN {a} AS z USING (x))"
    d = f"(SELECT x FROM {b} AS b)"
    assert _steps.step(tree, "c").sql() == f"SELECT d.x, (SELECT MAX(x) FROM {a} AS a) FROM {d} AS d WHERE x IN {d}"
