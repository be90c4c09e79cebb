"""The audit log: lines of JSON that nothing breaks out of, in a bounded number of bytes, what is lost counted."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest

from teiten.web.users import audit
from teiten.web.users.audit import Audit

NASTY = '\x1b[2J\x1b]0;x\x07 \r\n{"what": "login"} \x00 \x7f \x9b31m \u202e \u2028 <script> 日本'


def test_a_line_is_a_line(tmp_path: Path) -> None:
    own = Audit(tmp_path)
    own.tell("sql", NASTY, NASTY, query=NASTY, none=None, empty="", number=7)
    raw = (tmp_path / "audit.jsonl").read_bytes()
    assert raw.count(b"\n") == 1 and not re.search(rb"[^\x20-\x7e\n]", raw)
    (line,) = own.lines()
    assert line["query"] == NASTY and line["number"] == 7 and "none" not in line and "empty" not in line
    assert stat.S_IMODE((tmp_path / "audit.jsonl").stat().st_mode) == 0o600


def test_a_long_text_is_cut(tmp_path: Path) -> None:
    own = Audit(tmp_path)
    own.tell("sql", "ada", query="x" * 1_000_000)
    assert own.path.stat().st_size < 4000 and "1000000 characters" in own.lines()[0]["query"]


def test_it_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "LARGEST", 3000)
    own = Audit(tmp_path)
    for n in range(400):
        own.tell("login", f"user{n}")
    files = sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("audit"))
    assert files == ["audit.jsonl", *(f"audit.jsonl.{n}" for n in range(1, audit.KEPT + 1))]
    assert all((tmp_path / name).stat().st_size <= 3000 for name in files)
    last = [line["who"] for line in own.lines(60)]
    assert last == [f"user{n}" for n in range(340, 400)], "across files, in order"


def test_what_cannot_be_written_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = Audit(tmp_path)
    own.tell("login", "one")
    real = os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda handle, data: real(handle, data[:10]))
        own.tell("login", "two")
        own.tell("login", "three")
    own.tell("login", "four")
    found = own.lines()
    assert [line["who"] for line in found] == ["one", "four"] and found[1]["lost before"] == 2
    assert capsys.readouterr().err.count("cannot be written") == 1


def test_a_broken_line_is_told_as_it_is(tmp_path: Path) -> None:
    own = Audit(tmp_path)
    own.tell("login", "one")
    with own.path.open("ab") as stream:
        stream.write(b"half a li\xff\n[1]\n")
    assert [line["what"] for line in own.lines()] == ["login", "no line of ours", "no line of ours"]
    assert Audit(tmp_path / "nowhere").lines() == []


def test_no_link_is_followed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "audit.jsonl").symlink_to(tmp_path / "victim")
    Audit(tmp_path).tell("login", "one")
    assert not (tmp_path / "victim").exists() and "cannot be written" in capsys.readouterr().err
