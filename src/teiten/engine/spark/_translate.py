"""DuckDB's SQL, in which every question is written once, as Spark's. The one importer of sqlglot.

sqlglot reads the text and writes Spark's dialect. Where a word means something else there, the tree is changed in between: what
is listed here was found by asking both engines the same (`tests/engine/spark`). Macros are put in place of their calls, as
DuckDB does; those that count with unsigned numbers of 64 bits have a text of their own (`macros.sql` of this folder).
"""

from __future__ import annotations

import datetime as dt
import functools
import importlib.resources
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import sqlglot
from sqlglot import exp

from teiten.errors import UsageError

__all__ = ["Macro", "Tree", "exp", "fill", "macros", "named", "parse", "translate"]

Tree = exp.Expr
Macro = tuple[tuple[str, ...], Tree]
"""names of the arguments, and the expression"""
_WHOLE: Final = 9_223_372_036_854_775_807
_DEPTH: Final = 40


def parse(sql: str) -> list[Tree]:
    """The statements of a text. UsageError where it is no SQL."""
    try:
        return [(one) for one in sqlglot.parse(sql, read="duckdb") if one is not None]
    except sqlglot.errors.SqlglotError as error:
        said = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).splitlines()[0]
        raise UsageError(f"SQL: {said}", hint="`teiten sql --views` lists views and columns.") from None


def named(tree: Tree) -> set[str]:
    """Names of the tables and views that a statement reads, in lower case, without its own (WITH)."""
    own = {str(one.alias).lower() for one in tree.find_all(exp.CTE)}
    return {one.name.lower() for one in tree.find_all(exp.Table) if isinstance(one.this, exp.Identifier)} - own


def macros(statements: Sequence[Tree]) -> dict[str, Macro]:
    """Name -> macro, of the CREATE MACRO among the statements."""
    out: dict[str, Macro] = {}
    for one in statements:
        if isinstance(one, exp.Create) and one.kind in ("MACRO", "FUNCTION"):
            head = one.this
            names = tuple(part.name.lower() for part in head.expressions)
            out[head.this.name.lower()] = (names, one.expression)
    return out


@functools.cache
def own_macros() -> dict[str, Macro]:
    """Those that Spark has in another text; it is Spark's SQL, and goes there as it is."""
    text = importlib.resources.files("teiten.engine.spark").joinpath("macros.sql").read_text(encoding="utf-8")
    found = {}
    for head, body in re.findall(r"CREATE MACRO (\w+\([^)]*\)) AS\s(.*?);\n", text, re.DOTALL):
        name, _, rest = head.partition("(")
        arguments = tuple(part.strip() for part in rest.rstrip(")").split(","))
        found[name] = (arguments, (sqlglot.parse_one(body.strip(), read="spark")))
    return found


# values that are given beside a statement ----------------------------------------------------------------------------


def fill(tree: Tree, params: Mapping[str, Any] | Sequence[Any]) -> Tree:
    """The statement with its single values (`$name`, `?`) as constants; lists stay as they are."""
    places = iter(() if isinstance(params, Mapping) else params)

    def put(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Placeholder | exp.Parameter):
            return node
        if isinstance(params, Mapping):
            name = node.name or str(node.this)
            if name not in params:
                return node
            value = params[name]
        elif isinstance(node, exp.Placeholder) and not node.this:
            value = next(places)
        else:
            value = params[int(node.name) - 1]
        return node if isinstance(value, list | tuple) else constant(value)

    return tree.transform(put)


def constant(value: Any) -> exp.Expr:
    """A value of Python in SQL. TypeError for one that has no text there."""
    if value is None:
        return exp.Null()
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    if isinstance(value, int):
        whole = exp.Literal.number(abs(value))
        return exp.Neg(this=whole) if value < 0 else whole
    if isinstance(value, float):
        return exp.cast(exp.Literal.string(repr(value)), "double")
    if isinstance(value, bytes):
        return exp.Unhex(this=exp.Literal.string(value.hex()))
    if isinstance(value, dt.datetime):
        return exp.cast(exp.Literal.string(value.isoformat(sep=" ")), "timestamptz")
    if isinstance(value, dt.date):
        return exp.cast(exp.Literal.string(value.isoformat()), "date")
    if isinstance(value, str):
        return exp.Literal.string(value)
    raise TypeError(f"{type(value).__name__} is no value for a query")


