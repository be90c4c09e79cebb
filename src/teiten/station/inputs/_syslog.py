"""What the syslog inputs share: whose lines they are (by address or certificate, never by their text), and what is told."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from teiten.errors import InputError, UsageError
from teiten.station.feeds import Feed
from teiten.station.inputs import Host
from teiten.stationing import NAME, Given, Key, endpoint, size, text

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_TOLD_AT_ONCE: Final = 20
"""strangers that are told one by one in an hour; those beyond it are counted alone"""
_HOUR: Final = 3600.0
_REMEMBERED: Final = 1 << 14
"""addresses whose sensor is remembered: a flood with forged addresses makes no more"""


def sensor(value: Any, where: str) -> str:
    """A sensor's name. UsageError."""
    name = text(value, where)
    if not NAME.fullmatch(name):
        raise UsageError(f"{where}: a sensor's name has letters, digits, - _ and . alone, 64 at most, not {value!r}.")
    return name


def peers(value: Any, where: str) -> dict[Network, str]:
    """A table of addresses and prefixes to sensors. UsageError."""
    if not isinstance(value, Mapping) or not value:
        raise UsageError(f'{where} must be a table such as {{"192.0.2.1" = "home", "10.0.0.0/8" = "office"}}.')
    out: dict[Network, str] = {}
    for prefix, name in value.items():
        try:
            network = ipaddress.ip_network(prefix)
        except ValueError:
            raise UsageError(
                f"{where}: '{prefix}' is no address and no prefix.", hint='Write "192.0.2.1" or "10.0.0.0/8".'
            ) from None
        out[network] = sensor(name, where)
    return out


def line_size(value: Any, where: str) -> int:
    """Bytes that a message may have: 256 to 3 MB (what is put down at once has 4 MiB). UsageError."""
    found = size(value, where)
    if not 256 <= found <= 3 * 10**6:
        raise UsageError(f"{where} lies between 256 bytes and 3MB, and {value!r} does not.")
    return found


def listen(value: Any, where: str) -> tuple[str, int]:
    """An address to listen at: of numbers, since a name may be resolved to any. UsageError."""
    host, port = endpoint(value, where)
    try:
        return ipaddress.ip_address(host).compressed, port
    except ValueError:
        if host == "localhost":
            return "127.0.0.1", port
        raise UsageError(
            f"{where}: '{host}' is no address.", hint='Write "127.0.0.1:5514", or "0.0.0.0:514" for all of this machine\'s.'
        ) from None


KEYS: Final = (
    Key(
        "listen",
        listen,
        "address and port to listen at; other machines are heard only where it is said here (`0.0.0.0:514`)",
        ("127.0.0.1", 5514),
    ),
    Key(
        "sensor",
        sensor,
        "the sensor that lines of other senders than `peers` count for; without it `home`, but with `peers` they are refused",
    ),
    Key(
        "peers",
        peers,
        'senders\' addresses and prefixes, and the sensor that their lines count for: `{"192.0.2.1" = "home"}`',
        {},
    ),
    Key("max_line", line_size, "bytes that a message may have; longer ones are refused, and counted", 1 << 20),
)


def inherited(kind: int, place: tuple[str, int]) -> socket.socket | None:
    """The socket that whoever started this program (systemd, by a .socket unit) holds open for that address; None where none
    does. What comes while the station is started anew waits in it."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return None
    many = os.environ.get("LISTEN_FDS", "")
    for handle in range(3, 3 + (int(many) if many.isdecimal() and len(many) < 4 else 0)):
        with contextlib.suppress(OSError):
            one = socket.socket(fileno=os.dup(handle))
            if one.type == kind and one.getsockname()[:2] == place:
                one.setblocking(False)
                return one
            one.close()
    return None


def taken(error: OSError, kind: str, place: tuple[str, int]) -> InputError:
    """Why nobody can listen there, and what to do."""
    address, port = place
    if error.errno == errno.EADDRINUSE:
        which = "u" if kind == "UDP" else "t"
        return InputError(
            f"Another program listens at {address}, {kind} port {port} already.",
            hint=f"`ss -l{which}np 'sport = :{port}'` says which; or choose another port with listen.",
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return InputError(
            f"This program may not listen at {kind} port {port}.",
            hint="Choose one from 1024 on, or give it that right (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE).",
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return InputError(f"{address} is no address of this machine.", hint="`ip address` shows them; 0.0.0.0 is all of them.")
    return InputError(f"Nobody can listen at {address}, {kind} port {port}: {error.strerror or error}.")


def plain(address: str) -> str:
    """A peer's address as it is compared: without a zone, an IPv4 address in IPv6 as itself."""
    address = address.partition("%")[0]
    return address[7:] if address.startswith("::ffff:") and "." in address else address


class Peers:
    """Whose lines those of a sender are: the feed of its sensor, by its address. None: a stranger's, to be refused.

    also: sensors that the input tells apart in another way.
    """

    def __init__(
        self, given: Given, host: Host, clock: Callable[[], float] = time.monotonic, also: tuple[str, ...] = ()
    ) -> None:
        self._host, self._clock = host, clock
        self._name = given.name
        self._rest: str | None = given["sensor"] or (None if given["peers"] or also else "home")
        self._networks: list[tuple[Network, str]] = sorted(given["peers"].items(), key=lambda one: -one[0].prefixlen)
        names = dict.fromkeys([*(name for _, name in self._networks), *also, *([self._rest] if self._rest else [])])
        self.feeds = {name: self.feed(name) for name in names}
        only = next(iter(self.feeds.values())) if len(self.feeds) == 1 and self._rest and not also else None
        self.common = only or self.feed(None)
        """where that counts which belongs to no sensor: strangers' messages, the kernel's losses"""
        self._known: dict[str, Feed | None] = {}
        self._told: set[str] = set()
        self._hour = clock()
        self.strangers = 0
        """messages or connections of senders whom nobody named"""
        self.last: float | None = None
        """when something came that was taken, by the clock"""

    def feed(self, name: str | None) -> Feed:
        """The feed of a sensor, which begins with that."""
        return self._host.desk.feed(self._name, name, told=self._host.told)

    def of(self, address: str) -> Feed | None:
        """The feed of that sender's sensor."""
        try:
            return self._known[address]
        except KeyError:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._known[address] = self._find(plain(address))
            return found

    def _find(self, address: str) -> Feed | None:
        name = self._rest
        if self._networks:
            try:
                one = ipaddress.ip_address(address)
            except ValueError:
                return None
            name = next((name for network, name in self._networks if one in network), self._rest)
        return None if name is None else self.feeds[name]

    def stranger(self, address: str, what: str, many: int = 1) -> None:
        """Notes that a sender was refused; told once for each, and no more than some in an hour."""
        self.strangers += many
        self.once(address, f"{what} from {plain(address)} refused: no sensor is named for that address (peers of its table)")

    def once(self, key: str, sentence: str, level: str = "warning") -> None:
        """Tells a sentence once an hour for its key, and not of too many keys: whoever can send cannot fill the log."""
        now = self._clock()
        if now - self._hour >= _HOUR:
            self._told.clear()
            self._hour = now
        if key in self._told or len(self._told) > _TOLD_AT_ONCE:
            return
        self._told.add(key)
        if len(self._told) > _TOLD_AT_ONCE:
            sentence = "more of this kind is counted, and not told in this hour"
        self._host.tell(level, sentence)
