"""A name server on loopback, UDP and TCP, that answers as it is told to: rightly, wrongly, late, never, or with rubbish."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rdataclass
import dns.rdatatype
import dns.rrset

Reply = list[bytes]
"""datagrams that are sent for a question, in order (none: silence)"""
Say = Callable[[dns.message.Message, bytes], Reply]


@dataclass
class NameServer:
    """`zone`: (name in small letters with a dot at the end, type) -> texts of records; what it has not is NXDOMAIN.

    `say` answers for a name instead: from the question (and its bytes) to datagrams.
    """

    port: int
    zone: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    say: dict[str, Say] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    """name, type, transport of every question"""

    def reply(self, wire: bytes, transport: str) -> Reply:
        question = dns.message.from_wire(wire)
        name = question.question[0].name.to_text().lower()
        kind = dns.rdatatype.to_text(question.question[0].rdtype)
        self.asked.append((name, kind, transport))
        if name in self.say:
            return self.say[name](question, wire)
        return [self.right(question, cut=transport == "udp")]

    def right(self, question: dns.message.Message, *, cut: bool = True) -> bytes:
        """The answer from the zone, CNAMEs followed as a resolver does; cut where UDP cannot carry it."""
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.RA
        name, kind = question.question[0].name.to_text().lower(), dns.rdatatype.to_text(question.question[0].rdtype)
        for _ in range(20):
            if (name, "CNAME") not in self.zone:
                break
            target = self.zone[name, "CNAME"][0]
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "CNAME", target))
            name = target
        if (name, kind) in self.zone:
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *self.zone[name, kind]))
        elif not any(known == name for known, _ in self.zone):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        wire = answer.to_wire(max_size=65_535)
        if cut and len(wire) > 1232:
            answer.answer.clear()
            answer.flags |= dns.flags.TC
            wire = answer.to_wire()
        return wire

    def host(self, address: str, name: str, *, back: bool = True) -> None:
        """The address has the name; with `back` the name has the address too."""
        import dns.reversename

        where = dns.reversename.from_address(address).to_text().lower()
        self.zone.setdefault((where, "PTR"), []).append(f"{name}.")
        if back:
            self.zone.setdefault((f"{name.lower()}.", "AAAA" if ":" in address else "A"), []).append(address)


@contextlib.contextmanager
def running() -> Iterator[NameServer]:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    for _ in range(20):
        udp.close()
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        with contextlib.suppress(OSError):
            tcp.bind(udp.getsockname())
            break
    tcp.listen(8)
    server = NameServer(udp.getsockname()[1])
    over = threading.Event()
    for one in (udp, tcp):
        one.settimeout(0.05)

    def datagrams() -> None:
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                wire, peer = udp.recvfrom(4096)
                for reply in server.reply(wire, "udp"):
                    udp.sendto(reply, peer)

    def streams() -> None:
        while not over.is_set():
            with contextlib.suppress(TimeoutError, ConnectionError):
                peer, _ = tcp.accept()
                with peer:
                    peer.settimeout(1)
                    size = struct.unpack("!H", peer.recv(2))[0]
                    for reply in server.reply(peer.recv(size), "tcp"):
                        peer.sendall(struct.pack("!H", len(reply)) + reply)

    threads = [threading.Thread(target=work) for work in (datagrams, streams)]
    for thread in threads:
        thread.start()
    try:
        yield server
    finally:
        over.set()
        for thread in threads:
            thread.join()
        udp.close()
        tcp.close()