def of_values(tree: Tree) -> Iterator[exp.Select]:
    """The SELECTs in a statement that make rows of values alone (`unnest` without FROM)."""
    for one in list(tree.find_all(exp.Select)):
        if (
            not one.args.get("from_")
            and not one.args.get("from")
            and any(isinstance(item.unalias(), exp.Unnest | exp.Explode) for item in one.expressions)
        ):
            yield one


# the tree ------------------------------------------------------------------------------------------------------------


def translate(tree: Tree, known: Mapping[str, Macro]) -> str:
    """A query as Spark's SQL. `known`: the session's macros."""
    whole = _expand(tree.copy(), {**known, **own_macros()}, 0)
    for one in whole.find_all(exp.In):
        _in(one)
    new = _changed(_windows_first(whole))
    for query in new.find_all(exp.Query):
        _order_by_all(query)
    return str(new.sql(dialect="spark"))


def _expand(tree: Tree, known: Mapping[str, Macro], depth: int) -> Tree:
    """Macros in place of their calls, inner ones too."""
    if depth > _DEPTH:
        raise UsageError("SQL: a macro calls itself.")

    def put(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Anonymous) or node.name.lower() not in known:
            return node
        names, body = known[node.name.lower()]
        given = dict(zip(names, node.expressions, strict=False))
        new = body.copy().transform(
            lambda one: (
                exp.paren(given[one.name.lower()].copy())
                if isinstance(one, exp.Column) and not one.table and one.name.lower() in given
                else one
            )
        )
        return exp.paren(_expand((new), known, depth + 1))

    # arguments first: what stands in them is expanded before it is copied
    return _bottom_up(tree, put)


def _bottom_up(node: exp.Expr, change: Callable[[exp.Expr], exp.Expr]) -> exp.Expr:
    for key, value in list(node.args.items()):
        if isinstance(value, exp.Expr):
            node.set(key, _bottom_up(value, change))
        elif isinstance(value, list):
            node.set(key, [_bottom_up(one, change) if isinstance(one, exp.Expr) else one for one in value])
    return change(node)


def _windows_first(tree: Tree) -> Tree:
    """QUALIFY, and an ORDER BY of windows (or of sums beside HAVING), as a step of its own around columns of a query."""
    for select in list(tree.find_all(exp.Select)):
        order = select.args.get("order")
        aside = order is not None and (order.find(exp.Window) or (select.args.get("having") and order.find(exp.AggFunc)))
        if select.args.get("qualify") or aside:
            new = _in_two(select)
            if select is tree:
                tree = new
            else:
                select.replace(new)
    return tree


def _in_two(select: exp.Select) -> Tree:
    inner = select.copy()
    named = [item.alias_or_name for item in inner.expressions]
    starred = any(item.is_star for item in inner.expressions)
    more: list[exp.Expr] = []
    outer = exp.Select()
    outer.set("with_", inner.args.get("with_"))
    inner.set("with_", None)
    qualify, order = inner.args.get("qualify"), inner.args.get("order")
    if qualify is not None:
        more.append(exp.alias_(qualify.this.copy(), "_kept"))
        outer.set("where", exp.Where(this=exp.column("_kept")))
    if order is not None:
        orders = []
        for n, one in enumerate(order.expressions):
            new = one.copy()
            plain = isinstance(one.this, exp.Column) and not one.this.table and (starred or one.this.name in named)
            if not plain:
                more.append(exp.alias_(one.this.copy(), f"_by_{n}"))
                new.set("this", exp.column(f"_by_{n}"))
            orders.append(new)
        outer.set("order", exp.Order(expressions=orders))
    for part in ("limit", "offset"):
        outer.set(part, inner.args.get(part))
    for part in ("qualify", "order", "limit", "offset"):
        inner.set(part, None)
    inner.set("expressions", [*inner.expressions, *more])
    shown: list[exp.Expr] = [exp.to_identifier(name) for name in named]
    if starred:
        shown = [exp.Star(except_=[exp.to_identifier(item.alias) for item in more])]
    outer.set("expressions", [exp.Column(this=one) if isinstance(one, exp.Identifier) else one for one in shown])
    outer.set("from_", exp.From(this=exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.to_identifier("_windowed")))))
    return outer


