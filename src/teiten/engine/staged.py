"""A ranking in two steps, where that is cheaper: who is in it, by packets alone; then of these few what takes long to tell.

Counting the hosts of 65,536 ports to show 20 of them takes ten times as long as counting those of the 20; so do the country and
the name of the AS of two million sources. The answer is the same, and so is the SQL that is shown for it.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session
    from teiten.engine.filters import Filters
    from teiten.engine.questions import Query, Rows

LEAST: Final = 2_000_000
"""events of the span (or somewhat more) below which one step is as quick"""
MOST: Final = 200
"""rows that are told of by name in the second step"""
_HOSTS: Final = """
SELECT dst_port, protocol, {hosts} AS hosts{error}
FROM (SELECT {keys}, {host} FROM {events} WHERE {where} AND {among})
GROUP BY dst_port, protocol
"""
_ABOUT: Final = """
SELECT {src_text} AS src_ip, {extra_only}
FROM {events} WHERE {where} AND {among}
GROUP BY src_ip
"""


def pays(session: Session, what: str, by: str, n: int | None, span: tuple[dt.datetime | None, dt.datetime | None]) -> bool:
    """Is it one of the rankings that two steps answer sooner, over so many events that they do?"""
    if n is None or n > MOST or not ((what == "ports" and by == "packets") or what == "sources"):
        return False
    start, end = span
    near = [
        f for f in session.files if not (f.t_max and start and f.t_max < start) and not (f.t_min and end and f.t_min >= end)
    ]
    return sum(f.rows for f in near) >= LEAST


def template(what: str, whole: str) -> str:
    """That of the first step, from that of the whole question."""
    hosts = "1::BIGINT" if what == "sources" else "NULL::BIGINT"
    plain = whole.replace("{error}", "").replace("{and_error}", "")
    return plain.replace("{hosts}", hosts).replace("{hosts_of}", hosts)


def words(what: str, whole: Mapping[str, str]) -> dict[str, str]:
    """Those of the first step, from those of the whole question."""
    less = {**whole, "passed": "", "passed_before": "", "extra": ""}
    if what == "sources":
        return {**less, "shown": whole["shown"].partition(", country")[0]}
    # of ports that share the last place all are taken: hosts tell which comes first
    return {
        **less,
        "limit": re.sub(r"row_number\(\) OVER .*\)", "rank() OVER (PARTITION BY known ORDER BY packets DESC)", whole["limit"]),
    }


def complete(
    make: type[Query],
    session: Session,
    what: str,
    rows: Rows,
    told: Mapping[str, str],
    spans: Mapping[str, Filters],
    n: int | None,
) -> None:
    """Puts into the rows of the first step what it left out, and takes the first n of them. told: words of the whole question.

    make: `questions.Query`. spans: `where`, and `where_before` where something was observed before."""
    if what == "sources":
        _about(make, session, rows, told, spans["where"])
        return
    for name, filters in spans.items() if rows else ():
        found = make(_HOSTS, {"where": filters}, grain="day", keys=told["keys"], among=_ports(rows)).rows(session)
        known = {(one["dst_port"], one["protocol"]): one for one in found}
        column = "hosts" if name == "where" else "hosts_before"
        for row in rows:
            own = known.get((row["dst_port"], row["protocol"]), {"hosts": 0, "hosts_error": 0.0})
            row[column] = own["hosts"]
            if column == "hosts" and found.error:
                row["hosts_error"] = own["hosts_error"]
        if column == "hosts":
            rows.error = found.error
    rows.sort(key=_order)
    for known_ones in (True, False):
        for row in [row for row in rows if (row["rank"] is not None) is known_ones][n:]:
            rows.remove(row)


def _order(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """As the whole question orders its rows."""
    names = [(row[name] is None, row[name] or 0) for name in ("dst_port", "protocol")]
    return row["rank"] is None, -row["packets"], -row["hosts"], *names


def _ports(rows: Sequence[Mapping[str, Any]]) -> str:
    """A condition that lets the rows' ports through (and others of the same number)."""
    numbers = sorted({row["dst_port"] for row in rows if row["dst_port"] is not None})
    some = f"dst_port IN ({', '.join(map(str, numbers))})" if numbers else "false"
    other = any(row["dst_port"] is None or row["protocol"] is None for row in rows)
    return f"({some} OR dst_port IS NULL OR protocol IS NULL)" if other else some


def _about(make: type[Query], session: Session, rows: Rows, told: Mapping[str, str], filters: Filters) -> None:
    if not rows:
        return
    among = f"src_ip IN ({', '.join(_bytes(row['src_ip']) for row in rows)})"
    extra = told["extra"].removeprefix(", ").replace("{put_most}", "max")
    found = make(_ABOUT, {"where": filters}, grain="day", extra_only=extra, among=among).rows(session)
    known = {one["src_ip"]: one for one in found}
    for row in rows:
        row |= known.get(row["src_ip"], {})


def _bytes(address: str) -> str:
    return f"unhex('{ipaddress.ip_address(address).packed.hex()}')"
