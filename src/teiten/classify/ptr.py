"""PTR names that were looked up, kept on disk: what an address is called, since when, and whether the name says so too.

A file of SQLite, in the user's folder unless the setting says otherwise. An address has one row in `asked` (when, with what
outcome, when it may be asked again) and one in `names` for each name that it was ever seen with, with the first and the last
day. So an answer that there is no name is kept too, and an address is asked again only when its answer has aged.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import re
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import polars as pl

from teiten.enrich import datasets
from teiten.errors import DataError, TeitenError
from teiten.settings import Settings

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Status = Literal["named", "none", "odd", "failed"]
STATUSES: Final[dict[Status, str]] = {
    "named": "has one name or more",
    "none": "has no name: the answer says so",
    "odd": "has only names that no host can have (control characters, one label, too long): they are not kept",
    "failed": "no usable answer came; asked again after a day, then after two, four, ...",
}
FORMAT: Final = 1
RETRY: Final = dt.timedelta(days=1)
_HOST: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)+")
_ENDS: Final = 500
"""ends of names that SQLite is given at once; where there are more it gives all names"""
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

SCHEMA: Final[dict[str, pl.DataType]] = {
    "src_ip": pl.Binary(),
    "name": pl.String(),
    "confirmed": pl.Boolean(),
    "first": pl.Date(),
    "last": pl.Date(),
}
"""a name of an address: `confirmed` (null: could not be asked), and the UTC days of the first and last answer that gave it"""

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS asked (
    address BLOB PRIMARY KEY, status TEXT NOT NULL, why TEXT, asked INTEGER NOT NULL, again INTEGER NOT NULL,
    failures INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS names (
    address BLOB NOT NULL, name TEXT NOT NULL, confirmed INTEGER, first INTEGER NOT NULL, last INTEGER NOT NULL,
    PRIMARY KEY (address, name)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking for an address (4 or 16 bytes): `names` with whether each one's own address confirms it."""

    address: bytes
    status: Status
    names: tuple[tuple[str, bool | None], ...] = ()
    why: str | None = None
    """of a failure: timeout, refused, failing, unreachable, malformed, loop"""

    @property
    def unsettled(self) -> bool:
        """Is it to be asked again soon: no answer, or a name that could not be asked for its address?"""
        return self.status == "failed" or any(confirmed is None for _, confirmed in self.names)


def host_name(text: str) -> str | None:
    """The name in small letters without a dot at the end; None where no host can be called so."""
    plain = text.rstrip(".").lower()
    return plain if len(plain) <= 253 and _HOST.fullmatch(plain) else None


def place(settings: Settings) -> Path:
    """The cache's file: the setting's, else beside the data of `teiten geo import`."""
    return settings.names.cache or datasets.user_folder().parent / "names.sqlite"


