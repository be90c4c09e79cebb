"""Looking up PTR names at real servers on loopback: right answers, hostile ones, none."""

from __future__ import annotations

import ipaddress
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.reversename
import dns.rrset
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from teiten.classify import resolver
from teiten.classify.ptr import Answer
from teiten.classify.resolver import Resolver, Server
from teiten.errors import TeitenError, UsageError

sys.path.insert(0, str(Path(__file__).parent))
from name_server import NameServer, running

sys.path.pop(0)

ONE, SIX = "45.33.32.156", "2600:3c01::f03c:91ff:fe18:bb2f"


@pytest.fixture
def server() -> Iterator[NameServer]:
    with running() as found:
        yield found


def ask(server: NameServer, address: str = ONE, **how: Any) -> Answer:
    how = {"per_second": 1000, "timeout": 0.3, "attempts": 1} | how
    return Resolver([Server("127.0.0.1", server.port)], **how).look_up(ipaddress.ip_address(address).packed)


def where(address: str = ONE) -> str:
    return dns.reversename.from_address(address).to_text()


# answers ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", [ONE, SIX])
def test_a_name_that_has_the_address_is_confirmed(server: NameServer, address: str) -> None:
    server.host(address, "Census7.Shodan.io")
    found = ask(server, address)
    assert (found.status, found.names, found.why) == ("named", (("census7.shodan.io", True),), None)
    assert [kind for _, kind, _ in server.asked] == ["PTR", "AAAA" if ":" in address else "A"]


def test_a_name_that_somebody_else_has_is_not(server: NameServer) -> None:
    server.host(ONE, "census7.shodan.io", back=False)
    server.zone["census7.shodan.io.", "A"] = ["198.20.69.74"]
    assert ask(server).names == (("census7.shodan.io", False),)


def test_a_name_that_is_not_there_is_not(server: NameServer) -> None:
    server.host(ONE, "census7.shodan.io", back=False)
    assert ask(server).names == (("census7.shodan.io", False),)


def test_a_name_that_cannot_be_asked_is_neither(server: NameServer) -> None:
    server.host(ONE, "census7.shodan.io", back=False)
    server.say["census7.shodan.io."] = lambda question, wire: []
    found = ask(server)
    assert found.names == (("census7.shodan.io", None),)
    assert found.unsettled


def test_no_name(server: NameServer) -> None:
    assert ask(server).status == "none"
    server.zone[where(), "TXT"] = ["hello"]  # the name is there, a PTR is not
    assert ask(server).status == "none"


def test_a_delegation_by_cname_is_followed(server: NameServer) -> None:
    """RFC 2317: the reverse zone of less than a /24."""
    server.zone[where(), "CNAME"] = ["156.128-25.32.33.45.in-addr.arpa."]
    server.zone["156.128-25.32.33.45.in-addr.arpa.", "PTR"] = ["scan.example.org."]
    server.zone["scan.example.org.", "CNAME"] = ["host.example.org."]
    server.zone["host.example.org.", "A"] = [ONE]
    assert ask(server).names == (("scan.example.org", True),)


def test_several_names_are_kept_in_order_and_some_are_asked(server: NameServer) -> None:
    for n in range(12):
        server.host(ONE, f"h{n:02}.example.org")
    found = ask(server)
    assert [name for name, _ in found.names] == [f"h{n:02}.example.org" for n in range(resolver.NAMES_KEPT)]
    assert sum(bool(sure) for _, sure in found.names) == resolver.NAMES_ASKED


def test_an_answer_that_is_too_long_for_udp_comes_by_tcp(server: NameServer) -> None:
    for n in range(500):
        server.host(ONE, f"host-{n:04}.a-rather-long-domain.example.org")
    found = ask(server, timeout=2)
    assert [transport for _, kind, transport in server.asked if kind == "PTR"] == ["udp", "tcp"]
    assert len(found.names) == resolver.NAMES_KEPT


# hostile answers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "\\000\\001\\027[31mred.example.org", "a\\032b.example.org", "<script>alert\\0401\\041.example.org", "localhost",
        "\\255\\254.example.org", "-x.example.org", "x'\\;drop-table.example.org", ".".join(["a" * 63] * 3 + ["\\000" * 61]),
    ],
)  # fmt: skip
def test_a_name_that_no_host_can_have_is_dropped(server: NameServer, name: str) -> None:
    server.host(ONE, name, back=False)
    assert ask(server) == Answer(ipaddress.ip_address(ONE).packed, "odd")
    server.host(ONE, "good.example.org")
    assert ask(server).names == (("good.example.org", True),)


def test_a_loop_of_cnames_ends(server: NameServer) -> None:
    def loop(question: dns.message.Message, wire: bytes) -> list[bytes]:
        answer = dns.message.make_response(question)
        there, back = where(), "b.example.org."
        answer.answer = [
            dns.rrset.from_text(there, 60, "IN", "CNAME", back),
            dns.rrset.from_text(back, 60, "IN", "CNAME", there),
        ]
        return [answer.to_wire()]

    server.say[where()] = loop
    found = ask(server)
    assert (found.status, found.why) == ("failed", "loop")


