"""Asks name servers for PTR names, and the names for their addresses; whatever is answered, it becomes an Answer.

The one importer of dnspython. It is polite: so many questions a second over all threads, retries among them; and so wary:
names that no host can have are dropped, chains of CNAMEs are followed for a few steps only, what answers another question
(or comes from elsewhere, or carries another id) is not taken for an answer.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from teiten.classify import ptr
from teiten.classify.ptr import Answer
from teiten.errors import TeitenError, UsageError

if TYPE_CHECKING:
    from dns.name import Name
    from dns.rdata import Rdata
    from dns.rdatatype import RdataType

IN_FLIGHT: Final = 8
"""addresses that are asked for at once, so that one slow zone does not hold up the others"""
GIVE_UP: Final = 20
"""addresses in a row for which no server said anything at all: then it is not they, it is us"""
NAMES_KEPT: Final = 8
"""names of one address that are kept; the first of them in the alphabet"""
NAMES_ASKED: Final = 4
"""of those, how many are asked for their address"""
_PAYLOAD: Final = 1232
"""bytes of an answer that UDP may carry (DNS flag day 2020); a longer one comes by TCP"""
SILENT: Final = frozenset({"timeout", "unreachable"})
"""failures in which no server said anything"""


@dataclass(frozen=True, slots=True)
class Server:
    """A name server: an address and a port."""

    address: str
    port: int = 53

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return host if self.port == 53 else f"{host}:{self.port}"


def parse_server(text: str) -> Server:
    """'192.0.2.53', '192.0.2.53:5353', '2001:db8::53', '[2001:db8::53]:5353'. UsageError for anything else."""
    plain, port = text.strip(), "53"
    if plain.startswith("["):
        plain, _, rest = plain[1:].partition("]")
        port = rest.removeprefix(":") or "53"
    elif plain.count(":") == 1:
        plain, _, port = plain.partition(":")
    try:
        address = str(ipaddress.ip_address(plain))
        number = int(port) if port.isascii() and port.isdigit() else 0
        if not 0 < number < 65536:
            raise ValueError
    except ValueError:
        hint = "Write an address, with a port where it is not 53: 192.0.2.53, [2001:db8::53]:5353."
        raise UsageError(f"'{text}' is no name server.", hint=hint) from None
    return Server(address, number)


def system_servers() -> list[Server]:
    """The name servers that this machine asks. TeitenError where it has none."""
    import dns.exception
    import dns.resolver

    try:
        found = dns.resolver.Resolver()
    except (dns.exception.DNSException, OSError, ValueError):
        found = None
    addresses = [one for one in found.nameservers if isinstance(one, str)] if found is not None else []
    servers = [parse_server(one) for one in addresses if _is_address(one)]
    if not servers:
        raise TeitenError(
            "This machine has no name server to ask (nothing in /etc/resolv.conf).",
            hint='Name one in teiten.toml: [names] servers = ["192.0.2.53"].',
        )
    return servers


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


class _Pace:
    """So many turns a second, over all threads."""

    def __init__(self, per_second: float) -> None:
        self._gap = 1.0 / per_second
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self, stop: threading.Event) -> None:
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._gap
        stop.wait(turn - now)


@dataclass
class Tally:
    """What was sent and what came of it."""

    questions: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    """questions without an answer, by why: timeout, refused, failing, unreachable, malformed, loop"""


class _Failure(Exception):
    """No usable answer to a question; its text is one of those that `Tally.failures` counts."""


class Resolver:
    """Looks up addresses at the servers, one after the other in turn. Threads may share it."""

    def __init__(self, servers: Sequence[Server], *, per_second: float = 5, timeout: float = 3, attempts: int = 2) -> None:
        """`timeout`: seconds for one question; `attempts`: questions for one thing, over the servers in turn."""
        self.servers = tuple(servers)
        self.timeout, self.attempts = timeout, attempts
        self.tally = Tally()
        self._pace = _Pace(per_second)
        self._stop = threading.Event()
        self._lock = threading.Lock()

    def stop(self) -> None:
        """No more questions; those under way end as failures."""
        self._stop.set()

    def look_up(self, address: bytes) -> Answer:
        """The names of an address (4 or 16 bytes), each asked for its own addresses. Never raises for what is answered."""
        import dns.rdatatype
        import dns.reversename

        text = str(ipaddress.ip_address(address))
        try:
            raw = self._ask(dns.reversename.from_address(text), dns.rdatatype.PTR)
        except _Failure as failure:
            return Answer(address, "failed", why=str(failure))
        if not raw:
            return Answer(address, "none")
        hosts = sorted({name for one in raw if (name := ptr.host_name(one))})[:NAMES_KEPT]
        if not hosts:
            return Answer(address, "odd")
        names = tuple((name, self._confirmed(name, text) if n < NAMES_ASKED else False) for n, name in enumerate(hosts))
        return Answer(address, "named", names)

    def _confirmed(self, name: str, address: str) -> bool | None:
        """Does the name have that address? None where it could not be asked."""
        import dns.name
        import dns.rdatatype

        kind = dns.rdatatype.AAAA if ":" in address else dns.rdatatype.A
        try:
            return address in self._ask(dns.name.from_text(name), kind)
        except _Failure:
            return None

    def _ask(self, name: Name, kind: RdataType) -> list[str]:
        """The values of that kind that the name has, CNAMEs followed; [] where the answer is that there is none. _Failure."""
        why = "timeout"
        for attempt in range(self.attempts):
            server = self.servers[attempt % len(self.servers)]
            self._pace.wait(self._stop)
            if self._stop.is_set():
                raise _Failure("stopped")
            try:
                return self._once(server, name, kind)
            except _Failure as failure:
                why = str(failure)
                with self._lock:
                    self.tally.failures[why] = self.tally.failures.get(why, 0) + 1
                if why not in SILENT and len(self.servers) == 1:
                    break  # it has answered: asking it again at once brings the same
        raise _Failure(why)

    def _once(self, server: Server, name: Name, kind: RdataType) -> list[str]:
        """One question to one server, by UDP, and by TCP where the answer was cut."""
        import dns.exception
        import dns.flags
        import dns.message
        import dns.query
        import dns.rcode

        with self._lock:
            self.tally.questions += 1
        question = dns.message.make_query(name, kind, use_edns=0, payload=_PAYLOAD)
        try:
            reply, _ = dns.query.udp_with_fallback(
                question, server.address, self.timeout, server.port, ignore_unexpected=True, ignore_errors=True
            )
            code = reply.rcode()
            if code == dns.rcode.NXDOMAIN:
                return []
            if code != dns.rcode.NOERROR:
                raise _Failure("refused" if code == dns.rcode.REFUSED else "failing")
            if not isinstance(reply, dns.message.QueryMessage):
                raise _Failure("malformed")
            found = reply.resolve_chaining().answer
            return [_text(one) for one in found] if found is not None else []
        except dns.exception.Timeout:
            raise _Failure("timeout") from None
        except dns.message.ChainTooLong:
            raise _Failure("loop") from None
        except (dns.exception.DNSException, EOFError, ValueError):
            raise _Failure("malformed") from None
        except OSError:
            raise _Failure("unreachable") from None


def _text(value: Rdata) -> str:
    """A PTR's name or an A's or AAAA's address, as text."""
    target = getattr(value, "target", None)
    if target is not None:
        return str(target.to_text(omit_final_dot=True))
    return str(ipaddress.ip_address(getattr(value, "address", "")))


