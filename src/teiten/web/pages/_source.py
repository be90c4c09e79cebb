"""What is asked of a source, or of a prefix: life, verdicts, marks, who announced it, sessions, neighbours."""

from __future__ import annotations

import datetime as dt
import functools
import ipaddress
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from teiten.engine import questions, recorded, series
from teiten.engine.filters import Filters, Network
from teiten.web.asked import Asked

if TYPE_CHECKING:
    from teiten.classify.names import Names
    from teiten.classify.watchlists import Match, Watchlists
    from teiten.settings import Settings

MOST_SESSIONS: Final = 30
MOST_JOINED: Final = 200_000
"""events of an organisation whose sessions are joined for its page"""
MOST_VERDICTS: Final = 200
MOST_NEIGHBOURS: Final = 10
WIDE: Final = 1024
"""addresses of a prefix from which on its sessions are not joined: it is no one source's doing"""


@dataclass(frozen=True, slots=True)
class Life:
    """When the lake knows it from: first and last event, days with any, and what it came to; None where there is none."""

    first: dt.datetime | None
    last: dt.datetime | None
    days: int
    packets: int
    watched: tuple[dt.datetime, dt.datetime] | None
    """first and last event of the lake: before and after it nothing is known"""


def network(text: str) -> Network:
    """The prefix (of one address, its own) that a filter let through already."""
    return ipaddress.ip_network(text.strip(), strict=False)


def one(net: Network) -> bool:
    return net.num_addresses == 1


def life(session: Any, net: Network) -> Life:
    """Over all that the lake has, from the aggregates where they hold."""
    own, extent = Filters(src=(net,)), recorded.extent(session)
    if extent is None:
        return Life(None, None, 0, 0, None)
    after = extent[1] + dt.timedelta(microseconds=1)
    total = questions.totals(session, extent[0], after, filters=own)[0]
    days = series.series(session, None, extent[0], after, "day", filters=own)
    return Life(total["first"], total["last"], len(days), total["packets"], extent)


_VERDICTS: Final = """
SELECT scope, label, value, rule, list, list_version, min(prefix_len) AS prefix_len, min(day) AS first, max(day) AS last,
       count(DISTINCT day) AS days, count(DISTINCT src_ip) AS sources, max(confidence) AS confidence,
       arg_max(evidence, day) AS evidence
FROM _verdicts
WHERE {whose}
GROUP BY ALL
ORDER BY last DESC, rule, label, value
LIMIT {most}
"""


def verdicts(session: Any, net: Network) -> list[dict[str, Any]]:
    """Every verdict on it, by any rule, on any day; equal ones of several days as one, with the evidence of the last.

    Of an address those on prefixes around it too; of a prefix those on the addresses in it.
    """
    hexed = net.network_address.packed.hex().upper()
    own = f"src_ip = unhex('{hexed}')" if one(net) else f"in_prefix(src_ip, unhex('{hexed}'), {net.prefixlen})"
    whole = 8 * len(net.network_address.packed)
    around = (
        f"(octet_length(src_ip) = {whole // 8} AND prefix_len < {whole} AND in_prefix(unhex('{hexed}'), src_ip, prefix_len))"
    )
    sql = _VERDICTS.format(whose=f"({own} OR {around})", most=MOST_VERDICTS)
    return sorted(session.query(sql), key=lambda row: row["rule"] != "correction")


def evidence(text: str | None) -> dict[str, Any]:
    """What a verdict rests on: names and counts."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


_MARKS: Final = """
SELECT coalesce(sum(packets) FILTER (mark_mirai), 0)::BIGINT AS mirai,
       coalesce(sum(packets) FILTER (mark_masscan), 0)::BIGINT AS masscan,
       coalesce(sum(packets) FILTER (mark_zmap), 0)::BIGINT AS zmap,
       sum(packets)::BIGINT AS packets, count(DISTINCT sensor) AS sensors,
       count(DISTINCT dst_port) AS ports, count(DISTINCT src_port) AS source_ports, min(ttl) AS ttl_low, max(ttl) AS ttl_high,
       mode(country) AS country, mode(asn) AS asn, mode(as_name) AS as_name, max(geo_db) AS geo_db
