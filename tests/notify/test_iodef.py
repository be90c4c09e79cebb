"""IODEF as RFC 7970 has it: order and multiplicity of what is written; its schema where it is at hand."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.notify import conftest as own

from teiten.notify import group, iodef
from teiten.notify.contacts import Contact
from teiten.settings import Settings

SPACE = f"{{{iodef.SPACE}}}"
SCHEMA = Path(__file__).parents[2].parent / "shared" / "data" / "iodef" / "iodef-2.0.xsd"
# RFC 7970, sections 3.2 to 3.19: the classes that are written, children in their order, with how often
CLASSES = {
    "IODEF-Document": "Incident+",
    "Incident": "IncidentID StartTime? EndTime? GenerationTime Description* Discovery* Contact+ EventData*",
    "Discovery": "Description*",
    "Contact": "ContactName* Email*",
    "Email": "EmailTo",
    "EventData": "StartTime? EndTime? Assessment? Flow*",
    "Assessment": "SystemImpact+ Confidence?",
    "Flow": "System+",
    "System": "Node+ Service* Counter* Description*",
    "Node": "Address* Location*",
    "Service": "Port?",
}


def _letter(*hosts: str) -> group.Letter:
    told = [own.host(one, n=3) for one in hosts]
    told[0].rows[1] = own.hosts.Row(own.BEGIN.date(), None, None, told[0].first, told[0].last, 7, 9, 9, 5, False)
    named = group.Group(Contact("abuse@example.net", "Net <&> \x07", "en", "UTC"), told)
    return group.Letter(named, tuple(told), 1, 1, 0)


def _order(element: ElementTree.Element) -> None:
    name = element.tag.removeprefix(SPACE)
    children = "".join(f"{child.tag.removeprefix(SPACE)} " for child in element)
    if name in CLASSES:
        pattern = "".join(
            rf"(?:{re.escape(part.rstrip('*+?'))} ){part[len(part.rstrip('*+?')) :]}" for part in CLASSES[name].split()
        )
        assert re.fullmatch(pattern, children), (name, children)
    else:
        assert not children, name
    for child in element:
        _order(child)


def test_the_classes_stand_in_their_order(once: Settings) -> None:
    content = iodef.document(_letter("8.8.8.8", "2400:cb00::17"), "n1", once, own.BEGIN)
    root = ElementTree.fromstring(content)
    assert root.tag == f"{SPACE}IODEF-Document" and root.get("version") == "2.00"
    _order(root)
    addresses = [one.text for one in root.iter(f"{SPACE}Address") if one.get("category") in ("ipv4-addr", "ipv6-addr")]
    assert set(addresses) == {"8.8.8.8", "2400:cb00::17"}
    targets = [one for one in root.iter(f"{SPACE}System") if one.get("category") == "target"]
    assert targets and not any(list(one.iter(f"{SPACE}Address")) for one in targets), "no target has an address"
    assert sum(float(one.text or 0) for one in root.iter(f"{SPACE}Counter")) == 3 + 9 + 2


@pytest.mark.full
def test_the_schema_accepts_it(once: Settings) -> None:
    """RFC 7970's schema before its last change: there an Email was a plain text, in the RFC it holds an EmailTo."""
    if not SCHEMA.is_file():
        pytest.skip(f"{SCHEMA} is not here")
    xmlschema = pytest.importorskip("xmlschema")
    text = re.sub(r"<xs:import namespace=\"urn:ietf:params:xml:ns:iodef-(enum|sci)-1.0\"[^>]*/>", "", SCHEMA.read_text())
    text = re.sub(r"<xs:element ref=\"(enum|sci):[^>]*/>", "", text)
    text = re.sub(r"type=\"(enum|sci):[^\"]*\"", 'type="xs:anyType"', text)
    schema = xmlschema.XMLSchema(text, validation="lax")
    content = iodef.document(_letter("8.8.8.8", "2400:cb00::17"), "n1", once, own.BEGIN).decode()
    told = re.sub(r"<Email>\s*<EmailTo>(.*?)</EmailTo>\s*</Email>", r"<Email>\1</Email>", content)
    assert not list(schema.iter_errors(told))
    assert list(schema.iter_errors(told.replace('category="target"', 'category="victim"'))), "it can refuse"
