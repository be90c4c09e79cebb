"""Who was told: lines that a kill may cut anywhere, what a contact was told of, forgetting."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path

import pytest

from teiten.errors import LakeBusyError, LakeError
from teiten.notify import kept


def _prepared(number: str, *hosts: str, mail: str = "abuse@example.net", evidence: str = "tool_mirai") -> dict[str, object]:
    return {
        "what": "prepared",
        "id": number,
        "at": "2026-10-28T00:00:00+00:00",
        "contact": {"mail": mail, "name": "N", "language": "en"},
        "folder": "/f",
        "digest": "d",
        "subject": "s",
        "hosts": [[one, evidence] for one in hosts],
        "packets": 3,
        "networks": ["AS1"],
        "first": "2026-10-24T00:00:00+00:00",
        "last": "2026-10-25T00:00:00+00:00",
    }


def test_every_cut_leaves_the_lines_before_it(tmp_path: Path) -> None:
    with kept.writing(tmp_path) as writer:
        writer.add(_prepared("a", "8.8.8.8"), _prepared("b", "8.8.4.4"))
        writer.state("sending", writer.book.letters["a"])
        writer.state("sent", writer.book.letters["a"])
    file = tmp_path / kept.FOLDER / kept.NAME
    whole = file.read_bytes()
    ends = [n + 1 for n, byte in enumerate(whole) if byte == 10]
    for size in range(len(whole)):
        file.write_bytes(whole[:size])
        lines = sum(end <= size for end in ends)
        book = kept.load(tmp_path)
        assert len(book.letters) == min(lines, 2)
        if lines >= 2:
            assert book.letters["a"].state == ("prepared", "doubt", "sent")[lines - 2]
    # and what is written after a cut is read
    file.write_bytes(whole[: ends[2] - 5])
    with kept.writing(tmp_path) as writer:
        assert writer.book.letters["a"].state == "prepared"
        writer.state("sent", writer.book.letters["b"], by="hand")
    book = kept.load(tmp_path)
    assert (book.letters["a"].state, book.letters["b"].state, book.letters["b"].by) == ("prepared", "sent", "hand")


def test_what_a_contact_was_told_of(tmp_path: Path) -> None:
    with kept.writing(tmp_path) as writer:
        writer.add(_prepared("a", "8.8.8.8", "8.8.4.4"), _prepared("b", "8.8.8.8", mail="x@example.net"))
        writer.state("sent", writer.book.letters["a"])
        told = writer.book.told("abuse@example.net")
        assert set(told) == {"8.8.8.8", "8.8.4.4"} and told["8.8.8.8"][1] == {"tool_mirai"}
        assert not writer.book.told("x@example.net")
        writer.state("sending", writer.book.letters["b"])
        assert set(writer.book.told("x@example.net")) == {"8.8.8.8"}, "a letter in doubt counts as told"
        assert [one.id for one in writer.book.about("8.8.8.8")] in (["a", "b"], ["b", "a"])
        writer.state("decided", writer.book.letters["b"], sent=False)
        assert not writer.book.told("x@example.net")
    rows = kept.rows_of(list(kept.load(tmp_path).letters.values()))
    assert {row["id"]: row["state"] for row in rows} == {"a": "sent", "b": "prepared"}


def test_one_at_a_time(tmp_path: Path) -> None:
    with kept.writing(tmp_path), pytest.raises(LakeBusyError), kept.writing(tmp_path):
        pass


def test_a_book_that_cannot_be_understood_is_not_passed_over(tmp_path: Path) -> None:
    with kept.writing(tmp_path) as writer:
        writer.add(_prepared("a", "8.8.8.8"), _prepared("b", "8.8.8.8"))
    file = tmp_path / kept.FOLDER / kept.NAME
    first, second = file.read_bytes().splitlines(keepends=True)
    for wrong in (b"{}\n", b'{"what":"sent","id":"zzz","at":"x"}\n', b'["prepared"]\n{"what":"nothing","id":"a"}\n'):
        file.write_bytes(first + wrong + second)
        with pytest.raises(LakeError, match="line"):
            kept.load(tmp_path)


def test_forgetting_takes_the_address_out(tmp_path: Path) -> None:
    with kept.writing(tmp_path) as writer:
        writer.add(_prepared("a", "8.8.8.8", "8.8.4.4"), _prepared("b", "2001:db8::1"))
        writer.state("sent", writer.book.letters["a"])
    network = ipaddress.ip_network("8.8.8.0/24")
    assert kept.holds(tmp_path, network) == 1
    assert kept.forget(tmp_path, network) == 1
    assert b"8.8.8.8" not in (tmp_path / kept.FOLDER / kept.NAME).read_bytes()
    book = kept.load(tmp_path)
    assert set(book.letters["a"].hosts) == {"8.8.4.4"} and book.letters["a"].state == "sent"
    assert kept.forget(tmp_path, network) == 0 and json.loads((tmp_path / kept.FOLDER / kept.NAME).read_bytes().splitlines()[0])
