"""Whom to ask a name server about: sources that behave as research scanners do, the most telling first, and few others.

Every question tells others that this address was seen here, so ordinary sources (bots in people's homes above all) are left
alone: asked about are sources that a day's verdict takes for a large scanner, for the user of a scanning tool, or for one that
tries many ports. Never asked about: what a list of prefixes announces already, forged sources, addresses that are not global.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session
    from teiten.engine.filters import Filters

WORTH: Final[dict[str, int]] = {"large_scanner": 4, "tool": 3, "port_scanner": 2, "port_run": 1, "many_ports": 1}
"""labels of verdicts that make a source a candidate; a greater number is asked about first"""
NOT_TOOLS: Final = ("mirai",)
"""values of the label `tool` that are no research scanner's"""

_SQL: Final = """
WITH judged AS (
  SELECT address_bytes(src_ip) AS src_ip, max({worth}) AS worth,
         first(label ORDER BY {worth} DESC) AS label,
         bool_or(label = 'announced_scanner' AND rule <> 'announced_name') AS announced,
         bool_or(label = 'spoofed_flood') AS forged
  FROM verdicts WHERE scope = 'all'{days} GROUP BY ALL
), seen AS (
  SELECT src_ip, sum(packets)::BIGINT AS packets FROM raw_events WHERE {where} GROUP BY src_ip
)
SELECT seen.src_ip, packets, CASE WHEN worth > 0 THEN label END AS label
FROM seen LEFT JOIN judged ON seen.src_ip = judged.src_ip
WHERE {chosen} AND NOT coalesce(announced, false) AND NOT coalesce(forged, false)
ORDER BY coalesce(worth, 0) DESC, packets DESC, seen.src_ip"""


def find(session: Session, wanted: Filters, *, everyone: bool = False) -> pl.DataFrame:
    """The candidates among the sources that the filters leave: src_ip, packets, label (why; null with `everyone`).

    `everyone`: also those that nothing distinguishes.
    """
    weights = " ".join(f"WHEN '{label}' THEN {n}" for label, n in WORTH.items())
    tools = ", ".join(f"'{name}'" for name in NOT_TOOLS)
    worth = f"CASE WHEN label = 'tool' AND value IN ({tools}) THEN 0 ELSE CASE label {weights} ELSE 0 END END"
    sql = _SQL.format(
        worth=worth,
        days=_days(session, wanted),
        where=" AND ".join(wanted.conditions(raw=True)) or "true",
        chosen="true" if everyone else "worth > 0",
    )
    found = session.frame(sql)
    return found.filter(pl.Series([_public(address) for address in found["src_ip"]], dtype=pl.Boolean))


def _public(packed: bytes) -> bool:
    """Is it an address that a host on the Internet can have?"""
    address = ipaddress.ip_address(packed)
    return address.is_global and not address.is_multicast


def _days(session: Session, wanted: Filters) -> str:
    out = ""
    if wanted.start is not None:
        out += f" AND day >= DATE '{wanted.start.astimezone(session.zone).date()}'"
    if wanted.end is not None:
        last = (wanted.end - dt.timedelta(microseconds=1)).astimezone(session.zone).date()
        out += f" AND day <= DATE '{last}'"
    return out