def test_a_chain_of_cnames_that_goes_on_and_on_ends(server: NameServer) -> None:
    server.zone[where(), "CNAME"] = ["n0.example.org."]
    for n in range(30):
        server.zone[f"n{n}.example.org.", "CNAME"] = [f"n{n + 1}.example.org."]
    assert ask(server).why in ("loop", None)
    assert not ask(server).names


def _forged(change: str) -> Any:
    """An answer that names a scanner but has something wrong with it."""

    def say(question: dns.message.Message, wire: bytes) -> list[bytes]:
        answer = dns.message.make_response(question)
        answer.answer = [dns.rrset.from_text(where(), 60, "IN", "PTR", "forged.shodan.io.")]
        if change == "id":
            answer.id ^= 0x5A5A
        elif change == "question":
            answer.question = [dns.rrset.from_text("1.2.3.4.in-addr.arpa.", 0, "IN", "PTR", "x.")]
            answer.question[0].clear()
        elif change == "no answer at all":
            answer.flags &= ~dns.flags.QR
        elif change == "another name":
            answer.answer = [dns.rrset.from_text("1.2.3.4.in-addr.arpa.", 60, "IN", "PTR", "forged.shodan.io.")]
        return [answer.to_wire()]

    return say


@pytest.mark.parametrize("change", ["id", "question", "no answer at all", "another name"])
def test_an_answer_to_another_question_is_none(server: NameServer, change: str) -> None:
    server.say[where()] = _forged(change)
    assert not ask(server).names


def test_the_right_answer_counts_though_wrong_ones_come_first(server: NameServer) -> None:
    server.host(ONE, "right.example.org")
    wrong = [_forged(change) for change in ("id", "question", "no answer at all")]

    def say(question: dns.message.Message, wire: bytes) -> list[bytes]:
        return [*(w(question, wire)[0] for w in wrong), b"", b"\x00" * 11, wire[:5], server.right(question)]

    server.say[where()] = say
    assert ask(server).names == (("right.example.org", True),)


@pytest.mark.parametrize(("code", "why"), [("SERVFAIL", "failing"), ("REFUSED", "refused"), ("NOTIMP", "failing")])
def test_a_server_that_will_not_is_asked_once(server: NameServer, code: str, why: str) -> None:
    def say(question: dns.message.Message, wire: bytes) -> list[bytes]:
        answer = dns.message.make_response(question)
        answer.set_rcode(dns.rcode.from_text(code))
        return [answer.to_wire()]

    server.say[where()] = say
    found = ask(server, attempts=3)
    assert (found.status, found.why) == ("failed", why)
    assert len(server.asked) == 1


def test_a_truncated_answer_without_tcp_is_a_failure(server: NameServer) -> None:
    def say(question: dns.message.Message, wire: bytes) -> list[bytes]:
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.TC
        return [answer.to_wire()] if len(server.asked) == 1 else []

    server.say[where()] = say
    assert ask(server).status == "failed"


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=4),
    cut=st.floats(0, 1),
    tail=st.binary(max_size=40),
)
def test_no_bytes_raise(server: NameServer, changes: list[tuple[float, int]], cut: float, tail: bytes) -> None:
    """A right answer with bytes changed, cut, put in; and bytes that never were one."""
    server.zone.clear()
    server.host(ONE, "right.example.org")

    def say(question: dns.message.Message, wire: bytes) -> list[bytes]:
        reply = bytearray(server.right(question))
        for place, value in changes:
            reply[2 + int(place * (len(reply) - 3))] = value
        return [bytes(reply[: int(cut * len(reply)) if tail else len(reply)]) + tail]

    server.say[where()] = say
    found = ask(server, timeout=0.01)
    assert found.status in ("named", "none", "odd", "failed")
    assert all(name.isascii() and name.isprintable() for name, _ in found.names)


# politeness ---------------------------------------------------------------------------------------------------------


def test_silence_is_counted_and_not_stormed(server: NameServer) -> None:
    server.say[where()] = lambda question, wire: []
    one = Resolver([Server("127.0.0.1", server.port)], per_second=1000, timeout=0.1, attempts=2)
    found = one.look_up(ipaddress.ip_address(ONE).packed)
    assert (found.status, found.why) == ("failed", "timeout")
    assert (one.tally.questions, one.tally.failures, len(server.asked)) == (2, {"timeout": 2}, 2)


