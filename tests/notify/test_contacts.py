"""Contacts: the longest prefix, then the AS; bad lines with their places; names and mails that others wrote."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teiten.errors import InputError
from teiten.notify import contacts


def _read(tmp_path: Path, text: str) -> contacts.Contacts:
    file = tmp_path / "contacts.csv"
    file.write_text(text, encoding="utf-8")
    return contacts.load(file, None)


def _mail(known: contacts.Contacts, address: str, asn: int | None = None) -> str:
    found = known.of(ipaddress.ip_address(address).packed, asn).contact
    return found.mail if found else ""


def test_the_longest_prefix_then_the_as(tmp_path: Path) -> None:
    known = _read(
        tmp_path,
        "prefix,asn,mail\n192.0.2.0/24,,a@example.net\n192.0.2.128/25,,b@example.net\n,AS64500,c@example.net\n"
        "2001:db8::/32,,six@example.net\n",
    )
    assert not known.remarks and known.count == 4
    assert _mail(known, "192.0.2.5", 64500) == "a@example.net"
    assert _mail(known, "192.0.2.200", 64500) == "b@example.net"
    assert _mail(known, "198.51.100.1", 64500) == "c@example.net"
    assert _mail(known, "2001:db8::9") == "six@example.net"
    assert _mail(known, "198.51.100.1", 64501) == ""
    assert known.of(ipaddress.ip_address("192.0.2.200").packed, 1).by == "192.0.2.128/25"


def test_bad_lines_have_places_and_the_others_count(tmp_path: Path) -> None:
    known = _read(
        tmp_path,
        "mail,prefix,asn,language,zone\nx@example.net,nonsense,,,\nno mail,192.0.2.0/24,,,\n# a remark\n\n"
        "x@example.net,,AS0,,\nx@example.net,192.0.2.0/24,AS1,,\nx@example.net,192.0.2.0/24,,de,\n"
        "x@example.net,192.0.2.0/24,,,Mars/Olympus\na,b,c,d,e,f\nx@example.net,192.0.2.0/24,,,\ny@example.net,192.0.2.0/24,,,\n",
    )
    assert known.count == 1 and _mail(known, "192.0.2.1") == "x@example.net"
    assert [remark.split(":")[1] for remark in known.remarks] == ["2", "3", "6", "7", "8", "9", "10", "12"]
    assert all(remark.startswith("contacts.csv:") for remark in known.remarks)


@pytest.mark.parametrize("text", ["", "a,b,c\n1,2,3\n", "mail\nx@example.net\n", "mail,mail,asn\n"])
def test_what_is_no_list_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError):
        _read(tmp_path, text)


def test_a_mail_of_other_letters_is_ascii() -> None:
    assert contacts.mail_address(" Abuse@例え.テスト ") == "Abuse@xn--r8jz45g.xn--zckzah"
    assert contacts.mail_address("a.b+c@EXAMPLE.net") == "a.b+c@example.net"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "a@",
        "@b.c",
        "a b@example.net",
        "a@b",
        "a@-b.net",
        "a@b..net",
        "a@192.0.2.1",
        "名@example.net",
        "a@example.net\nBcc: x@y.z",
        "a@example.net,b@example.net",
        "a@b@example.net",
        "x" * 65 + "@example.net",
        "a@" + "x" * 260 + ".net",
        "<a@example.net>",
        "a@\ud800.net",
    ],
)
def test_what_is_no_mail(text: str) -> None:
    with pytest.raises(ValueError):
        contacts.mail_address(text)


@given(st.text(max_size=300))
def test_any_text_is_a_name_of_one_line(text: str) -> None:
    told = contacts.one_line(text)
    assert told.isprintable() and len(told) <= 200 and "\n" not in told and "\r" not in told


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=400))
def test_any_file_is_read_or_refused(text: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "c.csv"
        file.write_text("prefix,asn,mail,name\n" + text, encoding="utf-8")
        known = contacts.load(file, None)
    assert known.count >= 0


def test_language_and_zone_of_those_that_state_none() -> None:
    japan = contacts.filled(contacts.Contact("abuse@example.jp"), None, "UTC")
    assert (japan.language, japan.zone) == ("ja", "Asia/Tokyo")
    other = contacts.filled(contacts.Contact("abuse@example.net"), None, "Europe/Berlin")
    assert (other.language, other.zone) == ("en", "Europe/Berlin")
    assert contacts.filled(contacts.Contact("abuse@example.net"), "ja", "UTC").language == "ja"
