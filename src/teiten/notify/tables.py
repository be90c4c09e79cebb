"""The rows of a letter as tables: `hosts.csv` with local times and UTC, and Shadowserver's columns. No destination address."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from teiten import inert
from teiten.engine.filters import PROTOCOL_NAMES
from teiten.notify.contacts import Contact
from teiten.notify.hosts import Host, Row
from teiten.notifying import Notifying
from teiten.publish.hosts import SHADOWSERVER

COLUMNS: Final = (
    "first_local", "last_local", "first_utc", "last_utc", "ip", "asn", "as_name", "country", "contact_by", "src_port",
    "protocol", "dst_port", "other_ports", "packets", "packets_marked", "claim", "rules", "confidence",
)  # fmt: skip
"""of hosts.csv: a row for a host, a day and a port that it tried; `other_ports`: how many further ports it counts together"""
NAMES: Final = {"csv": "hosts.csv", "shadowserver": "shadowserver.csv"}
INFECTIONS: Final = {"tool_mirai": "mirai", "mirai_wide": "mirai"}


def rows(hosts: Iterable[Host], contact: Contact, by: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The rows of hosts.csv. Times local to the contact have their offset, so that an hour that occurs twice is no riddle."""
    zone = ZoneInfo(contact.zone or "UTC")
    for host in hosts:
        for row in host.rows:
            yield {
                "first_local": local(row.first, zone), "last_local": local(row.last, zone),
                "first_utc": utc(row.first), "last_utc": utc(row.last),
                "ip": host.address, "asn": host.asn, "as_name": host.as_name, "country": host.country,
                "contact_by": by.get(host.address, ""), "src_port": row.src_port, "protocol": protocol(row),
                "dst_port": row.dst_port, "other_ports": None if row.alone else row.ports, "packets": row.packets,
                "packets_marked": row.marked, "claim": host.claim, "rules": host.evidence,
                "confidence": sure(host),
            }  # fmt: skip


def shadowserver(hosts: Iterable[Host], source: str) -> Iterator[dict[str, Any]]:
    """The rows in Shadowserver's columns, of hosts of IPv4 (its report of IPv6 is another). source: who says so."""
    for host in hosts:
        if len(host.packed) != 4:
            continue
        infection = next((INFECTIONS[rule] for rule in host.findings if rule in INFECTIONS), None)
        for row in host.rows:
            known = {
                "timestamp": row.first.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S"), "protocol": protocol(row),
                "src_ip": host.address, "src_port": row.src_port, "src_asn": host.asn, "src_geo": host.country,
                "dst_port": row.dst_port, "public_source": source or None,
                "infection": infection if host.claim == "infected" else None,
                "tag": host.evidence.replace(" ", ";") + ("" if row.alone else f";other_ports:{row.ports}"),
                "count": row.packets,
            }  # fmt: skip
            yield {name: known.get(name) for name in SHADOWSERVER}


def table(form: str, hosts: Iterable[Host], contact: Contact, by: Mapping[str, str], source: str) -> bytes:
    """A CSV of the form 'csv' or 'shadowserver'. hosts.csv begins with the mark of UTF-8, by which spreadsheets know it."""
    sink = io.StringIO()
    columns = COLUMNS if form == "csv" else SHADOWSERVER
    writer = csv.writer(sink, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows(hosts, contact, by) if form == "csv" else shadowserver(hosts, source):
        writer.writerow(["" if row[name] is None else inert.cell(inert.line(str(row[name]))) for name in columns])
    return sink.getvalue().encode("utf-8-sig" if form == "csv" else "utf-8")


def size(host: Host, contact: Contact, by: str, rules: Notifying) -> int:
    """Bytes that a host adds to what is attached."""
    told = {host.address: by}
    return sum(
        len(table(form, [host], contact, told, rules.name)) - len(table(form, [], contact, told, ""))
        for form in rules.attach or ("csv",)
    )


def protocol(row: Row) -> str | None:
    """Its name; nothing for several ports together."""
    return None if row.protocol is None else PROTOCOL_NAMES.get(row.protocol, str(row.protocol))


def sure(host: Host) -> str:
    """How sure, cut to four digits: never 1."""
    return f"{min(int(max(host.findings.values()) * 10_000), 9_999) / 10_000:.4f}"


def local(at: dt.datetime, zone: ZoneInfo) -> str:
    """2026-10-25 01:30:00 +02:00."""
    return at.astimezone(zone).isoformat(" ", timespec="seconds")[:19] + " " + at.astimezone(zone).isoformat()[-6:]


def utc(at: dt.datetime) -> str:
    """2026-10-24T23:30:00Z."""
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
