"""What sources are taken for, in SQL: the views `verdicts` and `notes`, and the columns that verdicts add to events.

The views' rows are what holds: a note that was withdrawn or replaced is gone, an analyst's correction stands in the place
of what a rule found. Among verdicts on an address the one on the longest prefix counts; of equals the correction, then the
surer.

Joining costs what counting does, so `raw_events` and `events` have the joined columns only for queries that name them
(`asks`): DuckDB takes an unused join out of some plans and not of others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from typing import Any, Final

from teiten.engine import bytewise
from teiten.lake import note, verdict

JOINED: Final[dict[str, tuple[str, str, str]]] = {
    "scanner": (
        "VARCHAR",
        "organisation of an announced scanner, by the day's verdict; null otherwise",
        "公表スキャナの組織名(その日の判定による)",
    ),
    "research_scanner": (
        "BOOLEAN",
        "whether the source is an announced or a large scanner on that day",
        "調査スキャナ(公表または大規模)か",
    ),
    "tool": (
        "VARCHAR",
        "tool that the source used most on that day (mirai, zmap, masscan, nmap, ...); null where none is known",
        "その日に送信元が主に使ったツール(mirai・zmap・masscan・nmapなど)。分からなければnull",
    ),
    "spoofed": (
        "BOOLEAN",
        "whether the source is taken for forged on that day (a flood of many, one packet each)",
        "その日の送信元が詐称とみられるか(1パケットずつの大量の送信元)",
    ),
}
"""column of `events` -> type, meaning in English and Japanese"""
TABLES: Final[dict[str, tuple[str, ...]]] = {
    "_scanners": ("scanner", "research_scanner"),
    "_tools": ("tool",),
    "_spoofed": ("spoofed",),
}
"""table of sources and days that verdicts are made into -> the columns that come from it"""
EVERY: Final = frozenset(TABLES)

_NAMED: Final = {table: re.compile(rf"\b({'|'.join(names)})\b", re.IGNORECASE) for table, names in TABLES.items()}
_LITERAL: Final = re.compile(r"'(?:[^']|'')*'")
_VIEWS: Final = re.compile(r"\b_?(verdicts|notes)\b", re.IGNORECASE)
_VERDICT_NAMES: Final = re.compile(rf"\b(verdicts|{'|'.join(JOINED)})\b", re.IGNORECASE)
_EXPLAIN: Final = re.compile(r"^\s*explain\s+(analyze\s+)?", re.IGNORECASE)
_EVENTS: Final = frozenset({"events", "raw_events"})

VERDICT_COLUMNS: Final = tuple(name for name in verdict.SCHEMA if name != "basis")
NOTE_COLUMNS: Final = tuple(name for name in note.SCHEMA if name != "withdrawn")

NOTES_SQL: Final = f"""
SELECT {", ".join(NOTE_COLUMNS)}
FROM _note_rows
WHERE NOT withdrawn AND id NOT IN (SELECT replaces FROM _note_rows WHERE replaces IS NOT NULL)
ORDER BY id"""

_CORRECTIONS: Final = """
SELECT address_bytes(split_part(src, '/', 1)) AS src_ip,
       CASE WHEN contains(src, '/') THEN split_part(src, '/', 2)::SMALLINT
            WHEN contains(src, ':') THEN 128::SMALLINT ELSE 32::SMALLINT END AS prefix_len,
       day_from, day_to, coalesce(sensor, 'all') AS scope, label, value, id, created
FROM notes
WHERE kind = 'correction' AND src IS NOT NULL AND label IS NOT NULL"""

# what a correction takes off is what its own prefix covers whole; in a wider verdict it makes an exception (SCANNERS_SQL)
_FOUND: Final = """
SELECT {columns}
FROM _verdict_rows v
WHERE label IS NOT NULL AND zone = {zone}"""
_VERDICTS: Final = f"""{_FOUND} AND NOT EXISTS (
  SELECT 1 FROM _corrections c
  WHERE c.prefix_len <= v.prefix_len AND in_prefix(v.src_ip, c.src_ip, c.prefix_len)
    AND v.day >= coalesce(c.day_from, v.day) AND v.day <= coalesce(c.day_to, v.day)
    AND c.scope IN ('all', v.scope)
    AND (c.label = v.label OR c.label = 'not_' || v.label OR (c.label = 'not_a_scanner' AND v.label LIKE '%scanner'))
)
UNION ALL
SELECT c.src_ip, c.prefix_len, d.day, {{zone}}, c.scope, c.label, c.value, 'correction', NULL, NULL, 1.0,
       '{{{{"note": "' || c.id || '"}}}}', c.created, {{last}}
