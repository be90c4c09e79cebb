"""RDAP answers as registries give them, and as nobody should."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from teiten.errors import InputError
from teiten.notify import contacts, rdap


def _card(mail: str, name: str = "Abuse Desk") -> list[Any]:
    return ["vcard", [["version", {}, "text", "4.0"], ["fn", {}, "text", name], ["email", {"type": "work"}, "text", mail]]]


def _network(**more: Any) -> dict[str, Any]:
    entity = {"objectClassName": "entity", "roles": ["abuse"], "vcardArray": _card("abuse@example.net")}
    return {
        "objectClassName": "ip network",
        "startAddress": "192.0.2.0",
        "endAddress": "192.0.2.255",
        "ipVersion": "v4",
        "entities": [entity],
        **more,
    }


def _known(tmp_path: Path, *told: Any, raw: bytes | None = None) -> contacts.Contacts:
    for number, one in enumerate(told):
        (tmp_path / f"{number}.json").write_text(json.dumps(one))
    if raw is not None:
        (tmp_path / "raw.json").write_bytes(raw)
    return contacts.load(None, tmp_path)


def _mail(known: contacts.Contacts, address: str, asn: int | None = None) -> str:
    found = known.of(ipaddress.ip_address(address).packed, asn).contact
    return found.mail if found else ""


def test_a_network_by_its_range_and_by_its_prefixes(tmp_path: Path) -> None:
    odd = _network(startAddress="198.51.100.0", endAddress="198.51.100.130")
    stated = _network(
        startAddress="203.0.113.0", endAddress="203.0.113.255", cidr0_cidrs=[{"v4prefix": "203.0.113.0", "length": 25}]
    )
    six = _network(startAddress="2001:db8::", endAddress="2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", ipVersion="v6")
    known = _known(tmp_path, _network(country="JP"), odd, stated, six)
    assert not known.remarks
    assert _mail(known, "192.0.2.9") == _mail(known, "198.51.100.130") == _mail(known, "2001:db8::1") == "abuse@example.net"
    assert _mail(known, "198.51.100.131") == _mail(known, "203.0.113.200") == ""
    found = known.of(ipaddress.ip_address("192.0.2.9").packed, None).contact
    assert found is not None and (found.name, found.language, found.zone) == ("Abuse Desk", "ja", "Asia/Tokyo")


def test_the_abuse_entity_may_be_within_another_and_the_nearest_counts(tmp_path: Path) -> None:
    deep = {"roles": ["abuse"], "vcardArray": _card("deep@example.net")}
    near = {"roles": ["technical", "abuse"], "vcardArray": _card("near@example.net")}
    within = _network(entities=[{"roles": ["registrant"], "vcardArray": _card("owner@example.net"), "entities": [deep]}])
    both = {
        "objectClassName": "autnum",
        "startAutnum": 64500,
        "endAutnum": 64510,
        "entities": [{"roles": [], "entities": [deep]}, near],
    }
    known = _known(tmp_path, within, both)
    assert _mail(known, "192.0.2.1") == "deep@example.net"
    assert _mail(known, "198.51.100.1", 64505) == "near@example.net"


@pytest.mark.parametrize(
    "told",
    [
        None,
        7,
        "text",
        [],
        {},
        {"objectClassName": "domain"},
        _network(entities=None),
        _network(entities={"roles": "abuse"}),
        _network(entities=[{"roles": "abuse", "vcardArray": _card("a@example.net")}]),
        _network(startAddress=None),
        _network(startAddress="192.0.2.9", endAddress="192.0.2.1"),
        _network(endAddress="2001:db8::1"),
        _network(startAddress={"a": 1}),
        _network(cidr0_cidrs=[{"v4prefix": "192.0.2.0", "length": 99}]),
        _network(entities=[{"roles": ["abuse"], "vcardArray": [1, 2]}]),
        _network(entities=[{"roles": ["abuse"], "vcardArray": _card("evil@example.net\r\nBcc: all@example.net")}]),
        {"objectClassName": "autnum", "startAutnum": True, "endAutnum": 5, "entities": _network()["entities"]},
        {"objectClassName": "autnum", "startAutnum": 9, "endAutnum": 5, "entities": _network()["entities"]},
    ],
)
def test_what_names_nobody_is_told_of_and_nothing_breaks(tmp_path: Path, told: Any) -> None:
    known = _known(tmp_path, told)
    assert known.count == 0
    assert bool(known.remarks) == (told != [])


def test_huge_deep_and_broken_files(tmp_path: Path) -> None:
    (tmp_path / "huge.json").write_bytes(b" " * (rdap.MOST_BYTES + 1))
    (tmp_path / "deep.json").write_bytes(b"[" * 200_000)
    (tmp_path / "bytes.json").write_bytes(bytes(range(256)))
    known = _known(tmp_path, _network())
    assert known.count == 1 and len(known.remarks) == 3


def test_entities_without_end_are_left(tmp_path: Path) -> None:
    wide = _network(entities=[{"roles": ["noc"]}] * 5000 + _network()["entities"])
    deep: dict[str, Any] = _network()["entities"][0]
    for _ in range(20):
        deep = {"roles": ["noc"], "entities": [deep]}
    known = _known(tmp_path, wide, _network(entities=[deep], startAddress="198.51.100.0", endAddress="198.51.100.255"))
    assert known.count == 0 and len(known.remarks) == 2


def test_a_place_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        contacts.load(None, tmp_path / "nothing")


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=12)
    | st.sampled_from(["abuse", "ip network", "autnum", "192.0.2.0"]),
    lambda some: (
        st.lists(some, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "objectClassName",
                    "entities",
                    "roles",
                    "vcardArray",
                    "startAddress",
                    "endAddress",
                    "startAutnum",
                    "cidr0_cidrs",
                ]
            ),
            some,
            max_size=5,
        )
    ),
    max_leaves=10,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(_JSON)
def test_any_json(told: Any) -> None:
    out = contacts.Contacts()
    try:
        rdap._object(told, "x", out)
    except ValueError:
        assert out.count == 0
