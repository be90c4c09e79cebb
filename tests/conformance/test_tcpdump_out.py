"""What tcpdump printed of the captures of its own tests, beside our events: addresses, ports, header fields, flags, sequence.

Its expected outputs lie beside the captures, so that no tcpdump is needed. Only the outermost IP packet is compared, and only
what tcpdump says of it: it stops where it finds a header impossible. What differs is listed with its reason.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from tests.conformance.test_captures import decoded

pytestmark = pytest.mark.full

CHOOSING: Final = ("--print-sampling", "--skip", "-H", "--", "pppoes", "and")
"""options of tcpdump that leave packets out, or number them otherwise"""

PRINTED: Final = re.compile(r"^ {0,5}(\d+)  ")
STAMP: Final = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6})(?:\d{3})? ")
IP4: Final = re.compile(
    r"\(tos 0x[0-9a-f]+(?:,ECT\(\d\)|,CE)?(?:, ttl (\d+))?, id (\d+), offset (\d+), flags \[([^\]]*)\]"
    r", proto [^(]*\((\d+)\), length (\d+)"
)
IP6: Final = re.compile(
    r"\((?:class 0x[0-9a-f]+, )?(?:flowlabel 0x[0-9a-f]+, )?hlim (\d+), next-header .*?\((\d+)\),? payload length:? (\d+)\)"
)
END: Final = r"([0-9a-f:]*:[0-9a-f:.]+|\d+\.\d+\.\d+\.\d+(?:\.\w[\w-]*)?)"
PAIR: Final = re.compile(rf"(?<![\w:.]){END} > {END}\s*:")
TCP: Final = re.compile(r"^\s*(?:\[[^\]]*\] )?Flags \[([A-Zinoe.]+)\]")
WORDS: Final[dict[str, tuple[int, int | None]]] = {
    "ICMP echo request": (8, 0), "ICMP echo reply": (0, 0), "ICMP time exceeded in-transit": (11, 0),
    "ICMP time stamp query": (13, 0), "ICMP time stamp reply": (14, 0), "ICMP address mask request": (17, 0),
    "ICMP address mask reply": (18, 0), "ICMP router advertisement": (9, None), "ICMP router solicitation": (10, None),
    "ICMP6, echo request": (128, 0), "ICMP6, echo reply": (129, 0), "ICMP6, neighbor solicitation": (135, 0),
    "ICMP6, neighbor advertisement": (136, 0), "ICMP6, router solicitation": (133, 0), "ICMP6, router advertisement": (134, 0),
    "ICMP6, redirect": (137, 0), "ICMP6, packet too big": (2, 0), "ICMP6, parameter problem": (4, None),
    "ICMP6, time exceeded": (3, None), "ICMP6, destination unreachable": (1, None),
}  # fmt: skip
UNREACHABLE: Final = re.compile(r"ICMP (\S+) (?:(udp|tcp) port \S+|protocol \d+|host|net) ?unreachable")
FLAGS: Final = {"F": 1, "S": 2, "R": 4, "P": 8, ".": 16, "U": 32, "E": 64, "W": 128, "e": 256}
KINDS: Final = {"none": 0, "+": 1, "DF": 2, "rsvd": 4}

FRAGMENT: Final = "tcpdump's length is the fragment's own; ours would be the datagram's, which no fragment tells"
EXPLAINED: Final[dict[tuple[str, str], str]] = {
    ("ipv6_jumbogram_invalid_length", "ip_len"): "a payload length of 0 before hop-by-hop options, as of a jumbogram",
    ("kday4", "payload_len"): "a total length beyond the record: tcpdump counts the bytes that are there, ours is the header's",
    ("bgp-bgp_capabilities_print-oobr", "payload_len"): FRAGMENT, ("bgp_pmsi_tunnel-oobr", "payload_len"): FRAGMENT,
}  # fmt: skip


@dataclass(frozen=True)
class Difference:
    out: str
    packet: int
    field: str
    ours: Any
    theirs: Any

    @property
    def reason(self) -> str | None:
        found = (why for (out, field), why in EXPLAINED.items() if self.out.startswith(out) and self.field.startswith(field))
        return next(found, None)


@dataclass
class Conversations:
    """tcpdump prints the first packet's sequence numbers as they are, the later ones counted from there (print-tcp.c)."""

    bases: dict[tuple[Any, ...], tuple[int, int]] = field(default_factory=dict)

    def shown(self, event: dict[str, Any], seq: int, ack: int) -> tuple[set[int], set[int]]:
        """What may be printed for a sequence and an acknowledgement number."""
        ends = (event["src_ip"], event["src_port"]), (event["dst_ip"], event["dst_port"])
        key, turned = tuple(sorted(ends, key=str)), ends != tuple(sorted(ends, key=str))
        if not event["tcp_flags"] & 16:
            return {seq}, {ack}
        if key not in self.bases or event["tcp_flags"] & 2:
            self.bases[key] = (ack - 1, seq) if turned else (seq, ack - 1)
            return {seq}, {ack}
        mine, other = self.bases[key][::-1] if turned else self.bases[key]
        return {seq, (seq - mine) % 2**32}, {ack, (ack - other) % 2**32}


def records(out: Path) -> Iterator[tuple[int, str]]:
    """Number and text of every packet that was printed."""
    number, lines = 0, []
    for line in out.read_text(encoding="utf-8", errors="replace").splitlines():
        if found := PRINTED.match(line):
            if number:
                yield number, "\n".join(lines)
            number, lines = int(found[1]), [line[found.end() :]]
        else:
            lines.append(line)
    if number:
        yield number, "\n".join(lines)


