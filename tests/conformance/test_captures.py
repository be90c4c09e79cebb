"""Every capture that others made: as many packets as capinfos counts, and tshark's values for the outermost IP packet.

What differs is listed with its reason; a difference that is not listed fails, and so does a listed one that is gone.
"""

from __future__ import annotations

import csv
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from teiten import readers
from teiten.frame import addresses_as_text
from teiten.readers import _input
from teiten.readers._base import ReadOptions
from teiten.settings import Reading

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(shutil.which("tshark") is None, reason="needs tshark, which is not installed here"),
]

FIELDS = (
    "frame.number", "frame.time_epoch", "frame.protocols", "ip.src", "ip.dst", "ip.proto", "ip.ttl", "ip.id", "ip.len",
    "ip.flags.rb", "ip.flags.df", "ip.flags.mf", "ip.frag_offset", "ipv6.src", "ipv6.dst", "ipv6.hlim", "ipv6.plen",
    "ipv6.fraghdr.offset", "tcp.srcport", "tcp.dstport", "tcp.seq_raw", "tcp.ack_raw", "tcp.flags", "tcp.window_size_value",
    "tcp.hdr_len", "udp.srcport", "udp.dstport", "icmp.type", "icmp.code", "icmpv6.type", "icmpv6.code", "sctp.srcport",
    "sctp.dstport",
)  # fmt: skip
PLAIN_DISSECTION = (
    "ip.defragment:FALSE", "ipv6.defragment:FALSE", "tcp.desegment_tcp_streams:FALSE", "tcp.relative_sequence_numbers:FALSE",
)  # fmt: skip
# tshark numbers blocks that are no packets as frames, so that its numbers are not ours
NUMBERED_OTHERWISE = ("basic/test018.pcapng", "difficult/test202.pcapng")

STOPS = "tshark stops at an impossible or a cut header; ours are the bytes that are there"
ADDRESSES_CUT = "the record ends within the addresses, of which an event needs both"
TOO_SHORT = "a total length below the header's: tshark shows nothing, the addresses are there"
BIG_TCP = "BIG TCP: tshark stops at a payload length of 0; tcpdump reads on, as we do"
EXPLAINED: dict[tuple[str, str], str] = {
    ("bug-6887-", "tcp_seq"): STOPS, ("ip_fragmented_garbage", "tcp_"): STOPS, ("kerberos_fuzz", "tcp_"): STOPS,
    ("fuzz-2006-06-26-2594", "tcp_"): STOPS, ("fuzz-2006-09-29-28586", "tcp_"): STOPS,
    ("tcp_header_heapoverflow", "tcp_"): STOPS,
    ("sctp-pkt-too-small", ""): STOPS, ("icmp-icmp_print-oobr", "icmp_"): STOPS,
    ("ipv4_invalid_length", "missing"): ADDRESSES_CUT, ("ipv6_39_byte_header", "missing"): ADDRESSES_CUT,
    ("ipv6_invalid_length", "missing"): ADDRESSES_CUT, ("ip6-trunc", "missing"): ADDRESSES_CUT,
    ("detect-ipopts", "dst_ip"): "tshark shows the last hop of a source route as the destination; ours is the header's",
    ("jumbo", "ip_len"): "a jumbogram's length is in an option; the header's 0 is no length",
    ("quic_32_bit_pointer_overflow", "ip_len"): "a payload length of 0 before hop-by-hop options, as of a jumbogram",
    ("bigtcp-ipv6-", "src_port"): BIG_TCP, ("bigtcp-ipv6-", "dst_port"): BIG_TCP,
    ("802_15_4-data", "missing"): "6LoWPAN's compressed headers",
    ("LINKTYPE_IPV4_invalid", "missing"): "the link type says IPv4, the header IPv6; tcpdump calls it invalid as well",
    ("arista_ether", "extra"): "tshark does not know this spelling of Arista's time stamp; tcpdump shows the packet",
    ("cve2015-0261", "extra"): "tshark takes it for data; tcpdump shows the packet",
    ("icmp6_nodeinfo_oobr", "extra"): "tshark takes it for data; tcpdump shows the packet",
    ("ipv4_invalid_total_length", "extra"): TOO_SHORT, ("ipv4-truncated-broken-header", "extra"): TOO_SHORT,
    ("mpls-6in6-broken", ""): "scrambled labels that happen to end before something like IPv4; offloading's 0 for a length",
    ("timestamp_invalid_micro", "time"): "a fraction of more than a second is left out; it does not count up the seconds",
    ("fuzz-2021-10-13", "missing"): "a length of 2^31 ends the reading",
}  # fmt: skip
QUOTED = "the fragment header is in the packet that an ICMPv6 error quotes"


