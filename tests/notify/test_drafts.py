"""Folders of letters: every host in one place, no address of a sensor in any byte, heads that nobody can inject into."""

from __future__ import annotations

import base64
import csv
import datetime as dt
import io
import json
import re
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from tests.notify import conftest as own

from teiten.errors import TeitenError, UsageError
from teiten.lake import Lake
from teiten.notify import contacts, drafts, forms, hosts, kept
from teiten.notify.contacts import Contact
from teiten.settings import Settings

NOW = dt.datetime(2026, 10, 28, 3, 0, tzinfo=dt.UTC)


def _prepared(chosen: Settings, found: hosts.Found, folder: Path, known: contacts.Contacts | None = None) -> drafts.Plan:
    lake = Lake.open(chosen.lake)
    if known is None:
        known = contacts.load(chosen.notifying.contacts, chosen.notifying.rdap)
    with kept.writing(lake.path) as writer:
        made = drafts.plan(found, known, writer.book, chosen, NOW)
        drafts.write(made, found, folder, chosen, NOW, forms.FORMS, writer)
    return made


def _everything(folder: Path) -> dict[str, bytes]:
    """Every file, and every part of every mail, decoded."""
    out = {}
    for file in sorted(folder.rglob("*")):
        if not file.is_file():
            continue
        name = str(file.relative_to(folder))
        content = out[name] = file.read_bytes()
        if file.suffix == ".eml":
            for n, part in enumerate(message_from_bytes(content, policy=policy.default).walk()):
                if not part.is_multipart():
                    out[f"{name} part {n}"] = part.get_payload(decode=True)  # type: ignore[assignment]
        if file.suffix == ".jsonl":
            for n, line in enumerate(content.splitlines()):
                for item in json.loads(line)["evidence"]:
                    out[f"{name} line {n}"] = base64.b64decode(item["payload"])
    return out


def _spellings(address: str) -> list[bytes]:
    a, b, c, d = map(int, address.split("."))
    number = (a << 24) + (b << 16) + (c << 8) + d
    told = [address, f"{a}-{b}-{c}-{d}", f"{d}.{c}.{b}.{a}", f"{number:08x}", f"{number:08X}", str(number)]
    return [text.encode() for text in told]


def test_no_canary_in_any_byte(chosen: Settings, found: hosts.Found, tmp_path: Path) -> None:
    made = _prepared(chosen, found, tmp_path / "out")
    assert made.prepared == len(own.INFECTED) + 2
    told = _everything(tmp_path / "out")
    assert any("part" in name for name in told) and any(name.endswith("xarf.mbox") for name in told)
    words = {name: set(re.findall(rb"[0-9A-Za-z.\-]+", content)) for name, content in told.items()}
    for address in own.CANARIES:
        for spelling in _spellings(address):
            for name, found_words in words.items():
                assert spelling not in found_words, (name, spelling)
    book = (chosen.lake / "notify" / "told.jsonl").read_bytes()
    assert not any(address.encode() + b'"' in book for address in own.CANARIES)


def test_a_letter_that_would_name_one_is_not_written(chosen: Settings, found: hosts.Found, tmp_path: Path) -> None:
    known = contacts.Contacts()
    secret = own.CANARIES[7].replace(".", "-")
    import ipaddress

    known.add(ipaddress.ip_network("8.8.0.0/16"), Contact("abuse@example.net", f"host {secret} desk"))
    with pytest.raises(TeitenError, match="address of a sensor"):
        _prepared(chosen, found, tmp_path / "out", known)
    assert not (tmp_path / "out").exists() and not kept.load(chosen.lake).letters


