"""A user's query over `events`, where addresses are text, made into one that counts and compares them as bytes.

Text of an address takes longer to make than all else that counting does: 50 million of them 20 seconds of a processor. So
in each SELECT straight from `events` the syntax tree is changed: what counts distinct addresses, groups by them, or compares
them with a text does so with the bytes; everything else gets the text, made as late as can be. Where the tree has anything
that is not understood here, that SELECT stays as it is. Both texts mean the same (`tests/engine/test_bytewise.py` holds each
against the other).
"""

from __future__ import annotations

import copy
import ipaddress
import re
import socket
from collections.abc import Collection, Iterator
from typing import Any, Final

from teiten import event

ADDRESSES: Final = frozenset(c.name for c in event.COLUMNS if c.kind == "address")
_COUNTED: Final = frozenset({"count", "approx_count_distinct"})
_STRANGE: Final = frozenset({"STAR", "SUBQUERY", "LAMBDA", "LAMBDA_REF", "DEFAULT", "POSITIONAL_REFERENCE"})
"""expressions in which a name may mean something else, or which hide what they read"""
_EMPTY: Final[dict[str, Any]] = {"filter": None, "distinct": False, "is_operator": False, "export_state": False}


_WORTH: Final = re.compile(rf"\b({'|'.join(sorted(ADDRESSES))})\b", re.IGNORECASE)
_VIEW: Final = re.compile(r"(?<!raw_)\bevents\b", re.IGNORECASE)


def may_help(sql: str) -> bool:
    """Is it worth looking at the tree of that query?"""
    return _VIEW.search(sql) is not None and _WORTH.search(sql) is not None


def rewrite(tree: dict[str, Any], aggregates: Collection[str]) -> bool:
    """Changes the tree of a query (`json_serialize_sql`) in place; True where anything in it is another now.

    `aggregates`: names of the functions that make one value of many rows.
    """
    if tree.get("error") or any(name in ("events", "raw_events") for name in _named(tree)):
        return False
    changed = False
    for node in _selects(tree):
        if _of_events(node) and _understood(node):
            changed = _change(node, aggregates) or changed
    return changed


def walk(tree: Any, *, inside: bool = True) -> Iterator[dict[str, Any]]:
    """The dicts of a query's tree; unless `inside`, without those of queries inside it."""
    if isinstance(tree, list):
        for one in tree:
            yield from walk(one, inside=inside)
    elif isinstance(tree, dict):
        yield tree
        for one in tree.values():
            if inside or not (isinstance(one, dict) and one.get("type") == "SELECT_NODE"):
                yield from walk(one, inside=inside)


def _selects(tree: Any) -> list[dict[str, Any]]:
    return [one for one in walk(tree) if one.get("type") == "SELECT_NODE"]


def _named(tree: Any) -> Iterator[str]:
    """Names that the query gives to queries of its own (WITH)."""
    for one in walk(tree):
        if isinstance(one.get("cte_map"), dict):
            yield from (str(entry["key"]).lower() for entry in one["cte_map"]["map"])


def _of_events(node: dict[str, Any]) -> bool:
    """Does it read the view `events`, and nothing else?"""
    table = node.get("from_table") or {}
    return (
        table.get("type") == "BASE_TABLE"
        and str(table.get("table_name")).lower() == "events"
        and not (
            table.get("schema_name") or table.get("catalog_name") or table.get("column_name_alias") or table.get("at_clause")
        )
    )


def _parts(node: dict[str, Any]) -> list[Any]:
    return [node[k] for k in ("select_list", "where_clause", "group_expressions", "having", "qualify", "modifiers")]


def _understood(node: dict[str, Any]) -> bool:
    """Nothing strange in it, and no other thing called by an address's name."""
    # a star in ORDER BY ALL is the answer's columns
    orders = [order["expression"] for modifier in node["modifiers"] for order in modifier.get("orders", ())]
    by_all = [one for one in orders if one.get("class") == "STAR"]
    if any(one.get("class") in _STRANGE and one not in by_all for one in walk(_parts(node))):
        return False
    return all(
        not item.get("alias") or item["alias"].lower() not in ADDRESSES or _address(item, _names(node)) == item["alias"].lower()
        for item in node["select_list"]
    )


def _names(node: dict[str, Any]) -> frozenset[str]:
    """How the query may call the view before a column's name."""
    return frozenset({str(node["from_table"].get("alias") or "events").lower()})


def _address(one: Any, names: Collection[str]) -> str | None:
    """The address column that this expression is, if it is one."""
    if not isinstance(one, dict) or one.get("class") != "COLUMN_REF":
        return None
    path = [str(part).lower() for part in one["column_names"]]
    if path[-1] not in ADDRESSES or len(path) > 2 or (len(path) == 2 and path[0] not in names):
        return None
    return path[-1]


