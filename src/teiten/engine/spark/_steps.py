"""Steps of a statement (WITH) that are read more than once: made once on the cluster, and held while the statement is answered.

DuckDB keeps such a step by itself. Spark puts its text wherever it is named, so that a ranking, which wants the sum of its own
rows beside them, would read the events twice. Held is a step that puts rows together (groups, distinct rows, sums) and reads
what the cluster has; one that passes rows on is as long as the events and is made again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from teiten.engine.spark._translate import Tree, exp


def shared(tree: Tree, large: Callable[[str], bool]) -> list[str]:
    """Names (lower case) of the steps to be held, in the order in which they are made. large: has the cluster that name?"""
    steps = _steps(tree)
    every = [one.alias.lower() for one in tree.find_all(exp.CTE)]
    if len(set(every)) < len(every):
        return []  # one name twice: which is meant is the engine's business
    names = [one.alias.lower() for one in steps]
    wide: set[str] = set()
    for one in steps:
        read = _read(one.this)
        if any(name in wide or (name not in names and large(name)) for name in read):
            wide.add(one.alias.lower())
    bodies: list[tuple[str | None, dict[str, int]]] = [(one.alias.lower(), _read(one.this)) for one in steps]
    rest = tree.copy()
    rest.set("with_", None)
    bodies.append((None, _read(rest)))
    times: dict[str | None, int] = {None: 1}
    held: list[str] = []
    for one in reversed(steps):
        name = one.alias.lower()
        times[name] = sum(read.get(name, 0) * (1 if by in held else times.get(by, 0)) for by, read in bodies)
        if times[name] > 1 and name in wide and _puts_together(one.this):
            held.append(name)
    return [name for name in names if name in held]


def step(tree: Tree, name: str) -> Tree:
    """The query of a step, the steps before it in place of their names.

    Without a WITH of its own: where it had one, Spark would not know its held rows again in a statement that has one too."""
    before: dict[str, Tree] = {}
    for one in _steps(tree):
        found = _without_names(one.this, before)
        if one.alias.lower() == name:
            return found
        before[one.alias.lower()] = found
    raise KeyError(name)


def _without_names(query: Tree, before: Mapping[str, Tree]) -> Tree:
    out: Tree = query.copy()
    own = dict(before)
    for one in _steps(out):
        own[one.alias.lower()] = _without_names(one.this, own)
    if _steps(out):
        out.set("with_", None)
    for table in list(out.find_all(exp.Table)):
        found = own.get(table.name.lower()) if isinstance(table.this, exp.Identifier) and not table.db else None
        if found is not None:
            whole = exp.alias_(exp.Subquery(this=found.copy()), table.alias or table.name, table=True)
            whole.set("joins", table.args.get("joins"))
            table.replace(whole)
    return out


def put(tree: Tree, name: str, view: str) -> None:
    """Lets the step stand for a view."""
    for one in _steps(tree):
        if one.alias.lower() == name:
            one.set("this", exp.select("*").from_(exp.to_table(view)))


def _steps(tree: Tree) -> list[exp.CTE]:
    found = tree.args.get("with_")
    return [] if found is None or found.args.get("recursive") else list(found.expressions)


def _read(tree: Tree) -> dict[str, int]:
    """Name -> how often it is named where rows are read."""
    out: dict[str, int] = {}
    for one in tree.find_all(exp.Table):
        if isinstance(one.this, exp.Identifier):
            out[one.name.lower()] = out.get(one.name.lower(), 0) + 1
    return out


def _puts_together(query: Tree) -> bool:
    if not isinstance(query, exp.Select):
        return False
    grouped = query.args.get("group") is not None or query.args.get("distinct") is not None
    return grouped or any(
        not isinstance(one.parent, exp.Window) for item in query.expressions for one in item.find_all(exp.AggFunc)
    )
