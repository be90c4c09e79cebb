"""A letter as an IODEF document, version 2 (RFC 7970): an incident, an event for each host. The target has no address."""

from __future__ import annotations

import datetime as dt
from typing import Final
from xml.etree import ElementTree

from teiten import inert
from teiten.classify import rules as judged
from teiten.notify import tables
from teiten.notify.group import Letter
from teiten.notify.hosts import Host, Row
from teiten.settings import Settings

SPACE: Final = "urn:ietf:params:xml:ns:iodef-2.0"
_XML: Final = "{http://www.w3.org/XML/1998/namespace}lang"
_TARGET: Final = "sensors of the reporter; their addresses are not told"


def document(letter: Letter, number: str, settings: Settings, now: dt.datetime) -> bytes:
    """The document, in UTF-8."""
    own = settings.notifying
    root = ElementTree.Element("IODEF-Document", {"xmlns": SPACE, "version": "2.00", _XML: "en"})
    incident = _add(root, "Incident", purpose="reporting", restriction="need-to-know")
    _add(incident, "IncidentID", number, name=own.mail.rpartition("@")[2])
    _add(incident, "StartTime", _time(min(host.first for host in letter.hosts)))
    _add(incident, "EndTime", _time(max(host.last for host in letter.hosts)))
    _add(incident, "GenerationTime", _time(now))
    _add(incident, "Description", _said(letter))
    found = _add(incident, "Discovery", source="third-party-monitoring")
    for rule in sorted({rule for host in letter.hosts for rule in host.findings}):
        known = judged.rule(rule)
        because = judged.because(rule, "en", settings) or ""
        _add(found, "Description", f"{rule}: {because} ({known.source if known else ''})")
    _contact(incident, "creator", own.name, own.mail)
    if letter.group.contact.mail:
        _contact(incident, "abuse", letter.group.contact.name, letter.group.contact.mail)
    for host in letter.hosts:
        _event(incident, host)
    ElementTree.indent(root, " ")
    return (
        ElementTree.tostring(root, encoding="unicode", xml_declaration=False)
        .join(('<?xml version="1.0" encoding="UTF-8"?>\n', "\n"))
        .encode()
    )


def _said(letter: Letter) -> str:
    packets = sum(host.packets for host in letter.hosts)
    return f"sources: {len(letter.hosts)}, packets: {packets}; part {letter.part} of {letter.parts}"


def _contact(parent: ElementTree.Element, role: str, name: str, mail: str) -> None:
    contact = _add(parent, "Contact", role=role, type="organization")
    if name:
        _add(contact, "ContactName", name)
    _add(_add(contact, "Email"), "EmailTo", mail)


def _event(parent: ElementTree.Element, host: Host) -> None:
    event = _add(parent, "EventData")
    _add(event, "StartTime", _time(host.first))
    _add(event, "EndTime", _time(host.last))
    assessment = _add(event, "Assessment", occurrence="actual" if host.claim == "infected" else "potential")
    kind = {"type": "takeover-system"} if host.claim != "scanned" else {}
    _add(assessment, "SystemImpact", f"{host.claim}: {host.evidence}", **kind)
    _add(assessment, "Confidence", tables.sure(host), rating="numeric")
    for row in host.rows:
        _flow(event, host, row)


def _flow(event: ElementTree.Element, host: Host, row: Row) -> None:
    """A day and port. Several ports together have no service at the target."""
    flow = _add(event, "Flow")
    source = _add(flow, "System", category="source", spoofed="unknown")
    node = _add(source, "Node")
    _add(node, "Address", host.address, category="ipv4-addr" if len(host.packed) == 4 else "ipv6-addr")
    if host.asn is not None:
        _add(node, "Address", str(host.asn), category="asn")
    if row.protocol is not None:
        service = _add(source, "Service", **{"ip-protocol": str(row.protocol)})
        if row.src_port is not None:
            _add(service, "Port", str(row.src_port))
    _add(source, "Counter", str(row.packets), type="counter", unit="packet")
    _add(source, "Description", f"{_time(row.first)} to {_time(row.last)}; packets with Mirai's mark: {row.marked}")
    target = _add(flow, "System", category="target")
    _add(_add(target, "Node"), "Location", _TARGET)
    if row.alone and row.protocol is not None:
        service = _add(target, "Service", **{"ip-protocol": str(row.protocol)})
        if row.dst_port is not None:
            _add(service, "Port", str(row.dst_port))
    elif not row.alone:
        _add(target, "Description", f"{row.ports} further ports")


def _add(parent: ElementTree.Element, name: str, text: str = "", /, **attributes: str) -> ElementTree.Element:
    child = ElementTree.SubElement(parent, name, attributes)
    if text:
        child.text = inert.line(text)
    return child


def _time(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