def address(text: str) -> tuple[str, int | None] | None:
    """Address and port, where it has one, as tcpdump writes them."""
    parts = text.split(".")
    if ":" in text:
        host, _, port = text.partition(".") if len(parts) < 4 else (text, "", "")
    else:
        host, port = ".".join(parts[:4]), ".".join(parts[4:])
    try:
        return str(ipaddress.ip_address(host)), int(port) if port.isdecimal() else None
    except ValueError:
        return None


def told(text: str, event: dict[str, Any] | None, talks: Conversations) -> dict[str, Any]:
    """Column -> what tcpdump says of the outermost IP packet; a set where it may be one of several. Empty: of none."""
    out: dict[str, Any] = {}
    four, six = IP4.search(text), IP6.search(text)
    verbose = min((m for m in (four, six) if m), key=lambda m: m.start(), default=None)
    began = verbose.end() if verbose else 0
    pair = PAIR.search(text, began)
    if pair is None or not re.search(r"\bIP6? |\(tos 0x", text[: pair.start()]):
        return {}
    ends = address(pair[1]), address(pair[2])
    if None in ends:
        return {}
    if stamp := STAMP.search(text.split("\n")[0]):
        out["time"] = stamp[1]
    out |= {"src_ip": ends[0][0], "dst_ip": ends[1][0]}
    if ends[0][1] is not None and ends[1][1] is not None:
        out |= {"src_port": ends[0][1], "dst_port": ends[1][1]}
    if verbose is not None and verbose is four:
        ttl, ident, offset, flags, protocol, length = four.groups()
        out |= {"ttl": int(ttl or 0), "ip_id": int(ident), "frag_offset": int(offset), "protocol": int(protocol)}
        out |= {"ip_len": int(length), "ip_flags": sum(KINDS[one] for one in flags.split(", "))}
    elif verbose is not None:
        out |= {"ttl": int(six[1]), "ip_len": int(six[3]) + 40}
    return out | above(text[pair.end() :], out, event, talks)


def above(text: str, so_far: dict[str, Any], event: dict[str, Any] | None, talks: Conversations) -> dict[str, Any]:
    """What the first line after the addresses says of the transport header."""
    out: dict[str, Any] = {}
    line = text.lstrip().split("\n")[0]
    if flags := TCP.match(line):
        out["tcp_flags"] = 0 if flags[1] == "none" else sum(FLAGS[one] for one in flags[1])
        rest = line[flags.end() :].split("options [", 1)[0]
        if event and event["tcp_seq"] is not None and event["tcp_flags"] is not None:
            seqs, acks = talks.shown(event, event["tcp_seq"], event["tcp_ack"])
            if seq := re.search(r"\bseq (\d+)", rest):
                out["tcp_seq"] = {event["tcp_seq"]} if int(seq[1]) in seqs else {int(seq[1])}
            if ack := re.search(r"\back (\d+)", rest):
                out["tcp_ack"] = {event["tcp_ack"]} if int(ack[1]) in acks else {int(ack[1])}
        if window := re.search(r"\bwin (\d+)", rest):
            out["tcp_window"] = int(window[1])
        if length := re.search(r", length (\d+)(?:[:\s\[]|$)", re.sub(r"options \[[^\]]*\]", "", line)):
            out["payload_len"] = int(length[1])
        return out
    if length := re.match(r"(?:\[[^\]]*\] )?UDP, length (\d+)", line):
        out["payload_len"] = int(length[1])
    for words, (kind, code) in WORDS.items():
        if line.startswith(words):
            out["icmp_type"] = kind
            if code is not None:
                out["icmp_code"] = code
    if UNREACHABLE.match(line):
        out["icmp_type"] = 3
    return out


def pairs(folder: Path) -> Iterator[tuple[Path, Path]]:
    """(capture, expected output) of tcpdump's list that number packets as the capture does."""
    for line in (folder / "TESTLIST").read_text(encoding="utf-8").splitlines():
        words = line.split()
        if len(words) < 3 or line.startswith("#") or any(word.startswith(CHOOSING) for word in words[3:]):
            continue
        capture, out = folder / words[1], folder / words[2]
        if capture.is_file() and out.is_file():
            yield capture, out


def test_events_say_what_tcpdump_printed(shared_data: Path) -> None:
    folder = shared_data / "packets" / "tcpdump"
    values: Counter[str] = Counter()
    strange, met, packets, files = [], set(), 0, 0
    known: dict[Path, dict[int, dict[str, Any]]] = {}
    for capture, out in pairs(folder):
        files += 1
        if capture not in known:
            known[capture] = decoded(str(capture))[0]
        talks = Conversations()
        for number, text in records(out):
            packets += 1
            event = known[capture].get(number)
            theirs = told(text, event, talks)
            found = [Difference(out.name, number, "missing", None, theirs)] if theirs and event is None else []
            for name, value in theirs.items() if event else ():
                values[name] += 1
                ours = event[name].strftime("%Y-%m-%d %H:%M:%S.%f") if name == "time" else event[name]
                if ours not in (value if isinstance(value, set) else {value}):
                    found.append(Difference(out.name, number, name, ours, value))
            met |= {one.reason for one in found}
            strange += [one for one in found if one.reason is None]
    told_of = ", ".join(f"{name} {count}" for name, count in values.most_common())
    print(f"\n{packets} packets that tcpdump printed in {files} outputs; {values.total()} values held against ours: {told_of};")
    print(f"{len(strange)} unexplained differences")
    assert not strange, "\n".join(map(str, strange[:200]))
    gone = set(EXPLAINED.values()) - met
    assert not gone, f"no longer seen: {gone}"
    assert values.total() > 10_000
