"""What a stranger's SELECT may name: the documented views, the query's own tables, functions that look at nothing but values.

The session keeps a query to the lake's files whatever it names. But DuckDB's own tables tell where these files lie
(`duckdb_settings()`, `pg_get_viewdef`, a plan), and its functions that read are many and grow with each version. So what a
query names is looked up in its syntax tree beforehand, in a list of what is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any, Final

from teiten.engine import bytewise
from teiten.errors import QueryError

MAKING: Final = frozenset({"range", "generate_series", "unnest", "repeat", "repeat_row", "json_each", "json_tree"})
"""functions that may stand where a table stands: they make rows of their arguments"""
SETTINGS: Final = frozenset({
    "current_setting", "getvariable", "getenv", "nextval", "currval", "setval", "write_log", "sleep_ms", "json_serialize_plan",
    "json_execute_serialized_sql", "query", "query_table", "col_description", "obj_description", "shobj_description",
})  # fmt: skip
"""functions of values that look at, or change, more than their arguments; or that only wait"""
_INNER: Final = re.compile(r"(_|pg_|duckdb_|pragma_|read_|parquet_|sqlite_)", re.IGNORECASE)
_NOWHERE: Final = 1 << 62
"""a location beyond this says: nowhere in the text"""


def check(tree: dict[str, Any], query: str, views: Collection[str], inside: Collection[str]) -> None:
    """QueryError where the query (`json_serialize_sql` of it) names what is not for strangers.

    views: names that are documented; inside: the other tables and views that there are, whose names are not to be taken.
    """
    if tree.get("error"):
        raise QueryError("The query must be one SELECT.", hint="The lake is only read here.")
    own = set(_own_names(tree))
    for name in own & {one.lower() for one in inside}:
        raise QueryError(f"'{name}' is the name of a table of the program.", hint="Choose another name in WITH.")
    for node in bytewise.walk(tree):
        kind = node.get("type")
        if kind == "BASE_TABLE":
            _table(node, query, views, own)
        elif kind == "TABLE_FUNCTION":
            call = node.get("function") or {}
            name = str(call.get("function_name", "")).lower()
            if name not in MAKING:
                what = f"The function '{name}' is not for queries here"
                raise _refused(query, node, what, "It would look beyond the lake's rows.")
        elif node.get("class") == "FUNCTION":
            name = str(node.get("function_name", "")).lower()
            if name in SETTINGS or _INNER.match(name):
                raise _refused(query, node, f"The function '{name}' is not for queries here", "It looks at more than values.")
        elif kind == "SHOW_REF" and node.get("query") is None:
            named = str(node.get("table_name", "")).strip('"').lower()
            if named not in {one.lower() for one in views} | own:
                raise _refused(query, node, f"'{named}' cannot be shown", "The views are described beside the query.")


def _table(node: dict[str, Any], query: str, views: Collection[str], own: set[str]) -> None:
    name = str(node.get("table_name", ""))
    known = {one.lower() for one in views} | own
    plain = not node.get("catalog_name") and str(node.get("schema_name") or "main").lower() == "main"
    if plain and name.lower() in known:
        return
    shown = ".".join(str(one) for one in (node.get("qualified_name") or {}).get("path", [name]))
    near = nearest(name, known)
    raise _refused(query, node, f"There is no view '{shown}' here", f"There are: {', '.join(sorted(views))}.", near)


def _own_names(tree: Any) -> Iterator[str]:
    for one in bytewise.walk(tree):
        if isinstance(one.get("cte_map"), dict):
            yield from (str(entry["key"]).lower() for entry in one["cte_map"]["map"])


def _refused(query: str, node: dict[str, Any], what: str, hint: str, near: Collection[str] = ()) -> QueryError:
    at, length = node.get("query_location"), node.get("query_location_length") or 1
    if not isinstance(at, int) or at >= _NOWHERE:
        return QueryError(f"{what}.", hint=hint, near=tuple(near))
    return QueryError(f"{what}.", hint=hint, near=tuple(near), at=characters(query, at), length=min(int(length), 200))


def characters(query: str, at: int) -> int:
    """The place in characters of one in bytes of UTF-8."""
    return len(query.encode("utf-8", "surrogatepass")[:at].decode("utf-8", "ignore"))


def nearest(name: str, known: Collection[str], most: int = 3) -> list[str]:
    """Those of the known names that are spelt most like it."""
    import difflib

    low = {one.lower(): one for one in known}
    return [low[one] for one in difflib.get_close_matches(name.lower(), sorted(low), n=most, cutoff=0.6)]
