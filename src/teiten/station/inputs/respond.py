"""A responding sensor: it completes connections, keeps what is said first, and says just enough to hear more (`respond/`)."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from teiten.errors import UsageError
from teiten.respond import services
from teiten.respond.conversation import Bounds
from teiten.respond.listening import Limits, Listening
from teiten.station.inputs import Host
from teiten.stationing import Given, Key, seconds, size, text

NAME: Final = "respond"
MEANS: Final = "a responding sensor: first payloads of those who connect"
MOST_PORTS: Final = 1000
"""ports that are listened at by themselves; all of them want one listener and a rule that redirects"""


def ports(value: Any, where: str) -> tuple[int, ...]:
    """Ports in the order named, as `23, 80, 8000-8010`, a number, or a list of these. UsageError."""
    out: dict[int, None] = {}
    for part in value if isinstance(value, list) else str(value).split(","):
        low, dash, high = str(part).strip().partition("-")
        if not (low.isascii() and low.isdigit()) or (dash and not (high.isascii() and high.isdigit())):
            raise UsageError(f"{where}: '{part}' is no port.", hint="Write 23, or 8000-8010.")
        first, last = int(low), int(high or low)
        if not 1 <= first <= last <= 65535:
            raise UsageError(f"{where}: '{part}' is no port.", hint="Ports are 1 to 65535.")
        out |= dict.fromkeys(range(first, last + 1))
    if not out or len(out) > MOST_PORTS:
        raise UsageError(
            f"{where}: {len(out)} ports, and 1 to {MOST_PORTS} can be listened at.",
            hint="For all ports listen at one, and redirect the others to it: docs/guide has the rule.",
        )
    return tuple(out)


def addresses(value: Any, where: str) -> tuple[str, ...]:
    """Addresses of this machine. UsageError."""
    given = value if isinstance(value, list) else str(value).split(",")
    try:
        return tuple(str(ipaddress.ip_address(str(one).strip())) for one in given)
    except ValueError:
        raise UsageError(f"{where}: {value!r} is no address.", hint="Write 0.0.0.0 for all of IPv4, :: for all.") from None


def folders(value: Any, where: str) -> tuple[str, ...]:
    """Folders' names."""
    return tuple(text(one, where) for one in (value if isinstance(value, list) else [value]))


def number(value: Any, where: str) -> int:
    """1 to 60,000. UsageError."""
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 60000:
        raise UsageError(f"{where} must be a number from 1 to 60000, not {value!r}.")
    return value


_BOUNDS, _LIMITS = Bounds(), Limits()
KEYS: Final = (
    Key("ports", ports, "ports to listen at: 23, 80, 8000-8010", needed=True),
    Key("addresses", addresses, "addresses of this machine to listen at", ("0.0.0.0",)),
    Key("sensor", text, "the sensor that they count for", "respond"),
    Key("services", folders, "folders with more services, a file each as those of the package", ()),
    Key("keep", size, "bytes of what one connection says that are kept; the rest is counted", _BOUNDS.keep),
    Key("connections", number, "connections at a time; beyond it the one that was silent longest goes", _LIMITS.connections),
    Key("connections_each", number, "connections at a time from one address", _LIMITS.each),
    Key("new_each", number, "new connections of one address in a second that are heard", _LIMITS.new),
    Key("idle", seconds, "seconds of silence after which a connection is ended", _LIMITS.idle),
    Key("longest", seconds, "seconds after which a connection is ended in any case", _LIMITS.longest),
    Key("rate", size, "bytes that are said in a second, to all together", _LIMITS.rate),
)


class _Respond:
    def __init__(self, given: Given, host: Host) -> None:
        self.feed = host.desk.feed(given.name, given["sensor"], told={**host.told, "format": "exchange", "zone": "UTC"})
        self.last: float | None = None
        self.stop = threading.Event()
        known = services.load(tuple(given.base / Path(one).expanduser() for one in given["services"]))
        self.listening = Listening(
            [(address, port) for address in given["addresses"] for port in given["ports"]],
            known,
            self._put,
            bounds=Bounds(keep=given["keep"]),
            limits=Limits(
                given["connections"],
                given["connections_each"],
                given["new_each"],
                given["idle"],
                given["longest"],
                given["rate"],
            ),
        )

    def run(self, stop: threading.Event) -> None:
        self.stop = stop
        self.listening.run(stop)

    def status(self) -> Mapping[str, Any]:
        return {"last": self.last, **self.listening.status()}

    def _put(self, block: bytes, lines: int) -> None:
        self.last = time.time()
        # what was heard until the end is taken, too: there is no sender who would say it again
        self.feed.put(block, received=lines)


def open(given: Given, host: Host) -> _Respond:
    return _Respond(given, host)