@dataclass(frozen=True)
class Difference:
    file: str
    frame: int
    field: str
    ours: Any
    theirs: Any
    protocols: str

    @property
    def reason(self) -> str | None:
        if self.field == "frag_offset" and self.ours is None and ":icmpv6:ipv6" in self.protocols:
            return QUOTED
        found = (why for (file, field), why in EXPLAINED.items() if file in self.file and self.field.startswith(field))
        return next(found, None)


@pytest.fixture(scope="module")
def captures(shared_data: Path) -> list[dict[str, str]]:
    with (shared_data / "packets" / "INDEX.csv").open(encoding="utf-8") as index:
        return [row | {"path": str(shared_data / "packets" / row["file"])} for row in csv.DictReader(index)]


def decoded(path: str) -> tuple[dict[int, dict[str, Any]], Counter[str]]:
    """Packet's number -> event, and how many records ended how."""
    source = _input.of(Path(path), Reading())
    reader = readers.pick(source.head(), "auto", path)
    assert reader.NAME == "capture", path
    words = {0: "event", **reader.REASONS, **reader.KINDS}
    events: dict[int, dict[str, Any]] = {}
    count: Counter[str] = Counter()
    for chunk in reader.read(source, ReadOptions(zone=ZoneInfo("UTC"))):
        before = count.total()
        for line, row in zip(chunk.event_line.tolist(), addresses_as_text(chunk.events).to_dicts(), strict=True):
            events[before + line + 1] = row
        count.update(words[code] for code in chunk.outcome.tolist())
    return events, count


def test_counts_are_those_of_capinfos(captures: list[dict[str, str]]) -> None:
    """Where capinfos can read it at all; a record that cannot be one is the end of ours and of its reading."""
    wrong = []
    for row in captures:
        _, count = decoded(row["path"])
        found = count.total() - count["impossible record length"]
        if row["packets"] and int(row["packets"]) != found and "fuzz-2021-10-13" not in row["file"]:
            wrong.append((row["file"], row["packets"], count))
    assert not wrong
    assert len(captures) > 900


def tshark(path: str) -> list[dict[str, str]]:
    command = ["tshark", "-n", "-r", path, "-T", "fields", "-E", "separator=/t", "-E", "occurrence=a", "-E", "aggregator=;"]
    command += [word for option in PLAIN_DISSECTION for word in ("-o", option)]
    command += [word for name in FIELDS for word in ("-e", name)]
    # a capture that is cut makes tshark end with 2, after what it could read
    found = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=120, check=False)
    return [dict(zip(FIELDS, line.split("\t"), strict=False)) for line in found.stdout.splitlines()]


def number(text: str, times: int = 1) -> int | None:
    text = text.split(";")[0]
    if text in ("True", "False"):
        return int(text == "True")
    return int(text, 0) * times if text else None


def first(text: str) -> str | None:
    return text.split(";")[0] or None


def compare(file: str, event: dict[str, Any] | None, frame: dict[str, str]) -> Iterator[Difference]:
    """The differences between an event and a frame as tshark tells it."""
    layers = frame["frame.protocols"].split(":")
    version = next((4 if layer == "ip" else 6 for layer in layers if layer in ("ip", "ipv6")), 0)
    if version == 4 and not frame["ip.src"] and frame["ipv6.src"]:
        version = 6
    there = bool(frame["ip.src"] if version == 4 else frame["ipv6.src"] if version == 6 else "")
    at = int(frame["frame.number"])

    def differ(field: str, ours: Any, theirs: Any) -> Difference:
        return Difference(file, at, field, ours, theirs, frame["frame.protocols"])

    if event is None:
        if there:
            yield differ("missing", None, first(frame["ip.src"]) or first(frame["ipv6.src"]))
        return
    if not there:
        yield differ("extra", event["src_ip"], None)
        return
    for field, theirs in told(event, frame, layers, version).items():
        if event[field] != theirs:
            yield differ(field, event[field], theirs)
    stamp = frame["frame.time_epoch"]
    if event["time_basis"] == "stated" and abs(event["time"].timestamp() - float(stamp or 0)) > 2e-6:
        yield differ("time", event["time"], stamp)