FROM _corrections c, _days d
WHERE d.day >= coalesce(c.day_from, d.day) AND d.day <= coalesce(c.day_to, d.day)"""

_DAYS: Final = """
SELECT unnest(generate_series(min(t_min)::DATE, max(t_max)::DATE, INTERVAL 1 DAY))::DATE AS day FROM batches"""

_ABOUT: Final = {
    "announced": "('announced_scanner', 'not_announced_scanner', 'not_a_scanner')",
    "large": "('large_scanner', 'not_large_scanner', 'not_a_scanner')",
}
_BEST: Final = "prefix_len DESC, rule = 'correction' DESC, confidence DESC, made DESC, value"

_TOOL: Final = "('tool', 'not_tool')"
_FORGED: Final = "('spoofed_flood', 'not_spoofed_flood')"
# of several tools of one source and day the one with most packets counts
_MOST: Final = f"""prefix_len DESC, rule = 'correction' DESC,
           coalesce(TRY_CAST(evidence->>'marked' AS BIGINT), TRY_CAST(evidence->>'packets' AS BIGINT), 0) DESC, {_BEST}"""

# sources are looked up one by one; those that a wider prefix covers are found among the sources that were seen
_ONE_BY_ONE: Final = """
WITH judged AS (
  SELECT src_ip, prefix_len, day, label, value, rule, confidence, evidence, made
  FROM _verdicts
  WHERE scope = 'all' AND {labels}
), one_by_one AS (
  SELECT * FROM judged WHERE prefix_len = 8 * octet_length(src_ip)
  UNION ALL
  SELECT s.src_ip, j.prefix_len, j.day, label, value, rule, confidence, evidence, made
  FROM judged j JOIN {seen} s ON s.day = j.day AND in_prefix(s.src_ip, j.src_ip, j.prefix_len)
  WHERE j.prefix_len < 8 * octet_length(j.src_ip)
)"""

_SQL: Final[dict[str, tuple[str, str]]] = {
    "_scanners": (
        f"(label IN {_ABOUT['announced']} OR label IN {_ABOUT['large']})",
        f"""
, best AS (
  SELECT src_ip, day,
         first(label ORDER BY {_BEST}) FILTER (WHERE label IN {_ABOUT["announced"]}) = 'announced_scanner' AS announced,
         first(value ORDER BY {_BEST}) FILTER (WHERE label IN {_ABOUT["announced"]}) AS organisation,
         first(label ORDER BY {_BEST}) FILTER (WHERE label IN {_ABOUT["large"]}) = 'large_scanner' AS large
  FROM one_by_one GROUP BY src_ip, day
)
SELECT src_ip, day, CASE WHEN announced THEN organisation END AS scanner, true AS research_scanner
FROM best WHERE announced OR large""",
    ),
    "_tools": (
        f"label IN {_TOOL}",
        f"""
, best AS (
  SELECT src_ip, day, first(label ORDER BY {_MOST}) AS label, first(value ORDER BY {_MOST}) AS value
  FROM one_by_one GROUP BY src_ip, day
)
SELECT src_ip, day, value AS tool FROM best WHERE label = 'tool' AND value IS NOT NULL""",
    ),
    "_spoofed": (
        f"label IN {_FORGED}",
        f"""