def _changed(node: exp.Expr) -> Tree:
    """The tree with every node changed, from above: what belongs together is seen whole."""
    new = _node(node)
    for key, value in list(new.args.items()):
        if isinstance(value, exp.Expr):
            new.set(key, _changed(value))
        elif isinstance(value, list):
            new.set(key, [_changed(one) if isinstance(one, exp.Expr) else one for one in value])
    return new


def _call(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _node(node: exp.Expr) -> exp.Expr:
    change = _CHANGES.get(type(node))
    if change is not None:
        return change(node)
    if isinstance(node, exp.Anonymous):
        own = _FUNCTIONS.get(node.name.lower())
        return own(node.expressions) if own else node
    return node


def _number(node: exp.Expr) -> exp.Expr:
    """1.5 is a number of binary digits there: Spark's decimals round."""
    if node.is_string:
        return node
    if "." in node.name:
        return exp.cast(exp.Literal.string(node.name), "double")
    if node.name.isdigit() and int(node.name) > _WHOLE:
        # unsigned in DuckDB: the number of the same bits
        return exp.paren(exp.Neg(this=exp.Literal.number((1 << 64) - int(node.name))))
    return node


def _cast(node: exp.Cast) -> exp.Expr:
    """Unsigned numbers are numbers there; '0x' and digits are read by conv."""
    kind = _SIGNED.get(node.to.this)
    if kind is not None:
        node.set("to", exp.DataType(this=kind))
    inner = node.this.unnest()
    if isinstance(inner, exp.DPipe) and isinstance(inner.left, exp.Literal) and inner.left.name == "0x":
        digits = _call("conv", inner.right.copy(), exp.Literal.number(16), exp.Neg(this=exp.Literal.number(10)))
        return exp.Cast(this=digits, to=exp.DataType(this=exp.DataType.Type.BIGINT))
    return node


def _sorted(node: exp.Expr, order: exp.Order, what: exp.Expr) -> exp.Expr:
    """The values of a group in an order, as an array."""
    fields = [exp.alias_(one.this.copy(), f"k{n}") for n, one in enumerate(order.expressions)]
    rows = exp.Anonymous(
        this="collect_list",
        expressions=[_call("named_struct", *_pairs([*fields, exp.alias_(what.copy(), "v")]))],
    )
    compared = []
    for n, one in enumerate(order.expressions):
        a, b = (exp.Dot(this=exp.to_identifier(side), expression=exp.to_identifier(f"k{n}")) for side in ("l", "r"))
        low, high = (1, -1) if one.args.get("desc") else (-1, 1)
        nulls = -1 if one.args.get("nulls_first") else 1
        compared.append(
            f"WHEN NOT ({a.sql()} <=> {b.sql()}) THEN CASE WHEN {a.sql()} IS NULL THEN {nulls}"
            f" WHEN {b.sql()} IS NULL THEN {-nulls} WHEN {a.sql()} < {b.sql()} THEN {low} ELSE {high} END"
        )
    text = f"array_sort(_ROWS, (l, r) -> CASE {' '.join(compared)} ELSE 0 END)"
    sort = sqlglot.parse_one(text, read="spark")
    filtered = node.args.get("_filter")
    held = rows if filtered is None else exp.Filter(this=rows, expression=filtered)
    for place in list(sort.find_all(exp.Column)):
        if place.name == "_ROWS":
            place.replace(held)
    return sort


def _pairs(fields: Sequence[exp.Expr]) -> list[exp.Expr]:
    out: list[exp.Expr] = []
    for one in fields:
        out += [exp.Literal.string(one.alias), one.this]
    return out


def _values(sort: exp.Expr) -> exp.Expr:
    each = sqlglot.parse_one("transform(_ROWS, s -> s.v)", read="spark")
    for place in list(each.find_all(exp.Column)):
        if place.name == "_ROWS":
            place.replace(sort)
    return each


def _ordered(node: exp.Expr) -> exp.Expr:
    """first, list and string_agg of rows in an order."""
    condition = None
    inner = node
    if isinstance(node, exp.Filter):
        inner, condition = node.this, node.expression
    order = inner.this if isinstance(inner.this, exp.Order) else None
    if isinstance(inner, exp.GroupConcat):
        order = inner.args.get("order") or order
    if order is None or not order.expressions:
        return node
    what = order.this if order.this is not None else inner.this
    holder = exp.Anonymous(this="_", expressions=[])
    holder.set("_filter", condition)
    sort = _sorted(holder, order, what)
    if isinstance(inner, exp.First):
        return exp.Dot(this=exp.paren(exp.Bracket(this=sort, expressions=[exp.Literal.number(0)], offset=0)),
                       expression=exp.to_identifier("v"))  # fmt: skip
    values = _values(sort)
    if isinstance(inner, exp.GroupConcat):
        return _call("array_join", values, inner.args.get("separator") or exp.Literal.string(","))
    return values


def _filter(node: exp.Expr) -> exp.Expr:
    inner = node.this
    condition = node.expression.this if isinstance(node.expression, exp.Where) else node.expression
    if isinstance(inner, exp.First | exp.ArrayAgg | exp.GroupConcat):
        return _ordered(node)
    if isinstance(inner, exp.IgnoreNulls) and isinstance(inner.this, exp.AnyValue | exp.First):
        return _first_known(inner.this.this, condition)
    if isinstance(inner, exp.ArgMax | exp.ArgMin):
        return _best(inner, condition)
    return node


def _first_known(what: exp.Expr, condition: exp.Expr | None) -> exp.Expr:
    """Any value that is known: the greatest, so that it is the same each time."""
    best = exp.Max(this=what.copy())
    if condition is None:
        return best
    return exp.Filter(this=best, expression=exp.Where(this=condition.copy()))


def _any(node: exp.Expr) -> exp.Expr:
    inner = node.this
    return _first_known(inner.this, None) if isinstance(inner, exp.AnyValue) else node


def _best(node: exp.Expr, condition: exp.Expr | None = None) -> exp.Expr:
    """arg_max passes over rows whose value is unknown."""
    if isinstance(node.parent, exp.Filter) and condition is None:
        return node
    known: exp.Expr = exp.Not(this=exp.Is(this=node.this.copy(), expression=exp.Null()))
    if condition is not None:
        known = exp.and_(known, condition.copy())
    return exp.Filter(this=node.copy(), expression=exp.Where(this=known))


def _least_few(node: exp.Expr) -> exp.Expr:
    """min(value, n): the n least, in order."""
    few = node.args.get("count") or next(iter(node.expressions), None)
    if few is None:
        return node
    rows = _call("sort_array", _call("collect_list", node.this.copy()))
    return _call("slice", rows, exp.Literal.number(1), few.copy())


_LISTS: Final = (exp.ArrayAgg, exp.ArraySort, exp.Transform, exp.Split, exp.Array)


def _bracket(node: exp.Expr) -> exp.Expr:
    """text[a:b], list[:n]; a place counts from 1 in DuckDB, and from 0 in what sqlglot reads."""
    part = node.expressions[0] if len(node.expressions) == 1 else None
    if not isinstance(part, exp.Slice):
        return node
    low = part.this or exp.Literal.number(1)
    high = part.expression
    if isinstance(node.this.unnest(), _LISTS):
        inner = _ordered(node.this) if isinstance(node.this, exp.ArrayAgg) else node.this
        return _call("slice", inner.copy(), low.copy(), high.copy())
    length = exp.Add(
        this=exp.Sub(this=exp.paren(high.copy()), expression=exp.paren(low.copy())), expression=exp.Literal.number(1)
    )
    return _call("substring", node.this.copy(), low.copy(), length)


def _replace(node: exp.Expr) -> exp.Expr:
    """regexp_replace changes the first match, and all with 'g'; Spark's changes all, and writes $1 for \\1."""
    pattern, new = node.expression.name, node.args["replacement"].name
    said = node.args.get("modifiers")
    every = said is not None and "g" in said.name
    if not every:
        new = "\\1" + re.sub(r"\\(\d)", lambda found: f"\\{int(found[1]) + 1}", new)
        pattern = f"^((?s:.*?))(?:{pattern})"
    new = re.sub(r"\\(\d)", r"$\1", new)
    return _call("regexp_replace", node.this.copy(), exp.Literal.string(pattern), exp.Literal.string(new))


def _in(node: exp.In) -> None:
    """(a, b) IN (SELECT (x, y) ...): two columns there, where DuckDB has one of pairs."""
    query = node.args.get("query")
    select = query.this if isinstance(query, exp.Subquery) else None
    if isinstance(node.this, exp.Tuple) and isinstance(select, exp.Select) and len(select.expressions) == 1:
        pair = select.expressions[0]
        if isinstance(pair, exp.Tuple):
            select.set("expressions", [one.copy() for one in pair.expressions])


def _like(node: exp.Expr) -> exp.Expr:
    return _call("regexp_like", node.this.copy(), node.expression.copy())


_CHANGES: Final[dict[type[exp.Expr], Callable[[Any], exp.Expr]]] = {
    exp.Literal: _number,
    exp.Cast: _cast,
    exp.Filter: _filter,
    exp.First: _ordered,
    exp.ArrayAgg: _ordered,
    exp.GroupConcat: _ordered,
    exp.IgnoreNulls: _any,
    exp.AnyValue: lambda node: _first_known(node.this, None),
    exp.ArgMax: _best,
    exp.ArgMin: _best,
    exp.Min: _least_few,
    exp.Bracket: _bracket,
    exp.RegexpReplace: _replace,
    exp.RegexpLike: _like,
    exp.ArrayOverlaps: lambda node: _call("arrays_overlap", node.this.copy(), node.expression.copy()),
}
_SIGNED: Final = {
    exp.DataType.Type.UBIGINT: exp.DataType.Type.BIGINT,
    exp.DataType.Type.UINT: exp.DataType.Type.BIGINT,
    exp.DataType.Type.USMALLINT: exp.DataType.Type.INT,
    exp.DataType.Type.INT128: exp.DataType.Type.BIGINT,
    exp.DataType.Type.UINT128: exp.DataType.Type.BIGINT,
}
_FUNCTIONS: Final[dict[str, Callable[[list[exp.Expr]], exp.Expr]]] = {
    "epoch_us": lambda given: _call("unix_micros", *given),
    "make_timestamptz": lambda given: _call("timestamp_micros", *given),
    # Spark's hashes have a sign
    "hash": lambda given: exp.paren(exp.BitwiseAnd(this=_call("xxhash64", *given), expression=exp.Literal.number(_WHOLE))),
    "printf": lambda given: _call("format_string", *given),
}


def _order_by_all(query: exp.Query) -> None:
    """ORDER BY ALL with unknown values last, as DuckDB has it."""
    order = query.args.get("order")
    if order is None or len(order.expressions) != 1:
        return
    one = order.expressions[0]
    if isinstance(one.this, exp.Column) and one.this.name.upper() == "ALL" and not one.this.table:
        shown = query.selects
        order.set("expressions", [exp.Ordered(this=exp.Literal.number(n + 1), nulls_first=False) for n in range(len(shown))])