def told(event: dict[str, Any], frame: dict[str, str], layers: list[str], version: int) -> dict[str, Any]:
    """Our columns -> tshark's values, for what the frame tells of the outermost packet."""
    out: dict[str, Any] = {}
    if version == 4:
        out |= {"src_ip": first(frame["ip.src"]), "dst_ip": first(frame["ip.dst"]), "protocol": number(frame["ip.proto"])}
        out |= {"ttl": number(frame["ip.ttl"]), "ip_id": number(frame["ip.id"]), "ip_len": number(frame["ip.len"])}
        bits = [number(frame[f"ip.flags.{name}"]) for name in ("rb", "df", "mf")]
        out["ip_flags"] = None if bits[0] is None else bits[0] * 4 + (bits[1] or 0) * 2 + (bits[2] or 0)
        out["frag_offset"] = number(frame["ip.frag_offset"], 8)
    else:
        length = number(frame["ipv6.plen"])
        out |= {"src_ip": first(frame["ipv6.src"]), "dst_ip": first(frame["ipv6.dst"]), "ttl": number(frame["ipv6.hlim"])}
        out["ip_len"] = None if length is None else length + 40
        if frame["ipv6.fraghdr.offset"]:
            out["frag_offset"] = number(frame["ipv6.fraghdr.offset"], 8)
    name = "ip" if version == 4 else "ipv6"
    above = [layer for layer in layers[(layers.index(name) if name in layers else 0) + 1 :] if not layer.startswith("ipv6.")]
    if above and not event["frag_offset"]:
        out |= above_ip(event, frame, above)
    return out


def above_ip(event: dict[str, Any], frame: dict[str, str], above: list[str]) -> dict[str, Any]:
    pair = (event["protocol"], above[0])
    if pair == (6, "tcp"):
        header, flags = number(frame["tcp.hdr_len"]), number(frame["tcp.flags"])
        return {
            "src_port": number(frame["tcp.srcport"]), "dst_port": number(frame["tcp.dstport"]),
            "tcp_seq": number(frame["tcp.seq_raw"]), "tcp_ack": number(frame["tcp.ack_raw"]),
            "tcp_window": number(frame["tcp.window_size_value"]), "tcp_flags": None if flags is None else flags & 0x1FF,
            "tcp_opt_len": None if header is None or header < 20 else header - 20,
        }  # fmt: skip
    if pair in ((17, "udp"), (132, "sctp")):
        return {f"{end}_port": number(frame[f"{above[0]}.{end}port"]) for end in ("src", "dst")}
    if pair in ((1, "icmp"), (58, "icmpv6")):
        out: dict[str, Any] = {f"icmp_{what}": number(frame[f"{above[0]}.{what}"]) for what in ("type", "code")}
        quoted = {1: "ip", 58: "ipv6"}[event["protocol"]]
        sources = frame[f"{quoted}.src"].split(";")
        if above[1:2] == [quoted] and len(sources) > 1:
            out["inner_src_ip"] = sources[1]
            out["inner_dst_ip"] = frame[f"{quoted}.dst"].split(";")[1]
            if above[2:3] in (["tcp"], ["udp"]):
                out |= {f"inner_{end}_port": number(frame[f"{above[2]}.{end}port"]) for end in ("src", "dst")}
        else:
            out["inner_src_ip"] = None
        return out
    return {}


@pytest.mark.timeout(1800)
def test_fields_are_tsharks(captures: list[dict[str, str]]) -> None:
    rows = [row for row in captures if row["packets"] and not row["file"].endswith(NUMBERED_OTHERWISE)]
    with ThreadPoolExecutor(4) as pool:
        frames = list(pool.map(lambda row: tshark(row["path"]), rows))
    packets, strange, met = 0, [], set()
    for row, theirs in zip(rows, frames, strict=True):
        ours, _ = decoded(row["path"])
        for frame in theirs:
            packets += 1
            for found in compare(row["file"], ours.get(int(frame["frame.number"])), frame):
                met.add(found.reason)
                if found.reason is None:
                    strange.append(found)
    print(f"\n{packets} packets of {len(rows)} captures beside tshark's: {len(strange)} unexplained differences")
    assert not strange, "\n".join(map(str, strange[:20]))
    assert packets > 35_000
    gone = set(EXPLAINED.values()) - met - {EXPLAINED["fuzz-2021-10-13", "missing"]}
    assert not gone, f"no longer seen: {gone}"