def test_so_many_questions_a_second_over_all_threads(server: NameServer) -> None:
    addresses = [ipaddress.ip_address(f"45.33.32.{n}").packed for n in range(12)]
    for n in range(12):
        server.host(f"45.33.32.{n}", f"h{n}.example.org")
    began = time.monotonic()
    found = list(resolver.look_up_all(Resolver([Server("127.0.0.1", server.port)], per_second=40, timeout=1), addresses))
    assert len(server.asked) == 24
    assert time.monotonic() - began >= 23 / 40
    assert {one.address for one in found} == set(addresses)
    assert all(one.names[0][1] for one in found)


def test_a_second_server_is_asked_where_the_first_is_silent(server: NameServer) -> None:
    server.host(ONE, "right.example.org")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        both = [Server("127.0.0.1", deaf.getsockname()[1]), Server("127.0.0.1", server.port)]
        found = Resolver(both, per_second=1000, timeout=0.1, attempts=2).look_up(ipaddress.ip_address(ONE).packed)
    assert found.names == (("right.example.org", True),)


def test_it_gives_up_where_nobody_answers() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        one = Resolver([Server("127.0.0.1", deaf.getsockname()[1])], per_second=1000, timeout=0.02, attempts=1)
        addresses = (ipaddress.ip_address(0x2D212000 + n).packed for n in range(5000))
        with pytest.raises(TeitenError, match=r"addresses in a row no answer came from 127\.0\.0\.1:\d+"):
            list(resolver.look_up_all(one, addresses))
    assert one.tally.questions < resolver.GIVE_UP + 2 * resolver.IN_FLIGHT


def test_who_stops_early_leaves_no_thread_asking(server: NameServer) -> None:
    for n in range(200):
        server.host(f"45.33.32.{n}", f"h{n}.example.org")
    before = threading.active_count()
    addresses = [ipaddress.ip_address(f"45.33.32.{n}").packed for n in range(200)]
    for _ in resolver.look_up_all(Resolver([Server("127.0.0.1", server.port)], per_second=1000, timeout=1), addresses):
        break
    # the loop above drops the iterator, which ends it
    assert threading.active_count() == before
    assert len(server.asked) < 60


# servers ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("192.0.2.53", Server("192.0.2.53")),
        ("192.0.2.53:5353", Server("192.0.2.53", 5353)),
        ("[2001:db8::53]", Server("2001:db8::53")),
        ("[2001:db8::53]:5353", Server("2001:db8::53", 5353)),
    ],
)
def test_servers_are_read_and_written(text: str, server: Server) -> None:
    assert resolver.parse_server(text) == server
    assert str(server) == text
    assert resolver.parse_server(server.address) == Server(server.address)


@pytest.mark.parametrize("text", ["", "dns.example.org", "192.0.2.53:0", "192.0.2.53:99999", "192.0.2.300", "::1]:x"])
def test_what_is_no_server(text: str) -> None:
    with pytest.raises(UsageError, match="is no name server"):
        resolver.parse_server(text)


def test_a_machine_without_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    import dns.resolver

    def none() -> Any:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver, "Resolver", none)
    with pytest.raises(TeitenError, match="no name server to ask"):
        resolver.system_servers()


@pytest.mark.skipif(
    shutil.which("dnsmasq") is None and not Path("/usr/sbin/dnsmasq").exists(), reason="dnsmasq is not installed"
)
def test_beside_dnsmasq(tmp_path: Path) -> None:
    """A name server that others wrote."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        shutil.which("dnsmasq") or "/usr/sbin/dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
        "--bind-interfaces", "--listen-address=127.0.0.1", f"--port={port}", f"--pid-file={tmp_path / 'pid'}", "--user=",
        f"--host-record=census7.shodan.io,{ONE},{SIX}",
        f"--ptr-record={dns.reversename.from_address('45.33.32.157').to_text(omit_final_dot=True)},lying.shodan.io",
        "--address=/shodan.io/45.33.32.1",
    ]  # fmt: skip
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            assert b"started" in line, line
            one = Resolver([Server("127.0.0.1", port)], per_second=1000, timeout=1)
            told = {a: one.look_up(ipaddress.ip_address(a).packed) for a in (ONE, SIX, "45.33.32.157", "45.33.32.158")}
        finally:
            process.terminate()
    assert told[ONE].names == told[SIX].names == (("census7.shodan.io", True),)
    assert told["45.33.32.157"].names == (("lying.shodan.io", False),)
    assert told["45.33.32.158"].status in ("none", "failed")


def test_wire_of_the_test_server_is_a_right_answer(server: NameServer) -> None:
    """The server that the others rest on, asked without the code under test."""
    server.host(ONE, "right.example.org")
    question = dns.message.make_query(where(), "PTR")
    with socket.create_connection(("127.0.0.1", server.port), timeout=1) as tcp:
        wire = question.to_wire()
        tcp.sendall(struct.pack("!H", len(wire)) + wire)
        reply = dns.message.from_wire(tcp.recv(4096)[2:])
    assert reply.answer[0][0].to_text() == "right.example.org."