def look_up_all(
    resolver: Resolver, addresses: Iterable[bytes], progress: Callable[[int], None] | None = None
) -> Iterator[Answer]:
    """An answer for each address, in the order in which they come. TeitenError where no server answers any more.

    Closing the iterator, or an exception in its loop, ends it: questions under way are waited for, no other is asked.
    """
    waiting = iter(addresses)
    silent = done = 0
    with ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="names") as pool:
        running: set[Future[Answer]] = set()
        try:
            while True:
                while len(running) < IN_FLIGHT and (address := next(waiting, None)) is not None:
                    running.add(pool.submit(resolver.look_up, address))
                if not running:
                    return
                finished, running = wait(running, return_when=FIRST_COMPLETED)
                for one in finished:
                    answer = one.result()
                    done += 1
                    silent = silent + 1 if answer.why in SILENT else 0
                    yield answer
                    if progress is not None:
                        progress(done)
                if silent >= GIVE_UP:
                    raise _nobody_answers(resolver, silent)
        finally:
            resolver.stop()


def _nobody_answers(resolver: Resolver, silent: int) -> TeitenError:
    asked = ", ".join(map(str, resolver.servers))
    return TeitenError(
        f"For {silent} addresses in a row no answer came from {asked}; it was left at that. What was answered before is kept.",
        hint="See whether the servers can be reached, or name others: [names] servers. Run it again to go on.",
    )
