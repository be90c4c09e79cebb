"""A run of the survey: which sources are asked, at what pace, and a book of who was asked when, written before the asking.

Only sources of the last day are asked: an address soon belongs to somebody else. The book (JSON lines, beside the permission)
is on disk before a first packet leaves, so that a run that was killed asks nobody twice within `AGAIN`.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from teiten.devices import evidence
from teiten.devices.survey import talking
from teiten.devices.survey.permission import Address, NotPermittedError, Permission
from teiten.devices.survey.talking import Caller, Question
from teiten.engine.filters import Filters
from teiten.engine.questions import Query
from teiten.errors import TeitenError

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session
    from teiten.lake import Lake

RECENT: Final = dt.timedelta(days=1)
AGAIN: Final = dt.timedelta(hours=20)
"""nobody is asked again before this time has passed"""
QUICKEST: Final = 10.0
"""connections a second, at most"""
_SQL: Final = """
SELECT {src_text} AS src_ip, max(time) AS last FROM {events}
WHERE {where} AND kind IS DISTINCT FROM 'backscatter'
GROUP BY src_ip ORDER BY last DESC, src_ip
"""


@dataclass(slots=True)
class Plan:
    """Whom to ask, and why others are not asked (reason -> how many sources): together all sources of the last day."""

    asked: list[Address] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def sources(self) -> int:
        return len(self.asked) + self.left_out.total()


@dataclass(slots=True)
class Result:
    """What came of a run."""

    asked: int = 0
    answered: int = 0
    rows: int = 0
    connections: int = 0


def plan(session: Session, permission: Permission, book: Path, most: int, now: dt.datetime | None = None) -> Plan:
    """The sources of the last day, newest first: those who may be asked, and the others counted by reason.

    Sources taken for forged, and victims that only answer, are not asked: they never sent anything."""
    now = now or dt.datetime.now(dt.UTC)
    wanted = Filters(start=now - RECENT, end=now + dt.timedelta(minutes=1), spoofed="out")
    before = {address: moment for address, moment in _book(book).items() if now - moment < AGAIN}
    found = Plan()
    for row in Query(_SQL, {"where": wanted}).rows(session):
        address = ipaddress.ip_address(row["src_ip"])
        why = permission.why_not(address, now)
        if why is None and address in before:
            why = "asked already"
        if why is None and len(found.asked) >= most:
            why = "more than this run asks"
        if why is None:
            found.asked.append(address)
        else:
            found.left_out[why] += 1
    return found


def _book(path: Path) -> dict[Address, dt.datetime]:
    """Who was asked when. A line that was cut off by a kill is the last one; any other that cannot be read stops the survey."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise TeitenError(f"{path} cannot be read ({error}): it says who was asked.", hint="Mend it or move it away.") from None
    out = {}
    for number, line in enumerate(lines, 1):
        try:
            told = json.loads(line)
            out[ipaddress.ip_address(told["address"])] = dt.datetime.fromisoformat(told["time"])
        except (ValueError, KeyError, TypeError):
            if number < len(lines):
                raise TeitenError(
                    f"{path}, line {number} cannot be read: it says who was asked.", hint="Mend that line."
                ) from None
    return out


class Pace:
    """Waits so that no more than so many connections a second are opened."""

    def __init__(self, per_second: float) -> None:
        self.gap = 1.0 / min(QUICKEST, per_second)
        self._next = 0.0

    def wait(self) -> None:
        now = time.monotonic()
        if now < self._next:
            time.sleep(self._next - now)
        self._next = max(now, self._next) + self.gap


def run(
    lake: Lake,
    permission: Permission,
    addresses: Sequence[Address],
    book: Path,
    *,
    per_second: float = 1.0,
    questions: Sequence[Question] = talking.QUESTIONS,
    patience: float = talking.PATIENCE,
    progress: Callable[[int], None] | None = None,
) -> Result:
    """Asks them one after the other; what each answers is in the lake before the next is asked. LakeError, TeitenError."""
    caller = Caller(permission, Pace(per_second).wait, patience)
    result = Result()
    for number, address in enumerate(addresses):
        if permission.why_not(address) is not None:
            continue
        now = dt.datetime.now(dt.UTC)
        _write(book, {"address": str(address), "time": now.isoformat(timespec="seconds")})
        rows = ask(caller, address, questions)
        result.asked += 1
        result.answered += bool(rows)
        result.rows += lake.add_devices({**row, "input": book.name} for row in rows) if rows else 0
        result.connections = caller.opened
        if progress is not None:
            progress(number + 1)
    return result


def ask(caller: Caller, address: Address, questions: Sequence[Question]) -> list[dict[str, Any]]:
    """The rows that one address's answers give."""
    rows = []
    for one in questions:
        now = dt.datetime.now(dt.UTC)
        try:
            told = caller.ask(address, one)
        except NotPermittedError:
            break  # the day on which it holds has ended meanwhile
        if told is not None and any(told.values()):
            kind = "upnp" if one.kind == "ssdp" else one.kind
            rows.append(evidence.row(str(address), now, "survey", one.port, protocol=one.protocol, service=kind, **told))
    return rows


def _write(book: Path, line: dict[str, str]) -> None:
    try:
        with book.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise TeitenError(f"{book} cannot be written ({error.strerror}), so nobody is asked.") from None
