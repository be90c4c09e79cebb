"""What rules are given: counts of every source, made in one pass of SQL; events for those who must see them; lists, settings.

A rule asks in SQL over three names, which hold nothing but the days that are being judged, attempts only:

    judged    their events: the columns of `raw_events` (addresses as bytes) and `day` (a DATE)
    counted   a row for each source and day: src_ip, day and the counts that some rule named (COUNTS)
    chosen    the rows of `counted` that the asking rule chose (a rule over "chosen" alone)

Everything is bounded: tables that do not fit the session's memory lie in its temporary folder, frames come in parts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from teiten import event
from teiten.classify.names import Names
from teiten.classify.watchlists import Watchlists
from teiten.settings import Settings

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session

PART_SOURCES: Final = 200_000
"""rows of `counted` that a rule over "sources" is given at a time"""
PART_EVENTS: Final = 400_000
"""about how many events `Material.events` gives at a time"""
_WITH_PORTS: Final = "LEFT JOIN _ports p ON p.src_ip = t.src_ip AND p.day = t.day"
_BASE: Final = ("src_ip", "day", "packets", "events")
_TIME: Final = pl.Datetime("us", "UTC")


@dataclass(frozen=True, slots=True)
class Count:
    """A column of `counted`: SQL over `judged`, grouped by source and day. None: not made in that pass."""

    sql: str | None
    text: str
    dtype: pl.DataType = field(default_factory=pl.Int64)


NUMBER: Final = "CASE WHEN octet_length({0}) = 4 THEN ('0x' || hex({0}))::BIGINT END"
"""SQL: an IPv4 address (bytes) as a number"""
_SYN: Final = "kind = 'syn'"
_ASKS: Final = "(kind = 'syn' OR kind = 'udp')"
BARE: Final = (
    f"{_SYN} AND tcp_window = 512 AND tcp_opt_len = 0 AND tcp_ack > 0 AND tcp_ack < 2147483648 AND tcp_seq < 2147483648"
)
SHORT: Final = f"{_SYN} AND tcp_window IN (1024, 2048, 3072, 4096) AND tcp_opt_len = 4 AND NOT coalesce(mark_masscan, false)"
"""shapes of hping3's and nmap's SYN, as SQL"""

COUNTS: Final[dict[str, Count]] = {
    "packets": Count("sum(packets)::BIGINT", "packets (attempts)"),
    "events": Count("count(*)", "events: packets, or lines of a log"),
    "ports": Count(
        None,
        "distinct ports that it tried, TCP and UDP (an answer tries none). Null stands for a source with fewer events than the "
        "least number of ports that a rule asks for, which cannot have tried so many: most sources send one or two packets",
    ),
    "first": Count("min(time)", "time of its first event", _TIME),
    "last": Count("max(time)", "time of its last event", _TIME),
    "syn": Count(f"count_if({_SYN})", "TCP SYN without ACK"),
    "asks": Count(f"coalesce(sum(packets) FILTER ({_ASKS}), 0)::BIGINT", "packets of TCP SYN and UDP (what NICTER counts)"),
    "backscatter": Count("count_if(kind = 'backscatter')", "answers to packets with a forged source"),
    "mirai": Count("count_if(mark_mirai)", "SYN with Mirai's mark by NICTER's rule"),
    "mirai_wide": Count(
        f"count_if(mark_mirai OR ({_SYN} AND src_port <= 1024 AND tcp_seq = {NUMBER.format('dst_ip')}))",
        "SYN whose sequence number is the destination, whatever the source port",
    ),
    "masscan": Count("count_if(mark_masscan)", "SYN with masscan's identification"),
    "zmap": Count("count_if(mark_zmap)", "packets with identification 54321"),
    "telnet": Count(
        f"count_if({_SYN} AND dst_port IN (23, 2323) AND mark_mirai IS NOT NULL)", "SYN to 23 and 2323/tcp, numbers known"
    ),
    "open": Count(f"count_if({_SYN} AND tcp_window = 65535)", "SYN with a window of 65535, as ZMap writes it"),
    "bare": Count(f"count_if({BARE})", "SYN as hping3 makes them: window 512, no options, a needless acknowledgement number"),
    "short": Count(f"count_if({SHORT})", "SYN as nmap -sS makes them: MSS alone, window 1024 .. 4096, not masscan's"),
}
"""Everything that can be counted of a source and day; what no rule names is not counted. Never null, but for `ports`."""

SOURCES: Final[dict[str, pl.DataType]] = {
    "src_ip": pl.Binary(),
    "day": pl.Date(),
    **{name: count.dtype for name, count in COUNTS.items()},
}
"""`Material.sources` has src_ip, day, packets, events and the counts that the rule named"""
KEPT: Final[dict[str, pl.DataType]] = {
    "src_ip": pl.Binary(),
    "day": pl.Date(),
    "label": pl.String(),
    "value": pl.String(),
    "rule": pl.String(),
    "confidence": pl.Float64(),
}
"""`Material.found`"""


class Events:
    """The events of some days in a session, and their counts: what `Material.ask` asks. One at a time in a session."""

    def __init__(self, session: Session, day: str, where: str, counts: Sequence[str], least_ports: int) -> None:
        """`day`: SQL of an event's day, a DATE; `where`: of the attempts of those days; `counts`: names of COUNTS.

        TeitenError where it cannot be done (memory, disk).
        """
        self.session = session
        self._names = [name for name in SOURCES if name in (*_BASE, *counts)]
        columns = [f'"{name}"' for name in event.NAMES]
        self.do(
            f"CREATE OR REPLACE TEMP VIEW judged AS SELECT {', '.join(columns)}, {day} AS day FROM raw_events WHERE {where}"
        )
        made = ", ".join(f'{COUNTS[name].sql} AS "{name}"' for name in self._names if name in COUNTS and COUNTS[name].sql)
        self.do(f"CREATE OR REPLACE TEMP TABLE _counted AS SELECT src_ip, day, {made} FROM judged GROUP BY src_ip, day")
        if "ports" in self._names:
            self._count_ports(least_ports)
        else:
            self.do("CREATE OR REPLACE TEMP VIEW counted AS SELECT * FROM _counted")
        self.height = int(self.do("SELECT count(*) AS n FROM _counted")["n"][0])

    def do(self, sql: str, params: Mapping[str, Any] | None = None) -> pl.DataFrame:
        """The rows of a statement."""
        return self.session.work(sql, params or {})

    def _count_ports(self, least: int) -> None:
        self.do(
            "CREATE OR REPLACE TEMP TABLE _ports AS SELECT src_ip, day, count(*) AS ports FROM ("
            "SELECT DISTINCT e.src_ip, e.day, (e.protocol::INTEGER << 16) | e.dst_port AS port FROM judged e"
            f" SEMI JOIN (SELECT src_ip, day FROM _counted WHERE events >= {least}) s ON e.src_ip = s.src_ip AND e.day = s.day"
            " WHERE e.protocol IN (6, 17) AND e.dst_port IS NOT NULL AND e.kind IS DISTINCT FROM 'backscatter')"
            " GROUP BY src_ip, day"
        )
        self._shown_ports = f"CASE WHEN t.events >= {least} THEN coalesce(p.ports, 0) END AS ports"
        self.do(f"CREATE OR REPLACE TEMP VIEW counted AS SELECT t.*, {self._shown_ports} FROM _counted t {_WITH_PORTS}")

    def frames(self, counts: Sequence[str]) -> Iterator[pl.DataFrame]:
        """All of `counted`, some rows at a time, with those counts; nothing where there are no sources."""
        if self.height:
            for part in self.session.pieces("_counted", PART_SOURCES):
                yield self._frame(part, counts)

    def choose(self, condition: str, counts: Sequence[str]) -> pl.DataFrame:
        """Makes `chosen` and returns it, with those counts."""
        self.do(f"CREATE OR REPLACE TEMP TABLE chosen AS SELECT * FROM counted WHERE {condition}")
        return self._frame("chosen", counts)

    def _frame(self, table: str, counts: Sequence[str]) -> pl.DataFrame:
        names = [name for name in self._names if name in (*_BASE, *counts)]
        shown = ", ".join(f't."{name}"' for name in names)
        source = f"{table} t"
        if "ports" in names and table != "chosen":
            shown = shown.replace('t."ports"', self._shown_ports)
            source += f" {_WITH_PORTS}"
        return self.do(f"SELECT {shown} FROM {source}").select(pl.col(name).cast(SOURCES[name]) for name in names)

    def close(self) -> None:
        """Gives back what the tables hold."""
        for kind, name in (
            ("VIEW", "counted"),
            ("VIEW", "judged"),
            ("TABLE", "_counted"),
            ("TABLE", "_ports"),
            ("TABLE", "chosen"),
        ):
            self.do(f"DROP {kind} IF EXISTS {name}")


@dataclass(slots=True)
class Material:
    """What a rule is given. `sources`: SOURCES, as far as the rule named the counts; see `rules` for which sources."""

    sources: pl.DataFrame
    watchlists: Watchlists
    names: Names | None
    settings: Settings
    days: Sequence[dt.date] = ()
    addresses: Mapping[dt.date, int] = field(default_factory=dict)
    """day -> addresses that were observed: those of the sensors that were watching, as configured (1 each by default)"""
    found: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=KEPT))
    """what earlier rules found of these days, with the labels that the rule `knows`"""
    looked: int = 0
    """sources that were looked at, day by day: what chance has to be held against"""
    notes: list[str] = field(default_factory=list)
    """what a rule says to whoever runs it: what it left undone, and why. English, whole sentences"""
    asked: Events | None = None
    restricted: bool = False
    """`events` gives those of `chosen` alone"""

    def observed(self, day: dt.date) -> int:
        """Addresses that were observed on that day, at least 1."""
        return max(1, self.addresses.get(day, 1))

    def ask(self, sql: str, params: Mapping[str, Any] | None = None) -> pl.DataFrame:
        """The rows of a query over `judged`, `counted` and `chosen`. It is to answer few rows: they come in one frame.

        Whole numbers come as they are (sum() as Int64), addresses as bytes. RuntimeError where there are no events to ask.
        """
        return self._events().do(sql, params)

    def events(
        self, columns: Sequence[str], where: str = "true", *, by: str = "src_ip", most: int | None = None
    ) -> Iterator[pl.DataFrame]:
        """Events as frames of `columns` (names, or SQL such as "inner_dst_ip AS victim"), in no order.

        Those for which the condition `where` holds; of a rule over "chosen", those of its sources. In parts of about
        PART_EVENTS: all that have one value of `by` (SQL) are in one part, however many they are. `most`: no more than the
        first so many (in time) of each `by` and day, which is what bounds memory where one may have sent millions.
        """
        do = self._events().do
        source = "judged"
        if self.restricted:
            source = "judged SEMI JOIN chosen ON judged.src_ip = chosen.src_ip AND judged.day = chosen.day"
        few = f" QUALIFY row_number() OVER (PARTITION BY {by}, judged.day ORDER BY time) <= {most}" if most is not None else ""
        number = int(do(f"SELECT count(*) AS n FROM {source} WHERE {where}")["n"][0])
        parts = -(-number // PART_EVENTS)
        shown = ", ".join(f"judged.{name}" if name in (*event.NAMES, "day") else name for name in columns)
        if parts <= 1:
            if parts:
                yield do(f"SELECT {shown} FROM {source} WHERE {where}{few}")
            return
        do(
            f"CREATE OR REPLACE TEMP TABLE _some AS SELECT {shown}, hash({by}) % {parts} AS _part"
            f" FROM {source} WHERE {where}{few}"
        )
        try:
            for n in range(parts):
                frame = do(f"SELECT * EXCLUDE (_part) FROM _some WHERE _part = {n}")
                if frame.height:
                    yield frame
        finally:
            do("DROP TABLE IF EXISTS _some")

    @property
    def session(self) -> Session:
        """The session, for what looks at whole days by their times (`raw_events`). RuntimeError as in `ask`."""
        return self._events().session

    def _events(self) -> Events:
        if self.asked is None:
            raise RuntimeError("this material has no events; a rule over 'sources' must not ask for any")
        return self.asked
