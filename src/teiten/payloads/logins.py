"""Names and passwords that were tried, by how many hosts: on one connection's messages together, or within one payload.

Telnet asks for a name, then for a password: they are two messages of one connection, put together by its two ends. Other
logins stand in one payload (HTTP, FTP, a form, what a honeypot's log tells).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from teiten.engine.filters import Filters, thing_text
from teiten.engine.questions import Query
from teiten.payloads import drawn
from teiten.payloads.own import covered
from teiten.respond import services

if TYPE_CHECKING:
    from teiten.engine.duckdb import Session

MOST: Final = 20_000
"""kinds of connections, and of payloads, that are looked at: those of the most hosts first"""
_MESSAGES: Final = 8
"""messages of a connection in which names and passwords are looked for"""
_EARLIEST: Final = dt.datetime.min.replace(tzinfo=dt.UTC)
_LATEST: Final = dt.datetime.max.replace(tzinfo=dt.UTC)
_HINTS: Final = (b"user", b"uthorization", b"pass", b"pwd", b"psd", b"auth", b"login", b"account")
_ON_A_LINE: Final = "packets = 0 AND protocol = 6 AND dst_port IN ({ports}) AND src_port IS NOT NULL"
_SAID: Final = "payload IS NOT NULL AND octet_length(payload) > 0"
_COUNTED: Final = """list(DISTINCT src_ip) AS sources,
  list(DISTINCT struct_pack(protocol := protocol, dst_port := dst_port)) AS ports, count(*) AS times,
  min(time) AS first, max(time) AS last"""
_TALKS: Final = f"""
WITH talks AS (
  SELECT src_ip, src_port, dst_ip, protocol, dst_port, sensor, day_of(time) AS day, min(time) AS time,
    list(payload ORDER BY time, source_pos)[1:{_MESSAGES}] AS said
  FROM {{events}} WHERE {{where}} AND {_ON_A_LINE} AND {_SAID} GROUP BY ALL
)
SELECT said, {_COUNTED} FROM talks GROUP BY said ORDER BY array_length(sources) DESC, times DESC, said LIMIT {{n}}
"""
_ALONE: Final = f"""
SELECT [payload] AS said, {_COUNTED} FROM {{events}} WHERE {{where}} AND {_SAID} AND NOT coalesce({_ON_A_LINE}, false)
GROUP BY payload ORDER BY array_length(sources) DESC, times DESC, said LIMIT {{n}}
"""


@dataclass(slots=True)
class Login:
    """A name and a password, as they were sent (own addresses covered): show them by `shown`."""

    user: str
    password: str
    sources: set[bytes] = field(default_factory=set)
    times: int = 0
    ports: dict[str, None] = field(default_factory=dict)
    first: dt.datetime = _LATEST
    last: dt.datetime = _EARLIEST

    @property
    def hosts(self) -> int:
        return len(self.sources)


def logins(session: Session, wanted: Filters, own: Iterable[bytes] = ()) -> list[Login]:
    """Those of the span, those of the most hosts first. own: addresses to be covered, packed."""
    known, secret = services.load(), frozenset(own)
    ports = ", ".join(str(port) for port, service in sorted(known.by_port.items()) if service.name == "telnet")
    found: dict[tuple[str, str], Login] = {}
    for template in (_TALKS, _ALONE):
        for row in Query(template, {"where": wanted}, ports=ports, n=str(MOST)).rows(session):
            said = [bytes(one) for one in row["said"]]
            for user, password in _of(said, secret, telnet=template is _TALKS):
                _add(found.setdefault((user, password), Login(user, password)), row)
    return sorted(found.values(), key=lambda one: (-one.hosts, -one.times, one.user, one.password))


def _of(said: list[bytes], secret: frozenset[bytes], *, telnet: bool) -> Iterable[tuple[str, str]]:
    whole = covered(b"".join(said)[: drawn.MOST], secret)
    if telnet:
        return drawn.credentials(whole) or drawn.typed(whole)
    lower = whole.lower()
    return drawn.credentials(whole) if any(hint in lower for hint in _HINTS) else ()


def _add(login: Login, row: dict[str, Any]) -> None:
    login.sources.update(bytes(one) for one in row["sources"])
    login.times += row["times"]
    login.ports.update(dict.fromkeys(sorted(port_text(one) for one in row["ports"])))
    login.first, login.last = min(login.first, row["first"]), max(login.last, row["last"])


def port_text(one: Any) -> str:
    """A port as DuckDB's row of protocol and port has it."""
    protocol, port = one.values() if isinstance(one, dict) else one
    return thing_text(protocol, port) if protocol is not None and not (protocol == 6 and port is None) else "unknown"