def test_every_host_is_in_one_place(chosen: Settings, found: hosts.Found, tmp_path: Path) -> None:
    made = _prepared(chosen, found, tmp_path / "out")
    told = json.loads((tmp_path / "out" / drafts.SUMMARY).read_text())
    parts = [told[key] for key in ("hosts_prepared", "hosts_nobody_known", "hosts_told_already", "hosts_next_time")]
    assert sum(parts) + sum(told["hosts_left_out"].values()) == told["hosts_found"] == 45
    index = list(csv.DictReader(io.StringIO((tmp_path / "out" / drafts.INDEX).read_text("utf-8-sig"))))
    assert [(row["mail"], row["claim"], row["hosts"]) for row in index] == [
        ("abuse@example.jp", "infected", "40"), ("abuse@example.net", "scanned", "1"), ("abuse@example.net", "suspected", "1")
    ]  # fmt: skip
    assert [letter.parts for _, letter in made.letters] == [1, 1, 1]
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out" / index[0]["folder"] / "hosts.csv").read_text("utf-8-sig"))))
    assert {row["ip"] for row in rows} == set(own.INFECTED)
    assert sum(int(row["packets"]) for row in rows) == int(index[0]["packets"]) == 40 * 3 * own.DAYS


def test_heads_of_a_mail_that_others_wrote(chosen: Settings, tmp_path: Path) -> None:
    import ipaddress

    names = [
        "Ex\r\nBcc: victim@example.org",
        "a\u2028Subject: x",
        "=?utf-8?q?Bcc=3A_x?=",
        '"quoted" <b@example.org>,',
        "例え\x00\x1b[2J",
    ]
    for n, name in enumerate(names):
        known = contacts.Contacts()
        known.add(ipaddress.ip_network("8.0.0.0/8"), Contact("abuse@example.net", contacts.one_line(name), "en", "UTC"))
        some = hosts.Found([own.host("8.8.8.8")], hosts.Counter(), set())
        some.hosts[0].as_name = "=cmd|' /C calc'!A0\r\nX-Evil: 1"
        _prepared(chosen, some, tmp_path / str(n), known)
        content = next((tmp_path / str(n)).rglob("mail.eml")).read_bytes()
        mail = message_from_bytes(content, policy=policy.default)
        assert [one.addr_spec for one in mail["To"].addresses] == ["abuse@example.net"]
        assert mail["Bcc"] is None and mail["X-Evil"] is None and len(mail.get_all("Subject")) == 1
        assert b"\x1b" not in content and b"\r\nBcc" not in content
        table = next((tmp_path / str(n)).rglob("hosts.csv")).read_text("utf-8-sig")
        assert "'=cmd" in table, "a spreadsheet takes no cell for a formula"
        for one in _everything(tmp_path / str(n)).values():
            assert b"\nX-Evil" not in one


def test_the_hour_that_occurs_twice_has_its_offset(chosen: Settings, tmp_path: Path) -> None:
    import ipaddress

    known = contacts.Contacts()
    known.add(ipaddress.ip_network("8.0.0.0/8"), Contact("abuse@example.net", "", "en", "Europe/Berlin"))
    one = own.host("8.8.8.8")
    at = dt.datetime(2026, 10, 25, 0, 30, tzinfo=dt.UTC)
    row = hosts.Row(at.date(), 6, 23, at, at + dt.timedelta(hours=1), 40000, 2, 2)
    one.rows[:] = [row]
    _prepared(chosen, hosts.Found([one], hosts.Counter(), set()), tmp_path / "out", known)
    text = next((tmp_path / "out").rglob("hosts.csv")).read_text("utf-8-sig")
    table = next(csv.DictReader(io.StringIO(text)))
    assert (table["first_local"], table["last_local"]) == ("2026-10-25 02:30:00 +02:00", "2026-10-25 02:30:00 +01:00")
    assert (table["first_utc"], table["last_utc"]) == ("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z")