FROM {events} WHERE {where}
"""


def marks(session: Any, own: Asked) -> dict[str, Any]:
    """What single packets of the span show, and where they come from by the data of their day."""
    return dict(questions.Query(_MARKS, {"where": own.filters.between(own.start, own.end)}).rows(session)[0])


def sessions(session: Any, own: Asked) -> Any:
    """Its sessions of the span (`sessions.watch`), None where there are none."""
    from teiten.sessions import watch

    wanted = replace(own.filters, start=own.start, end=own.end)
    found = watch.of_sources(session, own.settings, wanted)
    return found[0] if found else None


def sessions_of(session: Any, own: Asked, name: str) -> list[Any] | None:
    """Those of an organisation in the span, over its prefixes together, or source by source where only names tell them; None
    where it is too much to be joined for a page."""
    from teiten.sessions import watch

    wanted = replace(own.filters, start=own.start, end=own.end)
    if questions.totals(session, own.start, own.end, filters=own.filters)[0]["events"] > MOST_JOINED:
        return None
    if not watch.members(watchlists(own.settings), name):
        return list(watch.of_sources(session, own.settings, wanted))
    return [watch.of_organisation(session, own.settings, watchlists(own.settings), name, replace(wanted, scanner=()))]


def neighbours(session: Any, own: Asked, net: Network, asn: int | None, port: Any) -> dict[str, questions.Rows]:
    """Sources of the same /24 or /48, and those of its AS that tried the port it tried most."""
    bits = 24 if net.version == 4 else 48
    out = {}
    free = replace(own.filters, src=())
    if net.prefixlen > bits:
        around = net.supernet(new_prefix=bits)
        out["prefix"] = questions.rank(
            session, "sources", own.start, own.end, filters=replace(free, src=(around,)), n=MOST_NEIGHBOURS
        )
    if asn is not None and port is not None:
        same = replace(free, asn=(asn,), port=port)
        out["network"] = questions.rank(session, "sources", own.start, own.end, filters=same, n=MOST_NEIGHBOURS)
    return out


# what is said of it -------------------------------------------------------------------------------------------------


_KEPT: dict[str, tuple[Any, Watchlists]] = {}


def watchlists(settings: Settings) -> Watchlists:
    """Every list at hand, read again where a file of them has changed."""
    from teiten.classify import watchlists as lists

    folder = lists.user_folder()
    files = [*(sorted(folder.glob("*.json")) if folder.is_dir() else ()), *settings.watchlists]
    stamp = tuple(_stamp(file) for file in files)
    kept = _KEPT.get("lists")
    if kept is None or kept[0] != stamp:
        kept = _KEPT["lists"] = (stamp, lists.load(settings))
    return kept[1]


def _stamp(file: Path) -> tuple[str, int]:
    try:
        return str(file), file.stat().st_mtime_ns
    except OSError:
        return str(file), 0


def announced(settings: Settings, net: Network) -> list[Match]:
    """What the newest lists say of an address, whatever their validity; of a prefix, what they say of it whole."""
    found = watchlists(settings)
    same = found.match_ever(net.network_address.packed)
    return [match for match in same if one(net) or net.subnet_of(ipaddress.ip_network(match.prefix))]  # type: ignore[arg-type]


def names(settings: Settings, address: bytes) -> list[str]:
    """PTR names that are stored of an address: the user's table and those that were looked up. Nothing is asked for now."""
    from teiten.classify import ptr

    out = []
    table = _names(settings.ptr_names, _stamp(settings.ptr_names)) if settings.ptr_names is not None else None
    if table is not None:
        import polars as pl

        out += table.frame.filter(pl.col("src_ip") == pl.lit(address))["name"].to_list()
    place = ptr.place(settings)
    if place.is_file():
        with ptr.Cache(place) as cache:
            out += cache.names_of(address)
    return list(dict.fromkeys(out))


@functools.lru_cache(maxsize=1)
def _names(path: Path, stamp: tuple[str, int]) -> Names:
    from teiten.classify import names as tables

    return tables.load(path)