, best AS (
  SELECT src_ip, day, first(label ORDER BY {_BEST}) AS label FROM one_by_one GROUP BY src_ip, day
)
SELECT src_ip, day, true AS spoofed FROM best WHERE label = 'spoofed_flood'""",
    ),
}
_WIDE: Final = "SELECT count(*) FROM _verdicts WHERE scope = 'all' AND prefix_len < 8 * octet_length(src_ip) AND {labels}"
_SEEN: Final = "(SELECT DISTINCT src_ip, day_of(time) AS day FROM _events)"
_NOBODY: Final = "(SELECT src_ip, day FROM _verdict_rows WHERE false)"


def prepare(run: Callable[[str], Any], zone: str, last_batch: int) -> None:
    """Makes the views, over `_verdict_rows`, `_note_rows` and `batches`. `zone`: an SQL literal of the session's zone."""
    columns = ", ".join(VERDICT_COLUMNS)
    run(f"CREATE VIEW notes AS {NOTES_SQL}")
    run(f"CREATE VIEW _corrections AS {_CORRECTIONS}")
    run(f"CREATE VIEW _days AS {_DAYS}")
    # what nobody corrects is not held against corrections: that takes longer than reading it
    corrected = run("SELECT count(*) FROM _corrections").fetchone()[0]
    found = (_VERDICTS if corrected else _FOUND).format(columns=columns, zone=zone, last=last_batch)
    run(f"CREATE VIEW _verdicts AS {found}")
    shown = ", ".join("address_text(src_ip) AS src_ip" if c == "src_ip" else f'"{c}"' for c in VERDICT_COLUMNS)
    run(f"CREATE VIEW verdicts AS SELECT {shown} FROM _verdicts")


def look_up(run: Callable[[str], Any], table: str) -> None:
    """Makes that table of `TABLES`: one row a source and day of which something is said."""
    labels, select = _SQL[table]
    wide = run(_WIDE.format(labels=labels)).fetchone()[0]
    judged = _ONE_BY_ONE.format(labels=labels, seen=_SEEN if wide else _NOBODY)
    run(f"CREATE TEMP TABLE {table} AS {judged}{select}")


def arrange(run: Callable[[str], Any], shown: str, tables: Collection[str]) -> None:
    """Makes `raw_events` and `events` (`shown`: its columns) with the columns of those tables."""
    names = [name for table in TABLES if table in tables for name in TABLES[table]]
    run(f"CREATE OR REPLACE VIEW raw_events AS {beside('_events', 'day_of(e.time)', tables)}")
    run(f"CREATE OR REPLACE VIEW events AS SELECT {shown}{''.join(f', {name}' for name in names)} FROM raw_events")


def beside(rows: str, day: str, tables: Collection[str]) -> str:
    """The query that puts the columns of those tables beside rows `e` that have src_ip, and whose day is that expression."""
    used = [name for name in TABLES if name in tables]
    names = [name for table in used for name in TABLES[table]]
    added = "".join(f", coalesce({name}, false) AS {name}" if JOINED[name][0] == "BOOLEAN" else f", {name}" for name in names)
    join = "".join(f" LEFT JOIN {t} ON {t}.src_ip = e.src_ip AND {t}.day = {day}" for t in used)
    return f"SELECT e.*{added} FROM {rows} e{join}"


def names_views(sql: str) -> bool:
    """Does the query name the views `verdicts` or `notes`?"""
    return _VIEWS.search(sql) is not None


def names_verdicts(sql: str) -> bool:
    """Does the query name verdicts, or a column that they add to events? Then they had better be up to date."""
    return _VERDICT_NAMES.search(sql) is not None


def asks(sql: str, tree: Callable[[str], str]) -> frozenset[str]:
    """The tables of `TABLES` whose columns the query uses, by name or in a star. `tree`: a query's syntax as DuckDB's JSON."""
    told = _LITERAL.sub("''", sql)
    named = frozenset(table for table, names in _NAMED.items() if names.search(told))
    if named == EVERY:
        return named
    parsed = json.loads(tree(_EXPLAIN.sub("", sql)))
    # what is no plain SELECT (PIVOT, say) is not told apart
    return EVERY if parsed["error"] or _starred(parsed["statements"]) else named


def _starred(tree: Any) -> bool:
    """Is there a SELECT with a star over the events themselves (and not over a step made of them)?"""
    if isinstance(tree, list):
        return any(map(_starred, tree))
    if not isinstance(tree, dict):
        return False
    if tree.get("type") == "SELECT_NODE" and _has_star(tree.get("select_list")) and _reads(tree.get("from_table")):
        return True
    return any(map(_starred, tree.values()))


def _has_star(tree: Any) -> bool:
    return any(one.get("type") == "STAR" for one in bytewise.walk(tree, inside=False))


def _reads(tree: Any) -> bool:
    return any(
        one.get("type") == "BASE_TABLE" and str(one.get("table_name")).lower() in _EVENTS
        for one in bytewise.walk(tree, inside=False)
    )