class Cache:
    """The open cache. Times are aware, addresses bytes. DataError where the file is none, TeitenError where it is in use."""

    def __init__(self, path: Path, *, write: bool = False) -> None:
        """`write`: it is made where there is none; else an absent one is an empty one."""
        self.path = path
        with self._troubles():
            if write:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._base = sqlite3.connect(path, timeout=10)
            elif path.is_file():
                self._base = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=10)
            else:
                self._base = sqlite3.connect(":memory:")
                write = True
            version = self._base.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, FORMAT):
                raise DataError(f"{path} is a cache of names of format {version}; I know {FORMAT}.", hint="Use a newer teiten.")
            if write:
                self._base.executescript(f"{_TABLES}PRAGMA user_version = {FORMAT};")

    @contextlib.contextmanager
    def _troubles(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            hint = "Wait for the other `teiten names`, or make room."
            raise TeitenError(f"The cache of names {self.path} cannot be used: {error}.", hint=hint) from None
        except sqlite3.DatabaseError as error:
            hint = "Remove it: the names are looked up again."
            raise DataError(f"{self.path} is no cache of names: {error}.", hint=hint) from None
        except OSError as error:
            raise TeitenError(f"The cache of names {self.path} cannot be made: {error.strerror}.") from None

    def close(self) -> None:
        self._base.close()

    def __enter__(self) -> Cache:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # asking

    def settled(self, now: dt.datetime) -> set[bytes]:
        """The addresses that are not to be asked again yet."""
        with self._troubles():
            return {row[0] for row in self._base.execute("SELECT address FROM asked WHERE again > ?", (_seconds(now),))}

    def names(self, *, confirmed: bool = False, ends: Collection[str] | None = None) -> pl.DataFrame:
        """The names that addresses were seen with (SCHEMA).

        `confirmed`: only those that their own address confirms. `ends`: only those that end so, and perhaps some others:
        it is what makes a large cache quick to ask.
        """
        where = ["confirmed = 1"] if confirmed else []
        some = sorted(ends) if ends is not None and len(ends) <= _ENDS else []
        if some:
            where.append(f"({' OR '.join(['name LIKE ?'] * len(some))})")
        sql = f"SELECT address, name, confirmed, first / 86400, last / 86400 FROM names WHERE {' AND '.join(where) or 'true'}"
        with self._troubles():
            rows = self._base.execute(f"{sql} ORDER BY address, name", [f"%{end}" for end in some]).fetchall()
        epoch = dt.date(1970, 1, 1)
        told = [
            (src, name, None if sure is None else bool(sure), epoch + dt.timedelta(first), epoch + dt.timedelta(last))
            for src, name, sure, first, last in rows
        ]
        return pl.DataFrame(told, schema=SCHEMA, orient="row")

    def names_of(self, address: bytes) -> list[str]:
        """The names that one address was seen with, the latest first."""
        with self._troubles():
            asked = self._base.execute("SELECT name FROM names WHERE address = ? ORDER BY last DESC, name", (address,))
            return [str(row[0]) for row in asked]

    def status(self, now: dt.datetime) -> dict[str, Any]:
        """Counts of addresses by outcome, of names, of failures by why; first and last time of asking; bytes on disk."""
        with self._troubles():
            ask = self._base.execute
            by_status = dict(ask("SELECT status, count(*) FROM asked GROUP BY status").fetchall())
            why = dict(ask("SELECT why, count(*) FROM asked WHERE why IS NOT NULL GROUP BY why ORDER BY why").fetchall())
            names, sure, unsure = ask(
                "SELECT count(*), coalesce(sum(confirmed = 1), 0), coalesce(sum(confirmed IS NULL), 0) FROM names"
            ).fetchone()
            first, last = ask("SELECT min(asked), max(asked) FROM asked").fetchone()
            due = ask("SELECT count(*) FROM asked WHERE again <= ?", (_seconds(now),)).fetchone()[0]
        size = self.path.stat().st_size if self.path.is_file() else 0
        told: dict[str, Any] = {"addresses": sum(by_status.values()), **{s: by_status.get(s, 0) for s in STATUSES}}
        told |= {"names": names, "confirmed": sure, "unconfirmed": names - sure - unsure, "not_asked_back": unsure, "due": due}
        told |= {"first": _time(first), "last": _time(last), "bytes": size, "failures": why}
        return told

    # keeping

    def keep(self, answers: Iterable[Answer], now: dt.datetime, days: int) -> None:
        """The answers, on disk when this returns. `days`: how long an answer holds before it is asked for again."""
        at = _seconds(now)
        with self._troubles(), self._base:
            for one in answers:
                before = self._base.execute("SELECT failures FROM asked WHERE address = ?", (one.address,)).fetchone()
                failures = (before[0] if before else 0) + 1 if one.unsettled else 0
                wait = min(RETRY * 2 ** min(failures - 1, 10), dt.timedelta(days=days)) if failures else dt.timedelta(days=days)
                self._base.execute(
                    "INSERT OR REPLACE INTO asked VALUES (?, ?, ?, ?, ?, ?)",
                    (one.address, one.status, one.why, at, at + int(wait.total_seconds()), failures),
                )
                self._base.executemany(
                    "INSERT INTO names VALUES (?1, ?2, ?3, ?4, ?4) ON CONFLICT DO UPDATE SET last = ?4,"
                    " confirmed = coalesce(?3, confirmed)",
                    [(one.address, name, None if sure is None else int(sure), at) for name, sure in one.names],
                )

    def prune(self, most: int) -> int:
        """Takes out the answers that are worth least until `most` addresses are left; how many went.

        First those without a name, then those whose names nothing confirms, then the others; of each the oldest.
        """
        with self._troubles(), self._base:
            over = int(self._base.execute("SELECT count(*) FROM asked").fetchone()[0]) - most
            if over <= 0:
                return 0
            worth = "coalesce((SELECT 1 + max(coalesce(confirmed, 0)) FROM names n WHERE n.address = a.address), 0)"
            gone = self._base.execute(f"SELECT address FROM asked a ORDER BY {worth}, asked LIMIT ?", (over,)).fetchall()
            self._remove(gone)
            return len(gone)

    def inside(self, network: Network) -> list[bytes]:
        """The addresses of that network that were asked about."""
        low, high = network[0].packed, network[-1].packed
        # blobs compare by bytes: those of the other family are told apart by their length
        where = "address BETWEEN ? AND ? AND length(address) = ?"
        with self._troubles():
            return [row[0] for row in self._base.execute(f"SELECT address FROM asked WHERE {where}", (low, high, len(low)))]

    def forget(self, network: Network) -> int:
        """Takes out what is known of that network's addresses, for good; how many addresses went."""
        gone = [(address,) for address in self.inside(network)]
        with self._troubles():
            with self._base:
                self._remove(gone)
            if gone:
                self._base.execute("VACUUM")  # what was removed does not stay in the file's free pages
        return len(gone)

    def _remove(self, addresses: list[tuple[bytes]]) -> None:
        for table in ("names", "asked"):
            self._base.executemany(f"DELETE FROM {table} WHERE address = ?", addresses)


def _seconds(moment: dt.datetime) -> int:
    return int((moment - _EPOCH).total_seconds())


def _time(seconds: int | None) -> dt.datetime | None:
    return None if seconds is None else _EPOCH + dt.timedelta(seconds=seconds)