def _change(node: dict[str, Any], aggregates: Collection[str]) -> bool:
    names = _names(node)
    if not any(_address(one, names) for one in walk(_parts(node))):
        return False
    table = node["from_table"]
    table["alias"] = table.get("alias") or table["table_name"]
    table["table_name"] = "raw_events"
    table["qualified_name"] = {"path": ["raw_events"]}
    shown = {_shown(item) for item in node["select_list"]}
    if node["aggregate_handling"] == "FORCE_AGGREGATES" and not node["group_expressions"]:
        _name_groups(node, aggregates)
    node["group_expressions"] = [_group(one, node["select_list"], names) for one in node["group_expressions"]]
    node["select_list"] = [_item(item, names) for item in node["select_list"]]
    for part in ("where_clause", "having", "qualify"):
        node[part] = _texts(node[part], names)
    for modifier in node["modifiers"]:
        for order in modifier.get("orders", ()):
            # a name that the answer has is the answer's
            if _address(order["expression"], ()) not in shown:
                order["expression"] = _texts(order["expression"], names)
        if "distinct_on_targets" in modifier:
            modifier["distinct_on_targets"] = _texts(modifier["distinct_on_targets"], names)
    return True


def _group(one: dict[str, Any], items: list[dict[str, Any]], names: Collection[str]) -> dict[str, Any]:
    """What is grouped by: bytes where it is an address, by its name, by the answer's name for it, or by its place."""
    meant = one
    if one.get("type") == "VALUE_CONSTANT" and one["literal"]["kind"] == "INTEGER":
        place = int(one["literal"]["text"]) - 1
        meant = items[place] if 0 <= place < len(items) else one
    elif one.get("class") == "COLUMN_REF" and str(one["column_names"][-1]).lower() not in event.BY_NAME:
        meant = next((item for item in items if len(one["column_names"]) == 1 and _shown(item) == _shown(one)), one)
    if _address(meant, names):
        return meant | {"alias": ""}
    new: dict[str, Any] = _texts(one, names)
    return new


def _shown(item: dict[str, Any]) -> str | None:
    return str(item.get("alias") or (item["column_names"][-1] if item.get("class") == "COLUMN_REF" else "")).lower() or None


def _item(item: dict[str, Any], names: Collection[str]) -> dict[str, Any]:
    column = _address(item, names)
    if column is None:
        new: dict[str, Any] = _texts(item, names)
        return new
    return _call("address_text", item | {"alias": ""}, alias=item.get("alias") or item["column_names"][-1])


def _name_groups(node: dict[str, Any], aggregates: Collection[str]) -> None:
    """GROUP BY ALL as what it means here, so that an address in it can be its bytes; left alone where that is not plain."""
    items = []
    for item in node["select_list"]:
        if any(str(one.get("function_name", "")).lower() in aggregates for one in walk(item)):
            continue
        if not any(one.get("class") == "COLUMN_REF" for one in walk(item)):
            return
        items.append(copy.deepcopy(item) | {"alias": ""})
    node["aggregate_handling"] = "STANDARD_HANDLING"
    node["group_expressions"] = items
    node["group_sets"] = [list(range(len(items)))] if items else []


def _call(name: str, *arguments: dict[str, Any], alias: str = "") -> dict[str, Any]:
    return {
        "class": "FUNCTION", "type": "FUNCTION", "alias": alias, "query_location": 0, "query_location_length": 0,
        "function_name": name, "schema": "", "catalog": "", "qualified_name": {"path": [name]},
        "order_bys": {"type": "ORDER_MODIFIER", "orders": []},
        "arguments": [{"name": "", "expression": one} for one in arguments], **_EMPTY,
    }  # fmt: skip


def _texts(tree: Any, names: Collection[str]) -> Any:
    """The expression with text for each address, where its bytes do not do as well."""
    if isinstance(tree, list):
        return [_texts(one, names) for one in tree]
    if not isinstance(tree, dict):
        return tree
    if _address(tree, names):
        return _call("address_text", tree | {"alias": ""}, alias=tree.get("alias", ""))
    if tree.get("class") == "FUNCTION" and _counts(tree, names):
        return tree | {"filter": _texts(tree["filter"], names)}
    if tree.get("type") in ("COMPARE_EQUAL", "COMPARE_NOTEQUAL"):
        sides = tree["left"], tree["right"]
        for column, other in (sides, sides[::-1]):
            if _address(column, names) and (given := _bytes(other)):
                return tree | {"left": column, "right": given}
    if tree.get("type") in ("COMPARE_IN", "COMPARE_NOT_IN") and _address(tree["children"][0], names):
        listed = [_bytes(one) for one in tree["children"][1:]]
        if all(listed):
            return tree | {"children": [tree["children"][0], *listed]}
    return {key: _texts(one, names) for key, one in tree.items()}


def _counts(call: dict[str, Any], names: Collection[str]) -> bool:
    """Does it count distinct values of an address?"""
    name = str(call["function_name"]).lower()
    if name not in _COUNTED or len(call["arguments"]) != 1 or call["order_bys"]["orders"]:
        return False
    return (call["distinct"] or name != "count") and _address(call["arguments"][0]["expression"], names) is not None


def _bytes(constant: Any) -> dict[str, Any] | None:
    """The bytes of an address that is written as our texts are; None for any other text, which is compared as text."""
    if constant.get("type") != "VALUE_CONSTANT" or constant["literal"]["kind"] != "STRING":
        return None
    text = constant["literal"]["text"]
    try:
        packed = ipaddress.ip_address(text).packed
    except ValueError:
        return None
    if _written(packed) != text:
        return None
    return _call("unhex", constant | {"literal": {"kind": "STRING", "text": packed.hex()}})


def _written(packed: bytes) -> str:
    """An address as `address_text` writes it."""
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)