def test_a_letter_has_a_bounded_size(chosen: Settings, tmp_path: Path) -> None:
    import ipaddress

    known = contacts.Contacts()
    known.add(ipaddress.ip_network("8.0.0.0/8"), Contact("abuse@example.net", "", "ja", "UTC"))
    some = hosts.Found([own.host(f"8.1.{n // 250}.{n % 250}") for n in range(1000)], hosts.Counter(), set())
    small = own.told_by(chosen, most_bytes=20_000, most_letters=4)
    made = _prepared(small, some, tmp_path / "out", known)
    assert len(made.letters) == 4 and made.beyond > 0
    assert made.prepared + made.beyond == 1000
    for file in (tmp_path / "out").rglob("hosts.csv"):
        assert len(file.read_bytes()) <= 20_000 + 300
    text = drafts.parts(next((tmp_path / "out").rglob("mail.eml")).read_bytes())["part-1.txt"].decode()
    assert f"このほかに{made.beyond:,}アドレス" in text and "4通に分けて" in text
    addresses = [address for letter in kept.load(chosen.lake).letters.values() for address in letter.hosts]
    assert len(addresses) == len(set(addresses)) == made.prepared, "what is not in a letter is not told"


def test_another_preparation_withdraws_the_one_before(chosen: Settings, found: hosts.Found, tmp_path: Path) -> None:
    _prepared(chosen, found, tmp_path / "out")
    _prepared(chosen, found, tmp_path / "out")
    states = [one.state for one in kept.load(chosen.lake).letters.values()]
    assert sorted(states) == ["prepared"] * 3 + ["withdrawn"] * 3
    assert len(drafts.ready(tmp_path / "out", kept.load(chosen.lake))) == 3


def test_a_folder_of_something_else_is_left_alone(chosen: Settings, found: hosts.Found, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(UsageError):
        _prepared(chosen, found, tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "x"


@pytest.mark.parametrize("change", ["To: other@example.org", "Cc: other@example.org", "gone"])
def test_a_draft_that_goes_elsewhere_is_not_sent(chosen: Settings, found: hosts.Found, tmp_path: Path, change: str) -> None:
    _prepared(chosen, found, tmp_path / "out")
    file = next((tmp_path / "out").rglob("mail.eml"))
    content = file.read_bytes()
    if change == "gone":
        file.unlink()
    elif change.startswith("To"):
        file.write_bytes(re.sub(rb"To: (.|\r\n )*?\r\n(?! )", change.encode() + b"\r\n", content, count=1))
    else:
        file.write_bytes(change.encode() + b"\r\n" + content)
    before = drafts.ready(tmp_path / "out", kept.load(chosen.lake))
    assert [bool(one.trouble) for one in before].count(True) == 1


def test_what_confirms_is_of_these_bytes(chosen: Settings, found: hosts.Found, tmp_path: Path) -> None:
    _prepared(chosen, found, tmp_path / "out")
    first = drafts.ready(tmp_path / "out", kept.load(chosen.lake))
    file = first[0].file
    file.write_bytes(file.read_bytes().replace(b"Subject", b"subject", 1))
    second = drafts.ready(tmp_path / "out", kept.load(chosen.lake))
    assert drafts.confirmation(first) != drafts.confirmation(second) != drafts.confirmation(second[:2])


@pytest.mark.parametrize("language", ["ja", "en"])
def test_what_a_letter_says(chosen: Settings, tmp_path: Path, language: str) -> None:
    import ipaddress

    known = contacts.Contacts()
    known.add(ipaddress.ip_network("8.8.8.0/24"), Contact("abuse@example.net", "Example", language, "Asia/Tokyo"))
    some = hosts.Found([own.host(f"8.8.8.{n}", n=6) for n in range(1, 25)], hosts.Counter(), set())
    _prepared(chosen, some, tmp_path / "out", known)
    told = drafts.parts(next((tmp_path / "out").rglob("mail.eml")).read_bytes())
    text = told["part-1.txt"].decode()
    for part in ("8.8.8.1 (AS64500)", "2026-10-24 00:00:00 +09:00", "2026-10-23T15:00:00Z", "23/tcp", "40000", "tool_mirai",
                 "NICTER", "99.9", "観測チーム例", "notify@example.org", "https://example.org/observation/", "hosts.csv",
                 "8.8.8.0/24"):  # fmt: skip
        assert part in text, part
    assert "100" not in text, "nothing is certain"
    assert "8.8.8.24" not in text and b"8.8.8.24" in told["hosts.csv"], "twenty in the letter, all in the table"
